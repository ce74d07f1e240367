/**
 * Makes a faker (`@faker-js/faker`) say the same for the same record: seeds it from the record's draws, and lets its
 * dates lie about the record's event time. Call it before each record that uses the faker.
 */
export function seedFaker(faker, rng, tick) {
  faker.seed(rng.seed32());
  faker.setDefaultRefDate(tick === undefined ? new Date(0) : tick.date());
  return faker;
}
