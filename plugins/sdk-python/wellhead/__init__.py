"""Everything a wellhead generator in Python needs.

A generator is a pure function from (configuration, seed, stream, index, event time) to the bytes of one record.
Derive a class from `Generator`, hand it to `export`, build it, and the host runs it. The same source runs in a
test, where `Stream` gives the same bytes::

    from dataclasses import dataclass
    from typing import Annotated, TypedDict

    from wellhead import Channel, Fixed, Generator, Range, export


    @dataclass
    class Config:
        tills: Annotated[int, Range(1, 1000), "How many tills there are."] = 20


    class Sale(TypedDict):
        till: int
        total: Fixed


    class Tills(Generator[Config]):
        name = "tills"
        version = "0.1.0"
        summary = "Sales at the tills of a shop."

        @classmethod
        def channels(cls, config):
            return [Channel.of("sale", Sale)]

        def open(self, config, settings, state):
            self.tills = config.tills
            self.sales = settings.key("sales")

        def record(self, tick, out):
            random = self.sales.at(tick.index)
            till = random.below(self.tills)
            out.key = str(till)
            return {"till": till, "total": Fixed(100 + random.below(9_900), 2)}


    export(Tills)
"""

from __future__ import annotations

from typing import Any, TypeVar

from . import assets, log
from .errors import Failed, FrozenError, InvalidConfig
from .generator import Channel, Generator, NoConfig, Operation, Out, Settings, Tick
from .keys import Key, Rng, below, mix
from .schema import Decimals, Format, Length, Pattern, Range, schema_of
from .stream import Batch, Record, Stream, channels, config_schema
from .values import Fixed, WrongValue, fixed, rfc3339, to_json
from .writing import writer

__all__ = [
    "Batch",
    "Channel",
    "Decimals",
    "Failed",
    "Fixed",
    "Format",
    "FrozenError",
    "Generator",
    "InvalidConfig",
    "Key",
    "Length",
    "NoConfig",
    "Operation",
    "Out",
    "Pattern",
    "Range",
    "Record",
    "Rng",
    "Settings",
    "Stream",
    "Tick",
    "WrongValue",
    "assets",
    "below",
    "channels",
    "config_schema",
    "export",
    "fixed",
    "log",
    "mix",
    "rfc3339",
    "schema_of",
    "to_json",
    "writer",
]

G = TypeVar("G", bound=type[Generator[Any]])

_exported: list[type[Generator[Any]]] = []


def export(generator: G) -> G:
    """Makes a class the component's generator. There is one in a component; also good as a decorator."""
    if not (isinstance(generator, type) and issubclass(generator, Generator)):
        raise TypeError(f"export({generator!r}): hand it a class that is derived from wellhead.Generator")
    for word in ("name", "version", "summary"):
        if not getattr(generator, word):
            raise TypeError(f"{generator.__name__} has no {word}: write `{word} = \"…\"` in the class")
    if _exported and _exported[0].__qualname__ != generator.__qualname__:
        raise TypeError(
            f"export({generator.__name__}): {_exported[0].__name__} is exported already, and a component has "
            "one generator; build two components"
        )
    _exported[:] = [generator]
    return generator
