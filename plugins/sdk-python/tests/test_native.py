"""What is in C gives what Python gives, and keeps nothing. With `_wellhead` on the path all other tests hold it too."""

import datetime
import enum
import gc
import itertools
import os
import random
import tracemalloc
import unittest
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from wellhead import Channel, Decimals, Failed, Fixed, Format, Generator, Key, Operation, Rng, Stream, WrongValue
from wellhead import fixed, rfc3339, to_json, values, writer
from wellhead.native import native


class Colour(enum.Enum):
    RED = "r\"ed"
    BLUE = 7


@dataclass
class Inner:
    a: Any
    b: Any = None


class Words(str):
    """Text, by another name."""


class Pairs(dict):
    """A dict, likewise."""


class Odd:
    """JSON has no form for it."""


TEXTS = [
    *("", "a", "plain text of some length", 'quo"te', "back\\slash", "\x00\x1f\x7f\n\t\b\f\r", "ä", "日本", "😀" * 9),
    *("\u2028", "longer than eight, then \x01 a control", "x" * 5_000 + '"', "\ud800"),
]


def value(draw, depth):
    """Something, mostly with a form in JSON."""
    leaf = draw.randrange(16 if depth else 10)
    if leaf < 3:
        return draw.choice(TEXTS if draw.random() < 0.3 else TEXTS[:-1])
    if leaf == 3:
        return draw.choice([0, -1, 7, 10**9, -(2**31), 2**53, 2**63 - 1, -(2**63), 2**64, -(10**30)])
    if leaf == 4:
        return draw.choice([0.0, -0.0, 1.5, 1e16, 1e-7, 1e300, 5e-324, 0.1 + 0.2, draw.random(), -draw.gauss(0, 1e9)])
    if leaf == 5:
        return Fixed(draw.choice([0, -5, 10**12, draw.randrange(10**6)]), draw.randrange(0, 12))
    if leaf < 9:
        return draw.choice([None, True, False, Colour.RED, Colour.BLUE, Operation.DELETE, Words('w"'), Inner(1, [2])])
    if leaf == 9:
        return draw.choice([Odd(), float("nan"), {1, 2}, {3: 4}, b"x"]) if draw.random() < 0.05 else 5
    inner = [value(draw, depth - 1) for _ in range(draw.randrange(4))]
    if leaf < 12:
        return inner if leaf == 10 else tuple(inner)
    if leaf == 12:
        return Inner(*inner[:1] or [None], *inner[1:2])
    return (Pairs if leaf == 13 else dict)((draw.choice(TEXTS[:-1]), each) for each in inner)


class Alike(unittest.TestCase):
    def test_it_is_there_where_it_was_asked_for(self):
        self.assertEqual(native is not None, bool(os.environ.get("WELLHEAD_TEST_NATIVE")))

    def test_json_of_anything(self):
        def made(write, each):
            try:
                return write(each)
            except WrongValue as wrong:
                return f"wrong: {wrong}"

        draw, wrong = random.Random(1), 0
        for _ in range(20_000):
            each = value(draw, 3)
            expected = made(values._in_python, each)
            self.assertEqual(made(to_json, each), expected)
            wrong += expected.startswith("wrong")
        self.assertTrue(100 < wrong < 10_000, wrong)

    def test_what_contains_itself(self):
        circle = [1]
        circle.append({"again": circle})
        with self.assertRaisesRegex(WrongValue, "contains itself"):
            to_json(circle)
        deep = 5
        for _ in range(150):
            deep = [deep]
        self.assertEqual(to_json(deep), "[" * 150 + "5" + "]" * 150)

    def test_times_from_the_first_to_the_last(self):
        draw = random.Random(2)
        for time in [0, -1, -(10**18), 2**63 - 1, 2**63, *(draw.randrange(2**63) for _ in range(2_000))]:
            seconds, rest = divmod(time, 10**9)
            day = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
            self.assertEqual(rfc3339(time), f"{day:%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06d}Z")

    def test_below_and_chance_of_any_number(self):
        for n in [0, 1, 7, 2**32 - 1, 2**32, 2**40, -5, 2**70]:
            drawn = Rng(11).next() >> 32
            self.assertEqual(Rng(11).below(n), drawn * n >> 32)
            self.assertEqual(Rng(11).chance(n), drawn < n)
        self.assertEqual([Rng(11).chance(share) for share in (0.0, 2.0**32)], [False, True])
        for wrong in (lambda: Rng(1).below("5"), lambda: Rng(1).chance("5"), lambda: Key(5).at("1").next()):
            with self.assertRaises((TypeError, OverflowError)):
                wrong()
        self.assertEqual(Key(5).hash(-1), Key(5).hash(2**64 - 1))


class Sale(TypedDict):
    till: str
    at: Annotated[str, Format("date-time")]
    total: Annotated[float, Decimals(2)]
    more: list[int]


class Sales(Generator):
    name, version, summary = "sales", "0.1.0", "For a test."
    at: int = -1

    @classmethod
    def channels(cls, config):
        return [Channel.of("sale", {}), Channel.of("return", {})]

    def record(self, tick, out):
        if tick.index == self.at:
            return {"wrong": Odd()}
        out.key = f"till-{tick.index}"
        out.channel = f"retur{'n'}" if tick.index % 3 else 0
        out.operation = tick.index % 2
        return {"n": tick.index, "of": Inner("x" * 40)} if tick.index % 7 else sale("1", tick.time, tick.index, [])


sale = writer(Sale)


class Kept(unittest.TestCase):
    """No reference is lost: what is made again and again leaves memory as it was."""

    def keeps_nothing(self, once, times=600):
        """A reference that is lost each time, of 28 bytes at least, is seen; what is kept once isn't."""

        def run():
            for _ in range(times):
                once()
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            run()
            before = run()
            self.assertLess(run() - before, 20 * times)
        finally:
            tracemalloc.stop()

    def test_values_and_draws(self):
        draw = random.Random(3)
        some = [value(draw, 3) for _ in range(40)]

        fresh = itertools.count(10**12)

        def once():
            for each in some:
                try:
                    to_json(each)
                except WrongValue:
                    pass
            new = next(fresh)
            to_json({str(new): [new, Fixed(new, 2), new / 7, (str(new),), Inner(str(new)), Words(new), {}]})
            key = Key.stream(2**64 - 1, 3, "purpose" * 9)
            random = key.at(2**60)
            random.next(), random.below(2**31), random.below(2**50), random.chance(2**31), random.chance(0.5)
            key.draw(2**60, 5), key.hash(9), key.random(5).random(), list(zip(range(9), key.draws(2**60)))
            rfc3339(2**60), rfc3339(-(2**60)), fixed(2**60, 3)

        self.keeps_nothing(once)

    def test_writers(self):
        def once():
            write = writer(Sale)
            write("1", 2**60, 2**60, [2**60])
            write(more=[], at="noon", till="ä" * 40, total=2**60)
            for wrong in ([5, 0, 0, []], ["1"], ["1", 0, 0, [Odd()]]):
                with self.assertRaises((TypeError, WrongValue)):
                    write(*wrong)
            with self.assertRaises(TypeError):
                write("1", 0, 0, x=1)

        self.keeps_nothing(once)

    def test_streams(self):
        def once():
            stream = Stream(Sales)
            self.assertEqual(len(stream.generate(0, range(2**40, 2**40 + 50))), 50)
            stream = Stream(type("Failing", (Sales,), {"at": 20}))
            self.assertEqual(len(stream.generate(0, range(50))), 20)
            with self.assertRaises(Failed):
                stream.generate(20, range(50))

        self.keeps_nothing(once)


if __name__ == "__main__":
    unittest.main()
