// From a source map to a table: for each line of the bundle, which file and line it comes from. That is all that a
// stack needs, and it is small enough to go along in the component.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The numbers of one segment: base 64, five bits a digit, the sign in the lowest. */
function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    value = shift = 0;
  }
  return found;
}

/** `lines[2n]` is the file of the bundle's line n (counted from 1), -1 for none, and `lines[2n + 1]` its line there. */
export function lineTable({ sources, mappings }) {
  const lines = [-1, 0];
  let source = 0;
  let line = 0;
  for (const row of mappings.split(";")) {
    let first = [-1, 0];
    for (const segment of row === "" ? [] : row.split(",")) {
      const [, sourceStep, lineStep] = numbers(segment);
      if (sourceStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      if (first[0] < 0) first = [source, line + 1];
    }
    lines.push(...first);
  }
  return { files: sources, lines };
}
