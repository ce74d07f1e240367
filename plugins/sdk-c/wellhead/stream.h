/* A stream of this project's generator: what the component is made of, and what a test uses.
 *
 *     #include "generator.c"                      // test.c: cc @compile_flags.txt test.c
 *     wh_stream *stream = wh_stream_open("{}", &(wh_settings){.stream_count = 1}, NULL);
 *     const wh_batch *batch = wh_stream_generate(stream, 0, times, 100);
 */
#ifndef WELLHEAD_STREAM_H
#define WELLHEAD_STREAM_H

/* Records side by side; see the contract's `batch`. It belongs to the stream, until its next. */
typedef struct wh_batch {
    wh_buffer payload, ends, keys, key_ends, channels, operations;
    size_t records;         /* how many there are */
    size_t payload_length;  /* bytes */
    size_t key_length;      /* bytes; 0: no record has a key */
    bool has_channels;      /* some record is on another channel than 0 */
    bool has_operations;    /* some record does something other than append */
} wh_batch;

typedef struct wh_stream wh_stream;

/* NULL where it can't be opened; then wh_error says why. The configuration is an object of JSON. */
wh_stream *wh_stream_open(const char *config, const wh_settings *settings, const wh_bytes *state);
/* Records `first`, `first + 1`, …, one for each of `times`; fewer where the batch is full, a
 * record fails or the stream ends. NULL where `first` itself fails. */
const wh_batch *wh_stream_generate(wh_stream *stream, uint64_t first, const uint64_t *times,
                                   size_t count);
/* The saved state, which belongs to the stream until it is saved again. 1: there is one; 0: there
 * is none; -1: it failed. */
int wh_stream_save(wh_stream *stream, wh_bytes *state);
void wh_stream_close(wh_stream *stream);

/* Record `i` of a batch, and its key; their ends are not marked by a zero byte. */
wh_bytes wh_batch_record(const wh_batch *batch, size_t i);
wh_bytes wh_batch_key(const wh_batch *batch, size_t i);

/* Why the last call failed. */
const char *wh_error(void);

#ifndef __wasm__
/* Lays out an asset for a test; the bytes are not copied. */
void wh_test_asset(const char *name, const void *data, size_t length);
#endif

#endif
