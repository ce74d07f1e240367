import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Key, Rng } from "../src/rng.js";

const vectors = JSON.parse(readFileSync(new URL("../../vectors.json", import.meta.url), "utf8"));
const keyOf = ({ scope, seed, stream, purpose }) =>
  scope === "stream" ? Key.stream(BigInt(seed), stream, purpose) : Key.shared(BigInt(seed), purpose);
const hex = (draw) => draw.toString(16).padStart(16, "0");

test("the draws are those of every SDK", () => {
  for (const vector of vectors) {
    const key = keyOf(vector);
    const index = BigInt(vector.index);
    const rng = key.at(index);
    assert.deepEqual(vector.draws.map(() => hex(rng.next())), vector.draws);
    assert.equal(hex(key.hash(index)), vector.hash);
    assert.equal(key.hash32(index), Number.parseInt(vector.hash.slice(0, 8), 16));
    for (const { n, first } of vector.below) assert.equal(key.at(index).below(n), first, `below(${n})`);
  }
});

// The published algorithm, word for word.
const wrap = (z) => BigInt.asUintN(64, z);
const GAMMA = 0x9e3779b97f4a7c15n;
function mix(z) {
  z = wrap((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = wrap((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}
const draw = (key, i, j) => mix(wrap(mix(key.value ^ wrap(BigInt(i) * GAMMA)) + BigInt(j + 1) * GAMMA));

test("every draw of a record is as published, with an Rng used again too", () => {
  const key = Key.stream(99n, 5, "batch");
  const rng = new Rng();
  for (const i of [0, 1, 999, 4_294_967_296, 9_007_199_254_740_000]) {
    assert.equal(key.at(i, rng), rng);
    for (let j = 0; j < 20; j++) {
      assert.equal(rng.next(), draw(key, i, j), `draw ${j} of ${i}`);
      assert.equal((BigInt(rng.high) << 32n) | BigInt(rng.low), draw(key, i, j));
    }
  }
});

test("two records' draws don't meddle with each other", () => {
  const key = Key.shared(7n, "two");
  const [a, b] = [key.at(50), key.at(51)];
  assert.deepEqual([a.next(), b.next(), a.next(), b.next()], [[50, 0], [51, 0], [50, 1], [51, 1]].map(([i, j]) => draw(key, i, j)));
});

test("chance and below follow the upper half", () => {
  const key = Key.shared(1n, "share");
  for (let i = 0; i < 200; i++) {
    const upper = draw(key, i, 0) >> 32n;
    assert.equal(key.at(i).chance(0x8000_0000), upper < 0x8000_0000n);
    for (const n of [3, 65_537, 4_294_967_295]) assert.equal(key.at(i).below(n), Number((upper * BigInt(n)) >> 32n));
  }
  assert.throws(() => key.at(0).below(2.5), /whole number/);
  assert.throws(() => key.at(0).below(-1), /whole number/);
});
