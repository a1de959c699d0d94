/* What every public call begins with. */
#ifndef LLMI_API_CHECK_H
#define LLMI_API_CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <llm/types.h>

#include "base/fp_scope.h"
#include "base/options.h"

/* Inside a public function: refuses NULL with the function's and the argument's name. */
#define LLMI_NOT_NULL(argument)                                                                                        \
    do {                                                                                                               \
        if (!(argument)) return llmi_error(LLM_E_ARGUMENT, "%s: " #argument " is NULL", __func__);                     \
    } while (0)

/* The same for room of n elements, which may be NULL when n is 0. */
#define LLMI_ROOM(array, n)                                                                                            \
    do {                                                                                                               \
        if (!(array) && (n)) return llmi_error(LLM_E_ARGUMENT, "%s: " #array " is NULL, " #n " is not 0", __func__);   \
    } while (0)

/* No object is larger on any host: a size beyond it is a mistake, such as -1 as a count. */
#define LLMI_MOST_BYTES ((size_t)PTRDIFF_MAX >> (sizeof(size_t) > 4 ? 15 : 0))

/* The same for an array that is read: no more elements than can be. */
#define LLMI_ARRAY(array, n)                                                                                           \
    do {                                                                                                               \
        LLMI_ROOM(array, n);                                                                                           \
        if ((n) > LLMI_MOST_BYTES / sizeof *(array))                                                                   \
            return llmi_error(LLM_E_ARGUMENT, "%s: " #n " is %zu, more than there can be", __func__, (size_t)(n));     \
    } while (0)

/* The same for a text; LLM_NTS becomes its length. */
#define LLMI_TEXT(text, n_bytes)                                                                                       \
    do {                                                                                                               \
        LLMI_ROOM(text, n_bytes);                                                                                      \
        if ((n_bytes) == LLM_NTS) (n_bytes) = strlen(text);                                                            \
        LLMI_ARRAY(text, n_bytes);                                                                                     \
    } while (0)

/* A text among others: NULL only with length 0, which is a number of bytes ... */
llm_status llmi_api_check_bytes(llm_span text);
/* ... or LLM_NTS, which becomes the length. */
llm_status llmi_api_check_span(llm_span *span);

/* Hands out a structure of any version: `full` is what this library knows, out->struct_size (the first
 * member) what the caller knows. Members beyond what this library knows become 0. */
llm_status llmi_api_check_out(const void *out, size_t first_bytes, const char *what);
void llmi_api_write_out(void *out, const void *full, size_t n_bytes);

/* The word among `names` that is fewest edits away from `word`, NULL if none is near. */
const char *llmi_api_nearest(const char *word, const char *const *names, size_t n_names);

#endif
