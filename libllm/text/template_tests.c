/* Tests: what stands behind "is". */
#include "text/template_value.h"

#define TEST(name) static llmi_value name(llmi_run *r, const llmi_args *args)
#define V          (args->v[0])

/* The argument to compare with. */
static llmi_value other(llmi_run *r, const llmi_args *args) {
    if (args->n < 2) llmi_run_fail(r, LLM_E_FORMAT, "the test needs an argument");
    return llmi_arg(args, 1, "other", llmi_undefined);
}

TEST(is_defined) {
    return llmi_of_bool(V.kind != LLMI_V_UNDEFINED);
}
TEST(is_undefined) {
    return llmi_of_bool(V.kind == LLMI_V_UNDEFINED);
}
TEST(is_none) {
    return llmi_of_bool(V.kind == LLMI_V_NONE);
}
TEST(is_boolean) {
    return llmi_of_bool(V.kind == LLMI_V_BOOL);
}
TEST(is_true) {
    return llmi_of_bool(V.kind == LLMI_V_BOOL && V.i);
}
TEST(is_false) {
    return llmi_of_bool(V.kind == LLMI_V_BOOL && !V.i);
}
TEST(is_integer) {
    return llmi_of_bool(V.kind == LLMI_V_INT);
}
TEST(is_float) {
    return llmi_of_bool(V.kind == LLMI_V_FLOAT);
}
TEST(is_number) {
    return llmi_of_bool(llmi_is_number(V));
}
TEST(is_string) {
    return llmi_of_bool(V.kind == LLMI_V_STR);
}
TEST(is_mapping) {
    return llmi_of_bool(V.kind == LLMI_V_DICT);
}

TEST(is_sequence) {
    return llmi_of_bool(V.kind == LLMI_V_STR || V.kind == LLMI_V_LIST || V.kind == LLMI_V_TUPLE ||
                        V.kind == LLMI_V_DICT || V.kind == LLMI_V_UNDEFINED);
}

TEST(is_iterable) {
    return is_sequence(r, args);
}

TEST(is_callable) {
    return llmi_of_bool(V.kind == LLMI_V_MACRO || V.kind == LLMI_V_FUNCTION || V.kind == LLMI_V_METHOD ||
                        V.kind == LLMI_V_JOINER || V.kind == LLMI_V_UNDEFINED);
}

/* The rest of V by n; fails for what is no integer. */
static llmi_value rest(llmi_run *r, const llmi_args *args, llmi_value n) {
    return llmi_arith(r, '%', V, n);
}

TEST(is_even) {
    return llmi_of_bool(rest(r, args, llmi_of_int(2)).i == 0);
}
TEST(is_odd) {
    return llmi_of_bool(rest(r, args, llmi_of_int(2)).i == 1);
}
TEST(is_divisible) {
    return llmi_of_bool(!llmi_truth(rest(r, args, other(r, args))));
}
TEST(is_equal) {
    return llmi_of_bool(llmi_equal(r, V, other(r, args)));
}
TEST(is_unequal) {
    return llmi_of_bool(!llmi_equal(r, V, other(r, args)));
}
TEST(is_less) {
    return llmi_of_bool(llmi_compare(r, V, other(r, args)) < 0);
}
TEST(is_at_most) {
    return llmi_of_bool(llmi_compare(r, V, other(r, args)) <= 0);
}
TEST(is_greater) {
    return llmi_of_bool(llmi_compare(r, V, other(r, args)) > 0);
}
TEST(is_at_least) {
    return llmi_of_bool(llmi_compare(r, V, other(r, args)) >= 0);
}
TEST(is_in) {
    return llmi_of_bool(llmi_contains(r, other(r, args), V));
}

TEST(is_same) {
    llmi_value b = other(r, args);
    return llmi_of_bool(V.kind == b.kind && (V.kind == LLMI_V_NONE || V.i == b.i));
}

/* Whether changing the case changes nothing, in a text with letters. */
static llmi_value has_case(llmi_run *r, const llmi_args *args, int mode, int opposite) {
    const llmi_str *s = llmi_to_str(r, V);
    if (!s) return llmi_undefined;
    const llmi_str *same = llmi_str_case(r, s, mode), *changed = llmi_str_case(r, s, opposite);
    return llmi_of_bool(same && changed && llmi_str_same(s, same) && !llmi_str_same(s, changed));
}

TEST(is_lower) {
    return has_case(r, args, 'l', 'u');
}
TEST(is_upper) {
    return has_case(r, args, 'u', 'l');
}

static llmi_value is_known(llmi_run *r, const llmi_args *args, const llmi_builtin *table) {
    const llmi_str *s = llmi_to_str(r, V);
    return llmi_of_bool(s && llmi_builtin_find(table, s->p, s->n) >= 0);
}

TEST(is_filter) {
    return is_known(r, args, llmi_filters);
}
TEST(is_test) {
    return is_known(r, args, llmi_tests);
}
TEST(is_escaped) {
    return llmi_of_bool(V.kind == LLMI_V_STR && V.aux);
}

const llmi_builtin llmi_tests[] = {
    {"defined", is_defined},
    {"undefined", is_undefined},
    {"none", is_none},
    {"boolean", is_boolean},
    {"true", is_true},
    {"false", is_false},
    {"integer", is_integer},
    {"float", is_float},
    {"number", is_number},
    {"string", is_string},
    {"mapping", is_mapping},
    {"sequence", is_sequence},
    {"iterable", is_iterable},
    {"callable", is_callable},
    {"even", is_even},
    {"odd", is_odd},
    {"divisibleby", is_divisible},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"==", is_equal},
    {"ne", is_unequal},
    {"!=", is_unequal},
    {"lt", is_less},
    {"lessthan", is_less},
    {"<", is_less},
    {"le", is_at_most},
    {"<=", is_at_most},
    {"gt", is_greater},
    {"greaterthan", is_greater},
    {">", is_greater},
    {"ge", is_at_least},
    {">=", is_at_least},
    {"in", is_in},
    {"sameas", is_same},
    {"lower", is_lower},
    {"upper", is_upper},
    {"filter", is_filter},
    {"test", is_test},
    {"escaped", is_escaped},
    {NULL, NULL},
};
