// The author's state as bytes, and back: bytes of their own after a 0, anything else as JSON.

import { Failed } from "./errors.js";
import { JsonWriter } from "./json.js";

const MOST = 1 << 20;
const writer = new JsonWriter();

export function stateToBytes(state) {
  if (state === undefined || state === null) return undefined;
  const bytes = state instanceof Uint8Array ? raw(state) : new TextEncoder().encode(json(state));
  if (bytes.length > MOST) throw new Failed(`the state has ${bytes.length} bytes, and at most ${MOST} are kept: save less, or no state`);
  return bytes;
}

function raw(state) {
  const bytes = new Uint8Array(state.length + 1);
  bytes.set(state, 1);
  return bytes;
}

function json(state) {
  const place = bigIntIn(state, "state");
  if (place !== null) throw new Failed(`\`${place}\` is a BigInt, which would come back as a number: save its text`);
  return writer.text({ state });
}

function bigIntIn(value, path) {
  if (typeof value === "bigint") return path;
  if (typeof value !== "object" || value === null) return null;
  for (const name of Object.keys(value)) {
    const found = bigIntIn(value[name], `${path}.${name}`);
    if (found !== null) return found;
  }
  return null;
}

export function bytesToState(bytes) {
  if (bytes === undefined || bytes === null) return undefined;
  if (bytes[0] === 0) return bytes.slice(1);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)).state;
  } catch {
    throw new Failed("the saved state isn't one that this generator has saved");
  }
}
