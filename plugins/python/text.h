/* Bytes that are written one after another; where there is no memory for more, that is an exception of Python's. */
#ifndef WELLHEAD_TEXT_H
#define WELLHEAD_TEXT_H

#include "../sdk-c/wellhead/escape.h"
#include "../sdk-c/wellhead/writer.h"
#include "python.h"

typedef struct text {
    uint8_t *data;
    size_t length, capacity;
} text;

/* A string is first given as much room as it takes if all of it has to be escaped, up to this length. */
#define SHORT 4096
/* Twice a full batch: a buffer that was longer isn't kept. */
#define LARGE (4 << 20)

/* The writer's own growth isn't reached: what is written here has its room before. */
uint8_t *wh_grown(wh_buffer *buffer, uint8_t *at, size_t more)
{
    (void)buffer, (void)at, (void)more;
    __builtin_trap();
}

static __attribute__((noinline)) uint8_t *text_grown(text *text, size_t more)
{
    size_t least = text->length + more + 1, capacity = text->capacity * 2 < least ? least : text->capacity * 2;
    capacity = capacity < 256 ? 256 : capacity;
    uint8_t *data = more > PTRDIFF_MAX - text->length - 1 ? NULL : PyMem_Realloc(text->data, capacity);
    if (!data) {
        PyErr_NoMemory();
        return NULL;
    }
    text->data = data;
    text->capacity = capacity;
    return data + text->length;
}

/* Where the next `more` bytes go, and one more, so that there is a place for none; NULL: there is no memory. */
static inline uint8_t *text_room(text *text, size_t more)
{
    if (WH_LIKELY(text->capacity - text->length > more))
        return text->data + text->length;
    return text_grown(text, more);
}

/* Begins anew, and gives memory back that only something unusual took. */
static void text_clear(text *text)
{
    text->length = 0;
    if (text->capacity > LARGE) {
        PyMem_Free(text->data);
        text->data = NULL;
        text->capacity = 0;
    }
}

static inline bool text_add(text *text, const void *bytes, size_t length)
{
    uint8_t *at = text_room(text, length);
    if (!at)
        return false;
    memcpy(at, bytes, length);
    text->length += length;
    return true;
}

static inline bool text_byte(text *text, char byte)
{
    return text_add(text, &byte, 1);
}

/* A writer of numbers and times, none of which is longer. */
#define NUMBER 64
static inline bool text_open(text *text, wh_writer *writer)
{
    uint8_t *at = text_room(text, NUMBER);
    *writer = (wh_writer){at, at + NUMBER, NULL};
    return at != NULL;
}

static inline void text_close(text *text, const wh_writer *writer)
{
    text->length = (size_t)(writer->at - text->data);
}

/* UTF-8 as a string of JSON. */
static bool text_string(text *text, const char *from, size_t length)
{
    size_t room = 6 * length + 2;
    if (length > SHORT) {
        room = length + 2;
        for (size_t i = 0; i < length; i++)
            room += wh_to_escape((uint8_t)from[i]) ? 5 : 0;
    }
    uint8_t *at = text_room(text, room);
    if (!at)
        return false;
    *at++ = '"';
    for (size_t i = 0; i < length;) {
        uint64_t eight;
        if (length - i >= 8 && (memcpy(&eight, from + i, 8), !wh_special(eight))) {
            memcpy(at, &eight, 8);
            at += 8;
            i += 8;
        } else if (wh_to_escape((uint8_t)from[i])) {
            at = wh_escape(at, (uint8_t)from[i++]);
        } else {
            *at++ = (uint8_t)from[i++];
        }
    }
    *at++ = '"';
    text->length = (size_t)(at - text->data);
    return true;
}

#endif
