// Bundles a generator with the SDK, lays out where each line comes from, and makes a component of it.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { lineTable } from "./lines.mjs";

/** What the engine could ask of a system. Without them a component imports nothing but the contract's. */
const NOTHING_ELSE = ["stdio", "random", "clocks", "http", "fetch-event"];
const CONTRACT = "@1.0.0";
const SDK = fileURLToPath(new URL("..", import.meta.url));

export async function build(source, component) {
  const project = process.cwd();
  if (!existsSync(source)) throw new Error(`there is no ${source} in ${project}: work in the generator's folder, or name its source`);
  const esbuild = await tool(project, "esbuild");
  const { componentize } = await tool(project, "@bytecodealliance/componentize-js");
  const { code, table } = await bundle(esbuild, project, source);
  const folder = await mkdtemp(join(tmpdir(), "wellhead-js-"));
  try {
    const sourcePath = join(folder, "generator.js");
    await writeFile(sourcePath, code);
    const made = await componentize({ sourcePath, witPath: contract(project), worldName: "plugin", disableFeatures: NOTHING_ELSE });
    // Whoever reads the component meanwhile has the old one or the new one.
    await writeFile(`${component}.new`, made.component);
    await rename(`${component}.new`, component);
  } catch (error) {
    throw new Error(refusal(error, table));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

async function bundle(esbuild, project, source) {
  const path = JSON.stringify(resolve(project, source));
  const sdk = (module) => JSON.stringify(join(SDK, "src", module));
  const contents = `import ${sdk("frozen.js")};
import { log } from "wellhead:generator/log${CONTRACT}";
import { read, size } from "wellhead:generator/assets${CONTRACT}";
import { component } from ${sdk("component.js")};
import definition from ${path};
export const generator = component(definition, { log, read, size });
`;
  const result = await esbuild
    .build({
      stdin: { contents, resolveDir: project, sourcefile: "wellhead:entry" },
      outfile: join(project, "generator.js"),
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "es2022",
      charset: "utf8",
      external: ["wellhead:*"],
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

/** What the engine said when it loaded the module, which it does while a component is made, with the author's places. */
function refusal(error, { files, lines }) {
  const said = String(error.message ?? error).split("\n").filter((line) => !/^Failed to initialize component|^Additionally, |^Promise rejected/.test(line));
  const placed = said.map((line) => line.replace(/\bgenerator\.js:(\d+):\d+/, (place, row) => (lines[2 * row] >= 0 ? `${files[lines[2 * row]]}:${lines[2 * row + 1]}` : place)));
  return `the generator's module can't be loaded:\n${placed.join("\n")}`;
}

/** The folder of the contract: the project's own, or the repository's. */
function contract(project) {
  const places = [join(project, "wit"), join(SDK, "wit"), join(dirname(dirname(SDK)), "wit"), join(dirname(SDK), "..", "..", "wit")];
  const found = places.find((place) => existsSync(join(place, "generator.wit")));
  if (found === undefined) throw new Error(`there is no wit/generator.wit in ${project}`);
  return found;
}
