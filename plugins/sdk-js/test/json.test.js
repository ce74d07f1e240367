import assert from "node:assert/strict";
import test from "node:test";
import { JsonWriter, fixed } from "../src/json.js";

const written = (record, decimals) => new JsonWriter(decimals).text(record);

test("what JSON.stringify writes is written alike", () => {
  class Place {
    constructor() {
      this.x = 1;
    }
  }
  const records = [
    {},
    { a: 1, b: "two", c: true, d: null, e: [1, "x", { f: [] }], g: { h: { i: -0.5 } } },
    { "with \"quotes\"": "line\nfeed", "ä": "ö😀", "": 0, __proto: 1 },
    { a: undefined, b: 1, c: { d: undefined } },
    { n: 1e-7, m: -0, o: 123456789.125, p: 9_007_199_254_740_991 },
    { at: new Date(0), place: new Place() },
    [1, 2, [3]],
    { 2: "b", 1: "a" },
    new Place(),
  ];
  for (const record of records) assert.equal(written(record), JSON.stringify(record));
});

test("one writer tells shapes and classes apart", () => {
  const writer = new JsonWriter({ a: 1 });
  const texts = [{ a: 1, b: 2 }, { b: 2, a: 1 }, [1, 2], { 0: 1, 1: 2 }, { a: "x", b: 2 }, { a: 1 }, { a: 1, b: 2 }].map((record) => writer.text(record));
  assert.deepEqual(texts, ['{"a":1.0,"b":2}', '{"b":2,"a":1.0}', "[1,2]", '{"0":1,"1":2}', '{"a":"x","b":2}', '{"a":1.0}', '{"a":1.0,"b":2}']);
});

test("decimals are always there, at any depth", () => {
  const record = { speed: 56, place: { lat: 48.85661234, tags: [1, 2.5] }, big: 10n, other: "text" };
  const decimals = { speed: 1, "place.lat": 7, "place.tags": 2, big: 2, other: 3 };
  assert.equal(written(record, decimals), '{"speed":56.0,"place":{"lat":48.8566123,"tags":[1.00,2.50]},"big":10.00,"other":"text"}');
  assert.throws(() => new JsonWriter({ speed: 16 }), /decimals of speed/);
});

test("fixed writes whole units", () => {
  const texts = [fixed(1250, 2), fixed(-5, 1), fixed(5, 3), fixed(0, 2), fixed(7, 0), fixed(-123_456_789_012_345_678n, 7)].map(String);
  assert.deepEqual(texts, ["12.50", "-0.5", "0.005", "0.00", "7", "-12345678901.2345678"]);
  assert.equal(written({ a: fixed(1250, 2), b: [fixed(1, 1)] }), '{"a":12.50,"b":[0.1]}');
  assert.throws(() => fixed(1.5, 2), /whole number of units/);
  assert.throws(() => fixed(1, 16), /decimals go from 0 to 15/);
});

test("BigInts are digits", () => assert.equal(written({ id: 18_446_744_073_709_551_615n, list: [-1n] }), '{"id":18446744073709551615,"list":[-1]}'));

const cycle = { name: "loop" };
cycle.self = cycle;
const WRONG = [
  [{ a: { b: [1, Number.NaN] } }, "`a.b[1]` is NaN"],
  [{ speed: Number.NaN }, "`speed` is NaN", { speed: 1 }],
  [{ a: Number.POSITIVE_INFINITY }, "`a` is Infinity"],
  [{ id: 2 ** 53 }, "`id` is 9007199254740992, beyond 2^53"],
  [{ id: -(2 ** 60) }, "beyond 2^53", { id: 2 }],
  [{ list: [undefined] }, "`list[0]` is undefined"],
  [{ f: () => 1 }, "`f` is a function"],
  [{ s: Symbol("x") }, "`s` is a symbol"],
  [{ m: new Map([[1, 2]]) }, "`m` is a Map, which isn't written as JSON: use Object.fromEntries(map)"],
  [{ bytes: new Uint8Array(2) }, "`bytes` is a Uint8Array"],
  [{ n: new Number(1) }, "`n` is a Number"],
  [{ p: Promise.resolve(1) }, "`p` is a Promise"],
  [new Map(), "the record is a Map"],
  [cycle, "contains itself"],
];
for (const [record, said, decimals] of WRONG) {
  test(`an error says: ${said}`, () => assert.throws(() => written(record, decimals), (error) => error.message.includes(said)));
}
