#include "grammar/ir.h"

#include <string.h>

void llmi_ir_init(llmi_ir *ir, const llm_allocator *a) {
    *ir = (llmi_ir){.a = a};
    llmi_buf *const bufs[] = {&ir->nodes, &ir->kids, &ir->bytes, &ir->ranges, &ir->rules, &ir->counters};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], a);
}

void llmi_ir_free(llmi_ir *ir) {
    llmi_buf *const bufs[] = {&ir->nodes, &ir->kids, &ir->bytes, &ir->ranges, &ir->rules, &ir->counters};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
}

/* Whether one array may grow by n elements. */
static bool has_room(llmi_ir *ir, size_t count, size_t n) {
    if (ir->status != LLM_OK) return false;
    if (n <= LLMI_GRAMMAR_MAX_ELEMENTS && count <= LLMI_GRAMMAR_MAX_ELEMENTS - n) return true;
    llmi_ir_fail(ir, llmi_error(LLM_E_LIMIT, "the grammar has more than %d elements", LLMI_GRAMMAR_MAX_ELEMENTS));
    return false;
}

static int32_t add_node(llmi_ir *ir, llmi_ir_node node) {
    size_t n = llmi_buf_count(&ir->nodes, llmi_ir_node);
    if (!has_room(ir, n, 1)) return -1;
    return llmi_buf_push(&ir->nodes, node) ? (int32_t)n : llmi_ir_fail(ir, LLM_E_MEMORY);
}

int32_t llmi_ir_text(llmi_ir *ir, const char *text, size_t n) {
    size_t first = ir->bytes.len;
    if (!has_room(ir, first, n)) return -1;
    if (!llmi_buf_append(&ir->bytes, text, n)) return llmi_ir_fail(ir, LLM_E_MEMORY);
    return add_node(ir, (llmi_ir_node){.kind = LLMI_IR_TEXT, .first = (int32_t)first, .n = (int32_t)n});
}

/* By insertion: classes are short, or tables that are sorted already. */
static size_t normalize(llmi_ir_range *r, size_t n) {
    for (size_t i = 1; i < n; i++) {
        llmi_ir_range one = r[i];
        size_t k = i;
        for (; k && r[k - 1].first > one.first; k--) r[k] = r[k - 1];
        r[k] = one;
    }
    size_t n_out = 0;
    for (size_t i = 0; i < n; i++) {
        if (n_out && r[i].first <= r[n_out - 1].last + 1) {
            if (r[i].last > r[n_out - 1].last) r[n_out - 1].last = r[i].last;
        } else {
            r[n_out++] = r[i];
        }
    }
    return n_out;
}

int32_t llmi_ir_chars(llmi_ir *ir, llmi_ir_range *ranges, size_t n) {
    size_t first = llmi_buf_count(&ir->ranges, llmi_ir_range);
    if (!has_room(ir, first, n)) return -1;
    n = normalize(ranges, n);
    if (n && !llmi_buf_append(&ir->ranges, ranges, n * sizeof *ranges)) return llmi_ir_fail(ir, LLM_E_MEMORY);
    return add_node(ir, (llmi_ir_node){.kind = LLMI_IR_CHARS, .first = (int32_t)first, .n = (int32_t)n});
}

bool llmi_ir_complement(llmi_buf *ranges) {
    llmi_ir_range *r = (llmi_ir_range *)(void *)ranges->data;
    size_t n = r ? normalize(r, llmi_buf_count(ranges, llmi_ir_range)) : 0, n_out = 0;
    uint32_t next = 0;
    for (size_t i = 0; i < n; i++) {
        llmi_ir_range one = r[i];
        if (one.first > next) r[n_out++] = (llmi_ir_range){next, one.first - 1};
        next = one.last + 1;
    }
    ranges->len = n_out * sizeof *r;
    llmi_ir_range rest = {next, 0x10ffff};
    return next > 0x10ffff || llmi_buf_push(ranges, rest);
}

int32_t llmi_ir_list(llmi_ir *ir, llmi_ir_kind kind, const int32_t *kids, size_t n) {
    size_t first = llmi_buf_count(&ir->kids, int32_t);
    if (!has_room(ir, first, n)) return -1;
    if (n == 1) return kids[0];
    if (n && !llmi_buf_append(&ir->kids, kids, n * sizeof *kids)) return llmi_ir_fail(ir, LLM_E_MEMORY);
    return add_node(ir, (llmi_ir_node){.kind = kind, .first = (int32_t)first, .n = (int32_t)n});
}

int32_t llmi_ir_repeat(llmi_ir *ir, int32_t node, int32_t min, int32_t max) {
    if (ir->status != LLM_OK) return -1;
    if (min == 1 && max == 1) return node;
    return add_node(ir, (llmi_ir_node){.kind = LLMI_IR_REPEAT, .first = node, .n = 1, .min = min, .max = max});
}

int32_t llmi_ir_ref(llmi_ir *ir, int32_t rule) {
    if (ir->status != LLM_OK) return -1;
    return add_node(ir, (llmi_ir_node){.kind = LLMI_IR_REF, .first = rule, .n = 1});
}

int32_t llmi_ir_counter_new(llmi_ir *ir, int32_t min, int32_t max) {
    llmi_ir_counter c = {min, max, min, min, max == LLMI_IR_UNLIMITED ? INT32_MAX : max};
    size_t n = llmi_buf_count(&ir->counters, llmi_ir_counter);
    if (!has_room(ir, n, 1)) return -1;
    return llmi_buf_push(&ir->counters, c) ? (int32_t)n : llmi_ir_fail(ir, LLM_E_MEMORY);
}

int32_t llmi_ir_count(llmi_ir *ir, int32_t counter, int32_t rule) {
    if (ir->status != LLM_OK) return -1;
    return add_node(ir, (llmi_ir_node){.kind = LLMI_IR_COUNT, .first = rule, .n = 1, .min = counter});
}

int32_t llmi_ir_tick(llmi_ir *ir, int32_t counter, int32_t lo, int32_t hi) {
    if (ir->status != LLM_OK) return -1;
    llmi_ir_counter *c = &llmi_buf_at(&ir->counters, llmi_ir_counter, counter);
    if (lo > 0 && lo < c->low_first) c->low_first = lo;
    if (lo > c->low_last) c->low_last = lo;
    if (hi < c->high_first) c->high_first = hi;
    return add_node(ir, (llmi_ir_node){.kind = LLMI_IR_TICK, .first = counter, .min = lo, .max = hi});
}

int32_t llmi_ir_leave(llmi_ir *ir, int32_t counter) {
    if (ir->status != LLM_OK) return -1;
    return add_node(ir, (llmi_ir_node){.kind = LLMI_IR_LEAVE, .first = counter});
}

int32_t llmi_ir_rule_new(llmi_ir *ir, const char *name, size_t n_name) {
    size_t n = llmi_buf_count(&ir->rules, llmi_ir_rule);
    llmi_ir_rule rule = {.body = -1, .name = (int32_t)ir->bytes.len, .n_name = (int32_t)n_name};
    if (!has_room(ir, n, 1) || !has_room(ir, ir->bytes.len, n_name)) return -1;
    if ((n_name && !llmi_buf_append(&ir->bytes, name, n_name)) || !llmi_buf_push(&ir->rules, rule))
        return llmi_ir_fail(ir, LLM_E_MEMORY);
    return (int32_t)n;
}

void llmi_ir_define(llmi_ir *ir, int32_t rule, int32_t body) {
    if (ir->status == LLM_OK) llmi_buf_at(&ir->rules, llmi_ir_rule, rule).body = body;
}
