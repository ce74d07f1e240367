"""A configuration's JSON read into its dataclass, strictly."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from difflib import get_close_matches
from typing import Any, Union

from .errors import InvalidConfig
from .schema import _is_class, fields_of
from .values import _a

__all__ = ["read_config"]


def read_config(cls: Any, text: str) -> Any:
    """What a class says of a configuration; `InvalidConfig` with the place where it isn't that."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InvalidConfig(f"the configuration is not JSON: {error}") from None
    return _read(cls, value, "")


def _read(kind: Any, value: Any, path: str) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _read(args[0], value, path)
    if origin in (Union, types.UnionType):
        return _first_of(args, value, path)
    if origin is typing.Literal:
        if any(value == arg and type(value) is type(arg) for arg in args):
            return value
        raise _wrong(path, value, "one of " + ", ".join(repr(arg) for arg in args))
    if origin is list:
        _must(list, "a list", value, path)
        return [_read(args[0], each, f"{path}[{place}]") for place, each in enumerate(value)]
    if origin is dict:
        _must(dict, "an object", value, path)
        return {name: _read(args[1], each, _below(path, name)) for name, each in value.items()}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        for member in kind:
            if member.value == value:
                return member
        raise _wrong(path, value, "one of " + ", ".join(repr(member.value) for member in kind))
    if _is_class(kind):
        return _object(kind, value, path)
    return _plain(kind, value, path)


def _plain(kind: Any, value: Any, path: str) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and number:
        return float(value)
    if kind is int and number and (isinstance(value, int) or value.is_integer()):
        return int(value)
    if kind in (None, type(None)) and value is None:
        return None
    if kind is Any or (kind in (bool, str, list, dict) and type(value) is kind):
        return value
    raise _wrong(path, value, _NAMES.get(kind, getattr(kind, "__name__", str(kind))))


_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    type(None): "null",
    list: "a list",
    dict: "an object",
}


def _object(cls: Any, value: Any, path: str) -> Any:
    _must(dict, "an object", value, path)
    fields = fields_of(cls)
    known = [name for name, *_ in fields]
    for name in value:
        if name not in known:
            near = get_close_matches(name, known, 1)
            meant = f", did you mean `{near[0]}`?" if near else f"; there are {', '.join(known)}"
            raise InvalidConfig(f"unknown field `{_below(path, name)}`{meant}")
    given = {}
    for name, kind, default, _, _ in fields:
        if name in value:
            given[name] = _read(kind, value[name], _below(path, name))
        elif default is dataclasses.MISSING:
            raise InvalidConfig(f"`{_below(path, name)}` is missing")
    return cls(**given)


def _first_of(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    wrong = None
    for kind in kinds:
        try:
            return _read(kind, value, path)
        except InvalidConfig as error:
            wrong = error if kind not in (None, type(None)) else wrong
    raise wrong or _wrong(path, value, "something else")


def _must(kind: type, name: str, value: Any, path: str) -> None:
    if type(value) is not kind:
        raise _wrong(path, value, name)


def _wrong(path: str, value: Any, what: str) -> InvalidConfig:
    shown = json.dumps(value, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else f"{_a(value)} of {len(shown)} characters"
    return InvalidConfig(f"{f'`{path}`' if path else 'the configuration'} is {shown}, and must be {what}")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
