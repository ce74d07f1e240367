/* Tests of the SDK, natively: cc -std=c11 -I. test.c -o test && ./test ../vectors.json */
#undef NDEBUG
#define WELLHEAD_IMPLEMENTATION
#include "wellhead.h"

#include <assert.h>
#include <stdio.h>

static const char SCHEMA[] = WH_JSON({
    "type": "object",
    "properties": {
        "rate": { "type": "number", "default": 0.25 },
        "depot": { "type": "object", "properties": { "name": { "type": "string", "default": "Nord" } } }
    }
});
static const wh_channel CHANNELS[] = {{"a", "{}"}, {"b", "{}"}, {NULL, NULL}};

/* What the next records are to do. */
static struct {
    uint64_t fails_at, ends_at;
    size_t padding;
} plan;

static WH_RECORD bool record(void *stream, wh_tick tick, wh_out *out)
{
    (void)stream;
    if (tick.index == plan.ends_at)
        out->end_of_stream = true;
    wh_object(&out->record, "i");
    wh_u64(&out->record, tick.index);
    if (tick.index == plan.fails_at)
        return wh_fail("not %u", 7);
    wh_field(&out->record, "x");
    wh_quote(&out->record);
    for (size_t i = 0; i < plan.padding; i++)
        wh_byte(&out->record, 'x');
    wh_quote(&out->record);
    wh_end(&out->record);
    if (tick.index % 2) {
        out->channel = 1;
        out->operation = WH_UPSERT;
        wh_u64(&out->key, tick.index);
    }
    return true;
}

const wh_generator wh_plugin = {
    .name = "test", .config_schema = SCHEMA, .channels = CHANNELS, .in_order = true, .record = record,
};

static wh_buffer scratch;

/* What one call of the writer gives. */
#define WROTE(call, expected)                                                                      \
    do {                                                                                           \
        wh_writer w = wh_writer_of(&scratch);                                                      \
        wh_clear_error();                                                                          \
        call;                                                                                      \
        size_t length = wh_written(&w);                                                            \
        if (length != strlen(expected) || memcmp(scratch.data, expected, length)) {                \
            printf("line %d: %.*s, not %s (%s)\n", __LINE__, (int)length, (char *)scratch.data,    \
                   expected, wh_error());                                                          \
            fflush(stdout);                                                                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void numbers(void)
{
    static const uint64_t whole[] = {0, 1, 9, 10, 99, 100, 65535, 99999, 100000, 999999999,
                                     1000000000, 4294967295u, UINT64_C(999999999999999999),
                                     UINT64_C(1000000000000000000), UINT64_MAX};
    char expected[64];
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        snprintf(expected, sizeof expected, "%llu", (unsigned long long)whole[i]);
        WROTE(wh_u64(&w, whole[i]), expected);
        if (whole[i] <= UINT32_MAX)
            WROTE(wh_u32(&w, (uint32_t)whole[i]), expected);
    }
    WROTE(wh_i64(&w, INT64_MIN), "-9223372036854775808");
    WROTE(wh_fixed(&w, 2, -5), "-0.05");
    WROTE(wh_fixed(&w, 7, 488566000), "48.8566000");
    WROTE(wh_fixed(&w, 1, INT64_MIN), "-922337203685477580.8");
    WROTE(wh_fixed(&w, 9, 1), "0.000000001");
    WROTE(wh_time(&w, 0), "\"1970-01-01T00:00:00.000000Z\"");
    WROTE(wh_time(&w, UINT64_C(1709210096123456789)), "\"2024-02-29T12:34:56.123456Z\"");
    WROTE(wh_time(&w, UINT64_MAX), "\"2554-07-21T23:34:33.709551Z\"");
    WROTE(wh_uuid_text(&w, 0x0123456789abcdef, 0xfedcba9876543210), "01234567-89ab-4def-bedc-ba9876543210");
}

static void doubles(void)
{
    WROTE(wh_double(&w, 0), "0.0");
    WROTE(wh_double(&w, -0.0), "-0.0");
    WROTE(wh_double(&w, 1), "1.0");
    WROTE(wh_double(&w, 0.3), "0.3");
    WROTE(wh_double(&w, 0.1 + 0.2), "0.30000000000000004");
    WROTE(wh_double(&w, 1234.5), "1234.5");
    WROTE(wh_double(&w, 1e15), "1000000000000000.0");
    WROTE(wh_double(&w, 1e16), "1e16");
    WROTE(wh_double(&w, 1e-5), "0.00001");
    WROTE(wh_double(&w, 1e-6), "1e-6");
    WROTE(wh_double(&w, 0.00012), "0.00012");
    WROTE(wh_double(&w, 5e-324), "5e-324");
    WROTE(wh_double(&w, 1.7976931348623157e308), "1.7976931348623157e308");
    WROTE(wh_double(&w, 2.2250738585072014e-308), "2.2250738585072014e-308");
    WROTE(wh_double(&w, 9007199254740993.0), "9007199254740992.0");
    wh_key key = wh_key_of_all(1, "doubles");
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t bits = wh_hash(key, i);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (value - value != 0)
            continue;
        wh_writer w = wh_writer_of(&scratch);
        wh_double(&w, value);
        wh_byte(&w, 0);
        back = strtod((char *)scratch.data, NULL);
        assert(back == value);
        /* No shorter text reads back as the same. */
        char shorter[40];
        int digits = 0;
        for (const char *at = (char *)scratch.data; *at && *at != 'e'; at++)
            digits += *at >= '0' && *at <= '9';
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2 > 0 ? digits - 2 : 0, value);
        bool exponent = strchr((char *)scratch.data, 'e') != NULL;
        assert(digits < 2 || !exponent || strtod(shorter, NULL) != value);
        /* And the reader agrees with the C library's. */
        char config[64];
        snprintf(config, sizeof config, "{\"rate\":%.17g}", value);
        assert(wh_config_double(&(wh_config){config, strlen(config), NULL}, "rate") == value);
    }
}

static void texts(void)
{
    WROTE(wh_string(&w, "caf\xc3\xa9, \"quoted\" \\ and \t\n\x01 more than eight"),
          "\"caf\xc3\xa9, \\\"quoted\\\" \\\\ and \\t\\n\\u0001 more than eight\"");
    WROTE(wh_string(&w, ""), "\"\"");
    WROTE(wh_string(&w, "\xf0\x9f\x9a\x97"), "\"\xf0\x9f\x9a\x97\"");
    static const char *const bad[] = {"\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        WROTE(wh_string(&w, bad[i]), "");
        assert(strstr(wh_error(), "is not UTF-8"));
    }
    WROTE((wh_object(&w, "a"), wh_field(&w, "speed"), wh_double(&w, __builtin_nan(""))),
          "{\"a\":,\"speed\":");
    assert(strstr(wh_error(), "`speed` is NaN"));
    WROTE(wh_raw(&w, "1\n", 2), "");
    assert(strstr(wh_error(), "line feed at offset 1"));
}

static void settings(void)
{
    const char *text = "{\"limit\": 120, \"depot\": {\"at\": [1, -2, 3e2]}, \"on\": true, \"rate\": 1.5,"
                       "\"caf\\u00e9\": \"\\ud83d\\ude97\\n\", \"big\": 18446744073709551615, \"no\": null}";
    wh_config config = {text, strlen(text), SCHEMA};
    wh_clear_error();
    assert(wh_json_check(text, strlen(text)));
    assert(wh_config_u32(&config, "limit") == 120);
    assert(wh_config_i64(&config, "depot.at.1") == -2);
    assert(wh_config_u64(&config, "depot.at.2") == 300);
    assert(wh_config_count(&config, "depot.at") == 3);
    assert(wh_config_bool(&config, "on") && wh_config_double(&config, "rate") == 1.5);
    assert(wh_config_u64(&config, "big") == UINT64_MAX);
    assert(!strcmp(wh_config_string(&config, "caf\xc3\xa9"), "\xf0\x9f\x9a\x97\n"));
    assert(!strcmp(wh_config_string(&config, "depot.name"), "Nord"));
    assert(!wh_config_has(&config, "no") && !wh_config_has(&config, "depot.at.3"));
    assert(!wh_failing);
    static const struct {
        const char *path, *why;
    } wrong[] = {{"rate", "`rate` is not a whole number"}, {"depot.at.1", "from 0 on"},
                 {"depot.at.first", "is missing"},          {"on", "not a number"},
                 {"nothing", "`nothing` is missing"},       {"big", "32 bits"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        wh_clear_error();
        wh_config_u32(&config, wrong[i].path);
        assert(strstr(wh_error(), wrong[i].why));
    }
    static const char *const broken[] = {"", "[]", "{", "{\"a\":01}", "{\"a\":1,}", "{'a':1}", "{\"a\":\"\\ud800\"}",
                                         "{\"a\":\"\xff\"}", "{} {}", "{\"a\":tru}", "{\"a\":1.}", "{\"a\":\"\n\"}"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        wh_clear_error();
        assert(!wh_json_check(broken[i], strlen(broken[i])));
    }
}

static void batches(void)
{
    static uint64_t times[3000];
    wh_settings settings = {0, 0, 1};
    plan.fails_at = 5;
    plan.ends_at = UINT64_MAX;
    wh_stream *stream = wh_stream_open("{}", &settings, NULL);
    const wh_batch *batch = wh_stream_generate(stream, 0, times, 10);
    assert(batch->records == 5 && batch->has_channels && batch->has_operations);
    assert(!memcmp(wh_batch_record(batch, 3).data, "{\"i\":3,\"x\":\"\"}", 14));
    assert(wh_batch_key(batch, 2).length == 0 && wh_batch_key(batch, 3).data[0] == '3');
    for (int again = 0; again < 2; again++) {
        assert(!wh_stream_generate(stream, 5, times, 10));
        assert(!strcmp(wh_error(), "not 7"));
    }
    assert(!wh_stream_generate(stream, 4, times, 1));
    assert(strstr(wh_error(), "asked for record 4, but this generator goes in order and is at 5"));
    wh_stream_close(stream);

    plan.fails_at = UINT64_MAX;
    plan.ends_at = 2500;
    plan.padding = 1000;
    stream = wh_stream_open("{}", &settings, NULL);
    batch = wh_stream_generate(stream, 0, times, 3000);
    size_t first = batch->records;
    assert(first < 1100 && batch->payload_length >= 1 << 20);
    while ((batch = wh_stream_generate(stream, first, times, 3000)) && batch->records)
        first += batch->records;
    assert(batch && first == 2500);
    wh_stream_close(stream);
    assert(!wh_stream_open("nothing", &settings, NULL));
}

static void assets(void)
{
    static uint8_t words[1500000] = {1};
    words[sizeof words - 1] = 7;
    wh_test_asset("words", words, sizeof words);
    wh_bytes whole;
    uint8_t piece[4];
    assert(wh_asset("words", &whole) && whole.length == sizeof words);
    assert(!memcmp(whole.data, words, sizeof words));
    assert(wh_asset_read("words", sizeof words - 2, piece, 4) == 2 && piece[1] == 7);
    assert(wh_asset_read("words", sizeof words, piece, 4) == 0);
    assert(!wh_asset("nothing", &whole));
    free((void *)whole.data);
}

/* The vectors are numbers in strings, since JSON's lose digits. */
static uint64_t vector(const wh_config *config, int i, const char *name, int base)
{
    char path[64];
    snprintf(path, sizeof path, "vectors.%d.%s", i, name);
    return strtoull(wh_config_string(config, path), NULL, base);
}

static uint32_t small(const wh_config *config, int i, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "vectors.%d.%s", i, name);
    return wh_config_u32(config, path);
}

static void vectors(const char *file)
{
    static char text[1 << 16] = "{\"vectors\":";
    FILE *from = fopen(file, "r");
    assert(from);
    size_t length = strlen(text);
    length += fread(text + length, 1, sizeof text - length - 2, from);
    text[length] = '}';
    fclose(from);
    wh_config config = {text, strlen(text), NULL};
    wh_clear_error();
    assert(wh_json_check(config.text, config.length));
    int count = (int)wh_config_count(&config, "vectors");
    assert(count >= 5);
    for (int i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "vectors.%d.purpose", i);
        const char *purpose = wh_config_string(&config, path);
        snprintf(path, sizeof path, "vectors.%d.stream", i);
        uint64_t seed = vector(&config, i, "seed", 10), index = vector(&config, i, "index", 10);
        wh_key key = wh_config_has(&config, path)
                         ? wh_key_of_stream(seed, small(&config, i, "stream"), purpose)
                         : wh_key_of_all(seed, purpose);
        assert(wh_hash(key, index) == vector(&config, i, "hash", 16));
        wh_rng rng = wh_at(key, index);
        assert(wh_next(&rng) == vector(&config, i, "draws.0", 16));
        assert(wh_next(&rng) == vector(&config, i, "draws.1", 16));
        assert(wh_next(&rng) == vector(&config, i, "draws.2", 16));
        for (int k = 0; k < 5; k++) {
            char n[32], first[32];
            snprintf(n, sizeof n, "below.%d.n", k);
            snprintf(first, sizeof first, "below.%d.first", k);
            rng = wh_at(key, index);
            assert(wh_below(&rng, small(&config, i, n)) == small(&config, i, first));
        }
        assert(!wh_failing);
    }
}

int main(int count, char **arguments)
{
    assert(count == 2);
    numbers();
    doubles();
    texts();
    settings();
    batches();
    assets();
    vectors(arguments[1]);
    puts("the SDK for C: all tests passed");
}
