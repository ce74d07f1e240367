#!/usr/bin/env node
// `wellhead-js build SOURCE COMPONENT`: from a generator's sources to a component.

import { build } from "./build.mjs";

const OLDEST = [20, 10];

async function main([command, source, component, ...rest]) {
  if (command !== "build" || component === undefined || rest.length > 0) throw new Error("usage: wellhead-js build SOURCE COMPONENT, such as `wellhead-js build src/generator.js meter.wasm`");
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) throw new Error(`Node.js ${process.versions.node} is too old: it takes ${OLDEST.join(".")} or newer, see https://nodejs.org`);
  await build(source, component);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`wellhead-js: ${error.message}`);
  process.exitCode = 1;
}
