"""JSON Schemas made of classes, and configurations read into them.

Dataclasses (and `TypedDict`, for records) of: ``bool``, ``int``, ``float``, ``str``, ``None``, ``X | None``,
``list[X]``, ``dict[str, X]``, ``Literal``, ``Enum``, `Fixed`, ``Any``, and such classes again.
``Annotated`` adds to a type: a string is its description, `Range`, `Length`, `Pattern` and `Format` are what
they say, and a dict is keywords of JSON Schema as they are. ``field(metadata=…)`` may hold such keywords, too.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import types
import typing
from dataclasses import dataclass
from typing import Any, TypeVar, Union

from .values import Fixed, to_json

__all__ = ["Decimals", "Format", "Length", "Pattern", "Range", "schema_of"]

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The least and the greatest number that is allowed; ``None`` for no bound."""

    min: float | None = None
    max: float | None = None

    def keywords(self) -> dict[str, Any]:
        return _stated(minimum=self.min, maximum=self.max)


@dataclass(frozen=True)
class Length:
    """How many characters of a string, or values of a list, are allowed."""

    min: int | None = None
    max: int | None = None

    def keywords_of(self, kind: object) -> dict[str, Any]:
        what = "Items" if kind == "array" else "Properties" if kind == "object" else "Length"
        return _stated(**{f"min{what}": self.min, f"max{what}": self.max})


@dataclass(frozen=True)
class Pattern:
    """A regular expression that a string matches."""

    regex: str

    def keywords(self) -> dict[str, Any]:
        return {"pattern": self.regex}


@dataclass(frozen=True)
class Format:
    """A format of JSON Schema, such as ``date-time``."""

    name: str

    def keywords(self) -> dict[str, Any]:
        return {"format": self.name}


@dataclass(frozen=True)
class Decimals:
    """How many decimals a number is written with, by a `writer`, which is given it as a whole number of such units."""

    places: int


def _stated(**keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value is not None}


def schema_of(cls: Any, strict: bool = False) -> dict[str, Any]:
    """The schema of a class; ``strict`` refuses fields that it doesn't have, at any depth."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_Maker(strict).of(cls, ())}


class _Maker:
    def __init__(self, strict: bool) -> None:
        self.strict = strict

    def of(self, kind: Any, around: tuple[Any, ...]) -> dict[str, Any]:
        """The schema of a type; ``around`` are the classes that it stands in."""
        origin, args = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Annotated:
            return self._annotated(args[0], args[1:], around)
        if origin in (typing.Required, typing.NotRequired) if hasattr(typing, "Required") else False:
            return self.of(args[0], around)
        if origin in (Union, types.UnionType):
            return self._union(args, around)
        if origin is typing.Literal:
            return {"enum": list(args)}
        if origin is list:
            return {"type": "array", "items": self.of(args[0], around)}
        if origin is dict and args[0] is str:
            return {"type": "object", "additionalProperties": self.of(args[1], around)}
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return {"enum": [member.value for member in kind]}
        if _is_class(kind):
            return self._class(kind, around)
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        raise TypeError(
            f"{kind!r} has no JSON Schema: use bool, int, float, str, None, X | None, list[X], dict[str, X], "
            "Literal, Enum, Fixed, Any, or a dataclass of those"
        )

    def _annotated(self, kind: Any, extras: tuple[Any, ...], around: tuple[Any, ...]) -> dict[str, Any]:
        schema = self.of(kind, around)
        for extra in extras:
            if isinstance(extra, str):
                schema["description"] = extra
            elif isinstance(extra, dict):
                schema.update(extra)
            elif isinstance(extra, Length):
                schema.update(extra.keywords_of(schema.get("type")))
            elif isinstance(extra, (Range, Pattern, Format)):
                schema.update(extra.keywords())
        return schema

    def _union(self, kinds: tuple[Any, ...], around: tuple[Any, ...]) -> dict[str, Any]:
        schemas = [self.of(kind, around) for kind in kinds]
        simple = all(set(schema) == {"type"} for schema in schemas)
        return {"type": [schema["type"] for schema in schemas]} if simple else {"anyOf": schemas}

    def _class(self, cls: Any, around: tuple[Any, ...]) -> dict[str, Any]:
        if cls in around:
            raise TypeError(f"{cls.__name__} contains itself: a schema of that would have no end")
        around = (*around, cls)
        properties = {}
        required = []
        for name, kind, default, keywords, needed in fields_of(cls):
            try:
                schema = self.of(kind, around)
            except TypeError as error:
                raise TypeError(f"{cls.__name__}.{name}: {error}") from None
            schema.update(keywords)
            if default is not dataclasses.MISSING:
                schema["default"] = json.loads(to_json(default))
            if needed:
                required.append(name)
            properties[name] = schema
        schema = {"title": cls.__name__, "type": "object", "properties": properties}
        doc = _doc(cls)
        if doc:
            schema["description"] = doc
        if required:
            schema["required"] = required
        if self.strict:
            schema["additionalProperties"] = False
        return schema


_PLAIN: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    Fixed: {"type": "number"},
    list: {"type": "array"},
    dict: {"type": "object"},
    Any: {},
}


def _is_class(kind: Any) -> bool:
    return isinstance(kind, type) and (dataclasses.is_dataclass(kind) or typing.is_typeddict(kind))


def _doc(cls: Any) -> str:
    doc = cls.__doc__ or ""
    # What `dataclass` writes where there is none.
    return "" if doc.startswith(f"{cls.__name__}(") or doc.startswith("dict(") else " ".join(inspect.cleandoc(doc).split())


def fields_of(cls: Any) -> list[tuple[str, Any, Any, dict[str, Any], bool]]:
    """Name, type, default, more keywords, and whether it is required, of each field."""
    kinds = typing.get_type_hints(cls, include_extras=True)
    if typing.is_typeddict(cls):
        required = cls.__required_keys__
        return [(name, kind, dataclasses.MISSING, {}, name in required) for name, kind in kinds.items()]
    fields = []
    for field in dataclasses.fields(cls):
        if not field.init:
            continue
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        needed = default is dataclasses.MISSING
        fields.append((field.name, kinds[field.name], default, dict(field.metadata), needed))
    return fields
