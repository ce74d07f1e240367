"""`vehicle-telemetry`: where the vehicles of a fleet are, and when one goes too fast.

A record is a function of the configuration, the seed, its index, its event time, and the state: what the records
before it left. No clock, no other randomness: so that a run can be repeated to the byte.
"""

import struct
from dataclasses import dataclass
from typing import Annotated, TypedDict

from wellhead import Channel, Failed, Format, Generator, InvalidConfig, Out, Range, Settings, Tick, export


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
    latitude: float
    longitude: float
    speed: Annotated[float, Range(0, 160), "Kilometres an hour."]
    odometer: Annotated[float, "Kilometres that it has gone."]


class Alert(TypedDict):
    """A vehicle goes too fast."""

    vehicle: str
    at: Annotated[str, Format("date-time")]
    alert: Annotated[str, "`speeding`."]
    speed: float
    limit: int


# A record could be a dict, `Position(vehicle=…, …)`. Text of a fixed shape is several times as fast, where the values
# are known to need no escapes: decimals are written as whole numbers with a point between, which are never negative.
POSITION = '{"vehicle":"%s","at":"%s","latitude":%d.%07d,"longitude":%d.%07d,"speed":%d.%d,"odometer":%d.%03d}'
ALERT = '{"vehicle":"%s","at":"%s","alert":"speeding","speed":%d.%d,"limit":%d}'

# Tenths of a kilometre an hour.
FASTEST = 1_600
# Millimetres of a ten-millionth of a degree along a meridian.
STEP = 11
# Where all begin, in ten-millionths of a degree.
LATITUDE, LONGITUDE = 488_566_000, 23_522_000
# Eight directions: north, north-east, and so on round, in parts of 1024.
DIRECTIONS = [(1024, 0), (724, 724), (0, 1024), (-724, 724), (-1024, 0), (-724, -724), (0, -1024), (724, -724)]

# A vehicle in a saved state.
STATE = struct.Struct("<6q")


class Vehicle:
    """What is known of a vehicle after its last record."""

    __slots__ = ("name", "at", "speed", "direction", "north", "east", "odometer")

    def __init__(self, name, at=0, speed=0, direction=0, north=0, east=0, odometer=0):
        self.name = name
        # Event time of that record in milliseconds; 0 before the first.
        self.at = at
        # Tenths of a kilometre an hour.
        self.speed = speed
        self.direction = direction
        # Ten-millionths of a degree away from the depot.
        self.north = north
        self.east = east
        # Millimetres.
        self.odometer = odometer

    def go_to(self, now, random):
        """Drives on until `now`, in milliseconds; then speed and direction change a little."""
        # An hour at most, in which a vehicle goes no further than 160 km.
        passed = min(max(now - self.at, 0), 3_600_000) if self.at else 0
        self.at = now
        # A tenth of a kilometre an hour is 1/36 of a millimetre in a millisecond.
        gone = self.speed * passed // 36
        self.odometer += gone
        north, east = DIRECTIONS[self.direction]
        self.north = moved(self.north, gone * north)
        self.east = moved(self.east, gone * east)
        self.speed = min(max(self.speed + (random & 255) - 120, 0), FASTEST)
        if random >> 8 & 15 == 0:
            self.direction = random >> 12 & 7


def moved(away, by):
    """Within a degree of the depot; whoever is further away begins there again."""
    # Whole steps, towards zero.
    away += by // (1024 * STEP) if by >= 0 else -(-by // (1024 * STEP))
    return away if -10_000_000 <= away <= 10_000_000 else 0


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
        self.limit = config.limit
        self.moves = settings.key("moves")

    def record(self, tick: Tick, out: Out) -> str:
        vehicle = self.vehicles[tick.index % len(self.vehicles)]
        random = self.moves.at(tick.index)
        vehicle.go_to(tick.milliseconds, random.next())
        out.key = vehicle.name
        speed = divmod(vehicle.speed, 10)
        if vehicle.speed >= self.limit * 10 and random.below(4) == 0:
            out.channel = "alert"
            return ALERT % (vehicle.name, tick.rfc3339, *speed, self.limit)
        latitude = divmod(LATITUDE + vehicle.north, 10**7)
        longitude = divmod(LONGITUDE + vehicle.east, 10**7)
        odometer = divmod(vehicle.odometer // 1000, 1000)
        return POSITION % (vehicle.name, tick.rfc3339, *latitude, *longitude, *speed, *odometer)

    def save(self) -> bytes:
        """What `open` is given where a run goes on."""
        return b"".join(
            STATE.pack(v.at, v.speed, v.direction, v.north, v.east, v.odometer) for v in self.vehicles
        )


export(Telemetry)
