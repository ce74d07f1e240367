"""`vehicle-telemetry`: where the vehicles of a fleet are, and when one goes too fast.

A record is a function of the configuration, the seed, its index, its event time, and the state: what the records
before it left. No clock, no other randomness: so that a run can be repeated to the byte.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle
from typing import Annotated, TypedDict

from wellhead import (
    Channel,
    Decimals,
    Failed,
    Format,
    Generator,
    InvalidConfig,
    Out,
    Range,
    Settings,
    export,
    writer,
)


@dataclass
class Config:
    """What users can set. The texts are what they read in the generator's schema."""

    vehicles: Annotated[
        int, Range(1, 10_000), "How many vehicles there are, at least one for each stream. They take turns."
    ] = 50
    limit: Annotated[int, Range(1, 200), "The speed in km/h from which on a vehicle may be reported."] = 120


class Position(TypedDict):
    """A vehicle says where it is."""

    vehicle: Annotated[str, "Which vehicle, which is also the key."]
    at: Annotated[str, Format("date-time"), "When, in UTC with microseconds."]
    latitude: Annotated[float, Decimals(7)]
    longitude: Annotated[float, Decimals(7)]
    speed: Annotated[float, Decimals(1), Range(0, 160), "Kilometres an hour."]
    odometer: Annotated[float, Decimals(3), "Kilometres that it has gone."]


class Alert(TypedDict):
    """A vehicle goes too fast."""

    vehicle: str
    at: Annotated[str, Format("date-time")]
    alert: Annotated[str, "`speeding`."]
    speed: Annotated[float, Decimals(1)]
    limit: int


# A record could be a dict, `Position(vehicle=…, …)`. A writer, which is given the fields' values in their order, takes a
# third less: it has decimals as whole numbers of their last place, and times in nanoseconds.
position = writer(Position)
alert = writer(Alert)

# The greatest speed, in tenths of a kilometre an hour.
FASTEST = 1_600
# The depot, where all begin, in ten-millionths of a degree, of which one is 11 millimetres along a meridian; and how far
# a vehicle gets from it, a degree.
LATITUDE, LONGITUDE = 488_566_000, 23_522_000
SOUTH, NORTH = LATITUDE - 10_000_000, LATITUDE + 10_000_000
WEST, EAST = LONGITUDE - 10_000_000, LONGITUDE + 10_000_000
STEP = 11
# Eight directions: north, north-east, and so on round; to which sides one leads, and how far, in 1024 parts.
STRAIGHT, DIAGONAL, PARTS = 1024, 724, 1024 * STEP
DIRECTIONS = [
    (1, 0, STRAIGHT),
    (1, 1, DIAGONAL),
    (0, 1, STRAIGHT),
    (-1, 1, DIAGONAL),
    (-1, 0, STRAIGHT),
    (-1, -1, DIAGONAL),
    (0, -1, STRAIGHT),
    (1, -1, DIAGONAL),
]
HOUR = 3_600_000
# One in four, of the numbers of 64 bits that are drawn.
QUARTER = 1 << 62

# A vehicle in a saved state.
STATE = struct.Struct("<6q")


class Vehicle:
    """What is known of a vehicle after its last record."""

    __slots__ = ("name", "at", "speed", "direction", "latitude", "longitude", "odometer")

    def __init__(self, name, at=0, speed=0, direction=0, latitude=LATITUDE, longitude=LONGITUDE, odometer=0):
        self.name = name
        # Event time of that record in milliseconds; 0 before the first.
        self.at = at
        # Tenths of a kilometre an hour.
        self.speed = speed
        self.direction = direction
        # Ten-millionths of a degree.
        self.latitude = latitude
        self.longitude = longitude
        # Millimetres.
        self.odometer = odometer

    def go_to(self, now, random):
        """Drives on until `now`, in milliseconds; then speed and direction change a little."""
        passed = now - self.at if self.at else 0
        if not 0 <= passed <= HOUR:
            # An hour at most, in which a vehicle goes no further than 160 km.
            passed = HOUR if passed > 0 else 0
        self.at = now
        # A tenth of a kilometre an hour is 1/36 of a millimetre in a millisecond.
        gone = self.speed * passed // 36
        self.odometer += gone
        north, east, parts = DIRECTIONS[self.direction]
        away = gone * parts // PARTS
        latitude = self.latitude + away * north
        longitude = self.longitude + away * east
        # Whoever is too far from the depot begins there again.
        self.latitude = latitude if SOUTH <= latitude <= NORTH else LATITUDE
        self.longitude = longitude if WEST <= longitude <= EAST else LONGITUDE
        speed = self.speed + (random & 255) - 120
        self.speed = 0 if speed < 0 else FASTEST if speed > FASTEST else speed
        if random & 0xF00 == 0:
            self.direction = random >> 12 & 7


class Telemetry(Generator[Config]):
    """The generator: one stream of it."""

    name = "vehicle-telemetry"
    version = "0.1.0"
    summary = "Where the vehicles of a fleet are, and when one goes too fast."
    # A record needs those before it. Where yours don't, leave this and `save` out: a resume is at once then.
    random_access = False

    @classmethod
    def channels(cls, config: Config) -> list[Channel]:
        return [Channel.of("position", Position), Channel.of("alert", Alert)]

    def open(self, config: Config, settings: Settings, state: bytes | None) -> None:
        own = settings.share_of(config.vehicles)
        if own == 0:
            raise InvalidConfig(
                f"`vehicles` is {config.vehicles} and there are {settings.stream_count} streams: "
                "each needs a vehicle of its own"
            )
        # Each stream has vehicles of its own.
        numbers = range(settings.stream_index, config.vehicles, settings.stream_count)
        names = [f"vehicle-{number}" for number in numbers]
        if state is None:
            self.vehicles = [Vehicle(name) for name in names]
        elif len(state) != own * STATE.size:
            raise Failed(
                f"the saved state has {len(state)} bytes, and that of {own} vehicles has {own * STATE.size}"
            )
        else:
            self.vehicles = [Vehicle(name, *saved) for name, saved in zip(names, STATE.iter_unpack(state))]
        self.limit = config.limit * 10
        self.moves = settings.key("moves")

    # `record(self, tick, out)`, which returns the record of one tick, would do. In a loop of its own each costs less.
    def records(self, first: int, times: list[int], out: Out) -> Iterator[str]:
        limit = self.limit
        # The vehicle whose turn it is, and so on round.
        turns = chain(self.vehicles[first % len(self.vehicles) :], cycle(self.vehicles))
        moves, chances = self.moves.draws(first), self.moves.draws(first, 1)
        for time, vehicle, move, chance in zip(times, turns, moves, chances):
            vehicle.go_to(time // 1_000_000, move)
            name = out.key = vehicle.name
            speed = vehicle.speed
            if speed >= limit and chance < QUARTER:
                out.channel = "alert"
                yield alert(name, time, "speeding", speed, limit // 10)
            else:
                yield position(
                    name,
                    time,
                    vehicle.latitude,
                    vehicle.longitude,
                    speed,
                    vehicle.odometer // 1_000,
                )

    def save(self) -> bytes:
        """What `open` is given where a run goes on."""
        return b"".join(
            STATE.pack(v.at, v.speed, v.direction, v.latitude, v.longitude, v.odometer) for v in self.vehicles
        )


export(Telemetry)
