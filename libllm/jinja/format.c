/* Formatting: "%" and str.format as Python has them. Both read a specification and format a value by it. */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/utf8.h"
#include "jinja/value.h"

/* ---- one value ---- */

typedef struct spec {
    llmi_jinja_str fill;
    char align, sign, type, group; /* 0: none given */
    bool alternate, zero, percent; /* percent: of the "%" operator, whose rules differ a little */
    bool html;                     /* the text around it is: text is escaped */
    int64_t width, precision;      /* -1: none */
} spec;

enum { MAX_PRECISION = 1000, NUMBER_BYTES = MAX_PRECISION + 340 };

/* A number's text in parts: sign, "0x", digits before the point, and everything after them. */
typedef struct number {
    char sign, prefix[3];
    char text[NUMBER_BYTES];
    size_t n_whole, n;
} number;

static void fail(llmi_jinja_run *r, const char *text) {
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "format: %s", text);
}

static const llmi_jinja_str SPACE = {.p = " ", .n = 1}, ZERO = {.p = "0", .n = 1};

/* head stays in front if the padding goes after the sign ('='). */
static void put_aligned(llmi_builder *b, const spec *f, const llmi_jinja_str *head, const llmi_jinja_str *body) {
    int64_t n = llmi_jinja_str_length(b->r, head) + llmi_jinja_str_length(b->r, body),
            pad = f->width > n ? f->width - n : 0;
    int64_t left = f->align == '<' ? 0 : f->align == '^' ? pad / 2 : pad;
    if (f->align == '=') llmi_builder_str(b, head);
    llmi_builder_fill(b, &f->fill, left);
    if (f->align != '=') llmi_builder_str(b, head);
    llmi_builder_str(b, body);
    llmi_builder_fill(b, &f->fill, pad - left);
}

/* Digits in groups of three or four, with zeros in front until they fill the width where that is asked for. */
static const llmi_jinja_str *grouped(llmi_jinja_run *r, const spec *f, const number *x, size_t n_head) {
    size_t each = f->group == '_' && strchr("xXob", f->type) && f->type ? 4 : 3, n_digits = x->n_whole;
    int64_t room = f->zero && f->align == '=' ? f->width - (int64_t)(n_head + x->n - x->n_whole) : 0;
    while (llmi_jinja_run_spend(r, 1) && (int64_t)(n_digits + (n_digits - 1) / each) < room) n_digits++;
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (size_t i = n_digits; i > 0 && LLMI_JINJA_OK(r); i--) {
        llmi_builder_put(&b, i > x->n_whole ? "0" : x->text + x->n_whole - i, 1);
        if (i > 1 && (i - 1) % each == 0) llmi_builder_put(&b, &f->group, 1);
    }
    llmi_builder_put(&b, x->text + x->n_whole, x->n - x->n_whole);
    return llmi_builder_finish(&b);
}

static void put_number(llmi_builder *b, spec f, const number *x) {
    char head_text[4];
    size_t n_head = 0;
    if (x->sign || f.sign == '+' || f.sign == ' ') head_text[n_head++] = x->sign ? x->sign : f.sign;
    for (const char *p = x->prefix; *p; p++) head_text[n_head++] = *p;
    llmi_jinja_str head = {.p = head_text, .n = (uint32_t)n_head}, body = {.p = x->text, .n = (uint32_t)x->n};
    if (!f.align) f.align = '>';
    const llmi_jinja_str *digits = f.group && x->n_whole ? grouped(b->r, &f, x, n_head) : &body;
    if (digits) put_aligned(b, &f, &head, digits);
}

/* ---- integers ---- */

static int base_of(char type) {
    return type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
}

static bool integer_digits(llmi_jinja_run *r, number *x, llmi_jinja_value v, int base, bool capital) {
    if (v.kind == LLMI_V_BIG) {
        bool minus = v.s->p[0] == '-';
        if (base != 10 || v.s->n >= NUMBER_BYTES)
            llmi_jinja_run_fail(r, LLM_E_LIMIT,
                                "format: an integer beyond 64 bits can only be written with few decimals");
        if (!LLMI_JINJA_OK(r)) return false;
        x->sign = minus ? '-' : 0;
        x->n = v.s->n - minus;
        memcpy(x->text, v.s->p + minus, x->n);
        return true;
    }
    uint64_t left = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;
    char digits[64];
    size_t n = 0;
    do digits[n++] = (capital ? "0123456789ABCDEF" : "0123456789abcdef")[left % (unsigned)base];
    while (left /= (unsigned)base);
    x->sign = v.i < 0 ? '-' : 0;
    x->n = n;
    for (size_t i = 0; i < n; i++) x->text[i] = digits[n - 1 - i];
    return true;
}

static void put_integer(llmi_builder *b, const spec *f, llmi_jinja_value v) {
    number x = {0};
    int base = base_of(f->type);
    if (f->precision >= 0 && !f->percent) fail(b->r, "an integer takes no precision");
    if (f->group == ',' && base != 10) fail(b->r, "',' is for decimal numbers");
    if (!LLMI_JINJA_OK(b->r) || !integer_digits(b->r, &x, v, base, f->type == 'X')) return;
    if (f->alternate && base != 10) {
        x.prefix[0] = '0';
        x.prefix[1] = f->type;
    }
    size_t zeros = f->precision > (int64_t)x.n ? (size_t)f->precision - x.n : 0;
    memmove(x.text + zeros, x.text, x.n);
    memset(x.text, '0', zeros);
    x.n_whole = x.n += zeros;
    put_number(b, *f, &x);
}

static void put_character(llmi_builder *b, const spec *f, llmi_jinja_value v) {
    char utf8[4];
    llmi_jinja_str head = {.p = ""}, body = {.p = utf8};
    if (v.kind == LLMI_V_STR && f->percent) {
        if (llmi_jinja_str_length(b->r, v.s) != 1) fail(b->r, "c takes one character");
        if (LLMI_JINJA_OK(b->r)) put_aligned(b, f, &head, v.s);
        return;
    }
    bool is = llmi_jinja_is_int(v) && v.i >= 0 && v.i <= 0x10ffff && (v.i < 0xd800 || v.i > 0xdfff);
    if (!is || f->sign || f->group || (f->precision >= 0 && !f->percent)) fail(b->r, "c takes a character's number");
    if (!LLMI_JINJA_OK(b->r)) return;
    body.n = (uint32_t)llmi_utf8_encode(utf8, (uint32_t)v.i);
    put_aligned(b, f, &head, &body);
}

/* ---- floats ---- */

/* str(float) with so many digits: as 'g', but never without a point or an exponent. */
static void put_float_text(number *x, double f, int64_t precision, bool alternate) {
    x->n = llmi_format(x->text, sizeof x->text, alternate ? "%#.*g" : "%.*g", (int)(precision ? precision : 1), f);
    const char *e = memchr(x->text, 'e', x->n), *point = memchr(x->text, '.', x->n);
    if (e || point || x->n + 2 >= sizeof x->text) return;
    if (x->n < (size_t)precision) {
        memcpy(x->text + x->n, ".0", 2);
        x->n += 2;
    } else { /* its last digit is before the point: written with an exponent */
        x->n = llmi_format(x->text, sizeof x->text, "%.*e", (int)precision - 1, f);
        size_t end = (size_t)(strchr(x->text, 'e') - x->text), keep = end;
        if (memchr(x->text, '.', end))
            while (x->text[keep - 1] == '0') keep--;
        if (x->text[keep - 1] == '.') keep--;
        memmove(x->text + keep, x->text + end, x->n - end);
        x->n -= end - keep;
    }
}

static const char *conversion(char type, bool alternate) {
    static const struct {
        char type;
        const char *plain, *alternate;
    } FORMATS[] = {{'e', "%.*e", "%#.*e"}, {'E', "%.*E", "%#.*E"}, {'f', "%.*f", "%#.*f"}, {'F', "%.*F", "%#.*F"},
                   {'g', "%.*g", "%#.*g"}, {'G', "%.*G", "%#.*G"}, {'%', "%.*f", "%#.*f"}};
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
        if (FORMATS[i].type == type) return alternate ? FORMATS[i].alternate : FORMATS[i].plain;
    return NULL;
}

/* The shortest text that reads back, as {} and str() write it. */
static void put_shortest(llmi_jinja_run *r, number *x, double f) {
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_jinja_print_float(&b, f);
    x->n = b.bytes.len < sizeof x->text ? b.bytes.len : 0;
    if (x->n) memcpy(x->text, b.bytes.data, x->n);
    llmi_builder_free(&b);
}

static void put_float(llmi_builder *b, const spec *f, double value) {
    number x = {.sign = signbit(value) && !isnan(value) ? '-' : 0};
    double magnitude = fabs(value);
    if (f->precision > MAX_PRECISION)
        llmi_jinja_run_fail(b->r, LLM_E_LIMIT, "format: a precision of %lld exceeds the limit of %d",
                            (long long)f->precision, MAX_PRECISION);
    if (!LLMI_JINJA_OK(b->r) || !llmi_jinja_run_spend(b->r, 8)) return;
    if (!isfinite(magnitude)) {
        bool capital = f->type == 'E' || f->type == 'F' || f->type == 'G';
        x.n = llmi_format(x.text, sizeof x.text, isnan(value) ? (capital ? "NAN" : "nan") : capital ? "INF" : "inf");
    } else if (!f->type && f->precision < 0) {
        put_shortest(b->r, &x, magnitude);
    } else if (!f->type) {
        put_float_text(&x, magnitude, f->precision, f->alternate);
    } else {
        if (f->type == '%') magnitude *= 100;
        x.n = llmi_format(x.text, sizeof x.text, conversion(f->type, f->alternate),
                          (int)(f->precision < 0 ? 6 : f->precision), magnitude);
    }
    x.n_whole = strspn(x.text, "0123456789");
    if (x.n_whole > x.n) x.n_whole = x.n;
    if (f->type == '%') x.text[x.n++] = '%';
    put_number(b, *f, &x);
}

/* ---- "%" ---- */

typedef struct percent {
    llmi_jinja_run *r;
    const llmi_jinja_str *s;
    size_t at;
    llmi_jinja_value args;
    uint32_t used, n; /* of the arguments */
    bool html;
    bool mapping; /* the argument is not a tuple, but has keys or indices: nothing can be left over */
} percent;

static llmi_jinja_value next_argument(percent *p) {
    if (p->used >= p->n) {
        fail(p->r, "not enough values");
        return llmi_jinja_undefined;
    }
    return p->args.kind == LLMI_V_TUPLE ? p->args.list->v[p->used++] : (p->used++, p->args);
}

static char look(const percent *p) {
    return p->at < p->s->n ? p->s->p[p->at] : 0;
}

/* Digits at *at; -1 if there are none. */
static int64_t read_digits(llmi_jinja_run *r, const llmi_jinja_str *s, size_t *at) {
    int64_t value = -1;
    for (; *at < s->n && s->p[*at] >= '0' && s->p[*at] <= '9'; (*at)++) {
        value = value < 0 ? 0 : value;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, s->p[*at] - '0', &value)) {
            fail(r, "a number of too many digits");
            return -1;
        }
    }
    return value;
}

/* Digits, or "*" for the next argument. */
static int64_t read_count(percent *p) {
    if (look(p) != '*') return read_digits(p->r, p->s, &p->at);
    p->at++;
    llmi_jinja_value v = next_argument(p);
    if (LLMI_JINJA_OK(p->r) && !llmi_jinja_is_int(v)) fail(p->r, "* takes an integer");
    return LLMI_JINJA_OK(p->r) ? v.i : 0;
}

static spec read_percent(percent *p) {
    spec f = {.fill = SPACE, .align = '>', .precision = -1, .percent = true, .html = p->html};
    for (char c; (c = look(p)) && strchr("-+ 0#", c); p->at++) {
        if (c == '-') f.align = '<';
        if (c == '0') f.zero = true;
        if (c == '#') f.alternate = true;
        if (c == '+' || (c == ' ' && !f.sign)) f.sign = c;
    }
    f.width = read_count(p);
    if (f.width < -1) {
        f.align = '<';
        f.width = f.width == INT64_MIN ? INT64_MAX : -f.width;
    }
    if (look(p) == '.') {
        p->at++;
        f.precision = read_count(p);
        if (f.precision < 0) f.precision = 0;
    }
    if (look(p) && strchr("hlL", look(p))) p->at++;
    f.type = look(p);
    p->at += f.type != 0;
    return f;
}

/* "(name)" in front of a conversion; its value. */
static llmi_jinja_value read_named(percent *p) {
    size_t begin = ++p->at;
    int depth = 1;
    for (; p->at < p->s->n; p->at++) {
        depth += (p->s->p[p->at] == '(') - (p->s->p[p->at] == ')');
        if (depth == 0) break;
    }
    const llmi_jinja_value *found = p->args.kind == LLMI_V_DICT && depth == 0
                                        ? llmi_jinja_dict_get(p->args.dict, p->s->p + begin, p->at - begin)
                                        : NULL;
    if (!found)
        llmi_jinja_run_fail(p->r, LLM_E_FORMAT, "format: no value is called \"%s\"",
                            LLMI_QUOTE(p->s->p + begin, p->at - begin));
    p->at++;
    return found ? *found : llmi_jinja_undefined;
}

static void put_text(llmi_builder *b, const spec *f, llmi_jinja_value v) {
    llmi_jinja_run *r = b->r;
    llmi_builder part;
    llmi_builder_init(&part, r);
    if (f->type == 'a' && v.kind == LLMI_V_STR)
        llmi_print_repr_str(&part, v.s, true);
    else if (f->type == 'r' || f->type == 'a')
        llmi_print_repr(&part, v);
    else
        llmi_print(&part, v);
    const llmi_jinja_str *s = llmi_builder_finish(&part), head = {.p = ""};
    bool escapes = f->html && s && !(v.kind == LLMI_V_STR && v.aux & LLMI_HTML && f->type != 'r' && f->type != 'a');
    if (escapes) s = llmi_jinja_str_escape(r, s);
    if (s && f->precision >= 0) s = llmi_jinja_str_cut(r, s, 0, llmi_jinja_str_offset(r, s, f->precision));
    if (s) put_aligned(b, f, &head, s);
}

static void put_percent(llmi_builder *b, spec f, llmi_jinja_value v) {
    bool whole = strchr("diuxXo", f.type) != NULL;
    if (strchr("sra", f.type)) {
        put_text(b, &f, v);
        return;
    }
    if (f.type == 'c') {
        put_character(b, &f, v);
        return;
    }
    if (strchr("diu", f.type) && v.kind == LLMI_V_FLOAT && isfinite(v.f)) v = llmi_jinja_of_whole(b->r, v.f);
    if (!llmi_jinja_is_number(v) || (whole && v.kind == LLMI_V_FLOAT)) {
        llmi_jinja_run_fail(b->r, LLM_E_FORMAT, "format: %%%c takes a number, found %s", f.type,
                            llmi_jinja_kind_name(v));
        return;
    }
    if (f.zero && f.align != '<') f.fill = ZERO, f.align = '=';
    if (f.precision > MAX_PRECISION) f.precision = MAX_PRECISION + 1;
    if (!whole)
        put_float(b, &f, llmi_jinja_as_float(v));
    else if (f.precision > MAX_PRECISION)
        llmi_jinja_run_fail(b->r, LLM_E_LIMIT, "format: a precision above %d", MAX_PRECISION);
    else
        put_integer(b, &f, v);
}

static void put_conversion(llmi_builder *b, percent *p) {
    bool by_name = look(p) == '(';
    llmi_jinja_value named = by_name ? read_named(p) : llmi_jinja_undefined;
    spec f = read_percent(p);
    if (f.type == '%') {
        llmi_builder_puts(b, "%");
        return;
    }
    if (!f.type || !strchr("sraciduxXofFeEgG", f.type)) {
        fail(p->r, f.type ? "unknown conversion" : "it ends inside a conversion");
        return;
    }
    llmi_jinja_value v = by_name ? named : next_argument(p);
    if (LLMI_JINJA_OK(p->r)) put_percent(b, f, v);
}

const llmi_jinja_str *llmi_jinja_format_percent(llmi_jinja_run *r, llmi_jinja_value format, llmi_jinja_value args) {
    const llmi_jinja_str *s = format.s;
    percent p = {.r = r, .s = s, .args = args, .n = args.kind == LLMI_V_TUPLE ? args.list->n : 1};
    p.html = format.aux & LLMI_HTML;
    p.mapping =
        args.kind != LLMI_V_TUPLE && args.kind != LLMI_V_STR && !llmi_jinja_is_number(args) && args.kind != LLMI_V_NONE;
    llmi_builder b;
    llmi_builder_init(&b, r);
    while (p.at < s->n && llmi_jinja_run_spend(r, 1)) {
        const char *next = memchr(s->p + p.at, '%', s->n - p.at);
        size_t end = next ? (size_t)(next - s->p) : s->n;
        llmi_builder_str(&b, llmi_jinja_str_cut(r, s, p.at, end));
        p.at = end + 1;
        if (next) put_conversion(&b, &p);
    }
    if (p.used < p.n && !p.mapping) fail(r, "not all values are used");
    return llmi_builder_finish(&b);
}

/* ---- str.format ---- */

typedef struct braces {
    llmi_jinja_run *r;
    const llmi_jinja_args *args;
    int64_t next; /* number of the next field without a name; -1 once fields have numbers */
} braces;

static bool is_align(const llmi_jinja_str *s, size_t at) {
    return at < s->n && memchr("<>^=", s->p[at], 4) != NULL;
}

static bool take(const llmi_jinja_str *s, size_t *at, char c) {
    bool is = *at < s->n && s->p[*at] == c;
    *at += is;
    return is;
}

/* [[fill]align][sign][#][0][width][,_][.precision][type] */
static spec read_spec(llmi_jinja_run *r, const llmi_jinja_str *s) {
    spec f = {.fill = SPACE, .precision = -1};
    size_t at = 0, first = s->n ? llmi_utf8_step(s->p, s->n) : 0;
    if (is_align(s, first)) {
        f.fill = (llmi_jinja_str){.p = s->p, .n = (uint32_t)first};
        f.align = s->p[first];
        at = first + 1;
    } else if (is_align(s, 0)) {
        f.align = s->p[at++];
    }
    bool filled = at > 1;
    if (at < s->n && memchr("+- ", s->p[at], 3)) f.sign = s->p[at++];
    f.alternate = take(s, &at, '#');
    if (take(s, &at, '0')) {
        if (!filled) f.fill = ZERO;
        f.zero = !f.align;
        if (!f.align) f.align = '0'; /* settled by the type: '=' for numbers */
    }
    f.width = read_digits(r, s, &at);
    if (at < s->n && memchr(",_", s->p[at], 2)) f.group = s->p[at++];
    if (take(s, &at, '.') && (f.precision = read_digits(r, s, &at)) < 0) fail(r, "a precision is missing");
    if (at < s->n) f.type = s->p[at++];
    if (at < s->n) fail(r, "the specification goes on after its type");
    return f;
}

static void put_spec(llmi_builder *b, llmi_jinja_value v, const llmi_jinja_str *text, bool html) {
    llmi_jinja_run *r = b->r;
    spec f = read_spec(r, text);
    f.html = html;
    bool is_number = llmi_jinja_is_number(v);
    if (!LLMI_JINJA_OK(r)) return;
    if (text->n == 0 || (v.kind == LLMI_V_STR && (f.type == 's' || !f.type))) {
        bool odd = text->n && (f.sign || f.align == '=' || f.group || f.alternate);
        if (odd) fail(r, "this specification is for numbers");
        if (f.align == '0') f.align = '<';
        if (!f.align) f.align = is_number ? '>' : '<';
        if (LLMI_JINJA_OK(r)) put_text(b, &f, v);
        return;
    }
    if (!is_number) {
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "format: a %s takes no specification \"%s\"", llmi_jinja_kind_name(v),
                            LLMI_QUOTE(text->p, text->n));
        return;
    }
    if (f.align == '0') f.align = '=';
    f.zero = f.fill.n == 1 && f.fill.p[0] == '0';
    if (f.type == 'n') f.type = v.kind == LLMI_V_FLOAT ? 'g' : 'd';
    if (v.kind != LLMI_V_FLOAT && (!f.type || strchr("dxXob", f.type)))
        put_integer(b, &f, v);
    else if (f.type == 'c' && v.kind != LLMI_V_FLOAT)
        put_character(b, &f, v);
    else if (!f.type || conversion(f.type, false))
        put_float(b, &f, llmi_jinja_as_float(v));
    else
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "format: no conversion '%c' of a %s",
                            f.type > ' ' && f.type < 127 ? f.type : '?', llmi_jinja_kind_name(v));
}

static bool all_digits(const llmi_jinja_str *s) {
    for (uint32_t i = 0; i < s->n; i++)
        if (s->p[i] < '0' || s->p[i] > '9') return false;
    return s->n > 0;
}

/* The argument that a field begins with. */
static llmi_jinja_value argument(braces *f, const llmi_jinja_str *head) {
    const llmi_jinja_args *args = f->args;
    if (head->n == 0 || all_digits(head)) {
        size_t at = 0;
        bool numbered = head->n > 0;
        int64_t index = numbered ? read_digits(f->r, head, &at) : f->next;
        if (numbered ? f->next > 0 : f->next < 0) fail(f->r, "fields with and without a number do not mix");
        f->next = numbered ? -1 : index + 1;
        if (LLMI_JINJA_OK(f->r) && index < args->n) return args->v[index];
    } else {
        for (int32_t i = 0; i < args->n_named; i++)
            if (llmi_jinja_str_same(f->r, args->named[i].name.s, head)) return args->named[i].value;
    }
    llmi_jinja_run_fail(f->r, LLM_E_FORMAT, "format: no value for the field \"%s\"", LLMI_QUOTE(head->p, head->n));
    return llmi_jinja_undefined;
}

/* A field's value: "", "0", "name", with ".attribute" and "[key]" after it. */
static llmi_jinja_value field(braces *f, const llmi_jinja_str *name) {
    llmi_jinja_run *r = f->r;
    size_t at = 0;
    while (at < name->n && name->p[at] != '.' && name->p[at] != '[') at++;
    const llmi_jinja_str *head = llmi_jinja_str_cut(r, name, 0, at);
    if (head && !head->n && name->n) fail(r, "a field begins with \".\" or \"[\"");
    llmi_jinja_value v = head && LLMI_JINJA_OK(r) ? argument(f, head) : llmi_jinja_undefined;
    while (at < name->n && llmi_jinja_run_spend(r, 1)) {
        bool item = name->p[at] == '[';
        size_t begin = ++at;
        while (at < name->n && (item ? name->p[at] != ']' : name->p[at] != '.' && name->p[at] != '[')) at++;
        const llmi_jinja_str *key = llmi_jinja_str_cut(r, name, begin, at);
        bool closed = !item || at < name->n;
        if (item) at++;
        if (!key || !closed || !key->n || (item && at < name->n && !strchr(".[", name->p[at]))) {
            fail(r, "a field's name is not well formed");
            break;
        }
        v = !item ? llmi_jinja_attribute(r, v, key)
                  : llmi_jinja_item(r, v,
                                    all_digits(key) ? llmi_jinja_of_digits(r, key->p, key->n) : llmi_jinja_of_str(key));
    }
    return v;
}

static void put_braces(llmi_builder *b, braces *f, const llmi_jinja_str *s, int depth);

/* name[!conversion][:specification], where the specification may hold fields again. */
static void put_field(llmi_builder *b, braces *f, const llmi_jinja_str *inside, int depth) {
    llmi_jinja_run *r = b->r;
    size_t n_name = 0, nested = 0;
    for (; n_name < inside->n; n_name++) {
        char c = inside->p[n_name];
        if (c == '[') nested = 1;
        if (c == ']') nested = 0;
        if (!nested && (c == ':' || c == '!')) break;
    }
    bool converts = n_name < inside->n && inside->p[n_name] == '!';
    size_t at = n_name + (converts ? 2 : 0);
    char how = converts && n_name + 1 < inside->n ? inside->p[n_name + 1] : 0;
    if (converts && (!how || !strchr("rsa", how) || (at < inside->n && inside->p[at] != ':')))
        fail(r, "a conversion is !r, !s or !a");
    const llmi_jinja_str *name = llmi_jinja_str_cut(r, inside, 0, n_name);
    llmi_jinja_value v = name && LLMI_JINJA_OK(r) ? field(f, name) : llmi_jinja_undefined;
    const llmi_jinja_str *rest =
        LLMI_JINJA_OK(r) && at < inside->n ? llmi_jinja_str_cut(r, inside, at + 1, inside->n) : NULL;
    llmi_builder part;
    llmi_builder_init(&part, r);
    spec plain = {.align = '<', .type = how, .precision = -1, .width = -1};
    if (converts && LLMI_JINJA_OK(r)) put_text(&part, &plain, v);
    if (converts && LLMI_JINJA_OK(r)) v = llmi_jinja_of_str(llmi_builder_take(&part, 0));
    if (rest) put_braces(&part, f, rest, depth + 1);
    const llmi_jinja_str *text = llmi_builder_finish(&part);
    if (text) put_spec(b, v, text, f->args->self.aux & LLMI_HTML);
}

/* Where the field that begins before `at` ends: the brace that closes it. */
static size_t find_close(const llmi_jinja_str *s, size_t at) {
    int depth = 1;
    bool bracket = false;
    for (; at < s->n; at++) {
        char c = s->p[at];
        if (c == '[') bracket = true;
        if (c == ']') bracket = false;
        if (!bracket) depth += (c == '{') - (c == '}');
        if (depth == 0) return at;
    }
    return s->n;
}

static void put_braces(llmi_builder *b, braces *f, const llmi_jinja_str *s, int depth) {
    llmi_jinja_run *r = b->r;
    if (depth > 1) fail(r, "fields are nested too deeply");
    for (size_t at = 0; at < s->n && llmi_jinja_run_spend(r, 1);) {
        size_t begin = at;
        while (at < s->n && s->p[at] != '{' && s->p[at] != '}') at++;
        if (at > begin) llmi_builder_str(b, llmi_jinja_str_cut(r, s, begin, at));
        if (at == s->n) break;
        char c = s->p[at++];
        if (at < s->n && s->p[at] == c) {
            llmi_builder_put(b, &c, 1);
            at++;
            continue;
        }
        size_t close = c == '{' ? find_close(s, at) : s->n;
        llmi_jinja_run_scan(r, close - at);
        if (close == s->n) {
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "format: single '%c'", c);
            break;
        }
        const llmi_jinja_str *inside = llmi_jinja_str_cut(r, s, at, close);
        if (inside) put_field(b, f, inside, depth);
        at = close + 1;
    }
}

const llmi_jinja_str *llmi_jinja_format_braces(llmi_jinja_run *r, const llmi_jinja_args *args) {
    braces f = {.r = r, .args = args};
    llmi_builder b;
    llmi_builder_init(&b, r);
    put_braces(&b, &f, args->self.s, 0);
    return llmi_builder_finish(&b);
}
