import { Key } from "./rng.js";

/**
 * Makes a faker (`@faker-js/faker`) say the same for the same record: seeds it from the record's draws, and lets its
 * dates lie about the record's event time. Call it before each record that uses the faker.
 */
export function seedFaker(faker, rng, tick) {
  faker.seed(rng.seed32());
  faker.setDefaultRefDate(tick === undefined ? new Date(0) : tick.date());
  return faker;
}

/**
 * What a faker draws from, in place of its own Mersenne Twister, whose seeding takes a millisecond inside a component:
 * `new Faker({ locale: [de, en, base], randomizer: randomizer() })`.
 */
export function randomizer() {
  const key = Key.shared(0n, "faker");
  const rng = key.at(0);
  return {
    next: () => rng.next32() / 0x1_0000_0000,
    seed: (seed) => void key.at([seed].flat()[0], rng),
  };
}
