// What a generator says of itself, checked when its module is loaded: what is wrong is found by the build.

import { Failed } from "./errors.js";
import { JsonWriter } from "./json.js";
import { Key } from "./rng.js";

/** What is asked of each part of a definition: a test, and what to say. */
const PARTS = {
  name: [(name) => /^[a-z][a-z0-9-]{0,63}$/.test(name), "a string of a-z, 0-9 and -, from a letter on, of at most 64"],
  version: [(version) => typeof version === "string" && /^\d+\.\d+\.\d+/.test(version), 'a semantic version, such as "0.1.0"'],
  summary: [(summary) => typeof summary === "string" && summary !== "", "one sentence for a listing"],
  contentType: [(type) => typeof type === "string", 'a media type, such as "application/json"'],
  randomAccess: [(random) => typeof random === "boolean", "true or false"],
  labels: [(labels) => typeof labels === "object" && Object.values(labels).every((label) => typeof label === "string"), "an object of strings"],
  config: [(schema) => typeof schema === "object" && schema !== null, "a JSON Schema of the configuration, as an object"],
  channels: [(channels) => typeof channels === "function" || Array.isArray(channels), "a list of {name, schema}, or a function from the configuration to one"],
  open: [(open) => typeof open === "function", "a function that gives an object with a method `record`"],
};

/**
 * Defines a generator. Export it as the module's default.
 * @param {object} definition
 */
export function defineGenerator(definition) {
  const defaults = { contentType: "application/json", randomAccess: true, labels: {}, config: { type: "object", additionalProperties: false } };
  const whole = { ...defaults, ...definition };
  for (const [part, [holds, form]] of Object.entries(PARTS)) {
    if (!holds(whole[part])) throw new TypeError(`defineGenerator: \`${part}\` is ${form}`);
  }
  for (const part of Object.keys(whole)) {
    if (!(part in PARTS)) throw new TypeError(`defineGenerator: there is no \`${part}\`; the parts are ${Object.keys(PARTS).join(", ")}`);
  }
  return Object.freeze(whole);
}

/** The channels that a configuration gives: name, schema, and what writes their records. */
export function channelsOf(definition, config) {
  const { channels } = definition;
  const list = typeof channels === "function" ? channels(config) : channels;
  if (!Array.isArray(list) || list.length === 0) throw new Failed("`channels` gives a list of at least one {name, schema}");
  return list.map((channel, i) => {
    if (typeof channel?.name !== "string" || typeof channel.schema !== "object" || channel.schema === null)
      throw new Failed(`\`channels[${i}]\` is {name, schema} with a JSON Schema as an object`);
    return { name: channel.name, schema: channel.schema, writer: new JsonWriter(channel.decimals) };
  });
}

/** What a stream is opened with. */
export class Settings {
  constructor({ seed, streamIndex, streamCount }) {
    /** The emulation's seed, a BigInt; the same for every emulation of a scenario. */
    this.seed = seed;
    /** Which stream this one is, from 0, and of how many. */
    this.streamIndex = streamIndex;
    this.streamCount = streamCount;
  }

  /** Randomness for what this stream alone sees: its records. */
  key(purpose) {
    return Key.stream(this.seed, this.streamIndex, purpose);
  }

  /** Randomness for what all streams and all generators of a scenario share: entities. */
  sharedKey(purpose) {
    return Key.shared(this.seed, purpose);
  }

  /** How many of `total` entities belong to this stream: those whose number leaves `streamIndex` divided by `streamCount`. */
  shareOf(total) {
    return Math.floor((total + this.streamCount - 1 - this.streamIndex) / this.streamCount);
  }
}
