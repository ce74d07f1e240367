/* An asset as a whole. */

bool wh_asset(const char *name, wh_bytes *bytes)
{
    uint64_t size;
    if (!wh_asset_size(name, &size))
        return false;
    uint8_t *data = size < SIZE_MAX ? malloc((size_t)size + 1) : NULL;
    if (!data)
        wh_die("out of memory: an asset has no room; read it piece by piece");
    size_t length = 0, read = 1;
    for (; read && length < size; length += read)
        read = wh_asset_read(name, length, data + length, (size_t)size - length);
    *bytes = (wh_bytes){data, length};
    return true;
}
