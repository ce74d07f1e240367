/* The part of the C library's header that a component has; elsewhere, that of the system. */
#ifndef __wasm__
#include_next <stdlib.h>
#elif !defined(WELLHEAD_STDLIB_H)
#define WELLHEAD_STDLIB_H
#include <stddef.h>
void *malloc(size_t n);
void *calloc(size_t count, size_t each);
void *realloc(void *data, size_t n);
void free(void *data);
_Noreturn void abort(void);
#endif
