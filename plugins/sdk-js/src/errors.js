// What goes wrong, and how it is said to the host.

/** The configuration is valid against its schema and still makes no sense. */
export class InvalidConfig extends Error {
  get name() {
    return "InvalidConfig";
  }
}

/** The generator can't go on, for a reason that its author foresaw: only the words count, not the place. */
export class Failed extends Error {
  get name() {
    return "Failed";
  }
}

/**
 * Refuses a configuration: `throw invalidConfig("`until` lies before `from`")`.
 * @param {string} why for the person who wrote the configuration
 */
export const invalidConfig = (why) => new InvalidConfig(why);

/**
 * Ends the stream at this record: `throw failed("the asset has no line 7")`.
 * @param {string} why for the person who runs the generator
 */
export const failed = (why) => new Failed(why);

/** Of a stack, so many frames are logged. */
const FRAMES = 20;

/** What the contract has for an error: as the component's bindings take it, and an Error for tests. */
export class ContractError extends Error {
  /** @param {"invalid-config" | "failed"} tag */
  constructor(tag, val) {
    super(val);
    this.tag = tag;
    this.val = val;
  }

  get name() {
    return this.tag;
  }
}

/**
 * The contract's error for whatever was thrown. What the author didn't foresee is logged with its stack.
 * @param {unknown} thrown
 * @param {(stack: string) => void} log
 * @param {string} where what was asked for, which the host knows and the log doesn't: "record 7"
 */
export function contractError(thrown, log, where) {
  if (thrown instanceof ContractError) return thrown;
  if (thrown instanceof InvalidConfig) return new ContractError("invalid-config", thrown.message);
  if (thrown instanceof Failed) return new ContractError("failed", thrown.message);
  if (!(thrown instanceof Error)) {
    const what = typeof thrown === "string" ? `the text ${JSON.stringify(thrown)}` : describe(thrown);
    const why = `${what} was thrown; throw an Error, which knows its place, or failed("…") of the SDK`;
    log(`${where}: ${why}`);
    return new ContractError("failed", why);
  }
  const frames = stackOf(thrown);
  const said = thrown.message ? `${thrown.name}: ${thrown.message}` : thrown.name;
  const place = frames.find((frame) => !frame.own);
  log([`${where}: ${said}`, ...frames.slice(0, FRAMES).map((frame) => `    at ${frame.text}`)].join("\n"));
  return new ContractError("failed", place ? `${said} (at ${place.text})` : said);
}

function describe(thrown) {
  if (thrown === undefined || thrown === null) return String(thrown);
  try {
    return `${typeof thrown} ${JSON.stringify(thrown) ?? String(thrown)}`;
  } catch {
    return `something of type ${typeof thrown}`;
  }
}

// Where each line of the bundle comes from, which the build appends: for line n, `lines[2n]` is its file's place in
// `files`, and `lines[2n + 1]` its line there.
const LINES = Symbol.for("wellhead.lines");

/** The frames of a stack, innermost first; `own` says that one lies within the SDK. */
function stackOf(error) {
  const frames = [];
  for (const line of String(error.stack ?? "").split("\n")) {
    const frame = /^\s*(?:at )?(.*?)(?: \(|@)?((?:file:\/\/)?[^\s()@]*):(\d+):(\d+)\)?$/.exec(line);
    if (!frame || frame[2].endsWith("initializer.js")) continue;
    const [, name, file, row] = frame;
    const place = placeOf(file, Number(row));
    const own = /(sdk-js|wellhead\/sdk\S*)\/src\//.test(place);
    frames.push({ own, text: name ? `${place} in ${name}` : place });
  }
  return frames;
}

function placeOf(file, row) {
  const table = globalThis[LINES];
  const source = table?.files[table.lines[2 * row]];
  return source === undefined ? `${file}:${row}` : `${source}:${table.lines[2 * row + 1]}`;
}
