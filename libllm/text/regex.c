#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <pcre2.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"

enum {
    PATTERN_MAX = 1 << 16,
    WINDOW = 4096,
    MATCH_LIMIT = 1000000,   /* steps from one starting point: only hostile patterns come near */
    HEAP_LIMIT_KIB = 1 << 18 /* of the interpreter, where the compiled code's stack is too small */
};

struct llmi_regex {
    const llm_allocator *a;
    pcre2_general_context *memory;
    pcre2_code *code;
    pcre2_match_context *limits;
    bool compiled;
};

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

/* PCRE2's \s has U+180E, which is no White_Space any more; so the class is written out. */
#define SPACES "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

/* Marks are of words, too. */
#define WORDS                                                                                                          \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}"    \
    "\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}"

/* What Oniguruma and PCRE2 spell differently, outside ([0]) and inside ([1]) of a class. */
static const struct {
    char letter;
    const char *text[2];
} ESCAPES[] = {
    {'s', {"[" SPACES "]", SPACES}}, {'S', {"[^" SPACES "]", NULL}},      {'w', {"[" WORDS "]", WORDS}},
    {'W', {"[^" WORDS "]", NULL}},   {'h', {"[0-9a-fA-F]", "0-9a-fA-F"}},
};

static const char *find_escape(char letter, bool in_class) {
    for (size_t i = 0; i < sizeof ESCAPES / sizeof ESCAPES[0]; i++)
        if (ESCAPES[i].letter == letter) return ESCAPES[i].text[in_class];
    return NULL;
}

static bool translate(llmi_buf *out, const char *p, size_t n) {
    bool in_class = false;
    for (size_t i = 0; i < n; i++) {
        size_t len = p[i] == '\\' && i + 1 < n ? 2 : 1;
        const char *text = len == 2 ? find_escape(p[i + 1], in_class) : NULL;
        if (text) {
            if (!llmi_buf_append(out, text, strlen(text))) return false;
        } else if (!llmi_buf_append(out, p + i, len)) {
            return false;
        }
        if (len == 2) {
            i++;
        } else if (p[i] == '[' && !in_class) {
            in_class = true;
            /* A bracket that comes first is a member. */
            size_t next = i + 1 < n && p[i + 1] == '^' ? i + 2 : i + 1;
            if (next < n && p[next] == ']') {
                if (!llmi_buf_append(out, p + i + 1, next - i)) return false;
                i = next;
            }
        } else if (p[i] == ']') {
            in_class = false;
        }
    }
    return true;
}

static llm_status compile(llmi_regex *r, const char *pattern, size_t n) {
    int code = 0;
    size_t at = 0;
    r->memory = pcre2_general_context_create(get_memory, put_memory, (void *)r->a);
    r->limits = r->memory ? pcre2_match_context_create(r->memory) : NULL;
    pcre2_compile_context *context = r->limits ? pcre2_compile_context_create(r->memory) : NULL;
    if (!context) return LLM_E_MEMORY;
    pcre2_set_match_limit(r->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
    r->code =
        pcre2_compile((PCRE2_SPTR)pattern, n, PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &at, context);
    pcre2_compile_context_free(context);
    if (r->code) {
        r->compiled = pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0;
        return LLM_OK;
    }
    if (code == 121)
        return llmi_error(LLM_E_MEMORY, "out of memory while compiling a pattern"); /* as PCRE2 numbers it */
    PCRE2_UCHAR text[128] = "";
    pcre2_get_error_message(code, text, sizeof text);
    return llmi_error(LLM_E_UNSUPPORTED, "pattern \"%s\": %s at byte %zu", LLMI_QUOTE(pattern, n), (char *)text, at);
}

llm_status llmi_regex_create(llmi_regex **out, const llm_allocator *a, const char *pattern, size_t n) {
    *out = NULL;
    if (n > PATTERN_MAX) return llmi_error(LLM_E_LIMIT, "a pattern has %zu bytes, expected at most %d", n, PATTERN_MAX);
    llmi_regex *r = llmi_alloc_zero(a, sizeof *r);
    if (!r) return LLM_E_MEMORY;
    r->a = a;
    llmi_buf translated;
    llmi_buf_init(&translated, a);
    llm_status status = translate(&translated, pattern, n) ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) status = compile(r, translated.data ? translated.data : "", translated.len);
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
    pcre2_match_context_free(r->limits);
    pcre2_general_context_free(r->memory);
    llmi_free(r->a, r, sizeof *r);
}

/* ---- matching ---- */

static int match(const llmi_regex *r, llmi_work *w, const char *text, size_t n, size_t from) {
    PCRE2_SPTR subject = (PCRE2_SPTR)text;
    int code = PCRE2_ERROR_JIT_STACKLIMIT;
    if (r->compiled) code = pcre2_jit_match(r->code, subject, n, from, PCRE2_NO_UTF_CHECK, w->match, r->limits);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT)
        code = pcre2_match(r->code, subject, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, w->match, r->limits);
    return code;
}

/* The end of a window of the text that a pattern which gave up sees. */
static size_t window_end(const char *text, size_t n, size_t from) {
    size_t end = from + WINDOW;
    if (n <= WINDOW || end >= n) return n;
    while (end > from && ((unsigned char)text[end] & 0xc0) == 0x80) end--;
    return end;
}

/* A pattern that exceeds its limits, as one with nested repetitions does on very long runs, sees only
 * a window of the text from then on in this call; if that is too much as well, nothing matches. */
llm_status llmi_regex_find(llmi_work *w, const llmi_regex *r, const char *text, size_t n, size_t from, bool *found,
                           size_t *begin, size_t *end) {
    *found = false;
    if (!w->match) w->match = pcre2_match_data_create(1, r->memory);
    if (!w->match) return LLM_E_MEMORY;
    for (size_t at = from; at <= n;) {
        size_t stop = w->narrow ? window_end(text, n, at) : n;
        int code = match(r, w, text, stop, at);
        if (code == PCRE2_ERROR_NOMEMORY) return llmi_error(LLM_E_MEMORY, "out of memory while matching a pattern");
        if (code >= 0) {
            const size_t *pair = pcre2_get_ovector_pointer(w->match);
            *found = pair[0] <= pair[1]; /* not so if \K is in a lookahead */
            *begin = pair[0];
            *end = pair[1];
            return LLM_OK;
        }
        if (code != PCRE2_ERROR_NOMATCH && !w->narrow) {
            w->narrow = true;
            continue;
        }
        if (stop == n) break;
        at = stop;
    }
    return LLM_OK;
}

void llmi_regex_free_match(llmi_work *w) {
    pcre2_match_data_free(w->match);
    w->match = NULL;
}
