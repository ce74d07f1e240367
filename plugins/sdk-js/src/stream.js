// From instants to a batch: asks the generator for one record after another, and lays them side by side.

import { Failed, contractError } from "./errors.js";
import { log } from "./host.js";
import { expect } from "./rng.js";
import { Rows, WrongRow } from "./rows.js";
import { Tick } from "./tick.js";

/** A batch ends early once its payload is this long: more would cost memory and gain nothing. */
const FULL = 1 << 20;
const OPERATIONS = ["append", "upsert", "delete"];
const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** What a record says of itself besides its content. Set anew for each. */
export class Out {
  constructor() {
    this.key = undefined;
    this.channel = 0;
    this.operation = "append";
    this.ended = false;
  }

  /** Ends the stream before this tick: it has no more records. */
  endStream() {
    this.ended = true;
  }
}

/** A stream of a generator: `made` is the author's object, each channel has a name and a writer. */
export class Stream {
  #made;
  #channels;
  #tick = new Tick();
  #out = new Out();
  /** The record that comes next, where the generator must not be asked for another. */
  #next;
  /** The record that failed and the contract's error: asked for again, it fails again. */
  #failed = null;

  constructor(made, channels, next) {
    this.#made = made;
    this.#channels = channels;
    this.#next = next;
  }

  generate(first, times) {
    if (first + BigInt(times.length) > MOST) throw new Failed("it is beyond 2^53, where a number isn't exact any more");
    const index = Number(first);
    if (this.#failed?.at === index) throw this.#failed.error;
    if (this.#next !== undefined && this.#next !== index)
      throw new Failed(`it was asked for out of order: this generator goes in order and is at ${this.#next}`);
    const batch = this.#batch(index, times);
    if (batch.ends.length === 0 && this.#failed?.at === index) throw this.#failed.error;
    if (this.#next !== undefined) this.#next = index + batch.ends.length;
    return batch;
  }

  #batch(first, times) {
    const rows = new Rows(times.length);
    this.#tick.begin(times);
    expect(first, times.length);
    const made = this.#fill(first, times.length, rows);
    try {
      return rows.batch(made);
    } catch (thrown) {
      if (!(thrown instanceof WrongRow)) throw thrown;
      return rows.batch(this.#fail(thrown.row, first, thrown, rows));
    }
  }

  #fail(row, first, thrown, rows) {
    this.#failed = { at: first + row, error: contractError(thrown, log.error, `record ${first + row}`) };
    rows.cut(row);
    return row;
  }

  /** The loop. Gives how many records it made. */
  #fill(first, count, rows) {
    const made = this.#made;
    const tick = this.#tick;
    const out = this.#out;
    const channels = this.#channels;
    const { ends, keyEnds } = rows;
    let k = 0;
    try {
      for (; k < count && rows.base + rows.text.length < FULL; k++) {
        out.key = undefined;
        out.channel = 0;
        out.operation = "append";
        tick.index = first + k;
        tick.place = k * 2;
        const record = made.record(tick, out);
        if (out.ended) return k;
        const channel = out.channel === 0 ? 0 : this.#channel(out.channel, k, rows);
        if (out.operation !== "append") this.#operation(out, k, rows);
        if (typeof out.key === "string") rows.keys += out.key;
        else if (out.key !== undefined) throw new Failed(wrongKey(out.key));
        keyEnds[k] = rows.keys.length;
        if (typeof record !== "object" || record instanceof Uint8Array) this.#other(record, k, rows);
        else if (record !== null) {
          rows.text += channels[channel].writer.text(record);
          rows.json = true;
        }
        ends[k] = rows.base + rows.text.length;
      }
      return k;
    } catch (thrown) {
      // What is wrong with a row before this one may have come to light just now.
      return this.#fail(thrown instanceof WrongRow ? thrown.row : k, first, thrown, rows);
    }
  }

  #channel(channel, k, rows) {
    const index = typeof channel === "string" ? this.#channels.findIndex(({ name }) => name === channel) : channel;
    if (this.#channels[index] === undefined) {
      const names = this.#channels.map(({ name }, i) => `"${name}" (${i})`).join(", ");
      throw new Failed(`out.channel is ${shown(channel)}, and the channels are ${names}`);
    }
    if (index !== 0) rows.mark("channels", k, index);
    return index;
  }

  #operation({ operation, key }, k, rows) {
    const code = OPERATIONS.indexOf(operation);
    if (code < 0) throw new Failed(`out.operation is ${shown(operation)}: it is "append", "upsert" or "delete"`);
    if (key === undefined || key === "") throw new Failed(`out.operation is "${operation}", which needs a key: set out.key`);
    rows.mark("operations", k, code);
  }

  /** What isn't written as JSON: text and bytes as they are, and what is no record. */
  #other(record, k, rows) {
    if (typeof record === "string" ? record === "" : record?.length === 0)
      throw new Failed("an empty record was returned: return null where nothing happens at a tick");
    if (typeof record === "string") {
      rows.text += record;
      rows.raw = true;
    } else if (record instanceof Uint8Array) rows.bytes(k, record);
    else if (record === undefined) throw new Failed("`record` returned undefined: return the record, or null where nothing happens at a tick");
    else throw new Failed(`\`record\` returned ${shown(record)}: return an object, text, bytes (Uint8Array), or null where nothing happens`);
  }

  /** The author's state, whatever it is. */
  save() {
    return this.#made.save?.();
  }
}

function wrongKey(key) {
  return `out.key is ${shown(key)}: a key is a string, such as ${typeof key === "number" || typeof key === "bigint" ? `"${key}"` : "the entity's id"}`;
}

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return typeof value === "object" && value !== null ? "an object" : `the ${typeof value} ${String(value)}`;
}
