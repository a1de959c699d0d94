#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/regex.h"

#include <pcre2.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tokenizer/oniguruma.h"

enum {
    PATTERN_MAX = 1 << 16,
    MAX_NESTING = 40,         /* of groups in the translated pattern: PCRE2's compiler recurses, 70 fill 64 KiB */
    LEAST_STEPS = 64,         /* that a match is tried with, from each place where it may begin */
    LEAST_VIEW = 256,         /* bytes of the text that are in view then */
    GROWTH = 8,               /* of steps and view, where they were too few for one place */
    HEAP_KIB = 32 << 10,      /* of the interpreter, where the compiled code's stack is too small ... */
    HEAP_MORE = 512,          /* ... and bytes for each byte of the text ... */
    HEAP_KIB_MOST = 256 << 10 /* ... but no more than these */
};

struct llmi_regex {
    const llm_allocator *a;
    pcre2_general_context *memory;
    pcre2_code *code, *anchored; /* the same pattern; the second one matches only where it is told to begin */
    bool compiled;
};

/* What matching needs in one call. */
typedef struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *limits;
} matcher;

/* ---- PCRE2's memory comes from the host, whose free() wants sizes ---- */

enum { HEADER = LLMI_ALIGN };

static void *get_memory(size_t n, void *user) {
    if (n > SIZE_MAX - HEADER) return NULL;
    char *block = llmi_alloc(user, n + HEADER);
    if (!block) return NULL;
    memcpy(block, &n, sizeof n);
    return block + HEADER;
}

static void put_memory(void *ptr, void *user) {
    if (!ptr) return;
    char *block = (char *)ptr - HEADER;
    size_t n;
    memcpy(&n, block, sizeof n);
    llmi_free(user, block, n + HEADER);
}

/* ---- creation ---- */

static llm_status no_pattern(const char *pattern, size_t n, int code, size_t at) {
    if (code == 121) /* as PCRE2 numbers it */
        return llmi_error(LLM_E_MEMORY, "out of memory while compiling a pattern");
    PCRE2_UCHAR text[128] = "";
    pcre2_get_error_message(code, text, sizeof text);
    return llmi_error(LLM_E_UNSUPPORTED, "pattern \"%s\": %s at byte %zu", LLMI_QUOTE(pattern, n), (char *)text, at);
}

static llm_status compile_one(pcre2_code **out, const llmi_regex *r, const char *pattern, size_t n, uint32_t options) {
    int code = 0;
    size_t at = 0;
    pcre2_compile_context *context = pcre2_compile_context_create(r->memory);
    if (!context) return LLM_E_MEMORY;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, MAX_NESTING);
    options |= PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;
    *out = pcre2_compile((PCRE2_SPTR)pattern, n, options, &code, &at, context);
    pcre2_compile_context_free(context);
    return *out ? LLM_OK : no_pattern(pattern, n, code, at);
}

static llm_status compile(llmi_regex *r, const char *pattern, size_t n, bool jit) {
    r->memory = pcre2_general_context_create(get_memory, put_memory, (void *)r->a);
    if (!r->memory) return LLM_E_MEMORY;
    llm_status status = compile_one(&r->code, r, pattern, n, 0);
    if (status == LLM_OK) status = compile_one(&r->anchored, r, pattern, n, PCRE2_ANCHORED);
    if (status != LLM_OK || !jit) return status;
    uint32_t how = PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD;
    r->compiled = pcre2_jit_compile(r->code, how) == 0 && pcre2_jit_compile(r->anchored, how) == 0;
    return LLM_OK;
}

llm_status llmi_regex_create(llmi_regex **out, const llm_allocator *a, const char *pattern, size_t n, bool jit) {
    *out = NULL;
    if (n > PATTERN_MAX) return llmi_error(LLM_E_LIMIT, "a pattern has %zu bytes, expected at most %d", n, PATTERN_MAX);
    llmi_regex *r = llmi_alloc_zero(a, sizeof *r);
    if (!r) return LLM_E_MEMORY;
    r->a = a;
    llmi_buf translated;
    llmi_buf_init(&translated, a);
    llm_status status = llmi_oniguruma_translate(&translated, pattern, n);
    if (status == LLM_OK) status = compile(r, translated.data ? translated.data : "", translated.len, jit);
    llmi_buf_free(&translated);
    if (status != LLM_OK) {
        llmi_regex_destroy(r);
        return status;
    }
    *out = r;
    return LLM_OK;
}

void llmi_regex_destroy(llmi_regex *r) {
    if (!r) return;
    pcre2_code_free(r->code);
    pcre2_code_free(r->anchored);
    /* Machine code is in memory of its own, which PCRE2 would keep for the next pattern. */
    if (r->memory) pcre2_jit_free_unused_memory(r->memory);
    pcre2_general_context_free(r->memory);
    llmi_free(r->a, r, sizeof *r);
}

/* ---- matching ---- */

static llm_status get_matcher(llmi_encode_work *w, const llmi_regex *r, matcher **out) {
    *out = w->match;
    if (*out) return LLM_OK;
    matcher *m = llmi_alloc_zero(w->a, sizeof *m);
    if (!m) return LLM_E_MEMORY;
    w->match = *out = m;
    m->data = pcre2_match_data_create(1, r->memory);
    m->limits = pcre2_match_context_create(r->memory);
    if (!m->data || !m->limits) return LLM_E_MEMORY;
    return LLM_OK;
}

void llmi_regex_free_match(llmi_encode_work *w) {
    matcher *m = w->match;
    if (!m) return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->limits);
    llmi_free(w->a, m, sizeof *m);
    w->match = NULL;
}

/* How the next call is tried. */
typedef struct attempt {
    size_t at, view; /* text[0..at+view-1] is in view */
    uint32_t steps;  /* from each place where the match may begin */
    bool alone;      /* which is only `at` */
} attempt;

static attempt begin_at(size_t at) {
    return (attempt){.at = at, .view = LEAST_VIEW, .steps = LEAST_STEPS};
}

static size_t end_of_view(const attempt *t, const char *text, size_t n) {
    size_t end = n - t->at <= t->view ? n : t->at + t->view;
    while (end < n && ((unsigned char)text[end] & 0xc0) == 0x80) end++;
    return end;
}

/* Where the end in view is not the end of the text, a match that would look beyond it is PCRE2_ERROR_PARTIAL. */
static int try(const llmi_regex *r, matcher *m, const char *text, size_t end, size_t n, const attempt *t) {
    size_t kib = HEAP_KIB + end / 1024 * HEAP_MORE;
    uint32_t options = PCRE2_NO_UTF_CHECK | (end == n ? 0 : PCRE2_PARTIAL_HARD);
    const pcre2_code *code = t->alone ? r->anchored : r->code;
    pcre2_set_heap_limit(m->limits, kib < HEAP_KIB_MOST ? (uint32_t)kib : HEAP_KIB_MOST);
    pcre2_set_match_limit(m->limits, t->steps);
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    int answer = PCRE2_ERROR_JIT_STACKLIMIT;
    if (r->compiled) answer = pcre2_jit_match(code, subject, end, t->at, options, m->data, m->limits);
    if (answer == PCRE2_ERROR_JIT_STACKLIMIT)
        answer = pcre2_match(code, subject, end, t->at, options | PCRE2_NO_JIT, m->data, m->limits);
    return answer;
}

/* After an attempt without a match, the last place of which was `place`: the next one. */
static attempt next_attempt(const attempt *t, int answer, const char *text, size_t end, size_t n, size_t place,
                            int64_t steps_left) {
    attempt next = *t;
    if (answer == PCRE2_ERROR_NOMATCH && !t->alone) return begin_at(end < n ? end : n + 1);
    if (answer == PCRE2_ERROR_NOMATCH)
        return begin_at(t->at < n ? t->at + llmi_utf8_step(text + t->at, n - t->at) : n + 1);
    if (answer == PCRE2_ERROR_PARTIAL && place > t->at) return begin_at(place);
    next.alone = true; /* more, for one place: others may not need it */
    if (answer == PCRE2_ERROR_PARTIAL)
        next.view *= GROWTH;
    else if (t->alone)
        next.steps = t->steps <= UINT32_MAX / GROWTH ? t->steps * GROWTH : UINT32_MAX;
    if (next.steps > steps_left) next.steps = (uint32_t)steps_left;
    return next;
}

static llm_status failed(int answer) {
    if (answer == PCRE2_ERROR_NOMEMORY) return llmi_error(LLM_E_MEMORY, "out of memory while matching a pattern");
    return llmi_error(LLM_E_LIMIT, "a pattern of the tokenizer needs more memory for this text than it may take");
}

static bool is_failure(int answer) {
    return answer < 0 && answer != PCRE2_ERROR_NOMATCH && answer != PCRE2_ERROR_PARTIAL &&
           answer != PCRE2_ERROR_MATCHLIMIT;
}

/* The first match at or after `from`. */
static llm_status find(llmi_encode_work *w, const llmi_regex *r, const char *text, size_t n, size_t from, bool *found,
                       size_t *begin, size_t *end) {
    matcher *m;
    *found = false;
    llm_status status = get_matcher(w, r, &m);
    if (status != LLM_OK) return status;
    for (attempt t = begin_at(from); t.at <= n;) {
        size_t view_end = end_of_view(&t, text, n);
        int answer = try(r, m, text, view_end, n, &t);
        if (is_failure(answer)) return failed(answer);
        const size_t *pair = pcre2_get_ovector_pointer(m->data);
        bool placed = (answer >= 0 || answer == PCRE2_ERROR_PARTIAL) && pair[0] >= t.at && pair[0] <= view_end;
        size_t place = placed ? pair[0] : t.alone ? t.at : view_end;
        if (!llmi_encode_spend(w, (place - t.at + 1) * t.steps + (t.alone ? t.view : 0))) return llmi_encode_spent();
        if (answer >= 0) {
            *found = pair[0] <= pair[1]; /* not so if \K is in a lookahead */
            *begin = pair[0];
            *end = pair[1];
            return LLM_OK;
        }
        t = next_attempt(&t, answer, text, view_end, n, place, w->steps);
    }
    return LLM_OK;
}

llm_status llmi_regex_next(llmi_encode_work *w, llmi_regex_matches *m, bool *found, size_t *begin, size_t *end) {
    *found = false;
    if (!m->n) return LLM_OK; /* the reference looks for nothing in nothing */
    while (m->from <= m->n) {
        llm_status status = find(w, m->r, m->text, m->n, m->from, found, begin, end);
        if (status != LLM_OK || !*found) return status;
        bool again = *begin == *end && m->any && *end == m->last_end;
        m->from = !again ? *end : m->from + (m->from < m->n ? llmi_utf8_step(m->text + m->from, m->n - m->from) : 1);
        if (again) continue;
        m->last_end = *end;
        m->any = true;
        return LLM_OK;
    }
    *found = false;
    return LLM_OK;
}
