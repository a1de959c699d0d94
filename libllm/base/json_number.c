/* Numbers by their spelling. A spelling is taken apart into what does not depend on how it is written:
 *
 *   "-12.500e3"  ->  negative, digits 1 2 5 (from the first to the last that is not 0), 125 x 10^2
 */
#include <math.h>
#include <stdlib.h>

#include "base/json_doc.h"
#include "base/text.h"

enum { MAX_EXPONENT = 1 << 30 }; /* beyond any number of digits that a text can hold */

static int64_t read_exponent(const char *text) {
    bool negative = *text == '-';
    int64_t exponent = 0;
    for (text += *text == '-' || *text == '+'; *text >= '0' && *text <= '9'; text++)
        if (exponent < MAX_EXPONENT) exponent = exponent * 10 + (*text - '0');
    return negative ? -exponent : exponent;
}

bool llmi_json_decimal_of(llmi_json_decimal *d, const llmi_json *v) {
    const char *p = v->text, *end = p + strcspn(p, "eE"), *point = memchr(p, '.', (size_t)(end - p));
    d->negative = *p == '-';
    p += d->negative;
    if (*p < '0' || *p > '9') return false;
    d->exponent = *end ? read_exponent(end + 1) : 0;
    if (point) d->exponent -= end - point - 1;
    while (p < end && (*p == '0' || *p == '.')) p++;
    while (p < end && (end[-1] == '0' || end[-1] == '.')) d->exponent += *--end == '0';
    d->first = p;
    d->end = end;
    d->n_digits = (size_t)(end - p) - (point && p <= point && point < end);
    return true;
}

bool llmi_json_number_same(const llmi_json *a, const llmi_json *b) {
    llmi_json_decimal x, y;
    bool finite = llmi_json_decimal_of(&x, a);
    if (finite != llmi_json_decimal_of(&y, b)) return false;
    if (!finite) return a->n == b->n && memcmp(a->text, b->text, a->n) == 0;
    if (x.n_digits == 0 || y.n_digits == 0) return x.n_digits == y.n_digits; /* -0 is 0 */
    if (x.negative != y.negative || x.n_digits != y.n_digits || x.exponent != y.exponent) return false;
    for (const char *p = x.first, *q = y.first; p < x.end && q < y.end; p++, q++) {
        p += *p == '.';
        q += *q == '.';
        if (*p != *q) return false;
    }
    return true;
}

bool llmi_json_is_integer(const llmi_json *v) {
    if (!llmi_json_is(v, LLMI_JSON_NUMBER)) return false;
    for (size_t i = v->text[0] == '-'; i < v->n; i++)
        if (v->text[i] < '0' || v->text[i] > '9') return false;
    return true;
}

/* Whether it is a whole number of this magnitude, at most 2^64 - 1. */
static bool magnitude(uint64_t *out, bool *negative, const llmi_json *v) {
    llmi_json_decimal d;
    if (!llmi_json_is(v, LLMI_JSON_NUMBER) || !llmi_json_decimal_of(&d, v)) return false;
    *out = 0;
    *negative = d.negative;
    if (d.n_digits == 0) return true;
    if (d.exponent < 0 || d.exponent > 20 || d.n_digits > 20) return false;
    for (const char *p = d.first; p < d.end; p++)
        if (*p != '.' && (__builtin_mul_overflow(*out, (uint64_t)10, out) ||
                          __builtin_add_overflow(*out, (uint64_t)(*p - '0'), out)))
            return false;
    for (int64_t i = 0; i < d.exponent; i++)
        if (__builtin_mul_overflow(*out, (uint64_t)10, out)) return false;
    return true;
}

bool llmi_json_int64(int64_t *out, const llmi_json *v) {
    uint64_t n;
    bool negative;
    if (!magnitude(&n, &negative, v) || n > (uint64_t)INT64_MAX + negative) return false;
    *out = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

bool llmi_json_uint64(uint64_t *out, const llmi_json *v) {
    bool negative;
    return magnitude(out, &negative, v) && (*out == 0 || !negative);
}

double llmi_json_double(const llmi_json *v) {
    return llmi_json_is(v, LLMI_JSON_NUMBER) ? llmi_strtod(v->text, NULL) : (double)NAN;
}
