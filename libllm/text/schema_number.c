/* Numbers between bounds, digit by digit. A bound is a decimal: digits before and behind the point. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "text/schema.h"

/* Digits that a number has at most: doubles tell all decimals of 15 digits apart. */
enum { WHOLE_DIGITS = 15, INTEGER_DIGITS = 18, FRACTION_DIGITS = 17 };

typedef struct decimal {
    int64_t whole;
    char fraction[FRACTION_DIGITS + 1]; /* at least one digit */
    bool open;                          /* the bound itself is outside */
} decimal;

/* ---- pieces ---- */

static int32_t class(llmi_ir *ir, int first, int last) {
    llmi_ir_range r = {(uint32_t)('0' + first), (uint32_t)('0' + last)};
    return first > last ? llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0) : llmi_ir_chars(ir, &r, 1);
}

static int32_t any_digits(llmi_ir *ir, int32_t min, int32_t max) {
    return llmi_ir_repeat(ir, class(ir, 0, 9), min, max);
}

static int32_t nothing(llmi_ir *ir) {
    return llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
}

/* Alternatives as they are found. */
typedef struct alternatives {
    llmi_ir *ir;
    int32_t kids[4 * INTEGER_DIGITS];
    size_t n;
} alternatives;

static void either(alternatives *a, int32_t node) {
    if (a->n < sizeof a->kids / sizeof a->kids[0]) a->kids[a->n++] = node;
}

static int32_t done(const alternatives *a) {
    return llmi_ir_list(a->ir, LLMI_IR_ALT, a->kids, a->n);
}

/* ---- digits that follow others ---- */

/* What may come behind n_seen digits, up to n in all; exact: n in all. */
static int32_t filler(llmi_ir *ir, size_t n_seen, size_t n, bool exact) {
    int32_t left = (int32_t)(n - n_seen);
    return any_digits(ir, exact ? left : 0, left);
}

/* At most n digits, one of which is not 0. */
static int32_t not_zero(llmi_ir *ir, size_t n) {
    alternatives a = {.ir = ir};
    static const char zeros[] = "00000000000000000000";
    for (size_t z = 0; z < n && z < sizeof zeros; z++) {
        int32_t before = llmi_ir_text(ir, zeros, z), digit = class(ir, 1, 9);
        either(&a, llmi_ir_seq(ir, before, digit, any_digits(ir, 0, (int32_t)(n - z - 1))));
    }
    return done(&a);
}

/* Digit strings that are above `bound`, or equal to it. n: most digits; exact: all have as many as the bound. */
static int32_t above(llmi_ir *ir, const char *bound, size_t n, bool exact, bool open) {
    alternatives a = {.ir = ir};
    size_t len = strlen(bound);
    for (size_t j = 0; j < len; j++) {
        if (bound[j] == '9') continue;
        int32_t same = llmi_ir_text(ir, bound, j), more = class(ir, bound[j] - '0' + 1, 9);
        either(&a, llmi_ir_seq(ir, same, more, filler(ir, j + 1, n, exact)));
    }
    int32_t same = llmi_ir_text(ir, bound, len);
    if (!open) {
        either(&a, llmi_ir_seq(ir, same, filler(ir, len, n, exact)));
    } else if (!exact && n > len) {
        either(&a, llmi_ir_seq(ir, same, not_zero(ir, n - len)));
    }
    return done(&a);
}

static bool all_zero(const char *digits) {
    return !digits[strspn(digits, "0")];
}

static int32_t below(llmi_ir *ir, const char *bound, size_t n, bool exact, bool open) {
    alternatives a = {.ir = ir};
    size_t len = strlen(bound);
    for (size_t j = 0; j < len; j++) {
        if (j && !exact && (!open || !all_zero(bound + j))) either(&a, llmi_ir_text(ir, bound, j));
        if (bound[j] == '0') continue;
        int32_t same = llmi_ir_text(ir, bound, j), less = class(ir, 0, bound[j] - '0' - 1);
        either(&a, llmi_ir_seq(ir, same, less, filler(ir, j + 1, n, exact)));
    }
    if (!open) {
        int32_t same = llmi_ir_text(ir, bound, len);
        either(&a, exact ? same : llmi_ir_seq(ir, same, llmi_ir_repeat(ir, class(ir, 0, 0), 0, (int32_t)(n - len))));
    }
    return done(&a);
}

/* Digit strings of the same length as both, low < high. */
static int32_t between(llmi_ir *ir, const char *low, bool low_open, const char *high, bool high_open, size_t n,
                       bool exact) {
    size_t i = 0;
    while (low[i] && low[i] == high[i]) i++;
    if (!low[i]) {
        if (low_open || high_open) return nothing(ir);
        int32_t same = llmi_ir_text(ir, low, i);
        return exact ? same : llmi_ir_seq(ir, same, llmi_ir_repeat(ir, class(ir, 0, 0), 0, (int32_t)(n - i)));
    }
    if (low[i] > high[i]) return nothing(ir);
    alternatives a = {.ir = ir};
    int32_t same = llmi_ir_text(ir, low, i), middle = class(ir, low[i] - '0' + 1, high[i] - '0' - 1);
    either(&a, llmi_ir_seq(ir, same, middle, filler(ir, i + 1, n, exact)));
    bool last = !low[i + 1];
    int32_t low_digit = llmi_ir_text(ir, low, i + 1), high_digit = llmi_ir_text(ir, high, i + 1);
    size_t n_low = strlen(low);
    while (n_low && low[n_low - 1] == '0') n_low--;
    if (!exact && !low_open && n_low) either(&a, llmi_ir_text(ir, low, n_low));
    if (last) {
        int32_t up = low_open ? not_zero(ir, exact ? 0 : n - i - 1) : filler(ir, i + 1, n, exact);
        either(&a, llmi_ir_seq(ir, low_digit, up));
        int32_t exactly = llmi_ir_repeat(ir, class(ir, 0, 0), 0, (int32_t)(exact ? 0 : n - i - 1));
        if (!high_open) either(&a, llmi_ir_seq(ir, high_digit, exactly));
    } else {
        either(&a, llmi_ir_seq(ir, low_digit, above(ir, low + i + 1, n - i - 1, exact, low_open)));
        either(&a, llmi_ir_seq(ir, high_digit, below(ir, high + i + 1, n - i - 1, exact, high_open)));
    }
    return done(&a);
}

/* ---- whole numbers >= 0 ---- */

static int32_t whole_range(llmi_ir *ir, int64_t low, int64_t high) {
    alternatives a = {.ir = ir};
    int64_t first = 0, last = 9;
    for (int n = 1; n <= INTEGER_DIGITS; n++) {
        int64_t from = low > first ? low : first, to = high < last ? high : last;
        char x[24], y[24];
        llmi_format(x, sizeof x, "%lld", (long long)from);
        llmi_format(y, sizeof y, "%lld", (long long)to);
        if (from <= to) either(&a, between(ir, x, false, y, false, (size_t)n, true));
        first = last + 1;
        last = n < INTEGER_DIGITS ? last * 10 + 9 : last;
    }
    return done(&a);
}

static int32_t signed_range(llmi_ir *ir, int64_t low, int64_t high) {
    alternatives a = {.ir = ir};
    if (high >= 0) either(&a, whole_range(ir, low > 0 ? low : 0, high));
    if (low < 0) {
        int32_t minus = llmi_ir_word(ir, "-");
        either(&a, llmi_ir_seq(ir, minus, whole_range(ir, high < 0 ? -high : 1, -low)));
    }
    return done(&a);
}

/* ---- decimals >= 0 ---- */

static int32_t with_fraction(llmi_ir *ir, int32_t whole, int32_t fraction, bool optional) {
    int32_t point = llmi_ir_word(ir, "."), tail = llmi_ir_seq(ir, point, fraction);
    return llmi_ir_seq(ir, whole, optional ? llmi_ir_repeat(ir, tail, 0, 1) : tail);
}

/* Trailing zeros to the same length. */
static void pad(char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    for (; n < m; n++) a[n] = '0';
    a[n] = 0;
}

static int32_t decimal_range(llmi_ir *ir, decimal low, decimal high, size_t n) {
    alternatives a = {.ir = ir};
    bool low_zero = all_zero(low.fraction), high_zero = all_zero(high.fraction);
    if (low.whole == high.whole) {
        pad(low.fraction, high.fraction);
        pad(high.fraction, low.fraction);
        int32_t digits = between(ir, low.fraction, low.open, high.fraction, high.open, n, false);
        bool bare = low_zero && !low.open && (!high_zero || !high.open);
        if (bare) either(&a, whole_range(ir, low.whole, low.whole));
        either(&a, with_fraction(ir, whole_range(ir, low.whole, low.whole), digits, false));
        return done(&a);
    }
    if (low.whole > high.whole) return nothing(ir);
    bool bare_low = low_zero && !low.open, bare_high = !high_zero || !high.open;
    either(&a, with_fraction(ir, whole_range(ir, low.whole, low.whole), above(ir, low.fraction, n, false, low.open),
                             bare_low));
    either(&a, with_fraction(ir, whole_range(ir, low.whole + 1, high.whole - 1), any_digits(ir, 1, (int32_t)n), true));
    if (bare_high) either(&a, whole_range(ir, high.whole, high.whole));
    either(&a, with_fraction(ir, whole_range(ir, high.whole, high.whole), below(ir, high.fraction, n, false, high.open),
                             false));
    return done(&a);
}

/* ---- bounds ---- */

/* |value| in decimal, from the shortest text that reads back as it. */
static bool to_decimal(decimal *out, double value, bool open) {
    char text[LLMI_NUMBER_BYTES], digits[LLMI_NUMBER_BYTES];
    int n = 0, point = 0;
    bool seen_point = false;
    long exponent = 0;
    llmi_number(text, fabs(value));
    for (const char *c = text; *c; c++) {
        if (*c == 'e' || *c == 'E') {
            bool minus = c[1] == '-';
            for (c += 1 + (c[1] == '-' || c[1] == '+'); *c; c++) exponent = exponent * 10 + (*c - '0');
            exponent = minus ? -exponent : exponent;
            break;
        }
        if (*c == '.') {
            seen_point = true;
        } else {
            digits[n++] = *c;
            point += !seen_point;
        }
    }
    long before = point + exponent; /* digits in front of the point */
    *out = (decimal){.open = open};
    if (before > INTEGER_DIGITS || before < -FRACTION_DIGITS) return value == 0;
    for (long i = 0; i < before; i++) out->whole = out->whole * 10 + (i < n ? digits[i] - '0' : 0);
    int n_fraction = 0;
    for (long i = before; i < n && n_fraction < FRACTION_DIGITS; i++)
        out->fraction[n_fraction++] = i < 0 ? '0' : digits[i];
    if (before < n && n - before > FRACTION_DIGITS) return false;
    while (n_fraction && out->fraction[n_fraction - 1] == '0') n_fraction--;
    out->fraction[n_fraction] = 0;
    if (!n_fraction) memcpy(out->fraction, "0", 2);
    return true;
}

typedef struct bounds {
    double low, high; /* infinite: none */
    bool low_open, high_open;
} bounds;

static double bound(llmi_schema *s, const json_t *schema, const char *key, double fallback) {
    const json_t *v = json_object_get(schema, key);
    if (v && !json_is_number(v)) llmi_schema_fault(s, LLM_E_FORMAT, "\"%s\" is no number", key);
    return json_is_number(v) ? json_number_value(v) : fallback;
}

static bounds read_bounds(llmi_schema *s, const json_t *schema) {
    double low = bound(s, schema, "minimum", -INFINITY), above_low = bound(s, schema, "exclusiveMinimum", -INFINITY);
    double high = bound(s, schema, "maximum", INFINITY), below_high = bound(s, schema, "exclusiveMaximum", INFINITY);
    return (bounds){.low = above_low >= low ? above_low : low,
                    .high = below_high <= high ? below_high : high,
                    .low_open = above_low >= low && above_low > -INFINITY,
                    .high_open = below_high <= high && below_high < INFINITY};
}

static int32_t out_of_reach(llmi_schema *s) {
    return llmi_schema_fault(s, LLM_E_UNSUPPORTED, "bounds beyond %d digits before or %d behind the point",
                             WHOLE_DIGITS, FRACTION_DIGITS);
}

static int32_t integer_between(llmi_schema *s, bounds b) {
    if (b.low > 9e17 || b.high < -9e17) return out_of_reach(s);
    double low = ceil(b.low), high = floor(b.high);
    if (b.low_open && low == b.low) low += 1;
    if (b.high_open && high == b.high) high -= 1;
    int64_t first = low < -9e17 ? -999999999999999999 : (int64_t)low;
    int64_t last = high > 9e17 ? 999999999999999999 : (int64_t)high;
    return signed_range(&s->ir, first, last);
}

/* Numbers of one sign: magnitudes from low to high. */
static int32_t magnitudes(llmi_schema *s, double low, bool low_open, double high, bool high_open) {
    decimal from, to;
    const double limit = 1e15;
    if (high >= limit) {
        high = limit;
        high_open = true;
    }
    if (low >= limit || !to_decimal(&from, low, low_open) || !to_decimal(&to, high, high_open)) return out_of_reach(s);
    size_t n = strlen(from.fraction) > strlen(to.fraction) ? strlen(from.fraction) : strlen(to.fraction);
    size_t n_whole = 1; /* an open bound needs decimals that doubles tell from it */
    for (int64_t x = from.whole > to.whole ? from.whole : to.whole; x >= 10; x /= 10) n_whole++;
    size_t room = n_whole < WHOLE_DIGITS ? WHOLE_DIGITS - n_whole : 1;
    if (high_open && high == limit) room = 6;
    if (n < room) n = room > 9 ? (n > 9 ? n : 9) : room;
    return decimal_range(&s->ir, from, to, n);
}

static int32_t number_between(llmi_schema *s, bounds b) {
    alternatives a = {.ir = &s->ir};
    if (b.high >= 0) {
        bool from_zero = b.low < 0;
        either(&a, magnitudes(s, from_zero ? 0 : b.low, !from_zero && b.low_open, b.high, b.high_open));
    }
    if (b.low < 0) {
        bool to_zero = b.high > 0;
        int32_t minus = llmi_ir_word(&s->ir, "-");
        int32_t rest = magnitudes(s, to_zero ? 0 : -b.high, to_zero || b.high_open, -b.low, b.low_open);
        either(&a, llmi_ir_seq(&s->ir, minus, rest));
    }
    return done(&a);
}

int32_t llmi_schema_number(llmi_schema *s, const json_t *schema, bool integer) {
    bounds b = read_bounds(s, schema);
    if (llmi_schema_failed(s)) return -1;
    if (isinf(b.low) && isinf(b.high)) return llmi_schema_shared(s, integer ? LLMI_SHARED_INTEGER : LLMI_SHARED_NUMBER);
    if (b.low > b.high) return nothing(&s->ir);
    return integer ? integer_between(s, b) : number_between(s, b);
}
