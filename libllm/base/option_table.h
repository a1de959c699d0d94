/* The option table (options.def) as data: the defaults of every option structure, and the check of its ranges. */
#ifndef LLMI_BASE_OPTION_TABLE_H
#define LLMI_BASE_OPTION_TABLE_H

#include <stdbool.h>

#include <llm/fewshot.h>
#include <llm/options.h>
#include <llm/prompt.h>
#include <llm/quantize.h>
#include <llm/reason.h>

/* llmi_<group>_defaults: what the _init function gives. */
#define GROUP(group, last) extern const llm_##group##_options llmi_##group##_defaults;
#define OPTION(group, name, type, default_as, min, max, meaning)
#define MEMBER(group, name)
#define END(group)
#include "base/options.def"
#undef GROUP
#undef OPTION
#undef MEMBER
#undef END

typedef struct llmi_option {
    const char *name, *default_as, *meaning;
    int32_t type; /* LLM_OPTION_* */
    double min, max;
    const void *fallback; /* the member of the defaults */
    size_t offset, n_bytes;
} llmi_option;

typedef struct llmi_option_group {
    const char *name, *what; /* "engine", "llm_engine_options" */
    const void *defaults;
    size_t n_bytes, first_bytes; /* of the structure, of its first version */
    const llmi_option *rows;
    int32_t n_rows;
} llmi_option_group;

/* NULL beyond the last; NULL for a name that is not there. */
const llmi_option_group *llmi_option_group_at(int32_t index);
const llmi_option_group *llmi_option_group_find(const char *name);
const llmi_option *llmi_option_find(const llmi_option_group *group, const char *name);

/* A 64-bit number without sign. */
bool llmi_option_is_unsigned(const llmi_option *row);
/* Takes LLM_SEED_RANDOM, too, which is "random" as text. */
bool llmi_option_takes_random(const llmi_option *row);

/* Whether the number at `member` is the default or in the row's range; true for a text. */
bool llmi_option_holds(const llmi_option *row, const void *member);

/* What a member may be, for a message. Returns out. */
enum { LLMI_OPTION_RANGE_BYTES = 96 };
const char *llmi_option_range(char out[LLMI_OPTION_RANGE_BYTES], const llmi_option *row);

/* LLM_E_ARGUMENT with "NAME is VALUE, expected RANGE". */
llm_status llmi_option_refuse(const llmi_option *row, const void *member);

/* Refuses what does not hold: of one member, or of a whole structure, whose name then stands in front. The names of
 * group and member must be in the table. */
llm_status llmi_option_check_member(const char *group, const char *name, const void *member);
llm_status llmi_option_check(const char *group, const void *options);

/* The text that a member stands for when it is NULL; and puts those texts where members are NULL or empty. */
const char *llmi_option_text(const char *group, const char *name);
void llmi_option_fill_texts(const char *group, void *options);

#endif
