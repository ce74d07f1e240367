/* As much of a C library as a generator needs, in a component: memory, and bytes. */

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    __builtin_memcpy(to, from, n); /* one instruction, with bulk memory */
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    __builtin_memmove(to, from, n);
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    __builtin_memset(to, byte, n);
    return to;
}

int memcmp(const void *one, const void *other, size_t n)
{
    const uint8_t *a = one, *b = other;
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *bytes, int byte, size_t n)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < n; i++)
        if (at[i] == (uint8_t)byte)
            return (void *)(at + i);
    return NULL;
}

size_t strlen(const char *text)
{
    const char *end = text;
    while (*end)
        end++;
    return (size_t)(end - text);
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; a++, b++, n--)
        ;
    return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *text, int byte)
{
    for (; *text != (char)byte; text++)
        if (!*text)
            return NULL;
    return (char *)text;
}

size_t strcspn(const char *text, const char *any)
{
    size_t n = 0;
    while (text[n] && !strchr(any, text[n]))
        n++;
    return n;
}

/* Blocks of powers of two, each after a header; freed ones wait in a list for each size. What
 * comes and goes with each batch is so found again, and memory stays as large as it once was. */

#define WH_SIZES 31

typedef union wh_block {
    struct {
        uint32_t size; /* its power of two */
        union wh_block *next;
    } header;
    uint8_t aligned[16];
} wh_block;

extern uint8_t __heap_base;

static uintptr_t wh_heap_end;
static wh_block *wh_free_blocks[WH_SIZES];

static wh_block *wh_new_block(uint32_t size)
{
    const size_t page = 65536;
    size_t bytes = (size_t)1 << size;
    if (!wh_heap_end)
        wh_heap_end = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
    size_t have = __builtin_wasm_memory_size(0) * page;
    if (bytes > UINT32_MAX - page - wh_heap_end)
        return NULL;
    if (wh_heap_end + bytes > have) {
        size_t pages = (wh_heap_end + bytes - have + page - 1) / page;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1)
            return NULL;
    }
    wh_block *block = (wh_block *)wh_heap_end;
    wh_heap_end += bytes;
    block->header.size = size;
    return block;
}

void *malloc(size_t n)
{
    if (n > ((size_t)1 << (WH_SIZES - 1)) - sizeof(wh_block))
        return NULL;
    uint32_t size = 32u - (uint32_t)__builtin_clz((uint32_t)(n + sizeof(wh_block) - 1) | 31);
    wh_block *block = wh_free_blocks[size];
    if (block)
        wh_free_blocks[size] = block->header.next;
    else if (!(block = wh_new_block(size)))
        return NULL;
    return block + 1;
}

void free(void *data)
{
    if (!data)
        return;
    wh_block *block = (wh_block *)data - 1;
    block->header.next = wh_free_blocks[block->header.size];
    wh_free_blocks[block->header.size] = block;
}

void *calloc(size_t count, size_t each)
{
    if (each && count > SIZE_MAX / each)
        return NULL;
    void *data = malloc(count * each);
    if (data)
        memset(data, 0, count * each);
    return data;
}

void *realloc(void *data, size_t n)
{
    if (!data)
        return malloc(n);
    size_t room = ((size_t)1 << ((wh_block *)data - 1)->header.size) - sizeof(wh_block);
    if (n <= room)
        return data;
    void *larger = malloc(n);
    if (larger) {
        memcpy(larger, data, room);
        free(data);
    }
    return larger;
}

void abort(void)
{
    wh_die("abort() was called");
}

void wh_assertion(const char *what, const char *file, int line)
{
    char text[512];
    wh_text message = {text, 0, sizeof text};
    wh_text_add(&message, file, strlen(file));
    wh_text_add(&message, ":", 1);
    wh_text_number(&message, (uint64_t)line, false, 10);
    wh_text_add(&message, ": assertion failed: ", 20);
    wh_text_add(&message, what, strlen(what));
    wh_die(text);
}
