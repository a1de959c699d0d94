
#include "api/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/check.h"
#include "base/options.h"
#include "base/philox.h"
#include "base/text.h"
#include "format/dtype_size.h"

/* Writes what the caller knows of it: a program may be older or newer than the library. */
static void init(void *options, size_t n_bytes, const char *group) {
    const llmi_option_group *g = llmi_option_group_find(group);
    uint32_t size = (uint32_t)n_bytes;
    if (!options || n_bytes < sizeof size) return;
    memset(options, 0, n_bytes);
    memcpy(options, g->defaults, n_bytes < g->n_bytes ? n_bytes : g->n_bytes);
    memcpy(options, &size, sizeof size);
}

#define GROUP(group, last)                                                                                             \
    LLM_API void llm_##group##_options_init_sized(llm_##group##_options *options, size_t n_bytes) {                    \
        init(options, n_bytes, #group);                                                                                \
    }
#define OPTION(group, name, type, default_as, min, max, meaning)
#define MEMBER(group, name)
#define END(group)
#include "base/options.def"

/* ---- reading ---- */

static int32_t load_dtype(const void *member) {
    int32_t value;
    memcpy(&value, member, sizeof value);
    return value;
}

/* The numbers of data types have gaps. */
static llm_status check_dtypes(const llmi_option_group *g, const void *options) {
    for (int32_t i = 0; i < g->n_rows; i++) {
        const llmi_option *row = &g->rows[i];
        const char *member = (const char *)options + row->offset;
        if (row->type != LLM_OPTION_DTYPE || load_dtype(member) == LLM_DTYPE_AUTO) continue;
        if (!llmi_dtype_size_get(load_dtype(member)))
            return llmi_error_in(llmi_option_refuse(row, member), "%s", g->what);
    }
    return LLM_OK;
}

/* 53 bits, so that every language and JSON keep the number. */
static void settle_seed(llm_generate_options *o) {
    if (o->seed != LLM_SEED_RANDOM) return;
    struct timespec now;
    if (getentropy(&o->seed, sizeof o->seed) != 0) { /* no such call in a sandbox: what differs from call to call */
        clock_gettime(CLOCK_REALTIME, &now);
        const uint32_t key[2] = {(uint32_t)now.tv_nsec, (uint32_t)now.tv_sec}, counter[4] = {(uint32_t)getpid()};
        uint32_t r[4];
        llmi_philox(r, counter, key);
        o->seed = (uint64_t)r[1] << 32 | r[0];
    }
    o->seed >>= 11;
}

llm_status llmi_options_get(void *dst, const char *group, const void *src) {
    const llmi_option_group *g = llmi_option_group_find(group);
    memcpy(dst, g->defaults, g->n_bytes);
    llm_status status = llmi_options_read(dst, g->n_bytes, src, g->first_bytes, g->what);
    if (status == LLM_OK) status = llmi_option_check(group, dst);
    if (status == LLM_OK) status = check_dtypes(g, dst);
    if (status == LLM_OK && g->defaults == &llmi_generate_defaults) settle_seed(dst);
    return status;
}

/* ---- the table as data ---- */

LLM_API int32_t llm_option_count(const char *group) {
    llmi_error_clear();
    const llmi_option_group *g = group ? llmi_option_group_find(group) : NULL;
    return g ? g->n_rows : 0;
}

static llm_status no_such_group(const char *group) {
    enum { MOST_GROUPS = 16 };
    const char *names[MOST_GROUPS];
    char known[128] = "";
    size_t n_names = 0, n = 0;
    for (const llmi_option_group *g; n_names < MOST_GROUPS && (g = llmi_option_group_at((int32_t)n_names)); n_names++) {
        names[n_names] = g->name;
        n += llmi_format(known + n, sizeof known - n, "%s%s", n ? ", " : "", g->name);
    }
    const char *nearest = llmi_api_nearest(group, names, n_names);
    return llmi_error(LLM_E_NOT_FOUND, "there is no option group \"%s\"%s%s%s: known are %s",
                      LLMI_QUOTE(group, strlen(group)), nearest ? ", did you mean \"" : "", nearest ? nearest : "",
                      nearest ? "\"?" : "", known);
}

LLM_API llm_status llm_option_get(llm_option_info *out, const char *group, int32_t index) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(group);
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_option_info, maximum), "llm_option_info");
    if (status != LLM_OK) return status;
    const llmi_option_group *g = llmi_option_group_find(group);
    if (!g) return no_such_group(group);
    if (index < 0 || index >= g->n_rows)
        return llmi_error(LLM_E_ARGUMENT, "option %d of group %s, expected 0..%d", index, group, g->n_rows - 1);
    const llmi_option *row = &g->rows[index];
    llm_option_info info = {
        .type = row->type,
        .name = row->name,
        .meaning = row->meaning,
        .default_as = row->default_as,
        .minimum = row->min,
        .maximum = row->max,
    };
    llmi_api_write_out(out, &info, sizeof info);
    return LLM_OK;
}

/* ---- setting by name ---- */

static bool parse_int(uint64_t *out, const llmi_option *row, const char *text) {
    char *end;
    if (llmi_option_takes_random(row) && strcmp(text, "random") == 0) {
        *out = LLM_SEED_RANDOM;
        return true;
    }
    if (!(*text >= '0' && *text <= '9') && *text != '-') return false;
    errno = 0;
    if (llmi_option_is_unsigned(row))
        *out = *text == '-' ? (errno = ERANGE, 0) : strtoull(text, &end, 10);
    else
        *out = (uint64_t)strtoll(text, &end, 10);
    return !errno && end != text && !*end;
}

static bool parse_float(double *out, const char *text) {
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text)) return false;
    *out = llmi_strtod(text, &end);
    return !*end;
}

static bool parse_bool(uint64_t *out, const char *text) {
    static const char *const words[][2] = {{"0", "1"}, {"false", "true"}, {"no", "yes"}, {"off", "on"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        for (uint64_t value = 0; value < 2; value++)
            if (strcmp(text, words[i][value]) == 0) {
                *out = value;
                return true;
            }
    return false;
}

/* A member's value before it is known to be right. */
typedef union parsed {
    const char *text;
    int64_t wide;
    int32_t narrow;
    float number;
} parsed;

static bool parse_dtype(uint64_t *out, const char *text) {
    llm_dtype dtype = LLM_DTYPE_AUTO;
    if (strcmp(text, "auto") != 0 && llm_dtype_parse(&dtype, text) != LLM_OK) return false;
    *out = (uint64_t)(int64_t)dtype;
    return true;
}

static bool parse(parsed *out, const llmi_option *row, const char *text) {
    uint64_t bits = 0;
    double number = 0;
    bool ok = true;
    if (row->type == LLM_OPTION_STRING) {
        out->text = text;
        return true;
    }
    if (row->type == LLM_OPTION_FLOAT) {
        ok = parse_float(&number, text);
        out->number = (float)number;
        return ok;
    }
    if (row->type == LLM_OPTION_BOOL)
        ok = parse_bool(&bits, text);
    else if (row->type == LLM_OPTION_DTYPE)
        ok = parse_dtype(&bits, text);
    else
        ok = parse_int(&bits, row, text);
    if (row->n_bytes == sizeof out->wide) {
        out->wide = (int64_t)bits;
        return ok;
    }
    out->narrow = (int32_t)(int64_t)bits;
    return ok && out->narrow == (int64_t)bits;
}

static llm_status no_such_option(const llmi_option_group *g, const char *name) {
    enum { MOST_OPTIONS = 64 };
    const char *names[MOST_OPTIONS];
    size_t n = 0;
    for (; n < MOST_OPTIONS && n < (size_t)g->n_rows; n++) names[n] = g->rows[n].name;
    const char *nearest = llmi_api_nearest(name, names, n);
    return llmi_error(LLM_E_NOT_FOUND, "there is no option \"%s\" in group %s%s%s%s", LLMI_QUOTE(name, strlen(name)),
                      g->name, nearest ? ": did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

LLM_API llm_status llm_option_set(void *options, const char *group, const char *name, const char *value) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(options);
    LLMI_NOT_NULL(group);
    LLMI_NOT_NULL(name);
    LLMI_NOT_NULL(value);
    const llmi_option_group *g = llmi_option_group_find(group);
    if (!g) return no_such_group(group);
    const llmi_option *row = llmi_option_find(g, name);
    if (!row) return no_such_option(g, name);
    llm_status status = llmi_api_check_out(options, row->offset + row->n_bytes, g->what);
    if (status != LLM_OK) return status;
    parsed member;
    if (parse(&member, row, value) && llmi_option_holds(row, &member)) {
        memcpy((char *)options + row->offset, &member, row->n_bytes);
        return LLM_OK;
    }
    char range[LLMI_OPTION_RANGE_BYTES];
    return llmi_error(LLM_E_ARGUMENT, "%s is \"%s\", expected %s", name, LLMI_QUOTE(value, strlen(value)),
                      llmi_option_range(range, row));
}
