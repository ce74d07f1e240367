/* Settings by their paths. */

/* Goes along a path; `prefix` is gone along before each of its names. */
static bool wh_walk(wh_span *json, const char *path, const char *prefix)
{
    while (true) {
        size_t length = strcspn(path, ".");
        if (prefix && !wh_member(json, prefix, strlen(prefix)))
            return false;
        if (!wh_member(json, path, length))
            return false;
        if (!path[length])
            return true;
        path += length + 1;
    }
}

/* The value of a setting: what the configuration says, or else the schema's default. The host has
 * filled in the defaults already; a test need not. */
static bool wh_find(const wh_config *config, const char *path, wh_span *value)
{
    *value = (wh_span){config->text, config->text + config->length};
    if (wh_walk(value, path, NULL))
        return true;
    if (!config->schema)
        return false;
    *value = (wh_span){config->schema, config->schema + strlen(config->schema)};
    return wh_walk(value, path, "properties") && wh_member(value, "default", 7);
}

static bool wh_setting(const wh_config *config, const char *path, wh_span *value)
{
    if (wh_find(config, path, value))
        return true;
    return wh_invalid("`%s` is missing, and the schema has no default for it", path);
}

static bool wh_not(const char *path, const char *what)
{
    return wh_invalid("`%s` is not %s", path, what);
}

/* Sign, digits and power of ten of a number; false where the value is none. */
static bool wh_parse_number(wh_span *json, bool *negative, uint64_t *digits, int *power)
{
    *negative = json->at < json->end && *json->at == '-';
    if (*negative)
        json->at++;
    if (!wh_is_digit(json))
        return false;
    *digits = 0;
    *power = 0;
    bool fraction = false;
    for (; wh_is_digit(json) || (json->at < json->end && *json->at == '.'); json->at++) {
        uint64_t digit = (uint64_t)(*json->at - '0');
        if (*json->at == '.') {
            fraction = true;
        } else if (*digits <= (UINT64_MAX - digit) / 10) {
            *digits = *digits * 10 + digit;
            *power -= fraction;
        } else {
            /* More digits than decide anything but whether a whole number fits. */
            *power += !fraction;
        }
    }
    if (json->at < json->end && (*json->at == 'e' || *json->at == 'E')) {
        json->at++;
        bool minus = *json->at == '-';
        json->at += *json->at == '-' || *json->at == '+';
        int exponent = 0;
        for (; wh_is_digit(json); json->at++)
            exponent = exponent < 10000 ? exponent * 10 + (*json->at - '0') : exponent;
        *power += minus ? -exponent : exponent;
    }
    return true;
}

/* A whole number's sign and magnitude; `2.0` and `1e3` are whole. */
static bool wh_whole(const wh_config *config, const char *path, bool *negative, uint64_t *value)
{
    wh_span json;
    int power;
    if (!wh_setting(config, path, &json))
        return false;
    if (!wh_parse_number(&json, negative, value, &power))
        return wh_not(path, "a number");
    for (; power < 0 && *value % 10 == 0 && *value; power++)
        *value /= 10;
    if (power < 0 && *value)
        return wh_not(path, "a whole number");
    for (; power > 0 && *value; power--) {
        if (*value > UINT64_MAX / 10)
            return wh_not(path, "a number of 64 bits");
        *value *= 10;
    }
    return true;
}

uint64_t wh_config_u64(const wh_config *config, const char *path)
{
    bool negative;
    uint64_t value;
    if (!wh_whole(config, path, &negative, &value))
        return 0;
    if (negative && value)
        return wh_not(path, "a number from 0 on");
    return value;
}

uint32_t wh_config_u32(const wh_config *config, const char *path)
{
    uint64_t value = wh_config_u64(config, path);
    if (value > UINT32_MAX)
        return wh_not(path, "a number of 32 bits");
    return (uint32_t)value;
}

int64_t wh_config_i64(const wh_config *config, const char *path)
{
    bool negative;
    uint64_t value;
    if (!wh_whole(config, path, &negative, &value))
        return 0;
    if (value > (uint64_t)INT64_MAX + negative)
        return wh_not(path, "a number of 64 bits with a sign");
    return (int64_t)(negative ? 0 - value : value);
}

double wh_config_double(const wh_config *config, const char *path)
{
    wh_span json;
    bool negative;
    uint64_t digits;
    int power;
    if (!wh_setting(config, path, &json))
        return 0;
    if (!wh_parse_number(&json, &negative, &digits, &power))
        return wh_not(path, "a number");
    double value = wh_decimal(digits, power);
    return negative ? -value : value;
}

bool wh_config_bool(const wh_config *config, const char *path)
{
    wh_span json;
    if (!wh_setting(config, path, &json))
        return false;
    if (*json.at != 't' && *json.at != 'f')
        return wh_not(path, "true or false");
    return *json.at == 't';
}

const char *wh_config_string(const wh_config *config, const char *path)
{
    wh_span json;
    if (!wh_setting(config, path, &json))
        return "";
    if (!wh_next_is(&json, '"')) {
        wh_not(path, "text");
        return "";
    }
    wh_span rest = json;
    ptrdiff_t length = wh_read_string(&rest, NULL);
    char *text = malloc((size_t)length + 1);
    if (!text)
        wh_die("out of memory: a setting's text can't be kept");
    wh_read_string(&json, text);
    text[length] = 0;
    if (memchr(text, 0, (size_t)length))
        wh_not(path, "text without zero bytes");
    return text;
}

bool wh_config_has(const wh_config *config, const char *path)
{
    wh_span json;
    return wh_find(config, path, &json) && *json.at != 'n';
}

size_t wh_config_count(const wh_config *config, const char *path)
{
    wh_span json;
    size_t count = 0;
    if (!wh_find(config, path, &json) || !wh_next_is(&json, '[') || wh_next_is(&json, ']'))
        return 0;
    do {
        count++;
        wh_skip_value(&json, 0);
    } while (wh_next_is(&json, ','));
    return count;
}
