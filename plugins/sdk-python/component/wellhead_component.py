"""The component: what the contract exports, made of the generator that the module ``app`` exports.

componentize-py runs this module up to its end when it builds, and keeps the memory as it is then. The order
matters: what is frozen in that snapshot is guarded before the author's module can take hold of it.
"""

from __future__ import annotations

import sys

import wellhead
from componentize_py_types import Err
from wellhead import log as wellhead_log
from wellhead import place
from wit_world import exports
from wit_world.imports import assets as host_assets
from wit_world.imports import log as host_log
from wit_world.imports import types

import frozen

_LEVELS = {
    "debug": host_log.Level.DEBUG,
    "info": host_log.Level.INFO,
    "warn": host_log.Level.WARN,
    "error": host_log.Level.ERROR,
}


def _to_host(level: str, message: str) -> None:
    host_log.log(_LEVELS[level], message)


frozen.guard()
import app  # noqa: E402

if not wellhead._exported:
    raise ImportError("app.py exports no generator: end it with `wellhead.export(YourGenerator)`")
_GENERATOR = wellhead._exported[0]
_DESCRIPTION = types.Description(
    name=_GENERATOR.name,
    version=_GENERATOR.version,
    summary=_GENERATOR.summary,
    config_schema=wellhead.config_schema(_GENERATOR),
    content_type=_GENERATOR.content_type,
    random_access=_GENERATOR.random_access,
    labels=[(str(name), str(value)) for name, value in _GENERATOR.labels.items()],
)


def refusal(error: BaseException) -> Err:
    """The contract's error for whatever was raised; what isn't meant for users is logged with its stack."""
    if isinstance(error, wellhead.InvalidConfig):
        return Err(types.Error_InvalidConfig(_whole(str(error))))
    cause = error.__cause__ if isinstance(error, wellhead.Failed) else error
    if cause is not None and not isinstance(cause, (wellhead.Failed, wellhead.WrongValue)):
        wellhead_log.error(place.stack(cause, _GENERATOR))
    return Err(types.Error_Failed(_whole(place.said(error, _GENERATOR))))


def begin() -> None:
    """What every call begins with: while it is built there is no host to ask."""
    frozen.freeze()
    wellhead_log._sink = _to_host
    wellhead.assets._size = host_assets.size
    wellhead.assets._read = host_assets.read


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class Generator(exports.Generator):
    """The functions of the contract's interface `generator`."""

    def describe(self) -> types.Description:
        begin()
        return _DESCRIPTION

    def channels(self, config: str) -> list[types.Channel]:
        begin()
        try:
            return [types.Channel(each.name, each.schema) for each in wellhead.channels(_GENERATOR, config)]
        except BaseException as error:
            raise refusal(error) from None


# The contract's streams live in a module that is named after its interface.
import generator  # noqa: E402

generator.GENERATOR = _GENERATOR
generator.begin = begin
generator.refusal = refusal

frozen.prepare(sys.modules[_GENERATOR.__module__])
