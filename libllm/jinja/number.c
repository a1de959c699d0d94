/* Numbers as text and text as numbers, as Python has them. */
#include <math.h>
#include <stdlib.h>

#include "base/text.h"
#include "base/utf8.h"
#include "jinja/value.h"
#include "unicode/python_str.h"

/* ---- to text ---- */

/* The shortest digits that read back, in Python's notation: an exponent below 1e-4 and from 1e16 on. */
void llmi_jinja_print_float(llmi_builder *b, double f) {
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

/* ---- integers of any size ---- */

llmi_jinja_value llmi_jinja_of_digits(llmi_jinja_run *r, const char *p, size_t n) {
    bool minus = n && *p == '-';
    uint64_t value = 0;
    size_t i = minus;
    while (i + 1 < n && p[i] == '0') i++;
    size_t first = i, n_digits = n - first;
    for (; i < n && n_digits <= 19; i++) value = value * 10 + (uint64_t)(p[i] - '0');
    if (n_digits <= 19 && value <= (uint64_t)INT64_MAX + minus)
        return llmi_jinja_of_int(minus ? (int64_t)(0 - value) : (int64_t)value);
    if (n_digits > LLMI_MAX_DIGITS) {
        llmi_jinja_run_fail(r, LLM_E_LIMIT, "an integer of %zu digits exceeds the limit of %d", n_digits,
                            LLMI_MAX_DIGITS);
        return llmi_jinja_undefined;
    }
    char *copy = llmi_jinja_run_take(r, n_digits + 2);
    if (!copy) return llmi_jinja_undefined;
    copy[0] = '-';
    memcpy(copy + minus, p + first, n_digits);
    copy[minus + n_digits] = 0;
    const llmi_jinja_str *s = llmi_jinja_str_over(r, copy, minus + n_digits);
    return s ? (llmi_jinja_value){.kind = LLMI_V_BIG, .s = s} : llmi_jinja_undefined;
}

llmi_jinja_value llmi_jinja_of_whole(llmi_jinja_run *r, double f) {
    if (fabs(f) < 9e18) return llmi_jinja_of_int((int64_t)f);
    char text[320];
    return llmi_jinja_of_digits(r, text, llmi_format(text, sizeof text, "%.0f", f));
}

/* ---- from text ---- */

/* The text without white space around it and without the underscores between its digits, each decimal digit of any
 * script as '0'..'9' and each letter small; false if a character can be in no number. */
static bool plain(llmi_builder *b, const llmi_jinja_str *s) {
    const llmi_jinja_str *t = llmi_jinja_str_trim(b->r, s, NULL, true, true);
    if (!t || !llmi_jinja_run_scan(b->r, t->n)) return false;
    char last = 0;
    for (size_t i = 0, n; i < t->n; i += n) {
        uint32_t c = llmi_utf8_decode(t->p + i, t->n - i, &n);
        int digit = llmi_python_decimal_value(c);
        bool between = c == '_' && last && last != '_' && i + 1 < t->n;
        char out = digit >= 0 ? (char)('0' + digit) : c >= 'A' && c <= 'Z' ? (char)(c | 32) : (char)c;
        if (c == LLMI_UTF8_INVALID || (c >= 0x80 && digit < 0) || (c == '_' && !between)) return false;
        if (c != '_') llmi_builder_put(b, &out, 1);
        last = out;
    }
    llmi_builder_put(b, "", 1);
    return LLMI_JINJA_OK(b->r);
}

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* "0x" and its like; *base 0 takes it from there. */
static const char *skip_prefix(const char *p, int64_t *base) {
    static const char letters[] = "xob";
    static const int bases[] = {16, 8, 2};
    const char *which = p[0] == '0' && p[1] ? strchr(letters, p[1]) : NULL;
    if (which && (*base == 0 || *base == bases[which - letters])) {
        *base = bases[which - letters];
        return p + 2;
    }
    if (*base) return p;
    *base = 10;
    return p[0] == '0' && p[strspn(p, "0")] ? "" : p; /* without a base, no number begins with 0 */
}

static llmi_jinja_value int_of(llmi_jinja_run *r, const char *p, size_t n, int64_t base) {
    bool minus = *p == '-';
    const char *start = p + (*p == '-' || *p == '+'), *digits = skip_prefix(start, &base);
    if (!*digits) return llmi_jinja_absent;
    uint64_t value = 0;
    bool beyond = false;
    for (const char *q = digits; *q; q++) {
        if (digit_of(*q) >= base) return llmi_jinja_absent;
        beyond = beyond || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
                 __builtin_add_overflow(value, (uint64_t)digit_of(*q), &value);
    }
    if (!beyond && value <= (uint64_t)INT64_MAX + minus)
        return llmi_jinja_of_int(minus ? (int64_t)(0 - value) : (int64_t)value);
    if (base == 10) return llmi_jinja_of_digits(r, *p == '+' ? start : p, n - (*p == '+'));
    llmi_jinja_run_fail(r, LLM_E_LIMIT, "an integer of base %lld exceeds 64 bits", (long long)base);
    return llmi_jinja_undefined;
}

llmi_jinja_value llmi_jinja_read_int(llmi_jinja_run *r, const llmi_jinja_str *s, int64_t base) {
    if (base != 0 && (base < 2 || base > 36)) return llmi_jinja_absent;
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_jinja_value v = llmi_jinja_absent;
    if (plain(&b, s)) v = int_of(r, b.bytes.data, b.bytes.len - 1, base);
    llmi_builder_free(&b);
    return v;
}

/* Position after the decimal number at p (digits, perhaps with a point, and perhaps an exponent); p if there is
 * none. */
static const char *skip_decimal(const char *p) {
    const char *q = p + strspn(p, "0123456789");
    size_t n = (size_t)(q - p);
    if (*q == '.') {
        size_t more = strspn(q + 1, "0123456789");
        n += more;
        q += more + 1;
    }
    if (!n) return p;
    if (*q != 'e') return q;
    const char *e = q + 1 + (q[1] == '+' || q[1] == '-');
    size_t digits = strspn(e, "0123456789");
    return digits ? e + digits : q;
}

static llmi_jinja_value float_of(const char *p) {
    static const char *const words[] = {"inf", "infinity", "nan"};
    bool minus = *p == '-';
    p += *p == '-' || *p == '+';
    for (size_t i = 0; i < 3; i++)
        if (strcmp(p, words[i]) == 0) return llmi_jinja_of_float(i == 2 ? NAN : minus ? -INFINITY : INFINITY);
    const char *end = skip_decimal(p);
    if (end == p || *end) return llmi_jinja_absent;
    double f = llmi_strtod(p, NULL);
    return llmi_jinja_of_float(minus ? -f : f);
}

llmi_jinja_value llmi_jinja_read_float(llmi_jinja_run *r, const llmi_jinja_str *s) {
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_jinja_value v = plain(&b, s) ? float_of(b.bytes.data) : llmi_jinja_absent;
    llmi_builder_free(&b);
    return v;
}
