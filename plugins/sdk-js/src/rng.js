// Randomness addressed by (seed, stream, index, purpose). The algorithm and its test vectors are those of every
// SDK: `plugins/sdk/src/rng.rs`. In a component the engine has both classes.

import { engine } from "./engine.js";

const GAMMA = 0x9e37_79b9_7f4a_7c15n;
/** What stands for the stream where all streams share. */
const SHARED = 1n << 32n;
const wrap = (z) => BigInt.asUintN(64, z);
const high = (z) => Number(z >> 32n);

/** SplitMix64's finaliser. */
function mix(z) {
  z = wrap((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  z = wrap((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return z ^ (z >> 31n);
}

function hashOf(purpose) {
  let h = 0xcbf2_9ce4_8422_2325n;
  for (const byte of new TextEncoder().encode(purpose)) h = wrap((h ^ BigInt(byte)) * 0x100_0000_01b3n);
  return h;
}

class NodeKey {
  constructor(value) {
    if (typeof value !== "bigint") throw new TypeError("a Key is made by settings.key(…), Key.stream or Key.shared");
    /** The key itself, 64 bits. */
    this.value = value;
  }

  /** For what one stream alone sees. */
  static stream(seed, streamIndex, purpose) {
    return NodeKey.#made(seed, BigInt(streamIndex), purpose);
  }

  /** For what all streams, and all generators under the same seed, see alike. */
  static shared(seed, purpose) {
    return NodeKey.#made(seed, SHARED, purpose);
  }

  static #made(seed, stream, purpose) {
    if (typeof purpose !== "string") throw new TypeError('a key\'s purpose is a string, such as "moves"');
    const keyed = wrap(mix(wrap(BigInt(seed) + GAMMA)) + stream);
    return new NodeKey(mix(mix(keyed) ^ hashOf(purpose)));
  }

  /** The draws of index `i`, a number or a BigInt. Give an `rng` of an earlier call to have no new one made. */
  at(i, rng = new NodeRng()) {
    rng.state = this.hash(i);
    rng.last = 0n;
    return rng;
  }

  /** One number for index `i`, as a BigInt: as good as a draw of `at`, cheaper, and not among those draws. */
  hash(i) {
    return mix(this.value ^ wrap(BigInt(i) * GAMMA));
  }

  /** The upper half of `hash(i)`, as a number. */
  hash32(i) {
    return high(this.hash(i));
  }
}

class NodeRng {
  state = 0n;
  last = 0n;

  /** The upper half of the last draw: 32 bits as a number from 0. */
  get high() {
    return high(this.last);
  }

  /** The lower half of the last draw. */
  get low() {
    return Number(this.last & 0xffff_ffffn);
  }

  /** Draws once; the 64 bits are in `high` and `low`. */
  step() {
    this.next();
  }

  /** The next 64 random bits, as a BigInt. `next32` is faster. */
  next() {
    this.state = wrap(this.state + GAMMA);
    this.last = mix(this.state);
    return this.last;
  }

  /** The next draw's upper 32 bits, as a number; the others are in `low`. */
  next32() {
    return high(this.next());
  }

  /** A whole number from 0 to just below `n` (at most 2^32 - 1), from one draw; 0 when `n` is 0. */
  below(n) {
    if (n >>> 0 !== n) throw new RangeError(`below(${n}): it takes a whole number from 0 to 4294967295`);
    return Number((BigInt(this.next32()) * BigInt(n)) >> 32n);
  }

  /** Whether something happens whose probability is `share` of 2^32. */
  chance(share) {
    return this.next32() < share;
  }

  /** 32 bits, to seed a generator of numbers of somebody else's. */
  seed32() {
    return this.next32();
  }
}

/** Randomness for one purpose: draws for any index, in any order. */
export const Key = engine?.Key ?? NodeKey;
/** The draws of one index, one after another. */
export const Rng = engine?.Rng ?? NodeRng;
