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
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from .native import native

__all__ = ["Key", "Rng", "below", "mix"]

_GAMMA = 0x9E37_79B9_7F4A_7C15
_FIRST = 0xBF58_476D_1CE4_E5B9
_SECOND = 0x94D0_49BB_1331_11EB
_MASK = (1 << 64) - 1
#: What stands for the stream where all streams share: one more than any stream's index.
_SHARED = 1 << 32


def mix(z: int) -> int:
    """SplitMix64's finaliser: a bijection of 64 bits that leaves no pattern of its input."""
    z = (z ^ (z >> 30)) * _FIRST & _MASK
    z = (z ^ (z >> 27)) * _SECOND & _MASK
    return z ^ (z >> 31)


def below(random: int, n: int) -> int:
    """A number in ``range(n)`` from 32 random bits; 0 when ``n`` is 0."""
    return random * n >> 32


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


class Key:
    """Randomness for one purpose: draws for any index, in any order.

    ``settings.key("moves")`` gives one for what a stream alone sees, ``settings.shared_key("person")`` one
    for what all streams see alike.
    """

    __slots__ = ("_key",)

    def __init__(self, key: int) -> None:
        self._key = key

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
        return Rng(self.hash(index))

    def draw(self, index: int, number: int = 0) -> int:
        """One draw of an index, the first or a later one: 64 random bits, as ``at(index)`` gives them one after
        another."""
        return mix(self.hash(index) + (number + 1) * _GAMMA & _MASK)

    def draws(self, first: int, number: int = 0) -> Iterator[int]:
        """One draw of index ``first``, of the next one, and so on without an end: for a loop over many indices, in
        which `draw` would cost more."""
        return (self.draw(index, number) for index in range(first, _MASK + 1))

    def hash(self, index: int) -> int:
        """One number for an index: as good as a draw of `at`, at half its cost, and not among those."""
        return mix(self._key ^ (index * _GAMMA & _MASK))

    def random(self, index: int) -> random.Random:
        """A generator of the standard library, seeded for an index; see `Rng.random`."""
        return self.at(index).random()


if native is not None:
    Key, Rng = native.Key, native.Rng  # type: ignore[misc]
