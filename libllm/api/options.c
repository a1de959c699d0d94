
#include "api/options.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/check.h"
#include "base/options.h"
#include "base/philox.h"
#include "base/text.h"
#include "format/dtype_size.h"
#include "jinja/jinja.h"
#include "model/model.h"

typedef struct option_row {
    const char *group, *name;
    int32_t type;
    const char *default_as;
    double min, max;
    const char *meaning;
    size_t offset, n_bytes;
} option_row;

#define ANY      ((double)FLT_MAX)
#define POSITIVE ((double)FLT_MIN)

static const option_row rows[] = {
#define OPTION(group, name, type, default_as, min, max, meaning)                                                       \
    {#group,                                                                                                           \
     #name,                                                                                                            \
     LLM_OPTION_##type,                                                                                                \
     default_as,                                                                                                       \
     min,                                                                                                              \
     max,                                                                                                              \
     meaning,                                                                                                          \
     offsetof(llm_##group##_options, name),                                                                            \
     sizeof(((llm_##group##_options *)0)->name)},
#include "api/options.def"
#undef OPTION
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

const llm_engine_options llmi_engine_defaults = {
    .struct_size = sizeof(llm_engine_options),
    .n_seqs = 8,
    .n_batch = 512,
    .kv_dtype = LLM_DTYPE_AUTO,
    .prefix_cache = 1,
};

const llm_generate_options llmi_generate_defaults = {
    .struct_size = sizeof(llm_generate_options),
    .max_tokens = -1,
    .n = 1,
    .top_p = 1,
    .typical_p = 1,
    .repetition_penalty = 1,
    .penalty_window = 64,
    .n_logprobs = -1,
    .add_special = 1,
};

const llm_quantize_options llmi_quantize_defaults = {
    .struct_size = sizeof(llm_quantize_options),
    .output_dtype = LLM_DTYPE_AUTO,
};

const llm_template_options llmi_template_defaults = {
    .struct_size = sizeof(llm_template_options),
    .max_depth = LLMI_JINJA_MAX_DEPTH,
    .max_steps = LLMI_JINJA_STEPS,
    .max_output_bytes = LLMI_JINJA_OUTPUT_BYTES,
    .max_memory_bytes = LLMI_JINJA_MEMORY_BYTES,
    .now = LLM_NOW_CLOCK,
};

const llm_prompt_options llmi_prompt_defaults = {.struct_size = sizeof(llm_prompt_options)};

const llm_fill_options llmi_fill_defaults = {
    .struct_size = sizeof(llm_fill_options),
    .k = 4,
    .chat = -1,
    .mmr_lambda = 0.5f,
    .bm25_k1 = 1.2f,
    .bm25_b = 0.75f,
};

const llm_ask_options llmi_ask_defaults = {
    .struct_size = sizeof(llm_ask_options),
    .n_samples = 1,
    .early_stop = 1,
    .answer_tokens = 32,
    .step_tokens = 128,
    .n_thoughts = 3,
    .breadth = 2,
    .depth = 3,
};

static const struct group {
    const char *name, *what;
    const void *defaults;
    size_t n_bytes, first_bytes;
} groups[] = {
    {"runtime", "llm_runtime_options", &llmi_runtime_defaults, sizeof llmi_runtime_defaults,
     LLMI_UPTO(llm_runtime_options, plugin_dir)},
    {"model", "llm_model_options", &llmi_model_defaults, sizeof llmi_model_defaults,
     LLMI_UPTO(llm_model_options, pack_weights)},
    {"engine", "llm_engine_options", &llmi_engine_defaults, sizeof llmi_engine_defaults,
     LLMI_UPTO(llm_engine_options, n_threads)},
    {"generate", "llm_generate_options", &llmi_generate_defaults, sizeof llmi_generate_defaults,
     LLMI_UPTO(llm_generate_options, parse_special)},
    {"quantize", "llm_quantize_options", &llmi_quantize_defaults, sizeof llmi_quantize_defaults,
     LLMI_UPTO(llm_quantize_options, progress_user)},
    {"template", "llm_template_options", &llmi_template_defaults, sizeof llmi_template_defaults,
     LLMI_UPTO(llm_template_options, now)},
    {"prompt", "llm_prompt_options", &llmi_prompt_defaults, sizeof llmi_prompt_defaults,
     LLMI_UPTO(llm_prompt_options, rationale_field)},
    {"fill", "llm_fill_options", &llmi_fill_defaults, sizeof llmi_fill_defaults, LLMI_UPTO(llm_fill_options, seed)},
    {"ask", "llm_ask_options", &llmi_ask_defaults, sizeof llmi_ask_defaults, LLMI_UPTO(llm_ask_options, reserved)},
};

enum { N_GROUPS = sizeof groups / sizeof groups[0] };

static const struct group *find_group(const char *name) {
    for (int i = 0; i < N_GROUPS; i++)
        if (strcmp(groups[i].name, name) == 0) return &groups[i];
    return NULL;
}

/* Writes what the caller knows of it: a program may be older or newer than the library. */
static void init(void *options, size_t n_bytes, const char *group) {
    const struct group *g = find_group(group);
    uint32_t size = (uint32_t)n_bytes;
    if (!options || n_bytes < sizeof size) return;
    memset(options, 0, n_bytes);
    memcpy(options, g->defaults, n_bytes < g->n_bytes ? n_bytes : g->n_bytes);
    memcpy(options, &size, sizeof size);
}

LLM_API void llm_runtime_options_init_sized(llm_runtime_options *options, size_t n_bytes) {
    init(options, n_bytes, "runtime");
}

LLM_API void llm_model_options_init_sized(llm_model_options *options, size_t n_bytes) {
    init(options, n_bytes, "model");
}

LLM_API void llm_engine_options_init_sized(llm_engine_options *options, size_t n_bytes) {
    init(options, n_bytes, "engine");
}

LLM_API void llm_generate_options_init_sized(llm_generate_options *options, size_t n_bytes) {
    init(options, n_bytes, "generate");
}

LLM_API void llm_quantize_options_init_sized(llm_quantize_options *options, size_t n_bytes) {
    init(options, n_bytes, "quantize");
}

LLM_API void llm_template_options_init_sized(llm_template_options *options, size_t n_bytes) {
    init(options, n_bytes, "template");
}

LLM_API void llm_prompt_options_init_sized(llm_prompt_options *options, size_t n_bytes) {
    init(options, n_bytes, "prompt");
}

LLM_API void llm_fill_options_init_sized(llm_fill_options *options, size_t n_bytes) {
    init(options, n_bytes, "fill");
}

LLM_API void llm_ask_options_init_sized(llm_ask_options *options, size_t n_bytes) {
    init(options, n_bytes, "ask");
}

/* ---- a member as a number ---- */

static bool is_unsigned(const option_row *row) {
    return row->max > 9.3e18;
}

static bool takes_random(const option_row *row) {
    return is_unsigned(row) && strcmp(row->group, "generate") == 0;
}

static void store_int(void *member, const option_row *row, uint64_t bits) {
    int32_t narrow = (int32_t)(int64_t)bits;
    if (row->n_bytes == sizeof narrow)
        memcpy(member, &narrow, sizeof narrow);
    else
        memcpy(member, &bits, sizeof bits);
}

static int64_t load_int(const void *member, const option_row *row) {
    int32_t narrow;
    int64_t wide;
    if (row->n_bytes == sizeof wide) {
        memcpy(&wide, member, sizeof wide);
        return wide;
    }
    memcpy(&narrow, member, sizeof narrow);
    return narrow;
}

/* ---- ranges ---- */

typedef char range_text[96];

static const char *describe_range(range_text out, const option_row *row) {
    if (row->type == LLM_OPTION_BOOL) {
        llmi_format(out, sizeof(range_text), "1 or 0");
    } else if (row->type == LLM_OPTION_DTYPE) {
        llmi_format(out, sizeof(range_text), "auto%s", row->max > LLM_DTYPE_F16 ? " or a data type" : ", F32 or F16");
    } else if (row->min == row->max) {
        llmi_format(out, sizeof(range_text), "a finite number");
    } else if (row->min == POSITIVE) {
        llmi_format(out, sizeof(range_text), row->max == ANY ? "a number above 0" : "above 0 and at most %g", row->max);
    } else if (row->max == ANY) {
        llmi_format(out, sizeof(range_text), "%g or more", row->min);
    } else if (row->type == LLM_OPTION_INT) {
        bool outside = strtoll(row->default_as, NULL, 10) < (int64_t)row->min;
        llmi_format(out, sizeof(range_text), "%" PRId64 "..%" PRIu64 "%s%s", (int64_t)row->min,
                    is_unsigned(row) ? UINT64_MAX : (uint64_t)row->max, outside ? ", or " : "",
                    outside ? row->default_as : "");
        if (takes_random(row)) llmi_format(out, sizeof(range_text), "0..%" PRIu64 ", or random", UINT64_MAX - 1);
    } else {
        llmi_format(out, sizeof(range_text), "%g..%g", row->min, row->max);
    }
    return out;
}

static bool in_range(const option_row *row, double value, double fallback) {
    if (value == fallback) return true;
    if (row->min == row->max) return isfinite(value);
    return value >= row->min && value <= row->max;
}

static double number_of(const void *options, const option_row *row) {
    const char *member = (const char *)options + row->offset;
    if (row->type != LLM_OPTION_FLOAT) return (double)load_int(member, row);
    float value;
    memcpy(&value, member, sizeof value);
    return (double)value;
}

/* Whether a stored number stands for a data type that exists. */
static bool is_dtype(double value) {
    return value == LLM_DTYPE_AUTO || llmi_dtype_size_get((int64_t)value);
}

static llm_status check_member(const struct group *g, const option_row *row, const void *options) {
    if (row->type == LLM_OPTION_STRING || is_unsigned(row)) return LLM_OK;
    double value = number_of(options, row);
    if (in_range(row, value, number_of(g->defaults, row)) && (row->type != LLM_OPTION_DTYPE || is_dtype(value)))
        return LLM_OK;
    range_text range;
    return llmi_error(LLM_E_ARGUMENT, "%s: %s is %.9g, expected %s", g->what, row->name, value,
                      describe_range(range, row));
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
    const struct group *g = find_group(group);
    memcpy(dst, g->defaults, g->n_bytes);
    llm_status status = llmi_options_read(dst, g->n_bytes, src, g->first_bytes, g->what);
    for (int i = 0; i < N_ROWS && status == LLM_OK; i++)
        if (strcmp(rows[i].group, group) == 0) status = check_member(g, &rows[i], dst);
    if (status == LLM_OK && strcmp(group, "generate") == 0) settle_seed(dst);
    return status;
}

/* ---- the table as data ---- */

LLM_API int32_t llm_option_count(const char *group) {
    llmi_error_clear();
    int32_t n = 0;
    for (int i = 0; i < N_ROWS && group; i++) n += strcmp(rows[i].group, group) == 0;
    return n;
}

static llm_status no_such_group(const char *group) {
    const char *names[N_GROUPS];
    for (int i = 0; i < N_GROUPS; i++) names[i] = groups[i].name;
    const char *nearest = llmi_api_nearest(group, names, N_GROUPS);
    return llmi_error(LLM_E_NOT_FOUND,
                      "there is no option group \"%s\"%s%s%s: known are runtime, model, engine, generate, quantize, "
                      "template, prompt, fill, ask",
                      LLMI_QUOTE(group, strlen(group)), nearest ? ", did you mean \"" : "", nearest ? nearest : "",
                      nearest ? "\"?" : "");
}

LLM_API llm_status llm_option_get(llm_option_info *out, const char *group, int32_t index) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(group);
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_option_info, maximum), "llm_option_info");
    if (status != LLM_OK) return status;
    if (!find_group(group)) return no_such_group(group);
    int32_t n = 0;
    for (int i = 0; i < N_ROWS; i++) {
        const option_row *row = &rows[i];
        if (strcmp(row->group, group) != 0 || n++ != index) continue;
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
    return llmi_error(LLM_E_ARGUMENT, "option %d of group %s, expected 0..%d", index, group, n - 1);
}

/* ---- setting by name ---- */

static bool parse_int(uint64_t *out, const option_row *row, const char *text) {
    char *end;
    if (takes_random(row) && strcmp(text, "random") == 0) {
        *out = LLM_SEED_RANDOM;
        return true;
    }
    if (!(*text >= '0' && *text <= '9') && *text != '-') return false;
    errno = 0;
    if (is_unsigned(row))
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

/* Writes the member only if the text is right. */
static bool set_member(void *member, const option_row *row, const void *defaults, const char *text) {
    double fallback = row->type == LLM_OPTION_STRING ? 0 : number_of(defaults, row);
    uint64_t bits = 0;
    double number = 0;
    llm_dtype dtype;
    bool ok = true;
    switch (row->type) {
    case LLM_OPTION_STRING:
        memcpy(member, &text, sizeof text);
        return true;
    case LLM_OPTION_FLOAT:
        if (!parse_float(&number, text)) return false;
        float narrow = (float)number;
        ok = in_range(row, (double)narrow, fallback);
        if (ok) memcpy(member, &narrow, sizeof narrow);
        return ok;
    case LLM_OPTION_BOOL:
        ok = parse_bool(&bits, text);
        break;
    case LLM_OPTION_DTYPE:
        ok = strcmp(text, "auto") == 0 || llm_dtype_parse(&dtype, text) == LLM_OK;
        bits = (uint64_t)(int64_t)(strcmp(text, "auto") == 0 ? LLM_DTYPE_AUTO : ok ? dtype : 0);
        ok = ok && in_range(row, (double)(int64_t)bits, fallback);
        break;
    default:
        ok = parse_int(&bits, row, text) && (is_unsigned(row) || in_range(row, (double)(int64_t)bits, fallback));
    }
    if (ok) store_int(member, row, bits);
    return ok;
}

static llm_status no_such_option(const char *group, const char *name) {
    const char *names[N_ROWS];
    size_t n = 0;
    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].group, group) == 0) names[n++] = rows[i].name;
    const char *nearest = llmi_api_nearest(name, names, n);
    return llmi_error(LLM_E_NOT_FOUND, "there is no option \"%s\" in group %s%s%s%s", LLMI_QUOTE(name, strlen(name)),
                      group, nearest ? ": did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

LLM_API llm_status llm_option_set(void *options, const char *group, const char *name, const char *value) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(options);
    LLMI_NOT_NULL(group);
    LLMI_NOT_NULL(name);
    LLMI_NOT_NULL(value);
    const struct group *g = find_group(group);
    if (!g) return no_such_group(group);
    for (int i = 0; i < N_ROWS; i++) {
        const option_row *row = &rows[i];
        if (strcmp(row->group, group) != 0 || strcmp(row->name, name) != 0) continue;
        llm_status status = llmi_api_check_out(options, row->offset + row->n_bytes, g->what);
        if (status != LLM_OK || set_member((char *)options + row->offset, row, g->defaults, value)) return status;
        range_text range;
        return llmi_error(LLM_E_ARGUMENT, "%s is \"%s\", expected %s", name, LLMI_QUOTE(value, strlen(value)),
                          describe_range(range, row));
    }
    return no_such_option(group, name);
}
