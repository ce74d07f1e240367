/* What has to be escaped in strings of JSON, and how. */
#ifndef WELLHEAD_ESCAPE_H
#define WELLHEAD_ESCAPE_H

#include "base.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Whether a byte of text isn't itself in a string of JSON. */
WH_INLINE bool wh_to_escape(uint8_t byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

/* What stands for it: six bytes at most. */
WH_INLINE uint8_t *wh_escape(uint8_t *at, uint8_t byte)
{
    static const char letters[] = "btn\0fr";
    *at++ = '\\';
    if (byte == '"' || byte == '\\') {
        *at++ = byte;
    } else if (byte >= 8 && byte <= 13 && letters[byte - 8]) {
        *at++ = (uint8_t)letters[byte - 8];
    } else {
        memcpy(at, "u00", 3);
        at[3] = (uint8_t)"0123456789abcdef"[byte >> 4];
        at[4] = (uint8_t)"0123456789abcdef"[byte & 15];
        at += 5;
    }
    return at;
}

/* Whether one of eight bytes is a control character, a quote, a backslash, or not ASCII. */
WH_INLINE bool wh_special(uint64_t bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t quotes = bytes ^ ones * '"', slashes = bytes ^ ones * '\\';
    uint64_t found = bytes | (bytes - ones * 0x20) | (quotes - ones) | (slashes - ones);
    return (found & ones * 0x80) != 0;
}

#endif
