/* Randomness addressed by (seed, stream, index, purpose), with no state to carry along.
 *
 * The algorithm, and the test vectors that every SDK has, are those of the Rust SDK's rng.rs:
 * SplitMix64 over a key that is mixed from seed, stream and the FNV-1a hash of the purpose. */
#ifndef WELLHEAD_RANDOM_H
#define WELLHEAD_RANDOM_H

#include "base.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WH_GAMMA UINT64_C(0x9E3779B97F4A7C15)
/* In a stream's place, where all streams share: one more than any stream's index. */
#define WH_ALL_STREAMS (UINT64_C(1) << 32)

/* Draws for any index, in any order. */
typedef struct wh_key {
    uint64_t value;
} wh_key;

/* The draws of one index, one after another. */
typedef struct wh_rng {
    uint64_t state;
} wh_rng;

WH_INLINE uint64_t wh_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* The purpose is a text of that many bytes. */
static inline wh_key wh_key_named(uint64_t seed, uint64_t stream, const char *purpose, size_t length)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)purpose[i]) * UINT64_C(0x100000001B3);
    return (wh_key){wh_mix(wh_mix(wh_mix(seed + WH_GAMMA) + stream) ^ hash)};
}

static inline wh_key wh_key_new(uint64_t seed, uint64_t stream, const char *purpose)
{
    return wh_key_named(seed, stream, purpose, strlen(purpose));
}

/* For what one stream alone sees. */
static inline wh_key wh_key_of_stream(uint64_t seed, uint32_t stream, const char *purpose)
{
    return wh_key_new(seed, stream, purpose);
}

/* For what all streams, and all generators under the same seed, see alike. */
static inline wh_key wh_key_of_all(uint64_t seed, const char *purpose)
{
    return wh_key_new(seed, WH_ALL_STREAMS, purpose);
}

/* One number for index `i`: as good as a draw, at half its cost, and not among those draws. */
WH_INLINE uint64_t wh_hash(wh_key key, uint64_t i)
{
    return wh_mix(key.value ^ i * WH_GAMMA);
}

/* The draws of index `i`. */
WH_INLINE wh_rng wh_at(wh_key key, uint64_t i)
{
    return (wh_rng){wh_hash(key, i)};
}

/* The next 64 random bits. */
WH_INLINE uint64_t wh_next(wh_rng *rng)
{
    rng->state += WH_GAMMA;
    return wh_mix(rng->state);
}

/* A number in 0..n from one draw; 0 when `n` is 0. */
WH_INLINE uint32_t wh_below(wh_rng *rng, uint32_t n)
{
    return (uint32_t)((wh_next(rng) >> 32) * n >> 32);
}

/* Whether something happens whose probability is `share` of 2^32. */
WH_INLINE bool wh_chance(wh_rng *rng, uint32_t share)
{
    return (uint32_t)(wh_next(rng) >> 32) < share;
}

#endif
