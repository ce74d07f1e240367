/* On this machine, with no WebAssembly: cc @compile_flags.txt test.c -o test && ./test
 * What the host relies on besides, `wellhead plugin test` tries. */
#undef NDEBUG
#include "generator.c"
#include <assert.h>
#include <stdio.h>

#define MOST 20000

static uint64_t times[MOST];

static wh_stream *opened(const wh_bytes *state)
{
    wh_settings settings = {.seed = 0, .stream_index = 0, .stream_count = 1};
    return wh_stream_open("{}", &settings, state);
}

/* Appends records `first` to `last` of a stream to `text`, a line each; gives how many were alerts. */
static size_t take(wh_stream *stream, size_t first, size_t last, char *text)
{
    size_t alerts = 0, length = strlen(text);
    while (first < last) {
        const wh_batch *batch = wh_stream_generate(stream, first, times + first, last - first);
        assert(batch && batch->records);
        for (size_t i = 0; i < batch->records; i++) {
            wh_bytes record = wh_batch_record(batch, i);
            memcpy(text + length, record.data, record.length);
            length += record.length;
            text[length++] = '\n';
            alerts += batch->has_channels && batch->channels.data[i] == ALERT;
        }
        text[length] = 0;
        first += batch->records;
    }
    return alerts;
}

static void a_saved_state_goes_on_as_if_nothing_had_been(void)
{
    static char whole[100000], parts[100000];
    wh_stream *stream = opened(NULL);
    take(stream, 0, 300, whole);
    wh_stream_close(stream);

    stream = opened(NULL);
    take(stream, 0, 123, parts);
    wh_bytes state;
    assert(wh_stream_save(stream, &state) == 1);
    wh_stream *restored = opened(&state);
    take(restored, 123, 300, parts);
    assert(strcmp(whole, parts) == 0);

    wh_bytes cut = {state.data, state.length - 1};
    assert(!opened(&cut) && strstr(wh_error(), "the saved state has"));
    wh_stream_close(restored);
    wh_stream_close(stream);
}

static void vehicles_take_turns_and_some_go_too_fast(void)
{
    static char text[MOST * 200];
    wh_stream *stream = opened(NULL);
    size_t alerts = take(stream, 0, MOST, text);
    assert(strstr(text, "{\"vehicle\":\"vehicle-1\",\"at\":\"2026-01-01T00:00:51.000000Z\","));
    assert(alerts > 100 && alerts < 5000);
    wh_stream_close(stream);
}

int main(void)
{
    for (size_t i = 0; i < MOST; i++)
        times[i] = UINT64_C(1767225600000000000) + i * UINT64_C(1000000000);
    a_saved_state_goes_on_as_if_nothing_had_been();
    vehicles_take_turns_and_some_go_too_fast();
    puts("2 tests passed");
}
