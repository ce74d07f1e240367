/** A JSON Schema (draft 2020-12), as an object. */
export type Schema = { readonly [keyword: string]: unknown };

/** Anything that JSON has a form for. A BigInt is written as its digits, a `Fixed` with all its decimals. */
export type Json = string | number | bigint | boolean | null | Fixed | Date | readonly Json[] | { readonly [name: string]: Json | undefined };

/** One kind of record that a generator emits. */
export interface Channel {
  /** `[a-z][a-z0-9_]*`, at most 64 characters, unique in the generator. */
  readonly name: string;
  /** JSON Schema of one record. */
  readonly schema: Schema;
  /** Numbers that are always written with so many decimals (0 to 15), by path: `{ speed: 1, "place.latitude": 7 }`. */
  readonly decimals?: { readonly [path: string]: number };
}

/** What a record is: an object that is written as JSON, text or bytes as they are, or null where nothing happens. */
export type Content = object | string | Uint8Array | null;

/** One stream of a generator, as `open` makes it. */
export interface GeneratorStream<State = unknown> {
  /**
   * The record of one tick. `tick` and `out` are the same objects each time: take what you keep out of them.
   * @param tick which record it is, and its event time
   * @param out what the record says of itself besides its content: key, channel, operation
   */
  record(tick: Tick, out: Out): Content;
  /**
   * What `open` is given where a run goes on: anything that JSON has a form for, or bytes; at most 1 MiB. Leave it
   * out where there is nothing to keep.
   */
  save?(): State;
}

/** A data source: one kind of stream of records, made from a seed. */
export interface Definition<Config = Record<string, never>, State = unknown> {
  /** The name that users type: `[a-z][a-z0-9-]*`, at most 64 characters. */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** One sentence for a listing, at most 500 bytes. */
  readonly summary: string;
  /** Media type of every record; `application/json` unless said otherwise. */
  readonly contentType?: string;
  /** Whether any record may be asked for in any order, which is so unless said otherwise. */
  readonly randomAccess?: boolean;
  /** Free-form name and value pairs, at most 64 of 256 bytes each. */
  readonly labels?: { readonly [name: string]: string };
  /** JSON Schema of the configuration. The host fills in the `default`s of its `properties` before `open`. */
  readonly config?: Schema;
  /** The channels, 1 to 256, the same for every stream. */
  readonly channels: readonly Channel[] | ((config: Config) => readonly Channel[]);
  /** A stream at its first record, or where `state` was saved. The place for everything that costs. */
  open(config: Config, settings: Settings, state: State | undefined): GeneratorStream<State>;
}

/** Defines a generator: what a module exports as its default. */
export function defineGenerator<Config = Record<string, never>, State = unknown>(definition: Definition<Config, State>): Definition<Config, State>;

/** What a stream is opened with. */
export class Settings {
  constructor(settings: { seed: bigint; streamIndex: number; streamCount: number });
  /** The emulation's seed, 64 bits; the same for every emulation of a scenario. */
  readonly seed: bigint;
  /** Which stream this one is, from 0. */
  readonly streamIndex: number;
  /** How many streams share the work. */
  readonly streamCount: number;
  /** Randomness for what this stream alone sees: its records. */
  key(purpose: string): Key;
  /** Randomness for what all streams and all generators of a scenario share: entities. */
  sharedKey(purpose: string): Key;
  /** How many of `total` entities belong to this stream: those whose number leaves `streamIndex` divided by `streamCount`. */
  shareOf(total: number): number;
}

/** Randomness for one purpose: draws for any index, in any order. */
export class Key {
  private constructor();
  static stream(seed: bigint | number, streamIndex: number, purpose: string): Key;
  static shared(seed: bigint | number, purpose: string): Key;
  /** The key itself, 64 bits. */
  readonly value: bigint;
  /** The draws of index `i`. Give an `rng` of an earlier call to have no new one made, which is faster. */
  at(i: number | bigint, rng?: Rng): Rng;
  /** One number for index `i`: as good as a draw of `at`, cheaper, and not among those draws. */
  hash(i: number | bigint): bigint;
  /** The upper 32 bits of `hash(i)`. */
  hash32(i: number | bigint): number;
}

/** The draws of one index, one after another. */
export class Rng {
  constructor();
  /** The upper 32 bits of the last draw. */
  readonly high: number;
  /** The lower 32 bits of the last draw. */
  readonly low: number;
  /** Draws once; the 64 bits are in `high` and `low`. */
  step(): void;
  /** The next 64 random bits. `next32` is faster. */
  next(): bigint;
  /** The next draw's upper 32 bits; the others are in `low`. */
  next32(): number;
  /** A whole number from 0 to just below `n` (at most 2^32 - 1), from one draw; 0 when `n` is 0. */
  below(n: number): number;
  /** Whether something happens whose probability is `share` of 2^32. */
  chance(share: number): boolean;
  /** 32 bits, to seed somebody else's generator of numbers. */
  seed32(): number;
}

/** The instant of a record. */
export class Tick {
  private constructor();
  /** The record's index in its stream, from 0. */
  readonly index: number;
  /** Event time in nanoseconds since the Unix epoch. */
  readonly time: bigint;
  /** Event time in whole milliseconds since the Unix epoch. */
  readonly millis: number;
  /** Event time in whole seconds since the Unix epoch, and the nanoseconds beyond. */
  readonly seconds: number;
  readonly nanos: number;
  /** Event time in UTC with microseconds: `2026-01-01T00:00:51.000000Z`. */
  readonly text: string;
  /** Event time as a Date, cut to milliseconds. */
  date(): Date;
}

/** What a record says of itself besides its content. */
export class Out {
  private constructor();
  /** The record's key, for sinks that keep a row or a value by key, and for partitions. None unless set. */
  key: string | undefined;
  /** The record's channel, by name or by its place in `channels`. The first unless set. */
  channel: string | number;
  /** What the record does to its key; `append` unless set. The others need a key. */
  operation: "append" | "upsert" | "delete";
  /** Ends the stream before this tick: it has no more records. */
  endStream(): void;
}

/** A number with a fixed count of decimals. */
export class Fixed {
  constructor(units: number | bigint, decimals: number);
  readonly units: number | bigint;
  readonly decimals: number;
  toString(): string;
  toJSON(): number;
}

/** A number with a fixed count of decimals, of whole units: `fixed(1250, 2)` is written 12.50. See also `Channel.decimals`. */
export function fixed(units: number | bigint, decimals: number): Fixed;

/** Refuses a configuration: `throw invalidConfig("`until` lies before `from`")`. */
export function invalidConfig(why: string): InvalidConfig;
/** Ends the stream at this record: `throw failed("the asset has no line 7")`. */
export function failed(why: string): Failed;
export class InvalidConfig extends Error {}
export class Failed extends Error {}

/** Messages to the host's log, which drops them beyond a rate. What goes to `console` goes there too. */
export const log: Record<"debug" | "info" | "warn" | "error", (message: string) => void>;

/** Read-only data that the spec names: `assets: {payloads: ./payloads.json}`. */
export const assets: {
  /** Its length in bytes; undefined when the spec names no such asset. */
  size(name: string): number | undefined;
  /** The whole of it. */
  bytes(name: string): Uint8Array | undefined;
  /** The whole of it as text. */
  text(name: string): string | undefined;
  /** Up to `length` bytes of it from `offset`, at most 1 MiB; fewer at its end. */
  piece(name: string, offset: number, length: number): Uint8Array;
};

/** What `seedFaker` needs of a faker of `@faker-js/faker`. */
export interface Seedable {
  seed(seed: number): unknown;
  setDefaultRefDate(date: Date): unknown;
}

/** Makes a faker say the same for the same record: seeds it, and lets its dates lie about the record's event time. */
export function seedFaker<Faker extends Seedable>(faker: Faker, rng: Rng, tick?: Tick): Faker;

/** What a faker draws from in place of its own, so that seeding costs next to nothing: `new Faker({ locale, randomizer: randomizer() })`. */
export function randomizer(): { next(): number; seed(seed: number | number[]): void };
