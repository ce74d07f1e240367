// Randomness addressed by (seed, stream, index, purpose). The algorithm and its test vectors are those of every
// SDK: `plugins/sdk/src/rng.rs`.
//
// There is no compiler inside a component, only an interpreter, and an operation costs the same 10 to 100 ns whether
// it is on small or on huge numbers. So 64-bit numbers are pairs of 32-bit halves where there is one of them, and
// where many records ask for the same, one BigInt holds them all, 128 bits each, and is mixed at once (lanes.js).

import { column, start } from "./lanes.js";

const { imul } = Math;
const GAMMA_HIGH = 0x9e3779b9;
const GAMMA_LOW = 0x7f4a7c15;
const TWO_32 = 0x1_0000_0000;
const MASK = 0xffff_ffff_ffff_ffffn;
const LOW = 0xffff_ffffn;
const GAMMA = 0x9e37_79b9_7f4a_7c15n;
/** What stands for the stream where all streams share. */
const SHARED = 1n << 32n;

// The result of `mix`: returning two numbers would take an object.
let high = 0;
let low = 0;

/** SplitMix64's finaliser, on halves. */
function mix(h, l) {
  let x = l ^ ((l >>> 30) | (h << 2));
  let y = h ^ (h >>> 30);
  // The product's upper half is that of the lower halves and, modulo 2^32, two more; 16 bits at a time it is exact.
  let part = (x & 0xffff) * 0x1ce4e5b9;
  part = (x >>> 16) * 0x1ce4e5b9 + ((part / 65536) >>> 0);
  y = (((part / 65536) >>> 0) + imul(y, 0x1ce4e5b9) + imul(x, 0xbf58476d)) | 0;
  x = imul(x, 0x1ce4e5b9);
  x ^= (x >>> 27) | (y << 5);
  y ^= y >>> 27;
  part = (x & 0xffff) * 0x133111eb;
  part = (x >>> 16) * 0x133111eb + ((part / 65536) >>> 0);
  y = (((part / 65536) >>> 0) + imul(y, 0x133111eb) + imul(x, 0x94d049bb)) | 0;
  x = imul(x, 0x133111eb);
  low = (x ^ ((x >>> 31) | (y << 1))) >>> 0;
  high = (y ^ (y >>> 31)) >>> 0;
}

function mixed(z) {
  mix(Number(z >> 32n), Number(z & LOW));
  return (BigInt(high) << 32n) | BigInt(low);
}

function hashOf(purpose) {
  let h = 0xcbf2_9ce4_8422_2325n;
  for (const byte of new TextEncoder().encode(purpose)) h = ((h ^ BigInt(byte)) * 0x100_0000_01b3n) & MASK;
  return h;
}

/** Which records the host asks for just now: what is drawn for all of them at once. */
const asked = { first: 0, end: 0 };

/** Tells which records are about to be asked for. */
export function expect(first, count) {
  asked.first = first;
  asked.end = first + count;
}

/** Below this many records, drawing at once gains nothing. */
const FEW = 16;
/** So many are drawn for at once, which keeps a number below the 1 KiB that the engine has room for beside its objects. */
const MANY = 60;

/** Randomness for one purpose: draws for any index, in any order. */
export class Key {
  constructor(value) {
    if (typeof value !== "bigint") throw new TypeError("a Key is made by settings.key(…), Key.stream or Key.shared");
    /** The key itself, 64 bits. */
    this.value = value;
    this.high = Number(value >> 32n);
    this.low = Number(value & LOW);
    // The batch's records that have been drawn for at once, and where the next record in order is.
    this.block = null;
    this.first = 0;
    this.count = 0;
    this.next = -1;
  }

  /** For what one stream alone sees. */
  static stream(seed, streamIndex, purpose) {
    return Key.#made(seed, BigInt(streamIndex), purpose);
  }

  /** For what all streams, and all generators under the same seed, see alike. */
  static shared(seed, purpose) {
    return Key.#made(seed, SHARED, purpose);
  }

  static #made(seed, stream, purpose) {
    if (typeof purpose !== "string") throw new TypeError("a key's purpose is a string, such as \"moves\"");
    const keyed = (mixed((BigInt(seed) + GAMMA) & MASK) + stream) & MASK;
    return new Key(mixed(mixed(keyed) ^ hashOf(purpose)));
  }

  /**
   * The draws of index `i`, a number or a BigInt. Give an `rng` of an earlier call to have no new one made, which is
   * what makes this fast.
   */
  at(i, rng = new Rng()) {
    rng.used = 0;
    if (typeof i === "number") {
      const lane = i - this.first;
      if (lane >= 0 && lane < this.count) {
        rng.block = this.block;
        rng.lane = lane * 4;
        return rng;
      }
      if (i === this.next) return this.#inOrder(i, rng);
      this.next = i + 1;
    }
    return this.#alone(i, rng);
  }

  // Whoever asks for one record after another will ask for the batch's others too.
  #inOrder(i, rng) {
    const left = Math.min(i >= asked.first ? asked.end - i : 0, MANY);
    if (left < FEW) {
      this.next = i + 1;
      return this.#alone(i, rng);
    }
    this.block = start(this.value, i, left, this.block);
    this.first = i;
    this.count = left;
    this.next = i + left;
    rng.block = this.block;
    rng.lane = 0;
    return rng;
  }

  #alone(i, rng) {
    this.#start(i);
    rng.block = null;
    rng.high = high;
    rng.low = low;
    return rng;
  }

  /** One number for index `i`, as a BigInt: as good as a draw of `at`, cheaper, and not among those draws. */
  hash(i) {
    this.#start(i);
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** The upper half of `hash(i)`, as a number. */
  hash32(i) {
    this.#start(i);
    return high;
  }

  #start(i) {
    const z = (BigInt(i) * GAMMA) & MASK;
    mix(this.high ^ Number(z >> 32n), this.low ^ Number(z & LOW));
  }
}

/** The draws of one index, one after another. */
export class Rng {
  constructor() {
    /** The upper half of the last draw: 32 bits as a number from 0. */
    this.high = 0;
    /** The lower half of the last draw. */
    this.low = 0;
    this.stateHigh = 0;
    this.stateLow = 0;
    this.used = 0;
    this.block = null;
    this.lane = 0;
  }

  /** Draws once; the 64 bits are in `high` and `low`. */
  step() {
    const used = this.used++;
    if (this.block !== null) {
      const draws = this.block.columns[used] ?? column(this.block, used);
      if (draws !== null) {
        this.low = draws[this.lane];
        this.high = draws[this.lane + 1];
        return;
      }
      this.#leave(used);
    } else if (used === 0) {
      this.stateHigh = this.high;
      this.stateLow = this.low;
    }
    const sum = this.stateLow + GAMMA_LOW;
    this.stateLow = sum >>> 0;
    this.stateHigh = (this.stateHigh + GAMMA_HIGH + (sum >= TWO_32 ? 1 : 0)) >>> 0;
    mix(this.stateHigh, this.stateLow);
    this.low = low;
    this.high = high;
  }

  // Goes on alone: what few of a batch's records draw isn't drawn for all.
  #leave(used) {
    const { key, first } = this.block;
    const index = BigInt(first + this.lane / 4);
    const state = (mixed(key ^ ((index * GAMMA) & MASK)) + BigInt(used) * GAMMA) & MASK;
    this.stateHigh = Number(state >> 32n);
    this.stateLow = Number(state & LOW);
    this.block = null;
  }

  /** The next 64 random bits, as a BigInt. `next32` is faster. */
  next() {
    this.step();
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** The next draw's upper 32 bits, as a number; the others are in `low`. */
  next32() {
    this.step();
    return this.high;
  }

  /** A whole number from 0 to just below `n` (at most 2^32 - 1), from one draw; 0 when `n` is 0. */
  below(n) {
    if (n >>> 0 !== n) throw new RangeError(`below(${n}): it takes a whole number from 0 to 4294967295`);
    this.step();
    const h = this.high;
    // Products of 16 and 32 bits, which are exact.
    return (((h >>> 16) * n + ((((h & 0xffff) * n) / 65536) >>> 0)) / 65536) >>> 0;
  }

  /** Whether something happens whose probability is `share` of 2^32. */
  chance(share) {
    this.step();
    return this.high < share;
  }

  /** 32 bits, to seed a generator of numbers of somebody else's. */
  seed32() {
    return this.next32();
  }
}
