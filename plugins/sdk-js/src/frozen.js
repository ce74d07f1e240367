// Loaded before the author's modules in a component: fakers and others ask for a number or the time when they are
// loaded, and for what every system has but the language doesn't.

import { engine } from "./engine.js";
import { guard } from "./guard.js";

class TextEncoder {
  encoding = "utf-8";
  encode = (text = "") => engine.encode(String(text));
  encodeInto(text, into) {
    const bytes = this.encode(text);
    if (bytes.length > into.length) throw new RangeError(`encodeInto: there is room for ${into.length} bytes, and the text has ${bytes.length}`);
    into.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

class TextDecoder {
  constructor(encoding = "utf-8", { fatal = false } = {}) {
    if (!/^utf-?8$/i.test(encoding)) throw new RangeError(`TextDecoder: there is UTF-8 and no ${encoding}`);
    this.encoding = "utf-8";
    this.fatal = fatal;
  }
  decode(bytes = new Uint8Array()) {
    const { buffer = bytes, byteOffset = 0, byteLength = bytes.byteLength } = bytes;
    return engine.decode(new Uint8Array(buffer, byteOffset, byteLength), this.fatal);
  }
}

/** A copy of what JSON has a form for, and of dates, maps, sets and arrays of numbers; what is the same stays so. */
function structuredClone(value, copies = new Map()) {
  if (typeof value === "function" || typeof value === "symbol") throw new TypeError(`structuredClone: no copy is made of a ${typeof value}`);
  if (typeof value !== "object" || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  const kept = (copy) => (copies.set(value, copy), copy);
  const copied = (inner) => structuredClone(inner, copies);
  if (value instanceof Date) return kept(new Date(value.getTime()));
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return kept(value.slice());
  if (Array.isArray(value)) return kept([]).concat(value.map(copied));
  if (value instanceof Map) {
    const map = kept(new Map());
    for (const [key, inner] of value) map.set(copied(key), copied(inner));
    return map;
  }
  if (value instanceof Set) {
    const set = kept(new Set());
    for (const inner of value) set.add(copied(inner));
    return set;
  }
  const object = kept({});
  for (const name of Object.keys(value)) object[name] = copied(value[name]);
  return object;
}

const nothing = () => undefined;
const crypto = { getRandomValues: nothing, randomUUID: nothing, subtle: { generateKey: nothing, encrypt: nothing, sign: nothing } };
// The engine's own `performance` can't be guarded.
const performance = { now: () => 0, timeOrigin: 0 };
const lacking = { TextDecoder, TextEncoder, clearInterval: nothing, clearTimeout: nothing, console: {}, crypto, fetch: nothing, performance, setInterval: nothing, setTimeout: nothing, structuredClone };
for (const [name, value] of Object.entries(lacking)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });

guard({ nothingBehind: true });
