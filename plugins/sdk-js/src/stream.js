// From instants to a batch, as the engine of a component does it (`plugins/javascript/src/stream.rs`): asks the
// generator for one record after another, and lays them side by side. For tests under Node.js.

import { ContractError, Failed } from "./errors.js";
import { channelOf, keyOf, operationOf, rowOf } from "./record.js";
import { Tick } from "./tick.js";

/** A batch ends early once its payload is this long. */
const FULL = 1 << 20;
const MOST = BigInt(Number.MAX_SAFE_INTEGER);
const encoder = new TextEncoder();

/** A stream of a generator, which is what `component` gives. */
export class Stream {
  #generator;
  #opened;
  #tick = new Tick();
  /** The record that comes next, where the generator must not be asked for another. */
  #next;
  /** The record that failed and the contract's error: asked for again, it fails again. */
  #failed = null;

  constructor(generator, settings, state) {
    this.#generator = generator;
    this.#opened = this.#attempt("open", () => generator.open(settings, state));
    this.#next = this.#opened.ordered ? 0 : undefined;
  }

  generate(first, times) {
    if (first + BigInt(times.length) > MOST) throw new Failed(`record ${first} is beyond 2^53, where a number isn't exact any more`);
    const index = Number(first);
    if (this.#failed?.at === index) throw this.#failed.error;
    if (this.#next !== undefined && this.#next !== index)
      throw new Failed(`asked for record ${index}, but this generator goes in order and is at ${this.#next}`);
    const rows = this.#rows(index, times);
    if (rows.length === 0 && this.#failed?.at === index) throw this.#failed.error;
    if (this.#next !== undefined) this.#next = index + rows.length;
    return batch(rows);
  }

  /** The author's state as bytes. */
  save() {
    return this.#generator.save(this.#opened.made);
  }

  #attempt(where, body) {
    try {
      return body();
    } catch (thrown) {
      const [invalid, why] = this.#generator.failure(thrown, where);
      throw new ContractError(invalid ? "invalid-config" : "failed", why);
    }
  }

  #rows(first, times) {
    const rows = [];
    let bytes = 0;
    this.#generator.begin();
    try {
      for (const [k, time] of times.entries()) {
        const row = this.#attempt(`record ${first + k}`, () => this.#row(first + k, time));
        if (row === null || bytes >= FULL) break;
        bytes += row.bytes.length;
        rows.push(row);
      }
    } catch (error) {
      this.#failed = { at: first + rows.length, error };
    } finally {
      this.#generator.end();
    }
    return rows;
  }

  /** One record; null where the stream has ended. */
  #row(index, time) {
    const { made, out } = this.#opened;
    Object.assign(out, { key: undefined, channel: 0, operation: "append" });
    this.#tick.index = index;
    this.#tick.time = time;
    const record = made.record(this.#tick, out);
    const channel = channelOf(this.#opened, out.channel);
    if (channel < 0) return null;
    const operation = operationOf(out.operation, out.key);
    const key = out.key === undefined ? "" : keyOf(out.key);
    const row = rowOf(this.#opened, record, channel) ?? "";
    return { bytes: typeof row === "string" ? encoder.encode(row) : row, key: encoder.encode(key), channel, operation };
  }
}

/** The contract's batch. */
function batch(rows) {
  const column = (name) => (rows.some((row) => row[name] > 0) ? Uint8Array.from(rows, (row) => row[name]) : new Uint8Array());
  const { joined: payload, ends } = joined(rows.map(({ bytes }) => bytes));
  const { joined: keys, ends: keyEnds } = joined(rows.map(({ key }) => key));
  return { payload, ends, keys, keyEnds: keys.length === 0 ? new Uint32Array() : keyEnds, channels: column("channel"), operations: column("operation") };
}

function joined(pieces) {
  let length = 0;
  const ends = Uint32Array.from(pieces, (piece) => (length += piece.length));
  const whole = new Uint8Array(length);
  for (const [k, piece] of pieces.entries()) whole.set(piece, ends[k] - piece.length);
  return { joined: whole, ends };
}
