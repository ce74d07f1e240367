/* Messages: a small printf, errors, and the log. */
#include <stdarg.h>

void wh_host_log(wh_level level, const char *text, size_t length);

#define WH_MESSAGE 1024

typedef enum wh_failure { WH_OK, WH_FAILED, WH_INVALID } wh_failure;

static wh_failure wh_failing;
static char wh_message[WH_MESSAGE];

typedef struct wh_text {
    char *data;
    size_t length, capacity;
} wh_text;

/* What doesn't fit is cut off. */
static void wh_text_add(wh_text *text, const char *from, size_t length)
{
    size_t left = text->capacity - 1 - text->length;
    if (length > left) {
        length = left;
        /* Never within a character of UTF-8. */
        while (length && ((uint8_t)from[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(text->data + text->length, from, length);
    text->length += length;
    text->data[text->length] = 0;
}

static void wh_text_number(wh_text *text, uint64_t value, bool negative, unsigned base)
{
    char digits[21];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative)
        digits[--at] = '-';
    wh_text_add(text, digits + at, sizeof digits - at);
}

/* One conversion, after its `%`; gives how many characters it has. */
static size_t wh_text_conversion(wh_text *text, const char *format, va_list *arguments)
{
    size_t longs = 0;
    while (format[longs] == 'l')
        longs++;
    char kind = format[longs];
    if (kind == 's') {
        const char *string = va_arg(*arguments, const char *);
        string = string ? string : "(null)";
        wh_text_add(text, string, strlen(string));
    } else if (kind == 'c') {
        char byte = (char)va_arg(*arguments, int);
        wh_text_add(text, &byte, 1);
    } else if (kind == 'd' || kind == 'i') {
        long long value = longs > 1   ? va_arg(*arguments, long long)
                          : longs > 0 ? va_arg(*arguments, long)
                                      : va_arg(*arguments, int);
        uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        wh_text_number(text, magnitude, value < 0, 10);
    } else if (kind == 'u' || kind == 'x') {
        uint64_t value = longs > 1   ? va_arg(*arguments, unsigned long long)
                         : longs > 0 ? va_arg(*arguments, unsigned long)
                                     : va_arg(*arguments, unsigned);
        wh_text_number(text, value, false, kind == 'x' ? 16 : 10);
    } else {
        wh_text_add(text, format + longs, kind != 0);
    }
    return longs + (kind != 0);
}

static size_t wh_format(char *to, size_t capacity, const char *format, va_list arguments)
{
    wh_text text = {to, 0, capacity};
    va_list copy;
    va_copy(copy, arguments);
    to[0] = 0;
    while (*format) {
        size_t plain = strcspn(format, "%");
        wh_text_add(&text, format, plain);
        format += plain;
        if (*format)
            format += 1 + wh_text_conversion(&text, format + 1, &copy);
    }
    va_end(copy);
    return text.length;
}

/* Keeps the first error: what follows from it would hide it. */
static bool wh_set_error(wh_failure failure, const char *format, va_list arguments)
{
    if (wh_failing == WH_OK) {
        wh_failing = failure;
        wh_format(wh_message, sizeof wh_message, format, arguments);
    }
    return false;
}

bool wh_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    wh_set_error(WH_FAILED, format, arguments);
    va_end(arguments);
    return false;
}

bool wh_invalid(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    wh_set_error(WH_INVALID, format, arguments);
    va_end(arguments);
    return false;
}

const char *wh_error(void)
{
    return wh_message;
}

void wh_log(wh_level level, const char *format, ...)
{
    char text[WH_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    size_t length = wh_format(text, sizeof text, format, arguments);
    va_end(arguments);
    wh_host_log(level, text, length);
}

/* For what can't be an error, since nobody is there to hear of it: logs, and ends in a trap. */
__attribute__((noreturn)) static void wh_die(const char *why)
{
    wh_host_log(WH_ERROR, why, strlen(why));
    __builtin_trap();
}
