// What a record is, and what it says of itself besides its content.

import { Failed } from "./errors.js";

const LINE_FEED = 10;
const OPERATIONS = ["append", "upsert", "delete"];
const HALF_A_PAIR = "the text has half of a surrogate pair in it: cut by code points ([...text]) or call toWellFormed()";
const HALF_IN_KEY = HALF_A_PAIR.replace("the text", "out.key");
const TWO_LINES = "the text has a line feed in it, which separates records elsewhere: leave it out";

/** The channel of what comes after the end: so a record costs no look at whether the stream has ended. */
const ENDED = Symbol("ended");

/** What a record says of itself besides its content. Set anew for each. */
export class Out {
  constructor() {
    this.key = undefined;
    this.channel = 0;
    this.operation = "append";
  }

  /** Ends the stream before this tick: it has no more records. */
  endStream() {
    this.channel = ENDED;
  }
}

/** The place of a channel that `out.channel` names; -1 where the stream has ended. */
export function channelOf({ channels }, channel) {
  if (channel === ENDED) return -1;
  const index = typeof channel === "string" ? channels.findIndex(({ name }) => name === channel) : channel;
  if (channels[index] === undefined) {
    const names = channels.map(({ name }, i) => `"${name}" (${i})`).join(", ");
    throw new Failed(`out.channel is ${shown(channel)}, and the channels are ${names}`);
  }
  return index;
}

/** The contract's code for `out.operation`. */
export function operationOf(operation, key) {
  const code = OPERATIONS.indexOf(operation);
  if (code < 0) throw new Failed(`out.operation is ${shown(operation)}: it is "append", "upsert" or "delete"`);
  if (code > 0 && (key === undefined || key === "")) throw new Failed(`out.operation is "${operation}", which needs a key: set out.key`);
  return code;
}

/** The text of `out.key`. */
export function keyOf(key) {
  if (typeof key !== "string") {
    const form = typeof key === "number" || typeof key === "bigint" ? `"${key}"` : "the entity's id";
    throw new Failed(`out.key is ${shown(key)}: a key is a string, such as ${form}`);
  }
  if (!key.isWellFormed()) throw new Failed(HALF_IN_KEY);
  return key;
}

/** A record as text or bytes; null where nothing happens. */
export function rowOf({ writers }, record, channel) {
  if (record === null) return null;
  if (typeof record === "string") return textOf(record);
  if (record instanceof Uint8Array) return bytesOf(record);
  if (typeof record === "object") return writers[channel].text(record);
  const wanted = "return an object, text, bytes (Uint8Array), or null where nothing happens at a tick";
  throw new Failed(`\`record\` returned ${record === undefined ? "undefined" : shown(record)}: ${wanted}`);
}

function textOf(text) {
  if (text === "") throw new Failed("an empty text was returned: return null where nothing happens at a tick");
  if (!text.isWellFormed()) throw new Failed(HALF_A_PAIR);
  if (text.includes("\n")) throw new Failed(TWO_LINES);
  return text;
}

function bytesOf(bytes) {
  if (bytes.length === 0) throw new Failed("no bytes were returned: return null where nothing happens at a tick");
  if (bytes.includes(LINE_FEED)) throw new Failed("the bytes have a line feed (10) in them, which separates records elsewhere: leave it out");
  return bytes;
}

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return typeof value === "object" && value !== null ? "an object" : `the ${typeof value} ${String(value)}`;
}
