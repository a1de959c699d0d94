/* Regular expressions: what the dialects of JavaScript and Python have in common and an automaton can match. */
#include "grammar/regex_syntax.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "grammar/compile.h"
#include "grammar/reader.h"

typedef struct regex {
    llmi_reader s;
    llmi_chars_fn chars;
    bool whole;
    bool ended;   /* $ was the last */
    bool counted; /* the last element has a quantifier */
    size_t begin; /* of the branch of the whole expression */
} regex;

/* Every dialect agrees that these, and no others, are of the class; \s is wider in some, so \S is narrow. */
static const llmi_ir_range digits[] = {{'0', '9'}};
static const llmi_ir_range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const llmi_ir_range spaces[] = {{'\t', '\r'}, {' ', ' '}};
static const llmi_ir_range no_digits[] = {{0, '/'}, {':', 0x7f}};
static const llmi_ir_range no_words[] = {{0, '/'}, {':', '@'}, {'[', '^'}, {'`', '`'}, {'{', 0x7f}};
static const llmi_ir_range no_spaces[] = {{0, 8},           {0x0e, 0x1b},     {0x21, 0x84},     {0x86, 0x9f},
                                          {0xa1, 0x167f},   {0x1681, 0x1fff}, {0x200b, 0x2027}, {0x202a, 0x202e},
                                          {0x2030, 0x205e}, {0x2060, 0x2fff}, {0x3001, 0xfefe}, {0xff00, 0x10ffff}};
static const llmi_ir_range any[] = {{0, 9}, {0x0b, 0x0c}, {0x0e, 0x2027}, {0x202a, 0x10ffff}};

#define CLASS(letter, ranges)                                                                                          \
    { letter, ranges, sizeof ranges / sizeof ranges[0] }
static const struct {
    char letter;
    const llmi_ir_range *ranges;
    size_t n;
} classes[] = {CLASS('d', digits),    CLASS('w', words),    CLASS('s', spaces),
               CLASS('D', no_digits), CLASS('W', no_words), CLASS('S', no_spaces)};
enum { N_CLASSES = sizeof classes / sizeof classes[0], N_KINDS = N_CLASSES / 2 };

static int32_t unsupported(regex *r, size_t at, const char *what) {
    int32_t node = llmi_reader_fault(&r->s, at, "%s cannot be part of a grammar", what);
    r->s.ir->status = LLM_E_UNSUPPORTED;
    return node;
}

static int32_t chars(regex *r, const llmi_ir_range *ranges, size_t n) {
    llmi_ir *ir = r->s.ir;
    llmi_buf copy;
    llmi_buf_init(&copy, ir->a);
    if (ir->status == LLM_OK && n && !llmi_buf_append(&copy, ranges, n * sizeof *ranges))
        llmi_ir_fail(ir, LLM_E_MEMORY);
    int32_t node = -1;
    if (ir->status == LLM_OK) node = (r->chars ? r->chars : llmi_ir_chars)(ir, (llmi_ir_range *)(void *)copy.data, n);
    llmi_buf_free(&copy);
    return node;
}

/* ---- escapes ---- */

static uint32_t braced_hex(llmi_reader *s) {
    size_t end = ++s->at;
    while (end < s->n && s->text[end] != '}' && end - s->at < 7) end++;
    uint32_t c = llmi_reader_hex(s, (int)(end - s->at));
    if (!llmi_reader_is(s, '}')) llmi_reader_fault(s, s->at, "expected \"}\"");
    s->at++;
    return c;
}

/* \uHHHH, of which two may be the halves of one character, or \u{H..}. */
static uint32_t read_unicode(regex *r) {
    llmi_reader *s = &r->s;
    if (llmi_reader_is(s, '{')) return braced_hex(s);
    uint32_t high = llmi_reader_half(s), low;
    if (high < 0xd800 || high > 0xdbff) return llmi_reader_whole(s, high, 4);
    bool pair = s->n - s->at >= 6 && s->text[s->at] == '\\' && s->text[s->at + 1] == 'u';
    if (!pair) return llmi_reader_whole(s, high, 4);
    s->at += 2;
    low = llmi_reader_half(s);
    if (low < 0xdc00 || low > 0xdfff) return llmi_reader_whole(s, high, 10);
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static bool is_digit(const llmi_reader *s) {
    return s->at < s->n && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

/* After a backslash: a class, of which NULL says that it is one character, *c. */
static const llmi_ir_range *read_escape(regex *r, size_t *n, uint32_t *c, bool in_class) {
    static const char from[] = "nrtfv0", to[] = "\n\r\t\f\v";
    llmi_reader *s = &r->s;
    size_t at = s->at - 1;
    *c = llmi_reader_next(s);
    for (size_t i = 0; i < N_CLASSES; i++)
        if (*c == (uint32_t)classes[i].letter) {
            *n = classes[i].n;
            return classes[i].ranges;
        }
    bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
    const char *found = letter ? strchr(from, (int)*c) : NULL;
    if (found && !(*c == '0' && is_digit(s)))
        *c = (uint32_t)(unsigned char)to[found - from];
    else if (*c == 'x')
        *c = llmi_reader_hex(s, 2);
    else if (*c == 'u')
        *c = read_unicode(r);
    else if (*c == 'b' && in_class)
        *c = '\b';
    else if (*c == LLMI_UTF8_INVALID)
        llmi_reader_fault(s, at, "the escape has no character");
    else if (letter)
        unsupported(r, at, LLMI_QUOTE(s->text + at, s->at - at));
    return NULL;
}

/* ---- elements ---- */

static void add_char(regex *r, uint32_t c) {
    llmi_ir_range one = {c, c};
    llmi_reader_group_add(&r->s, chars(r, &one, 1));
}

static void add_escape(regex *r) {
    size_t n;
    uint32_t c;
    r->s.at++;
    const llmi_ir_range *class = read_escape(r, &n, &c, false);
    if (class)
        llmi_reader_group_add(&r->s, chars(r, class, n));
    else if (r->s.ir->status == LLM_OK)
        add_char(r, c);
}

/* What some dialect may take for the class: everything but what all dialects take for its opposite. A class that is
 * negated must not let any of it through. */
static bool add_wide(llmi_buf *ranges, const llmi_ir_range *class) {
    size_t i = 0;
    while (classes[i].ranges != class) i++;
    i = i < N_KINDS ? i + N_KINDS : i - N_KINDS;
    llmi_buf wide;
    llmi_buf_init(&wide, ranges->a);
    bool ok = llmi_buf_append(&wide, classes[i].ranges, classes[i].n * sizeof *class) && llmi_ir_complement(&wide) &&
              llmi_buf_append(ranges, wide.data, wide.len);
    llmi_buf_free(&wide);
    return ok;
}

static uint32_t class_char(regex *r, llmi_buf *ranges, bool negated, bool *is_class) {
    size_t n = 0;
    uint32_t c = llmi_reader_next(&r->s);
    const llmi_ir_range *class = c == '\\' ? read_escape(r, &n, &c, true) : NULL;
    *is_class = class != NULL;
    bool ok = !class || (negated ? add_wide(ranges, class) : llmi_buf_append(ranges, class, n * sizeof *class));
    if (!ok) llmi_ir_fail(r->s.ir, LLM_E_MEMORY);
    return c;
}

/* Refuses what dialects read in different ways: POSIX classes, which JavaScript and Python take for single characters,
 * and "]" as the first of a class. */
static void check_class(regex *r) {
    llmi_reader *s = &r->s;
    const char *end = s->text + s->n, *at = s->text + s->at;
    if (llmi_reader_is(s, ']')) unsupported(r, s->at, "\"]\" as the first of a class (\"\\\\]\" is the character)");
    if (end - at < 4 || at[0] != '[' || !strchr(":.=", at[1])) return;
    const char *close = at + 2;
    while (close < end && ((*close >= 'a' && *close <= 'z') || *close == '^' || *close == '-')) close++;
    if (end - close < 2 || close[0] != at[1] || close[1] != ']') return;
    char what[64];
    llmi_format(what, sizeof what, "the POSIX class %s (write its characters)",
                LLMI_QUOTE(at, (size_t)(close + 2 - at)));
    unsupported(r, s->at, what);
}

static void add_class(regex *r) {
    llmi_reader *s = &r->s;
    size_t begin = s->at++;
    llmi_buf ranges;
    llmi_buf_init(&ranges, s->ir->a);
    bool negated = llmi_reader_is(s, '^');
    s->at += negated;
    check_class(r);
    while (s->ir->status == LLM_OK && s->at < s->n && s->text[s->at] != ']') {
        size_t at = s->at;
        bool is_class, ends_in_class = false;
        check_class(r);
        llmi_ir_range one;
        one.first = one.last = class_char(r, &ranges, negated, &is_class);
        if (is_class) continue;
        if (llmi_reader_is(s, '-') && s->at + 1 < s->n && s->text[s->at + 1] != ']') {
            s->at++;
            one.last = class_char(r, &ranges, negated, &ends_in_class);
        }
        if (s->ir->status == LLM_OK && (ends_in_class || one.last < one.first))
            llmi_reader_fault(s, at, "the range ends before it begins");
        if (s->ir->status == LLM_OK && !llmi_buf_push(&ranges, one)) llmi_ir_fail(s->ir, LLM_E_MEMORY);
    }
    if (!llmi_reader_is(s, ']')) llmi_reader_fault(s, begin, "the class has no end");
    s->at++;
    if (s->ir->status == LLM_OK && negated && !llmi_ir_complement(&ranges)) llmi_ir_fail(s->ir, LLM_E_MEMORY);
    if (s->ir->status == LLM_OK)
        llmi_reader_group_add(
            s, chars(r, (const llmi_ir_range *)(const void *)ranges.data, llmi_buf_count(&ranges, llmi_ir_range)));
    llmi_buf_free(&ranges);
}

static void add_repeat(regex *r) {
    llmi_reader *s = &r->s;
    char c = s->text[s->at];
    size_t begin = s->at++;
    int32_t min = c == '+', max = c == '?' ? 1 : LLMI_IR_UNLIMITED;
    if (c == '{' && !llmi_reader_bounds(s, &min, &max)) return;
    if (llmi_reader_is(s, '+')) unsupported(r, s->at, "a possessive quantifier");
    if (llmi_reader_is(s, '?')) s->at++; /* lazy */
    int32_t node = begin > r->begin && !r->counted ? llmi_reader_group_take(s) : -1;
    if (node < 0)
        llmi_reader_fault(s, begin, "there is nothing to repeat before \"%c\"", c);
    else
        llmi_reader_group_add(s, llmi_ir_repeat(s->ir, node, min, max));
    r->counted = true;
}

/* ---- groups and ends ---- */

/* After "(?": skips names and non-capturing marks. */
static void group_kind(regex *r, size_t begin) {
    static const struct {
        const char *begin, *what;
    } others[] = {{"=", "a lookahead"},       {"!", "a negative lookahead"},
                  {"<=", "a lookbehind"},     {"<!", "a negative lookbehind"},
                  {"P=", "a back reference"}, {"#", "a comment"},
                  {">", "an atomic group"},   {"(", "a condition"},
                  {"|", "a branch reset"}};
    llmi_reader *s = &r->s;
    s->at++;
    if (llmi_reader_is(s, ':')) {
        s->at++;
        return;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        size_t n = strlen(others[i].begin);
        if (s->n - s->at < n || memcmp(s->text + s->at, others[i].begin, n) != 0) continue;
        unsupported(r, begin, others[i].what);
        return;
    }
    if (llmi_reader_is(s, 'P')) s->at++;
    bool named = llmi_reader_is(s, '<');
    while (named && s->at < s->n && s->text[s->at] != '>') s->at++;
    if (named && llmi_reader_is(s, '>'))
        s->at++;
    else
        unsupported(r, begin, "an option inside of the pattern, such as (?i),");
}

/* A branch of the whole expression begins or ends: without an anchor it may match anywhere. */
static void begin_branch(regex *r) {
    llmi_reader *s = &r->s;
    bool anchored = llmi_reader_is(s, '^');
    r->begin = s->at += anchored;
    r->ended = false;
    if (anchored) return;
    static const llmi_ir_range all = {0, 0x10ffff};
    if (!r->whole) llmi_reader_group_add(s, llmi_ir_repeat(s->ir, chars(r, &all, 1), 0, LLMI_IR_UNLIMITED));
}

static void end_branch(regex *r) {
    static const llmi_ir_range all = {0, 0x10ffff};
    if (!r->whole && !r->ended)
        llmi_reader_group_add(&r->s, llmi_ir_repeat(r->s.ir, chars(r, &all, 1), 0, LLMI_IR_UNLIMITED));
}

static void add_anchor(regex *r) {
    llmi_reader *s = &r->s;
    bool ends = s->text[s->at] == '$' && llmi_reader_depth(s) == 1 && (s->at + 1 == s->n || s->text[s->at + 1] == '|');
    if (!ends) {
        unsupported(r, s->at, "an anchor that is not at an end of the whole");
        return;
    }
    r->ended = true;
    s->at++;
}

static void add_element(regex *r) {
    llmi_reader *s = &r->s;
    char c = s->text[s->at];
    if (!c || !strchr("*+?{", c)) r->counted = false;
    if (c == '\\') {
        add_escape(r);
    } else if (c == '[') {
        add_class(r);
    } else if (c == '.') {
        s->at++;
        llmi_reader_group_add(s, chars(r, any, sizeof any / sizeof any[0]));
    } else if (c && strchr("*+?{", c)) {
        add_repeat(r);
    } else if (c == '^' || c == '$') {
        add_anchor(r);
    } else if (c == '|') {
        bool top = llmi_reader_depth(s) == 1;
        if (top) end_branch(r);
        s->at++;
        llmi_reader_group_branch(s);
        if (top) begin_branch(r);
    } else if (c == '(') {
        size_t begin = s->at;
        llmi_reader_group_open(s);
        s->at++;
        if (llmi_reader_is(s, '?')) group_kind(r, begin);
    } else if (c == ')') {
        if (llmi_reader_depth(s) < 2) {
            llmi_reader_fault(s, s->at, "a group closes that was not opened");
            return;
        }
        s->at++;
        llmi_reader_group_add(s, llmi_reader_group_close(s));
    } else {
        add_char(r, llmi_reader_next(s));
    }
}

int32_t llmi_grammar_regex(llmi_ir *ir, const char *text, size_t n, bool whole, llmi_chars_fn chars_fn) {
    regex r = {.chars = chars_fn, .whole = whole};
    llmi_reader *s = &r.s;
    llmi_reader_init(s, ir, text, n);
    llmi_reader_group_open(s);
    begin_branch(&r);
    while (ir->status == LLM_OK && s->at < n) add_element(&r);
    if (ir->status == LLM_OK && llmi_reader_depth(s) > 1)
        llmi_reader_fault(s, llmi_buf_at(&s->groups, llmi_reader_group, llmi_reader_depth(s) - 1).at,
                          "the group has no end");
    end_branch(&r);
    int32_t node = llmi_reader_group_close(s);
    llmi_reader_free(s);
    return node;
}

llm_status llmi_grammar_from_regex(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text,
                                   size_t n) {
    llmi_ir ir;
    *out = NULL;
    llmi_ir_init(&ir, a);
    int32_t root = llmi_ir_rule_new(&ir, "regular expression", 18);
    llmi_ir_define(&ir, root, llmi_grammar_regex(&ir, text, n, true, NULL));
    llm_status status = ir.status == LLM_OK ? llmi_grammar_make(out, &ir, root, t) : ir.status;
    llmi_ir_free(&ir);
    return status == LLM_OK ? status : llmi_error_in(status, "regular expression");
}
