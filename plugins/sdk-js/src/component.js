// A definition as what the engine of a component asks for, `plugins/javascript/src/component.rs`, and tests under
// Node.js by it. The build writes the entry that calls this.

import { channelsOf, Settings } from "./definition.js";
import { contractError, Failed } from "./errors.js";
import { engine } from "./engine.js";
import { guard, setWorking } from "./guard.js";
import { divertConsole, log, setHost } from "./host.js";
import { channelOf, keyOf, operationOf, Out, rowOf } from "./record.js";
import { bytesToState, stateToBytes } from "./state.js";

/** What is asked of a generator, with guards around what is the author's. */
export function component(definition) {
  if (typeof definition?.open !== "function") throw new TypeError("the module's default export isn't what defineGenerator gives");
  if (engine !== undefined) {
    setHost(engine);
    divertConsole();
  }
  guard();
  const generator = {
    describe: () => description(definition),
    channels: (config) => channelsOf(definition, JSON.parse(config)).map(({ name, schema }) => ({ name, schema: JSON.stringify(schema) })),
    open: (settings, state) => opened(definition, settings, state),
    save: (made) => saved(made),
  };
  for (const [name, ask] of Object.entries(generator)) generator[name] = guarded(ask);
  return {
    ...generator,
    // Around many records at once, since each call costs.
    begin: () => setWorking(true),
    end: () => setWorking(false),
    channel: channelOf,
    key: keyOf,
    operation: operationOf,
    row: rowOf,
    failure,
  };
}

function guarded(ask) {
  return (...values) => {
    setWorking(true);
    try {
      return ask(...values);
    } finally {
      setWorking(false);
    }
  };
}

/** Whether the contract's error is that of a wrong configuration, and its text, for whatever was thrown; logs it. */
function failure(thrown, where) {
  const { tag, message } = contractError(thrown, log.error, where);
  return [tag === "invalid-config", message];
}

function description(definition) {
  const { name, version, summary, config, contentType, randomAccess, labels } = definition;
  return { name, version, summary, configSchema: JSON.stringify(config), contentType, randomAccess, labels: Object.entries(labels) };
}

/** A stream: the author's object, and what is known of its records. */
function opened(definition, settings, bytes) {
  const config = JSON.parse(settings.config);
  const state = bytesToState(bytes);
  const channels = channelsOf(definition, config);
  const made = definition.open(config, new Settings(settings), state);
  if (typeof made?.record !== "function") {
    const what = made instanceof Promise ? "a promise, and nothing waits inside a generator" : "something else";
    throw new Failed(`\`open\` gives an object with a method \`record\`, and gave ${what}`);
  }
  const ordered = !definition.randomAccess && state === undefined;
  return { made, ordered, channels, writers: channels.map(({ writer }) => writer), out: new Out() };
}

function saved(made) {
  try {
    return stateToBytes(made.save?.());
  } catch (thrown) {
    // The contract has no error here: without a state, a resume goes through the records again.
    log.error(`no state is saved: ${contractError(thrown, log.error, "save").message}`);
    return undefined;
  }
}
