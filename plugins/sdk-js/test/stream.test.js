import assert from "node:assert/strict";
import test from "node:test";
import { assets, defineGenerator, failed, invalidConfig, log } from "../src/index.js";
import { openStream, setAsset, takeLog } from "../src/testing.js";

/** A generator whose records are what a function makes of tick and out. */
function generator(record, more = {}) {
  return defineGenerator({
    name: "tried",
    version: "0.1.0",
    summary: "What a test needs.",
    channels: [{ name: "first", schema: { type: "object" } }, { name: "second", schema: {} }],
    open: () => ({ record }),
    ...more,
  });
}

const TIMES = Array.from({ length: 10 }, (_, k) => 1_767_225_600_000_000_000n + BigInt(k) * 250_000_000n);

test("objects, text, bytes and nothing lie side by side", () => {
  const kinds = [(i) => ({ i }), (i) => `"text ${i} ä😀"`, (i) => new TextEncoder().encode(`"bytes ${i}"`), () => null];
  const records = openStream(generator(({ index }) => kinds[index % 4](index))).records(0, 9);
  assert.deepEqual(
    records.map(({ text }) => text),
    ['{"i":0}', '"text 1 ä😀"', '"bytes 2"', "", '{"i":4}', '"text 5 ä😀"', '"bytes 6"', "", '{"i":8}'],
  );
});

test("keys, channels and operations go along, and are gone with the next record", () => {
  const stream = openStream(
    generator(({ index }, out) => {
      if (index % 3 === 1) {
        out.key = `schlüssel-${index}`;
        out.channel = index === 1 ? "second" : 1;
        out.operation = "upsert";
      }
      return { index };
    }),
  );
  const [plain, marked] = [{ key: "", channel: "first", operation: "append" }, { channel: "second", operation: "upsert" }];
  const said = stream.records(0, 5).map(({ text, ...rest }) => rest);
  assert.deepEqual(said, [plain, { key: "schlüssel-1", ...marked }, plain, plain, { key: "schlüssel-4", ...marked }]);
});

test("a long batch ends early and goes on", () => {
  const stream = openStream(generator(({ index }) => ({ index, text: "ü".repeat(5_000) })));
  const batch = stream.batch(0, Array.from({ length: 1_000 }, () => TIMES[0]));
  assert.ok(batch.ends.length > 100 && batch.ends.length < 300, `${batch.ends.length}`);
  assert.equal(stream.records(0, 500).length, 500);
});

test("a stream ends where it says", () => {
  const stream = openStream(generator(({ index }, out) => (index === 3 ? out.endStream() : { index })));
  assert.equal(stream.records(0, 10).length, 3);
  assert.equal(stream.batch(3, TIMES).ends.length, 0);
});

test("a failing record comes after those before it, and fails again", () => {
  takeLog();
  const stream = openStream(generator(({ index }) => (index === 4 ? failed("no more") && boom() : { index })));
  assert.equal(stream.batch(0, TIMES).ends.length, 4);
  for (let i = 0; i < 2; i++) {
    assert.throws(() => stream.batch(4, TIMES), (error) => error.tag === "failed" && /^TypeError: .*\(at .*stream\.test\.js:\d+ in boom\)$/.test(error.message));
  }
  const [{ level, message }, ...more] = takeLog();
  assert.equal(level, "error");
  assert.match(message, /stream\.test\.js:\d+ in boom\n/);
  assert.equal(more.length, 0);
  assert.equal(stream.batch(5, TIMES).ends.length, 10);
});

function boom() {
  return null.nothing;
}

const WRONG = [
  [() => undefined, "`record` returned undefined: return an object"],
  [() => 7, "`record` returned the number 7"],
  [() => "", "an empty text was returned"],
  [() => new Uint8Array(), "no bytes were returned"],
  [() => "a\nb", "the text has a line feed in it"],
  [() => Uint8Array.of(10), "the bytes have a line feed"],
  [() => "half \ud83d", "the text has half of a surrogate pair"],
  [() => ({ a: { b: "half \ude00 of it" } }), "`a.b` has half of a surrogate pair"],
  [() => ({ "\ud83d": 1 }), "the record has a property whose name isn't well-formed"],
  [() => ({ a: Number.NaN }), "`a` is NaN"],
  [(_, out) => ((out.key = 7), {}), 'out.key is the number 7: a key is a string, such as "7"'],
  [(_, out) => ((out.key = "\ud83d"), {}), "out.key has half of a surrogate pair"],
  [(_, out) => ((out.channel = "third"), {}), 'out.channel is "third", and the channels are "first" (0), "second" (1)'],
  [(_, out) => ((out.channel = 2), {}), "out.channel is the number 2"],
  [(_, out) => ((out.operation = "remove"), {}), 'out.operation is "remove"'],
  [(_, out) => ((out.operation = "delete"), {}), 'out.operation is "delete", which needs a key'],
  [async () => ({}), "the record is a Promise"],
  [() => { throw "text"; }, 'the text "text" was thrown'],
  [() => { throw failed("as foreseen"); }, "as foreseen"],
  [() => Date.now(), "Error: Date.now() is frozen inside a generator"],
  [() => ({ at: new Date() }), "new Date() without an argument is frozen"],
  [() => ({ at: Date() }), "Date() is frozen"],
  [() => Math.random(), "Math.random() is frozen inside a generator"],
  [() => crypto.randomUUID(), "crypto.randomUUID() is frozen"],
  [() => performance.now(), "performance.now() is frozen"],
  [() => setTimeout(() => 1, 1), "setTimeout() is frozen"],
];
for (const [record, said] of WRONG) {
  test(`an error says: ${said}`, () => {
    const stream = openStream(generator((tick, out) => (tick.index === 2 ? record(tick, out) : { index: tick.index, backslash: "\\ud" })));
    const batch = stream.batch(0, TIMES);
    assert.equal(new TextDecoder().decode(batch.payload), '{"index":0,"backslash":"\\\\ud"}{"index":1,"backslash":"\\\\ud"}');
    assert.throws(() => stream.batch(2, TIMES), (error) => error.message.includes(said));
  });
}

test("outside of a generator the clock goes on", () => {
  assert.ok(Date.now() > 0 && new Date() instanceof Date && new Date(0).constructor === Date && Math.random() < 1);
});

test("halves of a pair in two records aren't one", () => {
  const stream = openStream(generator(({ index }) => (index === 1 ? "a\ud83d" : index === 2 ? "\ude00b" : "x")));
  assert.equal(stream.batch(0, TIMES).ends.length, 1);
  assert.throws(() => stream.batch(1, TIMES), /half of a surrogate pair/);
});

test("without random access it goes in order, and on from a state", () => {
  const make = (state) => {
    let sum = state?.sum ?? 0;
    return { record: ({ index }) => ({ sum: (sum += index) }), save: () => ({ sum }) };
  };
  const ordered = generator(null, { randomAccess: false, open: (_, __, state) => make(state) });
  const stream = openStream(ordered);
  stream.records(0, 5);
  assert.throws(() => stream.batch(7, TIMES), /asked for record 7, but this generator goes in order and is at 5/);
  assert.equal(openStream(ordered, { state: stream.save() }).records(5, 1)[0].text, '{"sum":15}');
  assert.throws(() => openStream(ordered, { state: Uint8Array.of(123) }), /saved state isn't one/);
});

test("states are bytes or whatever JSON has a form for", () => {
  const saved = (state) => openStream(generator(() => null, { open: () => ({ record: () => null, save: () => state }) })).save();
  const opened = [];
  const open = (state) => openStream(generator(() => null, { open: (_, __, given) => (opened.push(given), { record: () => null }) }), { state });
  for (const state of [Uint8Array.of(1, 0), [1, "ä"], "text", 7]) open(saved(state));
  assert.deepEqual(opened, [Uint8Array.of(1, 0), [1, "ä"], "text", 7]);
  takeLog();
  for (const [state, said] of [[{ a: [1n] }, "`state.a.0` is a BigInt"], [{ a: Number.NaN }, "`state.a` is NaN"], ["x".repeat(2 ** 20), "at most 1048576"]]) {
    assert.equal(saved(state), undefined);
    assert.ok(takeLog().some(({ message }) => message.includes(said)), said);
  }
});

test("errors of open are the configuration's or the generator's", () => {
  const opening = (open) => () => openStream(generator(() => null, { open }));
  assert.throws(opening(() => { throw invalidConfig("`from` lies after `until`"); }), { tag: "invalid-config", message: "`from` lies after `until`" });
  assert.throws(opening(() => ({})), /`open` gives an object with a method `record`/);
  assert.throws(opening(async () => ({})), /promise/);
  assert.throws(opening(() => null.x), /failed: TypeError: /);
});

test("defaults are filled in, as the host does", () => {
  const config = { type: "object", properties: { a: { default: 1 }, b: { properties: { c: { default: "x" } }, default: {} } } };
  let seen;
  const defined = generator(() => null, { config, open: (given) => ((seen = given), { record: () => null }) });
  openStream(defined, { config: { a: 2 } });
  assert.deepEqual(seen, { a: 2, b: { c: "x" } });
});

test("a definition that can't be says what is wrong", () => {
  assert.throws(() => generator(() => null, { name: "Big" }), /`name` is a string of a-z/);
  assert.throws(() => generator(() => null, { channels: undefined }), /`channels` is a list/);
  assert.throws(() => generator(() => null, { recrod: 1 }), /there is no `recrod`/);
});

test("assets and messages", () => {
  setAsset("words", "eins\nzwei");
  assert.deepEqual([assets.size("words"), assets.text("words"), assets.bytes("none"), assets.piece("words", 5, 99).length], [9, "eins\nzwei", undefined, 4]);
  takeLog();
  log.warn("look");
  assert.deepEqual(takeLog(), [{ level: "warn", message: "look" }]);
});
