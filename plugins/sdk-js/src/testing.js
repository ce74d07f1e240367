// A generator without WebAssembly, for unit tests: the same code, the same bytes.

import { component } from "./component.js";
import { setAsset, takeLog } from "./host.js";
import { Stream } from "./stream.js";

export { setAsset, takeLog };

const OPERATIONS = ["append", "upsert", "delete"];
const decoder = new TextDecoder();

/** The defaults of a schema's properties, at any depth, where a configuration has nothing. */
function filled(schema, config) {
  const whole = { ...config };
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (whole[name] === undefined && property.default !== undefined) whole[name] = structuredClone(property.default);
    if (property.properties && typeof whole[name] === "object") whole[name] = filled(property, whole[name]);
  }
  return whole;
}

/** Opens a stream as the host would; what isn't given is the default. */
export function openStream(definition, { config = {}, seed = 0n, streamIndex = 0, streamCount = 1, state } = {}) {
  const generator = component(definition);
  const settings = { config: JSON.stringify(filled(definition.config, config)), seed: BigInt(seed), streamIndex, streamCount };
  const names = generator.channels(settings.config).map(({ name }) => name);
  return new TestStream(new Stream(generator, settings, state), names);
}

class TestStream {
  #stream;
  #names;

  constructor(stream, names) {
    this.#stream = stream;
    this.#names = names;
  }

  /** The batch as it would cross to the host. Times are nanoseconds since the Unix epoch. */
  batch(first, times) {
    return this.#stream.generate(BigInt(first), times.map(BigInt));
  }

  /** `count` records from `first` on, one a second from 2026 on; fewer where the stream ends or fails. */
  records(first, count, { start = 1_767_225_600_000_000_000n, step = 1_000_000_000n } = {}) {
    const records = [];
    while (records.length < count) {
      const from = first + records.length;
      const times = Array.from({ length: count - records.length }, (_, k) => start + BigInt(from + k) * step);
      const made = this.#split(this.batch(from, times));
      if (made.length === 0) break;
      records.push(...made);
    }
    return records;
  }

  #split({ payload, ends, keys, keyEnds, channels, operations }) {
    return Array.from(ends, (end, k) => ({
      text: decoder.decode(payload.subarray(k === 0 ? 0 : ends[k - 1], end)),
      key: keyEnds.length === 0 ? "" : decoder.decode(keys.subarray(k === 0 ? 0 : keyEnds[k - 1], keyEnds[k])),
      channel: this.#names[channels[k] ?? 0],
      operation: OPERATIONS[operations[k] ?? 0],
    }));
  }

  /** The saved state, as another stream is opened with it; undefined where there is none. */
  save() {
    return this.#stream.save();
  }
}
