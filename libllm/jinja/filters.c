/* Filters of numbers and of single values, and the table of all. */
#include "jinja/filters.h"

#include <math.h>

#include "base/text.h"

#define DEFINE(name) llmi_jinja_value llmi_filter_##name(llmi_jinja_run *r, const llmi_jinja_args *args)
#define V            (args->self)

/* ---- numbers ---- */

static llmi_jinja_value not_a_number(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "%s of a %s: expected a number", args->of->name, llmi_jinja_kind_name(V));
    return llmi_jinja_undefined;
}

DEFINE(abs) {
    if (!llmi_jinja_is_number(V)) return not_a_number(r, args);
    bool minus = V.kind == LLMI_V_FLOAT ? signbit(V.f) : V.kind == LLMI_V_BIG ? V.s->p[0] == '-' : V.i < 0;
    return minus ? llmi_arith_negate(r, V) : V.kind == LLMI_V_BOOL ? llmi_jinja_of_int(V.i) : V;
}

DEFINE(float) {
    llmi_jinja_value v = llmi_jinja_absent;
    if (V.kind == LLMI_V_UNDEFINED) return not_a_number(r, args);
    if (llmi_jinja_is_number(V)) v = llmi_jinja_of_float(llmi_jinja_as_float(V));
    if (V.kind == LLMI_V_BIG && isinf(v.f)) llmi_jinja_run_fail(r, LLM_E_FORMAT, "float: the integer is too large");
    if (V.kind == LLMI_V_STR) v = llmi_jinja_read_float(r, V.s);
    return v.kind == LLMI_V_ABSENT ? llmi_jinja_arg(args, 0, llmi_jinja_of_float(0)) : v;
}

/* Text as an integer, else as a float whose fraction is dropped. */
static llmi_jinja_value whole_of_text(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_value base = llmi_jinja_arg(args, 1, llmi_jinja_of_int(10));
    llmi_jinja_value v = llmi_jinja_is_int(base) ? llmi_jinja_read_int(r, V.s, base.i) : llmi_jinja_absent;
    if (v.kind != LLMI_V_ABSENT || !LLMI_JINJA_OK(r)) return v;
    v = llmi_jinja_read_float(r, V.s);
    return v.kind == LLMI_V_FLOAT && isfinite(v.f) ? llmi_jinja_of_whole(r, v.f) : llmi_jinja_absent;
}

DEFINE(int) {
    llmi_jinja_value v = llmi_jinja_absent;
    if (V.kind == LLMI_V_UNDEFINED) return not_a_number(r, args);
    if (llmi_jinja_is_int(V)) return llmi_jinja_of_int(V.i);
    if (V.kind == LLMI_V_BIG) return V;
    if (V.kind == LLMI_V_FLOAT && isinf(V.f)) llmi_jinja_run_fail(r, LLM_E_FORMAT, "int: infinity has no integer");
    if (V.kind == LLMI_V_FLOAT && isfinite(V.f)) v = llmi_jinja_of_whole(r, V.f);
    if (V.kind == LLMI_V_STR) v = whole_of_text(r, args);
    return v.kind == LLMI_V_ABSENT ? llmi_jinja_arg(args, 0, llmi_jinja_of_int(0)) : v;
}

/* To a multiple of 10^places, exactly; halves to the even one. */
static llmi_jinja_value round_integer(llmi_jinja_run *r, int64_t i, int64_t places) {
    int64_t unit = 1;
    if (places > 18) return llmi_jinja_of_int(0);
    for (; places > 0; places--) unit *= 10;
    int64_t rest = i % unit, down = i - rest;
    if (rest < 0) {
        rest += unit;
        if (__builtin_sub_overflow(down, unit, &down))
            return llmi_arith(r, '-', llmi_jinja_of_int(down), llmi_jinja_of_int(unit));
    }
    bool up = rest > unit / 2 || (unit > 1 && rest == unit / 2 && (down / unit) % 2 != 0);
    return up ? llmi_arith(r, '+', llmi_jinja_of_int(down), llmi_jinja_of_int(unit)) : llmi_jinja_of_int(down);
}

static double round_to_tens(double f, int64_t places) {
    double unit = places > 308 ? INFINITY : pow(10, (double)places), magnitude = fabs(f);
    if (isinf(unit)) return copysign(0, f);
    double rest = fmod(magnitude, unit), down = magnitude - rest;
    bool up = rest > unit / 2 || (rest == unit / 2 && fmod(down / unit, 2) != 0);
    return copysign(up ? down + unit : down, f);
}

/* The decimal nearest to the number itself, not to its product with a power of ten. */
static double round_decimals(double f, int64_t digits) {
    enum { ENOUGH = 330 };
    char exact[700];
    if (digits > ENOUGH || !isfinite(f)) return f;
    llmi_format(exact, sizeof exact, "%.*f", (int)digits, f);
    return llmi_strtod(exact, NULL);
}

static llmi_jinja_value round_common(llmi_jinja_run *r, const llmi_jinja_args *args, llmi_jinja_value places) {
    if (V.kind == LLMI_V_BIG) {
        if (places.kind != LLMI_V_NONE && places.i < 0)
            llmi_jinja_run_fail(r, LLM_E_LIMIT, "round: the integer exceeds 64 bits");
        return V;
    }
    if (llmi_jinja_is_int(V))
        return places.kind != LLMI_V_NONE && places.i < 0 ? round_integer(r, V.i, places.i < -30 ? 30 : -places.i)
                                                          : llmi_jinja_of_int(V.i);
    if (places.kind == LLMI_V_NONE) {
        if (!isfinite(V.f)) return not_a_number(r, args);
        return llmi_jinja_of_whole(r, round_decimals(V.f, 0));
    }
    if (places.i >= 0) return llmi_jinja_of_float(round_decimals(V.f, places.i));
    return llmi_jinja_of_float(round_to_tens(V.f, places.i < -400 ? 400 : -places.i));
}

/* floor or ceil of value * 10^places, over 10^places. */
static llmi_jinja_value round_towards(llmi_jinja_run *r, llmi_jinja_value v, llmi_jinja_value places,
                                      double (*to)(double)) {
    llmi_jinja_value scale = llmi_arith(r, 'p', llmi_jinja_of_int(10), places), scaled = llmi_arith(r, '*', v, scale);
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    if (scaled.kind == LLMI_V_FLOAT && !isfinite(scaled.f))
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "round: not a finite number");
    if (scaled.kind == LLMI_V_FLOAT && LLMI_JINJA_OK(r)) scaled = llmi_jinja_of_whole(r, to(scaled.f));
    return LLMI_JINJA_OK(r) ? llmi_jinja_of_float(llmi_jinja_as_float(scaled) / llmi_jinja_as_float(scale))
                            : llmi_jinja_undefined;
}

DEFINE(round) {
    llmi_jinja_value places = llmi_jinja_arg(args, 0, llmi_jinja_of_int(0)),
                     method = llmi_jinja_arg(args, 1, llmi_jinja_none);
    const char *name = method.kind == LLMI_V_NONE && args->v[1].kind == LLMI_V_ABSENT ? "common" : "";
    static const char *const names[] = {"common", "ceil", "floor"};
    for (size_t i = 0; method.kind == LLMI_V_STR && i < 3; i++)
        if (llmi_jinja_str_is(method.s, names[i])) name = names[i];
    if (!*name) llmi_jinja_run_fail(r, LLM_E_FORMAT, "round: the method is \"common\", \"ceil\" or \"floor\"");
    if (!llmi_jinja_is_number(V)) return not_a_number(r, args);
    bool towards = *name != 'c' || name[1] == 'e';
    if (!llmi_jinja_is_int(places) && !(places.kind == LLMI_V_NONE && !towards))
        llmi_jinja_arg_fail(r, args, 0, "an integer");
    if (!LLMI_JINJA_OK(r)) return llmi_jinja_undefined;
    if (towards) return round_towards(r, V, places, *name == 'f' ? floor : ceil);
    return round_common(r, args, places);
}

DEFINE(filesizeformat) {
    static const char *const units[2][8] = {{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"},
                                            {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}};
    bool binary = llmi_jinja_arg_bool(args, 0, false);
    double base = binary ? 1024 : 1000, n, unit = base;
    llmi_jinja_value v = V.kind == LLMI_V_STR ? llmi_jinja_read_float(r, V.s) : V;
    if (!llmi_jinja_is_number(v) || isnan(llmi_jinja_as_float(v))) return not_a_number(r, args);
    n = llmi_jinja_as_float(v);
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (n == 1) {
        llmi_builder_puts(&b, "1 Byte");
    } else if (n < base) {
        if (isinf(n)) return not_a_number(r, args);
        llmi_print_repr(&b, llmi_jinja_of_whole(r, n));
        llmi_builder_puts(&b, " Bytes");
    } else {
        int i = 0;
        for (unit *= base; i < 7 && n >= unit; i++) unit *= base;
        llmi_builder_printf(&b, "%.1f %s", base * n / unit, units[binary][i]);
    }
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

/* ---- single values ---- */

DEFINE(default) {
    bool falsy = llmi_jinja_arg_bool(args, 1, false) && !llmi_jinja_truth(V);
    return V.kind == LLMI_V_UNDEFINED || falsy
               ? llmi_jinja_arg(args, 0, llmi_jinja_of_str(llmi_jinja_str_over(r, "", 0)))
               : V;
}

/* Attributes only, not items. */
DEFINE(attr) {
    const llmi_jinja_str *name = llmi_jinja_arg_str(r, args, 0, "");
    if (!name) return llmi_jinja_undefined;
    llmi_jinja_value method = V.kind == LLMI_V_DICT ? llmi_method_of(r, V, name) : llmi_jinja_attribute(r, V, name);
    return method.kind == LLMI_V_UNDEFINED ? llmi_jinja_undefined_named(r, name->p, name->n) : method;
}

DEFINE(from_json) {
    if (V.kind == LLMI_V_STR) return llmi_jinja_read_json(r, V.s);
    llmi_jinja_run_fail(r, LLM_E_FORMAT, "from_json of a %s: expected a string", llmi_jinja_kind_name(V));
    return llmi_jinja_undefined;
}

/* What separates the items and what follows a key: two strings. */
static bool read_separators(llmi_jinja_run *r, const llmi_jinja_args *args, llmi_jinja_json_style *style) {
    llmi_jinja_value pair = llmi_jinja_arg(args, 2, llmi_jinja_none);
    if (pair.kind == LLMI_V_NONE) return true;
    llmi_jinja_list *l = llmi_jinja_iterate(r, pair);
    if (l && (l->n != 2 || l->v[0].kind != LLMI_V_STR || l->v[1].kind != LLMI_V_STR))
        llmi_jinja_arg_fail(r, args, 2, "two strings");
    if (!LLMI_JINJA_OK(r)) return false;
    style->comma = l->v[0].s;
    style->colon = l->v[1].s;
    return true;
}

static bool read_indent(llmi_jinja_run *r, const llmi_jinja_args *args, llmi_jinja_json_style *style) {
    llmi_jinja_value v = llmi_jinja_arg(args, 1, llmi_jinja_none);
    if (v.kind == LLMI_V_NONE) return true;
    if (v.kind != LLMI_V_STR && !llmi_jinja_is_int(v)) {
        llmi_jinja_arg_fail(r, args, 1, "an integer or a string");
        return false;
    }
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (v.kind != LLMI_V_STR) llmi_builder_fill(&b, llmi_jinja_str_over(r, " ", 1), v.i);
    style->indent = v.kind == LLMI_V_STR ? v.s : llmi_builder_take(&b, 0);
    llmi_builder_free(&b);
    style->comma = llmi_jinja_str_over(r, ",", 1);
    return LLMI_JINJA_OK(r);
}

DEFINE(tojson) {
    llmi_jinja_json_style style = {.ascii = llmi_jinja_arg_bool(args, 0, false),
                                   .sort = llmi_jinja_arg_bool(args, 3, false)};
    style.comma = llmi_jinja_str_over(r, ", ", 2);
    style.colon = llmi_jinja_str_over(r, ": ", 2);
    if (!LLMI_JINJA_OK(r) || !read_indent(r, args, &style) || !read_separators(r, args, &style))
        return llmi_jinja_undefined;
    llmi_builder b;
    llmi_builder_init(&b, r);
    llmi_print_json(&b, V, &style);
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}

DEFINE(unsupported) {
    llmi_jinja_run_fail(r, LLM_E_UNSUPPORTED, "the filter \"%s\" is not supported", args->of->name);
    return llmi_jinja_undefined;
}

#define FILTER(name, function, params) {#name, llmi_filter_##function, params},
const llmi_jinja_builtin llmi_jinja_filters[] = {
#include "jinja/filters.def"
    {NULL, NULL, NULL},
};
#undef FILTER
