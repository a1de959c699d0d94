/* Values as text: as Python prints them, and as JSON. */
#include <math.h>

#include <stdlib.h>

#include "base/text.h"
#include "text/template_value.h"
#include "text/utf8.h"

#include <utf8proc.h>

/* ---- numbers ---- */

/* The shortest digits that read back, in Python's notation: an exponent below 1e-4 and from 1e16 on. */
void llmi_print_float(llmi_builder *b, double f) {
    if (!isfinite(f)) {
        llmi_builder_puts(b, isnan(f) ? "nan" : f > 0 ? "inf" : "-inf");
        return;
    }
    char text[LLMI_NUMBER_BYTES], digits[32];
    int n = 0, exponent = 0, point = -1, i = 0;
    llmi_number(text, f);
    if (text[0] == '-') {
        llmi_builder_puts(b, "-");
        i = 1;
    }
    for (; text[i] && text[i] != 'e' && text[i] != 'E'; i++) {
        if (text[i] == '.')
            point = n;
        else
            digits[n++] = text[i];
    }
    if (text[i]) exponent = (int)strtol(text + i + 1, NULL, 10); /* integers have no locale */
    int before = (point < 0 ? n : point) + exponent, lead = 0;
    while (lead < n - 1 && digits[lead] == '0') lead++, before--;
    memmove(digits, digits + lead, (size_t)(n -= lead));
    while (n > 1 && digits[n - 1] == '0') n--;
    if (digits[0] == '0') before = 1;
    if (before > 16 || before < -3) {
        llmi_builder_put(b, digits, 1);
        if (n > 1) llmi_builder_puts(b, ".");
        llmi_builder_put(b, digits + 1, (size_t)n - 1);
        llmi_builder_printf(b, "e%c%02d", before > 0 ? '+' : '-', abs(before - 1));
        return;
    }
    if (before <= 0) llmi_builder_puts(b, "0.");
    for (int k = before; k < 0; k++) llmi_builder_puts(b, "0");
    for (int k = 0; k < n; k++) {
        if (k == before && k > 0) llmi_builder_puts(b, ".");
        llmi_builder_put(b, digits + k, 1);
    }
    for (int k = n; k < before; k++) llmi_builder_puts(b, "0");
    if (before >= n) llmi_builder_puts(b, ".0");
}

/* ---- Python's repr ---- */

static bool is_printable(uint32_t c) {
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
        return false;
    case UTF8PROC_CATEGORY_ZS:
        return c == ' ';
    default:
        return true;
    }
}

/* The escapes that both notations share; false if c stands for itself. */
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

static void repr_str(llmi_builder *b, const llmi_str *s) {
    size_t begin = b->bytes.len;
    char quote = memchr(s->p, '\'', s->n) && !memchr(s->p, '"', s->n) ? '"' : '\'';
    llmi_builder_put(b, &quote, 1);
    if (!llmi_run_spend(b->r, s->n / 8)) return;
    for (size_t i = 0, n; i < s->n && LLMI_OK(b->r); i += n) {
        uint32_t c = llmi_utf8_decode(s->p + i, s->n - i, &n);
        if (c == LLMI_UTF8_INVALID || escape(b, c, quote)) continue;
        if (is_printable(c))
            llmi_builder_put(b, s->p + i, n);
        else
            llmi_builder_printf(b, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
    llmi_builder_put(b, &quote, 1);
    llmi_builder_mark_as(b, begin, s);
}

static void repr_list(llmi_builder *b, const llmi_list *l, bool tuple) {
    llmi_builder_puts(b, tuple ? "(" : "[");
    for (uint32_t i = 0; i < l->n && LLMI_OK(b->r); i++) {
        if (i) llmi_builder_puts(b, ", ");
        llmi_print_repr(b, l->v[i]);
    }
    llmi_builder_puts(b, tuple ? (l->n == 1 ? ",)" : ")") : "]");
}

static void repr_dict(llmi_builder *b, const llmi_dict *d) {
    llmi_builder_puts(b, "{");
    for (uint32_t i = 0; i < d->n && LLMI_OK(b->r); i++) {
        if (i) llmi_builder_puts(b, ", ");
        llmi_print_repr(b, d->keys[i]);
        llmi_builder_puts(b, ": ");
        llmi_print_repr(b, d->values[i]);
    }
    llmi_builder_puts(b, "}");
}

void llmi_print_repr(llmi_builder *b, llmi_value v) {
    if (!llmi_run_spend(b->r, 1)) return;
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
    case LLMI_V_FLOAT:
        llmi_print_float(b, v.f);
        return;
    case LLMI_V_STR:
        repr_str(b, v.s);
        return;
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
    case LLMI_V_DICT:
        if (!llmi_run_enter(b->r)) return;
        if (v.kind == LLMI_V_DICT)
            repr_dict(b, v.dict);
        else
            repr_list(b, v.list, v.kind == LLMI_V_TUPLE);
        llmi_run_leave(b->r);
        return;
    default:
        llmi_builder_printf(b, "<%s>", llmi_kind_name(v));
        return;
    }
}

void llmi_print(llmi_builder *b, llmi_value v) {
    if (v.kind == LLMI_V_STR)
        llmi_builder_str(b, v.s);
    else if (v.kind != LLMI_V_UNDEFINED)
        llmi_print_repr(b, v);
}

const llmi_str *llmi_to_str(llmi_run *r, llmi_value v) {
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

static void json_str(llmi_builder *b, const llmi_str *s, bool ascii) {
    size_t begin = b->bytes.len, plain = 0;
    llmi_builder_puts(b, "\"");
    if (!llmi_run_spend(b->r, s->n / 16)) return;
    for (size_t i = 0, n; i < s->n && LLMI_OK(b->r); i += n) {
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

static void new_line(llmi_builder *b, const llmi_json_style *style, int level) {
    if (style->indent < 0) return;
    llmi_builder_puts(b, "\n");
    for (int64_t i = (int64_t)level * style->indent; i > 0 && LLMI_OK(b->r); i--) llmi_builder_puts(b, " ");
}

static void json_value(llmi_builder *b, llmi_value v, const llmi_json_style *style, int level);

/* A key of an object: strings, and what Python turns into them. */
static void json_key(llmi_builder *b, llmi_value key, const llmi_json_style *style) {
    if (key.kind == LLMI_V_STR) {
        json_str(b, key.s, style->ascii);
        return;
    }
    llmi_builder_puts(b, "\"");
    json_value(b, key, style, 0);
    llmi_builder_puts(b, "\"");
}

/* Order of the members: 0.. as they are, or by key. */
static uint32_t *member_order(llmi_run *r, const llmi_dict *d, bool sort) {
    uint32_t *order = llmi_run_take(r, ((size_t)d->n + 1) * sizeof *order);
    for (uint32_t i = 0; order && i < d->n; i++) {
        uint32_t at = i;
        if (sort && !llmi_run_spend(r, i / 8)) return NULL;
        for (; sort && at > 0 && llmi_compare(r, d->keys[order[at - 1]], d->keys[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return LLMI_OK(r) ? order : NULL;
}

static void json_dict(llmi_builder *b, const llmi_dict *d, const llmi_json_style *style, int level) {
    const uint32_t *order = member_order(b->r, d, style->sort);
    llmi_builder_puts(b, "{");
    for (uint32_t i = 0; order && i < d->n && LLMI_OK(b->r); i++) {
        if (i) llmi_builder_str(b, style->comma);
        new_line(b, style, level + 1);
        json_key(b, d->keys[order[i]], style);
        llmi_builder_str(b, style->colon);
        json_value(b, d->values[order[i]], style, level + 1);
    }
    if (d->n) new_line(b, style, level);
    llmi_builder_puts(b, "}");
}

static void json_list(llmi_builder *b, const llmi_list *l, const llmi_json_style *style, int level) {
    llmi_builder_puts(b, "[");
    for (uint32_t i = 0; i < l->n && LLMI_OK(b->r); i++) {
        if (i) llmi_builder_str(b, style->comma);
        new_line(b, style, level + 1);
        json_value(b, l->v[i], style, level + 1);
    }
    if (l->n) new_line(b, style, level);
    llmi_builder_puts(b, "]");
}

static void json_value(llmi_builder *b, llmi_value v, const llmi_json_style *style, int level) {
    if (!llmi_run_spend(b->r, 1)) return;
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
    case LLMI_V_FLOAT:
        if (isfinite(v.f))
            llmi_print_float(b, v.f);
        else
            llmi_builder_puts(b, isnan(v.f) ? "NaN" : v.f > 0 ? "Infinity" : "-Infinity");
        return;
    case LLMI_V_STR:
        json_str(b, v.s, style->ascii);
        return;
    case LLMI_V_LIST:
    case LLMI_V_TUPLE:
    case LLMI_V_DICT:
        if (!llmi_run_enter(b->r)) return;
        if (v.kind == LLMI_V_DICT)
            json_dict(b, v.dict, style, level);
        else
            json_list(b, v.list, style, level);
        llmi_run_leave(b->r);
        return;
    default:
        llmi_run_fail(b->r, LLM_E_FORMAT, "%s has no form in JSON", llmi_kind_name(v));
        return;
    }
}

void llmi_print_json(llmi_builder *b, llmi_value v, const llmi_json_style *style) {
    json_value(b, v, style, 0);
}
