/* `assert` for a component: what failed goes to the host's log, and then it is a trap. Elsewhere,
 * the system's. */
#ifndef __wasm__
#include_next <assert.h>
#else
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
_Noreturn void wh_assertion(const char *what, const char *file, int line);
#define assert(condition) ((condition) ? (void)0 : wh_assertion(#condition, __FILE__, __LINE__))
#endif
#ifndef static_assert
#define static_assert _Static_assert
#endif
#endif
