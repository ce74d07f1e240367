// The instant of a record. In a component the engine has the class.

import { engine } from "./engine.js";

const SECOND = 1_000_000_000n;

class NodeTick {
  /** The record's index in its stream, from 0. */
  index = 0;
  /** Event time in nanoseconds since the Unix epoch, as a BigInt. */
  time = 0n;

  /** Event time in whole milliseconds since the Unix epoch. */
  get millis() {
    return Number(this.time / 1_000_000n);
  }

  /** Event time in whole seconds since the Unix epoch. */
  get seconds() {
    return Number(this.time / SECOND);
  }

  /** The nanoseconds beyond the second. */
  get nanos() {
    return Number(this.time % SECOND);
  }

  /** Event time in UTC with microseconds: `2026-01-01T00:00:51.000000Z`. */
  get text() {
    const micros = String(Number((this.time / 1000n) % 1000n)).padStart(3, "0");
    return `${new Date(this.millis).toISOString().slice(0, 23)}${micros}Z`;
  }
}

export const Tick = engine?.Tick ?? NodeTick;

/** Event time as a Date, cut to milliseconds. */
Tick.prototype.date = function () {
  return new Date(this.millis);
};
