// `vehicle-telemetry`: where the vehicles of a fleet are, and when one goes too fast.
//
// A record is a function of the configuration, the seed, its index, its event time, and the state: what the records
// before it left. No clock, no other randomness: so that a run can be repeated to the byte.

import { Rng, defineGenerator, invalidConfig, type GeneratorStream, type Key, type Out, type Schema, type Tick } from "@wellhead/sdk";

/** What users can set. The schema below says the same to the host, which fills in the defaults. */
interface Config {
  vehicles: number;
  limit: number;
}

const config: Schema = {
  type: "object",
  additionalProperties: false,
  properties: {
    vehicles: {
      type: "integer",
      minimum: 1,
      maximum: 10_000,
      default: 50,
      description: "How many vehicles there are, at least one for each stream. They take turns.",
    },
    limit: {
      type: "integer",
      minimum: 1,
      maximum: 200,
      default: 120,
      description: "The speed in km/h from which on a vehicle may be reported.",
    },
  },
};

/** A vehicle says where it is. */
interface Position {
  vehicle: string;
  at: string;
  latitude: number;
  longitude: number;
  speed: number;
  odometer: number;
}

const position: Schema = {
  type: "object",
  properties: {
    vehicle: { type: "string", description: "Which vehicle, which is also the key." },
    at: { type: "string", format: "date-time", description: "When, in UTC with microseconds." },
    latitude: { type: "number" },
    longitude: { type: "number" },
    speed: { type: "number", minimum: 0, maximum: 160, description: "Kilometres an hour." },
    odometer: { type: "number", description: "Kilometres that it has gone." },
  },
  required: ["vehicle", "at", "latitude", "longitude", "speed", "odometer"],
};

/** A vehicle goes too fast. */
interface Alert {
  vehicle: string;
  at: string;
  alert: "speeding";
  speed: number;
  limit: number;
}

const alert: Schema = {
  type: "object",
  properties: {
    vehicle: { type: "string" },
    at: { type: "string", format: "date-time" },
    alert: { type: "string", description: "`speeding`." },
    speed: { type: "number" },
    limit: { type: "integer", minimum: 0 },
  },
  required: ["vehicle", "at", "alert", "speed", "limit"],
};

/** Tenths of a kilometre an hour. */
const FASTEST = 1_600;
/** Of a millimetre in a direction, how many make a ten-millionth of a degree along a meridian, which is 11 mm. */
const PARTS = 1_024 * 11;
/** Where all begin, in ten-millionths of a degree. */
const DEPOT = { latitude: 488_566_000, longitude: 23_522_000 };
/** Further away than this, a degree, a vehicle begins at the depot again. */
const FURTHEST = 10_000_000;
/** Eight directions: north, north-east, and so on round, in parts of 2^10. */
const DIAGONAL = Math.trunc(Math.SQRT1_2 * 1024);
const NORTH = [1024, DIAGONAL, 0, -DIAGONAL, -1024, -DIAGONAL, 0, DIAGONAL];
const EAST = [0, DIAGONAL, 1024, DIAGONAL, 0, -DIAGONAL, -1024, -DIAGONAL];

/** A vehicle as it is saved: at, speed, direction, north, east, odometer. */
type Saved = [number, number, number, number, number, number];

/** What is known of a vehicle after its last record. */
class Vehicle {
  /** Milliseconds of event time; 0 before the first record. */
  at = 0;
  /** Tenths of a kilometre an hour. */
  speed = 0;
  direction = 0;
  /** Ten-millionths of a degree away from the depot. */
  north = 0;
  east = 0;
  /** Millimetres. */
  odometer = 0;

  constructor(readonly name: string) {}

  /** Drives on until `now`, in milliseconds; then speed and direction change a little. */
  goTo(now: number, random: number): void {
    const { speed, direction } = this;
    let passed = this.at === 0 || now < this.at ? 0 : now - this.at;
    // An hour at most, in which a vehicle goes no further than 160 km: so all of this fits into 32 bits.
    if (passed > 3_600_000) passed = 3_600_000;
    this.at = now;
    // A tenth of a kilometre an hour is 1/36 of a millimetre in a millisecond.
    const gone = ((speed * passed) / 36) | 0;
    this.odometer += gone;
    const north = this.north + (((gone * NORTH[direction]) / PARTS) | 0);
    const east = this.east + (((gone * EAST[direction]) / PARTS) | 0);
    this.north = north > FURTHEST || north < -FURTHEST ? 0 : north;
    this.east = east > FURTHEST || east < -FURTHEST ? 0 : east;
    const next = speed + (random & 255) - 120;
    this.speed = next < 0 ? 0 : next > FASTEST ? FASTEST : next;
    if ((random & 0xf00) === 0) this.direction = (random >> 12) & 7;
  }
}

/** One stream of the generator. */
class Telemetry implements GeneratorStream<Saved[]> {
  private readonly random = new Rng();

  constructor(
    private readonly vehicles: readonly Vehicle[],
    private readonly limit: number,
    private readonly moves: Key,
  ) {}

  /** The record of one tick. What it says of itself besides its content goes to `out`. */
  record(tick: Tick, out: Out): Position | Alert {
    const vehicle = this.vehicles[tick.index % this.vehicles.length];
    const random = this.moves.at(tick.index, this.random);
    random.step();
    vehicle.goTo(tick.millis, random.low);
    out.key = vehicle.name;
    const speed = vehicle.speed / 10;
    if (speed >= this.limit && random.below(4) === 0) {
      out.channel = "alert";
      return { vehicle: vehicle.name, at: tick.text, alert: "speeding", speed, limit: this.limit };
    }
    return {
      vehicle: vehicle.name,
      at: tick.text,
      latitude: (DEPOT.latitude + vehicle.north) / 1e7,
      longitude: (DEPOT.longitude + vehicle.east) / 1e7,
      speed,
      odometer: Math.floor(vehicle.odometer / 1_000) / 1_000,
    };
  }

  /** What `open` is given where a run goes on. */
  save(): Saved[] {
    return this.vehicles.map(({ at, speed, direction, north, east, odometer }) => [at, speed, direction, north, east, odometer]);
  }
}

/** Puts a saved state back. */
function restore(vehicles: readonly Vehicle[], state: Saved[]): void {
  if (state.length !== vehicles.length)
    throw new Error(`the saved state has ${state.length} vehicles, and this stream has ${vehicles.length}`);
  for (const [i, vehicle] of vehicles.entries())
    [vehicle.at, vehicle.speed, vehicle.direction, vehicle.north, vehicle.east, vehicle.odometer] = state[i];
}

export default defineGenerator<Config, Saved[]>({
  name: "vehicle-telemetry",
  version: "0.1.0",
  summary: "Where the vehicles of a fleet are, and when one goes too fast.",
  // A record needs those before it. Where yours don't, leave this and `save` out: a resume is at once then.
  randomAccess: false,
  config,
  // `decimals`: numbers that are always written with so many.
  channels: [
    { name: "position", schema: position, decimals: { latitude: 7, longitude: 7, speed: 1, odometer: 3 } },
    { name: "alert", schema: alert, decimals: { speed: 1 } },
  ],

  /** A stream at its first record, or where `state` was saved. The place for everything that costs. */
  open({ vehicles, limit }, settings, state) {
    const own = settings.shareOf(vehicles);
    if (own === 0)
      throw invalidConfig(`\`vehicles\` is ${vehicles} and there are ${settings.streamCount} streams: each needs a vehicle of its own`);
    // A vehicle's number leaves the stream's index when divided by the count of streams: each stream has its own.
    const fleet = Array.from({ length: own }, (_, place) => new Vehicle(`vehicle-${settings.streamIndex + place * settings.streamCount}`));
    if (state !== undefined) restore(fleet, state);
    return new Telemetry(fleet, limit, settings.key("moves"));
  },
});
