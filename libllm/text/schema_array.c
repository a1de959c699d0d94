/* Arrays: first the items of prefixItems, then any number of others. */
#include "base/text.h"
#include "text/schema.h"

/* Between min and max (or no bound) elements, the first of which is `first` of the array. */
static int32_t rest(llmi_schema *s, const json_t *items, bool first, int32_t min, int32_t max) {
    llmi_ir *ir = &s->ir;
    if (max == 0) return llmi_ir_word(ir, "");
    int32_t more = max == LLMI_IR_UNLIMITED ? max : max - first;
    int32_t comma = llmi_ir_word(ir, ","), blank = llmi_schema_blank(s);
    int32_t one = items ? llmi_schema_child(s, items, "items", NULL) : llmi_schema_shared(s, LLMI_SHARED_ANY);
    int32_t tail = llmi_ir_repeat(ir, llmi_ir_seq(ir, comma, blank, one), min > first ? min - first : 0, more);
    if (!first) return tail;
    int32_t head = items ? llmi_schema_child(s, items, "items", NULL) : llmi_schema_shared(s, LLMI_SHARED_ANY);
    int32_t all = llmi_ir_seq(ir, head, tail);
    return min > 0 ? all : llmi_ir_repeat(ir, all, 0, 1);
}

/* From element i of prefixItems on, last first: each with its comma, and what may follow it. */
static int32_t prefix(llmi_schema *s, const json_t *list, int32_t tail, size_t n, int32_t min) {
    llmi_ir *ir = &s->ir;
    for (size_t i = n; i-- && !llmi_schema_failed(s);) {
        char index[24];
        llmi_format(index, sizeof index, "%zu", i);
        int32_t rule = llmi_ir_rule_new(ir, "items", 5);
        int32_t one = llmi_schema_child(s, json_array_get(list, i), "prefixItems", index);
        if (i) one = llmi_ir_seq(ir, llmi_ir_word(ir, ","), llmi_schema_blank(s), one);
        int32_t all = llmi_ir_seq(ir, one, tail);
        llmi_ir_define(ir, rule, (int32_t)i >= min ? llmi_ir_repeat(ir, all, 0, 1) : all);
        tail = llmi_ir_ref(ir, rule);
    }
    return tail;
}

int32_t llmi_schema_array(llmi_schema *s, const json_t *schema) {
    llmi_ir *ir = &s->ir;
    const json_t *items = json_object_get(schema, "items"), *list = json_object_get(schema, "prefixItems");
    int32_t min = llmi_schema_count(s, schema, "minItems", 0);
    int32_t max = llmi_schema_count(s, schema, "maxItems", LLMI_IR_UNLIMITED);
    if (list && !json_is_array(list)) llmi_schema_fault(s, LLM_E_FORMAT, "\"prefixItems\" is no array");
    if (llmi_schema_failed(s)) return -1;
    if (max >= 0 && max < min) return llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
    size_t n = json_array_size(list);
    if (max >= 0 && n > (size_t)max) n = (size_t)max;
    int32_t n_first = (int32_t)n, n_more = max >= 0 ? max - n_first : LLMI_IR_UNLIMITED;
    /* A list that says nothing about other items gets none, unless it needs them. */
    if (json_is_false(items) || (n && !items && min <= n_first)) n_more = 0;
    if (n_more == 0 && min > n_first) return llmi_ir_list(ir, LLMI_IR_ALT, NULL, 0);
    int32_t begin = llmi_ir_word(ir, "["), end = llmi_ir_word(ir, "]");
    int32_t inside = rest(s, items, n == 0, min > n_first ? min - n_first : 0, n_more);
    return llmi_ir_seq(ir, begin, prefix(s, list, inside, n, min), end);
}
