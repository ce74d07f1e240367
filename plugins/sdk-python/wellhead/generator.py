"""What a generator is: the class that authors derive from, and the plain types around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from enum import IntEnum
from sys import getrefcount
from typing import Any, Generic, TypeVar, get_args, get_origin

from .keys import Key
from .schema import schema_of
from .values import rfc3339, to_json

__all__ = ["Channel", "Generator", "NoConfig", "Operation", "Out", "Settings", "Tick"]

Config = TypeVar("Config")


@dataclass
class NoConfig:
    """There is nothing to set."""


class Tick:
    """The instant of one record."""

    __slots__ = ("index", "time")

    #: The record's index in its stream, from 0.
    index: int
    #: Event time in nanoseconds since the Unix epoch.
    time: int

    def __init__(self, index: int, time: int) -> None:
        self.index = index
        self.time = time

    @property
    def milliseconds(self) -> int:
        """Event time in milliseconds since the Unix epoch."""
        return self.time // 1_000_000

    @property
    def rfc3339(self) -> str:
        """Event time in UTC with microseconds: ``2026-01-01T00:00:51.000000Z``."""
        return rfc3339(self.time)

    def __repr__(self) -> str:
        return f"Tick(index={self.index}, time={self.time})"


class Operation(IntEnum):
    """What a record does to its key."""

    #: One more record.
    APPEND = 0
    #: The key's new value.
    UPSERT = 1
    #: The key has no value any more; the record is the last one.
    DELETE = 2


class Out:
    """What a record has besides its bytes. All of it is as below again at the next record."""

    __slots__ = ("key", "channel", "operation", "ended")

    #: The record's key.
    key: str | bytes
    #: The record's channel, by its index or its name.
    channel: int | str
    #: What the record does to its key.
    operation: Operation | int
    ended: bool

    def __init__(self) -> None:
        self.key = ""
        self.channel = 0
        self.operation = 0
        self.ended = False

    def end_stream(self) -> None:
        """Ends the stream before this tick: it has no more records."""
        self.ended = True


@dataclass(frozen=True)
class Settings:
    """What a stream is opened with."""

    #: The emulation's seed, the same for every emulation of a scenario.
    seed: int = 0
    #: Which stream this one is, from 0.
    stream_index: int = 0
    #: How many streams share the work.
    stream_count: int = 1

    def key(self, purpose: str) -> Key:
        """Randomness for what this stream alone sees: its records."""
        return Key.stream(self.seed, self.stream_index, purpose)

    def shared_key(self, purpose: str) -> Key:
        """Randomness for what all streams and all generators of a scenario share: entities."""
        return Key.shared(self.seed, purpose)

    def share_of(self, total: int) -> int:
        """How many of ``total`` entities belong to this stream, which are those whose number leaves the
        remainder ``stream_index`` when divided by ``stream_count``."""
        return (total + self.stream_count - 1 - self.stream_index) // self.stream_count


@dataclass(frozen=True)
class Channel:
    """One kind of record."""

    #: ``[a-z][a-z0-9_]*``, at most 64 characters, unique in the generator.
    name: str
    #: JSON Schema (draft 2020-12) of one record, as JSON text.
    schema: str

    @classmethod
    def of(cls, name: str, record: Any) -> Channel:
        """A channel whose records look like a dataclass or a ``TypedDict``, or like a schema (a dict)."""
        schema = record if isinstance(record, dict) else schema_of(record)
        return cls(name, to_json(schema))


class Generator(Generic[Config]):
    """A data source: one kind of stream of records, made from a seed.

    Derive a class from it, with its configuration's dataclass in brackets, and hand it to `wellhead.export`.
    An object of it is one stream. Record ``i`` may depend on the configuration, the settings, ``i``, its event
    time, and, where `random_access` is false, on the records before it; on nothing else.
    """

    #: The name that users type: ``[a-z][a-z0-9-]*``, at most 64 characters.
    name: str = ""
    #: Semantic version.
    version: str = ""
    #: One sentence for a listing, at most 500 bytes.
    summary: str = ""
    #: Media type of every record. JSON records are one value without a line feed.
    content_type: str = "application/json"
    #: Whether any record may be asked for in any order. Say false only where a record needs those before it,
    #: and then have `save`, if the state can be kept.
    random_access: bool = True
    #: Free-form names and values for people and tools, at most 64 of 256 bytes each.
    labels: dict[str, str] = {}

    @classmethod
    def channels(cls, config: Config) -> list[Channel]:
        """The channels that a configuration gives, 1 to 256, the same for every stream.

        Raise `InvalidConfig` where the configuration makes no sense.
        """
        raise NotImplementedError(f"{cls.__name__} has no `channels`: give a list of Channel.of(name, class)")

    def open(self, config: Config, settings: Settings, state: bytes | None) -> None:
        """Begins at the first record, or where ``state`` (made by `save`) was taken. The place for whatever costs.

        Raise `InvalidConfig` where the configuration makes no sense, and `Failed` where the stream can't begin
        for another reason, such as a state that it doesn't know.
        """

    def record(self, tick: Tick, out: Out) -> dict[str, Any] | str | bytes | None:
        """The record of one tick: a dict (written as JSON), text or bytes as they are, or None where nothing
        happens at it. Its key, channel and operation are set on ``out``. See `records` for what costs less.

        Whatever is raised ends the stream at this record; what came before it is delivered.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `record`: return a dict, str, bytes or None")

    def records(self, first: int, times: list[int], out: Out) -> Iterator[dict[str, Any] | str | bytes | None]:
        """Records ``first``, ``first + 1``, …, one for each of ``times``: what `record` returns, yielded.

        Instead of `record` where speed counts: a generator function, whose loop has its names at hand. It is begun
        anew for each call of the host's, with however many times, so what is to last is kept in ``self``. Go through
        ``times`` itself, which may become shorter meanwhile; where it isn't gone through to its end, the stream ends.
        """
        record = self.record
        tick = Tick(0, 0)
        alone = 0
        for index, time in enumerate(times, first):
            # The same object again, unless somebody has kept it: to make one costs four times as much. How many
            # references there are when nobody has depends on the interpreter; the first time says it.
            held = getrefcount(tick)
            if held == alone:
                tick.index = index
                tick.time = time
            else:
                tick = Tick(index, time)
                alone = alone or held
            yield record(tick, out)

    def save(self) -> bytes | None:
        """The state after the last record, at most 1 MiB; None where there is nothing to keep."""
        return None


def config_class(generator: type[Generator[Any]]) -> Any:
    """The dataclass in the brackets of a generator's base."""
    for cls in generator.__mro__:
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Generator:
                (config,) = get_args(base)
                if isinstance(config, TypeVar):
                    break
                if not (isinstance(config, type) and is_dataclass(config)):
                    raise TypeError(
                        f"{generator.__name__}: {config!r} is not a dataclass; write @dataclass above the class "
                        "of the configuration"
                    )
                return config
    return NoConfig
