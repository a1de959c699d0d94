#define PCRE2_CODE_UNIT_WIDTH 8
#include "prompt/extract_regex.h"

#include <pcre2.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"

enum {
    USER_PATTERN_MAX = 1 << 14,
    MIN_STEPS = 1000000,
    STEPS_PER_BYTE = 64,
    DEPTH_LIMIT = 100000,
    HEAP_LIMIT_KIB = 1 << 14
};

struct llmi_extract_regex {
    const llm_allocator *a;
    pcre2_general_context *memory;
    pcre2_code *code;
    llmi_buf source; /* NUL-terminated */
};

/* PCRE2's memory comes from the host, whose free() wants sizes. */
static void *get_memory(size_t n, void *user) {
    if (n > SIZE_MAX - LLMI_ALIGN) return NULL;
    char *block = llmi_alloc(user, n + LLMI_ALIGN);
    if (!block) return NULL;
    memcpy(block, &n, sizeof n);
    return block + LLMI_ALIGN;
}

static void put_memory(void *ptr, void *user) {
    size_t n;
    if (!ptr) return;
    char *block = (char *)ptr - LLMI_ALIGN;
    memcpy(&n, block, sizeof n);
    llmi_free(user, block, n + LLMI_ALIGN);
}

/* Compiling recurses: PCRE2's own limit of 250 needs more stack than a thread of 64 KiB has. */
enum { MAX_PARENTHESES = 32 };

static llm_status compile(llmi_extract_regex *p, const char *pattern, size_t n) {
    enum { OUT_OF_MEMORY = 121 }; /* as pcre2_compile numbers it */
    int code = 0;
    size_t at = 0;
    p->memory = pcre2_general_context_create(get_memory, put_memory, (void *)p->a);
    pcre2_compile_context *context = p->memory ? pcre2_compile_context_create(p->memory) : NULL;
    if (!context) return LLM_E_MEMORY;
    uint32_t flags = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT;
    pcre2_set_parens_nest_limit(context, MAX_PARENTHESES);
    p->code = pcre2_compile((PCRE2_SPTR)pattern, n, flags, &code, &at, context);
    pcre2_compile_context_free(context);
    if (p->code) return LLM_OK;
    if (code == OUT_OF_MEMORY) return llmi_error(LLM_E_MEMORY, "out of memory while compiling a pattern");
    PCRE2_UCHAR text[128] = "";
    pcre2_get_error_message(code, text, sizeof text);
    return llmi_error(LLM_E_FORMAT, "pattern \"%s\": %s at byte %zu", LLMI_QUOTE(pattern, n), (char *)text, at);
}

llm_status llmi_extract_regex_create(llmi_extract_regex **out, const llm_allocator *a, const char *pattern, size_t n) {
    *out = NULL;
    if (n > USER_PATTERN_MAX)
        return llmi_error(LLM_E_LIMIT, "a pattern has %zu bytes, expected at most %d", n, USER_PATTERN_MAX);
    llmi_extract_regex *p = llmi_alloc_zero(a, sizeof *p);
    if (!p) return LLM_E_MEMORY;
    p->a = a;
    llmi_buf_init(&p->source, a);
    bool ok = llmi_buf_append(&p->source, pattern, n) && llmi_buf_append(&p->source, "", 1);
    llm_status status = ok ? compile(p, pattern, n) : LLM_E_MEMORY;
    if (status != LLM_OK) {
        llmi_extract_regex_destroy(p);
        return status;
    }
    *out = p;
    return LLM_OK;
}

void llmi_extract_regex_destroy(llmi_extract_regex *p) {
    if (!p) return;
    pcre2_code_free(p->code);
    pcre2_general_context_free(p->memory);
    llmi_buf_free(&p->source);
    llmi_free(p->a, p, sizeof *p);
}

/* ---- matching ---- */

/* What one call may spend. PCRE2's own limit starts again at each place where a match may begin, so its items are
 * counted instead, as it reports them before it tries each: one step, and one for each byte between it and the last
 * (what a repeat has run over); a back reference may compare all that is left. */
typedef struct budget {
    const char *pattern_bytes;
    int64_t steps;
    size_t at;
} budget;

static bool is_back_reference(const pcre2_callout_block *b, const char *pattern) {
    const char *item = pattern + b->pattern_position;
    return b->next_item_length > 1 && item[0] == '\\' && strchr("123456789gk", item[1]);
}

static int count_step(pcre2_callout_block *b, void *user) {
    budget *left = user;
    size_t at = b->current_position, moved = at > left->at ? at - left->at : left->at - at;
    if (is_back_reference(b, left->pattern_bytes)) moved += b->subject_length - at;
    left->steps -= 1 + (int64_t)moved;
    left->at = at;
    return left->steps < 0 ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static llm_status judge(llm_span *out, bool *found, int code, pcre2_match_data *data, llm_span text) {
    PCRE2_UCHAR why[128] = "";
    if (code == PCRE2_ERROR_NOMATCH) return LLM_OK;
    if (code == PCRE2_ERROR_NOMEMORY) return llmi_error(LLM_E_MEMORY, "out of memory while matching a pattern");
    if (code < 0) {
        pcre2_get_error_message(code, why, sizeof why);
        return llmi_error(LLM_E_LIMIT, "a pattern takes too many steps on a text of %zu bytes: %s", text.len,
                          (char *)why);
    }
    const size_t *pairs = pcre2_get_ovector_pointer(data);
    size_t group = 0;
    for (int i = code - 1; i > 0; i--)
        if (pairs[2 * i] != PCRE2_UNSET) group = (size_t)i;
    if (pairs[2 * group] > pairs[2 * group + 1]) return LLM_OK; /* \K in a lookahead */
    *found = true;
    *out = (llm_span){text.ptr + pairs[2 * group], pairs[2 * group + 1] - pairs[2 * group]};
    return LLM_OK;
}

static pcre2_match_context *make_limits(const llmi_extract_regex *p, budget *left) {
    pcre2_match_context *limits = pcre2_match_context_create(p->memory);
    if (!limits) return NULL;
    pcre2_set_match_limit(limits, UINT32_MAX);
    pcre2_set_depth_limit(limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
    pcre2_set_callout(limits, count_step, left);
    return limits;
}

llm_status llmi_extract_regex_find(llm_span *out, bool *found, const llmi_extract_regex *p, const char *text,
                                   size_t n) {
    *found = false;
    budget left = {.pattern_bytes = p->source.data, .steps = MIN_STEPS};
    if (n < INT64_MAX / STEPS_PER_BYTE / 2) left.steps += STEPS_PER_BYTE * (int64_t)n;
    pcre2_match_context *limits = make_limits(p, &left);
    pcre2_match_data *data = limits ? pcre2_match_data_create_from_pattern(p->code, p->memory) : NULL;
    llm_status status = LLM_E_MEMORY;
    if (data) {
        int code = pcre2_match(p->code, (PCRE2_SPTR)text, n, 0, PCRE2_NO_UTF_CHECK, data, limits);
        status = judge(out, found, code, data, (llm_span){text, n});
    }
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
    return status;
}
