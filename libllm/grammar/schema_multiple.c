/* Numbers that are compared, multiples of a number, and numbers that are refused. Multiples are recognized by the
 * remainder of the digits read so far: an automaton with a state for each remainder, once more for each digit after the
 * point. */
#include <string.h>

#include "base/json_doc.h"
#include "base/text.h"
#include "grammar/schema.h"
#include "grammar/schema_number.h"

enum { MAX_STEP = 10000, MAX_STEP_FRACTION = 9 };

const llmi_json llmi_schema_zero = {.type = LLMI_JSON_NUMBER, .n = 1, .text = "0"};

/* ---- values ---- */

static int compare_magnitudes(const llmi_json_decimal *x, const llmi_json_decimal *y) {
    if (!x->n_digits || !y->n_digits) return (x->n_digits != 0) - (y->n_digits != 0);
    int64_t n = (int64_t)x->n_digits + x->exponent, m = (int64_t)y->n_digits + y->exponent;
    if (n != m) return n < m ? -1 : 1;
    const char *p = x->first, *q = y->first;
    for (; p < x->end && q < y->end; p++, q++) {
        p += *p == '.';
        q += *q == '.';
        if (*p != *q) return *p < *q ? -1 : 1;
    }
    return (p < x->end) - (q < y->end);
}

bool llmi_schema_decimal(llmi_json_decimal *out, const llmi_json *v, char text[LLMI_NUMBER_BYTES]) {
    if (!llmi_json_decimal_of(out, v)) return false;
    if (out->exponent >= 0 || out->n_digits <= 15) return true;
    llmi_json shortest = {.type = LLMI_JSON_NUMBER, .text = llmi_number(text, llmi_json_double(v))};
    shortest.n = (uint32_t)strlen(text);
    return llmi_json_decimal_of(out, &shortest);
}

int llmi_schema_compare(const llmi_json *a, const llmi_json *b) {
    llmi_json_decimal x, y;
    char text_x[LLMI_NUMBER_BYTES], text_y[LLMI_NUMBER_BYTES];
    if (!llmi_schema_decimal(&x, a, text_x) || !llmi_schema_decimal(&y, b, text_y)) return 0;
    bool minus_x = x.negative && x.n_digits, minus_y = y.negative && y.n_digits;
    if (minus_x != minus_y) return minus_x ? -1 : 1;
    int order = compare_magnitudes(&x, &y);
    return minus_x ? -order : order;
}

/* The digits of a number as one number, at most 18 of them. */
static bool digits_of(uint64_t *out, const llmi_json_decimal *d) {
    *out = 0;
    if (d->n_digits > 18) return false;
    for (const char *c = d->first; c < d->end; c++)
        if (*c != '.') *out = *out * 10 + (uint64_t)(*c - '0');
    return true;
}

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t modulus) {
    uint64_t out = 0;
    for (; b; b >>= 1) { /* below 2^60 throughout */
        if (b & 1) out = (out + a) % modulus;
        a = 2 * a % modulus;
    }
    return out;
}

/* Only the digits and the exponent of *d are to be used afterwards. */
static bool read_step(llmi_schema *s, llmi_json_decimal *d, uint64_t *digits, const llmi_json *step) {
    char text[LLMI_NUMBER_BYTES];
    if (llmi_schema_decimal(d, step, text) && d->n_digits && !d->negative) {
        if (digits_of(digits, d)) return true;
        llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"multipleOf\" of more than 18 digits");
        return false;
    }
    llmi_schema_fault(s, LLM_E_FORMAT, "\"multipleOf\" is %s, expected a number above 0",
                      LLMI_QUOTE(step->text, step->n));
    return false;
}

bool llmi_schema_is_multiple(llmi_schema *s, const llmi_json *value, const llmi_json *step) {
    llmi_json_decimal v, d;
    uint64_t p, rest = 0, power = 10;
    if (!read_step(s, &d, &p, step) || !llmi_json_decimal_of(&v, value)) return false;
    if (!v.n_digits) return true;
    if (v.exponent < d.exponent || !llmi_schema_pay(s, v.n_digits)) return false; /* digits finer than the step's */
    for (const char *c = v.first; c < v.end; c++)
        if (*c != '.') rest = (multiply(rest, 10, p) + (uint64_t)(*c - '0')) % p;
    power %= p;
    for (uint64_t e = (uint64_t)(v.exponent - d.exponent); e; e >>= 1) {
        if (e & 1) rest = multiply(rest, power, p);
        power = multiply(power, power, p);
    }
    return rest % p == 0;
}

/* ---- automata ---- */

/* State j * p + r: j digits after the point (0: none yet, or no point), remainder r of all digits. `point` marks the
 * states after a point: those of j digits are (1 + j) * p + r. Signs and the form of a number are left to others. */
static llm_status multiples(llmi_dfa *out, const llm_allocator *a, uint32_t p, int k, int64_t *steps) {
    llm_status status = LLM_OK;
    llmi_dfa_init(out, a);
    uint32_t scale = 1; /* 10^(digits that are missing after the point) */
    for (int i = 0; i < k; i++) scale = (uint32_t)((uint64_t)scale * 10 % p);
    if ((*steps -= (int64_t)p * (k + 2) * 12) < 0)
        return llmi_error(LLM_E_LIMIT, "\"multipleOf\" takes too many steps to combine with the rest");
    for (int j = -1; j <= k && status == LLM_OK; j++) { /* -1: before a point */
        uint32_t left = 1;
        for (int i = j < 0 ? 0 : j; i < k; i++) left = (uint32_t)((uint64_t)left * 10 % p);
        for (uint32_t r = 0; r < p && status == LLM_OK; r++) {
            status = llmi_dfa_add_state(out, (uint64_t)r * left % p == 0);
            if (status == LLM_OK && j < 0) status = llmi_dfa_add_edge(out, '-', '-', (int32_t)r);
            if (status == LLM_OK && j < 0) status = llmi_dfa_add_edge(out, '.', '.', (int32_t)(p + r));
            uint32_t begin = (uint32_t)(j + 1) * p, next = j < 0 || j == k ? begin : begin + p;
            for (uint32_t d = 0; d < 10 && status == LLM_OK; d++) {
                if (j == k && d) break; /* only zeros follow */
                int32_t to = (int32_t)(next + (j == k ? r : (uint32_t)(((uint64_t)r * 10 + d) % p)));
                status = llmi_dfa_add_edge(out, '0' + d, '0' + d, to);
            }
        }
    }
    if (status != LLM_OK) llmi_dfa_free(out);
    return status;
}

static bool narrow(llmi_schema *s, llmi_dfa *all, llmi_dfa *other, bool refused) {
    llmi_dfa both;
    llm_status status = llmi_dfa_combine(&both, all, other, refused, &s->steps);
    llmi_dfa_free(other);
    if (!llmi_schema_took(s, status)) return false;
    llmi_dfa_free(all);
    *all = both;
    return true;
}

static void narrow_multiples(llmi_schema *s, llmi_dfa *all, const llmi_json *step, bool refused) {
    llmi_json_decimal d;
    llmi_dfa other;
    uint64_t p;
    if (!read_step(s, &d, &p, step)) return;
    for (int64_t e = d.exponent; e > 0 && p <= MAX_STEP; e--) p *= 10;
    int k = d.exponent < 0 ? (int)(d.exponent < -MAX_STEP_FRACTION ? MAX_STEP_FRACTION + 1 : -d.exponent) : 0;
    if (p > MAX_STEP || k > MAX_STEP_FRACTION) {
        llmi_schema_fault(s, LLM_E_UNSUPPORTED,
                          "\"multipleOf\" is %s: at most %d, and %d digits after the point, can be part of a grammar",
                          LLMI_QUOTE(step->text, step->n), MAX_STEP, MAX_STEP_FRACTION);
        return;
    }
    llm_status status = multiples(&other, s->ir.a, (uint32_t)p, k, &s->steps);
    if (llmi_schema_took(s, status)) narrow(s, all, &other, refused);
}

/* Every way to write one number without an exponent. */
static int32_t spellings(llmi_ir *ir, const llmi_decimal *d) {
    bool zero = strcmp(d->whole, "0") == 0 && strcmp(d->fraction, "0") == 0;
    int32_t minus = llmi_ir_word(ir, "-");
    int32_t sign = llmi_ir_repeat(ir, minus, d->negative, d->negative || zero);
    int32_t whole = llmi_ir_text(ir, d->whole, strlen(d->whole)), point = llmi_ir_word(ir, ".");
    llmi_ir_range r = {'0', '0'};
    int32_t zeros = llmi_ir_chars(ir, &r, 1);
    if (strcmp(d->fraction, "0") != 0)
        return llmi_ir_seq(ir, sign, whole, point, llmi_ir_text(ir, d->fraction, strlen(d->fraction)),
                           llmi_ir_repeat(ir, zeros, 0, LLMI_IR_UNLIMITED));
    int32_t tail = llmi_ir_seq(ir, point, llmi_ir_repeat(ir, zeros, 1, LLMI_IR_UNLIMITED));
    return llmi_ir_seq(ir, sign, whole, llmi_ir_repeat(ir, tail, 0, 1));
}

static void narrow_values(llmi_schema *s, llmi_dfa *all, const llmi_json *list) {
    llmi_dfa other;
    for (size_t i = 0; i < llmi_json_count(list) && llmi_schema_pay(s, 8); i++) {
        llmi_decimal d;
        if (!llmi_json_is(&list->items[i], LLMI_JSON_NUMBER) || !llmi_schema_decimal_of(&d, &list->items[i], false))
            continue;
        llmi_ir ir;
        llmi_ir_init(&ir, s->ir.a);
        int32_t node = spellings(&ir, &d);
        llm_status status = ir.status == LLM_OK ? llmi_dfa_from_ir(&other, &ir, node, &s->steps) : ir.status;
        llmi_ir_free(&ir);
        if (llmi_schema_took(s, status)) narrow(s, all, &other, true);
    }
}

/* ---- numbers ---- */

/* Numbers of any size, without exponents. */
static int32_t any_number(llmi_ir *ir, bool integer) {
    llmi_ir_range digit = {'0', '9'}, first = {'1', '9'};
    int32_t zero = llmi_ir_word(ir, "0"), minus = llmi_ir_repeat(ir, llmi_ir_word(ir, "-"), 0, 1);
    int32_t head = llmi_ir_chars(ir, &first, 1);
    int32_t rest = llmi_ir_repeat(ir, llmi_ir_chars(ir, &digit, 1), 0, integer ? LLMI_IR_UNLIMITED : 12);
    int32_t whole = llmi_ir_seq(ir, minus, llmi_ir_alt(ir, zero, llmi_ir_seq(ir, head, rest)));
    if (integer) return whole;
    int32_t point = llmi_ir_word(ir, ".");
    int32_t fraction = llmi_ir_seq(ir, point, llmi_ir_repeat(ir, llmi_ir_chars(ir, &digit, 1), 1, 9));
    return llmi_ir_seq(ir, whole, llmi_ir_repeat(ir, fraction, 0, 1));
}

static bool has_bounds(const llmi_json *schema) {
    static const char *const keys[] = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (llmi_json_get(schema, keys[i])) return true;
    return false;
}

/* Everything that narrows numbers beside bounds. */
static void narrow_all(llmi_schema *s, llmi_dfa *all, const llmi_json *schema) {
    const llmi_json *steps = llmi_json_get(schema, "multipleOf"), *one;
    size_t n = llmi_json_is(steps, LLMI_JSON_ARRAY) ? steps->n : (size_t)(steps != NULL);
    for (size_t i = 0; i < n && !llmi_schema_failed(s); i++)
        narrow_multiples(s, all, llmi_json_is(steps, LLMI_JSON_ARRAY) ? &steps->items[i] : steps, false);
    for (size_t i = 0; (one = llmi_schema_simple_not(schema, i)) && !llmi_schema_failed(s); i++) {
        if (llmi_json_get(one, "multipleOf")) narrow_multiples(s, all, llmi_json_get(one, "multipleOf"), true);
        if (llmi_json_get(one, "enum")) narrow_values(s, all, llmi_json_get(one, "enum"));
    }
}

static int32_t combined(llmi_schema *s, const llmi_json *schema, bool integer) {
    llmi_dfa all;
    llmi_ir ir;
    llmi_ir_init(&ir, s->ir.a);
    int32_t node = has_bounds(schema) ? llmi_schema_numbers_between(s, &ir, schema, integer) : any_number(&ir, integer);
    llm_status status = ir.status;
    if (status == LLM_OK && !llmi_schema_failed(s)) status = llmi_dfa_from_ir(&all, &ir, node, &s->steps);
    llmi_ir_free(&ir);
    if (!llmi_schema_took(s, status)) return -1;
    narrow_all(s, &all, schema);
    node = -1;
    if (!llmi_schema_failed(s))
        node = llmi_schema_write(s, &all, 0, LLMI_IR_UNLIMITED, (llm_span){"", 0}, llmi_ir_chars);
    llmi_dfa_free(&all);
    return node;
}

/* Whole numbers are multiples of 1: nothing to be narrowed. */
static bool is_narrowed(const llmi_json *schema, bool integer) {
    const llmi_json *steps = llmi_json_get(schema, "multipleOf");
    llmi_json_decimal d;
    bool one = integer && llmi_json_is(steps, LLMI_JSON_NUMBER) && llmi_json_decimal_of(&d, steps) && d.n_digits == 1 &&
               *d.first == '1' && d.exponent == 0 && !d.negative;
    return (steps && !one) || llmi_json_get(schema, "not");
}

int32_t llmi_schema_numbers(llmi_schema *s, const llmi_json *schema, int types) {
    bool integer = !(types & LLMI_TYPE_FRACTION);
    if (is_narrowed(schema, integer)) return combined(s, schema, integer);
    if (!has_bounds(schema)) return llmi_schema_shared(s, integer ? LLMI_SHARED_INTEGER : LLMI_SHARED_NUMBER);
    return llmi_schema_numbers_between(s, &s->ir, schema, integer);
}
