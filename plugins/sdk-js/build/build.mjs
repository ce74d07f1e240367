// Bundles a generator with the SDK, and lays out where each line comes from. `wellhead plugin build` makes a component
// of what this writes.

import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { lineTable } from "./lines.mjs";

const SDK = fileURLToPath(new URL("..", import.meta.url));

/** Writes the bundle, and beside it, as `….lines`, where its lines come from. */
export async function build(source, bundle) {
  const project = process.cwd();
  if (!existsSync(source)) throw new Error(`there is no ${source} in ${project}: work in the generator's folder, or name its source`);
  const esbuild = await tool(project, "esbuild");
  const { code, table } = await bundled(esbuild, project, source);
  await mkdir(dirname(resolve(bundle)), { recursive: true });
  await writeFile(`${bundle}.lines`, JSON.stringify(table));
  await writeFile(bundle, code);
}

/** A package of the project's, which this one, that may lie elsewhere, doesn't see. */
async function tool(project, name) {
  const folders = createRequire(join(project, "package.json")).resolve.paths(name);
  const folder = folders.map((above) => join(above, name)).find((folder) => existsSync(join(folder, "package.json")));
  if (folder === undefined) throw new Error(`${name} isn't installed in ${project}: run \`npm install\` there`);
  const { exports, main } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const module = await import(pathToFileURL(join(folder, exports?.import ?? main)));
  return module.default ?? module;
}

async function bundled(esbuild, project, source) {
  const path = JSON.stringify(resolve(project, source));
  const sdk = (module) => JSON.stringify(join(SDK, "src", module));
  const contents = `import { engine } from ${sdk("engine.js")};
import ${sdk("frozen.js")};
import { component } from ${sdk("component.js")};
import definition from ${path};
engine.generator = component(definition);
`;
  const result = await esbuild
    .build({
      stdin: { contents, resolveDir: project, sourcefile: "wellhead:entry" },
      outfile: join(project, "generator.js"),
      bundle: true,
      write: false,
      format: "iife",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "es2023",
      charset: "utf8",
      // Modules are strict, and this is a script.
      banner: { js: '"use strict";' },
      sourcemap: "external",
      logLevel: "silent",
    })
    .catch((error) => {
      throw new Error(wrongSources(error));
    });
  const [map, code] = result.outputFiles[0].path.endsWith(".map") ? result.outputFiles : result.outputFiles.toReversed();
  const table = lineTable(JSON.parse(map.text));
  return { table, code: `${code.text}\nglobalThis[Symbol.for("wellhead.lines")] = ${JSON.stringify(table)};\n` };
}

/** What the bundler found in the sources, with its places. */
function wrongSources(error) {
  const said = (error.errors ?? []).map(({ text, location }) => (location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : text));
  return said.length === 0 ? error.message : `the sources can't be built:\n${said.join("\n")}`;
}
