// A generator has no clock and no randomness of its own: in a component both stand still, and a record that used them
// would be wrong without a word. So they say so, while a generator is at work.

let working = false;

const TIME = "the same record must come out whenever it is made. Use the record's event time: tick.time, tick.millis, tick.text or tick.date()";
const RANDOM = "the same record must come out each time it is made. Use settings.key(\"purpose\").at(tick.index)";
const WAITING = "a record is made at once, and nothing waits inside a generator. Return null where nothing happens at a tick";

function deny(what, why) {
  if (working) throw new Error(`${what} is frozen inside a generator: ${why}`);
}

/** Whether the author's code is at work, in which the frozen things say that they are. */
export function setWorking(yes) {
  working = yes;
}

let guarded = false;

/**
 * Puts guards around what is frozen. They do nothing but while a generator is at work. Where there is nothing behind them, in a
 * component, they give the same each time to whoever asks while modules are loaded, which is when it is built.
 */
export function guard({ nothingBehind = false } = {}) {
  if (guarded) return;
  guarded = true;
  if (nothingBehind) {
    guardDate(Date, Object.assign(() => String(new Date(0)), { now: () => 0 }));
    Math.random = () => 0.5;
  } else guardDate(Date, Date);
  Math.random = guardedCall(Math.random, Math, "Math.random()", RANDOM);
  for (const method of ["getRandomValues", "randomUUID"]) replace(globalThis.crypto, method, `crypto.${method}()`, RANDOM);
  for (const method of ["generateKey", "encrypt", "sign"]) replace(globalThis.crypto?.subtle, method, `crypto.subtle.${method}()`, RANDOM);
  replace(globalThis.performance, "now", "performance.now()", TIME);
  for (const name of ["setTimeout", "setInterval", "fetch"]) replace(globalThis, name, `${name}()`, name === "fetch" ? "there is no network. Lay data out as an asset" : WAITING);
}

function guardedCall(original, owner, what, why) {
  return function (...values) {
    deny(what, why);
    return original.apply(this === undefined ? owner : this, values);
  };
}

function replace(owner, name, what, why) {
  const original = owner?.[name];
  if (typeof original !== "function") return;
  const value = guardedCall(original, owner, what, why);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
}

/** `now` has what the present is asked of: `Date` itself, or what stands for it. */
function guardDate(Original, now) {
  function GuardedDate(...values) {
    if (new.target === undefined) {
      deny("Date()", TIME);
      return now();
    }
    if (values.length === 0) {
      deny("new Date() without an argument", TIME);
      values = [now.now()];
    }
    return Reflect.construct(Original, values, new.target === GuardedDate ? Original : new.target);
  }
  Object.defineProperty(GuardedDate, "name", { value: "Date" });
  Object.defineProperty(GuardedDate, "length", { value: 7 });
  GuardedDate.prototype = Original.prototype;
  GuardedDate.UTC = Original.UTC;
  GuardedDate.parse = Original.parse;
  GuardedDate.now = guardedCall(now.now, now, "Date.now()", TIME);
  Object.defineProperty(Original.prototype, "constructor", { value: GuardedDate, configurable: true, writable: true });
  globalThis.Date = GuardedDate;
}
