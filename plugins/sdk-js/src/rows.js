// The records of a batch side by side, as they cross to the host.

import { Failed } from "./errors.js";
import { malformed } from "./json.js";

const encoder = new TextEncoder();
const NONE = new Uint8Array(0);
const LINE_FEED = 10;
const HALF_A_PAIR = "the text has half of a surrogate pair in it: cut by code points ([...text]) or call toWellFormed()";
const TWO_LINES = "the text has a line feed in it, which separates records elsewhere: leave it out";

/** What was wrong with a row that is found out only when the text is looked at as a whole. */
export class WrongRow extends Failed {
  constructor(row, why) {
    super(why);
    this.row = row;
  }
}

export class Rows {
  constructor(count) {
    /** Records since the last chunk, from row `from` on, and all keys. */
    this.text = "";
    this.from = 0;
    this.keys = "";
    /** Bytes of the chunks before. */
    this.chunks = [];
    this.base = 0;
    /** Where each record and each key ends. While text waits, one of its characters counts as a byte. */
    this.ends = new Uint32Array(count);
    this.keyEnds = new Uint32Array(count);
    /** The columns of channels and operations, once one isn't 0. */
    this.channels = null;
    this.operations = null;
    /** Whether some of the text that waits was made by the author. */
    this.raw = false;
  }

  /** Sets a row's channel or operation; the column exists from the first that isn't 0. */
  mark(column, row, value) {
    this[column] ??= new Uint8Array(this.ends.length);
    this[column][row] = value;
  }

  /** Adds bytes as they are, as row `row`, after the text of the rows before. Gives the text that waits then: none. */
  bytes(bytes, text, row) {
    if (bytes.length === 0) throw new Failed("no bytes were returned: return null where nothing happens at a tick");
    if (bytes.includes(LINE_FEED)) throw new Failed("the bytes have a line feed (10) in them, which separates records elsewhere: leave it out");
    this.#flush(text, row);
    this.chunks.push(bytes.slice());
    this.base += bytes.length;
    this.from = row + 1;
    return "";
  }

  /** Turns text into bytes. It ends before row `to`. */
  #flush(text, to) {
    const { from } = this;
    this.#check(text, from, to);
    const bytes = encoder.encode(text);
    if (bytes.length !== text.length) measure(text, this.ends, from, to, this.base);
    this.chunks.push(bytes);
    this.base += bytes.length;
    this.raw = false;
    this.from = to;
  }

  /** Looks for what mustn't go out. */
  #check(text, from, to) {
    if (this.raw && !text.isWellFormed()) this.#find(text, from, to, (row) => (row.isWellFormed() ? null : HALF_A_PAIR));
    if (this.raw && text.includes("\n")) this.#find(text, from, to, (row) => (row.includes("\n") ? TWO_LINES : null));
    // So JSON has what isn't well-formed; in a string of the author's it may be anything.
    if (text.includes("\\ud")) this.#find(text, from, to, (row) => (row.includes("\\ud") ? wrongEscape(row) : null));
  }

  #find(text, from, to, why) {
    let start = 0;
    for (let row = from; row < to; row++) {
      const end = this.ends[row] - this.base;
      const said = why(text.slice(start, end));
      if (said !== null) throw new WrongRow(row, said);
      start = end;
    }
  }

  /** The contract's batch of the first `count` rows. */
  batch(count) {
    const { chunks, base, from } = this;
    if (count > from) this.#flush(cut(this.text, this.ends[count - 1] - base), count);
    const keys = cut(this.keys, count === 0 ? 0 : this.keyEnds[count - 1]);
    const keyBytes = encoder.encode(keys);
    if (keyBytes.length !== keys.length) measure(keys, this.keyEnds, 0, count, 0);
    return {
      payload: chunks.length === 1 ? chunks[0] : joined(chunks, this.base),
      ends: this.ends.subarray(0, count),
      keys: keyBytes,
      keyEnds: this.keyEnds.subarray(0, keys === "" ? 0 : count),
      channels: this.channels?.subarray(0, count) ?? NONE,
      operations: this.operations?.subarray(0, count) ?? NONE,
    };
  }
}

const cut = (text, length) => (text.length === length ? text : text.slice(0, length));

function wrongEscape(row) {
  try {
    return malformed(row);
  } catch {
    // The author's own text, which the host checks.
    return null;
  }
}

/** Counts bytes where characters have been counted, in rows whose text begins at byte `base`. */
function measure(text, ends, from, to, base) {
  let start = 0;
  let at = base;
  for (let row = from; row < to; row++) {
    const end = ends[row] - base;
    at += encoder.encode(text.slice(start, end)).length;
    start = end;
    ends[row] = at;
  }
}

function joined(chunks, length) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
