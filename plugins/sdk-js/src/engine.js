// What the engine of a component (`plugins/javascript`) does natively; undefined under Node.js, where tests run. There
// the same is in JavaScript, to the same bytes, and as plain as can be.

export const engine = globalThis.wellhead;
delete globalThis.wellhead;
