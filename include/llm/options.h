/* libllm: option groups as data. Each member of an option structure that can be written
 * as text is a row of one table: the command line, the bindings and configuration files
 * are generated from it, so a new option appears in all of them. */
#ifndef LLM_OPTIONS_H
#define LLM_OPTIONS_H

#include <llm/status.h>

LLM_BEGIN_DECLS

/* Names of the groups: "runtime", "model", "engine", "generate", "quantize", "template", "prompt", "fill", "ask"; each
 * describes the structure llm_<group>_options. */
enum { LLM_OPTION_INT = 1, LLM_OPTION_FLOAT = 2, LLM_OPTION_BOOL = 3, LLM_OPTION_STRING = 4, LLM_OPTION_DTYPE = 5 };

typedef struct llm_option_info {
    uint32_t struct_size;   /* set by the caller: sizeof(llm_option_info) */
    int32_t type;           /* LLM_OPTION_* */
    const char *name;       /* the member's name, e.g. "top_p" */
    const char *meaning;    /* one line */
    const char *default_as; /* the default as text, e.g. "0.95" */
    double minimum;         /* inclusive; equal to maximum when there is no range. The default is always
                               valid, even outside the range */
    double maximum;
} llm_option_info;

/* Number of rows of a group; 0 for an unknown group. Any thread. Since 0.1. */
LLM_API int32_t llm_option_count(const char *group);

/* Row `index` of a group. Errors: LLM_E_NOT_FOUND, LLM_E_ARGUMENT. Any thread. Since 0.1. */
LLM_API llm_status llm_option_get(llm_option_info *out, const char *group, int32_t index);

/* Sets the member `name` of `options` (a structure of that group, initialised by its
 * _init function) from text. A string member borrows `value`, which must outlive the use
 * of the structure. Numbers are read in the C locale's form whatever the host's locale is.
 * Errors: LLM_E_NOT_FOUND names the nearest option; LLM_E_ARGUMENT gives the value found
 * and the range expected. Any thread. Since 0.1. */
LLM_API llm_status llm_option_set(void *options, const char *group, const char *name, const char *value);

LLM_END_DECLS

#endif
