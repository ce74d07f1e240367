// The instant of a record. Its 64 bits of nanoseconds are read as two halves, and told as seconds and the rest, since
// making a BigInt of each would cost more than all else here.

const SECOND = 1_000_000_000n;
const TWO_32 = 0x1_0000_0000;
/** How far from its anchor, in nanoseconds, an instant is exact as a number; about 52 days. */
const REACH = 2 ** 52;

export class Tick {
  #halves = new Uint32Array(2);
  // An instant whose seconds and rest are known, and its halves.
  #anchorHigh = -1;
  #anchorLow = 0;
  #anchorSecond = 0;
  #anchorRest = 0;
  // Of this instant: known when that is its place.
  #known = -1;
  #second = 0;
  #nanos = 0;
  // The text of a second, up to the point.
  #textSecond = -1;
  #prefix = "";

  constructor() {
    /** The record's index in its stream, from 0. */
    this.index = 0;
    /** Where its halves lie. */
    this.place = 0;
  }

  /** Goes to the instants of a batch. */
  begin(times) {
    this.#halves = new Uint32Array(times.buffer, times.byteOffset, times.length * 2);
    this.#known = -1;
  }

  /** Event time in nanoseconds since the Unix epoch, as a BigInt. */
  get time() {
    return (BigInt(this.#halves[this.place + 1]) << 32n) | BigInt(this.#halves[this.place]);
  }

  /** Event time in whole milliseconds since the Unix epoch. */
  get millis() {
    if (this.#known !== this.place) this.#split();
    return this.#second * 1000 + Math.floor(this.#nanos / 1_000_000);
  }

  /** Event time in whole seconds since the Unix epoch. */
  get seconds() {
    if (this.#known !== this.place) this.#split();
    return this.#second;
  }

  /** The nanoseconds beyond the second. */
  get nanos() {
    if (this.#known !== this.place) this.#split();
    return this.#nanos;
  }

  /** Event time in UTC with microseconds: `2026-01-01T00:00:51.000000Z`. */
  get text() {
    if (this.#known !== this.place) this.#split();
    if (this.#second !== this.#textSecond) this.#name();
    return `${this.#prefix}${String(1_000_000 + Math.floor(this.#nanos / 1000)).slice(1)}Z`;
  }

  /** Event time as a Date, cut to milliseconds. */
  date() {
    return new Date(this.millis);
  }

  #split() {
    const low = this.#halves[this.place];
    const high = this.#halves[this.place + 1];
    let rest = (high - this.#anchorHigh) * TWO_32 + (low - this.#anchorLow) + this.#anchorRest;
    if (!(rest >= 0 && rest < REACH) || this.#anchorHigh < 0) {
      const time = this.time;
      this.#anchorHigh = high;
      this.#anchorLow = low;
      this.#anchorSecond = Number(time / SECOND);
      this.#anchorRest = rest = Number(time % SECOND);
    }
    const seconds = Math.floor(rest / 1_000_000_000);
    this.#second = this.#anchorSecond + seconds;
    this.#nanos = rest - seconds * 1_000_000_000;
    this.#known = this.place;
  }

  #name() {
    this.#textSecond = this.#second;
    this.#prefix = `${new Date(this.#second * 1000).toISOString().slice(0, 19)}.`;
  }
}
