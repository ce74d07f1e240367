"""Read-only data that the emulation's spec names (``assets: {payloads: ./payloads.json}``)."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["PIECE", "lay_out", "piece", "read", "size"]

#: The most that one `piece` has.
PIECE = 1 << 20

_laid_out: dict[str, bytes] = {}


def _size_here(name: str) -> int | None:
    data = _laid_out.get(name)
    return None if data is None else len(data)


def _read_here(name: str, offset: int, length: int) -> bytes:
    return _laid_out.get(name, b"")[offset : offset + length]


#: The component sets the host's.
_size: Callable[[str], int | None] = _size_here
_read: Callable[[str, int, int], bytes] = _read_here


def size(name: str) -> int | None:
    """Length in bytes of an asset; None when the spec names no such asset."""
    return _size(name)


def piece(name: str, offset: int, length: int) -> bytes:
    """Up to ``length`` bytes of an asset from ``offset``, at most `PIECE`; fewer at its end, none past it or
    where the spec names no such asset. For what is too large to be held whole."""
    return _read(name, offset, min(length, PIECE))


def read(name: str) -> bytes | None:
    """The whole of an asset; None when the spec names no such asset."""
    if size(name) is None:
        return None
    data = bytearray()
    while part := piece(name, len(data), PIECE):
        data += part
    return bytes(data)


def lay_out(name: str, data: bytes) -> None:
    """Lays out an asset outside of a component, for tests."""
    _laid_out[name] = data
