/* Reading an option structure of any version. A structure only grows at its end, and says by its
 * first member, uint32_t struct_size, how much of it the caller knows. */
#ifndef LLMI_BASE_OPTIONS_H
#define LLMI_BASE_OPTIONS_H

#include <stddef.h>
#include <string.h>

#include "base/status.h"

/* Size of a structure up to a member. The first version of a structure ended somewhere, and that stays what it
 * is when the structure grows. */
#define LLMI_UPTO(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* No version of any structure comes near: a larger size is an uninitialised one. */
#define LLMI_OPTIONS_MAX_BYTES 4096

/* Copies the caller's structure `src` (NULL: nothing) over the defaults that `dst` holds. Members
 * beyond the caller's struct_size keep their defaults. first_bytes: size of the first version that
 * was released. `what` names the structure in errors: LLM_E_ARGUMENT for a size that cannot be,
 * LLM_E_VERSION if the caller sets members that this library does not know. */
static inline llm_status llmi_options_read(void *dst, size_t dst_bytes, const void *src, size_t first_bytes,
                                           const char *what) {
    if (!src) return LLM_OK;
    uint32_t n_bytes;
    memcpy(&n_bytes, src, sizeof n_bytes);
    if (n_bytes < first_bytes || n_bytes > LLMI_OPTIONS_MAX_BYTES)
        return llmi_error(LLM_E_ARGUMENT, "%s: struct_size is %u, expected %zu..%d: initialise it with %s_init()", what,
                          n_bytes, first_bytes, LLMI_OPTIONS_MAX_BYTES, what);
    for (size_t i = dst_bytes; i < n_bytes; i++)
        if (((const char *)src)[i])
            return llmi_error(LLM_E_VERSION, "%s: byte %zu is set, this version knows %zu: a newer libllm is needed",
                              what, i, dst_bytes);
    size_t known = n_bytes < dst_bytes ? n_bytes : dst_bytes;
    memcpy((char *)dst + sizeof n_bytes, (const char *)src + sizeof n_bytes, known - sizeof n_bytes);
    return LLM_OK;
}

#endif
