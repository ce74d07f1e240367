import type { Definition } from "./index.js";

/** What a component exports as `generator`. The build writes the module that calls this. */
export function component(definition: Definition<any, any>, imports?: object): unknown;
