/* What every other header needs. */
#ifndef WELLHEAD_BASE_H
#define WELLHEAD_BASE_H

#define WH_INLINE static inline __attribute__((always_inline, unused))
#define WH_COLD static __attribute__((noinline, cold, unused))
#define WH_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define WH_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#endif
