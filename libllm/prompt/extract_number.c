#include "prompt/extract_number.h"

#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "prompt/extract_plain.h"

/* Everything below reads the bytes of extract_plain.h, which end with a NUL. */

/* whole . fraction * 10^exponent; the digits of `whole` may have other bytes among them. */
typedef struct decimal {
    const char *whole, *fraction;
    size_t n_whole, n_fraction;
    int32_t exponent;
} decimal;

typedef enum number_kind { NO_NUMBER, DECIMAL, RATIO } number_kind;

typedef struct found_number {
    number_kind kind; /* NO_NUMBER: it has a length, but is not one number */
    bool negative;
    decimal d;
    uint64_t numerator, denominator;
} found_number;

static bool is_digit(char c) {
    return llmi_plain_is_digit((uint8_t)c);
}

static bool is_word(char c) {
    return llmi_plain_is_word((uint8_t)c);
}

static size_t digits(const char *p) {
    size_t n = 0;
    while (is_digit(p[n])) n++;
    return n;
}

static size_t skip(const char *p, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(p, prefix, n) == 0 ? n : 0;
}

/* Length of the first of the NULL-terminated list that p begins with. */
static size_t skip_any(const char *p, const char *const *prefixes) {
    size_t n = 0;
    for (; *prefixes && !n; prefixes++) n = skip(p, *prefixes);
    return n;
}

/* ---- decimals ---- */

/* Most groups and bytes that are looked at in vain, so that reading stays linear. */
enum { MAX_GROUPS = 16, MAX_GROUP_BYTES = 256 };

/* The separators between groups of three digits; the last is LLMI_PLAIN_THIN. */
static const char *const GROUPING[] = {",", "'", "_", "{,}", "\\,", ",\\!", "\x02"};

/* Digits with groups: 1,234,567; in Indian manner 12,34,567. */
static size_t scan_whole(const char *p) {
    size_t n = digits(p), end = n;
    if (!n || n > 3) return n;
    for (size_t i = 0; i < sizeof GROUPING / sizeof GROUPING[0]; i++) {
        size_t len = strlen(GROUPING[i]);
        while (skip(p + end, GROUPING[i]) && digits(p + end + len) == 3) end += len + 3;
        if (end > n) return end;
    }
    for (int i = 0; i < MAX_GROUPS && n <= 2 && p[end] == ',' && digits(p + end + 1) == 2; i++) end += 3;
    return end > n && p[end] == ',' && digits(p + end + 1) == 3 ? end + 4 : n;
}

/* 1.234,5: points or no-break spaces between groups, then a decimal comma. Returns the bytes before the comma, 0: it is
 * not so. */
static size_t scan_before_comma(const char *p) {
    size_t n = digits(p), end = n;
    if (!n || n > 3 || (p[n] != '.' && p[n] != LLMI_PLAIN_THIN)) return 0;
    for (int i = 0; i < MAX_GROUPS && p[end] == p[n] && digits(p + end + 1) == 3; i++) end += 4;
    size_t n_fraction = p[end] == ',' ? digits(p + end + 1) : 0;
    return end > n && n_fraction && p[end + 1 + n_fraction] != ',' ? end : 0;
}

static size_t scan_integer(int32_t *out, const char *p) {
    bool minus = p[0] == '-';
    size_t begin = minus || p[0] == '+', n = digits(p + begin);
    if (!n || n > 9) return 0;
    int32_t value = 0;
    for (size_t i = begin; i < begin + n; i++) value = value * 10 + (p[i] - '0');
    *out = minus ? -value : value;
    return begin + n;
}

/* A superscript exponent: ^5, ^{-5}, or in superscript digits. */
static size_t scan_power(int32_t *out, const char *p) {
    if (p[0] == '^') {
        bool braces = p[1] == '{' || p[1] == '(';
        size_t begin = 1 + braces, n = scan_integer(out, p + begin);
        if (!n || (braces && p[begin + n] != '}' && p[begin + n] != ')')) return 0;
        return begin + n + braces;
    }
    char plain[16];
    size_t n = 0;
    for (; n + 1 < sizeof plain && llmi_plain_is_super((uint8_t)p[n]); n++) {
        int value = (uint8_t)p[n] - LLMI_PLAIN_SUPER;
        plain[n] = (char)(value == 10 ? '-' : '0' + value);
    }
    plain[n] = 0;
    return n && scan_integer(out, plain) == n ? n : 0;
}

/* e5, E-5; or times 10^5 with any sign of multiplication. */
static size_t scan_exponent(int32_t *out, const char *p) {
    static const char *const TIMES[] = {"*", "x", "X", "\\times", "\\cdot", NULL};
    if (p[0] == 'e' || p[0] == 'E') {
        size_t n = scan_integer(out, p + 1);
        return n && !is_word(p[1 + n]) && !is_digit(p[1 + n]) ? n + 1 : 0;
    }
    size_t at = p[0] == ' ', n = skip_any(p + at, TIMES);
    if (!n) return 0;
    at += n;
    at += p[at] == ' ';
    if (!skip(p + at, "10")) return 0;
    n = scan_power(out, p + at + 2);
    return n ? at + 2 + n : 0;
}

static size_t scan_decimal(decimal *d, const char *p) {
    size_t n = scan_before_comma(p), n_power;
    bool comma = n > 0;
    if (!comma) n = scan_whole(p);
    *d = (decimal){.whole = p, .n_whole = n};
    if (p[n] == (comma ? ',' : '.') && is_digit(p[n + 1])) {
        d->fraction = p + n + 1;
        d->n_fraction = digits(d->fraction);
        n += 1 + d->n_fraction;
    }
    if (!n) return 0;
    if (n == 2 && skip(p, "10") && (n_power = scan_power(&d->exponent, p + n))) {
        d->n_whole = 1; /* 10^5 is 1e5 */
        return n + n_power;
    }
    n_power = scan_exponent(&d->exponent, p + n);
    if (!n_power) d->exponent = 0;
    return n + n_power;
}

/* ---- fractions ---- */

enum { RATIO_DIGITS = 9 };

static bool to_integer(uint64_t *out, const char *p, size_t n) {
    *out = 0;
    if (!n || n > RATIO_DIGITS) return false;
    for (size_t i = 0; i < n; i++) *out = *out * 10 + (uint64_t)(p[i] - '0');
    return true;
}

/* Argument of \frac: {12} or one digit. */
static size_t scan_argument(uint64_t *out, const char *p) {
    if (is_digit(p[0])) return to_integer(out, p, 1);
    size_t n = p[0] == '{' ? digits(p + 1) : 0;
    return n && p[1 + n] == '}' && to_integer(out, p + 1, n) ? n + 2 : 0;
}

static const char *const FRAC[] = {"\\frac", "\\dfrac", "\\tfrac", NULL};

/* A vulgar fraction of Unicode or LaTeX. */
static size_t scan_set_fraction(found_number *x, const char *p) {
    uint8_t place = (uint8_t)((uint8_t)p[0] - LLMI_PLAIN_FRACTION);
    if (place < LLMI_PLAIN_N_FRACTIONS) {
        x->numerator = llmi_plain_fractions[place].numerator;
        x->denominator = llmi_plain_fractions[place].denominator;
        return 1;
    }
    size_t n = skip_any(p, FRAC), n_above = n ? scan_argument(&x->numerator, p + n) : 0;
    size_t n_below = n_above ? scan_argument(&x->denominator, p + n + n_above) : 0;
    return n_below ? n + n_above + n_below : 0;
}

/* 3/4 */
static size_t scan_fraction(found_number *x, const char *p) {
    size_t n = digits(p), m = n && p[n] == '/' ? digits(p + n + 1) : 0;
    return m && to_integer(&x->numerator, p, n) && to_integer(&x->denominator, p + n + 1, m) ? n + 1 + m : 0;
}

/* One number without a sign, as far as it goes: fraction, decimal, or both (1 1/2). */
static size_t scan_part(found_number *x, const char *p) {
    size_t n = scan_set_fraction(x, p);
    if (!n) n = scan_fraction(x, p);
    x->kind = RATIO;
    if (n) return n;
    n = scan_decimal(&x->d, p);
    x->kind = n ? DECIMAL : NO_NUMBER;
    uint64_t whole;
    if (!n || n != digits(p) || !to_integer(&whole, p, n)) return n;
    size_t gap = p[n] == ' ' || p[n] == LLMI_PLAIN_THIN, m = scan_set_fraction(x, p + n + gap);
    if (!m && gap) m = scan_fraction(x, p + n + gap);
    if (!m || x->numerator >= x->denominator) return n;
    x->kind = RATIO;
    x->numerator += whole * x->denominator;
    return n + gap + m;
}

/* ---- what a number is part of ---- */

/* Length of {...} or [...] with what is nested in it; 0: p does not begin one, or it has no end nearby. */
static size_t scan_group(const char *p) {
    size_t depth = 0;
    if (p[0] != '{' && p[0] != '[') return 0;
    for (size_t i = 0; p[i] && i < MAX_GROUP_BYTES; i++) {
        if (p[i] == '{' || p[i] == '[') depth++;
        if ((p[i] == '}' || p[i] == ']') && --depth == 0) return i + 1;
    }
    return 0;
}

/* LaTeX whose arguments are not numbers of their own: a root, a fraction of other things. */
static size_t scan_opaque(const char *p) {
    size_t n = skip(p, "\\sqrt");
    if (!n) n = skip_any(p, FRAC);
    for (size_t more; n && (more = scan_group(p + n)); n += more) {
    }
    return n;
}

static const char *const FACTORS[] = {"\x03", "\x04", "\\pi", NULL};

/* What makes a number part of a term: powers, roots, pi; 0x1F. Its length, 0: nothing. */
static size_t scan_term(const char *p, const char *end) {
    int32_t power;
    size_t n = scan_power(&power, end);
    if (n) return n;
    if (end[0] == '^' && (n = scan_group(end + 1))) return 1 + n;
    if (end[0] == '^') do
            n++;
        while (is_word(end[n]) || is_digit(end[n]));
    while (llmi_plain_is_super((uint8_t)end[n])) n++;
    if (n) return n;
    if (end - p == 1 && p[0] == '0' && (end[0] == 'x' || end[0] == 'X'))
        while (is_word(end[n]) || is_digit(end[n])) n++;
    if (!n) n = skip_any(end, FACTORS);
    return n ? n : scan_opaque(end);
}

/* A number without a sign and all that is joined to it. Of a range (5-6) the last is taken. */
static size_t scan_number(found_number *x, const char *p) {
    size_t n = scan_part(x, p), n_parts = 1, n_term, n_next;
    char join = 0;
    found_number next;
    while (n && p[n] && strchr(":/.-", p[n]) && (n_next = is_digit(p[n + 1]) ? scan_part(&next, p + n + 1) : 0)) {
        join = p[n];
        n += 1 + n_next;
        *x = next;
        if (++n_parts > 2 || join != '-') x->kind = NO_NUMBER;
    }
    for (; n && (n_term = scan_term(p, p + n)); n += n_term) x->kind = NO_NUMBER;
    if (x->kind == RATIO && !x->denominator) x->kind = NO_NUMBER;
    return n;
}

/* Whether a sign at p[i] belongs to what follows it, and is not between two things. */
static bool is_sign(const char *p, size_t i) {
    if (!i) return true;
    char before = p[i - 1];
    if (before == '$' && i > 1 && is_digit(p[i - 2])) return false;
    return !is_digit(before) && !is_word(before) && !(uint8_t)(before & 0x80) && !strchr(")]}%", before) &&
           !llmi_plain_is_super((uint8_t)before);
}

/* A sign before p[i], with a currency between: the bytes to the number. */
static size_t scan_sign(bool *negative, const char *p, size_t i) {
    *negative = p[i] == '-' && is_sign(p, i);
    if (!*negative) return 0;
    size_t n = 1;
    n += p[i + n] == '\\' && p[i + n + 1] == '$';
    return n + (p[i + n] == '$');
}

static bool begins_number(const char *p, size_t at) {
    char before = at ? p[at - 1] : ' ';
    if (p[at] == '.') return is_digit(p[at + 1]) && !strchr(".)", before) && !is_digit(before) && !is_word(before);
    return is_digit(p[at]) || (uint8_t)p[at] >= LLMI_PLAIN_FRACTION || skip_any(p + at, FRAC);
}

/* Whether what begins at p[i] is part of a word, a superscript or under a root: x2, x^2, x^{-2}. */
static bool is_inside(const char *p, size_t i, bool has_sign) {
    char before = i ? p[i - 1] : ' ';
    if (before == '^' || (before == '{' && i > 1 && strchr("^_", p[i - 2]))) return true;
    return !has_sign && (is_word(before) || before == LLMI_PLAIN_ROOT);
}

/* Reads what begins at p[i]; returns where to continue. */
static size_t read_at(found_number *last, const char *p, size_t i) {
    found_number x = {0};
    size_t at = i + scan_sign(&x.negative, p, i);
    bool negative = x.negative;
    size_t n = begins_number(p, at) ? scan_number(&x, p + at) : 0;
    if (!n) {
        n = scan_opaque(p + i);
        return i + (n ? n : 1);
    }
    x.negative = negative;
    if (x.kind != NO_NUMBER && !is_inside(p, i, at > i)) *last = x;
    return at + n;
}

/* ---- the one form ---- */

enum { MAX_PLAIN = 400 }; /* digits that are written without an exponent */

static bool collect(llmi_buf *out, const char *p, size_t n) {
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        if (is_digit(p[i])) ok = llmi_buf_append(out, p + i, 1);
    return ok;
}

static bool append_zeros(llmi_buf *out, int64_t n) {
    bool ok = true;
    for (; n > 0 && ok; n--) ok = llmi_buf_append(out, "0", 1);
    return ok;
}

/* 0.[n digits] * 10^point, without superfluous zeros. */
static bool append_digits(llmi_buf *out, const char *d, int64_t n, int64_t point) {
    if ((point > n ? point : n) - (point < 0 ? point : 0) > MAX_PLAIN)
        return llmi_buf_append(out, d, 1) && (n == 1 || llmi_buf_append(out, ".", 1)) &&
               llmi_buf_append(out, d + 1, (size_t)n - 1) && llmi_buf_printf(out, "e%lld", (long long)(point - 1));
    if (point <= 0)
        return llmi_buf_append(out, "0.", 2) && append_zeros(out, -point) && llmi_buf_append(out, d, (size_t)n);
    int64_t n_whole = point < n ? point : n;
    return llmi_buf_append(out, d, (size_t)n_whole) && append_zeros(out, point - n) &&
           (n_whole == n || (llmi_buf_append(out, ".", 1) && llmi_buf_append(out, d + n_whole, (size_t)(n - n_whole))));
}

static bool append_decimal(llmi_buf *out, const decimal *x, bool negative) {
    llmi_buf all;
    llmi_buf_init(&all, out->a);
    bool ok = collect(&all, x->whole, x->n_whole);
    int64_t point = (int64_t)all.len + x->exponent;
    ok = ok && collect(&all, x->fraction, x->n_fraction);
    size_t begin = 0, end = all.len;
    while (begin < end && all.data[begin] == '0') begin++, point--;
    while (end > begin && all.data[end - 1] == '0') end--;
    if (ok && begin == end)
        ok = llmi_buf_append(out, "0", 1);
    else if (ok)
        ok = llmi_buf_append(out, "-", negative) && append_digits(out, all.data + begin, (int64_t)(end - begin), point);
    llmi_buf_free(&all);
    return ok;
}

static bool append_number(llmi_buf *out, const found_number *x) {
    char text[LLMI_NUMBER_BYTES];
    decimal d = x->d;
    if (x->kind == RATIO) scan_decimal(&d, llmi_number(text, (double)x->numerator / (double)x->denominator));
    return append_decimal(out, &d, x->negative);
}

/* ---- whole texts ---- */

llm_status llmi_extract_number_last(llmi_buf *out, bool *found, const char *text, size_t n) {
    llmi_buf plain;
    llmi_buf_init(&plain, out->a);
    bool ok = llmi_extract_plain_text(&plain, text, n);
    found_number last = {0};
    for (size_t i = 0; ok && i < plain.len;) i = read_at(&last, plain.data, i);
    *found = ok && last.kind != NO_NUMBER;
    if (*found) ok = append_number(out, &last);
    llmi_buf_free(&plain);
    return ok ? LLM_OK : LLM_E_MEMORY;
}

llm_status llmi_extract_number_whole(llmi_buf *out, bool *found, const char *text, size_t n) {
    llmi_buf plain;
    llmi_buf_init(&plain, out->a);
    bool ok = llmi_extract_plain_text(&plain, text, n);
    found_number x = {.kind = DECIMAL};
    if (ok) {
        size_t at = scan_sign(&x.negative, plain.data, 0), len = scan_decimal(&x.d, plain.data + at);
        *found = len && at + len == plain.len;
        if (*found) ok = append_number(out, &x);
    }
    *found = *found && ok;
    llmi_buf_free(&plain);
    return ok ? LLM_OK : LLM_E_MEMORY;
}

bool llmi_extract_number_begins(const char *text, size_t n) {
    char p[8] = "";
    uint32_t c, before = 0;
    size_t n_plain = 0;
    for (size_t i = 0, len; i < n && n_plain < 4; i += len, before = c) {
        c = llmi_utf8_decode(text + i, n - i, &len);
        uint8_t plain = llmi_extract_plain_char(c, before);
        if (plain) p[n_plain++] = (char)plain;
    }
    bool negative;
    size_t at = scan_sign(&negative, p, 0);
    at += p[at] == '.';
    return at && is_digit(p[at]);
}
