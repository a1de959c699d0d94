/* Numbers between bounds, digit by digit. A bound is a decimal: digits before and after the point. */
#include <string.h>

#include "base/json_doc.h"
#include "base/text.h"
#include "grammar/schema.h"
#include "grammar/schema_number.h"

/* Doubles distinguish all decimals of 15 digits; a text with a fraction has no more. */
enum { EXACT_DIGITS = 15, FRACTION_DIGITS = LLMI_FRACTION_DIGITS };

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
    int32_t kids[4 * LLMI_SCHEMA_DIGITS];
    size_t n;
} alternatives;

static void either(alternatives *a, int32_t node) {
    if (a->n < sizeof a->kids / sizeof a->kids[0]) a->kids[a->n++] = node;
}

static int32_t done(const alternatives *a) {
    return llmi_ir_list(a->ir, LLMI_IR_ALT, a->kids, a->n);
}

/* ---- digits that follow others ---- */

/* What may come after n_seen digits, up to n in all; exact: n in all. */
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

/* Digit strings that are above `bound`, or equal to it. n: maximum digits; exact: all have as many as the bound. */
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

/* ---- whole numbers >= 0, as digits without leading zeros ---- */

/* n <= LLMI_SCHEMA_DIGITS digits of one kind. */
static void fill(char *out, char first, char other, size_t n) {
    memset(out, other, n);
    out[0] = first;
    out[n] = 0;
}

static int compare_digits(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    return n != m ? (n < m ? -1 : 1) : strcmp(a, b);
}

static void increment(char *digits) {
    size_t i = strlen(digits);
    while (i && digits[i - 1] == '9') digits[--i] = '0';
    if (i) {
        digits[i - 1]++;
    } else {
        memmove(digits + 1, digits, strlen(digits) + 1);
        digits[0] = '1';
    }
}

/* Of a number above 0. */
static void decrement(char *digits) {
    size_t i = strlen(digits);
    while (i && digits[i - 1] == '0') digits[--i] = '9';
    if (i) digits[i - 1]--;
    if (digits[0] == '0' && digits[1]) memmove(digits, digits + 1, strlen(digits));
}

static int32_t whole_range(llmi_ir *ir, const char *low, const char *high) {
    alternatives a = {.ir = ir};
    size_t first = strlen(low), last = strlen(high);
    for (size_t n = first; n <= last && n <= LLMI_SCHEMA_DIGITS; n++) {
        char from[LLMI_SCHEMA_DIGITS + 1], to[LLMI_SCHEMA_DIGITS + 1];
        fill(from, '1', '0', n);
        fill(to, '9', '9', n);
        if (n == first) memcpy(from, low, n);
        if (n == last) memcpy(to, high, n);
        if (strcmp(from, to) <= 0) either(&a, between(ir, from, false, to, false, n, true));
    }
    return done(&a);
}

typedef struct whole {
    bool negative;
    char digits[LLMI_SCHEMA_DIGITS + 2];
} whole;

static bool is_zero(const whole *w) {
    return strcmp(w->digits, "0") == 0;
}

static int32_t signed_range(llmi_ir *ir, const whole *low, const whole *high) {
    alternatives a = {.ir = ir};
    bool above = !high->negative || is_zero(high), below = low->negative && !is_zero(low);
    const char *from = low->negative ? "0" : low->digits;
    if (above && compare_digits(from, high->digits) <= 0) either(&a, whole_range(ir, from, high->digits));
    from = above ? "1" : high->digits;
    if (below && compare_digits(from, low->digits) <= 0) {
        int32_t minus = llmi_ir_word(ir, "-");
        either(&a, llmi_ir_seq(ir, minus, whole_range(ir, from, low->digits)));
    }
    return done(&a);
}

/* ---- decimals >= 0 ---- */

static int32_t with_fraction(llmi_ir *ir, int32_t before, int32_t fraction, bool optional) {
    int32_t point = llmi_ir_word(ir, "."), tail = llmi_ir_seq(ir, point, fraction);
    return llmi_ir_seq(ir, before, optional ? llmi_ir_repeat(ir, tail, 0, 1) : tail);
}

/* Trailing zeros to the same length. */
static void pad(char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    for (; n < m; n++) a[n] = '0';
    a[n] = 0;
}

static int32_t decimal_range(llmi_ir *ir, llmi_decimal low, llmi_decimal high, size_t n) {
    alternatives a = {.ir = ir};
    bool low_zero = all_zero(low.fraction), high_zero = all_zero(high.fraction);
    int order = compare_digits(low.whole, high.whole);
    if (order == 0) {
        pad(low.fraction, high.fraction);
        pad(high.fraction, low.fraction);
        int32_t digits = between(ir, low.fraction, low.open, high.fraction, high.open, n, false);
        bool bare = low_zero && !low.open && (!high_zero || !high.open);
        if (bare) either(&a, whole_range(ir, low.whole, low.whole));
        either(&a, with_fraction(ir, whole_range(ir, low.whole, low.whole), digits, false));
        return done(&a);
    }
    if (order > 0) return nothing(ir);
    bool bare_low = low_zero && !low.open, bare_high = !high_zero || !high.open;
    either(&a, with_fraction(ir, whole_range(ir, low.whole, low.whole), above(ir, low.fraction, n, false, low.open),
                             bare_low));
    char next[LLMI_SCHEMA_DIGITS + 2], before[LLMI_SCHEMA_DIGITS + 2];
    memcpy(next, low.whole, sizeof next);
    memcpy(before, high.whole, sizeof before);
    increment(next);
    decrement(before);
    if (compare_digits(next, before) <= 0)
        either(&a, with_fraction(ir, whole_range(ir, next, before), any_digits(ir, 1, (int32_t)n), true));
    if (bare_high) either(&a, whole_range(ir, high.whole, high.whole));
    either(&a, with_fraction(ir, whole_range(ir, high.whole, high.whole), below(ir, high.fraction, n, false, high.open),
                             false));
    return done(&a);
}

/* ---- bounds ---- */

bool llmi_schema_decimal_of(llmi_decimal *out, const llmi_json *v, bool open) {
    llmi_json_decimal d;
    char text[LLMI_NUMBER_BYTES];
    *out = (llmi_decimal){.open = open};
    if (!llmi_schema_decimal(&d, v, text)) return false;
    out->negative = d.negative && d.n_digits;
    int64_t n = (int64_t)d.n_digits, before = n + d.exponent; /* digits before the point */
    if (!n) before = 0;
    if (before > LLMI_SCHEMA_DIGITS || (n && d.exponent < -FRACTION_DIGITS)) return false;
    size_t n_whole = 0, n_fraction = 0;
    const char *c = d.first;
    for (int64_t i = before < 0 ? before : 0; i < before || i < n; i++) {
        if (i >= 0 && i < n && *c == '.') c++;
        char digit = i >= 0 && i < n ? *c++ : '0';
        if (i < before)
            out->whole[n_whole++] = digit;
        else
            out->fraction[n_fraction++] = digit;
    }
    if (!n_whole) memcpy(out->whole, "0", 2);
    if (!n_fraction) memcpy(out->fraction, "0", 2);
    return true;
}

typedef struct bounds {
    const llmi_json *low, *high; /* NULL: none */
    bool low_open, high_open;
} bounds;

static bounds read_bounds(const llmi_json *schema) {
    bounds b = {llmi_json_get(schema, "minimum"), llmi_json_get(schema, "maximum"), false, false};
    const llmi_json *low = llmi_json_get(schema, "exclusiveMinimum"), *high = llmi_json_get(schema, "exclusiveMaximum");
    if (low && (!b.low || llmi_schema_compare(low, b.low) >= 0)) {
        b.low = low;
        b.low_open = true;
    }
    if (high && (!b.high || llmi_schema_compare(high, b.high) <= 0)) {
        b.high = high;
        b.high_open = true;
    }
    return b;
}

static bool is_below(const llmi_json *high, bool high_open, const llmi_json *low, bool low_open) {
    if (!high || !low) return false;
    int order = llmi_schema_compare(high, low);
    return order < 0 || (order == 0 && (high_open || low_open));
}

bool llmi_schema_bounds_apart(const llmi_json *a, const llmi_json *b) {
    bounds x = read_bounds(a), y = read_bounds(b);
    return is_below(x.high, x.high_open, y.low, y.low_open) || is_below(y.high, y.high_open, x.low, x.low_open);
}

/* Digits of a magnitude beyond what is written. */
static bool is_beyond(const llmi_json *v, size_t n_digits) {
    llmi_json_decimal d;
    return llmi_json_decimal_of(&d, v) && (int64_t)d.n_digits + d.exponent > (int64_t)n_digits;
}

static bool is_negative(const llmi_json *v) {
    llmi_json_decimal d;
    return llmi_json_decimal_of(&d, v) && d.negative && d.n_digits;
}

static int32_t out_of_reach(llmi_schema *s) {
    return llmi_schema_fault(s, LLM_E_UNSUPPORTED, "bounds beyond %d digits before or %d after the point",
                             LLMI_SCHEMA_DIGITS, FRACTION_DIGITS);
}

/* The whole number at a bound, inside of it. up: of a lower bound. False: beyond what is written. */
static bool whole_bound(whole *out, const llmi_json *v, bool open, bool up) {
    llmi_decimal d;
    if (!v || (is_beyond(v, LLMI_SCHEMA_DIGITS) && is_negative(v) == up)) {
        out->negative = up;
        fill(out->digits, '9', '9', LLMI_SCHEMA_DIGITS);
        return true;
    }
    llmi_json_decimal exact;
    bool small = llmi_json_decimal_of(&exact, v) && exact.n_digits && exact.exponent < -FRACTION_DIGITS;
    if (small) { /* a fraction that is too fine to be written; the whole part decides */
        if ((int64_t)exact.n_digits + exact.exponent > 0) return false;
        bool away = is_negative(v) != up; /* from zero */
        *out = (whole){.negative = is_negative(v)};
        memcpy(out->digits, away ? "1" : "0", 2);
        return true;
    }
    if (!llmi_schema_decimal_of(&d, v, open)) return false;
    bool part = !all_zero(d.fraction);
    out->negative = d.negative;
    memcpy(out->digits, d.whole, sizeof out->digits);
    bool outward = d.negative != up; /* inside of the bound is away from zero */
    if (outward && (part || open)) increment(out->digits);
    if (outward || part || !open) return true;
    if (is_zero(out)) return true;
    decrement(out->digits);
    return true;
}

static int32_t integers_between(llmi_schema *s, llmi_ir *ir, const bounds *b) {
    whole low, high;
    if (!whole_bound(&low, b->low, b->low_open, true) || !whole_bound(&high, b->high, b->high_open, false))
        return out_of_reach(s);
    if (strlen(low.digits) > LLMI_SCHEMA_DIGITS || strlen(high.digits) > LLMI_SCHEMA_DIGITS) return out_of_reach(s);
    return signed_range(ir, &low, &high);
}

/* Magnitudes from low to high, NULL: 0 or the largest with a fraction. */
static int32_t magnitudes(llmi_schema *s, llmi_ir *ir, const llmi_json *low, bool low_open, const llmi_json *high,
                          bool high_open) {
    llmi_decimal from = {.whole = "0", .fraction = "0", .open = low_open}, to = {.fraction = "0", .open = true};
    bool clipped = !high || is_beyond(high, EXACT_DIGITS);
    if (low && is_beyond(low, EXACT_DIGITS)) return nothing(ir);
    if (clipped) fill(to.whole, '1', '0', EXACT_DIGITS + 1);
    if ((low && !llmi_schema_decimal_of(&from, low, low_open)) ||
        (!clipped && !llmi_schema_decimal_of(&to, high, high_open)))
        return out_of_reach(s);
    size_t n = strlen(from.fraction) > strlen(to.fraction) ? strlen(from.fraction) : strlen(to.fraction);
    /* An exclusive bound needs decimals that doubles can distinguish from it. */
    size_t n_whole = strlen(from.whole) > strlen(to.whole) ? strlen(from.whole) : strlen(to.whole);
    size_t room = n_whole < EXACT_DIGITS ? EXACT_DIGITS - n_whole : 1;
    if (clipped) room = 6;
    if (n < room) n = room > 9 ? (n > 9 ? n : 9) : room;
    return decimal_range(ir, from, to, n);
}

/* With a fraction, or without; whole numbers of more digits than doubles hold come by themselves. */
static int32_t decimals_between(llmi_schema *s, llmi_ir *ir, const bounds *b) {
    alternatives a = {.ir = ir};
    bool below = !b->low || is_negative(b->low), above = !b->high || !is_negative(b->high);
    bool high_zero = b->high && !is_negative(b->high) && llmi_schema_compare(b->high, &llmi_schema_zero) == 0;
    if (above) {
        const llmi_json *low = below ? NULL : b->low;
        either(&a, magnitudes(s, ir, low, low && b->low_open, b->high, b->high_open));
    }
    if (below) {
        bool to_zero = above && !high_zero; /* 0 itself is among those above */
        const llmi_json *low = above ? NULL : b->high;
        int32_t minus = llmi_ir_word(ir, "-");
        int32_t rest = magnitudes(s, ir, low, to_zero || high_zero || b->high_open, b->low, b->low_open);
        either(&a, llmi_ir_seq(ir, minus, rest));
    }
    bool large = !b->low || !b->high || is_beyond(b->low, EXACT_DIGITS) || is_beyond(b->high, EXACT_DIGITS);
    if (large) either(&a, integers_between(s, ir, b));
    return done(&a);
}

int32_t llmi_schema_numbers_between(llmi_schema *s, llmi_ir *ir, const llmi_json *schema, bool integer) {
    bounds b = read_bounds(schema);
    if (llmi_schema_failed(s)) return -1;
    if (is_below(b.high, b.high_open, b.low, b.low_open)) return nothing(ir);
    return integer ? integers_between(s, ir, &b) : decimals_between(s, ir, &b);
}

bool llmi_schema_valid_number(llmi_schema *s, const llmi_json *schema, const llmi_json *value) {
    bounds b = read_bounds(schema);
    const llmi_json *steps = llmi_json_get(schema, "multipleOf");
    if (is_below(value, false, b.low, b.low_open) || is_below(b.high, b.high_open, value, false)) return false;
    size_t n = llmi_json_is(steps, LLMI_JSON_ARRAY) ? steps->n : (size_t)(steps != NULL);
    for (size_t i = 0; i < n; i++)
        if (!llmi_schema_is_multiple(s, value, llmi_json_is(steps, LLMI_JSON_ARRAY) ? &steps->items[i] : steps))
            return false;
    return true;
}
