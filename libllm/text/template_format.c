/* Formatting: "%" and str.format as Python has them, as far as texts need it, and strftime in English. */
#include <math.h>

#include "base/text.h"
#include "text/template_value.h"

/* ---- one value ---- */

typedef struct spec {
    char fill[5], align, sign, type;
    bool zero, alternate, comma;
    int width, precision; /* -1: none */
} spec;

static int read_int(const llmi_str *s, size_t *at, int otherwise) {
    int value = -1;
    for (; *at < s->n && s->p[*at] >= '0' && s->p[*at] <= '9'; (*at)++) {
        value = (value < 0 ? 0 : value) * 10 + (s->p[*at] - '0');
        if (value > 10000) value = 10000;
    }
    return value < 0 ? otherwise : value;
}

static void put_padded(llmi_builder *b, const spec *f, const char *p, size_t n, const llmi_str *given) {
    int64_t pad = f->width - (int64_t)llmi_str_length(&(llmi_str){.p = p, .n = (uint32_t)n}), left = 0;
    if (pad < 0) pad = 0;
    left = f->align == '<' ? 0 : f->align == '^' ? pad / 2 : pad;
    bool sign_first = f->zero && f->align == '=' && n && (p[0] == '-' || p[0] == '+');
    if (sign_first) llmi_builder_put(b, p, 1);
    for (int64_t i = 0; i < left; i++) llmi_builder_puts(b, f->fill);
    if (given)
        llmi_builder_str(b, given);
    else
        llmi_builder_put(b, p + sign_first, n - sign_first);
    for (int64_t i = left; i < pad; i++) llmi_builder_puts(b, f->fill);
}

/* Digits in groups of three. */
static size_t group(char *out, size_t capacity, const char *text) {
    size_t n = strlen(text), start = text[0] == '-' || text[0] == '+', end = start, k = 0;
    while (text[end] >= '0' && text[end] <= '9') end++;
    for (size_t i = 0; i < n && k + 2 < capacity; i++) {
        if (i > start && i < end && (end - i) % 3 == 0) out[k++] = ',';
        out[k++] = text[i];
    }
    out[k] = 0;
    return k;
}

static void put_number(llmi_builder *b, const spec *f, llmi_value v) {
    char text[400], grouped[540];
    const char *sign = f->sign == '+' ? "+" : f->sign == ' ' ? " " : "";
    int precision = f->precision < 0 ? 6 : f->precision > 60 ? 60 : f->precision;
    double x = llmi_as_float(v);
    if (strchr("di", f->type))
        llmi_format(text, sizeof text, "%s%lld", v.i < 0 ? "" : sign, (long long)v.i);
    else if (strchr("xXo", f->type))
        llmi_format(text, sizeof text,
                    f->type == 'x'   ? "%llx"
                    : f->type == 'X' ? "%llX"
                                     : "%llo",
                    (unsigned long long)v.i);
    else if (f->type == '%')
        llmi_format(text, sizeof text, "%s%.*f%%", x < 0 ? "" : sign, precision, x * 100);
    else if (f->type == 'e')
        llmi_format(text, sizeof text, "%s%.*e", x < 0 ? "" : sign, precision, x);
    else if (f->type == 'g')
        llmi_format(text, sizeof text, "%s%.*g", x < 0 ? "" : sign, precision, x);
    else
        llmi_format(text, sizeof text, "%s%.*f", x < 0 ? "" : sign, precision, x);
    size_t n = f->comma ? group(grouped, sizeof grouped, text) : strlen(text);
    put_padded(b, f, f->comma ? grouped : text, n, NULL);
}

static void put_value(llmi_builder *b, spec f, llmi_value v) {
    llmi_run *r = b->r;
    if (!f.type)
        f.type = v.kind == LLMI_V_INT && (f.comma || f.sign)  ? 'd'
                 : v.kind == LLMI_V_FLOAT && f.precision >= 0 ? 'g'
                                                              : 's';
    if (strchr("sr", f.type)) {
        llmi_builder part;
        llmi_builder_init(&part, r);
        if (f.type == 'r')
            llmi_print_repr(&part, v);
        else
            llmi_print(&part, v);
        const llmi_str *s = llmi_builder_finish(&part);
        if (s && f.precision >= 0) s = llmi_str_cut(r, s, 0, llmi_str_offset(s, (size_t)f.precision));
        if (!f.align) f.align = llmi_is_number(v) ? '>' : '<';
        if (s) put_padded(b, &f, s->p, s->n, s);
        return;
    }
    bool whole = strchr("dixXo", f.type) != NULL;
    if (whole && v.kind == LLMI_V_FLOAT && fabs(v.f) < 9e18) v = llmi_of_int((int64_t)v.f);
    if (!llmi_is_number(v) || (whole && v.kind == LLMI_V_FLOAT)) {
        llmi_run_fail(r, LLM_E_FORMAT, "format %c needs a number, found %s", f.type, llmi_kind_name(v));
        return;
    }
    if (!f.align) f.align = f.zero ? '=' : '>';
    put_number(b, &f, v);
}

/* ---- "%" ---- */

/* Flags, width and precision behind a "%". */
static spec read_percent(const llmi_str *s, size_t *at) {
    spec f = {.fill = " ", .align = '>', .precision = -1};
    for (; *at < s->n && strchr("-+ 0#", s->p[*at]) && s->p[*at]; (*at)++) {
        if (s->p[*at] == '-') f.align = '<';
        if (s->p[*at] == '0' && f.align != '<') f.zero = true, f.align = '=', f.fill[0] = '0';
        if (s->p[*at] == '+' || (s->p[*at] == ' ' && !f.sign)) f.sign = s->p[*at];
    }
    f.width = read_int(s, at, 0);
    if (*at < s->n && s->p[*at] == '.') {
        (*at)++;
        f.precision = read_int(s, at, 0);
    }
    if (*at < s->n) f.type = s->p[(*at)++];
    return f;
}

const llmi_str *llmi_format_percent(llmi_run *r, const llmi_str *s, llmi_value args) {
    llmi_builder b;
    llmi_builder_init(&b, r);
    uint32_t used = 0, n_args = args.kind == LLMI_V_TUPLE ? args.list->n : 1;
    size_t plain = 0, at = 0;
    while (at < s->n && llmi_run_spend(r, 1)) {
        if (s->p[at] != '%') {
            at++;
            continue;
        }
        llmi_builder_str(&b, llmi_str_cut(r, s, plain, at));
        at++;
        llmi_value named = llmi_undefined;
        bool by_name = at < s->n && s->p[at] == '(' && args.kind == LLMI_V_DICT;
        if (by_name) {
            size_t begin = ++at;
            while (at < s->n && s->p[at] != ')') at++;
            const llmi_value *found = llmi_dict_get(args.dict, s->p + begin, at - begin);
            if (found) named = *found;
            at += at < s->n;
        }
        spec f = read_percent(s, &at);
        plain = at;
        if (f.type == '%') {
            llmi_builder_puts(&b, "%");
            continue;
        }
        if (!f.type || !strchr("sridxXofFeg", f.type) || (!by_name && used >= n_args)) {
            llmi_run_fail(r, LLM_E_FORMAT, "%s",
                          f.type && strchr("sridxXofFeg", f.type) ? "not enough values for the format"
                                                                  : "unknown conversion in a format");
            break;
        }
        put_value(&b, f, by_name ? named : args.kind == LLMI_V_TUPLE ? args.list->v[used] : args);
        used += !by_name;
    }
    llmi_builder_str(&b, llmi_str_cut(r, s, plain, s->n));
    if (used < n_args && args.kind != LLMI_V_DICT) llmi_run_fail(r, LLM_E_FORMAT, "more values than the format takes");
    return llmi_builder_finish(&b);
}

/* ---- str.format ---- */

/* [[fill]align][sign][#][0][width][,][.precision][type] */
static spec read_spec(const llmi_str *s) {
    spec f = {.fill = " ", .precision = -1};
    size_t at = 0, first = s->n ? llmi_str_offset(s, 1) : 0;
    if (first < s->n && first <= 4 && strchr("<>^=", s->p[first]) && s->p[first]) {
        memcpy(f.fill, s->p, first);
        f.fill[first] = 0;
        f.align = s->p[first];
        at = first + 1;
    } else if (s->n && strchr("<>^=", s->p[0]) && s->p[0]) {
        f.align = s->p[at++];
    }
    if (at < s->n && strchr("+- ", s->p[at]) && s->p[at]) f.sign = s->p[at++];
    if (at < s->n && s->p[at] == '#') at++;
    if (at < s->n && s->p[at] == '0' && !f.align) f.zero = true, f.fill[0] = '0', f.align = '=', at++;
    f.width = read_int(s, &at, 0);
    if (at < s->n && s->p[at] == ',') f.comma = true, at++;
    if (at < s->n && s->p[at] == '.') {
        at++;
        f.precision = read_int(s, &at, 0);
    }
    if (at < s->n) f.type = s->p[at++];
    if (at < s->n || (f.type && !strchr("sdxXoeEfFg%", f.type))) f.type = '?';
    return f;
}

/* A field's value: "", "0", "name", with ".attribute" and "[key]" behind. */
static llmi_value field(llmi_run *r, const llmi_str *name, const llmi_args *args, int32_t *next) {
    size_t at = 0;
    int index = read_int(name, &at, -1);
    llmi_value v = llmi_undefined;
    if (at == 0)
        while (at < name->n && name->p[at] != '.' && name->p[at] != '[') at++;
    if (index < 0 && at == 0) index = (*next)++;
    const llmi_str *head = llmi_str_cut(r, name, 0, at);
    if (index >= 0 && index < args->n)
        v = args->v[index];
    else if (index < 0 && head)
        for (int32_t i = 0; i < args->n_named; i++)
            if (llmi_str_same(args->names[i].s, head)) v = args->values[i];
    while (at < name->n && LLMI_OK(r)) {
        bool item = name->p[at] == '[';
        size_t begin = ++at;
        while (at < name->n && (item ? name->p[at] != ']' : name->p[at] != '.' && name->p[at] != '[')) at++;
        const llmi_str *key = llmi_str_cut(r, name, begin, at);
        if (item) at += at < name->n;
        size_t digits = 0;
        int number = key ? read_int(key, &digits, -1) : -1;
        if (key)
            v = item && number >= 0 && digits == key->n ? llmi_item(r, v, llmi_of_int(number))
                : item                                  ? llmi_item(r, v, llmi_of_str(key))
                                                        : llmi_attribute(r, v, key);
    }
    return v;
}

const llmi_str *llmi_format_braces(llmi_run *r, const llmi_str *s, const llmi_args *args) {
    llmi_builder b;
    llmi_builder_init(&b, r);
    int32_t next = 0;
    for (size_t at = 0; at < s->n && llmi_run_spend(r, 1);) {
        char c = s->p[at];
        if (c != '{' && c != '}') {
            size_t begin = at;
            while (at < s->n && s->p[at] != '{' && s->p[at] != '}') at++;
            llmi_builder_str(&b, llmi_str_cut(r, s, begin, at));
            continue;
        }
        if (at + 1 < s->n && s->p[at + 1] == c) {
            llmi_builder_put(&b, &c, 1);
            at += 2;
            continue;
        }
        const char *close = c == '{' ? memchr(s->p + at, '}', s->n - at) : NULL;
        if (!close) {
            llmi_run_fail(r, LLM_E_FORMAT, "single '%c' in a format", c);
            break;
        }
        const llmi_str *inside = llmi_str_cut(r, s, at + 1, (size_t)(close - s->p));
        at = (size_t)(close - s->p) + 1;
        if (!inside) break;
        const char *colon = memchr(inside->p, ':', inside->n);
        size_t n_name = colon ? (size_t)(colon - inside->p) : inside->n;
        bool repr = n_name >= 2 && inside->p[n_name - 2] == '!';
        const llmi_str *name = llmi_str_cut(r, inside, 0, repr ? n_name - 2 : n_name);
        const llmi_str *rest = llmi_str_cut(r, inside, colon ? n_name + 1 : inside->n, inside->n);
        if (!name || !rest) break;
        spec f = read_spec(rest);
        if (f.type == '?') llmi_run_fail(r, LLM_E_FORMAT, "unknown conversion in a format");
        if (repr) f.type = inside->p[n_name - 1] == 'r' ? 'r' : 's';
        put_value(&b, f, field(r, name, args, &next));
    }
    return llmi_builder_finish(&b);
}

/* ---- strftime ---- */

typedef struct date {
    int64_t year;
    int month, day, hour, minute, second, weekday, yearday; /* month, day from 1; weekday 0 is Sunday */
} date;

/* Howard Hinnant's civil-from-days (https://howardhinnant.github.io/date_algorithms.html). */
static date date_of(int64_t seconds) {
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) rest += 86400, days--;
    date d = {.hour = (int)(rest / 3600), .minute = (int)(rest / 60 % 60), .second = (int)(rest % 60)};
    d.weekday = (int)(((days + 4) % 7 + 7) % 7);
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    d.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    d.month = (int)(mp < 10 ? mp + 3 : mp - 9);
    d.year = yoe + era * 400 + (d.month <= 2);
    bool leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    d.yearday = before[d.month - 1] + d.day + (leap && d.month > 2);
    return d;
}

static const char *const DAYS[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const MONTHS[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

static void put_time(llmi_builder *b, const date *d, char c, bool unpadded) {
    int hour12 = d->hour % 12 ? d->hour % 12 : 12;
    const char *two = unpadded ? "%d" : "%02d";
    switch (c) {
    case 'Y':
        llmi_builder_printf(b, "%lld", (long long)d->year);
        return;
    case 'y':
        llmi_builder_printf(b, two, (int)(d->year % 100));
        return;
    case 'm':
        llmi_builder_printf(b, two, d->month);
        return;
    case 'd':
        llmi_builder_printf(b, two, d->day);
        return;
    case 'e':
        llmi_builder_printf(b, "%2d", d->day);
        return;
    case 'H':
        llmi_builder_printf(b, two, d->hour);
        return;
    case 'I':
        llmi_builder_printf(b, two, hour12);
        return;
    case 'M':
        llmi_builder_printf(b, two, d->minute);
        return;
    case 'S':
        llmi_builder_printf(b, two, d->second);
        return;
    case 'j':
        llmi_builder_printf(b, unpadded ? "%d" : "%03d", d->yearday);
        return;
    case 'p':
        llmi_builder_puts(b, d->hour < 12 ? "AM" : "PM");
        return;
    case 'A':
        llmi_builder_puts(b, DAYS[d->weekday]);
        return;
    case 'a':
        llmi_builder_put(b, DAYS[d->weekday], 3);
        return;
    case 'B':
        llmi_builder_puts(b, MONTHS[d->month - 1]);
        return;
    case 'b':
    case 'h':
        llmi_builder_put(b, MONTHS[d->month - 1], 3);
        return;
    case 'w':
        llmi_builder_printf(b, "%d", d->weekday);
        return;
    case 'u':
        llmi_builder_printf(b, "%d", d->weekday ? d->weekday : 7);
        return;
    case 'n':
        llmi_builder_puts(b, "\n");
        return;
    case 't':
        llmi_builder_puts(b, "\t");
        return;
    case '%':
        llmi_builder_puts(b, "%");
        return;
    case 'Z':
    case 'z':
        return; /* local time without a zone */
    default:
        llmi_run_fail(b->r, LLM_E_UNSUPPORTED, "strftime: no conversion %%%c", c >= ' ' && c < 127 ? c : '?');
        return;
    }
}

/* Conversions that stand for several. */
static const struct {
    char c;
    const char *means;
} COMPOSED[] = {{'F', "%Y-%m-%d"}, {'T', "%H:%M:%S"}, {'R', "%H:%M"},       {'D', "%m/%d/%y"},
                {'x', "%m/%d/%y"}, {'X', "%H:%M:%S"}, {'r', "%I:%M:%S %p"}, {'c', "%a %b %e %H:%M:%S %Y"}};

static void put_format(llmi_builder *b, const date *d, const char *p, size_t n, bool inner) {
    for (size_t i = 0; i < n && llmi_run_spend(b->r, 1); i++) {
        if (p[i] != '%' || i + 1 == n) {
            llmi_builder_put(b, p + i, 1);
            continue;
        }
        bool unpadded = p[++i] == '-' && i + 1 < n;
        if (unpadded) i++;
        const char *means = NULL;
        for (size_t k = 0; !inner && k < sizeof COMPOSED / sizeof COMPOSED[0]; k++)
            if (COMPOSED[k].c == p[i]) means = COMPOSED[k].means;
        if (means)
            put_format(b, d, means, strlen(means), true);
        else
            put_time(b, d, p[i], unpadded);
    }
}

const llmi_str *llmi_format_time(llmi_run *r, const llmi_str *format, int64_t when) {
    date d = date_of(when);
    llmi_builder b;
    llmi_builder_init(&b, r);
    put_format(&b, &d, format->p, format->n, false);
    return llmi_builder_finish(&b);
}
