"""Randomness addressed by (seed, stream, index, purpose), with no state to carry along.

The algorithm is that of the Rust SDK, with the same test vectors. All arithmetic wraps in 64 bits::

    GAMMA   = 0x9E3779B97F4A7C15
    mix(z)  : z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
              z = (z ^ z>>27) * 0x94D049BB133111EB
              z ^ z>>31                                    (SplitMix64's finaliser)
    hash(s) : h = 0xCBF29CE484222325; for each byte b of s: h = (h ^ b) * 0x100000001B3   (FNV-1a)
    key     : mix(mix(mix(seed + GAMMA) + stream) ^ hash(purpose))
              stream = the stream's index, or 2^32 for what all streams share
    draw j of index i (j from 0): mix(mix(key ^ i*GAMMA) + (j+1)*GAMMA)

Indices are mostly asked for in ascending order. Then the numbers of a whole block of indices are computed
at once, as 128-bit lanes of one large integer: the same numbers at a twentieth of the cost.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from itertools import chain

__all__ = ["Key", "Rng", "below", "mix"]

_GAMMA = 0x9E37_79B9_7F4A_7C15
_FIRST = 0xBF58_476D_1CE4_E5B9
_SECOND = 0x94D0_49BB_1331_11EB
_MASK = (1 << 64) - 1
#: What stands for the stream where all streams share: one more than any stream's index.
_SHARED = 1 << 32

#: Indices of a block. Larger ones cost memory and gain nothing.
_BLOCK = 512
#: Draws of an index that are computed by blocks; further ones are computed singly.
_ROWS = 16
#: 1 in each lane, the lane's number in each lane, and all 64 low bits of each lane.
_ONES = sum(1 << (128 * lane) for lane in range(_BLOCK))
_COUNT = sum(lane << (128 * lane) for lane in range(_BLOCK))
_LOW = _ONES * _MASK
_STEPS = _COUNT * _GAMMA & _LOW
#: What leads from each draw to the next, and from each block to the next.
_NEXT = _GAMMA * _ONES
_ONWARD = (_BLOCK * _GAMMA & _MASK) * _ONES
#: The lower half of each lane.
_UNPACK = struct.Struct("<" + "Q8x" * _BLOCK).unpack


def mix(z: int) -> int:
    """SplitMix64's finaliser: a bijection of 64 bits that leaves no pattern of its input."""
    z = (z ^ (z >> 30)) * _FIRST & _MASK
    z = (z ^ (z >> 27)) * _SECOND & _MASK
    return z ^ (z >> 31)


def below(random: int, n: int) -> int:
    """A number in ``range(n)`` from 32 random bits; 0 when ``n`` is 0."""
    return random * n >> 32


def _mix_lanes(z: int) -> int:
    # What a shift brings in from the lane above lies in the upper halves. It is masked where it would get into the
    # lower ones, and not at the end: nobody looks there, and no carry of `more` goes through zeros in between.
    z = ((z ^ (z >> 30)) & _LOW) * _FIRST & _LOW
    z = ((z ^ (z >> 27)) & _LOW) * _SECOND & _LOW
    return z ^ (z >> 31)


def _words(lanes: int) -> tuple[int, ...]:
    return _UNPACK(lanes.to_bytes(16 * _BLOCK, "little"))


def _hash(text: str) -> int:
    h = 0xCBF2_9CE4_8422_2325
    for byte in text.encode():
        h = (h ^ byte) * 0x100_0000_01B3 & _MASK
    return h


class Rng:
    """The draws of one index, one after another."""

    __slots__ = ("_state",)

    def __init__(self, state: int) -> None:
        self._state = state

    def next(self) -> int:
        """The next 64 random bits."""
        self._state = state = (self._state + _GAMMA) & _MASK
        return mix(state)

    def below(self, n: int) -> int:
        """A number in ``range(n)``, from one draw; 0 when ``n`` is 0. At most 2**32."""
        return (self.next() >> 32) * n >> 32

    def chance(self, share: int) -> bool:
        """Whether something happens whose probability is ``share`` of 2**32."""
        return self.next() >> 32 < share

    def random(self) -> random.Random:
        """A generator of the standard library, seeded with the next draw: for distributions, ``choice``,
        ``shuffle``, and libraries that ask for one. It costs as much as a hundred draws."""
        return random.Random(self.next())


class _Block:
    """The draws of ``_BLOCK`` indices, each row computed when it is first asked for."""

    __slots__ = ("rows", "_steps", "_lanes", "_starts")

    def __init__(self, key: int, first: int, before: _Block | None) -> None:
        """``key`` in each lane; ``before`` is the block that ends where this one begins."""
        if before is None:
            self._steps = (first * _GAMMA & _MASK) * _ONES + _STEPS & _LOW
        else:
            self._steps = before._steps + _ONWARD & _LOW
        self._starts = self._lanes = _mix_lanes(self._steps ^ key)
        self.rows: list[tuple[int, ...]] = []

    def more(self) -> None:
        self._lanes = self._lanes + _NEXT & _LOW
        self.rows.append(_words(_mix_lanes(self._lanes)))

    @property
    def starts(self) -> tuple[int, ...]:
        """What the draws of each index begin with."""
        if isinstance(self._starts, int):
            self._starts = _words(self._starts)
        return self._starts


class _Drawn(Rng):
    """The same draws, out of a block."""

    __slots__ = ("_block", "_at", "_drawn")

    def __init__(self, block: _Block, at: int) -> None:
        self._block = block
        self._at = at
        self._drawn = 0

    def next(self) -> int:
        drawn = self._drawn
        self._drawn = drawn + 1
        rows = self._block.rows
        if drawn < len(rows):
            return rows[drawn][self._at]
        if drawn < _ROWS:
            self._block.more()
            return rows[drawn][self._at]
        return mix(self._block.starts[self._at] + (drawn + 1) * _GAMMA & _MASK)


class Key:
    """Randomness for one purpose: draws for any index, in any order.

    ``settings.key("moves")`` gives one for what a stream alone sees, ``settings.shared_key("person")`` one
    for what all streams see alike.
    """

    __slots__ = ("_key", "_lanes", "_next", "_first", "_block", "_rows")

    def __init__(self, key: int) -> None:
        self._key = key
        #: The key in each lane, once there is a block.
        self._lanes = 0
        #: The index after the last one asked for, while there is no block for it.
        self._next = -1
        #: The first index of the block; without one no index follows it.
        self._first = -_BLOCK - 1
        self._block: _Block | None = None
        #: Those of the block: lists of its first draws, its second ones, and so on.
        self._rows: list[tuple[int, ...]] = []

    @classmethod
    def stream(cls, seed: int, stream: int, purpose: str) -> Key:
        """For what one stream alone sees."""
        keyed = mix((seed + _GAMMA) & _MASK) + stream & _MASK
        return cls(mix(mix(keyed) ^ _hash(purpose)))

    @classmethod
    def shared(cls, seed: int, purpose: str) -> Key:
        """For what all streams, and all generators under the same seed, see alike."""
        return cls.stream(seed, _SHARED, purpose)

    def at(self, index: int) -> Rng:
        """The draws of an index, which is at least 0."""
        place = index - self._first
        block = self._block
        if block is not None and 0 <= place < _BLOCK:
            return _Drawn(block, place)
        return self._elsewhere(index)

    def draw(self, index: int, number: int = 0) -> int:
        """One draw of an index, the first or a later one: 64 random bits, as ``at(index)`` gives them one after
        another, in half the time."""
        place = index - self._first
        if place >= 0:
            try:
                return self._rows[number][place]
            except IndexError:
                pass
        random = self.at(index)
        for _ in range(number):
            random.next()
        return random.next()

    def draws(self, first: int, number: int = 0) -> Iterator[int]:
        """One draw of index ``first``, of the next one, and so on without an end: for a loop over many indices, in
        which `draw` would cost twice as much."""
        return chain.from_iterable(self._runs(first, number))

    def _runs(self, index: int, number: int) -> Iterator[Sequence[int]]:
        while index <= _MASK - _BLOCK:
            if self._block is None or not 0 <= index - self._first < _BLOCK:
                self._begin(index)
            while len(self._rows) <= number:
                self._block.more()
            # Of this block as it is now: another one may be begun for another index meanwhile.
            first, row = self._first, self._rows[number]
            yield row[index - first :]
            index = first + _BLOCK
        for index in range(index, _MASK + 1):
            yield (self.draw(index, number),)

    def hash(self, index: int) -> int:
        """One number for an index: as good as a draw of `at`, at half its cost, and not among those."""
        place = index - self._first
        block = self._block
        if block is not None and 0 <= place < _BLOCK:
            return block.starts[place]
        return mix(self._key ^ (index * _GAMMA & _MASK))

    def random(self, index: int) -> random.Random:
        """A generator of the standard library, seeded for an index; see `Rng.random`."""
        return self.at(index).random()

    def _elsewhere(self, index: int) -> Rng:
        # In sequence for the second time: it is worth while to compute those that come.
        if index == self._next or index == self._first + _BLOCK:
            if index <= _MASK - _BLOCK:
                return _Drawn(self._begin(index), 0)
        self._next = index + 1
        return Rng(mix(self._key ^ (index * _GAMMA & _MASK)))

    def _begin(self, index: int) -> _Block:
        before = self._block if index == self._first + _BLOCK else None
        self._lanes = self._lanes or self._key * _ONES
        self._first = index
        self._block = block = _Block(self._lanes, index, before)
        self._rows = block.rows
        return block
