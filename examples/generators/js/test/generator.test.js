// On this machine, without WebAssembly: `npm test`. What the host relies on besides, `wellhead plugin test` tries.

import assert from "node:assert/strict";
import test from "node:test";
import { openStream } from "@wellhead/sdk/testing";
import generator from "../src/generator.js";

test("a saved state goes on as if nothing had been", () => {
  const whole = openStream(generator).records(0, 300);
  const stream = openStream(generator);
  const begin = stream.records(0, 123);
  const state = stream.save();
  const end = openStream(generator, { state }).records(123, 177);
  assert.deepEqual([...begin, ...end], whole);
  assert.throws(() => openStream(generator, { state: state.slice(1) }), /saved state/);
});

test("vehicles take turns and some go too fast", () => {
  const records = openStream(generator).records(0, 20_000);
  assert.ok(records[51].text.startsWith('{"vehicle":"vehicle-1","at":"2026-01-01T00:00:51.000000Z",'));
  assert.equal(records[51].key, "vehicle-1");
  const alerts = records.filter(({ channel }) => channel === "alert");
  assert.ok(alerts.length > 100 && alerts.length < 5_000);
});

test("each stream needs a vehicle", () => {
  assert.throws(() => openStream(generator, { config: { vehicles: 2 }, streamIndex: 2, streamCount: 3 }), /vehicle of its own/);
});
