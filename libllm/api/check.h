/* What every public call begins with. */
#ifndef LLMI_API_CHECK_H
#define LLMI_API_CHECK_H

#include <stddef.h>

#include <llm/types.h>

#include "base/fp_scope.h"
#include "base/options.h"

/* Inside a public function: refuses NULL with the function's and the argument's name. */
#define LLMI_NOT_NULL(argument)                                                                                        \
    do {                                                                                                               \
        if (!(argument)) return llmi_error(LLM_E_ARGUMENT, "%s: " #argument " is NULL", __func__);                     \
    } while (0)

/* The same for an array of n elements, which may be NULL when n is 0. */
#define LLMI_ARRAY(array, n)                                                                                           \
    do {                                                                                                               \
        if (!(array) && (n)) return llmi_error(LLM_E_ARGUMENT, "%s: " #array " is NULL, " #n " is not 0", __func__);   \
    } while (0)

/* A caller's span: LLM_NTS becomes the length; LLM_E_ARGUMENT for NULL with a length. */
llm_status llmi_check_span(llm_span *span);

/* Hands out a structure of any version: `full` is what this library knows, out->struct_size (the first
 * member) what the caller knows. Members beyond what this library knows become 0. */
llm_status llmi_check_out(const void *out, size_t first_bytes, const char *what);
void llmi_write_out(void *out, const void *full, size_t n_bytes);

/* The word among `names` that is fewest edits away from `word`, NULL if none is near. */
const char *llmi_nearest(const char *word, const char *const *names, size_t n_names);

#endif
