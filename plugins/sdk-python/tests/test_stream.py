"""The loop: batches, errors at a record, order, keys, channels and operations."""

import unittest

from wellhead import Channel, Failed, Generator, Operation, Settings, Stream, assets, log


class Base(Generator):
    name, version, summary = "test", "0.1.0", "A test."

    @classmethod
    def channels(cls, config):
        return [Channel.of("item", {}), Channel.of("event", {})]


def of(record, **attributes):
    """A stream of a generator with that `record`."""
    return Stream(type("Made", (Base,), {"record": record, **attributes}))


class Batches(unittest.TestCase):
    def test_all_that_a_record_can_be(self):
        answers = [{"a": "ä"}, '{"b":1}', b"raw", None, "", bytearray(b"x"), {"c": 1}]

        def record(self, tick, out):
            out.key = ["k", "ö", b"\xff", "unused", "", None, "z"][tick.index]
            if tick.index == 1:
                out.channel, out.operation = "event", Operation.UPSERT
            if tick.index == 6:
                out.channel, out.operation = 1, Operation.DELETE
            return answers[tick.index]

        batch = of(record).generate(0, range(7))
        made = [(each.data, each.key, each.channel, each.operation) for each in batch]
        self.assertEqual(
            made,
            [
                ('{"a":"ä"}'.encode(), b"k", 0, 0),
                (b'{"b":1}', "ö".encode(), 1, 1),
                (b"raw", b"\xff", 0, 0),
                (b"", b"", 0, 0),
                (b"", b"", 0, 0),
                (b"x", b"", 0, 0),
                (b'{"c":1}', b"z", 1, 2),
            ],
        )
        self.assertEqual(batch.payload[: batch.ends[0]].decode(), '{"a":"ä"}')

    def test_columns_that_say_nothing_are_left_out(self):
        batch = of(lambda self, tick, out: {}).generate(5, [1, 2])
        self.assertEqual((batch.ends, batch.keys, batch.key_ends), ([2, 4], b"", []))
        self.assertEqual((batch.channels, batch.operations), (b"", b""))

    def test_a_full_batch_ends_early(self):
        stream = of(lambda self, tick, out: "x" * 300_000)
        self.assertEqual([len(stream.generate(first, range(9))) for first in (0, 4)], [4, 4])

    def test_a_stream_that_ends(self):
        def record(self, tick, out):
            if tick.index >= 3:
                out.end_stream()
            return {}

        stream = of(record)
        self.assertEqual([len(stream.generate(first, range(5))) for first in (0, 3, 3)], [3, 0, 0])

    def test_one_record_leaves_nothing_on_out(self):
        def record(self, tick, out):
            if tick.index == 0:
                out.key, out.channel, out.operation = "k", 1, 1
            if tick.index == 2:
                out.key, out.channel = "left", 1
                raise ValueError("after it was set")
            return {}

        stream = of(record)
        self.assertEqual([(r.key, r.channel, r.operation) for r in stream.generate(0, range(3))], [(b"k", 1, 1), (b"", 0, 0)])
        self.assertEqual([(r.key, r.channel) for r in stream.generate(7, range(1))], [(b"", 0)])


class Errors(unittest.TestCase):
    def fails(self, record, words, before=2):
        """What comes before a failing record is given first; then it fails, again and again."""
        stream = of(record)
        self.assertEqual(len(stream.generate(0, range(5))), before)
        for _ in range(2):
            with self.assertRaises(Failed) as raised:
                stream.generate(before, range(5))
            self.assertIn(words, str(raised.exception))

    def at_two(self, wrong):
        """A `record` that is all right except at index 2."""
        return lambda self, tick, out: wrong(out) if tick.index == 2 else {}

    def test_what_is_raised_is_told_with_its_place(self):
        self.fails(self.at_two(lambda out: int("x")), "ValueError: invalid literal")
        self.fails(self.at_two(lambda out: 1 // 0), "(test_stream.py:")

        def gives_up(out):
            raise Failed("the well is empty")

        self.fails(self.at_two(gives_up), "the well is empty")

    def test_wrong_answers(self):
        self.fails(self.at_two(lambda out: 5), "`record` gave an int: return a dict")
        self.fails(self.at_two(lambda out: [{}]), "`record` gave a list")
        self.fails(self.at_two(lambda out: {"a": [float("nan")]}), "a[0]: nan is no number")
        self.fails(self.at_two(lambda out: "x\ud800"), "character 1 of the text is half of a surrogate")
        self.fails(self.at_two(lambda out: '{"a":\n1}'), "a line feed in text that is to be JSON")

    def test_wrong_keys_channels_and_operations(self):
        def set_to(**values):
            def wrong(out):
                for name, value in values.items():
                    setattr(out, name, value)
                return {}

            return self.at_two(wrong)

        self.fails(set_to(key=7), "out.key: 7 is an int, and a key is a str")
        self.fails(set_to(key="\ud800"), "out.key: character 0")
        self.fails(set_to(channel=9), "there is no channel 9; there are 'item', 'event'")
        self.fails(set_to(channel="three"), "there is no channel 'three'")
        self.fails(set_to(operation=3, key="k"), "there is no operation 3")
        self.fails(set_to(operation=Operation.DELETE), "DELETE, which needs a key")

    def test_the_first_of_several_counts(self):
        def record(self, tick, out):
            out.key = 5 if tick.index == 1 else "k"
            return 1 // 0 if tick.index == 3 else {}

        self.fails(record, "out.key", before=1)

    def test_each_of_several_places_fails(self):
        stream = of(lambda self, tick, out: {} if tick.index % 5 else 1 // 0)
        for wrong in (5, 15, 10, 5):
            self.assertEqual(len(stream.generate(wrong - 2, range(9))), 2)
            with self.assertRaisesRegex(Failed, "ZeroDivisionError"):
                stream.generate(wrong, range(9))

    def test_open_and_save(self):
        def opens(self, config, settings, state):
            raise KeyError("nothing there")

        with self.assertRaisesRegex(Failed, "KeyError: 'nothing there'"):
            of(None, open=opens)
        with self.assertRaisesRegex(Failed, "`save` gave an int"):
            of(None, save=lambda self: 5).save()

    def test_out_of_order(self):
        stream = of(lambda self, tick, out: {}, random_access=False)
        self.assertEqual(len(stream.generate(0, range(3))), 3)
        with self.assertRaisesRegex(Failed, "asked for record 5, but this generator goes in order and is at 3"):
            stream.generate(5, [0])
        self.assertEqual(len(stream.generate(3, [0])), 1)


class Around(unittest.TestCase):
    def test_shares_add_up(self):
        for count in (1, 3, 7):
            self.assertEqual(sum(Settings(0, index, count).share_of(20) for index in range(count)), 20)

    def test_assets_and_log(self):
        self.assertEqual((assets.read("none"), assets.size("none")), (None, None))
        data = bytes(range(256)) * 5_000
        assets.lay_out("data", data)
        self.assertEqual((assets.read("data"), assets.piece("data", 255, 2)), (data, b"\xff\x00"))
        with self.assertLogs("wellhead", "WARNING") as logged:
            log.warn("careful")
        self.assertEqual(logged.output, ["WARNING:wellhead:careful"])


class Loops(unittest.TestCase):
    """`records` instead of `record`."""

    def test_each_time_has_its_record(self):
        def records(self, first, times, out):
            for index, time in enumerate(times, first):
                out.key = str(index)
                out.channel = index % 2
                yield {"at": time}

        batch = of(None, records=records).generate(7, [5, 6])
        made = [(each.text, each.key, each.channel) for each in batch]
        self.assertEqual(made, [('{"at":5}', b"7", 1), ('{"at":6}', b"8", 0)])

    def test_what_stands_behind_a_yield_is_run_before_a_state_is_saved(self):
        def records(self, first, times, out):
            for _ in times:
                yield "x" * 300_000
                self.count = getattr(self, "count", 0) + 1

        stream = of(None, records=records, random_access=False, save=lambda self: bytes([self.count]))
        self.assertEqual(len(stream.generate(0, range(9))), 4)
        self.assertEqual(stream.save(), b"\x04")
        self.assertEqual(len(stream.generate(4, range(2))), 2)
        self.assertEqual(stream.save(), b"\x06")

    def test_one_that_returns_ends_the_stream(self):
        def records(self, first, times, out):
            for index, _ in enumerate(times, first):
                if index == 3:
                    return
                yield "{}"

        stream = of(None, records=records)
        self.assertEqual([len(stream.generate(0, range(9))), len(stream.generate(3, range(6)))], [3, 0])

    def test_too_many_are_an_error_behind_those_that_are_right(self):
        def one_more(self, first, times, out):
            yield from ["{}"] * (len(times) + 1)

        def without_end(self, first, times, out):
            while True:
                yield "x" * 400_000

        for records in (one_more, without_end):
            stream = of(None, records=records)
            self.assertEqual(len(stream.generate(0, range(3))), 3)
            with self.assertRaisesRegex(Failed, "more records than there were times"):
                stream.generate(3, [3])

    def test_an_exception_ends_it_at_its_record(self):
        def records(self, first, times, out):
            for index, _ in enumerate(times, first):
                if index == 2:
                    next(iter(()))
                yield "{}"

        stream = of(None, records=records)
        self.assertEqual(len(stream.generate(0, range(9))), 2)
        with self.assertRaisesRegex(Failed, "^StopIteration"):
            stream.generate(2, [2])

    def test_a_tick_that_is_kept_stays_as_it_is(self):
        kept = []

        def record(self, tick, out):
            if tick.index % 3 == 0:
                kept.append(tick)
            return {"at": tick.time}

        made = [each.json()["at"] for each in of(record).generate(0, range(100, 120))]
        self.assertEqual(made, list(range(100, 120)))
        self.assertEqual([(tick.index, tick.time) for tick in kept], [(i, 100 + i) for i in range(0, 20, 3)])


if __name__ == "__main__":
    unittest.main()
