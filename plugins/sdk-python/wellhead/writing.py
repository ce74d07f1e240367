"""A record's text, by a function that is made for its class: several times as fast as a dict.

``write = writer(Position)`` once, at the top of ``app.py``, and ``return write(name, tick.time, …)`` for each record.
The function is one f-string. What a field mostly has is looked up in a table that belongs to it and holds the text in
front of it, too, since what costs is every piece that is put together and every number that is written digit by digit.
Whatever the tables don't know goes the long way, through the same writers as a dict's values, and gives the same text.
"""

from __future__ import annotations

import keyword
import typing
from collections.abc import Callable
from typing import Any

from .schema import Decimals, Format, fields_of
from .values import MILLIS, WrongValue, _a, _string, fixed, is_number, rfc3339, to_json

__all__ = ["writer"]

_SECOND = 1_000_000_000
#: Entries of a table; then it begins anew, so that an instance's memory is bounded.
_TABLE = 4096
#: The last digits of a number, by how many there are: those in front of them vary less, and are in a table.
_TAILS = {places: [f"{tail:0{places}d}" for tail in range(10**places)] for places in range(1, 5)}


class _Table(dict[Any, str]):
    """Texts of values, each made when it is first asked for."""

    __slots__ = ("text",)

    def __init__(self, text: Callable[[Any], str]) -> None:
        self.text = text

    def __missing__(self, value: Any) -> str:
        text = self.text(value)
        if len(self) >= _TABLE:
            self.clear()
        self[value] = text
        return text


def writer(cls: Any) -> Callable[..., str]:
    """A function from the values of a class's fields, in their order or by name, to the record's JSON.

    The class is a ``TypedDict`` or a dataclass, and its annotations say how a field is written: ``Decimals(7)`` takes
    a whole number in units of 10**-7, ``Format("date-time")`` takes nanoseconds since the epoch (``tick.time``), or
    text as it is. Any other is written as in a dict.
    """
    made = _Made()
    fields = fields_of(cls)
    for place, (name, kind, *_) in enumerate(fields):
        made.field(name, kind, first=place == 0)
    return made.function(cls.__name__)


class _Made:
    """The function's source while it is made, and what it refers to."""

    def __init__(self) -> None:
        self.arguments: list[str] = []
        self.names: list[str] = []
        self.longhand: list[Callable[[Any], str]] = []
        self.before: list[str] = []
        self.signs: list[str] = []
        self.text: list[str] = []
        self.known: dict[str, Any] = {}

    def field(self, name: str, kind: Any, first: bool) -> None:
        plain, extras = kind, ()
        if typing.get_origin(kind) is typing.Annotated:
            plain, *extras = typing.get_args(kind)
        place = len(self.names)
        usable = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
        argument = name if usable else f"field_{place}"
        lead = ("{" if first else ",") + _string(name) + ":"
        self.arguments.append(argument)
        self.names.append(name)
        decimals = next((extra.places for extra in extras if isinstance(extra, Decimals)), None)
        if decimals is not None:
            self._decimals(argument, lead, decimals, place)
        elif any(isinstance(extra, Format) and extra.name == "date-time" for extra in extras):
            self._time(argument, lead, place)
        elif plain is str or _is_words(plain):
            self.known[f"_table{place}"] = _Table(lambda value: lead + _text(value))
            self.text.append(f"{{_table{place}[{argument}]}}")
            self.longhand.append(_text)
        else:
            self._literal(lead)
            self.known["_json"] = to_json
            self.text.append(f"{{_json({argument})}}")
            self.longhand.append(to_json)

    def function(self, name: str) -> Callable[..., str]:
        """The function itself."""
        if not self.names:
            raise TypeError(f"{name} has no fields")
        self._literal("}")
        given = ", ".join(self.arguments)
        self.known["_long"] = self._long
        # A negative number's first digits are those of its negative: the tables are for the others.
        signs = f"        if {' or '.join(self.signs)}:\n            return _long({given})\n" if self.signs else ""
        source = (
            f"def write({given}):\n    try:\n{signs}{''.join(self.before)}        return f'{''.join(self.text)}'\n"
            f"    except Exception:\n        return _long({given})\n"
        )
        # In a file of the SDK's, so that a traceback shows the author's line.
        exec(compile(source, __file__, "exec"), self.known)
        write = self.known["write"]
        write.__qualname__ = f"writer({name})"
        return write

    def _long(self, *values: Any) -> str:
        """The record field by field, which says what is wrong, and where."""
        parts = []
        for name, text, value in zip(self.names, self.longhand, values):
            try:
                parts.append(f"{_string(name)}:{text(value)}")
            except WrongValue as wrong:
                raise wrong.within(name) from None
        return "{" + ",".join(parts) + "}"

    def _literal(self, text: str) -> None:
        escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "{{").replace("}", "}}")
        self.text.append(escaped.replace("\n", "\\n"))

    def _decimals(self, argument: str, lead: str, decimals: int, place: int) -> None:
        self.longhand.append(lambda value: _fixed(value, decimals))
        # One digit behind the point is mostly of something that has few values.
        tail = 0 if decimals < 2 else min(decimals, 4)
        unit = 10**tail
        head = f"{argument} // {unit}" if tail else argument

        def text(head: Any) -> str:
            whole = fixed(int(head) * unit, decimals)
            return lead + (whole[:-tail] if tail else _fixed(head, decimals))

        self.known[f"_table{place}"] = _Table(text)
        self.text.append(f"{{_table{place}[{head}]}}")
        if tail:
            self.signs.append(f"{argument} < 0")
            self.known[f"_tails{tail}"] = _TAILS[tail]
            self.text.append(f"{{_tails{tail}[{argument} % {unit}]}}")

    def _time(self, argument: str, lead: str, place: int) -> None:
        self.longhand.append(_instant)
        known, begin, until, rest = self.known, f"_begin{place}", f"_until{place}", f"_rest{place}"
        known.update({begin: -_SECOND, until: ""})

        class Rests(dict[int, str]):
            """What is behind the second; one that isn't whole milliseconds, or of another second, isn't in it."""

            def __missing__(self, rest: int) -> str:
                if not 0 <= rest < _SECOND:
                    time = known[begin] + rest
                    known[begin] = time // _SECOND * _SECOND
                    known[until] = f'{lead}"{rfc3339(time)[:-7]}'
                    rest %= _SECOND
                return f'{rest // 1_000:06d}Z"'

        known[f"_rests{place}"] = Rests({rest: f'{text}"' for rest, text in MILLIS.items()})
        self.before.append(f"        {rest} = _rests{place}[{argument} - {begin}]\n")
        self.text.append(f"{{{until}}}{{{rest}}}")


def _is_words(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Literal and all(isinstance(word, str) for word in typing.get_args(kind))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"{value!r} is {_a(value)}, and the field is text: write str(…)")
    return _string(value)


def _fixed(value: Any, decimals: int) -> str:
    # A whole float is equal to its int, so that a table knows it or not, by chance: it is written likewise.
    if not is_number(value) or value != int(value):
        raise WrongValue(f"{value!r} is {_a(value)}, and Decimals({decimals}) takes a whole number: round it to units")
    return fixed(int(value), decimals)


def _instant(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if not isinstance(value, int):
        raise WrongValue(f"{value!r} is {_a(value)}, and a date-time is nanoseconds since the epoch, or text")
    return f'"{rfc3339(value)}"'
