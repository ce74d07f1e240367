// What a generator may ask of its host: to be heard, and to read what the emulation's spec lays out. The component's
// entry puts the contract's imports here; on this machine, in tests, messages are kept and assets are what a test gives.

const KEPT = 1000;
/** The most that the host gives at once. */
const PIECE = 1 << 20;

const messages = [];
const laidOut = new Map();

let host = {
  log(level, message) {
    if (messages.length < KEPT) messages.push({ level, message });
  },
  size: (name) => laidOut.get(name)?.length,
  read: (name, offset, length) => laidOut.get(name)?.slice(offset, offset + length) ?? new Uint8Array(),
};

export function setHost(imports) {
  host = imports;
}

/** The messages logged since the last time, the first thousand of them. */
export const takeLog = () => messages.splice(0);

/** Lays out an asset, as a spec would. */
export function setAsset(name, content) {
  laidOut.set(name, typeof content === "string" ? new TextEncoder().encode(content) : content);
}

/** Messages to the host's log. It cuts one after 4 KiB, and drops them beyond a rate: log what a person should know of. */
export const log = {
  debug: (message) => host.log("debug", String(message)),
  info: (message) => host.log("info", String(message)),
  warn: (message) => host.log("warn", String(message)),
  error: (message) => host.log("error", String(message)),
};

/** Read-only data that the spec names: `assets: {payloads: ./payloads.json}`. */
export const assets = {
  /** Its length in bytes; undefined when the spec names no such asset. */
  size(name) {
    return host.size(name);
  },
  /** The whole of it; undefined when the spec names no such asset. */
  bytes(name) {
    const size = assets.size(name);
    if (size === undefined) return undefined;
    const whole = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const piece = host.read(name, at, Math.min(PIECE, size - at));
      if (piece.length === 0) return whole.slice(0, at);
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  },
  /** The whole of it as text; undefined when the spec names no such asset. */
  text(name) {
    const bytes = assets.bytes(name);
    return bytes && new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  },
  /** Up to `length` bytes of it from `offset`, at most 1 MiB; fewer at its end. For what is too large to be held. */
  piece: (name, offset, length) => host.read(name, offset, Math.min(length, PIECE)),
};

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack || String(value);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner));
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** Sends what is written to the console to the log. */
export function divertConsole() {
  const levels = { trace: "debug", debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (...values) => log[level](values.map(shown).join(" "));
  }
}
