"""Values as text: times, decimals, and JSON that is written strictly."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from json import encoder
from math import isfinite
from time import gmtime
from typing import Any

from .native import native

__all__ = ["Fixed", "WrongValue", "fixed", "rfc3339", "to_json"]

#: A string with its quotes and escapes; text beyond ASCII stays as it is.
quoted: Callable[[str], str] = encoder.encode_basestring

_UNITS = [10**decimals for decimals in range(19)]
_FORMATS = ["%d", *(f"%d.%0{decimals}d" for decimals in range(1, 19))]


class WrongValue(ValueError):
    """A value that has no place in a record; says which one, where, and what to write instead."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.why = why
        self.path = path

    def within(self, step: str) -> WrongValue:
        """The same one level further out."""
        joint = "" if self.path.startswith("[") or not self.path else "."
        return WrongValue(self.why, f"{step}{joint}{self.path}")


def fixed(value: int, decimals: int) -> str:
    """A number in units of 10**-decimals, always with that many decimals: ``fixed(-5, 2)`` is ``-0.05``."""
    if value < 0:
        return "-" + fixed(-value, decimals)
    return _FORMATS[decimals] % (divmod(value, _UNITS[decimals]) if decimals else value)


class Fixed:
    """`fixed` as a value within a record: ``{"price": Fixed(1250, 2)}`` is ``{"price":12.50}``."""

    __slots__ = ("value", "decimals")

    def __init__(self, value: int, decimals: int) -> None:
        self.value = value
        self.decimals = decimals

    def __str__(self) -> str:
        return fixed(self.value, self.decimals)

    def __repr__(self) -> str:
        return f"Fixed({self.value}, {self.decimals})"

    def __float__(self) -> float:
        return float(self.value / _UNITS[self.decimals])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and (self.value, self.decimals) == (other.value, other.decimals)

    def __hash__(self) -> int:
        return hash((self.value, self.decimals))


_SECOND = 1_000_000_000


def rfc3339(time: int) -> str:
    """Nanoseconds since the epoch in UTC with microseconds: ``2026-01-01T00:00:51.000000Z``."""
    if native is not None and (text := native.rfc3339(time)) is not None:
        return text
    seconds, rest = divmod(time, _SECOND)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ" % (*gmtime(seconds)[:6], rest // 1_000)


def to_json(value: Any) -> str:
    """A value as compact JSON, keys in their order.

    Raises `WrongValue`, with its path, for what JSON has no form for: sets, dates, NaN, keys that are no
    strings, halves of surrogate pairs.
    """
    try:
        return _writer(value)(value)
    except RecursionError:
        raise WrongValue("it contains itself, or is nested too deep") from None


def _float(value: float) -> str:
    if value - value != 0.0:
        raise WrongValue(f"{value} is no number of JSON: leave the field out, or write None")
    return float.__repr__(value)


def _string(value: str) -> str:
    text = quoted(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise WrongValue(
                f"half of a surrogate pair ({value[error.start - 1 : error.start]!a}) is no character: "
                "write the whole one, or decode with errors='replace'"
            ) from None
    return text


def _list(values: Any) -> str:
    parts = []
    for place, value in enumerate(values):
        try:
            parts.append(_writer(value)(value))
        except WrongValue as wrong:
            raise wrong.within(f"[{place}]") from None
    return f"[{','.join(parts)}]"


def _name(key: Any) -> str:
    if not isinstance(key, str):
        what = f"{key!r} is {_a(key)}"
        raise WrongValue(f"the key {what}: keys of JSON are strings, so write {str(key)!r}")
    try:
        return _string(str(key))
    except WrongValue as wrong:
        raise WrongValue(f"in the key {key!a} {wrong.why}") from None


def _object(value: dict[Any, Any]) -> str:
    names = [_name(key) for key in value]
    return "{%s}" % ",".join([f"{name}:{_field(key, v)}" for name, (key, v) in zip(names, value.items())])


def _field(key: str, value: Any) -> str:
    try:
        return _writer(value)(value)
    except WrongValue as wrong:
        raise wrong.within(key) from None


def _dataclass(value: Any) -> str:
    names = [field.name for field in dataclasses.fields(value)]
    return _object({name: getattr(value, name) for name in names})


def _literal(value: bool | None) -> str:
    return "null" if value is None else "true" if value else "false"


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _string,
    int: int.__repr__,
    float: _float,
    bool: _literal,
    type(None): _literal,
    Fixed: Fixed.__str__,
    dict: _object,
    list: _list,
    tuple: _list,
}


def _writer(value: Any) -> Callable[[Any], str]:
    """What writes a value, also one of a class that is derived from those in the table."""
    writer = _WRITERS.get(type(value))
    if writer is not None:
        return writer
    if isinstance(value, enum.Enum):
        return lambda value: _writer(value.value)(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _dataclass
    for base in (str, int, float, dict, list, tuple):
        if isinstance(value, base):
            plain = _WRITERS[base]
            return plain if base in (dict, list, tuple) else lambda value: plain(base(value))  # noqa: B023
    raise WrongValue(f"{_a(value)} has no form in JSON{_instead(value)}")


def _a(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


_INSTEAD = {
    "set": ": a set has no order, write sorted(…) of it",
    "frozenset": ": a set has no order, write sorted(…) of it",
    "bytes": ": write base64.b64encode(…).decode(), or …decode()",
    "bytearray": ": write base64.b64encode(…).decode(), or …decode()",
    "datetime": ": write …isoformat()",
    "date": ": write …isoformat()",
    "time": ": write …isoformat()",
    "Decimal": ": write str(…), or Fixed for a number with decimals",
    "UUID": ": write str(…)",
    "generator": ": write list(…)",
    "complex": ": write its parts",
}


def _instead(value: Any) -> str:
    known = _INSTEAD.get(type(value).__name__)
    return known or ": write a dict, list, str, number, bool or None"


def is_number(value: Any) -> bool:
    """Whether something is a finite number, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _shape(cls: type) -> tuple[str, ...] | None:
    """The fields of a class whose objects are written by them."""
    if dataclasses.is_dataclass(cls) and not issubclass(cls, enum.Enum):
        return tuple(field.name for field in dataclasses.fields(cls))
    return None


#: Also where there is one in C, which leaves to this what isn't plain.
_in_python = to_json

if native is not None:
    native.json(Fixed, _shape, _in_python)
    to_json = native.to_json
