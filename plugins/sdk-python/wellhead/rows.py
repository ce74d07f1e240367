"""Records of a batch while they are made, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from .generator import Out
from .native import native

__all__ = ["FULL", "Help", "Rows"]

#: A batch ends early once its payload is this long: more would cost memory and gain nothing.
FULL = 1 << 20


class Help(Protocol):
    """What becomes of all that isn't plain: a `Stream`."""

    def odd(self, data: Any) -> str | bytes:
        """What a generator gave, as text or bytes."""

    def encoded(self, part: Any, path: str) -> bytes:
        """The bytes of a record or a key."""

    def mark(self, channel: Any, operation: Any, keyed: bool) -> int:
        """A channel's number, and an operation's times 256."""

    def too_many(self) -> None:
        """Raises: there were more records than times."""


class Rows:
    """Records side by side, as in `Batch`."""

    def __init__(self, out: Out) -> None:
        """``out`` is a fresh one, of the class of those that `fill` gets."""
        self._begin()

    def _begin(self) -> None:
        self._payload, self._ends = bytearray(), []
        self._keys, self._key_ends = bytearray(), []
        self._channels, self._operations = bytearray(), bytearray()

    def fill(self, records: Iterable[Any], out: Out, left: list[int], help: Help) -> None:
        """Goes through records, each of which belongs to one of the times that are ``left``: what hasn't its turn any
        more is taken from these. Where it raises, the records before are there."""
        times = len(left)
        for data in records:
            if self.count() == times:
                help.too_many()
            if out.ended:
                break
            self._add(data, out, help)
            if len(self._payload) >= FULL:
                # No break: the generator goes on behind its `yield`, and finds no more times.
                del left[self.count() :]

    def _add(self, data: Any, out: Out, help: Help) -> None:
        record = help.encoded(data if isinstance(data, (str, bytes)) else help.odd(data), "")
        key = help.encoded(out.key, "out.key")
        out.key = ""
        mark = 0
        if out.channel or out.operation:
            mark = help.mark(out.channel, out.operation, bool(key))
            out.channel = out.operation = 0
        self._payload += record
        # A record that isn't there has no key.
        self._keys += key if record else b""
        self._channels.append(mark & 255)
        self._operations.append(mark >> 8)
        self._key_ends.append(len(self._keys))
        self._ends.append(len(self._payload))

    def count(self) -> int:
        """How many records there are."""
        return len(self._ends)

    def take(self) -> tuple[bytes, list[int], bytes, list[int], bytes, bytes]:
        """The fields of a `Batch`; then there are no records."""
        taken = (
            bytes(self._payload),
            self._ends,
            bytes(self._keys),
            self._key_ends if self._keys else [],
            bytes(self._channels) if any(self._channels) else b"",
            bytes(self._operations) if any(self._operations) else b"",
        )
        self._begin()
        return taken


if native is not None:
    Rows = native.Rows  # type: ignore[misc]
