"""The contract's resource `stream`; componentize-py looks for it in a module of the interface's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import wellhead
from wit_world.exports import generator as contract
from wit_world.imports import types

# Set by `wellhead_component`.
GENERATOR: type[wellhead.Generator[Any]]
begin: Callable[[], None]
refusal: Callable[[BaseException], BaseException]


class Stream(contract.Stream):
    """A stream as the host holds it."""

    def __init__(self, stream: wellhead.Stream) -> None:
        self._stream = stream

    @classmethod
    def open(cls, settings: types.Settings, state: bytes | None) -> Stream:
        begin()
        try:
            given = wellhead.Settings(settings.seed, settings.stream_index, settings.stream_count)
            return cls(wellhead.Stream(GENERATOR, settings.config, given, state))
        except BaseException as error:
            raise refusal(error) from None

    def generate(self, first: int, times: list[int]) -> types.Batch:
        try:
            batch = self._stream.generate(first, times)
            return types.Batch(
                batch.payload, batch.ends, batch.keys, batch.key_ends, batch.channels, batch.operations
            )
        except BaseException as error:
            raise refusal(error) from None

    def save(self) -> bytes | None:
        try:
            return self._stream.save()
        except BaseException as error:
            # There is no error here in the contract: without a state the host begins at record 0 instead.
            refusal(error)
            return None
