"""On this machine, with no WebAssembly: `.venv/bin/python -m unittest`. What the host relies on besides,
`wellhead plugin test` tries."""

import unittest

from wellhead import Failed, Stream

from app import Telemetry


def records(first, count, state=None):
    """Some records, one a second, and the state after them."""
    stream = Stream(Telemetry, state=state)
    times = [1_767_225_600_000_000_000 + index * 1_000_000_000 for index in range(first, first + count)]
    return [record.text for record in stream.generate(first, times)], stream.save()


class Test(unittest.TestCase):
    def test_a_saved_state_goes_on_as_if_nothing_had_been(self):
        whole, _ = records(0, 300)
        begin, state = records(0, 123)
        end, _ = records(123, 177, state)
        self.assertEqual(whole, begin + end)
        with self.assertRaises(Failed):
            records(123, 1, state[1:])

    def test_vehicles_take_turns_and_some_go_too_fast(self):
        made, _ = records(0, 4_000)
        self.assertTrue(made[51].startswith('{"vehicle":"vehicle-1","at":"2026-01-01T00:00:51.000000Z",'))
        made = Stream(Telemetry, {"limit": 20}).generate(0, range(0, 10**13, 5 * 10**9))
        alerts = [record.json() for record in made if record.channel == 1]
        self.assertTrue(100 < len(alerts) < 1_000)
        self.assertTrue(all(alert["speed"] >= 20 and alert["limit"] == 20 for alert in alerts))


if __name__ == "__main__":
    unittest.main()
