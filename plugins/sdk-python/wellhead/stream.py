"""The loop from times to a batch."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .config import read_config
from .errors import Failed, InvalidConfig
from .generator import Channel, Generator, Operation, Out, Settings, config_class
from .place import said
from .rows import Rows
from .schema import schema_of
from .values import WrongValue, _a, to_json

__all__ = ["Batch", "Record", "Stream", "channels", "config_schema"]


@dataclass(frozen=True)
class Record:
    """One record of a batch."""

    data: bytes
    key: bytes
    #: By its index.
    channel: int
    operation: Operation

    @property
    def text(self) -> str:
        """The record's bytes as text."""
        return self.data.decode()

    def json(self) -> Any:
        """The record's value."""
        return json.loads(self.data)


@dataclass
class Batch:
    """Records side by side, as they cross to the host: see the WIT."""

    payload: bytes
    ends: list[int]
    keys: bytes
    key_ends: list[int]
    channels: bytes
    operations: bytes

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[Record]:
        begin = key_begin = 0
        for place, end in enumerate(self.ends):
            key_end = self.key_ends[place] if self.key_ends else 0
            yield Record(
                self.payload[begin:end],
                self.keys[key_begin:key_end],
                self.channels[place] if self.channels else 0,
                Operation(self.operations[place] if self.operations else 0),
            )
            begin, key_begin = end, key_end


def config_schema(generator: type[Generator[Any]]) -> str:
    """JSON Schema of a generator's configuration."""
    return to_json(schema_of(config_class(generator), strict=True))


def channels(generator: type[Generator[Any]], config: str = "{}") -> list[Channel]:
    """The channels that a configuration (JSON text) gives."""
    return generator.channels(read_config(config_class(generator), config))


class Stream:
    """A stream of a generator, in a component or in a test: the same code, the same bytes.

    Outside of a component an exception of the generator's is the cause of the `Failed` that is raised.
    """

    def __init__(
        self,
        generator: type[Generator[Any]],
        config: str | dict[str, Any] = "{}",
        settings: Settings | None = None,
        state: bytes | None = None,
    ) -> None:
        text = config if isinstance(config, str) else to_json(config)
        self._config = read_config(config_class(generator), text)
        self._is_json = is_json(generator.content_type)
        self._out = Out()
        self._rows = Rows(Out())
        self._failed: tuple[int, Failed] | None = None
        #: The record that comes next, where the generator must not be asked for another.
        self._next = 0 if not generator.random_access and state is None else None
        self._channels: dict[int | str, int] | None = None
        try:
            self.generator = generator()
            self.generator.open(self._config, settings or Settings(), state)
        except (InvalidConfig, Failed):
            raise
        except BaseException as error:
            raise Failed(said(error, generator)) from error

    def generate(self, first: int, times: Sequence[int]) -> Batch:
        """Records ``first``, ``first + 1``, …, one for each of ``times`` (nanoseconds since the Unix epoch).

        Fewer where the batch is full, a record fails, or the stream ends; none at all where it has ended.
        `Failed` where record ``first`` itself fails, or a generator without random access is asked out of order.
        """
        if self._next is not None and self._next != first:
            raise Failed(
                f"asked for record {first}, but this generator goes in order and is at {self._next}"
            )
        if self._failed is not None and self._failed[0] == first:
            raise self._failed[1]
        self._failed = None
        batch = self._fill(first, times)
        if self._is_json and b"\n" in batch.payload:
            self._refuse_line_feed(first, batch)
        if not batch.ends and self._failed is not None and self._failed[0] == first:
            raise self._failed[1]
        if not self.generator.random_access:
            self._next = first + len(batch.ends)
        return batch

    def save(self) -> bytes | None:
        """See `Generator.save`."""
        try:
            state = self.generator.save()
            if state is None or isinstance(state, bytes):
                return state
            raise TypeError(f"`save` gave {_a(state)}: return bytes, or None where there is no state")
        except BaseException as error:
            raise Failed(said(error, type(self.generator))) from error

    def _fill(self, first: int, times: Sequence[int]) -> Batch:
        out, rows = self._out, self._rows
        left = list(times)
        try:
            rows.fill(self.generator.records(first, left, out), out, left, self)
        except BaseException as error:
            self._fail(first + rows.count(), error)
        out.key, out.channel, out.operation, out.ended = "", 0, 0, False
        return Batch(*rows.take())

    # How `Rows` goes on with what isn't plain.

    def odd(self, data: Any) -> str | bytes:
        """What `record` gave, where it is neither text nor bytes."""
        if type(data) is dict:
            return to_json(data)
        if data is None:
            return ""
        if isinstance(data, (bytes, bytearray, memoryview)):
            return bytes(data)
        if isinstance(data, str):
            return str(data)
        if isinstance(data, (int, float, list, tuple, set, frozenset)):
            raise WrongValue(
                f"`record` gave {_a(data)}: return a dict, str or bytes, or None where nothing happens at the tick"
            )
        return to_json(data)

    def encoded(self, part: Any, path: str) -> bytes:
        """The bytes of a record or a key."""
        if isinstance(part, bytes):
            return part
        if part is None:
            return b""
        if not isinstance(part, str):
            raise WrongValue(f"{part!r} is {_a(part)}, and a key is a str (or bytes): write str(…)", path)
        try:
            return part.encode()
        except UnicodeEncodeError as error:
            half = ascii(part[error.start])
            raise WrongValue(
                f"character {error.start} of the text is half of a surrogate pair ({half}): write the whole "
                "character, or decode with errors='replace'",
                path,
            ) from None

    def mark(self, channel: Any, operation: Any, keyed: bool) -> int:
        """A record's channel and operation as numbers, the latter times 256."""
        if self._channels is None:
            named = self.generator.channels(self._config)
            self._channels = {place: place for place in range(len(named))}
            self._channels.update({channel.name: place for place, channel in enumerate(named)})
        number = self._channels.get(channel or 0)
        if number is None:
            names = ", ".join(repr(name) for name in self._channels if isinstance(name, str))
            raise WrongValue(f"there is no channel {channel!r}; there are {names}")
        if (operation or 0) not in (0, 1, 2):
            raise WrongValue(f"there is no operation {operation!r}; there are Operation.APPEND, UPSERT, DELETE")
        done = int(operation or 0)
        if done and not keyed:
            raise WrongValue(f"the operation is {Operation(done).name}, which needs a key: set out.key")
        return number + (done << 8)

    def too_many(self) -> None:
        """Raises: there were more records than times."""
        raise WrongValue("`records` gave more records than there were times")

    def _fail(self, index: int, error: BaseException) -> None:
        if isinstance(error, RuntimeError) and isinstance(error.__cause__, StopIteration):
            # Python's words for one that `records` didn't catch; where it came from, its own traceback says.
            error = error.__cause__
        failed = Failed(said(error, type(self.generator)))
        failed.__cause__ = error
        # Of several the first counts.
        if self._failed is None or index < self._failed[0]:
            self._failed = (index, failed)

    def _refuse_line_feed(self, first: int, batch: Batch) -> None:
        """Cuts a batch before the record that has one."""
        row = bisect_right(batch.ends, batch.payload.index(b"\n"))
        self._fail(
            first + row,
            WrongValue("a line feed in text that is to be JSON: write it on one line, with \\n within strings"),
        )
        del batch.ends[row:], batch.key_ends[row:]
        batch.payload = batch.payload[: _last(batch.ends)]
        batch.keys = batch.keys[: _last(batch.key_ends)]
        batch.channels, batch.operations = batch.channels[:row], batch.operations[:row]


def is_json(content_type: str) -> bool:
    """Whether records of a media type are JSON."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence == "application/json" or essence.endswith("+json")


def _last(ends: list[int]) -> int:
    return ends[-1] if ends else 0
