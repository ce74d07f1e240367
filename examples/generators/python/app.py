"""`vehicle-telemetry`: where the vehicles of a fleet are, and when one goes too fast.

A record is a function of the configuration, the seed, its index, its event time, and the state: what the records
before it left. No clock, no other randomness: so that a run can be repeated to the byte.
"""

import struct
from dataclasses import dataclass
from typing import Annotated, TypedDict

from wellhead import (
    Channel,
    Failed,
    Format,
    Generator,
    InvalidConfig,
    Out,
    Range,
    Settings,
    Tick,
    below,
    export,
    rfc3339,
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
POSITION = '{"vehicle":"%s","at":"%s","latitude":%d.%07d,"longitude":%d.%07d,"speed":%s,"odometer":%d.%03d}'
ALERT = '{"vehicle":"%s","at":"%s","alert":"speeding","speed":%s,"limit":%d}'

# Tenths of a kilometre an hour, and their texts.
FASTEST = 1_600
SPEEDS = [f"{speed / 10:.1f}" for speed in range(FASTEST + 1)]
# Where all begin, in ten-millionths of a degree, of which one is 11 millimetres along a meridian.
LATITUDE, LONGITUDE = 488_566_000, 23_522_000
DEGREE = 10_000_000
STEP = 11
# Eight directions: north, north-east, and so on round; and how far to each side one leads, in 1024 parts.
STRAIGHT, DIAGONAL, PARTS = 1024, 724, 1024 * STEP
DIRECTIONS = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]

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
        passed = now - self.at if 0 < self.at < now else 0
        self.at = now
        if passed > 3_600_000:
            passed = 3_600_000
        # A tenth of a kilometre an hour is 1/36 of a millimetre in a millisecond.
        gone = self.speed * passed // 36
        self.odometer += gone
        direction = self.direction
        north, east = DIRECTIONS[direction]
        away = gone * (DIAGONAL if direction & 1 else STRAIGHT) // PARTS
        north = self.north + away * north
        east = self.east + away * east
        # Whoever is more than a degree from the depot begins there again.
        self.north = north if -10_000_000 <= north <= 10_000_000 else 0
        self.east = east if -10_000_000 <= east <= 10_000_000 else 0
        # Small numbers are faster than those of 64 bits.
        random &= 0x7FFF
        speed = self.speed + (random & 255) - 120
        self.speed = 0 if speed < 0 else FASTEST if speed > FASTEST else speed
        if random >> 8 & 15 == 0:
            self.direction = random >> 12


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

    def record(self, tick: Tick, out: Out) -> str:
        index = tick.index
        vehicle = self.vehicles[index % len(self.vehicles)]
        vehicle.go_to(tick.time // 1_000_000, self.moves.draw(index))
        name = out.key = vehicle.name
        speed = vehicle.speed
        if speed >= self.limit and below(self.moves.draw(index, 1) >> 32, 4) == 0:
            out.channel = "alert"
            return ALERT % (name, rfc3339(tick.time), SPEEDS[speed], self.limit // 10)
        latitude = LATITUDE + vehicle.north
        longitude = LONGITUDE + vehicle.east
        meters = vehicle.odometer // 1_000
        return POSITION % (
            name,
            rfc3339(tick.time),
            latitude // DEGREE,
            latitude % DEGREE,
            longitude // DEGREE,
            longitude % DEGREE,
            SPEEDS[speed],
            meters // 1_000,
            meters % 1_000,
        )

    def save(self) -> bytes:
        """What `open` is given where a run goes on."""
        return b"".join(
            STATE.pack(v.at, v.speed, v.direction, v.north, v.east, v.odometer) for v in self.vehicles
        )


export(Telemetry)
