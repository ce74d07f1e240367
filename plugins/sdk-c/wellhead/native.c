/* What a component has from the host, for tests on this machine. */
#include <stdio.h>

void wh_host_log(wh_level level, const char *text, size_t length)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    fprintf(stderr, "%s: %.*s\n", names[level & 3], (int)length, text);
}

static struct {
    const char *name;
    const uint8_t *data;
    size_t length;
} wh_assets[16];

void wh_test_asset(const char *name, const void *data, size_t length)
{
    for (size_t i = 0; i < sizeof wh_assets / sizeof *wh_assets; i++) {
        if (!wh_assets[i].name || !strcmp(wh_assets[i].name, name)) {
            wh_assets[i].name = name;
            wh_assets[i].data = data;
            wh_assets[i].length = length;
            return;
        }
    }
    wh_die("more assets than a test can lay out: 16");
}

bool wh_asset_size(const char *name, uint64_t *size)
{
    for (size_t i = 0; i < sizeof wh_assets / sizeof *wh_assets && wh_assets[i].name; i++) {
        if (!strcmp(wh_assets[i].name, name)) {
            *size = wh_assets[i].length;
            return true;
        }
    }
    return false;
}

size_t wh_asset_read(const char *name, uint64_t offset, void *to, size_t length)
{
    for (size_t i = 0; i < sizeof wh_assets / sizeof *wh_assets && wh_assets[i].name; i++) {
        if (!strcmp(wh_assets[i].name, name) && offset < wh_assets[i].length) {
            size_t left = wh_assets[i].length - (size_t)offset;
            length = length < left ? length : left;
            memcpy(to, wh_assets[i].data + offset, length);
            return length;
        }
    }
    return 0;
}
