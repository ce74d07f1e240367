"""Text of values, and values that have none."""

import enum
import json
import unittest
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from wellhead import Fixed, WrongValue, fixed, rfc3339, to_json


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: float


class Values(unittest.TestCase):
    def test_decimals_are_always_as_many(self):
        for value, decimals, text in [
            (0, 1, "0.0"),
            (-5, 2, "-0.05"),
            (1250, 2, "12.50"),
            (-12345670, 7, "-1.2345670"),
            (7, 0, "7"),
            (-7, 0, "-7"),
            (-(2**63), 3, "-9223372036854775.808"),
        ]:
            self.assertEqual(fixed(value, decimals), text)
            self.assertEqual(to_json({"v": Fixed(value, decimals)}), f'{{"v":{text}}}')

    def test_times_are_those_of_the_standard_library(self):
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
        for time in [0, 999, 59_999_999_999, 60_000_000_000, 1_709_251_199_999_999_999, 2**63 - 1, 1_000, 0]:
            whole = epoch + timedelta(microseconds=time // 1000)
            self.assertEqual(rfc3339(time), whole.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), time)

    def test_json_is_compact_and_keeps_the_order(self):
        value = {"b": [1, -2.5, True, None, "ä\n\"%s"], "a%": {"c": (1, 2)}, "": {}, "e": []}
        text = to_json(value)
        self.assertEqual(text, json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        self.assertEqual(to_json({"p": Point(1, 2.0), "c": Colour.RED}), '{"p":{"x":1,"y":2.0},"c":"red"}')

    def test_more_shapes_than_are_kept(self):
        for number in range(3_000):
            self.assertEqual(to_json({f"k{number}": number}), f'{{"k{number}":{number}}}')

    def test_what_has_no_form_says_where(self):
        loop = []
        loop.append(loop)
        for value, words in [
            ({"a": [1, {"b": float("nan")}]}, "a[1].b: nan is no number of JSON"),
            ({"a": float("-inf")}, "a: -inf is no number"),
            ({"a": {"b": "x\ud800"}}, "a.b: half of a surrogate pair ('\\ud800')"),
            ({"x\udc00": 1}, "half of a surrogate pair"),
            ({"t": {1}}, "t: a set has no form in JSON: a set has no order, write sorted(…)"),
            ({"t": b""}, "t: a bytes has no form in JSON"),
            ({"t": datetime(2026, 1, 1)}, "t: a datetime has no form in JSON: write …isoformat()"),
            ({"t": object()}, "t: an object has no form in JSON"),
            ({"a": {1: 2}}, "a: the key 1 is an int"),
            ({True: 2}, "the key True is a bool"),
            ({"a": loop}, "it contains itself"),
        ]:
            with self.assertRaises(WrongValue) as raised:
                to_json(value)
            self.assertIn(words, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
