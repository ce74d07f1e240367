// The records of a batch side by side, as they cross to the host.

import { Failed } from "./errors.js";
import { malformed } from "./json.js";

const encoder = new TextEncoder();
const NONE = new Uint8Array(0);
const LINE_FEED = 10;
/** Room for the first batch's payload, in bytes. */
const FIRST_ROOM = 1 << 18;
const HALF_A_PAIR = "the text has half of a surrogate pair in it: cut by code points ([...text]) or call toWellFormed()";
const HALF_IN_KEY = HALF_A_PAIR.replace("the text", "out.key");
const TWO_LINES = "the text has a line feed in it, which separates records elsewhere: leave it out";

/** What was wrong with a row that is found out only when the text is looked at as a whole. */
export class WrongRow extends Failed {
  constructor(row, why) {
    super(why);
    this.row = row;
  }
}

/**
 * One for each stream, used again for each batch: an engine looks for what isn't needed any more when objects have
 * become many, not when they are large, so that buffers made anew would pile up. A batch is good until the next.
 */
export class Rows {
  constructor() {
    this.payload = new Uint8Array(FIRST_ROOM);
    this.keyBytes = new Uint8Array(FIRST_ROOM >> 4);
    this.columns = { channels: null, operations: null };
    this.count = 0;
  }

  /** Goes to a batch of up to `count` rows. */
  begin(count) {
    /** Records that wait, from row `from` on. */
    this.text = "";
    this.from = 0;
    /** Keys that wait, from row `keysFrom` on. */
    this.keys = "";
    this.keysFrom = 0;
    /** Bytes of the records, and of the keys, before. */
    this.base = 0;
    this.keyBase = 0;
    /** Whether some of the text that waits was made by the author. */
    this.raw = false;
    /** The columns of channels and operations, once one isn't 0. */
    this.channels = null;
    this.operations = null;
    if (this.count < count) {
      this.count = count;
      /** Where each record and each key ends. While text waits, one of its characters counts as a byte. */
      this.ends = new Uint32Array(count);
      this.keyEnds = new Uint32Array(count);
      this.columns = { channels: new Uint8Array(count), operations: new Uint8Array(count) };
    }
  }

  /** Sets a row's channel or operation; the column exists from the first that isn't 0. */
  mark(column, row, value) {
    this[column] ??= this.columns[column].fill(0);
    this[column][row] = value;
  }

  /** Adds bytes as they are, as row `row`, after the text of the rows before. Gives the text that waits then: none. */
  bytes(bytes, text, row) {
    if (bytes.length === 0) throw new Failed("no bytes were returned: return null where nothing happens at a tick");
    if (bytes.includes(LINE_FEED)) throw new Failed("the bytes have a line feed (10) in them, which separates records elsewhere: leave it out");
    if (row > this.from) this.flush(text, row);
    this.payload = roomFor(this.payload, this.base, bytes.length);
    this.payload.set(bytes, this.base);
    this.base += bytes.length;
    this.from = row + 1;
    return "";
  }

  /** Turns the text of the rows before `to` into bytes. Gives the text that waits then: none. */
  flush(text, to) {
    const { from, base } = this;
    this.#check(text, from, to);
    this.payload = roomFor(this.payload, base, text.length);
    let { read, written } = encoder.encodeInto(text, this.payload.subarray(base));
    if (read < text.length) {
      this.payload = roomFor(this.payload, base, text.length * 3);
      ({ written } = encoder.encodeInto(text, this.payload.subarray(base)));
    }
    if (written !== text.length) measure(text, this.ends, from, to, base, HALF_A_PAIR);
    this.base = base + written;
    this.raw = false;
    this.from = to;
    return "";
  }

  /** The same for keys. */
  flushKeys(keys, to) {
    const { keysFrom, keyBase } = this;
    this.keyBytes = roomFor(this.keyBytes, keyBase, keys.length * 3);
    const { written } = encoder.encodeInto(keys, this.keyBytes.subarray(keyBase));
    // What isn't well-formed has been written as another character, of three bytes.
    if (written !== keys.length) measure(keys, this.keyEnds, keysFrom, to, keyBase, HALF_IN_KEY);
    this.keyBase = keyBase + written;
    this.keysFrom = to;
    return "";
  }

  /** Looks for what mustn't go out. */
  #check(text, from, to) {
    if (this.raw && !text.isWellFormed()) this.#find(text, from, to, (row) => (row.isWellFormed() ? null : HALF_A_PAIR));
    if (this.raw && text.includes("\n")) this.#find(text, from, to, (row) => (row.includes("\n") ? TWO_LINES : null));
    // So JSON has what isn't well-formed; or it is a backslash and a `u`, or text of the author's.
    if (text.includes("\\ud")) this.#find(text, from, to, wrongEscape);
  }

  #find(text, from, to, why) {
    const { ends, base } = this;
    let start = 0;
    for (let row = from; row < to; row++) {
      const end = ends[row] - base;
      const said = why(text.slice(start, end));
      if (said !== null) throw new WrongRow(row, said);
      start = end;
    }
  }

  /** The contract's batch of the first `count` rows, whose last ones wait. */
  batch(count) {
    const last = (ends) => (count === 0 ? 0 : ends[count - 1]);
    if (count > this.from) this.flush(cut(this.text, last(this.ends) - this.base), count);
    if (count > this.keysFrom) this.flushKeys(cut(this.keys, last(this.keyEnds) - this.keyBase), count);
    const keyed = last(this.keyEnds);
    return {
      payload: this.payload.subarray(0, last(this.ends)),
      ends: this.ends.subarray(0, count),
      keys: this.keyBytes.subarray(0, keyed),
      keyEnds: this.keyEnds.subarray(0, keyed === 0 ? 0 : count),
      channels: this.channels?.subarray(0, count) ?? NONE,
      operations: this.operations?.subarray(0, count) ?? NONE,
    };
  }
}

const cut = (text, length) => (text.length === length ? text : text.slice(0, length));

function wrongEscape(row) {
  if (!row.includes("\\ud")) return null;
  try {
    return malformed(row);
  } catch {
    // The author's own text, which the host checks.
    return null;
  }
}

/**
 * Counts bytes where characters have been counted, in rows whose text begins at byte `base`. Two rows that each have half
 * of a pair, side by side, come to light here: `wrong` is what is said then.
 */
function measure(text, ends, from, to, base, wrong) {
  let start = 0;
  let at = base;
  for (let row = from; row < to; row++) {
    const end = ends[row] - base;
    const own = text.slice(start, end);
    if (!own.isWellFormed()) throw new WrongRow(row, wrong);
    at += encoder.encode(own).length;
    start = end;
    ends[row] = at;
  }
}

/** A buffer with room for `more` bytes after the first `used`, which it keeps. */
function roomFor(buffer, used, more) {
  if (used + more <= buffer.length) return buffer;
  const larger = new Uint8Array(Math.ceil((used + more) * 1.25));
  larger.set(buffer.subarray(0, used));
  return larger;
}
