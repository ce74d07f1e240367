// Everything a wellhead generator in JavaScript or TypeScript needs.

export { defineGenerator, Settings } from "./definition.js";
export { failed, Failed, invalidConfig, InvalidConfig } from "./errors.js";
export { randomizer, seedFaker } from "./faker.js";
export { assets, log } from "./host.js";
export { Fixed, fixed } from "./json.js";
export { Key, Rng } from "./rng.js";
export { Out } from "./record.js";
export { Tick } from "./tick.js";
