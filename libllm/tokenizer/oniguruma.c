/* One pass over the pattern, from left to right: each construct is written as PCRE2 spells it. What a quantifier
 * applies to is remembered as the place in the output where it begins. Classes are read in oniguruma_class.c. */
#include "tokenizer/oniguruma.h"

#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"
#include "tokenizer/oniguruma_class.h"

enum {
    MAX_DEPTH = 32,     /* of groups */
    MAX_REPEAT = 65535, /* as PCRE2 */
    MAX_STACKED = 8,    /* quantifiers of one atom: a+*?... */
};

/* What a quantifier would apply to. */
typedef enum quantified { NOTHING, ASSERTION, ATOM } quantified;

typedef struct pattern_group {
    size_t begin; /* of its text in the output */
    unsigned options;
    unsigned owed; /* parentheses that isolated options such as (?i) opened in it */
    quantified becomes;
} pattern_group;

typedef struct pattern_parser {
    llmi_oniguruma_reader r;
    llmi_buf *out;
    pattern_group groups[MAX_DEPTH];
    unsigned depth;
    unsigned n_captures;
    bool named; /* the pattern has named groups: others do not capture then */
    quantified last;
    size_t last_at; /* where the last atom begins in the output */
    int stacked;    /* quantifiers that it has already */
} pattern_parser;

static llm_status put(pattern_parser *p, const char *text) {
    return llmi_buf_append(p->out, text, strlen(text)) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status refuse(const pattern_parser *p, size_t at, const char *what) {
    return llmi_oniguruma_refuse(&p->r, at, what);
}

/* Begins an atom at the end of the output. */
static void begin_atom(pattern_parser *p) {
    p->last = ATOM;
    p->last_at = p->out->len;
    p->stacked = 0;
}

static llm_status put_atom(pattern_parser *p, const char *text) {
    begin_atom(p);
    return put(p, text);
}

static llm_status put_assertion(pattern_parser *p, const char *text) {
    p->last = ASSERTION;
    p->r.folded = 0;
    return put(p, text);
}

/* ---- quantifiers ---- */

/* Puts a group around the last atom, so that another quantifier may follow. */
static llm_status wrap(pattern_parser *p) {
    static const char open[] = "(?:";
    size_t n = sizeof open - 1;
    if (!llmi_buf_reserve(p->out, n + 1)) return LLM_E_MEMORY;
    char *at = p->out->data + p->last_at;
    memmove(at + n, at, p->out->len - p->last_at);
    memcpy(at, open, n);
    p->out->len += n;
    return put(p, ")");
}

static llm_status repeat(pattern_parser *p, size_t at, const char *text, const char *mode) {
    if (p->last == NOTHING) return refuse(p, at, "a quantifier without anything to repeat");
    if (p->last == ASSERTION) return refuse(p, at, "a repeated assertion");
    if (p->stacked >= MAX_STACKED) return refuse(p, at, "so many quantifiers in a row");
    llm_status status = p->stacked ? wrap(p) : LLM_OK;
    if (status == LLM_OK) status = put(p, text);
    if (status == LLM_OK) status = put(p, mode);
    p->stacked++;
    p->r.folded = 0;
    return status;
}

static bool read_count(llmi_oniguruma_reader *r, uint32_t *out) {
    size_t begin = r->at;
    uint32_t n = 0;
    for (; r->at < r->n && r->p[r->at] >= '0' && r->p[r->at] <= '9'; r->at++)
        if (n <= MAX_REPEAT) n = n * 10 + (uint32_t)(r->p[r->at] - '0');
    *out = n;
    return r->at > begin;
}

/* {n} {n,} {,m} {n,m}; false, and nothing read, where the brace is only a brace. */
static bool read_interval(llmi_oniguruma_reader *r, uint32_t *min, uint32_t *max, bool *fixed) {
    size_t begin = r->at++;
    bool low = read_count(r, min), comma = llmi_oniguruma_take(r, ','), high = comma && read_count(r, max);
    if ((low || high) && llmi_oniguruma_take(r, '}')) {
        *fixed = !comma;
        if (!low) *min = 0;
        if (!comma) *max = *min;
        if (comma && !high) *max = UINT32_MAX;
        return true;
    }
    r->at = begin;
    return false;
}

static llm_status put_interval(pattern_parser *p, size_t at, uint32_t min, uint32_t max, bool fixed) {
    char text[48];
    bool turned = min > max; /* {3,1} is {1,3}, and possessive */
    if (turned) {
        uint32_t least = max;
        max = min;
        min = least;
    }
    if (min > MAX_REPEAT || (max > MAX_REPEAT && max != UINT32_MAX)) return refuse(p, at, "a count above 65535");
    if (max == UINT32_MAX)
        llmi_format(text, sizeof text, "{%u,}", min);
    else
        llmi_format(text, sizeof text, "{%u,%u}", min, max);
    bool lazy = !turned && llmi_oniguruma_take(&p->r, '?');
    if (!lazy || !fixed) return repeat(p, at, text, turned ? "+" : lazy ? "?" : "");
    llm_status status = repeat(p, at, text, "");
    return status == LLM_OK ? repeat(p, at, "?", "") : status; /* {2}? is (?:{2})? */
}

static llm_status simple_repeat(pattern_parser *p, size_t at, char c) {
    const char text[2] = {c, 0};
    p->r.at++;
    if (llmi_oniguruma_take(&p->r, '?')) return repeat(p, at, text, "?");
    if (llmi_oniguruma_take(&p->r, '+')) return repeat(p, at, text, "+");
    return repeat(p, at, text, "");
}

/* ---- groups ---- */

static llm_status open_group(pattern_parser *p, size_t at, const char *text, quantified becomes) {
    if (p->depth == MAX_DEPTH) return refuse(p, at, "a group in 32 others");
    p->groups[p->depth++] = (pattern_group){.begin = p->out->len, .options = p->r.options, .becomes = becomes};
    p->last = NOTHING;
    p->r.folded = 0;
    return put(p, text);
}

static llm_status put_owed(pattern_parser *p, unsigned owed) {
    for (; owed; owed--) {
        llm_status status = put(p, ")");
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status close_group(pattern_parser *p) {
    if (p->depth <= 1) return refuse(p, p->r.at, "a \")\" without \"(\"");
    pattern_group g = p->groups[--p->depth];
    p->r.at++;
    p->r.options = g.options;
    p->r.folded = 0;
    p->last = g.becomes;
    p->last_at = g.begin;
    p->stacked = 0;
    llm_status status = put_owed(p, g.owed);
    return status == LLM_OK ? put(p, ")") : status;
}

/* (?i) or (?i-m:...), at the first letter. Only what changes the case is said to PCRE2; the others change what is
 * written for a dot, and which characters of the pattern count. */
static llm_status read_options(pattern_parser *p, size_t at) {
    static const struct {
        char letter;
        unsigned option;
    } LETTERS[] = {{'i', LLMI_ONIGURUMA_CASELESS}, {'m', LLMI_ONIGURUMA_DOT_ALL}, {'x', LLMI_ONIGURUMA_EXTENDED}};
    unsigned options = p->r.options;
    bool off = false;
    char c = 0;
    for (; p->r.at < p->r.n; p->r.at++) {
        c = p->r.p[p->r.at];
        if (c == ')' || c == ':') break;
        unsigned option = 0;
        for (size_t i = 0; i < sizeof LETTERS / sizeof LETTERS[0]; i++)
            if (LETTERS[i].letter == c) option = LETTERS[i].option;
        if (c == '-')
            off = true;
        else if (!option)
            return refuse(p, at, "this kind of group");
        else
            options = off ? options & ~option : options | option;
    }
    if (p->r.at == p->r.n) return refuse(p, at, "a group that does not end");
    p->r.at++;
    const char *text = options & LLMI_ONIGURUMA_CASELESS ? "(?i:" : "(?-i:";
    llm_status status = LLM_OK;
    if (c == ':') {
        status = open_group(p, at, text, ATOM);
    } else {
        pattern_group *g = &p->groups[p->depth - 1];
        if (g->owed == MAX_DEPTH) return refuse(p, at, "so many options in a row");
        g->owed++;
        p->last = NOTHING;
        p->r.folded = 0;
        status = put(p, text);
    }
    p->r.options = options;
    return status;
}

static llm_status skip_comment(pattern_parser *p, size_t at) {
    llmi_oniguruma_reader *r = &p->r;
    for (; r->at < r->n && r->p[r->at] != ')'; r->at++)
        if (r->p[r->at] == '\\') r->at++;
    if (r->at >= r->n) return refuse(p, at, "a comment that does not end");
    r->at++;
    return LLM_OK;
}

static llm_status open_capture(pattern_parser *p, size_t at) {
    p->n_captures++;
    return open_group(p, at, p->named ? "(?:" : "(", ATOM);
}

static llm_status read_name(pattern_parser *p, size_t at, char end) {
    const char *name = p->r.p + p->r.at, *close = memchr(name, end, p->r.n - p->r.at);
    bool named = close && close > name && !strchr("0123456789-+", name[0]);
    if (!named) return refuse(p, at, "this kind of group");
    p->r.at += (size_t)(close - name) + 1;
    return open_group(p, at, "(?:", ATOM); /* nothing refers to it */
}

static llm_status read_group(pattern_parser *p) {
    static const struct {
        const char *begin;
        quantified becomes;
    } KINDS[] = {{"(?:", ATOM},      {"(?>", ATOM},       {"(?=", ASSERTION},
                 {"(?!", ASSERTION}, {"(?<=", ASSERTION}, {"(?<!", ASSERTION}};
    llmi_oniguruma_reader *r = &p->r;
    size_t at = r->at;
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++)
        if (llmi_oniguruma_take_text(r, KINDS[i].begin)) return open_group(p, at, KINDS[i].begin, KINDS[i].becomes);
    if (llmi_oniguruma_take_text(r, "(?#")) return skip_comment(p, at);
    if (llmi_oniguruma_take_text(r, "(?<")) return read_name(p, at, '>');
    if (llmi_oniguruma_take_text(r, "(?'")) return read_name(p, at, '\'');
    if (llmi_oniguruma_take_text(r, "(?")) return read_options(p, at);
    if (llmi_oniguruma_take_text(r, "(*")) return refuse(p, at, "this kind of group");
    r->at++;
    return open_capture(p, at);
}

/* ---- escapes ---- */

#define WORD_AHEAD  "(?=[" LLMI_ONIGURUMA_WORDS "])"
#define WORD_BEHIND "(?<=[" LLMI_ONIGURUMA_WORDS "])"
#define NO_AHEAD    "(?![" LLMI_ONIGURUMA_WORDS "])"
#define NO_BEHIND   "(?<![" LLMI_ONIGURUMA_WORDS "])"

static const struct {
    char letter;
    quantified becomes;
    const char *text; /* NULL: not to be had */
} ESCAPES[] = {
    {'R', ATOM, "(?>\\r\\n|[\\n-\\r\\x{85}\\x{2028}\\x{2029}])"},
    {'N', ATOM, "[^\\n]"},
    {'O', ATOM, "(?s:.)"},
    {'K', ASSERTION, "\\K"},
    {'A', ASSERTION, "\\A"},
    {'z', ASSERTION, "\\z"},
    {'Z', ASSERTION, "\\Z"},
    {'b', ASSERTION, "(?:" WORD_BEHIND NO_AHEAD "|" NO_BEHIND WORD_AHEAD ")"},
    {'B', ASSERTION, "(?:" WORD_BEHIND WORD_AHEAD "|" NO_BEHIND NO_AHEAD ")"},
    {'G', ASSERTION, NULL},
    {'X', ATOM, NULL},
    {'y', ASSERTION, NULL},
    {'Y', ASSERTION, NULL},
    {'k', ATOM, NULL},
    {'g', ATOM, NULL},
};

/* \1 */
static llm_status read_reference(pattern_parser *p, size_t at) {
    char c = p->r.p[p->r.at + 1], text[8];
    bool longer = p->r.at + 2 < p->r.n && p->r.p[p->r.at + 2] >= '0' && p->r.p[p->r.at + 2] <= '9';
    if (longer || p->named || (unsigned)(c - '0') > p->n_captures) return refuse(p, at, "this reference to a group");
    p->r.at += 2;
    p->r.folded = 0;
    llmi_format(text, sizeof text, "\\g{%c}", c);
    return put_atom(p, text);
}

static llm_status put_literal(pattern_parser *p, size_t at, uint32_t c) {
    llm_status status = llmi_oniguruma_check_literal(&p->r, at, c);
    begin_atom(p);
    return status == LLM_OK ? llmi_oniguruma_put_char(p->out, c) : status;
}

static llm_status read_escape(pattern_parser *p) {
    llmi_oniguruma_reader *r = &p->r;
    size_t at = r->at;
    char c = at + 1 < r->n ? r->p[at + 1] : 0;
    for (size_t i = 0; i < sizeof ESCAPES / sizeof ESCAPES[0]; i++) {
        if (ESCAPES[i].letter != c) continue;
        if (!ESCAPES[i].text) return refuse(p, at, "this escape");
        r->at += 2;
        if (ESCAPES[i].becomes == ASSERTION) return put_assertion(p, ESCAPES[i].text);
        r->folded = 0;
        return put_atom(p, ESCAPES[i].text);
    }
    bool two = at + 2 < r->n && r->p[at + 2] >= '0' && r->p[at + 2] <= '7'; /* \101, with less than ten groups, is A */
    if (c >= '1' && c <= '9' && !(two && c <= '7' && p->n_captures < 10)) return read_reference(p, at);
    llmi_oniguruma_item item;
    llm_status status = llmi_oniguruma_read_escape(r, &item, false);
    if (status != LLM_OK) return status;
    if (!item.is_set) return put_literal(p, at, item.code);
    r->folded = 0;
    begin_atom(p);
    status = put(p, item.negated ? "[^" : "[");
    if (status == LLM_OK) status = put(p, llmi_oniguruma_set(&item));
    return status == LLM_OK ? put(p, "]") : status;
}

/* ---- all ---- */

static bool skips(pattern_parser *p, char c) {
    llmi_oniguruma_reader *r = &p->r;
    if (!(r->options & LLMI_ONIGURUMA_EXTENDED)) return false;
    if (c == '#') {
        while (r->at < r->n && r->p[r->at] != '\n') r->at++;
        return true;
    }
    if (!c || !strchr(" \t\n\r\f\v", c)) return false;
    r->at++;
    return true;
}

static llm_status read_interval_or_brace(pattern_parser *p) {
    uint32_t min = 0, max = 0;
    bool fixed;
    size_t at = p->r.at;
    if (read_interval(&p->r, &min, &max, &fixed)) return put_interval(p, at, min, max, fixed);
    p->r.at++;
    return put_literal(p, at, '{');
}

static llm_status read_class(pattern_parser *p) {
    begin_atom(p);
    p->r.folded = 0;
    return llmi_oniguruma_read_class(&p->r, p->out);
}

static llm_status read_one(pattern_parser *p) {
    llmi_oniguruma_reader *r = &p->r;
    size_t at = r->at, len;
    char c = r->p[at];
    if (skips(p, c)) return LLM_OK;
    switch (c) {
    case '(':
        return read_group(p);
    case ')':
        return close_group(p);
    case '[':
        return read_class(p);
    case '\\':
        return read_escape(p);
    case '{':
        return read_interval_or_brace(p);
    case '*':
    case '+':
    case '?':
        return simple_repeat(p, at, c);
    default:
        break;
    }
    uint32_t code = llmi_utf8_decode(r->p + at, r->n - at, &len);
    if (code == LLMI_UTF8_INVALID) return refuse(p, at, "a byte that is not UTF-8");
    r->at += len;
    if (c == '.') r->folded = 0;
    if (c == '.') return put_atom(p, r->options & LLMI_ONIGURUMA_DOT_ALL ? "(?s:.)" : "[^\\n]");
    if (c == '^') return put_assertion(p, "^");
    if (c == '$') return put_assertion(p, "$");
    if (c != '|') return put_literal(p, at, code);
    p->last = NOTHING;
    r->folded = 0;
    return put(p, "|");
}

/* Whether some group has a name. */
static bool has_names(const char *p, size_t n) {
    for (size_t i = 0; i + 3 < n; i++) {
        if (p[i] == '\\') {
            i++;
            continue;
        }
        if (p[i] != '(' || p[i + 1] != '?') continue;
        if (p[i + 2] == '\'' || (p[i + 2] == '<' && p[i + 3] != '=' && p[i + 3] != '!')) return true;
    }
    return false;
}

llm_status llmi_oniguruma_translate(llmi_buf *out, const char *pattern, size_t n) {
    pattern_parser p = {
        .r = {.p = pattern, .n = n, .a = out->a}, .out = out, .depth = 1, .named = has_names(pattern, n)};
    p.groups[0].begin = out->len;
    llm_status status = LLM_OK;
    while (p.r.at < n && status == LLM_OK) status = read_one(&p);
    if (status == LLM_OK && p.depth > 1) status = refuse(&p, n, "a group that does not end");
    return status == LLM_OK ? put_owed(&p, p.groups[0].owed) : status;
}
