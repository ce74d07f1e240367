/* The part of the C library's header that a component has; elsewhere, that of the system. */
#ifndef __wasm__
#include_next <string.h>
#elif !defined(WELLHEAD_STRING_H)
#define WELLHEAD_STRING_H
#include <stddef.h>
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *one, const void *other, size_t n);
void *memchr(const void *bytes, int byte, size_t n);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *text, int byte);
size_t strcspn(const char *text, const char *any);
#endif
