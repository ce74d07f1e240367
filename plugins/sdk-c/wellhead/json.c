/* A strict reader of JSON: texts are checked as a whole first, and then only walked through. */

#define WH_DEPTH 64

typedef struct wh_span {
    const char *at, *end;
} wh_span;

static void wh_spaces(wh_span *json)
{
    while (json->at < json->end && strchr(" \t\r\n", *json->at) && *json->at)
        json->at++;
}

static bool wh_next_is(wh_span *json, char byte)
{
    wh_spaces(json);
    if (json->at == json->end || *json->at != byte)
        return false;
    json->at++;
    return true;
}

static bool wh_is_digit(const wh_span *json)
{
    return json->at < json->end && *json->at >= '0' && *json->at <= '9';
}

static bool wh_skip_digits(wh_span *json)
{
    bool some = wh_is_digit(json);
    while (wh_is_digit(json))
        json->at++;
    return some;
}

static bool wh_skip_number(wh_span *json)
{
    if (json->at < json->end && *json->at == '-')
        json->at++;
    if (json->at < json->end && *json->at == '0')
        json->at++;
    else if (!wh_skip_digits(json))
        return false;
    if (json->at < json->end && *json->at == '.') {
        json->at++;
        if (!wh_skip_digits(json))
            return false;
    }
    if (json->at < json->end && (*json->at == 'e' || *json->at == 'E')) {
        json->at++;
        if (json->at < json->end && (*json->at == '+' || *json->at == '-'))
            json->at++;
        return wh_skip_digits(json);
    }
    return true;
}

static int wh_hex(char byte)
{
    const char *digits = "0123456789abcdef";
    const char *found = byte ? strchr(digits, byte >= 'A' && byte <= 'F' ? byte + 32 : byte) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Four hexadecimal digits; -1 where there aren't. */
static int32_t wh_unit(wh_span *json)
{
    int32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = json->at < json->end ? wh_hex(*json->at) : -1;
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
        json->at++;
    }
    return unit;
}

/* The character of `\u…`, whose surrogates come in pairs. */
static int32_t wh_code(wh_span *json)
{
    int32_t high = wh_unit(json);
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || json->end - json->at < 6 || memcmp(json->at, "\\u", 2))
        return -1;
    json->at += 2;
    int32_t low = wh_unit(json);
    return low < 0xdc00 || low > 0xdfff ? -1 : 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t wh_encode(char *to, int32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)((0xf00 >> n & 0xff) | code);
    return n;
}

/* One character of a string, escaped or not, in UTF-8; 0 where it is wrong. */
static size_t wh_string_character(wh_span *json, char to[4])
{
    if (*json->at != '\\') {
        size_t n = wh_character((const uint8_t *)json->at, (size_t)(json->end - json->at));
        if ((uint8_t)*json->at < 0x20)
            return 0;
        memcpy(to, json->at, n);
        json->at += n;
        return n;
    }
    if (json->end - json->at < 2)
        return 0;
    char kind = json->at[1];
    json->at += 2;
    if (kind == 'u') {
        int32_t code = wh_code(json);
        return code < 0 ? 0 : wh_encode(to, code);
    }
    const char *from = "\"\\/bfnrt", *into = "\"\\/\b\f\n\r\t";
    const char *found = kind ? strchr(from, kind) : NULL;
    if (!found)
        return 0;
    to[0] = into[found - from];
    return 1;
}

/* A string whose opening quote has been passed. Decodes it into `to` where that isn't NULL, which
 * needs no more bytes than the text has. Gives the length, or -1. */
static ptrdiff_t wh_read_string(wh_span *json, char *to)
{
    ptrdiff_t length = 0;
    while (json->at < json->end && *json->at != '"') {
        char character[4];
        size_t n = wh_string_character(json, character);
        if (!n)
            return -1;
        if (to)
            memcpy(to + length, character, n);
        length += (ptrdiff_t)n;
    }
    if (json->at == json->end)
        return -1;
    json->at++;
    return length;
}

static bool wh_skip_value(wh_span *json, unsigned depth);

/* What is between brackets, after the opening one. */
static bool wh_skip_members(wh_span *json, bool object, unsigned depth)
{
    char close = object ? '}' : ']';
    if (wh_next_is(json, close))
        return true;
    do {
        if (object && (!wh_next_is(json, '"') || wh_read_string(json, NULL) < 0 ||
                       !wh_next_is(json, ':')))
            return false;
        if (!wh_skip_value(json, depth + 1))
            return false;
    } while (wh_next_is(json, ','));
    return wh_next_is(json, close);
}

static bool wh_skip_word(wh_span *json, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(json->end - json->at) < length || memcmp(json->at, word, length))
        return false;
    json->at += length;
    return true;
}

static bool wh_skip_value(wh_span *json, unsigned depth)
{
    if (depth > WH_DEPTH)
        return false;
    if (wh_next_is(json, '{'))
        return wh_skip_members(json, true, depth);
    if (wh_next_is(json, '['))
        return wh_skip_members(json, false, depth);
    if (wh_next_is(json, '"'))
        return wh_read_string(json, NULL) >= 0;
    if (json->at == json->end)
        return false;
    switch (*json->at) {
    case 't': return wh_skip_word(json, "true");
    case 'f': return wh_skip_word(json, "false");
    case 'n': return wh_skip_word(json, "null");
    default: return wh_skip_number(json);
    }
}

/* Whether a configuration is an object of JSON; says where it isn't. */
static bool wh_json_check(const char *text, size_t length)
{
    wh_span json = {text, text + length};
    wh_spaces(&json);
    bool object = json.at < json.end && *json.at == '{';
    bool whole = wh_skip_value(&json, 0);
    size_t at = (size_t)(json.at - text);
    wh_spaces(&json);
    if (whole && json.at == json.end)
        return object || wh_invalid("the configuration is no JSON object");
    return wh_invalid("the configuration is no JSON, from byte %llu on", (unsigned long long)at);
}

/* The member of a value by its name, or by its number where the value is an array. The texts have
 * been checked. */
static bool wh_member(wh_span *json, const char *name, size_t length)
{
    bool object = wh_next_is(json, '{');
    if (!object && !wh_next_is(json, '['))
        return false;
    uint64_t wanted = 0, index = 0;
    for (size_t i = 0; i < length; i++) {
        if (!object && (name[i] < '0' || name[i] > '9'))
            return false;
        wanted = wanted * 10 + (uint64_t)(name[i] - '0');
    }
    if (wh_next_is(json, object ? '}' : ']'))
        return false;
    do {
        bool same = index++ == wanted;
        if (object) {
            wh_next_is(json, '"');
            wh_span key = *json;
            ptrdiff_t bytes = wh_read_string(json, NULL);
            char *decoded = bytes == (ptrdiff_t)length ? malloc(length + 1) : NULL;
            same = decoded && (wh_read_string(&key, decoded), !memcmp(decoded, name, length));
            free(decoded);
            wh_next_is(json, ':');
        }
        wh_spaces(json);
        if (same)
            return true;
        if (!wh_skip_value(json, 0))
            return false;
    } while (wh_next_is(json, ','));
    return false;
}
