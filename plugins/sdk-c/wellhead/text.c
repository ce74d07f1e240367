/* Buffers and strings: what the writer does out of line. */
#include "escape.h"

#define WH_SMALLEST_BUFFER 256

uint8_t *wh_grown(wh_buffer *buffer, uint8_t *at, size_t more)
{
    size_t used = buffer->data ? (size_t)(at - buffer->data) : 0;
    size_t capacity = buffer->capacity * 2;
    if (capacity < used + more)
        capacity = used + more;
    if (capacity < WH_SMALLEST_BUFFER)
        capacity = WH_SMALLEST_BUFFER;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data)
        wh_die("out of memory: a batch's buffer can't grow");
    buffer->data = data;
    buffer->capacity = capacity;
    return data + used;
}

static wh_writer wh_writer_of(wh_buffer *buffer)
{
    return (wh_writer){buffer->data, buffer->data + buffer->capacity, buffer};
}

static size_t wh_written(const wh_writer *writer)
{
    return writer->at ? (size_t)(writer->at - writer->buffer->data) : 0;
}

/* How many bytes the character of UTF-8 at `text` has; 0 where there is none. */
static size_t wh_character(const uint8_t *text, size_t length)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text[0];
    size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (n < 2)
        return n;
    if (first > 0xf4 || length < n)
        return 0;
    uint32_t code = first & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < least[n] || code > 0x10ffff || surrogate ? 0 : n;
}

/* The name of the field that is being written at `at`, for a message. */
static wh_text wh_field_at(const wh_buffer *buffer, const uint8_t *at, char *space, size_t size)
{
    wh_text name = {space, 0, size};
    space[0] = 0;
    const uint8_t *end = at, *start = buffer->data;
    if (!start || end - start < 3 || end[-1] != ':' || end[-2] != '"')
        return name;
    end -= 2;
    const uint8_t *begin = end;
    while (begin > start && begin[-1] != '"')
        begin--;
    wh_text_add(&name, "`", 1);
    wh_text_add(&name, (const char *)begin, (size_t)(end - begin));
    wh_text_add(&name, "`", 1);
    return name;
}

/* "`speed`", or "a value" where no name stands before it. */
static const char *wh_where(const wh_buffer *buffer, const uint8_t *at)
{
    static char space[80];
    return wh_field_at(buffer, at, space, sizeof space).length ? space : "a value";
}

uint8_t *wh_put_string(wh_buffer *buffer, uint8_t *at, const char *text, size_t length)
{
    wh_writer w = {at, buffer->data + buffer->capacity, buffer};
    const uint8_t *from = (const uint8_t *)text;
    size_t i = 0;
    wh_room(&w, 6 * length + 2);
    at = w.at;
    *at++ = '"';
    while (i < length) {
        uint64_t eight;
        if (length - i >= 8 && (memcpy(&eight, from + i, 8), !wh_special(eight))) {
            memcpy(at, &eight, 8);
            at += 8;
            i += 8;
            continue;
        }
        size_t n = wh_character(from + i, length - i);
        if (!n) {
            const char *where = wh_where(buffer, w.at);
            wh_fail("%s is not UTF-8: byte 0x%x at offset %llu of a text of %llu bytes; convert it, "
                    "or write it as hexadecimal digits", where, from[i], (unsigned long long)i,
                    (unsigned long long)length);
            return w.at;
        }
        if (wh_to_escape(from[i])) {
            at = wh_escape(at, from[i]);
        } else {
            memcpy(at, from + i, n);
            at += n;
        }
        i += n;
    }
    *at++ = '"';
    return at;
}

static bool wh_makes_json(void)
{
    return !wh_plugin.content_type || !strcmp(wh_plugin.content_type, "application/json");
}

/* Whether raw bytes may stand in a record of JSON; says what is wrong otherwise. */
static bool wh_fit_for_json(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0, n; i < length; i += n) {
        n = wh_character(bytes + i, length - i);
        if (!n)
            return wh_fail("the raw text is not UTF-8: byte 0x%x at offset %llu", bytes[i],
                           (unsigned long long)i);
        if (bytes[i] == '\n')
            return wh_fail("the raw text has a line feed at offset %llu, and a record of JSON is "
                           "one line: write text with wh_string, or say another content_type",
                           (unsigned long long)i);
    }
    return true;
}

uint8_t *wh_put_raw(wh_buffer *buffer, uint8_t *at, const void *bytes, size_t length)
{
    wh_writer w = {at, buffer->data + buffer->capacity, buffer};
    if (wh_makes_json() && !wh_fit_for_json(bytes, length))
        return at;
    wh_copy(&w, bytes, length);
    return w.at;
}
