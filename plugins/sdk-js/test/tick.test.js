import assert from "node:assert/strict";
import test from "node:test";
import { defineGenerator } from "../src/index.js";
import { openStream } from "../src/testing.js";

const seen = defineGenerator({
  name: "seen",
  version: "0.1.0",
  summary: "What a tick says.",
  channels: [{ name: "tick", schema: {} }],
  open: () => ({
    record: (tick) => ({ time: tick.time, millis: tick.millis, seconds: tick.seconds, nanos: tick.nanos, text: tick.text, date: tick.date() }),
  }),
});

test("every instant is told exactly", () => {
  const second = 1_000_000_000n;
  const begin = 1_709_164_799n * second;
  const times = [
    0n, 1n, 999_999_999n, second, begin - 1n, begin, begin + 1n, begin + 1_001n, begin + 999_999_999n, begin + second, begin + 60n * second + 123_456_789n,
    begin + 51n * 86_400n * second, begin + 60n * 86_400n * second, begin + 4_000_000n * second + 5n, 4_294_967_295n, 4_294_967_296n * 400_000_000n, 18_446_744_073_709_551_615n,
  ];
  const ordered = times.toSorted((a, b) => (a < b ? -1 : 1));
  for (const asked of [ordered, ordered.toReversed()]) {
    const stream = openStream(seen);
    const { payload, ends } = stream.batch(0, asked);
    for (const [k, end] of ends.entries()) {
      const said = JSON.parse(new TextDecoder().decode(payload.subarray(k === 0 ? 0 : ends[k - 1], end)).replace(/"time":(\d+)/, '"time":"$1"'));
      const [millis, time] = [asked[k] / 1_000_000n, asked[k]];
      const date = new Date(Number(millis)).toISOString();
      const micros = String((time / 1_000n) % 1_000n).padStart(3, "0");
      assert.deepEqual(said, { time: String(time), millis: Number(millis), seconds: Number(time / second), nanos: Number(time % second), text: `${date.slice(0, 23)}${micros}Z`, date });
    }
  }
});

test("many steps of a second stay exact", () => {
  const records = openStream(seen).records(0, 3_000, { step: 86_400_000_000_007n });
  const last = JSON.parse(records[2_999].text.replace(/"time":\d+,/, ""));
  assert.equal(last.nanos, 2_999 * 7);
  assert.equal(last.seconds, 1_767_225_600 + 2_999 * 86_400);
});
