/* Filters of text. */
#define _GNU_SOURCE
#include "jinja/filters.h"

#include "base/text.h"
#include "base/utf8.h"
#include "unicode/python_str.h"

#define DEFINE(name) llmi_jinja_value llmi_filter_##name(llmi_jinja_run *r, const llmi_jinja_args *args)
#define V            (args->self)

llmi_jinja_value llmi_filter_text(llmi_jinja_run *r, llmi_jinja_value v) {
    return v.kind == LLMI_V_STR ? v : llmi_jinja_of_str(llmi_jinja_to_str(r, v));
}

/* ---- by a method of strings ---- */

static llmi_jinja_value by_method(llmi_jinja_run *r, const llmi_jinja_args *args, const char *name) {
    llmi_jinja_value self = llmi_filter_text(r, V);
    llmi_jinja_args given = *args;
    while (given.n && given.v[given.n - 1].kind == LLMI_V_ABSENT) given.n--;
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    const llmi_jinja_builtin *method =
        &llmi_jinja_str_methods[llmi_jinja_builtin_find(llmi_jinja_str_methods, name, strlen(name))];
    llmi_jinja_value result = llmi_jinja_builtin_call(r, method, self, &given);
    if (result.kind == LLMI_V_STR) result.aux |= self.aux;
    return result;
}

DEFINE(string) {
    return llmi_filter_text(r, V);
}
DEFINE(trim) {
    return by_method(r, args, "strip");
}
DEFINE(upper) {
    return by_method(r, args, "upper");
}
DEFINE(lower) {
    return by_method(r, args, "lower");
}
DEFINE(capitalize) {
    return by_method(r, args, "capitalize");
}

DEFINE(center) {
    llmi_jinja_value width = llmi_jinja_arg(args, 0, llmi_jinja_of_int(80));
    return by_method(r, &(llmi_jinja_args){.self = V, .v = &width, .n = 1}, "center");
}

/* str(s).replace(str(old), str(new)) */
DEFINE(replace) {
    const llmi_jinja_str *s = llmi_jinja_to_str(r, V), *old = llmi_jinja_to_str(r, args->v[0]),
                         *new = llmi_jinja_to_str(r, args->v[1]);
    llmi_jinja_value count = llmi_jinja_arg(args, 2, llmi_jinja_none);
    if (count.kind != LLMI_V_NONE && !llmi_jinja_is_int(count)) llmi_jinja_arg_fail(r, args, 2, "an integer");
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    return llmi_jinja_of_str(llmi_jinja_str_replace(r, s, old, new, count.kind == LLMI_V_NONE ? -1 : count.i));
}

/* A capital after each of "-({[<" and white space, unlike str.title. */
DEFINE(title) {
    llmi_jinja_value v = llmi_filter_text(r, V);
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (!LLMI_JINJA_OK(r) || !llmi_jinja_run_scan(r, v.s->n)) return llmi_jinja_undefined;
    bool inside = false;
    size_t begin = 0;
    for (size_t at = 0, n; at <= v.s->n && LLMI_JINJA_OK(r); at += n) {
        uint32_t c = at < v.s->n ? llmi_utf8_decode(v.s->p + at, v.s->n - at, &n) : (n = 1, ' ');
        bool between = llmi_python_is_space(c) || (c < 0x80 && strchr("-({[<", (int)c) && c);
        if (between && inside) {
            size_t first = begin + llmi_utf8_step(v.s->p + begin, v.s->n - begin);
            llmi_builder_str(&b, llmi_jinja_str_recase(r, llmi_jinja_str_cut(r, v.s, begin, first), LLMI_RECASE_UPPER));
            const llmi_jinja_str *rest = llmi_jinja_str_cut(r, v.s, first, at);
            if (rest) llmi_builder_str(&b, llmi_jinja_str_recase(r, rest, LLMI_RECASE_LOWER));
        }
        if (between && at < v.s->n) llmi_builder_str(&b, llmi_jinja_str_cut(r, v.s, at, at + n));
        if (!between && !inside) begin = at;
        inside = !between;
    }
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

/* ---- HTML ---- */

static llmi_jinja_value as_html(const llmi_jinja_str *s) {
    llmi_jinja_value v = llmi_jinja_of_str(s);
    v.aux = s ? LLMI_HTML : 0;
    return v;
}

DEFINE(safe) {
    return as_html(llmi_jinja_to_str(r, V));
}

DEFINE(forceescape) {
    const llmi_jinja_str *s = llmi_jinja_to_str(r, V);
    return as_html(s ? llmi_jinja_str_escape(r, s) : NULL);
}

DEFINE(escape) {
    return V.kind == LLMI_V_STR && V.aux & LLMI_HTML ? V : llmi_filter_forceescape(r, args);
}

static bool is_attribute_name(llmi_jinja_run *r, llmi_jinja_value key) {
    if (key.kind != LLMI_V_STR) return false;
    if (!llmi_jinja_run_scan(r, key.s->n)) return false;
    for (size_t i = 0, n; i < key.s->n; i += n) {
        uint32_t c = llmi_utf8_decode(key.s->p + i, key.s->n - i, &n);
        if (llmi_python_is_space(c) || c == '/' || c == '>' || c == '=') return false;
    }
    return true;
}

DEFINE(xmlattr) {
    if (V.kind != LLMI_V_DICT)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "xmlattr of a %s: expected a dict", llmi_jinja_kind_name(V));
    bool space = llmi_jinja_arg_bool(args, 0, true);
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (uint32_t i = 0; LLMI_JINJA_OK(r) && i < V.dict->n; i++) {
        llmi_jinja_value key = V.dict->keys[i], value = V.dict->values[i];
        if (value.kind == LLMI_V_NONE || value.kind == LLMI_V_UNDEFINED) continue;
        if (!is_attribute_name(r, key)) llmi_jinja_run_fail(r, LLM_E_FORMAT, "xmlattr: a key cannot name an attribute");
        const llmi_jinja_str *text = llmi_jinja_to_str(r, value);
        if (!text || !LLMI_JINJA_OK(r)) break;
        bool html = value.kind == LLMI_V_STR && value.aux & LLMI_HTML;
        if (space || b.bytes.len) llmi_builder_puts(&b, " ");
        llmi_builder_str(&b, llmi_jinja_str_escape(r, key.s));
        llmi_builder_puts(&b, "=\"");
        llmi_builder_str(&b, html ? text : llmi_jinja_str_escape(r, text));
        llmi_builder_puts(&b, "\"");
    }
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

/* ---- formats ---- */

DEFINE(format) {
    llmi_jinja_value s = llmi_filter_text(r, V);
    if (args->n && args->n_named) llmi_jinja_run_fail(r, LLM_E_FORMAT, "format takes values with names or without");
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    llmi_jinja_list *l = llmi_jinja_list_new(r, (uint32_t)args->n);
    llmi_jinja_dict *d = llmi_jinja_dict_new(r, 0);
    for (int32_t i = 0; i < args->n; i++) llmi_jinja_list_add(r, l, args->v[i]);
    for (int32_t i = 0; i < args->n_named; i++) llmi_jinja_dict_put(r, d, args->named[i].name, args->named[i].value);
    llmi_jinja_value values = args->n_named ? llmi_jinja_of_dict(d) : llmi_jinja_of_list(l, LLMI_V_TUPLE);
    return LLMI_JINJA_OK(r) ? llmi_jinja_of_str(llmi_jinja_format_percent(r, s, values)) : llmi_jinja_undefined;
}

static void put_quoted(llmi_builder *b, const llmi_jinja_str *s, bool in_query) {
    size_t begin = b->bytes.len;
    if (!llmi_jinja_run_scan(b->r, s->n)) return;
    for (uint32_t i = 0; i < s->n && LLMI_JINJA_OK(b->r); i++) {
        unsigned char c = (unsigned char)s->p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-_.~", c)) || (c == '/' && !in_query);
        if (c == ' ' && in_query)
            llmi_builder_puts(b, "+");
        else
            llmi_builder_printf(b, plain ? "%c" : "%%%02X", c);
    }
    llmi_builder_mark_as(b, begin, s);
}

/* "key=value", of any two values. */
static void put_pair(llmi_builder *b, llmi_jinja_value v) {
    llmi_jinja_list *pair = llmi_jinja_iterate(b->r, v);
    if (pair && pair->n != 2) llmi_jinja_run_fail(b->r, LLM_E_FORMAT, "urlencode: a pair has %u values", pair->n);
    for (uint32_t i = 0; pair && i < 2 && LLMI_JINJA_OK(b->r); i++) {
        const llmi_jinja_str *s = llmi_jinja_to_str(b->r, pair->v[i]);
        if (i) llmi_builder_puts(b, "=");
        if (s) put_quoted(b, s, true);
    }
}

DEFINE(urlencode) {
    bool pairs = V.kind == LLMI_V_DICT || V.kind == LLMI_V_UNDEFINED || V.kind == LLMI_V_GENERATOR ||
                 V.kind == LLMI_V_VIEW || (llmi_jinja_is_sequence(V) && V.kind != LLMI_V_STR);
    llmi_builder b;
    llmi_builder_init(&b, r);
    const llmi_jinja_str *s = pairs ? NULL : llmi_jinja_to_str(r, V);
    if (s) put_quoted(&b, s, false);
    llmi_jinja_list *l = pairs && V.kind != LLMI_V_DICT ? llmi_jinja_iterate(r, V) : NULL;
    uint32_t n = V.kind == LLMI_V_DICT ? V.dict->n : l ? l->n : 0;
    for (uint32_t i = 0; i < n && llmi_jinja_run_spend(r, 1); i++) {
        if (i) llmi_builder_puts(&b, "&");
        llmi_jinja_value of_dict[2];
        llmi_jinja_list pair = {.v = of_dict, .n = 2};
        if (V.kind == LLMI_V_DICT) of_dict[0] = V.dict->keys[i], of_dict[1] = V.dict->values[i];
        put_pair(&b, V.kind == LLMI_V_DICT ? llmi_jinja_of_list(&pair, LLMI_V_TUPLE) : l->v[i]);
    }
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

/* ---- lines ---- */

/* What goes in front of a line: text, or so many spaces. */
static const llmi_jinja_str *indention(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_value width = llmi_jinja_arg(args, 0, llmi_jinja_of_int(4));
    if (width.kind == LLMI_V_STR) return width.s;
    if (!llmi_jinja_is_int(width)) llmi_jinja_arg_fail(r, args, 0, "an integer or a string");
    if (!LLMI_JINJA_OK(r)) return NULL;
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_builder_fill(&b, llmi_jinja_str_over(r, " ", 1), width.i);
    return llmi_builder_finish(&b);
}

DEFINE(indent) {
    bool first = llmi_jinja_arg_bool(args, 1, false), blank = llmi_jinja_arg_bool(args, 2, false);
    const llmi_jinja_str *space = indention(r, args);
    if (V.kind != LLMI_V_STR)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "indent of a %s: expected a string", llmi_jinja_kind_name(V));
    llmi_jinja_list *lines = space && LLMI_JINJA_OK(r) ? llmi_jinja_str_lines(r, V.s, false) : NULL;
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (!lines) return llmi_jinja_undefined;
    uint32_t n = lines->n; /* a newline at the end begins an empty line */
    bool ends = V.s->n && llmi_python_is_newline((unsigned char)V.s->p[V.s->n - 1]);
    if (n == 0 || ends) n++;
    for (uint32_t i = 0; i < n && llmi_jinja_run_spend(r, 1); i++) {
        const llmi_jinja_str *line = i < lines->n ? lines->v[i].s : NULL;
        if (i) llmi_builder_puts(&b, "\n");
        if (i == 0 ? first : blank || (line && line->n)) llmi_builder_str(&b, space);
        llmi_builder_str(&b, line);
    }
    return (llmi_jinja_value){.kind = LLMI_V_STR, .aux = V.aux, .s = llmi_builder_finish(&b)};
}

/* A value that fits is returned unchanged, whatever kind it is, if it has a length. */
DEFINE(truncate) {
    const llmi_jinja_str *end = llmi_jinja_arg_str(r, args, 2, "...");
    int64_t length = llmi_jinja_arg_int(r, args, 0, 255);
    int64_t leeway =
        llmi_jinja_arg(args, 3, llmi_jinja_none).kind == LLMI_V_NONE ? 5 : llmi_jinja_arg_int(r, args, 3, 5);
    int64_t n_end = end ? llmi_jinja_str_length(r, end) : 0;
    if (length < n_end || leeway < 0)
        llmi_jinja_run_fail(r, LLM_E_FORMAT,
                            "truncate: the length is less than that of the end, or the leeway negative");
    int64_t n = LLMI_JINJA_OK(r) ? llmi_jinja_length(r, V) : 0, most;
    if (!LLMI_JINJA_OK(r) || __builtin_add_overflow(length, leeway, &most) || n <= most) return V;
    if (V.kind != LLMI_V_STR)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "truncate of a %s: expected a string", llmi_jinja_kind_name(V));
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    const llmi_jinja_str *cut = llmi_jinja_str_cut(r, V.s, 0, llmi_jinja_str_offset(r, V.s, length - n_end));
    const char *space = cut && !llmi_jinja_arg_bool(args, 1, false) ? memrchr(cut->p, ' ', cut->n) : NULL;
    if (space) cut = llmi_jinja_str_cut(r, cut, 0, (size_t)(space - cut->p));
    return llmi_jinja_of_str(llmi_jinja_str_join(r, cut, end));
}

static bool is_word(uint32_t c) {
    return c == '_' || llmi_python_is_alnum(c);
}

DEFINE(wordcount) {
    llmi_jinja_value v = llmi_filter_text(r, V);
    int64_t count = 0;
    bool inside = false;
    if (!LLMI_JINJA_OK(r) || !llmi_jinja_run_spend(r, v.s->n / 4)) return llmi_jinja_undefined;
    for (size_t i = 0, n; i < v.s->n; i += n) {
        bool word = is_word(llmi_utf8_decode(v.s->p + i, v.s->n - i, &n));
        count += word && !inside;
        inside = word;
    }
    return llmi_jinja_of_int(count);
}
