/* Ten fields by hand: what `template` is held against, which makes the like of a description. */
#define WELLHEAD_IMPLEMENTATION
#include <wellhead.h>

typedef struct ten {
    wh_key fields;
    wh_key request;
} ten;

static const char *const states[] = {"driving", "parked", "charging"};
static const char *const first_names[] = {
    "Mia",  "Noah", "Emma", "Leon", "Lena", "Paul", "Lea",   "Finn",
    "Anna", "Elias", "Nora", "Luca", "Ida",  "Jonas", "Clara", "Emil",
};
static const char *const last_names[] = {
    "Becker", "Fischer", "Hoffmann", "Koch",    "Meyer",   "Richter", "Schmidt", "Schneider",
    "Bauer",  "Wagner",  "Weber",    "Schulz",  "Wolf",    "Klein",   "Neumann", "Schwarz",
};

static const wh_channel channels[] = {
    {"record", WH_JSON({"type": "object", "properties": {"id": {"type": "integer"}}})},
    {0},
};

static bool open_ten(void *stream, const wh_settings *settings, const wh_config *config,
                     const wh_bytes *state)
{
    ten *self = stream;
    (void)config;
    (void)state;
    self->fields = wh_settings_key(settings, "fields");
    self->request = wh_settings_key(settings, "request");
    return true;
}

static WH_RECORD bool record(void *stream, wh_tick tick, wh_out *out)
{
    const ten *self = stream;
    wh_writer *w = &out->record;
    wh_rng rng = wh_at(self->fields, tick.index);
    wh_rng request = wh_at(self->request, tick.index);
    /* Every number once: a step that has no factor in common with a million. */
    uint32_t device = (uint32_t)((tick.index * 618033 + 271828) % 1000000);
    wh_object(w, "id");
    wh_u64(w, tick.index + 1);
    wh_field(w, "request");
    wh_quote(w);
    uint64_t high = wh_next(&request);
    wh_uuid_text(w, high, wh_next(&request));
    wh_quote(w);
    wh_field(w, "at");
    wh_time(w, tick.time);
    wh_field(w, "site");
    wh_literal(w, "\"north\"");
    wh_field(w, "device");
    wh_u32(w, device);
    wh_field(w, "speed");
    wh_u32(w, wh_below(&rng, 161));
    wh_field(w, "odometer");
    wh_fixed(w, 3, wh_below(&rng, 500000001));
    wh_field(w, "state");
    uint32_t chance = wh_below(&rng, 10);
    wh_string(w, states[chance < 6 ? 0 : chance < 9 ? 1 : 2]);
    wh_field(w, "plate");
    wh_quote(w);
    for (int letter = 0; letter < 3; letter++)
        wh_byte(w, (char)('A' + wh_below(&rng, 26)));
    wh_byte(w, '-');
    wh_digits(w, wh_below(&rng, 10000), 4);
    wh_quote(w);
    wh_field(w, "driver");
    const char *first = first_names[wh_below(&rng, 16)];
    const char *last = last_names[wh_below(&rng, 16)];
    wh_quote(w);
    wh_raw(w, first, strlen(first));
    wh_byte(w, ' ');
    wh_raw(w, last, strlen(last));
    wh_quote(w);
    wh_end(w);
    wh_u32(&out->key, device);
    return true;
}

const wh_generator wh_plugin = {
    .name = "meter",
    .version = "0.1.0",
    .summary = "Ten fields, for a benchmark.",
    .channels = channels,
    .stream_size = sizeof(ten),
    .open = open_ten,
    .record = record,
};
