"""A record's text, by a function that is made for its class, which spares the record its dict.

``write = writer(Position)`` once, at the top of ``app.py``, and ``return write(name, tick.time, …)`` for each record.
"""

from __future__ import annotations

import keyword
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

from .native import native
from .schema import Decimals, Format, fields_of
from .values import WrongValue, _a, _string, fixed, is_number, rfc3339, to_json

__all__ = ["writer"]


class _Field(NamedTuple):
    """A field, as what is native takes it; its name besides."""

    argument: str
    #: What stands in front of the value.
    lead: str
    #: ``t`` text, ``i`` instant, ``d`` decimals, ``a`` anything.
    kind: str
    decimals: int
    name: str

    def text(self, value: Any) -> str:
        """A value's JSON; `WrongValue`, where it has none."""
        if self.kind == "d":
            return _fixed(value, self.decimals)
        return {"t": _text, "i": _instant, "a": to_json}[self.kind](value)


def writer(cls: Any) -> Callable[..., str]:
    """A function from the values of a class's fields, in their order or by name, to the record's JSON.

    The class is a ``TypedDict`` or a dataclass, and its annotations say how a field is written: ``Decimals(7)`` takes
    a whole number in units of 10**-7, ``Format("date-time")`` takes nanoseconds since the epoch (``tick.time``), or
    text as it is. Any other is written as in a dict.
    """
    fields = tuple(_field(place, name, kind) for place, (name, kind, *_) in enumerate(fields_of(cls)))
    if not fields:
        raise TypeError(f"{cls.__name__} has no fields")
    write = _function(fields)
    write.__qualname__ = f"writer({cls.__name__})"
    if native is not None:
        return native.writer(fields, write) or write
    return write


def _field(place: int, name: str, kind: Any) -> _Field:
    plain, extras = kind, ()
    if typing.get_origin(kind) is typing.Annotated:
        plain, *extras = typing.get_args(kind)
    usable = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
    argument = name if usable else f"field_{place}"
    lead = ("," if place else "{") + _string(name) + ":"
    decimals = next((extra.places for extra in extras if isinstance(extra, Decimals)), None)
    if decimals is not None:
        return _Field(argument, lead, "d", decimals, name)
    if any(isinstance(extra, Format) and extra.name == "date-time" for extra in extras):
        return _Field(argument, lead, "i", 0, name)
    return _Field(argument, lead, "t" if plain is str or _is_words(plain) else "a", 0, name)


def _function(fields: tuple[_Field, ...]) -> Callable[..., str]:
    """The function, which says what is wrong, and where. It is made of text, so that Python binds its arguments."""

    def written(*values: Any) -> str:
        parts = []
        for field, value in zip(fields, values):
            try:
                parts.append(field.lead + field.text(value))
            except WrongValue as wrong:
                raise wrong.within(field.name) from None
        return "".join(parts) + "}"

    given = ", ".join(field.argument for field in fields)
    known: dict[str, Any] = {"_written": written}
    # In a file of the SDK's, so that a traceback shows the author's line.
    exec(compile(f"def write({given}):\n    return _written({given})\n", __file__, "exec"), known)
    return known["write"]


def _is_words(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Literal and all(isinstance(word, str) for word in typing.get_args(kind))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"{value!r} is {_a(value)}, and the field is text: write str(…)")
    return _string(value)


def _fixed(value: Any, decimals: int) -> str:
    if not is_number(value) or value != int(value):
        raise WrongValue(f"{value!r} is {_a(value)}, and Decimals({decimals}) takes a whole number: round it to units")
    return fixed(int(value), decimals)


def _instant(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if not isinstance(value, int):
        raise WrongValue(f"{value!r} is {_a(value)}, and a date-time is nanoseconds since the epoch, or text")
    return f'"{rfc3339(value)}"'
