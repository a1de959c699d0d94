/* Methods of strings, as Python has them. */
#include "base/text.h"
#include "base/utf8.h"
#include "jinja/value.h"
#include "unicode/python_str.h"

#define METHOD(name) static llmi_jinja_value name(llmi_jinja_run *r, const llmi_jinja_args *args)
#define S            (args->self.s)

/* ---- parts ---- */

static llmi_jinja_value trimmed(llmi_jinja_run *r, const llmi_jinja_args *args, bool left, bool right) {
    llmi_jinja_value chars = llmi_jinja_arg(args, 0, llmi_jinja_none);
    if (chars.kind != LLMI_V_NONE && chars.kind != LLMI_V_STR) llmi_jinja_arg_fail(r, args, 0, "a string");
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    return llmi_jinja_of_str(llmi_jinja_str_trim(r, S, chars.kind == LLMI_V_STR ? chars.s : NULL, left, right));
}

METHOD(strip) {
    return trimmed(r, args, true, true);
}
METHOD(lstrip) {
    return trimmed(r, args, true, false);
}
METHOD(rstrip) {
    return trimmed(r, args, false, true);
}

static void add_part(llmi_jinja_run *r, llmi_jinja_list *l, const llmi_jinja_str *s, size_t begin, size_t end) {
    llmi_jinja_list_add(r, l, llmi_jinja_of_str(llmi_jinja_str_cut(r, s, begin, end)));
}

static bool space_at(const llmi_jinja_str *s, size_t at, size_t *n) {
    return llmi_python_is_space(llmi_utf8_decode(s->p + at, s->n - at, n));
}

/* At runs of white space. */
static void split_space(llmi_jinja_run *r, llmi_jinja_list *l, const llmi_jinja_str *s, int64_t max) {
    for (size_t at = 0; l && LLMI_JINJA_OK(r);) {
        size_t n = 1, begin;
        while (at < s->n && space_at(s, at, &n)) at += n;
        if (at == s->n) return;
        begin = at;
        if (max >= 0 && l->n == max) {
            add_part(r, l, s, begin, s->n);
            return;
        }
        while (at < s->n && !space_at(s, at, &n)) at += n;
        add_part(r, l, s, begin, at);
    }
}

/* Where the character before `end` begins. */
static size_t before(const llmi_jinja_str *s, size_t end) {
    size_t at = end - 1;
    while (at > 0 && end - at < 4 && ((unsigned char)s->p[at] & 0xc0) == 0x80) at--;
    return at;
}

static void split_space_back(llmi_jinja_run *r, llmi_jinja_list *l, const llmi_jinja_str *s, int64_t max) {
    for (size_t end = s->n; l && LLMI_JINJA_OK(r);) {
        size_t n, begin;
        while (end > 0 && space_at(s, before(s, end), &n)) end = before(s, end);
        if (end == 0) return;
        begin = end;
        if (max >= 0 && l->n == max) {
            add_part(r, l, s, 0, end);
            return;
        }
        while (begin > 0 && !space_at(s, before(s, begin), &n)) begin = before(s, begin);
        add_part(r, l, s, begin, end);
        end = begin;
    }
}

static void split_at(llmi_jinja_run *r, llmi_jinja_list *l, const llmi_jinja_str *s, const llmi_jinja_str *sep,
                     int64_t max) {
    size_t at = 0;
    for (int64_t found; l && llmi_jinja_run_spend(r, 1) && (max < 0 || l->n < max) &&
                        (found = llmi_jinja_str_find(r, s, sep, at)) >= 0;) {
        add_part(r, l, s, at, (size_t)found);
        at = (size_t)found + sep->n;
    }
    add_part(r, l, s, at, s->n);
}

static void split_at_back(llmi_jinja_run *r, llmi_jinja_list *l, const llmi_jinja_str *s, const llmi_jinja_str *sep,
                          int64_t max) {
    size_t end = s->n;
    llmi_jinja_str_search search = llmi_jinja_str_search_back(r, s, sep, end);
    for (int64_t found; l && llmi_jinja_run_spend(r, 1) && (max < 0 || l->n < max) &&
                        (found = llmi_jinja_str_find_back(r, &search)) >= 0;) {
        add_part(r, l, s, (size_t)found + sep->n, end);
        end = (size_t)found;
    }
    add_part(r, l, s, 0, end);
}

static void turn_round(llmi_jinja_list *l) {
    for (uint32_t i = 0; i < l->n / 2; i++) {
        llmi_jinja_value swap = l->v[i];
        l->v[i] = l->v[l->n - 1 - i];
        l->v[l->n - 1 - i] = swap;
    }
}

static llmi_jinja_value split_by(llmi_jinja_run *r, const llmi_jinja_args *args, bool back) {
    llmi_jinja_value sep = llmi_jinja_arg(args, 0, llmi_jinja_none);
    int64_t max = llmi_jinja_arg_int(r, args, 1, -1);
    llmi_jinja_list *l = llmi_jinja_list_new(r, 0);
    if (sep.kind != LLMI_V_NONE && sep.kind != LLMI_V_STR) llmi_jinja_arg_fail(r, args, 0, "a string");
    if (sep.kind == LLMI_V_STR && sep.s->n == 0)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: the separator is empty", args->of->name);
    if (!l || !llmi_jinja_run_scan(r, S->n)) return llmi_jinja_undefined;
    if (sep.kind == LLMI_V_NONE)
        (back ? split_space_back : split_space)(r, l, S, max);
    else
        (back ? split_at_back : split_at)(r, l, S, sep.s, max);
    if (back) turn_round(l);
    return llmi_jinja_of_list(l, LLMI_V_LIST);
}

METHOD(split) {
    return split_by(r, args, false);
}
METHOD(rsplit) {
    return split_by(r, args, true);
}

METHOD(splitlines) {
    bool ends = args->v[0].kind != LLMI_V_ABSENT && llmi_jinja_arg_int(r, args, 0, 0) != 0;
    return llmi_jinja_of_list(llmi_jinja_str_lines(r, S, ends), LLMI_V_LIST);
}

static llmi_jinja_value partition_by(llmi_jinja_run *r, const llmi_jinja_args *args, bool back) {
    const llmi_jinja_str *sep = llmi_jinja_arg_str(r, args, 0, "");
    llmi_jinja_list *l = llmi_jinja_list_new(r, 3);
    if (sep && !sep->n) llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: the separator is empty", args->of->name);
    if (!sep || !l || !LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    llmi_jinja_str_search search = llmi_jinja_str_search_back(r, S, sep, back ? S->n : 0);
    int64_t found = back ? llmi_jinja_str_find_back(r, &search) : llmi_jinja_str_find(r, S, sep, 0);
    size_t begin = found >= 0 ? (size_t)found : back ? 0 : S->n, end = found >= 0 ? begin + sep->n : begin;
    add_part(r, l, S, 0, begin);
    add_part(r, l, S, begin, end);
    add_part(r, l, S, end, S->n);
    return llmi_jinja_of_list(l, LLMI_V_TUPLE);
}

METHOD(partition) {
    return partition_by(r, args, false);
}
METHOD(rpartition) {
    return partition_by(r, args, true);
}

/* ---- S[start:end], which the searches look at ---- */

typedef struct search_window {
    llmi_jinja_str s;
    int64_t first; /* index of its first character */
    bool exists;   /* start is not after the end: even an empty text is found there */
} search_window;

/* Arguments `index` and the one after it: start and end. */
static search_window window_of(llmi_jinja_run *r, const llmi_jinja_args *args, int32_t index) {
    llmi_jinja_value from = args->v[index], to = args->v[index + 1];
    bool whole = (from.kind == LLMI_V_ABSENT || from.kind == LLMI_V_NONE) &&
                 (to.kind == LLMI_V_ABSENT || to.kind == LLMI_V_NONE);
    if (whole) return (search_window){*S, 0, true};
    int64_t n = llmi_jinja_str_length(r, S), start = llmi_jinja_bound(r, from, n, 0),
            end = llmi_jinja_bound(r, to, n, n);
    if (start > end || (llmi_jinja_is_int(from) && from.i > n) || !LLMI_JINJA_OK(r))
        return (search_window){{.p = S->p}, 0, false};
    size_t begin = llmi_jinja_str_offset(r, S, start);
    search_window w = {{.p = S->p + begin, .n = S->n - (uint32_t)begin}, start, true};
    w.s.n = (uint32_t)llmi_jinja_str_offset(r, &w.s, end - start);
    return w;
}

typedef bool (*part_match)(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *part);

/* Whether the window begins or ends with a string, or one of a tuple. */
static llmi_jinja_value matches(llmi_jinja_run *r, const llmi_jinja_args *args, part_match match) {
    llmi_jinja_value what = args->v[0];
    search_window w = window_of(r, args, 1);
    const llmi_jinja_list one = {.v = &what, .n = 1}, *parts = what.kind == LLMI_V_TUPLE ? what.list : &one;
    for (uint32_t i = 0; i < parts->n && llmi_jinja_run_spend(r, 1); i++) {
        if (parts->v[i].kind != LLMI_V_STR)
            llmi_jinja_arg_fail(r, args, 0, "a string or a tuple of strings");
        else if (w.exists && match(r, &w.s, parts->v[i].s))
            return llmi_jinja_of_bool(true);
    }
    return llmi_jinja_of_bool(false);
}

METHOD(startswith) {
    return matches(r, args, llmi_jinja_str_starts);
}
METHOD(endswith) {
    return matches(r, args, llmi_jinja_str_ends);
}

METHOD(removeprefix) {
    const llmi_jinja_str *part = llmi_jinja_arg_str(r, args, 0, "");
    return part ? llmi_jinja_of_str(llmi_jinja_str_starts(r, S, part) ? llmi_jinja_str_cut(r, S, part->n, S->n) : S)
                : llmi_jinja_undefined;
}

METHOD(removesuffix) {
    const llmi_jinja_str *part = llmi_jinja_arg_str(r, args, 0, "");
    return part ? llmi_jinja_of_str(llmi_jinja_str_ends(r, S, part) ? llmi_jinja_str_cut(r, S, 0, S->n - part->n) : S)
                : llmi_jinja_undefined;
}

/* Index of a character, -1. */
static int64_t place(llmi_jinja_run *r, const llmi_jinja_args *args, bool back) {
    const llmi_jinja_str *part = llmi_jinja_arg_str(r, args, 0, "");
    search_window w = window_of(r, args, 1);
    if (!part || !w.exists || !LLMI_JINJA_OK(r)) return -1;
    llmi_jinja_str_search search = llmi_jinja_str_search_back(r, &w.s, part, back ? w.s.n : 0);
    int64_t found = back ? llmi_jinja_str_find_back(r, &search) : llmi_jinja_str_find(r, &w.s, part, 0);
    return found < 0 ? -1 : w.first + llmi_jinja_str_length(r, &(llmi_jinja_str){.p = w.s.p, .n = (uint32_t)found});
}

METHOD(find) {
    return llmi_jinja_of_int(place(r, args, false));
}
METHOD(rfind) {
    return llmi_jinja_of_int(place(r, args, true));
}

static llmi_jinja_value must_find(llmi_jinja_run *r, const llmi_jinja_args *args, bool back) {
    int64_t at = place(r, args, back);
    if (at < 0) llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: substring not found", args->of->name);
    return llmi_jinja_of_int(at);
}

METHOD(index_of) {
    return must_find(r, args, false);
}
METHOD(rindex_of) {
    return must_find(r, args, true);
}

METHOD(count) {
    const llmi_jinja_str *part = llmi_jinja_arg_str(r, args, 0, "");
    search_window w = window_of(r, args, 1);
    if (!part || !LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    if (!part->n) return llmi_jinja_of_int(w.exists ? llmi_jinja_str_length(r, &w.s) + 1 : 0);
    int64_t n = 0;
    for (int64_t at = 0; llmi_jinja_run_spend(r, 1) && (at = llmi_jinja_str_find(r, &w.s, part, (size_t)at)) >= 0;
         at += part->n)
        n++;
    return llmi_jinja_of_int(n);
}

/* ---- changed ---- */

#define RECASE(name, to)                                                                                               \
    METHOD(name) {                                                                                                     \
        return llmi_jinja_of_str(llmi_jinja_str_recase(r, S, to));                                                     \
    }
RECASE(upper, LLMI_RECASE_UPPER)
RECASE(lower, LLMI_RECASE_LOWER)
RECASE(title, LLMI_RECASE_TITLE)
RECASE(capitalize, LLMI_RECASE_CAPITAL)
RECASE(swapcase, LLMI_RECASE_SWAP)
RECASE(casefold, LLMI_RECASE_FOLD)

/* The value as escaped text, to go into HTML; NULL if S is not HTML. */
static const llmi_jinja_str *html_part(llmi_jinja_run *r, const llmi_jinja_args *args, llmi_jinja_value v) {
    if (!(args->self.aux & LLMI_HTML)) return NULL;
    const llmi_jinja_str *s = llmi_jinja_to_str(r, v);
    return s && !(v.kind == LLMI_V_STR && v.aux & LLMI_HTML) ? llmi_jinja_str_escape(r, s) : s;
}

METHOD(replace) {
    const llmi_jinja_str *from = llmi_jinja_arg_str(r, args, 0, ""), *to = html_part(r, args, args->v[1]);
    if (!to && LLMI_JINJA_OK(r)) to = llmi_jinja_arg_str(r, args, 1, "");
    int64_t n = llmi_jinja_arg_int(r, args, 2, -1);
    return from && to && LLMI_JINJA_OK(r) ? llmi_jinja_of_str(llmi_jinja_str_replace(r, S, from, to, n))
                                          : llmi_jinja_undefined;
}

METHOD(join) {
    llmi_jinja_list *l = llmi_jinja_iterate(r, args->v[0]);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (uint32_t i = 0; l && i < l->n && llmi_jinja_run_spend(r, 1); i++) {
        const llmi_jinja_str *part = html_part(r, args, l->v[i]);
        if (!part && LLMI_JINJA_OK(r) && l->v[i].kind == LLMI_V_STR) part = l->v[i].s;
        if (!part)
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "join: element %u is %s, expected a string", i,
                                llmi_jinja_kind_name(l->v[i]));
        if (i) llmi_builder_str(&b, S);
        llmi_builder_str(&b, part);
    }
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

static llmi_jinja_value padded(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *fill, int64_t left,
                               int64_t right) {
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_builder_fill(&b, fill, left);
    llmi_builder_str(&b, s);
    llmi_builder_fill(&b, fill, right);
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

typedef enum alignment { LEFT, MIDDLE, RIGHT } alignment;

static llmi_jinja_value to_width(llmi_jinja_run *r, const llmi_jinja_args *args, alignment where) {
    int64_t width = llmi_jinja_arg_int(r, args, 0, 0), n = llmi_jinja_str_length(r, S);
    const llmi_jinja_str *fill = llmi_jinja_arg_str(r, args, 1, " ");
    if (fill && llmi_jinja_str_length(r, fill) != 1)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s: the text to fill with is not one character", args->of->name);
    if (!fill || !LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    if (width <= n) return llmi_jinja_of_str(S);
    int64_t all = width - n;
    int64_t left = where == LEFT ? 0 : where == RIGHT ? all : all / 2 + (all & width & 1);
    return padded(r, S, fill, left, all - left);
}

METHOD(ljust) {
    return to_width(r, args, LEFT);
}
METHOD(rjust) {
    return to_width(r, args, RIGHT);
}
METHOD(center) {
    return to_width(r, args, MIDDLE);
}

METHOD(zfill) {
    int64_t width = llmi_jinja_arg_int(r, args, 0, 0), n = llmi_jinja_str_length(r, S);
    bool sign = S->n && (S->p[0] == '-' || S->p[0] == '+');
    const llmi_jinja_str *zero = llmi_jinja_str_over(r, "0", 1);
    if (!zero || !LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_builder_str(&b, llmi_jinja_str_cut(r, S, 0, sign));
    llmi_builder_fill(&b, zero, width > n ? width - n : 0);
    llmi_builder_str(&b, llmi_jinja_str_cut(r, S, sign, S->n));
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

METHOD(expandtabs) {
    int64_t size = llmi_jinja_arg_int(r, args, 0, 8), column = 0;
    const llmi_jinja_str *space = llmi_jinja_str_over(r, " ", 1);
    if (!space || !llmi_jinja_run_scan(r, S->n)) return llmi_jinja_undefined;
    llmi_builder b;
    llmi_builder_init(&b, r);
    size_t plain = 0;
    for (size_t i = 0; i < S->n && LLMI_JINJA_OK(r); i++) {
        char c = S->p[i];
        column = c == '\n' || c == '\r' ? 0 : column + (c != '\t' && ((unsigned char)c & 0xc0) != 0x80);
        if (c != '\t') continue;
        llmi_builder_str(&b, llmi_jinja_str_cut(r, S, plain, i));
        plain = i + 1;
        int64_t n = size > 0 ? size - column % size : 0;
        llmi_builder_fill(&b, space, n);
        column += n;
    }
    llmi_builder_str(&b, llmi_jinja_str_cut(r, S, plain, S->n));
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

METHOD(format) {
    return llmi_jinja_of_str(llmi_jinja_format_braces(r, args));
}

/* ---- questions ---- */

static llmi_jinja_value every(llmi_jinja_run *r, const llmi_jinja_args *args, bool (*is)(uint32_t c), bool when_empty) {
    if (!llmi_jinja_run_spend(r, S->n / 4)) return llmi_jinja_undefined;
    for (size_t i = 0, n; i < S->n; i += n) {
        uint32_t c = llmi_utf8_decode(S->p + i, S->n - i, &n);
        if (c == LLMI_UTF8_INVALID || !is(c)) return llmi_jinja_of_bool(false);
    }
    return llmi_jinja_of_bool(S->n > 0 || when_empty);
}

static bool is_ascii(uint32_t c) {
    return c < 0x80;
}

#define EVERY(name, is, when_empty)                                                                                    \
    METHOD(name) {                                                                                                     \
        return every(r, args, is, when_empty);                                                                         \
    }
EVERY(is_digit_text, llmi_python_is_digit, false)
EVERY(is_decimal_text, llmi_python_is_decimal, false)
EVERY(is_numeric_text, llmi_python_is_numeric, false)
EVERY(is_alpha_text, llmi_python_is_letter, false)
EVERY(is_alnum_text, llmi_python_is_alnum, false)
EVERY(is_space_text, llmi_python_is_space, false)
EVERY(is_ascii_text, is_ascii, true)
EVERY(is_printable_text, llmi_python_is_printable, true)

static llmi_jinja_value test(llmi_jinja_run *r, const llmi_jinja_args *args, const char *name) {
    return llmi_jinja_builtin_call(r, &llmi_jinja_tests[llmi_jinja_builtin_find(llmi_jinja_tests, name, strlen(name))],
                                   args->self, &(llmi_jinja_args){0});
}

METHOD(is_lower_text) {
    return test(r, args, "lower");
}
METHOD(is_upper_text) {
    return test(r, args, "upper");
}

/* Words begin with a capital, and nothing else does. */
METHOD(is_title_text) {
    bool inside = false, any = false;
    if (!llmi_jinja_run_spend(r, S->n / 4)) return llmi_jinja_undefined;
    for (size_t i = 0, n; i < S->n; i += n) {
        uint32_t c = llmi_utf8_decode(S->p + i, S->n - i, &n);
        bool cased = c != LLMI_UTF8_INVALID && llmi_python_is_cased(c);
        if (cased && inside == !llmi_python_is_lower(c)) return llmi_jinja_of_bool(false);
        any = any || cased;
        inside = cased;
    }
    return llmi_jinja_of_bool(any);
}

METHOD(is_identifier_text) {
    bool is = S->n > 0 && llmi_jinja_run_spend(r, S->n / 4);
    for (size_t i = 0, n; i < S->n && is; i += n) {
        uint32_t c = llmi_utf8_decode(S->p + i, S->n - i, &n);
        is = c == '_' || llmi_python_is_letter(c) || (i > 0 && llmi_python_is_decimal(c));
        if (!is && c >= 0x80 && (llmi_python_is_numeric(c) || llmi_python_is_case_ignorable(c)))
            llmi_jinja_run_fail(r, LLM_E_UNSUPPORTED, "isidentifier knows letters and digits, no marks");
    }
    return llmi_jinja_of_bool(is);
}

METHOD(unsupported) {
    llmi_jinja_run_fail(r, LLM_E_UNSUPPORTED, "the method \"%s\" of strings is not supported", args->of->name);
    return llmi_jinja_undefined;
}

const llmi_jinja_builtin llmi_jinja_str_methods[] = {
    {"strip", strip, "chars? /"},
    {"lstrip", lstrip, "chars? /"},
    {"rstrip", rstrip, "chars? /"},
    {"split", split, "sep? maxsplit?"},
    {"rsplit", rsplit, "sep? maxsplit?"},
    {"splitlines", splitlines, "keepends?"},
    {"partition", partition, "sep /"},
    {"rpartition", rpartition, "sep /"},
    {"startswith", startswith, "prefix start? end? /"},
    {"endswith", endswith, "suffix start? end? /"},
    {"removeprefix", removeprefix, "prefix /"},
    {"removesuffix", removesuffix, "suffix /"},
    {"find", find, "sub start? end? /"},
    {"rfind", rfind, "sub start? end? /"},
    {"index", index_of, "sub start? end? /"},
    {"rindex", rindex_of, "sub start? end? /"},
    {"count", count, "sub start? end? /"},
    {"upper", upper, ""},
    {"lower", lower, ""},
    {"casefold", casefold, ""},
    {"title", title, ""},
    {"capitalize", capitalize, ""},
    {"swapcase", swapcase, ""},
    {"replace", replace, "old new count? /"},
    {"join", join, "iterable /"},
    {"ljust", ljust, "width fillchar? /"},
    {"rjust", rjust, "width fillchar? /"},
    {"center", center, "width fillchar? /"},
    {"zfill", zfill, "width /"},
    {"expandtabs", expandtabs, "tabsize?"},
    {"format", format, "*"},
    {"isdigit", is_digit_text, ""},
    {"isdecimal", is_decimal_text, ""},
    {"isnumeric", is_numeric_text, ""},
    {"isalpha", is_alpha_text, ""},
    {"isalnum", is_alnum_text, ""},
    {"isspace", is_space_text, ""},
    {"isascii", is_ascii_text, ""},
    {"isprintable", is_printable_text, ""},
    {"islower", is_lower_text, ""},
    {"isupper", is_upper_text, ""},
    {"istitle", is_title_text, ""},
    {"isidentifier", is_identifier_text, ""},
    {"encode", unsupported, "*"},
    {"translate", unsupported, "*"},
    {"maketrans", unsupported, "*"},
    {"format_map", unsupported, "*"},
    {NULL, NULL, NULL},
};
