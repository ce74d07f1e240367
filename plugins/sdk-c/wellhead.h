/*
 * The SDK for wellhead generators in C.
 *
 * A generator is one `const wh_generator wh_plugin` and the functions that it names; see below.
 * One file of the project, and no other, has this before it includes this one:
 *
 *     #define WELLHEAD_IMPLEMENTATION
 *     #include <wellhead.h>
 *
 * The SDK's code is then compiled into it: together with `record`, so that a record is one
 * straight run of stores. The same file compiles natively, for tests: see wellhead/stream.h.
 */
#ifndef WELLHEAD_H
#define WELLHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wellhead/base.h"
#include "wellhead/random.h"
#include "wellhead/writer.h"

/* What a stream is opened with. */
typedef struct wh_settings {
    uint64_t seed;
    uint32_t stream_index; /* which stream this one is, from 0 */
    uint32_t stream_count; /* how many share the work */
} wh_settings;

/* Randomness for what this stream alone sees: its records. */
static inline wh_key wh_settings_key(const wh_settings *settings, const char *purpose)
{
    return wh_key_of_stream(settings->seed, settings->stream_index, purpose);
}

/* Randomness for what all streams and all generators of a scenario share: entities. */
static inline wh_key wh_settings_shared_key(const wh_settings *settings, const char *purpose)
{
    return wh_key_of_all(settings->seed, purpose);
}

/* How many of `total` entities belong to this stream: those whose number leaves the remainder
 * `stream_index` when divided by `stream_count`. */
static inline uint64_t wh_settings_share(const wh_settings *settings, uint64_t total)
{
    return (total + settings->stream_count - 1 - settings->stream_index) / settings->stream_count;
}

/* The instant of one record: its index in the stream, and event time in nanoseconds. */
typedef struct wh_tick {
    uint64_t index;
    uint64_t time;
} wh_tick;

static inline uint64_t wh_milliseconds(wh_tick tick)
{
    return tick.time / 1000000;
}

/* What a record does to its key, for sinks that keep a row or a value by key. */
typedef enum wh_operation { WH_APPEND = 0, WH_UPSERT = 1, WH_DELETE = 2 } wh_operation;

/* Where `record` writes: the record, and its key as text without quotes. Both start empty; an
 * empty record means that nothing happens at this tick, an empty key that there is none. */
typedef struct wh_out {
    wh_writer record;
    wh_writer key;
    uint32_t channel; /* by its index among the generator's channels; 0 unless set */
    wh_operation operation;
    bool end_of_stream; /* set: the stream ends before this tick */
} wh_out;

/* One kind of record: `[a-z][a-z0-9_]*`, and its JSON Schema as text. */
typedef struct wh_channel {
    const char *name;
    const char *schema;
} wh_channel;

typedef struct wh_label {
    const char *name;
    const char *value;
} wh_label;

/* JSON in the source without quotes around it: WH_JSON({ "type": "object" }). No line of it may
 * begin with `#`, and text in it stands in one line. */
#define WH_JSON(...) #__VA_ARGS__

/* The configuration, with the defaults of the schema where it says nothing. */
typedef struct wh_config {
    const char *text;
    size_t length;
    const char *schema;
} wh_config;

/* A setting by its path: "limit", "depot.latitude", "routes.0.name". What isn't there, or is of
 * another type or out of range, makes `open` fail with a sentence that says so. */
uint64_t wh_config_u64(const wh_config *config, const char *path);
uint32_t wh_config_u32(const wh_config *config, const char *path);
int64_t wh_config_i64(const wh_config *config, const char *path);
double wh_config_double(const wh_config *config, const char *path);
bool wh_config_bool(const wh_config *config, const char *path);
/* Text in UTF-8, ended by a zero byte, which nothing within it is. It stays; `free` it or not. */
const char *wh_config_string(const wh_config *config, const char *path);
/* Whether there is something other than null. */
bool wh_config_has(const wh_config *config, const char *path);
/* How many things an array has; 0 where there is none. */
size_t wh_config_count(const wh_config *config, const char *path);

/* A saved state. */
typedef struct wh_bytes {
    const uint8_t *data;
    size_t length;
} wh_bytes;

/* A generator. What is left out is 0 and means what the comment says. */
typedef struct wh_generator {
    const char *name;          /* `[a-z][a-z0-9-]*`, as users type it */
    const char *version;       /* semantic version */
    const char *summary;       /* one sentence for a listing */
    const char *content_type;  /* application/json */
    const wh_label *labels;    /* none; the last one has no name */
    const char *config_schema; /* {"type":"object"} */
    const wh_channel *channels; /* the last one has no name */
    /* Where channels depend on the configuration: the list, or NULL after wh_invalid. */
    const wh_channel *(*channels_for)(const wh_config *config);
    bool in_order; /* a record needs those before it; false: any may be asked for, in any order */
    size_t stream_size; /* bytes of what `open` fills: they are zero before */
    /* A stream at its first record, or where `state` was saved (NULL: at its first). The place
     * for what costs. */
    bool (*open)(void *stream, const wh_settings *settings, const wh_config *config,
                 const wh_bytes *state);
    /* The record of one tick. Declare it WH_RECORD. */
    bool (*record)(void *stream, wh_tick tick, wh_out *out);
    /* The state after the last record; NULL: there is none. */
    bool (*save)(void *stream, wh_writer *state);
    /* Frees what `open` allocated, also where it failed halfway; NULL: nothing. */
    void (*close)(void *stream);
} wh_generator;

/* The one of this project. */
extern const wh_generator wh_plugin;

/* `static WH_RECORD bool record(…)`: it becomes part of the loop over a batch, whose cursors then
 * stay in registers. */
#define WH_RECORD inline __attribute__((always_inline))

/* Both give false, so that `return wh_fail("…")` ends an `open`, `record` or `save` that can't go
 * on, and `return wh_invalid("…")` an `open` whose configuration makes no sense. The format has
 * %s %d %u %lld %llu %x %c %%. */
bool wh_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool wh_invalid(const char *format, ...) __attribute__((format(printf, 1, 2)));

typedef enum wh_level { WH_DEBUG = 0, WH_INFO = 1, WH_WARN = 2, WH_ERROR = 3 } wh_level;

/* A message for the host's log: what a person should know of, not each record. */
void wh_log(wh_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Read-only data that the emulation's spec names. */
bool wh_asset_size(const char *name, uint64_t *size); /* false: there is no such asset */
/* Up to `length` bytes from `offset`, a MiB at most; fewer at its end. Gives how many. */
size_t wh_asset_read(const char *name, uint64_t offset, void *to, size_t length);
/* The whole of it, to be freed; false: there is no such asset. */
bool wh_asset(const char *name, wh_bytes *bytes);

#include "wellhead/stream.h"

#ifdef WELLHEAD_IMPLEMENTATION
#include "wellhead/format.c"
#include "wellhead/text.c"
#include "wellhead/clock.c"
#include "wellhead/double.c"
#include "wellhead/json.c"
#include "wellhead/config.c"
#include "wellhead/asset.c"
#include "wellhead/stream.c"
#ifdef __wasm__
#include "wellhead/libc.c"
#include "wellhead/component.c"
#else
#include "wellhead/native.c"
#endif
#endif

#endif
