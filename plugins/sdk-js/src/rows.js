// The records of a batch side by side, as they cross to the host.

import { Failed } from "./errors.js";
import { malformed } from "./json.js";

const encoder = new TextEncoder();

/** What was wrong with a row that is found out only when the text is looked at as a whole. */
export class WrongRow extends Failed {
  constructor(row, why) {
    super(why);
    this.row = row;
  }
}

export class Rows {
  constructor(count) {
    /** Records since the last chunk, as text. */
    this.text = "";
    /** Bytes of the chunks before. */
    this.base = 0;
    /** Where each record ends. While text waits, one of its characters counts as a byte. */
    this.ends = new Uint32Array(count);
    this.keys = "";
    this.keyEnds = new Uint32Array(count);
    /** The columns of channels and operations, once one isn't 0. */
    this.channels = null;
    this.operations = null;
    /** Whether text that waits was made by the author, and by the JSON writer. */
    this.raw = false;
    this.json = false;
    this.from = 0;
    this.chunks = [];
  }

  /** Sets a row's channel or operation; the column exists from the first that isn't 0. */
  mark(column, row, value) {
    this[column] ??= new Uint8Array(this.ends.length);
    this[column][row] = value;
  }

  /** Adds bytes as they are, as row `row`. */
  bytes(row, bytes) {
    if (bytes.includes(10)) throw new Failed("the bytes have a line feed (10) in them, which separates records elsewhere: leave it out");
    this.flush(row);
    this.chunks.push(bytes.slice());
    this.base += bytes.length;
    this.from = row + 1;
  }

  /** Turns the text that waits into bytes. It ends before row `to`. */
  flush(to) {
    const { text, from, base } = this;
    if (text === "") return;
    const wrong = this.#wrong(text, from, to);
    if (wrong !== null) throw wrong;
    const bytes = encoder.encode(text);
    if (bytes.length !== text.length) this.#measure(text, from, to);
    this.chunks.push(bytes);
    this.base = base + bytes.length;
    this.text = "";
    this.raw = this.json = false;
    this.from = to;
  }

  /** The first row of a text that mustn't go out, or null. */
  #wrong(text, from, to) {
    if (this.raw && !text.isWellFormed())
      return this.#find(from, to, (row) => (row.isWellFormed() ? null : "the text has half of a surrogate pair in it: cut by code points ([...text]) or call toWellFormed()"));
    if (this.raw && text.includes("\n"))
      return this.#find(from, to, (row) => (row.includes("\n") ? "the text has a line feed in it, which separates records elsewhere: leave it out" : null));
    if (this.json && text.includes("\\ud")) return this.#find(from, to, (row) => (row.includes("\\ud") ? this.#malformed(row) : null));
    return null;
  }

  #malformed(row) {
    try {
      return malformed(row);
    } catch {
      // The author's own text, which the host checks.
      return null;
    }
  }

  #find(from, to, why) {
    let start = this.base;
    for (let row = from; row < to; row++) {
      const said = why(this.text.slice(start - this.base, this.ends[row] - this.base));
      if (said !== null) return new WrongRow(row, said);
      start = this.ends[row];
    }
    return null;
  }

  /** Counts bytes where characters have been counted. */
  #measure(text, from, to) {
    let start = 0;
    let at = this.base;
    for (let row = from; row < to; row++) {
      const end = this.ends[row] - this.base;
      at += encoder.encode(text.slice(start, end)).length;
      start = end;
      this.ends[row] = at;
    }
  }

  /** The contract's batch of the first `count` rows. */
  batch(count) {
    this.flush(count);
    const keys = encoder.encode(this.keys);
    if (keys.length !== this.keys.length) this.#measureKeys(count);
    return {
      payload: this.#payload(),
      ends: this.ends.subarray(0, count),
      keys,
      keyEnds: keys.length === 0 ? new Uint32Array(0) : this.keyEnds.subarray(0, count),
      channels: this.channels?.subarray(0, count) ?? new Uint8Array(0),
      operations: this.operations?.subarray(0, count) ?? new Uint8Array(0),
    };
  }

  #payload() {
    if (this.chunks.length === 1) return this.chunks[0];
    const payload = new Uint8Array(this.base);
    let at = 0;
    for (const chunk of this.chunks) {
      payload.set(chunk, at);
      at += chunk.length;
    }
    return payload;
  }

  #measureKeys(count) {
    let start = 0;
    let at = 0;
    for (let row = 0; row < count; row++) {
      const end = this.keyEnds[row];
      at += encoder.encode(this.keys.slice(start, end)).length;
      start = end;
      this.keyEnds[row] = at;
    }
  }

  /** Drops what came after the first `count` rows, of text that waits. */
  cut(count) {
    const end = count === 0 ? 0 : this.ends[count - 1];
    this.text = this.text.slice(0, Math.max(0, end - this.base));
    this.keys = this.keys.slice(0, count === 0 ? 0 : this.keyEnds[count - 1]);
  }
}
