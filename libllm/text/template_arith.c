/* Arithmetic as Python does it, in 64 bits. */
#include <math.h>

#include "text/template_value.h"

static llmi_value no_meaning(llmi_run *r, char op, llmi_value a, llmi_value b) {
    const char *sign = op == 'p' ? "**" : op == 'i' ? "//" : (const char[2]){op, 0};
    llmi_run_fail(r, LLM_E_FORMAT, "%s %s %s has no meaning", llmi_kind_name(a), sign, llmi_kind_name(b));
    return llmi_undefined;
}

static llmi_value too_large(llmi_run *r) {
    llmi_run_fail(r, LLM_E_LIMIT, "the result exceeds 64 bits");
    return llmi_undefined;
}

static llmi_value by_zero(llmi_run *r) {
    llmi_run_fail(r, LLM_E_FORMAT, "division by zero");
    return llmi_undefined;
}

static llmi_value power(llmi_run *r, int64_t base, int64_t exponent) {
    if (exponent < 0) return llmi_of_float(pow((double)base, (double)exponent));
    int64_t result = 1;
    for (; exponent; exponent >>= 1) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return too_large(r);
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) return too_large(r);
    }
    return llmi_of_int(result);
}

static llmi_value integers(llmi_run *r, char op, int64_t a, int64_t b) {
    int64_t out;
    switch (op) {
    case '+':
        return __builtin_add_overflow(a, b, &out) ? too_large(r) : llmi_of_int(out);
    case '-':
        return __builtin_sub_overflow(a, b, &out) ? too_large(r) : llmi_of_int(out);
    case '*':
        return __builtin_mul_overflow(a, b, &out) ? too_large(r) : llmi_of_int(out);
    case 'p':
        return power(r, a, b);
    default:
        break;
    }
    if (b == 0) return by_zero(r);
    if (op == '/') return llmi_of_float((double)a / (double)b);
    if (b == -1) return op == '%' ? llmi_of_int(0) : integers(r, '-', 0, a);
    int64_t quotient = a / b, rest = a % b;
    if (rest && (rest < 0) != (b < 0)) { /* rounded down, the rest has the divisor's sign */
        quotient--;
        rest += b;
    }
    return llmi_of_int(op == '%' ? rest : quotient);
}

static llmi_value floats(llmi_run *r, char op, double a, double b) {
    switch (op) {
    case '+':
        return llmi_of_float(a + b);
    case '-':
        return llmi_of_float(a - b);
    case '*':
        return llmi_of_float(a * b);
    case 'p':
        return llmi_of_float(pow(a, b));
    default:
        break;
    }
    if (b == 0) return by_zero(r);
    if (op == '/') return llmi_of_float(a / b);
    if (op == 'i') return llmi_of_float(floor(a / b));
    double rest = fmod(a, b);
    return llmi_of_float(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

static llmi_value repeat(llmi_run *r, llmi_value v, int64_t times) {
    int64_t n = v.kind == LLMI_V_STR ? v.s->n : v.list->n, all;
    if (times < 0) times = 0;
    if (__builtin_mul_overflow(n, times, &all) || !llmi_run_spend(r, all / 16)) return llmi_undefined;
    if (v.kind != LLMI_V_STR) {
        llmi_list *l = llmi_list_new(r, 0);
        for (int64_t k = 0; k < times && LLMI_OK(r); k++)
            for (uint32_t i = 0; i < v.list->n; i++) llmi_list_add(r, l, v.list->v[i]);
        return llmi_of_list(l, v.kind);
    }
    llmi_builder b;
    llmi_builder_init(&b, r);
    for (int64_t k = 0; n && k < times && LLMI_OK(r); k++) llmi_builder_str(&b, v.s);
    return llmi_of_str(llmi_builder_finish(&b));
}

static bool is_sequence(llmi_value v) {
    return v.kind == LLMI_V_STR || v.kind == LLMI_V_LIST || v.kind == LLMI_V_TUPLE;
}

/* Text that joins HTML becomes HTML (MarkupSafe's rule). */
static llmi_value append_strings(llmi_run *r, llmi_value a, llmi_value b) {
    bool html = a.aux || b.aux;
    const llmi_str *x = html && !a.aux ? llmi_str_escape(r, a.s) : a.s;
    const llmi_str *y = html && !b.aux ? llmi_str_escape(r, b.s) : b.s;
    llmi_value v = llmi_of_str(llmi_str_join(r, x, y));
    v.aux = html;
    return v;
}

static llmi_value append(llmi_run *r, llmi_value a, llmi_value b) {
    if (a.kind == LLMI_V_STR) return append_strings(r, a, b);
    llmi_list *l = llmi_list_new(r, a.list->n + b.list->n);
    if (!llmi_run_spend(r, (int64_t)(a.list->n + b.list->n) / 16)) return llmi_undefined;
    for (uint32_t i = 0; i < a.list->n; i++) llmi_list_add(r, l, a.list->v[i]);
    for (uint32_t i = 0; i < b.list->n; i++) llmi_list_add(r, l, b.list->v[i]);
    return llmi_of_list(l, a.kind);
}

llmi_value llmi_arith(llmi_run *r, char op, llmi_value a, llmi_value b) {
    if (op == '~') return llmi_of_str(llmi_str_join(r, llmi_to_str(r, a), llmi_to_str(r, b)));
    if (llmi_is_number(a) && llmi_is_number(b)) {
        if (a.kind == LLMI_V_FLOAT || b.kind == LLMI_V_FLOAT) return floats(r, op, llmi_as_float(a), llmi_as_float(b));
        return integers(r, op, a.i, b.i);
    }
    if (op == '+' && a.kind == b.kind && is_sequence(a)) return append(r, a, b);
    if (op == '*' && is_sequence(a) && b.kind == LLMI_V_INT) return repeat(r, a, b.i);
    if (op == '*' && is_sequence(b) && a.kind == LLMI_V_INT) return repeat(r, b, a.i);
    if (op == '%' && a.kind == LLMI_V_STR) return llmi_of_str(llmi_format_percent(r, a.s, b));
    return no_meaning(r, op, a, b);
}

llmi_value llmi_negate(llmi_run *r, llmi_value v) {
    if (v.kind == LLMI_V_FLOAT) return llmi_of_float(-v.f);
    return llmi_arith(r, '-', llmi_of_int(0), v);
}
