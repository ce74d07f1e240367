// From objects to JSON text, checked. What can't be written is looked for again, to say where it is.

import { Failed } from "./errors.js";

const { stringify } = JSON;
const MOST = Number.MAX_SAFE_INTEGER;
const DEEPEST = 64;
const POWERS = Array.from({ length: 16 }, (_, digits) => 10 ** digits);

/** A number with a fixed count of decimals, made of a whole number of its last unit. */
export class Fixed {
  /**
   * @param {number | bigint} units a whole number: 1250 with 2 decimals is 12.50
   * @param {number} decimals from 0 to 15
   */
  constructor(units, decimals) {
    if (typeof units !== "bigint" && !Number.isSafeInteger(units))
      throw new RangeError(`fixed(${String(units)}, ${decimals}): the first is a whole number of units below 2^53, or a BigInt`);
    if (POWERS[decimals] === undefined) throw new RangeError(`fixed(…, ${decimals}): decimals go from 0 to 15`);
    this.units = units;
    this.decimals = decimals;
  }

  toString() {
    const { units, decimals } = this;
    if (decimals === 0) return String(units);
    const digits = String(units < 0 ? -units : units).padStart(decimals + 1, "0");
    const point = digits.length - decimals;
    return `${units < 0 ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
  }

  toJSON() {
    return Number(this.toString());
  }
}

/** Thrown where a value can't be written; where it is, is found out afterwards. */
const BAD = new Error("a value that JSON has no form for");

/**
 * Writes the records of one channel. In a component the engine does so itself where it can (`shape.rs`, to the same
 * bytes), and asks this for whatever it doesn't know by sight, and for what is wrong.
 */
export class JsonWriter {
  /** @param {Record<string, number> | undefined} decimals by path: `{ "position.latitude": 7 }` */
  constructor(decimals) {
    this.decimals = tree(decimals ?? {});
  }

  /** The text of an object. */
  text(record) {
    try {
      return any(record, this.decimals, 0);
    } catch (thrown) {
      throw thrown === BAD ? new Failed(problem(record, "", 0) ?? thrown.message) : thrown;
    }
  }
}

/** The decimals by path, as a tree: `{position: {latitude: 7}}`. */
function tree(decimals) {
  const root = Object.create(null);
  for (const [path, digits] of Object.entries(decimals)) {
    if (!Number.isInteger(digits) || digits < 0 || digits > 15)
      throw new RangeError(`decimals of ${path}: a whole number from 0 to 15, not ${String(digits)}`);
    const names = path.split(".");
    const last = names.pop();
    let at = root;
    for (const name of names) at = at[name] ??= Object.create(null);
    at[last] = digits;
  }
  return root;
}

/** The text of any value. `decimals` is a count for a number, or those of the properties within. */
function any(value, decimals, depth) {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw BAD;
      return stringify(value);
    case "number":
      if (!(value <= MOST && value >= -MOST)) throw BAD;
      return typeof decimals === "number" ? value.toFixed(decimals) : String(value);
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return typeof decimals === "number" && decimals > 0 ? `${value}.${"0".repeat(decimals)}` : String(value);
    case "object":
      break;
    default:
      throw BAD;
  }
  if (value === null) return "null";
  if (value instanceof Fixed) return value.toString();
  if (depth > DEEPEST || hidden(value)) throw BAD;
  if (typeof value.toJSON === "function") return any(value.toJSON(), decimals, depth + 1);
  if (Array.isArray(value)) return `[${Array.from(value, (item) => any(item, decimals, depth + 1)).join(",")}]`;
  return object(value, decimals, depth);
}

function object(value, decimals, depth) {
  let text = "";
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (item === undefined) continue;
    if (!name.isWellFormed()) throw BAD;
    const within = typeof decimals === "object" ? decimals[name] : undefined;
    text += `${text === "" ? "" : ","}${stringify(name)}:${any(item, within, depth + 1)}`;
  }
  return `{${text}}`;
}

/** What would be written as `{}` or worse: where an object keeps its content elsewhere than in its properties. */
function hidden(value) {
  return (
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Promise ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value) ||
    value instanceof RegExp ||
    value instanceof Error ||
    value instanceof Number ||
    value instanceof String ||
    value instanceof Boolean
  );
}

/** What is wrong with a value and where, or null. */
export function problem(value, path, depth) {
  const at = path === "" ? "the record" : `\`${path}\``;
  const within = (name, item) => problem(item, /^\d+$/.test(name) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`, depth + 1);
  switch (typeof value) {
    case "number":
      if (Number.isNaN(value)) return `${at} is NaN, which JSON has no number for: write null, or leave the property out`;
      if (!Number.isFinite(value)) return `${at} is ${value}, which JSON has no number for: write null, or leave the property out`;
      if (Math.abs(value) > MOST) return `${at} is ${value}, beyond 2^53, where a number isn't exact: write a BigInt, such as 9007199254740993n`;
      return null;
    case "string":
      return value.isWellFormed() ? null : `${at} has half of a surrogate pair in it, which isn't text: cut by code points ([...text]) or call toWellFormed()`;
    case "undefined":
      return `${at} is undefined: write null, or leave it out`;
    case "function":
      return `${at} is a function: call it, or leave it out`;
    case "symbol":
      return `${at} is a symbol, which JSON has no form for: write its text`;
    case "object":
      break;
    default:
      return null;
  }
  if (value === null || value instanceof Fixed) return null;
  if (hidden(value)) return `${at} is a ${value.constructor?.name ?? "special object"}, which isn't written as JSON: ${remedy(value)}`;
  if (depth > DEEPEST) return `${at.length > 80 ? `${at.slice(0, 80)}…\`` : at} lies more than ${DEEPEST} levels deep, or the record contains itself: write an id instead of the object`;
  if (typeof value.toJSON === "function") return problem(value.toJSON(), path, depth + 1);
  for (const [name, item] of Object.entries(value)) {
    if (!name.isWellFormed()) return `${at} has a property whose name isn't well-formed text`;
    if (item === undefined && !Array.isArray(value)) continue;
    const found = within(name, item);
    if (found !== null) return found;
  }
  if (Array.isArray(value) && Object.keys(value).length < value.length) return `${at} has holes: fill them, with null where there is nothing`;
  return null;
}

function remedy(value) {
  if (value instanceof Map) return "use Object.fromEntries(map)";
  if (value instanceof Set || ArrayBuffer.isView(value)) return "use Array.from(…)";
  if (value instanceof Promise) return "record can't wait, so compute the value at once";
  return "write its text or its number";
}

/** A number with a fixed count of decimals, made of whole units: `fixed(1250, 2)` is written 12.50. */
export const fixed = (units, decimals) => new Fixed(units, decimals);
