/* The writer: a cursor over a growing buffer.
 *
 * The functions are inlined, and only what is rare goes out of line, by value: so that a writer
 * whose address is taken nowhere else lives in registers. */
#ifndef WELLHEAD_WRITER_H
#define WELLHEAD_WRITER_H

#include "base.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct wh_buffer {
    uint8_t *data;
    size_t capacity;
} wh_buffer;

typedef struct wh_writer {
    uint8_t *at;
    uint8_t *end;
    wh_buffer *buffer;
} wh_writer;

/* JSON, piece by piece:
 *
 *     wh_object(w, "id");      wh_u64(w, id);         {"id":7
 *     wh_field(w, "place");    wh_object(w, "lat");   ,"place":{"lat":
 *     wh_fixed(w, 5, lat);     wh_end(w);             48.85661}
 *     wh_field(w, "name");     wh_string(w, name);    ,"name":"Mia"
 *     wh_end(w);                                      }
 *
 * Names are constants of the compiler, and stand in the record as they are. */
#define wh_object(w, name) wh_literal(w, "{\"" name "\":")
#define wh_field(w, name) wh_literal(w, ",\"" name "\":")
#define wh_end(w) wh_byte(w, '}')

/* Text known to the compiler, as it is. */
#define wh_literal(w, text) wh_copy(w, "" text, sizeof(text) - 1)

/* Out of line. */
uint8_t *wh_grown(wh_buffer *buffer, uint8_t *at, size_t more);
uint8_t *wh_put_string(wh_buffer *buffer, uint8_t *at, const char *text, size_t length);
uint8_t *wh_put_raw(wh_buffer *buffer, uint8_t *at, const void *bytes, size_t length);
uint8_t *wh_put_double(wh_buffer *buffer, uint8_t *at, double value);
void wh_clock_set(uint64_t second);

/* The text of the second that was asked for last: `2024-01-01T00:00:00.`. */
struct wh_clock {
    uint64_t second;
    uint8_t text[24]; /* 20, and room for the zero byte that ends a literal */
};
extern struct wh_clock wh_clock;

/* Room for `n` bytes. */
WH_INLINE void wh_room(wh_writer *w, size_t n)
{
    if (WH_UNLIKELY((size_t)(w->end - w->at) < n)) {
        w->at = wh_grown(w->buffer, w->at, n);
        w->end = w->buffer->data + w->buffer->capacity;
    }
}

/* Takes a position that a function out of line gave. */
WH_INLINE void wh_resume(wh_writer *w, uint8_t *at)
{
    w->at = at;
    w->end = w->buffer->data + w->buffer->capacity;
}

WH_INLINE void wh_copy(wh_writer *w, const void *bytes, size_t n)
{
    wh_room(w, n);
    __builtin_memcpy(w->at, bytes, n);
    w->at += n;
}

WH_INLINE void wh_byte(wh_writer *w, char byte)
{
    wh_room(w, 1);
    *w->at++ = (uint8_t)byte;
}

WH_INLINE void wh_quote(wh_writer *w)
{
    wh_byte(w, '"');
}

/* A JSON string with its quotes, escaped where it needs to be. What isn't UTF-8 is an error. */
WH_INLINE void wh_string_n(wh_writer *w, const char *text, size_t length)
{
    wh_resume(w, wh_put_string(w->buffer, w->at, text, length));
}

WH_INLINE void wh_string(wh_writer *w, const char *text)
{
    wh_string_n(w, text, strlen(text));
}

/* Bytes as they are: a record that isn't JSON, or was JSON before. In a generator of JSON a line
 * feed among them, or what isn't UTF-8, is an error. */
WH_INLINE void wh_raw(wh_writer *w, const void *bytes, size_t length)
{
    wh_resume(w, wh_put_raw(w->buffer, w->at, bytes, length));
}

WH_INLINE void wh_null(wh_writer *w)
{
    wh_literal(w, "null");
}

WH_INLINE void wh_bool(wh_writer *w, bool value)
{
    if (value)
        wh_literal(w, "true");
    else
        wh_literal(w, "false");
}

/* The shortest digits that read back as the same number. Slow beside wh_fixed; NaN and infinity,
 * for which JSON has nothing, are errors. */
WH_INLINE void wh_double(wh_writer *w, double value)
{
    wh_resume(w, wh_put_double(w->buffer, w->at, value));
}

static const char wh_pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293"
    "949596979899";

/* Exactly `n` digits at `at`. */
WH_INLINE void wh_digits_at(uint8_t *at, uint32_t value, unsigned n)
{
    while (n >= 2) {
        n -= 2;
        __builtin_memcpy(at + n, wh_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (n)
        *at = (uint8_t)('0' + value % 10);
}

WH_INLINE unsigned wh_digit_count(uint32_t value)
{
    static const uint32_t powers[] = {0,      10,      100,      1000,      10000,
                                      100000, 1000000, 10000000, 100000000, 1000000000};
    unsigned guess = (unsigned)(32 - __builtin_clz(value | 1)) * 1233 >> 12;
    return guess + (value >= powers[guess]);
}

WH_INLINE void wh_u32(wh_writer *w, uint32_t value)
{
    unsigned n = wh_digit_count(value);
    wh_room(w, 10);
    uint8_t *at = w->at + n;
    w->at = at;
    while (value >= 100) {
        at -= 2;
        __builtin_memcpy(at, wh_pairs + value % 100 * 2, 2);
        value /= 100;
    }
    if (value >= 10)
        __builtin_memcpy(at - 2, wh_pairs + value * 2, 2);
    else
        at[-1] = (uint8_t)('0' + value);
}

/* Exactly `n` digits, with leading zeros; at most 9. */
WH_INLINE void wh_digits(wh_writer *w, uint32_t value, unsigned n)
{
    wh_room(w, n);
    wh_digits_at(w->at, value, n);
    w->at += n;
}

WH_INLINE void wh_u64(wh_writer *w, uint64_t value)
{
    const uint64_t billion = 1000000000;
    if (value < billion) {
        wh_u32(w, (uint32_t)value);
    } else if (value < billion * billion) {
        wh_u32(w, (uint32_t)(value / billion));
        wh_digits(w, (uint32_t)(value % billion), 9);
    } else {
        wh_u32(w, (uint32_t)(value / billion / billion));
        wh_digits(w, (uint32_t)(value / billion % billion), 9);
        wh_digits(w, (uint32_t)(value % billion), 9);
    }
}

WH_INLINE void wh_i64(wh_writer *w, int64_t value)
{
    if (value < 0)
        wh_byte(w, '-');
    wh_u64(w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* A number in units of 10^-decimals (1 to 9), always with that many: wh_fixed(w, 2, -5) is -0.05. */
WH_INLINE void wh_fixed(wh_writer *w, unsigned decimals, int64_t value)
{
    uint64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    if (value < 0)
        wh_byte(w, '-');
    wh_u64(w, magnitude / unit);
    wh_room(w, decimals + 1);
    *w->at = '.';
    wh_digits_at(w->at + 1, (uint32_t)(magnitude % unit), decimals);
    w->at += decimals + 1;
}

/* Event time as RFC 3339 in UTC with microseconds, 27 characters without quotes. The text up to
 * the second is kept until the second changes. */
WH_INLINE void wh_time_text(wh_writer *w, uint64_t nanoseconds)
{
    uint64_t second = nanoseconds / 1000000000;
    if (WH_UNLIKELY(second != wh_clock.second))
        wh_clock_set(second);
    wh_room(w, 27);
    __builtin_memcpy(w->at, wh_clock.text, 20);
    wh_digits_at(w->at + 20, (uint32_t)(nanoseconds % 1000000000 / 1000), 6);
    w->at[26] = 'Z';
    w->at += 27;
}

/* The same as a JSON string. */
WH_INLINE void wh_time(wh_writer *w, uint64_t nanoseconds)
{
    wh_quote(w);
    wh_time_text(w, nanoseconds);
    wh_quote(w);
}

/* The 36 characters of a version 4 UUID made of two random numbers, without quotes. */
WH_INLINE void wh_uuid_text(wh_writer *w, uint64_t high, uint64_t low)
{
    high = (high & ~UINT64_C(0xf000)) | 0x4000;
    low = (low & ~(UINT64_C(0xc000) << 48)) | UINT64_C(0x8000) << 48;
    wh_room(w, 36);
    for (unsigned i = 0; i < 32; i++) {
        uint64_t half = i < 16 ? high : low;
        unsigned place = i + (i >= 8) + (i >= 12) + (i >= 16) + (i >= 20);
        w->at[place] = (uint8_t)"0123456789abcdef"[half >> (60 - i % 16 * 4) & 15];
    }
    w->at[8] = w->at[13] = w->at[18] = w->at[23] = '-';
    w->at += 36;
}

#endif
