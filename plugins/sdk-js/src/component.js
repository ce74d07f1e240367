// A definition as what the contract asks a component to export. The build writes the entry that calls this.

import { channelsOf, Settings } from "./definition.js";
import { contractError, Failed } from "./errors.js";
import { atWork, guard } from "./guard.js";
import { divertConsole, log, setHost } from "./host.js";
import { bytesToState, stateToBytes } from "./state.js";
import { Stream } from "./stream.js";

const RESERVED = 100 << 20;

/** The component's export `generator`. `imports` are the contract's `log`, `size` and `read`. */
export function component(definition, imports) {
  if (typeof definition?.open !== "function") throw new TypeError("the module's default export isn't what defineGenerator gives");
  if (imports !== undefined) {
    setHost(imports);
    divertConsole();
    reserve();
  }
  guard();
  return {
    describe: () => describe(definition),
    channels: (config) => attempt("channels", () => channelsOf(definition, JSON.parse(config)).map(({ name, schema }) => ({ name, schema: JSON.stringify(schema) }))),
    Stream: streamClass(definition),
  };
}

/**
 * Has the component's memory begin with the room that the engine takes anyway: it looks for what isn't needed any more
 * when there are about so many bytes of it. So memory stays as it is from the first record on. This runs while the
 * component is built, and what nobody has written to takes no room, neither in the file nor in the machine.
 */
function reserve() {
  new ArrayBuffer(RESERVED).transfer(0);
}

/** Runs what may throw: what comes out is the contract's error, never a trap. */
function attempt(where, body) {
  try {
    return atWork(body);
  } catch (thrown) {
    throw contractError(thrown, log.error, where);
  }
}

function describe(definition) {
  const { name, version, summary, config, contentType, randomAccess, labels } = definition;
  return { name, version, summary, configSchema: JSON.stringify(config), contentType, randomAccess, labels: Object.entries(labels) };
}

function streamClass(definition) {
  return class GeneratorStream {
    #stream;

    constructor(stream) {
      this.#stream = stream;
    }

    static open(settings, state) {
      const stream = attempt("open", () => opened(definition, settings, state));
      return new GeneratorStream(stream);
    }

    generate(first, times) {
      return attempt(`record ${first}`, () => this.#stream.generate(first, times));
    }

    save() {
      try {
        return atWork(() => stateToBytes(this.#stream.save()));
      } catch (thrown) {
        // The contract has no error here: without a state, a resume goes through the records again.
        log.error(`no state is saved: ${contractError(thrown, log.error, "save").message}`);
        return undefined;
      }
    }
  };
}

function opened(definition, settings, bytes) {
  const config = JSON.parse(settings.config);
  const state = bytesToState(bytes);
  const channels = channelsOf(definition, config);
  const made = definition.open(config, new Settings(settings), state);
  if (typeof made?.record !== "function") {
    const what = made instanceof Promise ? "a promise, and nothing waits inside a generator" : "something else";
    throw new Failed(`\`open\` gives an object with a method \`record\`, and gave ${what}`);
  }
  return new Stream(made, channels, definition.randomAccess || state !== undefined ? undefined : 0);
}
