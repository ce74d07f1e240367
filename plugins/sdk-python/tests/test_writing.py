"""The function that a class's records are written by: the same text as that of a dict, whatever it is given."""

import unittest
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from wellhead import Decimals, Fixed, Format, WrongValue, fixed, rfc3339, schema_of, to_json, writer


class Sale(TypedDict):
    till: str
    at: Annotated[str, Format("date-time")]
    total: Annotated[float, Decimals(2), "Euros."]


class Odd(TypedDict):
    a: Literal["x", "y"]
    b: int
    c: list[Any] | None
    d: Literal[1, 2]


Words = TypedDict("Words", {"it's {new}\n": str, "class": str, "_x": str, "ö": int})

SECOND = 1_000_000_000


class Writers(unittest.TestCase):
    def test_times_in_any_order_and_of_any_precision(self):
        write = writer(Sale)
        begin = 1_709_251_199 * SECOND
        times = [begin, begin + 1, begin + 999_999_999, begin + SECOND, begin - SECOND, 0, 5, begin + 123_456_789]
        times += [begin + 60 * SECOND + 7_000_000, begin + 8_000_000, begin + 7_999_000, 2**63 - 1]
        for time in [*times, *reversed(times)]:
            self.assertEqual(write("1", time, 5), f'{{"till":"1","at":"{rfc3339(time)}","total":0.05}}')
        self.assertEqual(write("1", "noon", 5), '{"till":"1","at":"noon","total":0.05}')

    def test_decimals_are_always_as_many(self):
        values = [0, 1, -1, 9, 10, 99, 100, -100, 12_345, -12_345, 10**4, 10**9 + 7, -(2**63), 2**64, 7.0]
        for places in range(10):
            write = writer(TypedDict("V", {"v": Annotated[float, Decimals(places)]}))
            for value in [*values, *values]:
                self.assertEqual(write(value), f'{{"v":{fixed(int(value), places)}}}')
            for value in range(-20_000, 20_000, 7):
                self.assertEqual(write(value), f'{{"v":{fixed(value, places)}}}')

    def test_fields_by_name_and_of_any_type(self):
        @dataclass
        class Point:
            name: str
            size: Fixed

        write = writer(Point)
        for name in ['a"b', "ö", "a"] * 2:
            for size in [Fixed(5, 1), Fixed(-5, 3)]:
                self.assertEqual(write(size=size, name=name), to_json({"name": name, "size": size}))
        self.assertEqual(writer(Odd)("x", 5, [1, None], 2), '{"a":"x","b":5,"c":[1,null],"d":2}')

    def test_names_that_are_none_of_pythons(self):
        values = ["a", "b", "c", 5]
        self.assertEqual(writer(Words)(*values), to_json(dict(zip(Words.__annotations__, values))))

    def test_more_values_than_a_table_has(self):
        write = writer(Sale)
        for till in range(10_000):
            made = write(str(till), 0, till * 700)
            self.assertEqual(made, f'{{"till":"{till}","at":"{rfc3339(0)}","total":{fixed(till * 700, 2)}}}')

    def test_what_is_wrong_is_told_with_its_place(self):
        write, odd = writer(Sale), writer(Odd)
        for made, said in [
            (lambda: write(5, 0, 0), "till: 5 is an int, and the field is text: write str(…)"),
            (lambda: write("a\ud800", 0, 0), "till: half of a surrogate pair"),
            (lambda: write("", None, 0), "at: None is a NoneType, and a date-time is nanoseconds"),
            (lambda: write("", 0, 1.5), "total: 1.5 is a float, and Decimals(2) takes a whole number"),
            (lambda: write("", 0, float("nan")), "total: nan is a float"),
            (lambda: write("", 0, True), "total: True is a bool"),
            (lambda: write([], 0, 0), "till: [] is a list"),
            (lambda: odd("x", {1}, None, 1), "b: a set has no form in JSON"),
            (lambda: odd("x", 1, [float("inf")], 1), "c[0]"),
        ]:
            with self.assertRaises(WrongValue) as caught:
                made()
            self.assertIn(said.split("[0]")[0], str(caught.exception))
        with self.assertRaises(TypeError):
            write("too few")

    def test_decimals_leave_a_schema_as_it_is(self):
        self.assertEqual(schema_of(Sale)["properties"]["total"], {"type": "number", "description": "Euros."})


if __name__ == "__main__":
    unittest.main()
