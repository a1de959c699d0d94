/* Arithmetic as Python does it, with integers of 64 bits. */
#include <math.h>

#include "base/checked.h"
#include "jinja/value.h"

static llmi_jinja_value no_meaning(llmi_jinja_run *r, char op, llmi_jinja_value a, llmi_jinja_value b) {
    const char *sign = op == 'p' ? "**" : op == 'i' ? "//" : (const char[2]){op, 0};
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s %s %s has no meaning", llmi_jinja_kind_name(a), sign,
                        llmi_jinja_kind_name(b));
    return llmi_jinja_undefined;
}

static llmi_jinja_value too_large(llmi_jinja_run *r) {
    llmi_jinja_run_fail(r, LLM_E_LIMIT, "the result exceeds 64 bits");
    return llmi_jinja_undefined;
}

static llmi_jinja_value by_zero(llmi_jinja_run *r) {
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "division by zero");
    return llmi_jinja_undefined;
}

/* ---- numbers ---- */

static llmi_jinja_value float_power(llmi_jinja_run *r, double base, double exponent) {
    if (base == 0 && exponent < 0) return by_zero(r);
    double result = pow(base, exponent);
    if (base < 0 && isfinite(base) && isfinite(exponent) && exponent != floor(exponent))
        llmi_jinja_run_fail(r, LLM_E_UNSUPPORTED, "the power is a complex number");
    if (isinf(result) && isfinite(base) && isfinite(exponent))
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "the power is too large for a float");
    return llmi_jinja_of_float(result);
}

static llmi_jinja_value power(llmi_jinja_run *r, int64_t base, int64_t exponent) {
    if (exponent < 0) return float_power(r, (double)base, (double)exponent);
    int64_t result = 1;
    for (; exponent; exponent >>= 1) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return too_large(r);
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return too_large(r);
    }
    return llmi_jinja_of_int(result);
}

static llmi_jinja_value integers(llmi_jinja_run *r, char op, int64_t a, int64_t b) {
    int64_t out;
    switch (op) {
    case '+':
        return __builtin_add_overflow(a, b, &out) ? too_large(r) : llmi_jinja_of_int(out);
    case '-':
        return __builtin_sub_overflow(a, b, &out) ? too_large(r) : llmi_jinja_of_int(out);
    case '*':
        return __builtin_mul_overflow(a, b, &out) ? too_large(r) : llmi_jinja_of_int(out);
    case 'p':
        return power(r, a, b);
    default:
        break;
    }
    if (b == 0) return by_zero(r);
    if (op == '/') return llmi_jinja_of_float((double)((long double)a / (long double)b));
    if (b == -1) return op == '%' ? llmi_jinja_of_int(0) : integers(r, '-', 0, a);
    int64_t quotient = a / b, rest = a % b;
    if (rest && (rest < 0) != (b < 0)) { /* rounded down, the remainder has the divisor's sign */
        quotient--;
        rest += b;
    }
    return llmi_jinja_of_int(op == '%' ? rest : quotient);
}

static llmi_jinja_value floats(llmi_jinja_run *r, char op, double a, double b) {
    switch (op) {
    case '+':
        return llmi_jinja_of_float(a + b);
    case '-':
        return llmi_jinja_of_float(a - b);
    case '*':
        return llmi_jinja_of_float(a * b);
    case 'p':
        return float_power(r, a, b);
    default:
        break;
    }
    if (b == 0) return by_zero(r);
    if (op == '/') return llmi_jinja_of_float(a / b);
    double rest = fmod(a, b), quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        rest += b;
        quotient -= 1;
    }
    if (op == '%') return llmi_jinja_of_float(rest != 0 ? rest : copysign(0, b));
    if (quotient == 0) return llmi_jinja_of_float(copysign(0, a / b));
    double down = floor(quotient);
    return llmi_jinja_of_float(quotient - down > 0.5 ? down + 1 : down);
}

static llmi_jinja_value numbers(llmi_jinja_run *r, char op, llmi_jinja_value a, llmi_jinja_value b) {
    if (a.kind == LLMI_V_FLOAT || b.kind == LLMI_V_FLOAT)
        return floats(r, op, llmi_jinja_as_float(a), llmi_jinja_as_float(b));
    return a.kind == LLMI_V_BIG || b.kind == LLMI_V_BIG ? too_large(r) : integers(r, op, a.i, b.i);
}

/* ---- sequences ---- */

static llmi_jinja_value repeat_list(llmi_jinja_run *r, llmi_jinja_value v, int64_t times) {
    int64_t all;
    if (!llmi_mul_i64(&all, v.list->n, times) || all > UINT32_MAX) {
        llmi_jinja_run_fail(r, LLM_E_LIMIT, "a %s of %u values times %lld exceeds the memory of a rendering",
                            llmi_jinja_kind_name(v), v.list->n, (long long)times);
        return llmi_jinja_undefined;
    }
    llmi_jinja_list *l = llmi_jinja_run_spend(r, all / 4) ? llmi_jinja_list_new(r, (uint32_t)all) : NULL;
    for (int64_t k = 0; l && l->n < all; k++) llmi_jinja_list_add(r, l, v.list->v[k % v.list->n]);
    return llmi_jinja_of_list(l, v.kind);
}

static llmi_jinja_value repeat(llmi_jinja_run *r, llmi_jinja_value v, int64_t times) {
    if (times < 0) times = 0;
    if (v.kind != LLMI_V_STR) return repeat_list(r, v, v.list->n ? times : 0);
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_builder_fill(&b, v.s, times);
    llmi_jinja_value text = llmi_jinja_of_str(llmi_builder_finish(&b));
    text.aux = v.aux;
    return text;
}

static bool can_repeat(llmi_jinja_value v) {
    return v.kind == LLMI_V_STR || v.kind == LLMI_V_LIST || v.kind == LLMI_V_TUPLE;
}

/* Text that joins HTML becomes HTML (MarkupSafe's rule). */
static llmi_jinja_value append_strings(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b) {
    bool html = a.aux || b.aux;
    const llmi_jinja_str *x = html && !a.aux ? llmi_jinja_str_escape(r, a.s) : a.s;
    const llmi_jinja_str *y = html && !b.aux ? llmi_jinja_str_escape(r, b.s) : b.s;
    llmi_jinja_value v = llmi_jinja_of_str(llmi_jinja_str_join(r, x, y));
    v.aux = html;
    return v;
}

static llmi_jinja_value append(llmi_jinja_run *r, llmi_jinja_value a, llmi_jinja_value b) {
    if (a.kind == LLMI_V_STR) return append_strings(r, a, b);
    uint64_t n = (uint64_t)a.list->n + b.list->n;
    llmi_jinja_list *l =
        llmi_jinja_run_spend(r, (int64_t)(n / 4)) && n < UINT32_MAX ? llmi_jinja_list_new(r, (uint32_t)n) : NULL;
    for (uint32_t i = 0; l && i < a.list->n; i++) llmi_jinja_list_add(r, l, a.list->v[i]);
    for (uint32_t i = 0; l && i < b.list->n; i++) llmi_jinja_list_add(r, l, b.list->v[i]);
    return llmi_jinja_of_list(l, a.kind);
}

llmi_jinja_value llmi_arith(llmi_jinja_run *r, char op, llmi_jinja_value a, llmi_jinja_value b) {
    if (op == '~') return llmi_jinja_of_str(llmi_jinja_str_join(r, llmi_jinja_to_str(r, a), llmi_jinja_to_str(r, b)));
    if (llmi_jinja_is_number(a) && llmi_jinja_is_number(b)) return numbers(r, op, a, b);
    if (op == '+' && a.kind == b.kind && can_repeat(a)) return append(r, a, b);
    if (op == '*' && can_repeat(a) && llmi_jinja_is_int(b)) return repeat(r, a, b.i);
    if (op == '*' && can_repeat(b) && llmi_jinja_is_int(a)) return repeat(r, b, a.i);
    if (op == '%' && a.kind == LLMI_V_STR)
        return (llmi_jinja_value){.kind = LLMI_V_STR, .aux = a.aux, .s = llmi_jinja_format_percent(r, a, b)};
    return no_meaning(r, op, a, b);
}

llmi_jinja_value llmi_arith_negate(llmi_jinja_run *r, llmi_jinja_value v) {
    if (v.kind == LLMI_V_FLOAT) return llmi_jinja_of_float(-v.f);
    if (v.kind == LLMI_V_BIG) {
        bool minus = v.s->p[0] == '-';
        const llmi_jinja_str *s =
            minus ? llmi_jinja_str_cut(r, v.s, 1, v.s->n) : llmi_jinja_str_join(r, llmi_jinja_str_over(r, "-", 1), v.s);
        return s ? llmi_jinja_of_digits(r, s->p, s->n) : llmi_jinja_undefined;
    }
    return llmi_jinja_is_int(v) ? llmi_arith(r, '-', llmi_jinja_of_int(0), v)
                                : no_meaning(r, '-', llmi_jinja_of_int(0), v);
}
