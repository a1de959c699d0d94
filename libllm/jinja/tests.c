/* Tests: what follows "is". */
#include "base/utf8.h"
#include "jinja/value.h"
#include "unicode/python_str.h"

#define TEST(name) static llmi_jinja_value name(llmi_jinja_run *r, const llmi_jinja_args *args)
#define V          (args->self)
#define OTHER      (args->v[0])

TEST(is_defined) {
    return llmi_jinja_of_bool(V.kind != LLMI_V_UNDEFINED);
}
TEST(is_undefined) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_UNDEFINED);
}
TEST(is_none) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_NONE);
}
TEST(is_boolean) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_BOOL);
}
TEST(is_true) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_BOOL && V.i);
}
TEST(is_false) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_BOOL && !V.i);
}
TEST(is_integer) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_INT || V.kind == LLMI_V_BIG);
}
TEST(is_float) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_FLOAT);
}
TEST(is_number) {
    return llmi_jinja_of_bool(llmi_jinja_is_number(V));
}
TEST(is_string) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_STR);
}
TEST(is_mapping) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_DICT);
}

TEST(is_sequence) {
    return llmi_jinja_of_bool(llmi_jinja_is_sequence(V) || V.kind == LLMI_V_DICT || V.kind == LLMI_V_UNDEFINED);
}

TEST(is_iterable) {
    bool more = V.kind == LLMI_V_VIEW || V.kind == LLMI_V_GENERATOR || V.kind == LLMI_V_LOOP;
    return more ? llmi_jinja_of_bool(true) : is_sequence(r, args);
}

TEST(is_callable) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_MACRO || V.kind == LLMI_V_FUNCTION || V.kind == LLMI_V_METHOD ||
                              V.kind == LLMI_V_JOINER || V.kind == LLMI_V_LOOP || V.kind == LLMI_V_UNDEFINED);
}

/* Whether V % divisor is `wanted`; fails for what cannot be divided. */
static llmi_jinja_value leaves(llmi_jinja_run *r, const llmi_jinja_args *args, llmi_jinja_value divisor,
                               int64_t wanted) {
    return llmi_jinja_of_bool(llmi_jinja_equal(r, llmi_arith(r, '%', V, divisor), llmi_jinja_of_int(wanted)));
}

TEST(is_even) {
    return leaves(r, args, llmi_jinja_of_int(2), 0);
}
TEST(is_odd) {
    return leaves(r, args, llmi_jinja_of_int(2), 1);
}
TEST(is_divisible) {
    return leaves(r, args, OTHER, 0);
}
TEST(is_equal) {
    return llmi_jinja_of_bool(llmi_jinja_equal(r, V, OTHER));
}
TEST(is_unequal) {
    return llmi_jinja_of_bool(!llmi_jinja_equal(r, V, OTHER));
}
TEST(is_less) {
    return llmi_jinja_of_bool(llmi_jinja_compare(r, V, OTHER) == LLMI_LESS);
}
TEST(is_at_most) {
    int c = llmi_jinja_compare(r, V, OTHER);
    return llmi_jinja_of_bool(c == LLMI_LESS || c == LLMI_SAME);
}
TEST(is_greater) {
    return llmi_jinja_of_bool(llmi_jinja_compare(r, V, OTHER) == LLMI_MORE);
}
TEST(is_at_least) {
    int c = llmi_jinja_compare(r, V, OTHER);
    return llmi_jinja_of_bool(c == LLMI_MORE || c == LLMI_SAME);
}
TEST(is_in) {
    return llmi_jinja_of_bool(llmi_jinja_contains(r, OTHER, V));
}

/* The same object. Python has one object for each small integer and constant text, and a new one for each float. */
TEST(is_same) {
    if (V.kind != OTHER.kind || V.kind == LLMI_V_FLOAT || V.kind == LLMI_V_UNDEFINED) return llmi_jinja_of_bool(false);
    if (V.kind == LLMI_V_STR) return llmi_jinja_of_bool(llmi_jinja_str_same(r, V.s, OTHER.s));
    return llmi_jinja_of_bool(V.kind == LLMI_V_NONE || V.i == OTHER.i);
}

/* Python's islower, isupper and istitle: cased characters, and none of the other case. */
static llmi_jinja_value has_case(llmi_jinja_run *r, const llmi_jinja_str *s, bool (*is)(uint32_t c)) {
    bool any = false;
    if (!s || !llmi_jinja_run_spend(r, s->n / 4)) return llmi_jinja_undefined;
    for (size_t i = 0, n; i < s->n; i += n) {
        uint32_t c = llmi_utf8_decode(s->p + i, s->n - i, &n);
        if (c == LLMI_UTF8_INVALID || !llmi_python_is_cased(c)) continue;
        if (!is(c)) return llmi_jinja_of_bool(false);
        any = true;
    }
    return llmi_jinja_of_bool(any);
}

TEST(is_lower) {
    return has_case(r, llmi_jinja_to_str(r, V), llmi_python_is_lower);
}
TEST(is_upper) {
    return has_case(r, llmi_jinja_to_str(r, V), llmi_python_is_upper);
}

static llmi_jinja_value is_known(llmi_jinja_run *r, const llmi_jinja_args *args, const llmi_jinja_builtin *table) {
    if (!llmi_jinja_is_hashable(r, V)) return llmi_jinja_undefined;
    return llmi_jinja_of_bool(V.kind == LLMI_V_STR && llmi_jinja_builtin_find(table, V.s->p, V.s->n) >= 0);
}

TEST(is_filter) {
    return is_known(r, args, llmi_jinja_filters);
}
TEST(is_test) {
    return is_known(r, args, llmi_jinja_tests);
}
TEST(is_escaped) {
    return llmi_jinja_of_bool(V.kind == LLMI_V_STR && V.aux & LLMI_HTML);
}

const llmi_jinja_builtin llmi_jinja_tests[] = {
    {"defined", is_defined, ""},
    {"undefined", is_undefined, ""},
    {"none", is_none, ""},
    {"boolean", is_boolean, ""},
    {"true", is_true, ""},
    {"false", is_false, ""},
    {"integer", is_integer, ""},
    {"float", is_float, ""},
    {"number", is_number, ""},
    {"string", is_string, ""},
    {"mapping", is_mapping, ""},
    {"sequence", is_sequence, ""},
    {"iterable", is_iterable, ""},
    {"callable", is_callable, ""},
    {"even", is_even, ""},
    {"odd", is_odd, ""},
    {"divisibleby", is_divisible, "num"},
    {"eq", is_equal, "b /"},
    {"equalto", is_equal, "b /"},
    {"==", is_equal, "b /"},
    {"ne", is_unequal, "b /"},
    {"!=", is_unequal, "b /"},
    {"lt", is_less, "b /"},
    {"lessthan", is_less, "b /"},
    {"<", is_less, "b /"},
    {"le", is_at_most, "b /"},
    {"<=", is_at_most, "b /"},
    {"gt", is_greater, "b /"},
    {"greaterthan", is_greater, "b /"},
    {">", is_greater, "b /"},
    {"ge", is_at_least, "b /"},
    {">=", is_at_least, "b /"},
    {"in", is_in, "seq"},
    {"sameas", is_same, "other"},
    {"lower", is_lower, ""},
    {"upper", is_upper, ""},
    {"filter", is_filter, ""},
    {"test", is_test, ""},
    {"escaped", is_escaped, ""},
    {NULL, NULL, NULL},
};
