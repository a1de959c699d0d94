#include "base/option_table.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "base/text.h"

/* ---- the defaults ---- */

/* The default of a row as a value. An integer is read without its sign first: -2^63 has no other literal. */
enum { DTYPE_auto = LLM_DTYPE_AUTO };
#define VALUE_INT(text)    ((int64_t)(text##ull))
#define VALUE_FLOAT(text)  ((float)(text))
#define VALUE_BOOL(text)   (text)
#define VALUE_STRING(text) NULL
#define VALUE_DTYPE(text)  DTYPE_##text

#define GROUP(group, last)                                                                                             \
    const llm_##group##_options llmi_##group##_defaults = {.struct_size = sizeof(llm_##group##_options),
#define OPTION(group, name, type, default_as, min, max, meaning) .name = VALUE_##type(default_as),
#define MEMBER(group, name)
#define END(group)                                                                                                     \
    }                                                                                                                  \
    ;
#include "base/options.def"
#undef GROUP
#undef OPTION
#undef END

/* ---- the rows ---- */

#define ANY      ((double)FLT_MAX)
#define POSITIVE ((double)FLT_MIN)

#define TEXT_INT(text)    #text
#define TEXT_FLOAT(text)  #text
#define TEXT_BOOL(text)   #text
#define TEXT_STRING(text) text
#define TEXT_DTYPE(text)  #text

#define GROUP(group, last) static const llmi_option group##_rows[] = {
#define OPTION(group, name, type, default_as, min, max, meaning)                                                       \
    {#name,                                                                                                            \
     TEXT_##type(default_as),                                                                                          \
     meaning,                                                                                                          \
     LLM_OPTION_##type,                                                                                                \
     min,                                                                                                              \
     max,                                                                                                              \
     &llmi_##group##_defaults.name,                                                                                    \
     offsetof(llm_##group##_options, name),                                                                            \
     sizeof llmi_##group##_defaults.name},
#define END(group)                                                                                                     \
    }                                                                                                                  \
    ;
#include "base/options.def"
#undef GROUP
#undef OPTION
#undef END

static const llmi_option_group groups[] = {
#define GROUP(group, last)                                                                                             \
    {#group,                                                                                                           \
     "llm_" #group "_options",                                                                                         \
     &llmi_##group##_defaults,                                                                                         \
     sizeof llmi_##group##_defaults,                                                                                   \
     LLMI_UPTO(llm_##group##_options, last),                                                                           \
     group##_rows,                                                                                                     \
     sizeof group##_rows / sizeof group##_rows[0]},
#define OPTION(group, name, type, default_as, min, max, meaning)
#define END(group)
#include "base/options.def"
};

enum { N_GROUPS = sizeof groups / sizeof groups[0] };

const llmi_option_group *llmi_option_group_at(int32_t index) {
    return index >= 0 && index < N_GROUPS ? &groups[index] : NULL;
}

const llmi_option_group *llmi_option_group_find(const char *name) {
    for (int32_t i = 0; i < N_GROUPS; i++)
        if (strcmp(groups[i].name, name) == 0) return &groups[i];
    return NULL;
}

const llmi_option *llmi_option_find(const llmi_option_group *group, const char *name) {
    for (int32_t i = 0; i < group->n_rows; i++)
        if (strcmp(group->rows[i].name, name) == 0) return &group->rows[i];
    return NULL;
}

/* ---- ranges ---- */

bool llmi_option_is_unsigned(const llmi_option *row) {
    return row->type == LLM_OPTION_INT && row->max > (double)INT64_MAX;
}

bool llmi_option_takes_random(const llmi_option *row) {
    return row->fallback == &llmi_generate_defaults.seed;
}

static int64_t load_int(const llmi_option *row, const void *member) {
    int32_t narrow;
    int64_t wide;
    if (row->n_bytes == sizeof wide) {
        memcpy(&wide, member, sizeof wide);
        return wide;
    }
    memcpy(&narrow, member, sizeof narrow);
    return narrow;
}

static float load_float(const void *member) {
    float value;
    memcpy(&value, member, sizeof value);
    return value;
}

static double load_number(const llmi_option *row, const void *member) {
    return row->type == LLM_OPTION_FLOAT ? (double)load_float(member) : (double)load_int(row, member);
}

bool llmi_option_holds(const llmi_option *row, const void *member) {
    if (row->type == LLM_OPTION_STRING || llmi_option_is_unsigned(row)) return true;
    double value = load_number(row, member);
    if (value == load_number(row, row->fallback)) return true;
    return row->min == row->max ? isfinite(value) : value >= row->min && value <= row->max;
}

static const char *range_of_ints(char *out, const llmi_option *row) {
    size_t n = LLMI_OPTION_RANGE_BYTES;
    if (llmi_option_takes_random(row))
        llmi_format(out, n, "0..%" PRIu64 ", or random", UINT64_MAX - 1);
    else if (llmi_option_is_unsigned(row))
        llmi_format(out, n, "0..%" PRIu64, UINT64_MAX);
    else if ((double)load_int(row, row->fallback) < row->min)
        llmi_format(out, n, "%.0f..%" PRIu64 ", or %s", row->min, (uint64_t)row->max, row->default_as);
    else
        llmi_format(out, n, "%.0f..%" PRIu64, row->min, (uint64_t)row->max);
    return out;
}

const char *llmi_option_range(char out[LLMI_OPTION_RANGE_BYTES], const llmi_option *row) {
    size_t n = LLMI_OPTION_RANGE_BYTES;
    if (row->type == LLM_OPTION_BOOL)
        llmi_format(out, n, "1 or 0");
    else if (row->type == LLM_OPTION_DTYPE)
        llmi_format(out, n, "auto%s", row->max > LLM_DTYPE_F16 ? " or a data type" : ", F32 or F16");
    else if (row->min == row->max)
        llmi_format(out, n, "a finite number");
    else if (row->min == POSITIVE)
        llmi_format(out, n, row->max == ANY ? "a number above 0" : "above 0 and at most %g", row->max);
    else if (row->max == ANY)
        llmi_format(out, n, "%g or more", row->min);
    else if (row->type == LLM_OPTION_INT)
        range_of_ints(out, row);
    else
        llmi_format(out, n, "%g..%g", row->min, row->max);
    return out;
}

/* ---- checks ---- */

llm_status llmi_option_refuse(const llmi_option *row, const void *member) {
    char value[LLMI_NUMBER_BYTES], range[LLMI_OPTION_RANGE_BYTES];
    if (row->type == LLM_OPTION_FLOAT)
        llmi_number_f32(value, load_float(member));
    else
        llmi_format(value, sizeof value, "%" PRId64, load_int(row, member));
    return llmi_error(LLM_E_ARGUMENT, "%s is %s, expected %s", row->name, value, llmi_option_range(range, row));
}

static llm_status check_row(const llmi_option *row, const void *member) {
    return llmi_option_holds(row, member) ? LLM_OK : llmi_option_refuse(row, member);
}

llm_status llmi_option_check_member(const char *group, const char *name, const void *member) {
    return check_row(llmi_option_find(llmi_option_group_find(group), name), member);
}

llm_status llmi_option_check(const char *group, const void *options) {
    const llmi_option_group *g = llmi_option_group_find(group);
    for (int32_t i = 0; i < g->n_rows; i++) {
        llm_status status = check_row(&g->rows[i], (const char *)options + g->rows[i].offset);
        if (status != LLM_OK) return llmi_error_in(status, "%s", g->what);
    }
    return LLM_OK;
}

/* ---- texts ---- */

const char *llmi_option_text(const char *group, const char *name) {
    return llmi_option_find(llmi_option_group_find(group), name)->default_as;
}

void llmi_option_fill_texts(const char *group, void *options) {
    const llmi_option_group *g = llmi_option_group_find(group);
    for (int32_t i = 0; i < g->n_rows; i++) {
        const llmi_option *row = &g->rows[i];
        const char *text;
        if (row->type != LLM_OPTION_STRING || !row->default_as[0]) continue;
        memcpy(&text, (char *)options + row->offset, sizeof text);
        if (!text || !*text) memcpy((char *)options + row->offset, &row->default_as, sizeof text);
    }
}
