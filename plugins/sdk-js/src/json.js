// From objects to JSON text, checked.
//
// Inside a component what costs is the number of operations, so records that have the same properties share a function
// made for them: one line of code a property, no loop, no look-up. Whatever it doesn't know by sight goes to `any`, and
// what can't be written is looked for again, slowly, to say where it is.

import { Failed } from "./errors.js";

const { stringify } = JSON;
const MOST = Number.MAX_SAFE_INTEGER;
/** Shapes of records for which functions are made; any beyond are written property by property. */
const SHAPES = 256;
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

/** Writes the records of one channel. */
export class JsonWriter {
  /** Functions by class and by names of properties. */
  #writers = new Map();
  #made = 0;
  #shape = null;
  #text = null;

  /** @param {Record<string, number> | undefined} decimals by path: `{ "position.latitude": 7 }` */
  constructor(decimals) {
    this.decimals = tree(decimals ?? {});
    /** The class of the last record. */
    this.class = null;
  }

  /** The text of an object of that class. Text in it that isn't well-formed is written as an escape; see `malformed`. */
  write(record) {
    const shape = Object.keys(record).join("\n");
    if (shape !== this.#shape) this.#choose(shape, record);
    return this.#text(record);
  }

  /** The text of any object. */
  text(record) {
    this.class = record.constructor;
    this.#shape = null;
    return this.write(record);
  }

  #choose(shape, record) {
    let writers = this.#writers.get(this.class);
    if (writers === undefined) this.#writers.set(this.class, (writers = new Map()));
    let text = writers.get(shape);
    if (text === undefined) {
      text = (value) => any(value, this.decimals, 0);
      if (plain(record) && this.#made < SHAPES) {
        this.#made += 1;
        text = made(record, this.decimals);
        writers.set(shape, text);
      }
    }
    this.#shape = shape;
    this.#text = text;
  }
}

/** What a record's error is: where its writer met what it can't write, what and where that is. */
export function explained(thrown, record) {
  return thrown === BAD ? new Failed(problem(record, "", 0) ?? thrown.message) : thrown;
}

/** Whether an object is what its own properties say: no array, no date, nothing that has a form of its own. */
function plain(value) {
  return !Array.isArray(value) && typeof value.toJSON !== "function" && !(value instanceof Fixed) && !hidden(value);
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

/** The function for records with the properties of this one, in their order. */
function made(record, decimals) {
  const names = Object.keys(record);
  const lines = names.map((name, i) => {
    const key = stringify(name);
    const before = stringify(`${i === 0 ? "{" : ","}${key}:`);
    const digits = decimals?.[name];
    const number = typeof digits === "number" ? `v.toFixed(${digits})` : "v";
    const text = `if (typeof v === "string") t += ${before} + stringify(v);`;
    const count = `if (typeof v === "number" && v <= ${MOST} && v >= -${MOST}) t += ${before} + ${number};`;
    const [first, second] = typeof record[name] === "number" ? [count, text] : [text, count];
    return `v = r[${key}];
${first}
else ${second}
else if (v === undefined) return any(r, D, 0);
else t += ${before} + any(v, D[${key}], 1);`;
  });
  const body = `return function (r) { let v, t = ""; ${lines.join("\n")} return ${names.length === 0 ? '"{}"' : 't + "}"'}; };`;
  return new Function("stringify", "any", "D", body)(stringify, any, decimals);
}

/** The text of any value. `decimals` is a count for a number, or those of the properties within. */
function any(value, decimals, depth) {
  switch (typeof value) {
    case "string":
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
  let text = "";
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (item === undefined) continue;
    text += `${text === "" ? "" : ","}${stringify(name)}:${any(item, inner(decimals, name), depth + 1)}`;
  }
  return `{${text}}`;
}

const inner = (decimals, name) => (typeof decimals === "object" ? decimals[name] : undefined);

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

/** What isn't well-formed in a record's JSON text, or null where an escape only looks like half of a pair. */
export function malformed(text) {
  return problem(JSON.parse(text), "", 0);
}

/** A number with a fixed count of decimals, made of whole units: `fixed(1250, 2)` is written 12.50. */
export const fixed = (units, decimals) => new Fixed(units, decimals);
