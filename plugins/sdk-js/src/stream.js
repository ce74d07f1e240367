// From instants to a batch: asks the generator for one record after another, and lays them side by side.

import { Failed, contractError } from "./errors.js";
import { log } from "./host.js";
import { explained } from "./json.js";
import { expect } from "./rng.js";
import { Rows, WrongRow } from "./rows.js";
import { Tick } from "./tick.js";

/** A batch ends early once its payload is this long: more would cost memory and gain nothing. */
const FULL = 1 << 20;
/** Text becomes bytes in pieces of about this length: what is alive for long has the engine move it, and then look for it. */
const PIECE = 1 << 10;
const OPERATIONS = ["append", "upsert", "delete"];
const TWO_32 = 0x1_0000_0000;
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
  #writers;
  #tick = new Tick();
  #out = new Out();
  #rows = new Rows();
  /** The record that comes next, where the generator must not be asked for another. */
  #next;
  /** The record that failed and the contract's error: asked for again, it fails again. */
  #failed = null;

  constructor(made, channels, next) {
    this.#made = made;
    this.#channels = channels;
    this.#writers = channels.map(({ writer }) => writer);
    this.#next = next;
  }

  generate(first, times) {
    if (first + BigInt(times.length) > MOST) throw new Failed(`record ${first} is beyond 2^53, where a number isn't exact any more`);
    const index = Number(first);
    if (this.#failed?.at === index) throw this.#failed.error;
    if (this.#next !== undefined && this.#next !== index)
      throw new Failed(`asked for record ${index}, but this generator goes in order and is at ${this.#next}`);
    const batch = this.#batch(index, times);
    if (batch.ends.length === 0 && this.#failed?.at === index) throw this.#failed.error;
    if (this.#next !== undefined) this.#next = index + batch.ends.length;
    return batch;
  }

  #batch(first, times) {
    const rows = this.#rows;
    rows.begin(times.length);
    this.#tick.begin(first, times);
    expect(first, times.length);
    const made = this.#fill(first, times.length, rows);
    try {
      return rows.batch(made);
    } catch (thrown) {
      if (!(thrown instanceof WrongRow)) throw thrown;
      return rows.batch(this.#fail(thrown.row, first, thrown));
    }
  }

  #fail(row, first, thrown) {
    this.#failed = { at: first + row, error: contractError(thrown, log.error, `record ${first + row}`) };
    return row;
  }

  /** The loop. Gives how many records it made. What it does for each record is kept in variables: they cost least. */
  #fill(first, count, rows) {
    const made = this.#made;
    const tick = this.#tick;
    const out = this.#out;
    const writers = this.#writers;
    const { halves } = tick;
    const { ends, keyEnds } = rows;
    let [k, record, text, keys] = [0, null, "", ""];
    try {
      for (; k < count && text.length + rows.base < FULL; k++) {
        out.key = undefined;
        out.channel = 0;
        out.operation = "append";
        tick.index = first + k;
        const nanos = (halves[2 * k + 1] - tick.high) * TWO_32 + halves[2 * k] - tick.low;
        if (nanos >= 0 && nanos < 1_000_000_000) tick.nanos = nanos;
        else tick.turn(2 * k);
        record = made.record(tick, out);
        if (out.ended) break;
        const { key, channel } = out;
        const writer = writers[channel === 0 ? 0 : this.#channel(channel, k, rows)];
        if (out.operation !== "append") this.#operation(out, k, rows);
        if (typeof key !== "string" && key !== undefined) throw new Failed(wrongKey(key));
        if (typeof record === "object" && record !== null && record.constructor === writer.class) text += writer.write(record);
        else if (record instanceof Uint8Array) text = rows.bytes(record, text, k);
        else if (record !== null) text += this.#other(record, writer, rows);
        ends[k] = rows.base + text.length;
        if (key !== undefined) keys += key;
        keyEnds[k] = rows.keyBase + keys.length;
        if (text.length >= PIECE) text = rows.flush(text, k + 1);
        if (keys.length >= PIECE) keys = rows.flushKeys(keys, k + 1);
      }
    } catch (thrown) {
      // What is wrong with a row before this one may have come to light just now.
      k = this.#fail(thrown instanceof WrongRow ? thrown.row : k, first, explained(thrown, record));
    }
    rows.text = text;
    rows.keys = keys;
    return k;
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

  /** The text of what isn't an object of the class that the channel's records had, or is no record. */
  #other(record, writer, rows) {
    if (record === "") throw new Failed("an empty text was returned: return null where nothing happens at a tick");
    if (typeof record === "string") {
      rows.raw = true;
      return record;
    }
    if (typeof record === "object") return writer.text(record);
    const wanted = "return an object, text, bytes (Uint8Array), or null where nothing happens at a tick";
    throw new Failed(`\`record\` returned ${record === undefined ? "undefined" : shown(record)}: ${wanted}`);
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
