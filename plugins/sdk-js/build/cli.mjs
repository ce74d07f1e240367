#!/usr/bin/env node
// `wellhead-js bundle SOURCE [BUNDLE]`: from a generator's sources to one file, of which `wellhead plugin build` makes
// a component.

import { build } from "./build.mjs";

const OLDEST = [20, 10];

async function main([command, source, bundle = "build/bundle.js", ...rest]) {
  if (command !== "bundle" || source === undefined || rest.length > 0) throw new Error("usage: wellhead-js bundle SOURCE [BUNDLE], such as `wellhead-js bundle src/generator.js`");
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) throw new Error(`Node.js ${process.versions.node} is too old: it takes ${OLDEST.join(".")} or newer, see https://nodejs.org`);
  await build(source, bundle);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`wellhead-js: ${error.message}`);
  process.exitCode = 1;
}
