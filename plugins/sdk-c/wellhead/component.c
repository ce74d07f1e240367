/* The component: the contract's exports and imports by the canonical ABI, by hand.
 *
 * Names, layouts and orders of arguments follow from wit/generator.wit. What the host hands over
 * was allocated by cabi_realloc and is freed here; what it is given stays until the next call,
 * since the host has copied it by then. */

#define WH_GENERATOR "wellhead:generator/generator@1.0.0"
#define WH_EXPORT(name) __attribute__((export_name(name), used))
#define WH_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))

WH_IMPORT("wellhead:generator/log@1.0.0", "log")
void wh_import_log(uint32_t level, const char *text, size_t length);

typedef struct wh_option_u64 {
    uint8_t some;
    uint64_t value;
} wh_option_u64;

typedef struct wh_list {
    const void *data;
    size_t length;
} wh_list;

WH_IMPORT("wellhead:generator/assets@1.0.0", "size")
void wh_import_size(const char *name, size_t length, wh_option_u64 *result);

WH_IMPORT("wellhead:generator/assets@1.0.0", "read")
void wh_import_read(const char *name, size_t name_length, uint64_t offset, uint32_t length,
                    wh_list *result);

WH_IMPORT("[export]" WH_GENERATOR, "[resource-new]stream")
uint32_t wh_import_new_stream(wh_stream *stream);

void wh_host_log(wh_level level, const char *text, size_t length)
{
    wh_import_log(level, text, length);
}

bool wh_asset_size(const char *name, uint64_t *size)
{
    wh_option_u64 result;
    wh_import_size(name, strlen(name), &result);
    if (result.some)
        *size = result.value;
    return result.some != 0;
}

size_t wh_asset_read(const char *name, uint64_t offset, void *to, size_t length)
{
    const size_t most = 1 << 20;
    wh_list piece;
    length = length < most ? length : most;
    wh_import_read(name, strlen(name), offset, (uint32_t)length, &piece);
    memcpy(to, piece.data, piece.length);
    if (piece.length)
        free((void *)piece.data);
    return piece.length;
}

WH_EXPORT("cabi_realloc")
void *wh_cabi_realloc(void *old, size_t old_length, size_t align, size_t length)
{
    (void)old_length;
    /* Nothing is put at no address: an aligned one that is never used. */
    if (!length)
        return (void *)align;
    void *data = realloc(old, length);
    if (!data)
        wh_die("out of memory: what the host hands over has no room");
    return data;
}

static wh_list wh_list_of(const char *text)
{
    return (wh_list){text, text ? strlen(text) : 0};
}

/* Whatever was allocated for arguments. */
static void wh_taken(const void *data, size_t length)
{
    if (length)
        free((void *)data);
}

typedef struct wh_description {
    wh_list name, version, summary, config_schema, content_type;
    uint8_t random_access;
    wh_list labels;
} wh_description;

typedef struct wh_error_result {
    uint8_t kind; /* 0 invalid-config, 1 failed */
    wh_list why;
} wh_error_result;

/* Each result begins with 0, or with 1 where an error follows. */
static wh_error_result wh_error_here(void)
{
    return (wh_error_result){wh_failing != WH_INVALID, wh_list_of(wh_message)};
}

/* Pairs of texts as the contract has them. */
static wh_list wh_pairs_of(const char *const *texts, size_t pairs)
{
    wh_list *list = pairs ? malloc(2 * pairs * sizeof *list) : NULL;
    if (pairs && !list)
        wh_die("out of memory: the list of channels or labels has no room");
    for (size_t i = 0; i < 2 * pairs; i++)
        list[i] = wh_list_of(texts[i]);
    return (wh_list){list, pairs};
}

WH_EXPORT(WH_GENERATOR "#describe")
wh_description *wh_export_describe(void)
{
    static wh_description result;
    size_t labels = 0;
    while (wh_plugin.labels && wh_plugin.labels[labels].name)
        labels++;
    const char *schema = wh_plugin.config_schema, *type = wh_plugin.content_type;
    result.name = wh_list_of(wh_plugin.name);
    result.version = wh_list_of(wh_plugin.version);
    result.summary = wh_list_of(wh_plugin.summary);
    result.config_schema = wh_list_of(schema ? schema : "{\"type\":\"object\"}");
    result.content_type = wh_list_of(type ? type : "application/json");
    result.random_access = !wh_plugin.in_order;
    result.labels = wh_pairs_of((const char *const *)wh_plugin.labels, labels);
    return &result;
}

/* Text of the host, ended by a zero byte. */
static char *wh_owned_text(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy)
        wh_die("out of memory: the configuration has no room");
    memcpy(copy, text, length);
    copy[length] = 0;
    wh_taken(text, length);
    return copy;
}

typedef struct wh_channels_result {
    uint8_t failed;
    union {
        wh_list channels;
        wh_error_result error;
    };
} wh_channels_result;

WH_EXPORT(WH_GENERATOR "#channels")
wh_channels_result *wh_export_channels(const char *text, size_t length)
{
    static wh_channels_result result;
    char *owned = wh_owned_text(text, length);
    wh_config config = {owned, length, wh_plugin.config_schema};
    size_t count = 0;
    wh_clear_error();
    const wh_channel *channels =
        wh_json_check(owned, length) ? wh_channels(&config, &count) : NULL;
    result.failed = !channels;
    if (channels)
        result.channels = wh_pairs_of((const char *const *)channels, count);
    else
        result.error = wh_error_here();
    free(owned);
    return &result;
}

typedef struct wh_open_result {
    uint8_t failed;
    union {
        uint32_t handle;
        wh_error_result error;
    };
} wh_open_result;

WH_EXPORT(WH_GENERATOR "#[static]stream.open")
wh_open_result *wh_export_open(const char *text, size_t length, uint64_t seed, uint32_t index,
                               uint32_t count, uint32_t has_state, const uint8_t *state,
                               size_t state_length)
{
    static wh_open_result result;
    char *owned = wh_owned_text(text, length);
    wh_settings settings = {seed, index, count};
    wh_bytes saved = {state, state_length};
    wh_stream *stream = wh_stream_open(owned, &settings, has_state ? &saved : NULL);
    result.failed = !stream;
    if (stream)
        result.handle = wh_import_new_stream(stream);
    else
        result.error = wh_error_here();
    free(owned);
    if (has_state)
        wh_taken(state, state_length);
    return &result;
}

typedef struct wh_batch_result {
    uint8_t failed;
    union {
        struct {
            wh_list payload, ends, keys, key_ends, channels, operations;
        } batch;
        wh_error_result error;
    };
} wh_batch_result;

WH_EXPORT(WH_GENERATOR "#[method]stream.generate")
wh_batch_result *wh_export_generate(wh_stream *stream, uint64_t first, const uint64_t *times,
                                    size_t count)
{
    static wh_batch_result result;
    const wh_batch *batch = wh_stream_generate(stream, first, times, count);
    wh_taken(times, count);
    result.failed = !batch;
    if (!batch) {
        result.error = wh_error_here();
        return &result;
    }
    size_t n = batch->records;
    result.batch.payload = (wh_list){batch->payload.data, batch->payload_length};
    result.batch.ends = (wh_list){batch->ends.data, n};
    result.batch.keys = (wh_list){batch->keys.data, batch->key_length};
    result.batch.key_ends = (wh_list){batch->key_ends.data, batch->key_length ? n : 0};
    result.batch.channels = (wh_list){batch->channels.data, batch->has_channels ? n : 0};
    result.batch.operations = (wh_list){batch->operations.data, batch->has_operations ? n : 0};
    return &result;
}

typedef struct wh_save_result {
    uint8_t some;
    wh_list state;
} wh_save_result;

WH_EXPORT(WH_GENERATOR "#[method]stream.save")
wh_save_result *wh_export_save(wh_stream *stream)
{
    static wh_save_result result;
    wh_bytes state = {NULL, 0};
    int saved = wh_stream_save(stream, &state);
    if (saved < 0)
        wh_log(WH_ERROR, "the state can't be saved: %s", wh_message);
    result.some = saved > 0;
    result.state = (wh_list){state.data, state.length};
    return &result;
}

WH_EXPORT(WH_GENERATOR "#[dtor]stream")
void wh_export_drop(wh_stream *stream)
{
    wh_stream_close(stream);
}
