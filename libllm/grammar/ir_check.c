#include "grammar/ir_check.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* Who uses a node: its parent, the rule whose body it is; the references to a rule are a list. */
typedef struct links {
    int32_t parent, rule;
    int32_t next_ref;
    int32_t n_missing; /* SEQ: kids without the fact */
} links;

typedef struct work {
    const llmi_ir *ir;
    size_t n_nodes, n_rules;
    links *links;       /* [n_nodes] */
    int32_t *first_ref; /* [n_rules] */
    int32_t *todo;      /* [n_nodes]: nodes that got the fact, or the path of a search */
    size_t n_todo;
} work;

static void work_free(work *w) {
    const llm_allocator *a = w->ir->a;
    llmi_free(a, w->links, w->n_nodes * sizeof *w->links);
    llmi_free(a, w->first_ref, w->n_rules * sizeof *w->first_ref);
    llmi_free(a, w->todo, w->n_nodes * sizeof *w->todo);
}

static llm_status work_init(work *w, const llmi_ir *ir) {
    *w = (work){.ir = ir,
                .n_nodes = llmi_buf_count(&ir->nodes, llmi_ir_node),
                .n_rules = llmi_buf_count(&ir->rules, llmi_ir_rule)};
    w->links = llmi_alloc_array(ir->a, w->n_nodes, sizeof *w->links);
    w->first_ref = w->links ? llmi_alloc_array(ir->a, w->n_rules, sizeof *w->first_ref) : NULL;
    w->todo = w->first_ref ? llmi_alloc_array(ir->a, w->n_nodes, sizeof *w->todo) : NULL;
    return w->todo ? LLM_OK : LLM_E_MEMORY;
}

static void link_nodes(work *w) {
    const llmi_ir *ir = w->ir;
    for (size_t i = 0; i < w->n_nodes; i++) w->links[i] = (links){-1, -1, -1, 0};
    for (size_t i = 0; i < w->n_rules; i++) w->first_ref[i] = -1;
    for (size_t i = 0; i < w->n_rules; i++) {
        int32_t body = llmi_buf_at(&ir->rules, llmi_ir_rule, i).body;
        if (body >= 0) w->links[body].rule = (int32_t)i;
    }
    for (size_t i = 0; i < w->n_nodes; i++) {
        const llmi_ir_node *node = llmi_ir_at(ir, (int32_t)i);
        if (node->kind == LLMI_IR_REPEAT) w->links[node->first].parent = (int32_t)i;
        if (node->kind == LLMI_IR_SEQ || node->kind == LLMI_IR_ALT)
            for (int32_t k = 0; k < node->n; k++)
                w->links[llmi_buf_at(&ir->kids, int32_t, node->first + k)].parent = (int32_t)i;
        w->links[i].n_missing = node->kind == LLMI_IR_SEQ ? node->n : 0;
        if (node->kind != LLMI_IR_REF && node->kind != LLMI_IR_COUNT) continue;
        w->links[i].next_ref = w->first_ref[node->first];
        w->first_ref[node->first] = (int32_t)i;
    }
}

static void mark(work *w, llmi_buf *fact, int32_t node) {
    if (node < 0 || llmi_ir_is(fact, node)) return;
    llmi_buf_at(fact, uint8_t, node) = 1;
    w->todo[w->n_todo++] = node;
}

/* A fact that a sequence has if all its kids do, every other node if one does. */
static void spread(work *w, llmi_buf *fact) {
    while (w->n_todo) {
        const links *l = &w->links[w->todo[--w->n_todo]];
        if (l->parent >= 0 &&
            (llmi_ir_at(w->ir, l->parent)->kind != LLMI_IR_SEQ || --w->links[l->parent].n_missing == 0))
            mark(w, fact, l->parent);
        if (l->rule < 0) continue;
        for (int32_t ref = w->first_ref[l->rule]; ref >= 0; ref = w->links[ref].next_ref) mark(w, fact, ref);
    }
}

static llm_status find(work *w, llmi_buf *fact, bool empty) {
    llmi_buf_init(fact, w->ir->a);
    if (!llmi_buf_reserve(fact, w->n_nodes)) return LLM_E_MEMORY;
    fact->len = w->n_nodes;
    memset(fact->data, 0, w->n_nodes);
    link_nodes(w);
    for (size_t i = 0; i < w->n_nodes; i++) {
        const llmi_ir_node *node = llmi_ir_at(w->ir, (int32_t)i);
        bool text = node->kind == LLMI_IR_TEXT && (!empty || !node->n);
        bool chars = node->kind == LLMI_IR_CHARS && !empty && node->n;
        bool nothing = (node->kind == LLMI_IR_SEQ && !node->n) || (node->kind == LLMI_IR_REPEAT && !node->min) ||
                       node->kind == LLMI_IR_TICK || node->kind == LLMI_IR_LEAVE;
        if (text || chars || nothing) mark(w, fact, (int32_t)i);
    }
    spread(w, fact);
    return LLM_OK;
}

/* ---- left recursion ---- */

static int32_t kid(const llmi_ir *ir, const llmi_ir_node *list, int32_t i) {
    return llmi_buf_at(&ir->kids, int32_t, list->first + i);
}

/* Child `i` of a node; -1 after the last. */
static int32_t child_of(const llmi_ir *ir, const llmi_ir_node *n, int32_t i) {
    switch (n->kind) {
    case LLMI_IR_REPEAT:
        return i ? -1 : n->first;
    case LLMI_IR_REF:
    case LLMI_IR_COUNT:
        return i ? -1 : llmi_buf_at(&ir->rules, llmi_ir_rule, n->first).body;
    case LLMI_IR_ALT:
    case LLMI_IR_SEQ:
        return i < n->n ? kid(ir, n, i) : -1;
    default:
        return -1;
    }
}

/* The same, of those that can be at its very beginning. */
static int32_t left_child(const llmi_ir *ir, const llmi_ir_facts *facts, int32_t node, int32_t i) {
    const llmi_ir_node *n = llmi_ir_at(ir, node);
    bool after = n->kind == LLMI_IR_SEQ && i > 0 && i < n->n;
    return after && !llmi_ir_is(&facts->nullable, kid(ir, n, i - 1)) ? -1 : child_of(ir, n, i);
}

static llm_status left_recursive(const work *w, int32_t node) {
    llm_span name = llmi_ir_name(w->ir, w->links[node].rule);
    return llmi_error(LLM_E_FORMAT, "rule \"%s\" calls itself before it has read anything (left recursion)",
                      LLMI_QUOTE(name.ptr, name.len));
}

/* Depth first from every node; links[].n_missing counts the edges followed, first_ref is free by now. */
static llm_status find_left_recursion(work *w, const llmi_ir_facts *facts, llmi_buf *colours) {
    enum { NEW, OPEN, CLOSED };
    memset(colours->data, NEW, w->n_nodes);
    for (size_t i = 0; i < w->n_nodes; i++) w->links[i].n_missing = 0;
    for (size_t i = 0; i < w->n_nodes; i++) {
        if (colours->data[i] != NEW) continue;
        colours->data[i] = OPEN;
        w->n_todo = 0;
        w->todo[w->n_todo++] = (int32_t)i;
        while (w->n_todo) {
            int32_t node = w->todo[w->n_todo - 1];
            int32_t child = left_child(w->ir, facts, node, w->links[node].n_missing++);
            if (child < 0) {
                colours->data[node] = CLOSED;
                w->n_todo--;
            } else if (colours->data[child] == OPEN) {
                while (w->links[child].rule < 0) child = w->todo[--w->n_todo];
                return left_recursive(w, child);
            } else if (colours->data[child] == NEW) {
                colours->data[child] = OPEN;
                w->todo[w->n_todo++] = child;
            }
        }
    }
    return LLM_OK;
}

/* ---- what matches nothing ---- */

/* The innermost rule that makes `body` match nothing, depth first; rules of schemas are called by their JSON pointer,
 * and only those are looked at. */
static int32_t find_empty(work *w, const llmi_ir_facts *facts, llmi_buf *seen, int32_t root) {
    int32_t found = -1;
    memset(seen->data, 0, w->n_nodes);
    for (size_t i = 0; i < w->n_nodes; i++) w->links[i].n_missing = 0;
    w->n_todo = 0;
    w->todo[w->n_todo++] = llmi_buf_at(&w->ir->rules, llmi_ir_rule, root).body;
    seen->data[w->todo[0]] = 1;
    while (w->n_todo && found < 0) {
        int32_t node = w->todo[w->n_todo - 1];
        int32_t child = child_of(w->ir, llmi_ir_at(w->ir, node), w->links[node].n_missing++);
        if (child < 0) {
            w->n_todo--;
            int32_t rule = w->links[node].rule;
            llm_span name = rule < 0 ? (llm_span){"", 0} : llmi_ir_name(w->ir, rule);
            if (name.len && name.ptr[0] == '/') found = rule;
        } else if (!llmi_ir_is(&facts->productive, child) && !seen->data[child]) {
            seen->data[child] = 1;
            w->todo[w->n_todo++] = child;
        }
    }
    return found < 0 ? root : found;
}

static llm_status matches_nothing(work *w, const llmi_ir_facts *facts, llmi_buf *seen, int32_t root) {
    llm_span name = llmi_ir_name(w->ir, find_empty(w, facts, seen, root));
    if (name.len && name.ptr[0] != '/') return llmi_error(LLM_E_FORMAT, "no finite text matches the grammar");
    return llmi_error(LLM_E_FORMAT, "#%s: no value can satisfy this: no finite text matches it",
                      LLMI_QUOTE(name.ptr, name.len));
}

/* ---- all ---- */

void llmi_ir_facts_free(llmi_ir_facts *facts) {
    llmi_buf_free(&facts->nullable);
    llmi_buf_free(&facts->productive);
}

llm_status llmi_ir_check(llmi_ir_facts *out, const llmi_ir *ir, int32_t root) {
    work w;
    llmi_buf colours;
    llmi_buf_init(&colours, ir->a);
    llmi_buf_init(&out->nullable, ir->a);
    llmi_buf_init(&out->productive, ir->a);
    llm_status status = work_init(&w, ir);
    if (status == LLM_OK) status = find(&w, &out->nullable, true);
    if (status == LLM_OK) status = find(&w, &out->productive, false);
    if (status == LLM_OK && !llmi_buf_reserve(&colours, w.n_nodes)) status = LLM_E_MEMORY;
    if (status == LLM_OK) status = find_left_recursion(&w, out, &colours);
    int32_t body = llmi_buf_at(&ir->rules, llmi_ir_rule, root).body;
    if (status == LLM_OK && !llmi_ir_is(&out->productive, body)) status = matches_nothing(&w, out, &colours, root);
    llmi_buf_free(&colours);
    work_free(&w);
    if (status != LLM_OK) llmi_ir_facts_free(out);
    return status;
}
