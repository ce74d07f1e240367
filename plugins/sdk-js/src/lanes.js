// The same arithmetic for all records of a batch: one BigInt holds a number of 64 bits for each of them, in lanes of
// 128 bits, so that a product stays within its lane. A mask cuts off what crosses.

const LANE = 128n;
const MASK = 0xffff_ffff_ffff_ffffn;
const GAMMA = 0x9e37_79b9_7f4a_7c15n;
const FIRST = 0xbf58_476d_1ce4_e5b9n;
const SECOND = 0x94d0_49bb_1331_11ebn;
/** A record's further draws are not laid out: who draws more than that spends its time elsewhere. */
const MOST = 16;
/** Constants are kept for so many lengths of a batch. */
const LENGTHS = 8;

const kept = new Map();

/** For a number of lanes: 1 in each, 2^64 - 1 in each, and in lane k what k adds to an index times GAMMA. */
function constants(count) {
  let found = kept.get(count);
  if (found === undefined) {
    if (kept.size === LENGTHS) kept.clear();
    const { one, order } = ramp(count);
    const mask = one * MASK;
    found = { one, mask, steps: (order * GAMMA) & mask };
    kept.set(count, found);
  }
  return found;
}

/** 1 in each lane, and each lane's number. */
function ramp(count) {
  if (count === 1) return { one: 1n, order: 0n };
  const half = count >> 1;
  const { one, order } = ramp(half);
  const shift = LANE * BigInt(half);
  let ones = one | (one << shift);
  let orders = order | ((order + one * BigInt(half)) << shift);
  if (count & 1) {
    const last = LANE * BigInt(count - 1);
    ones |= 1n << last;
    orders |= BigInt(count - 1) << last;
  }
  return { one: ones, order: orders };
}

function mix(z, mask) {
  z = ((z ^ ((z >> 30n) & mask)) * FIRST) & mask;
  z = ((z ^ ((z >> 27n) & mask)) * SECOND) & mask;
  return z ^ ((z >> 31n) & mask);
}

/** The lanes as numbers of 32 bits: lane k's lower half at 4k, its upper half after it. `room` is used where it fits. */
function halves(lanes, count, room) {
  const length = count * 16;
  const bytes = room?.byteLength === length ? new Uint8Array(room.buffer) : new Uint8Array(length);
  const hex = lanes.toString(16).padStart(count * 32, "0");
  if (bytes.setFromHex) bytes.setFromHex(hex);
  else bytes.set(Buffer.from(hex, "hex"));
  bytes.reverse();
  return room?.byteLength === length ? room : new Uint32Array(bytes.buffer);
}

/**
 * The draws of the records `first`, `first + 1`, … of a key. `before` is the block of those before them, which gives its
 * room away; whoever still draws from it has it laid out again.
 */
export function start(key, first, count, before) {
  const block = { key, first, count, columns: [], rooms: [], asked: [], wanted: 1 };
  if (before !== null) {
    block.wanted = before.wanted;
    block.rooms = before.columns;
    before.columns = [];
  }
  return block;
}

/** What each record's draws begin with. It is made again for each column: kept, it would be moved about. */
function states({ key, first, count }) {
  const { one, mask, steps } = constants(count);
  const indices = (steps + one * ((BigInt(first) * GAMMA) & MASK)) & mask;
  return mix((one * key) ^ indices, mask);
}

/**
 * The `j`-th draws of a block's records, or null where only few of them draw so often. What the blocks before it
 * wanted is laid out at once.
 */
export function column(block, j) {
  if (j >= MOST) return null;
  if (j >= block.wanted) {
    const asked = (block.asked[j] ?? 0) + 1;
    block.asked[j] = asked;
    if (asked * 4 < block.count) return null;
    block.wanted = j + 1;
  }
  const { one, mask } = constants(block.count);
  const steps = one * ((BigInt(j + 1) * GAMMA) & MASK);
  const draws = halves(mix((states(block) + steps) & mask, mask), block.count, block.rooms[j]);
  block.columns[j] = draws;
  return draws;
}
