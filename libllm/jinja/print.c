/* Values as text: as Python prints them, and as JSON. */
#include <math.h>

#include "base/text.h"
#include "base/utf8.h"
#include "jinja/code.h"
#include "unicode/python_str.h"

/* ---- Python's repr ---- */

/* The escapes that both notations share; false if c needs none. */
static bool escape(llmi_builder *b, uint32_t c, char quote) {
    if (c == (unsigned char)quote || c == '\\') {
        char pair[2] = {'\\', (char)c};
        llmi_builder_put(b, pair, 2);
    } else if (c == '\n') {
        llmi_builder_puts(b, "\\n");
    } else if (c == '\r') {
        llmi_builder_puts(b, "\\r");
    } else if (c == '\t') {
        llmi_builder_puts(b, "\\t");
    } else {
        return false;
    }
    return true;
}

void llmi_print_repr_str(llmi_builder *b, const llmi_jinja_str *s, bool ascii) {
    size_t begin = b->bytes.len;
    char quote = memchr(s->p, '\'', s->n) && !memchr(s->p, '"', s->n) ? '"' : '\'';
    if (!llmi_jinja_run_scan(b->r, s->n)) return;
    llmi_builder_put(b, &quote, 1);
    for (size_t i = 0, n; i < s->n && LLMI_JINJA_OK(b->r); i += n) {
        uint32_t c = llmi_utf8_decode(s->p + i, s->n - i, &n);
        if (c == LLMI_UTF8_INVALID || escape(b, c, quote)) continue;
        if (llmi_python_is_printable(c) && !(ascii && c >= 0x80))
            llmi_builder_put(b, s->p + i, n);
        else
            llmi_builder_printf(b, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
    llmi_builder_put(b, &quote, 1);
    llmi_builder_mark_as(b, begin, s);
}

static void repr_html(llmi_builder *b, const llmi_jinja_str *s) {
    llmi_builder_puts(b, "Markup(");
    llmi_print_repr_str(b, s, false);
    llmi_builder_puts(b, ")");
}

static void repr_list(llmi_builder *b, const llmi_jinja_list *l, bool tuple) {
    llmi_builder_puts(b, tuple ? "(" : "[");
    for (uint32_t i = 0; i < l->n && LLMI_JINJA_OK(b->r); i++) {
        if (i) llmi_builder_puts(b, ", ");
        llmi_print_repr(b, l->v[i]);
    }
    llmi_builder_puts(b, tuple ? (l->n == 1 ? ",)" : ")") : "]");
}

static void repr_dict(llmi_builder *b, const llmi_jinja_dict *d) {
    llmi_builder_puts(b, "{");
    for (uint32_t i = 0; i < d->n && LLMI_JINJA_OK(b->r); i++) {
        if (i) llmi_builder_puts(b, ", ");
        llmi_print_repr(b, d->keys[i]);
        llmi_builder_puts(b, ": ");
        llmi_print_repr(b, d->values[i]);
    }
    llmi_builder_puts(b, "}");
}

static void repr_range(llmi_builder *b, const llmi_jinja_range *g) {
    llmi_builder_printf(b, "range(%lld, %lld", (long long)g->from, (long long)g->to);
    if (g->step != 1) llmi_builder_printf(b, ", %lld", (long long)g->step);
    llmi_builder_puts(b, ")");
}

/* Values with others inside. */
static void repr_nested(llmi_builder *b, llmi_jinja_value v) {
    if (!llmi_jinja_run_enter(b->r)) return;
    switch (v.kind) {
    case LLMI_V_DICT:
        repr_dict(b, v.dict);
        break;
    case LLMI_V_NAMESPACE:
        llmi_builder_puts(b, "<Namespace ");
        repr_dict(b, v.dict);
        llmi_builder_puts(b, ">");
        break;
    case LLMI_V_VIEW:
        llmi_builder_printf(b, "%s(", llmi_jinja_kind_name(v));
        repr_list(b, v.list, false);
        llmi_builder_puts(b, ")");
        break;
    default:
        repr_list(b, v.list, v.kind == LLMI_V_TUPLE);
        break;
    }
    llmi_jinja_run_leave(b->r);
}

void llmi_print_repr(llmi_builder *b, llmi_jinja_value v) {
    if (!llmi_jinja_run_spend(b->r, 1)) return;
    switch (v.kind) {
    case LLMI_V_UNDEFINED:
        llmi_builder_puts(b, "Undefined");
        return;
    case LLMI_V_NONE:
        llmi_builder_puts(b, "None");
        return;
    case LLMI_V_BOOL:
        llmi_builder_puts(b, v.i ? "True" : "False");
        return;
    case LLMI_V_INT:
        llmi_builder_printf(b, "%lld", (long long)v.i);
        return;
    case LLMI_V_BIG:
        llmi_builder_put(b, v.s->p, v.s->n);
        return;
    case LLMI_V_FLOAT:
        llmi_jinja_print_float(b, v.f);
        return;
    case LLMI_V_STR:
        if (v.aux & LLMI_HTML)
            repr_html(b, v.s);
        else
            llmi_print_repr_str(b, v.s, false);
        return;
    case LLMI_V_RANGE:
        repr_range(b, v.range);
        return;
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
    case LLMI_V_DICT:
    case LLMI_V_VIEW:
    case LLMI_V_NAMESPACE:
        repr_nested(b, v);
        return;
    case LLMI_V_LOOP:
    case LLMI_V_MACRO:
        llmi_vm_print(b, v);
        return;
    default:
        llmi_jinja_run_fail(b->r, LLM_E_FORMAT, "a %s has no text%s", llmi_jinja_kind_name(v),
                            v.kind == LLMI_V_GENERATOR ? ": make it a list by \"|list\"" : "");
        return;
    }
}

void llmi_print(llmi_builder *b, llmi_jinja_value v) {
    if (v.kind == LLMI_V_STR)
        llmi_builder_str(b, v.s);
    else if (v.kind != LLMI_V_UNDEFINED)
        llmi_print_repr(b, v);
}

const llmi_jinja_str *llmi_jinja_to_str(llmi_jinja_run *r, llmi_jinja_value v) {
    if (v.kind == LLMI_V_STR) return v.s;
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_print(&b, v);
    return llmi_builder_finish(&b);
}

/* ---- JSON, as Python's json.dumps writes it ---- */

static void json_unicode(llmi_builder *b, uint32_t c) {
    if (c < 0x10000)
        llmi_builder_printf(b, "\\u%04x", c);
    else
        llmi_builder_printf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
}

static void json_str(llmi_builder *b, const llmi_jinja_str *s, bool ascii) {
    size_t begin = b->bytes.len, plain = 0;
    llmi_builder_puts(b, "\"");
    if (!llmi_jinja_run_scan(b->r, s->n)) return;
    for (size_t i = 0, n; i < s->n && LLMI_JINJA_OK(b->r); i += n) {
        uint32_t c = llmi_utf8_decode(s->p + i, s->n - i, &n);
        if (c >= ' ' && c != '"' && c != '\\' && (c < 0x7f || !ascii)) continue;
        llmi_builder_put(b, s->p + plain, i - plain);
        plain = i + n;
        if (escape(b, c, '"')) continue;
        if (c == '\b' || c == '\f')
            llmi_builder_puts(b, c == '\b' ? "\\b" : "\\f");
        else if (c == 0x7f)
            llmi_builder_puts(b, "\x7f");
        else
            json_unicode(b, c == LLMI_UTF8_INVALID ? 0xfffd : c);
    }
    llmi_builder_put(b, s->p + plain, s->n - plain);
    llmi_builder_puts(b, "\"");
    llmi_builder_mark_as(b, begin, s);
}

static void new_line(llmi_builder *b, const llmi_jinja_json_style *style, int level) {
    if (!style->indent) return;
    llmi_builder_puts(b, "\n");
    llmi_builder_fill(b, style->indent, level);
}

static void json_value(llmi_builder *b, llmi_jinja_value v, const llmi_jinja_json_style *style, int level);

/* A key of an object: strings, and what Python turns into them. */
static void json_key(llmi_builder *b, llmi_jinja_value key, const llmi_jinja_json_style *style) {
    if (key.kind == LLMI_V_STR) {
        json_str(b, key.s, style->ascii);
        return;
    }
    if (!llmi_jinja_is_number(key) && key.kind != LLMI_V_NONE) {
        llmi_jinja_run_fail(b->r, LLM_E_FORMAT, "tojson: a %s cannot be a key of an object", llmi_jinja_kind_name(key));
        return;
    }
    llmi_builder_puts(b, "\"");
    json_value(b, key, style, 0);
    llmi_builder_puts(b, "\"");
}

/* The members in the order in which they are written. */
static const llmi_jinja_dict *ordered(llmi_jinja_run *r, const llmi_jinja_dict *d, bool sort) {
    if (!sort) return d;
    llmi_jinja_dict *copy = llmi_jinja_dict_new(r, d->n);
    for (uint32_t i = 0; copy && i < d->n; i++) llmi_jinja_dict_append(r, copy, d->keys[i], d->values[i]);
    if (copy) llmi_jinja_sort(r, copy->values, copy->keys, copy->n, false);
    return copy;
}

static void json_dict(llmi_builder *b, const llmi_jinja_dict *members, const llmi_jinja_json_style *style, int level) {
    const llmi_jinja_dict *d = ordered(b->r, members, style->sort);
    llmi_builder_puts(b, "{");
    for (uint32_t i = 0; d && i < d->n && LLMI_JINJA_OK(b->r); i++) {
        if (i) llmi_builder_str(b, style->comma);
        new_line(b, style, level + 1);
        json_key(b, d->keys[i], style);
        llmi_builder_str(b, style->colon);
        json_value(b, d->values[i], style, level + 1);
    }
    if (d && d->n) new_line(b, style, level);
    llmi_builder_puts(b, "}");
}

static void json_list(llmi_builder *b, const llmi_jinja_list *l, const llmi_jinja_json_style *style, int level) {
    llmi_builder_puts(b, "[");
    for (uint32_t i = 0; i < l->n && LLMI_JINJA_OK(b->r); i++) {
        if (i) llmi_builder_str(b, style->comma);
        new_line(b, style, level + 1);
        json_value(b, l->v[i], style, level + 1);
    }
    if (l->n) new_line(b, style, level);
    llmi_builder_puts(b, "]");
}

static void json_value(llmi_builder *b, llmi_jinja_value v, const llmi_jinja_json_style *style, int level) {
    if (!llmi_jinja_run_spend(b->r, 1)) return;
    switch (v.kind) {
    case LLMI_V_NONE:
        llmi_builder_puts(b, "null");
        return;
    case LLMI_V_BOOL:
        llmi_builder_puts(b, v.i ? "true" : "false");
        return;
    case LLMI_V_INT:
        llmi_builder_printf(b, "%lld", (long long)v.i);
        return;
    case LLMI_V_BIG:
        llmi_builder_put(b, v.s->p, v.s->n);
        return;
    case LLMI_V_FLOAT:
        if (isfinite(v.f))
            llmi_jinja_print_float(b, v.f);
        else
            llmi_builder_puts(b, isnan(v.f) ? "NaN" : v.f > 0 ? "Infinity" : "-Infinity");
        return;
    case LLMI_V_STR:
        json_str(b, v.s, style->ascii);
        return;
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
    case LLMI_V_DICT:
        if (!llmi_jinja_run_enter(b->r)) return;
        if (v.kind == LLMI_V_DICT)
            json_dict(b, v.dict, style, level);
        else
            json_list(b, v.list, style, level);
        llmi_jinja_run_leave(b->r);
        return;
    default:
        llmi_jinja_run_fail(b->r, LLM_E_FORMAT, "a %s has no form in JSON", llmi_jinja_kind_name(v));
        return;
    }
}

void llmi_print_json(llmi_builder *b, llmi_jinja_value v, const llmi_jinja_json_style *style) {
    json_value(b, v, style, 0);
}
