/* Arithmetic on sizes that come from outside: true on success, false on overflow. All size
 * arithmetic on file values goes through here. */
#ifndef LLMI_BASE_CHECKED_H
#define LLMI_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool llmi_mul(size_t *out, size_t a, size_t b) {
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool llmi_add(size_t *out, size_t a, size_t b) {
    return !__builtin_add_overflow(a, b, out);
}

static inline bool llmi_mul_i64(int64_t *out, int64_t a, int64_t b) {
    return !__builtin_mul_overflow(a, b, out);
}

/* Rounds up to a power of two. */
static inline bool llmi_align_up(size_t *out, size_t n, size_t alignment) {
    size_t sum;
    if (!llmi_add(&sum, n, alignment - 1)) return false;
    *out = sum & ~(alignment - 1);
    return true;
}

#endif
