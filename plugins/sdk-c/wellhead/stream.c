/* The loop from times to a batch. */

/* A batch ends early once its payload is this long: more would cost memory and gain nothing. */
#define WH_FULL ((size_t)1 << 20)

struct wh_stream {
    void *self;
    wh_batch batch;
    wh_buffer saved;
    uint32_t channels;
    uint64_t next;  /* the record that comes next, where they go in order */
    bool in_order;  /* whether they do: a restored stream may begin anywhere */
    bool has_failed;
    uint64_t failed_at;
    char failed_why[WH_MESSAGE];
};

static void wh_clear_error(void)
{
    wh_failing = WH_OK;
    wh_message[0] = 0;
}

/* The channels of a configuration, and how many; NULL where it makes no sense. */
static const wh_channel *wh_channels(const wh_config *config, size_t *count)
{
    const wh_channel *channels =
        wh_plugin.channels_for ? wh_plugin.channels_for(config) : wh_plugin.channels;
    if (wh_failing)
        return NULL;
    *count = 0;
    while (channels && channels[*count].name)
        ++*count;
    if (!*count) {
        wh_invalid("this configuration gives no channel");
        return NULL;
    }
    return channels;
}

static bool wh_stream_begin(wh_stream *stream, const char *text, const wh_settings *settings,
                            const wh_bytes *state)
{
    wh_config config = {text, strlen(text), wh_plugin.config_schema};
    size_t channels;
    if (!wh_json_check(config.text, config.length) || !wh_channels(&config, &channels))
        return false;
    stream->channels = (uint32_t)channels;
    stream->in_order = wh_plugin.in_order && !state;
    bool opened = !wh_plugin.open || wh_plugin.open(stream->self, settings, &config, state);
    if (!opened && !wh_failing)
        wh_fail("`open` gave false and did not say why: return wh_fail(\"…\") or wh_invalid(\"…\")");
    return !wh_failing;
}

wh_stream *wh_stream_open(const char *config, const wh_settings *settings, const wh_bytes *state)
{
    wh_stream *stream = calloc(1, sizeof *stream);
    size_t size = wh_plugin.stream_size ? wh_plugin.stream_size : 1;
    wh_clear_error();
    if (stream)
        stream->self = calloc(1, size);
    if (!stream || !stream->self)
        wh_die("out of memory: a stream can't be opened");
    if (wh_stream_begin(stream, config, settings, state))
        return stream;
    wh_stream_close(stream);
    return NULL;
}

static void *wh_sized(wh_buffer *buffer, size_t bytes)
{
    if (buffer->capacity < bytes || !buffer->data)
        wh_grown(buffer, buffer->data, bytes);
    return buffer->data;
}

/* What is wrong with the record in hand, if anything. */
WH_COLD bool wh_refused(const wh_stream *stream, const wh_out *out, bool recorded, size_t key)
{
    if (wh_failing)
        return true;
    if (!recorded)
        wh_fail("`record` gave false and did not say why: return wh_fail(\"…\")");
    else if (out->channel >= stream->channels)
        wh_fail("channel %u, but the generator has %u: they count from 0", out->channel,
                stream->channels);
    else if (out->operation > WH_DELETE)
        wh_fail("operation %d: set WH_APPEND, WH_UPSERT or WH_DELETE", (int)out->operation);
    else if (out->operation != WH_APPEND && !key)
        wh_fail("an upsert or delete without a key: write it to out->key");
    return wh_failing != WH_OK;
}

/* Makes records until one fails, the stream ends, or the batch is full. */
static size_t wh_fill(wh_stream *stream, uint64_t first, const uint64_t *times, size_t count)
{
    wh_batch *batch = &stream->batch;
    uint32_t *ends = wh_sized(&batch->ends, count * sizeof *ends);
    uint32_t *key_ends = wh_sized(&batch->key_ends, count * sizeof *key_ends);
    uint8_t *channels = wh_sized(&batch->channels, count);
    uint8_t *operations = wh_sized(&batch->operations, count);
    wh_out out = {.record = wh_writer_of(&batch->payload), .key = wh_writer_of(&batch->keys)};
    size_t payload = 0, keys = 0, made = 0;
    uint32_t any_channel = 0, any_operation = 0;
    while (made < count && payload < WH_FULL) {
        out.channel = 0;
        out.operation = WH_APPEND;
        out.end_of_stream = false;
        bool recorded =
            wh_plugin.record(stream->self, (wh_tick){first + made, times[made]}, &out);
        size_t key_end = wh_written(&out.key);
        bool odd = !recorded | (wh_failing != WH_OK) | (out.channel >= stream->channels) |
                   (out.operation != WH_APPEND);
        if (WH_UNLIKELY(odd) && wh_refused(stream, &out, recorded, key_end - keys)) {
            stream->has_failed = true;
            stream->failed_at = first + made;
            memcpy(stream->failed_why, wh_message, sizeof wh_message);
            break;
        }
        if (out.end_of_stream)
            break;
        payload = wh_written(&out.record);
        keys = key_end;
        ends[made] = (uint32_t)payload;
        key_ends[made] = (uint32_t)keys;
        channels[made] = (uint8_t)out.channel;
        operations[made] = (uint8_t)out.operation;
        any_channel |= out.channel;
        any_operation |= out.operation;
        made++;
    }
    batch->records = made;
    batch->payload_length = payload;
    batch->key_length = keys;
    batch->has_channels = any_channel != 0;
    batch->has_operations = any_operation != 0;
    return made;
}

const wh_batch *wh_stream_generate(wh_stream *stream, uint64_t first, const uint64_t *times,
                                   size_t count)
{
    wh_clear_error();
    if (stream->in_order && stream->next != first) {
        wh_fail("asked for record %llu, but this generator goes in order and is at %llu",
                (unsigned long long)first, (unsigned long long)stream->next);
        return NULL;
    }
    size_t made = 0;
    if (!stream->has_failed || stream->failed_at != first) {
        made = wh_fill(stream, first, times, count);
        if (wh_plugin.in_order) {
            stream->in_order = true;
            stream->next = first + made;
        }
    }
    bool failed = stream->has_failed && stream->failed_at == first;
    wh_clear_error();
    if (made == 0 && failed) {
        wh_failing = WH_FAILED;
        memcpy(wh_message, stream->failed_why, sizeof wh_message);
        return NULL;
    }
    return &stream->batch;
}

int wh_stream_save(wh_stream *stream, wh_bytes *state)
{
    if (!wh_plugin.save)
        return 0;
    wh_clear_error();
    wh_writer writer = wh_writer_of(&stream->saved);
    bool saved = wh_plugin.save(stream->self, &writer);
    *state = (wh_bytes){stream->saved.data, wh_written(&writer)};
    return wh_failing ? -1 : saved;
}

void wh_stream_close(wh_stream *stream)
{
    if (wh_plugin.close)
        wh_plugin.close(stream->self);
    wh_batch *batch = &stream->batch;
    wh_buffer *buffers[] = {&batch->payload,  &batch->ends,       &batch->keys,  &batch->key_ends,
                            &batch->channels, &batch->operations, &stream->saved};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        free(buffers[i]->data);
    free(stream->self);
    free(stream);
}

static wh_bytes wh_slice(const wh_buffer *bytes, const wh_buffer *ends, size_t i)
{
    uint32_t begin = 0, end;
    if (i)
        memcpy(&begin, ends->data + 4 * (i - 1), 4);
    memcpy(&end, ends->data + 4 * i, 4);
    return (wh_bytes){bytes->data + begin, end - begin};
}

wh_bytes wh_batch_record(const wh_batch *batch, size_t i)
{
    return wh_slice(&batch->payload, &batch->ends, i);
}

wh_bytes wh_batch_key(const wh_batch *batch, size_t i)
{
    return wh_slice(&batch->keys, &batch->key_ends, i);
}
