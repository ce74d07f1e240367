// The instant of a record. Its 64 bits of nanoseconds are read as two halves and told as seconds and the rest, since a
// BigInt for each would cost more than all else here. The loop over a batch (stream.js) moves on within a second
// itself; what it can't tell is `turn`ed to.

const SECOND = 1_000_000_000;
const TWO_32 = 0x1_0000_0000;
/** How far from where it is anchored an instant is exact as a number: about 52 days. */
const REACH = 2 ** 52;
/** Three digits. */
const DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, "0"));

export class Tick {
  constructor() {
    /** The record's index in its stream, from 0. */
    this.index = 0;
    /** Event time in whole seconds since the Unix epoch, and the nanoseconds beyond. */
    this.seconds = 0;
    this.nanos = 0;
    // Where the second begins, as halves; the lower one goes beyond 32 bits until it is anchored anew.
    this.high = 0;
    this.low = Infinity;
    this.first = 0;
    this.halves = new Uint32Array(2);
    // The text of the second, up to the point, once it was asked for.
    this.prefix = null;
  }

  /** Goes to the instants of a batch. */
  begin(first, times) {
    this.first = first;
    this.halves = new Uint32Array(times.buffer, times.byteOffset, times.length * 2);
  }

  /** Goes to the instant at `place`, which isn't in the second of the one before. */
  turn(place) {
    const high = this.halves[place + 1];
    const low = this.halves[place];
    const rest = (high - this.high) * TWO_32 + low - this.low;
    if (rest >= 0 && rest < REACH && this.low < REACH) {
      const seconds = Math.floor(rest / SECOND);
      this.seconds += seconds;
      this.low += seconds * SECOND;
      this.nanos = rest - seconds * SECOND;
    } else {
      const time = (BigInt(high) << 32n) | BigInt(low);
      this.seconds = Number(time / 1_000_000_000n);
      this.nanos = Number(time % 1_000_000_000n);
      this.high = high;
      this.low = low - this.nanos;
    }
    this.prefix = null;
  }

  /** Event time in nanoseconds since the Unix epoch, as a BigInt. */
  get time() {
    return BigInt(this.seconds) * 1_000_000_000n + BigInt(this.nanos);
  }

  /** Event time in whole milliseconds since the Unix epoch. */
  get millis() {
    return this.seconds * 1000 + ((this.nanos / 1_000_000) | 0);
  }

  /** Event time in UTC with microseconds: `2026-01-01T00:00:51.000000Z`. */
  get text() {
    const micros = (this.nanos / 1000) | 0;
    const millis = (micros / 1000) | 0;
    return (this.prefix ?? this.#named()) + DIGITS[millis] + DIGITS[micros - millis * 1000] + "Z";
  }

  /** Event time as a Date, cut to milliseconds. */
  date() {
    return new Date(this.millis);
  }

  #named() {
    this.prefix = `${new Date(this.seconds * 1000).toISOString().slice(0, 19)}.`;
    return this.prefix;
  }
}
