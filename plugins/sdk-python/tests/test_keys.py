"""The same numbers as in every other language."""

import json
import unittest
from pathlib import Path

from wellhead import Key, Rng

VECTORS = Path(__file__).resolve().parents[2] / "vectors.json"


def key_of(vector):
    if vector["scope"] == "shared":
        return Key.shared(int(vector["seed"]), vector["purpose"])
    return Key.stream(int(vector["seed"]), vector["stream"], vector["purpose"])


class Keys(unittest.TestCase):
    def test_the_vectors_of_all_languages(self):
        vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
        self.assertGreater(len(vectors), 3)
        for vector in vectors:
            key, index = key_of(vector), int(vector["index"])
            draws = [int(draw, 16) for draw in vector["draws"]]
            self.assertEqual(key.hash(index), int(vector["hash"], 16))
            random = key.at(index)
            self.assertEqual([random.next() for _ in draws], draws)
            self.assertEqual([key.draw(index, number) for number in range(len(draws))], draws)
            for case in vector["below"]:
                self.assertEqual(key.at(index).below(case["n"]), case["first"])

    def test_a_block_gives_what_single_indices_give(self):
        # In order, from far, backwards, with gaps, and up to the last index that there is.
        last = 2**64 - 1
        walks = [range(2_000), range(10**15, 10**15 + 1_200), range(1_500, -1, -1), range(0, 9_000, 7)]
        for walk in [*walks, range(last - 1_200, last + 1)]:
            key = Key.stream(42, 3, "records")
            for index in walk:
                # A key of its own is asked for one index only, and so computes no block.
                single = Key.stream(42, 3, "records").at(index)
                self.assertIs(type(single), Rng)
                expected = [single.next() for _ in range(18)]
                random = key.at(index)
                self.assertEqual([random.next() for _ in range(18)], expected)
                self.assertEqual((key.draw(index), key.draw(index, 17)), (expected[0], expected[17]))
                self.assertEqual(key.hash(index), Key.stream(42, 3, "records").hash(index))

    def test_draws_in_a_row_are_those_of_each_index(self):
        last = 2**64 - 1
        for first in (0, 3, 511, 10**15, last - 700):
            key = Key.stream(42, 3, "records")
            numbers = [0, 1, 5]
            rows = [key.draws(first, number) for number in numbers]
            for index, *drawn in zip(range(first, min(first + 1_300, last + 1)), *rows):
                self.assertEqual(drawn, [Key.stream(42, 3, "records").draw(index, number) for number in numbers])
                if index % 100 == 0:
                    # Another index in between, whose block is another one.
                    key.at(index + 5_000), key.at(index + 5_001)

    def test_a_generator_of_the_standard_library_is_a_function_of_the_index(self):
        key = Key.stream(1, 2, "x")
        self.assertEqual(key.random(5).random(), key.random(5).random())
        self.assertNotEqual(key.random(5).random(), key.random(6).random())

    def test_chance_is_of_2_to_the_32(self):
        key = Key.stream(1, 2, "x")
        hits = sum(key.at(index).chance(1 << 30) for index in range(4_000))
        self.assertTrue(900 < hits < 1_100, hits)


if __name__ == "__main__":
    unittest.main()
