/*
 * vehicle-telemetry: where the vehicles of a fleet are, and when one goes too fast.
 *
 * A record is a function of the configuration, the seed, its index, its event time, and the state: what
 * the records before it left. No clock, no other randomness: so that a run can be repeated to the byte.
 */
#define WELLHEAD_IMPLEMENTATION
#include <wellhead.h>

/* What users can set, as JSON Schema; the host fills in the defaults. */
static const char CONFIG[] = WH_JSON({
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Config",
    "description": "What users can set.",
    "type": "object",
    "properties": {
        "vehicles": {
            "description": "How many vehicles there are, at least one for each stream. They take turns.",
            "type": "integer", "minimum": 1, "maximum": 10000, "default": 50
        },
        "limit": {
            "description": "The speed in km/h from which on a vehicle may be reported.",
            "type": "integer", "minimum": 1, "maximum": 200, "default": 120
        }
    },
    "additionalProperties": false
});

/* A vehicle says where it is. */
static const char POSITION_SCHEMA[] = WH_JSON({
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Position",
    "type": "object",
    "properties": {
        "vehicle": { "description": "Which vehicle, which is also the key.", "type": "string" },
        "at": { "description": "When, in UTC with microseconds.", "type": "string", "format": "date-time" },
        "latitude": { "type": "number", "format": "double" },
        "longitude": { "type": "number", "format": "double" },
        "speed": {
            "description": "Kilometres an hour.",
            "type": "number", "format": "double", "minimum": 0, "maximum": 160
        },
        "odometer": { "description": "Kilometres that it has gone.", "type": "number", "format": "double" }
    },
    "required": ["vehicle", "at", "latitude", "longitude", "speed", "odometer"]
});

/* A vehicle goes too fast. */
static const char ALERT_SCHEMA[] = WH_JSON({
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Alert",
    "type": "object",
    "properties": {
        "vehicle": { "type": "string" },
        "at": { "type": "string", "format": "date-time" },
        "alert": { "description": "`speeding`.", "type": "string" },
        "speed": { "type": "number", "format": "double" },
        "limit": { "type": "integer", "format": "uint32", "minimum": 0 }
    },
    "required": ["vehicle", "at", "alert", "speed", "limit"]
});

enum { POSITION, ALERT };

static const wh_channel CHANNELS[] = {
    [POSITION] = {"position", POSITION_SCHEMA},
    [ALERT] = {"alert", ALERT_SCHEMA},
    {NULL, NULL},
};

/* Tenths of a kilometre an hour. */
#define FASTEST 1600
/* Millimetres of a ten-millionth of a degree along a meridian. */
#define STEP 11
/* Where all begin, in ten-millionths of a degree. */
#define DEPOT_LATITUDE 488566000
#define DEPOT_LONGITUDE 23522000

/* Eight directions: north, north-east, and so on round, in parts of 1,024; latitude and longitude. */
static const int32_t DIRECTIONS[8][2] = {
    {1024, 0},  {724, 724},   {0, 1024},  {-724, 724},
    {-1024, 0}, {-724, -724}, {0, -1024}, {724, -724},
};

/* What is known of a vehicle after its last record. */
typedef struct vehicle {
    uint64_t at;        /* event time of that record in milliseconds; 0 before the first */
    uint64_t odometer;  /* millimetres */
    int64_t away[2];    /* ten-millionths of a degree away from the depot */
    uint32_t speed;     /* tenths of a kilometre an hour */
    uint32_t direction;
} vehicle;

/* One stream of the generator. */
typedef struct telemetry {
    vehicle *vehicles;
    uint32_t count;
    uint32_t limit;
    /* A vehicle's number is its place times `step`, and `first`: each stream has its own. */
    uint32_t first;
    uint32_t step;
    wh_key moves;
} telemetry;

static bool restore(telemetry *self, const wh_bytes *state)
{
    size_t bytes = self->count * sizeof(vehicle);
    if (state->length != bytes)
        return wh_fail("the saved state has %lu bytes, and that of %u vehicles has %lu",
                       (unsigned long)state->length, self->count, (unsigned long)bytes);
    memcpy(self->vehicles, state->data, bytes);
    return true;
}

static bool open_stream(void *stream, const wh_settings *settings, const wh_config *config, const wh_bytes *state)
{
    telemetry *self = stream;
    uint32_t vehicles = wh_config_u32(config, "vehicles");
    self->count = (uint32_t)wh_settings_share(settings, vehicles);
    if (self->count == 0)
        return wh_invalid("`vehicles` is %u and there are %u streams: each needs a vehicle of its own",
                          vehicles, settings->stream_count);
    self->vehicles = calloc(self->count, sizeof(vehicle));
    if (!self->vehicles)
        return wh_fail("there is no memory for %u vehicles", self->count);
    self->limit = wh_config_u32(config, "limit") * 10;
    self->first = settings->stream_index;
    self->step = settings->stream_count;
    self->moves = wh_settings_key(settings, "moves");
    return !state || restore(self, state);
}

/* Drives on until `now`, in milliseconds; then speed and direction change a little. */
static inline void go_to(vehicle *vehicle, uint64_t now, uint64_t random)
{
    /* An hour at most, in which a vehicle goes no further than 160 km. */
    uint64_t passed = vehicle->at && now > vehicle->at ? now - vehicle->at : 0;
    if (passed > 3600000)
        passed = 3600000;
    vehicle->at = now;
    /* A tenth of a kilometre an hour is 1/36 of a millimetre in a millisecond. */
    int64_t gone = (int64_t)(vehicle->speed * passed / 36);
    vehicle->odometer += (uint64_t)gone;
    for (int i = 0; i < 2; i++) {
        /* Within a degree of the depot; whoever is further away begins there again. */
        int64_t moved = vehicle->away[i] + gone * DIRECTIONS[vehicle->direction & 7][i] / (1024 * STEP);
        vehicle->away[i] = moved > 10000000 || moved < -10000000 ? 0 : moved;
    }
    uint32_t faster = vehicle->speed + (random & 255);
    vehicle->speed = faster < 120 ? 0 : faster - 120 > FASTEST ? FASTEST : faster - 120;
    if ((random >> 8 & 15) == 0)
        vehicle->direction = random >> 12 & 7;
}

static inline void write_name(wh_writer *writer, uint32_t number)
{
    wh_literal(writer, "vehicle-");
    wh_u32(writer, number);
}

static WH_RECORD bool record(void *stream, wh_tick tick, wh_out *out)
{
    telemetry *self = stream;
    uint32_t place = (uint32_t)(tick.index % self->count);
    uint32_t number = self->first + place * self->step;
    vehicle *vehicle = &self->vehicles[place];
    wh_rng random = wh_at(self->moves, tick.index);
    go_to(vehicle, wh_milliseconds(tick), wh_next(&random));

    wh_writer *json = &out->record;
    wh_object(json, "vehicle");
    wh_quote(json);
    write_name(json, number);
    wh_quote(json);
    wh_field(json, "at");
    wh_time(json, tick.time);
    if (vehicle->speed >= self->limit && wh_below(&random, 4) == 0) {
        wh_field(json, "alert");
        wh_literal(json, "\"speeding\"");
        wh_field(json, "speed");
        wh_fixed(json, 1, vehicle->speed);
        wh_field(json, "limit");
        wh_u32(json, self->limit / 10);
        out->channel = ALERT;
    } else {
        wh_field(json, "latitude");
        wh_fixed(json, 7, DEPOT_LATITUDE + vehicle->away[0]);
        wh_field(json, "longitude");
        wh_fixed(json, 7, DEPOT_LONGITUDE + vehicle->away[1]);
        wh_field(json, "speed");
        wh_fixed(json, 1, vehicle->speed);
        wh_field(json, "odometer");
        wh_fixed(json, 3, (int64_t)(vehicle->odometer / 1000));
        out->channel = POSITION;
    }
    wh_end(json);
    write_name(&out->key, number);
    return true;
}

/* What `open` is given where a run goes on. */
static bool save(void *stream, wh_writer *state)
{
    telemetry *self = stream;
    wh_copy(state, self->vehicles, self->count * sizeof(vehicle));
    return true;
}

static void close_stream(void *stream)
{
    free(((telemetry *)stream)->vehicles);
}

const wh_generator wh_plugin = {
    .name = "vehicle-telemetry",
    .version = "0.1.0",
    .summary = "Where the vehicles of a fleet are, and when one goes too fast.",
    .config_schema = CONFIG,
    .channels = CHANNELS,
    /* A record needs those before it. Where yours don't, leave this and `save` out: a resume is at once then. */
    .in_order = true,
    .stream_size = sizeof(telemetry),
    .open = open_stream,
    .record = record,
    .save = save,
    .close = close_stream,
};
