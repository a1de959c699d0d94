#include "grammar/program.h"

#include <string.h>

#include "base/alloc.h"
#include "grammar/utf8_ranges.h"

/* Rules of at most this many elements, without loops and calls, are inlined where they are used. */
enum { SMALL_RULE = 32 };

/* A node whose children are being written, last child first. */
typedef struct open_node {
    int32_t node, next;
    int32_t i;         /* children left */
    int32_t at;        /* the operation that waits for its target, or where its targets begin in `pending` */
    int32_t next_here; /* SEQ: what comes after the next child */
} open_node;

typedef struct emitter {
    llmi_grammar_program *p;
    const llmi_ir *ir;
    llmi_ir_facts facts;
    llmi_buf stack;   /* open_node */
    llmi_buf pending; /* int32_t: targets of branches that are not all known */
    llmi_buf rules;   /* int32_t: rules that are called and not written */
    llmi_buf seqs;    /* llmi_byte_seq: of the class that is being written */
    llmi_buf small;   /* uint8_t per rule: 0 not looked at, 1 small, 2 not */
    llm_status status;
} emitter;

static int32_t fail(emitter *e, llm_status status) {
    if (e->status == LLM_OK) e->status = status;
    return 0;
}

static int32_t add_op(emitter *e, llmi_grammar_op op) {
    size_t n = llmi_buf_count(&e->p->ops, llmi_grammar_op);
    if (n >= 4 * (size_t)LLMI_GRAMMAR_MAX_ELEMENTS)
        return fail(
            e, llmi_error(LLM_E_LIMIT, "the grammar needs more than %d operations", 4 * LLMI_GRAMMAR_MAX_ELEMENTS));
    return llmi_buf_push(&e->p->ops, op) ? (int32_t)n : fail(e, LLM_E_MEMORY);
}

static llmi_grammar_op *op_at(emitter *e, int32_t pc) {
    return &llmi_buf_at(&e->p->ops, llmi_grammar_op, pc);
}

/* ---- leaves ---- */

static int32_t emit_text(emitter *e, const llmi_ir_node *node, int32_t next) {
    for (int32_t i = node->n - 1; i >= 0; i--) {
        uint8_t byte = (uint8_t)e->ir->bytes.data[node->first + i];
        next = add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_RANGE, .lo = byte, .hi = byte, .next = next});
    }
    return next;
}

static int32_t emit_split(emitter *e, const int32_t *targets, size_t n) {
    int32_t first = (int32_t)llmi_buf_count(&e->p->targets, int32_t);
    if (n == 1) return targets[0];
    if (!llmi_buf_append(&e->p->targets, targets, n * sizeof *targets)) return fail(e, LLM_E_MEMORY);
    return add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_SPLIT, .arg = first, .next = (int32_t)n});
}

static int32_t emit_set(emitter *e, const llmi_byte_set *set, int32_t next) {
    size_t n = llmi_buf_count(&e->p->sets, llmi_byte_set), i = n > 64 ? n - 64 : 0;
    while (i < n && memcmp(&llmi_buf_at(&e->p->sets, llmi_byte_set, i), set, sizeof *set) != 0) i++;
    if (i == n && !llmi_buf_push(&e->p->sets, *set)) return fail(e, LLM_E_MEMORY);
    return add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_SET, .arg = (int32_t)i, .next = next});
}

/* Of sequences [begin, end), which agree in their first `at` bytes: one operation for all that end here, and one in
 * front of each group that continues. At most four bytes deep. */
static int32_t emit_sequences(emitter *e, const llmi_byte_seq *seqs, size_t begin, size_t end, int at, int32_t next) {
    llmi_byte_set here = {{0}};
    bool any = false;
    size_t mark = e->pending.len;
    for (size_t i = begin, k; i < end && e->status == LLM_OK; i = k) {
        llmi_byte_range r = seqs[i].bytes[at];
        for (k = i + 1; k < end && memcmp(&seqs[k].bytes[at], &r, sizeof r) == 0;) k++;
        if (at == 3 || seqs[i].n == at + 1) {
            for (int b = r.lo; b <= r.hi; b++) here.bits[b >> 6] |= (uint64_t)1 << (b & 63);
            any = true;
            continue;
        }
        int32_t rest = emit_sequences(e, seqs, i, k, at + 1, next);
        int32_t pc = add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_RANGE, .lo = r.lo, .hi = r.hi, .next = rest});
        if (!llmi_buf_push(&e->pending, pc)) return fail(e, LLM_E_MEMORY);
    }
    int32_t pc = any ? emit_set(e, &here, next) : 0;
    if (any && !llmi_buf_push(&e->pending, pc)) return fail(e, LLM_E_MEMORY);
    if (e->status != LLM_OK) return 0;
    pc = emit_split(e, &llmi_buf_at(&e->pending, int32_t, mark / sizeof(int32_t)),
                    (e->pending.len - mark) / sizeof(int32_t));
    e->pending.len = mark;
    return pc;
}

static int32_t emit_chars(emitter *e, const llmi_ir_node *node, int32_t next) {
    e->seqs.len = 0;
    if (!llmi_grammar_utf8_ranges(&e->seqs, &llmi_buf_at(&e->ir->ranges, llmi_ir_range, node->first), (size_t)node->n))
        return fail(e, LLM_E_MEMORY);
    return emit_sequences(e, (const llmi_byte_seq *)(const void *)e->seqs.data, 0,
                          llmi_buf_count(&e->seqs, llmi_byte_seq), 0, next);
}

/* ---- many texts ---- */

/* From this many texts on, alternatives become a tree of their bytes: the places at a time are as many as the next
 * bytes, not as the texts. */
enum { MANY_TEXTS = 8 };

static const llmi_ir_node *text_of_kid(const emitter *e, int32_t kid) {
    const llmi_ir_node *node = llmi_ir_at(e->ir, kid);
    if (node->kind == LLMI_IR_REF) {
        int32_t body = llmi_buf_at(&e->ir->rules, llmi_ir_rule, node->first).body;
        node = body < 0 ? node : llmi_ir_at(e->ir, body);
    }
    return node->kind == LLMI_IR_TEXT ? node : NULL;
}

static bool are_texts(const emitter *e, const llmi_ir_node *node) {
    if (node->kind != LLMI_IR_ALT || node->n < MANY_TEXTS) return false;
    for (int32_t i = 0; i < node->n; i++)
        if (!text_of_kid(e, llmi_buf_at(&e->ir->kids, int32_t, node->first + i))) return false;
    return true;
}

static int compare_texts(llm_span x, llm_span y) {
    size_t n = x.len < y.len ? x.len : y.len;
    int order = n ? memcmp(x.ptr, y.ptr, n) : 0;
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static void sort_texts(llm_span *texts, size_t n) {
    for (size_t gap = n / 2; gap; gap = gap == 2 ? 1 : gap * 5 / 11)
        for (size_t i = gap; i < n; i++) {
            llm_span one = texts[i];
            size_t k = i;
            for (; k >= gap && compare_texts(texts[k - gap], one) > 0; k -= gap) texts[k] = texts[k - gap];
            texts[k] = one;
        }
}

/* Ends the levels of the tree below `depth`, of which each began at levels[i] in `pending`: the branches that were
 * collected there become one operation, after the byte that leads to it. */
static void close_levels(emitter *e, llmi_buf *levels, llm_span text, size_t depth) {
    while (llmi_buf_count(levels, int32_t) > depth + 1 && e->status == LLM_OK) {
        size_t level = llmi_buf_count(levels, int32_t) - 1;
        int32_t begin = llmi_buf_at(levels, int32_t, level);
        int32_t next = emit_split(e, &llmi_buf_at(&e->pending, int32_t, begin),
                                  llmi_buf_count(&e->pending, int32_t) - (size_t)begin);
        uint8_t byte = (uint8_t)text.ptr[level - 1];
        e->pending.len = (size_t)begin * sizeof(int32_t);
        levels->len -= sizeof(int32_t);
        int32_t pc = add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_RANGE, .lo = byte, .hi = byte, .next = next});
        if (!llmi_buf_push(&e->pending, pc)) fail(e, LLM_E_MEMORY);
    }
}

static void open_levels(emitter *e, llmi_buf *levels, size_t depth) {
    while (llmi_buf_count(levels, int32_t) <= depth && e->status == LLM_OK) {
        int32_t begin = (int32_t)llmi_buf_count(&e->pending, int32_t);
        if (!llmi_buf_push(levels, begin)) fail(e, LLM_E_MEMORY);
    }
}

/* Sorted texts, each after what it shares with the one before it. */
static int32_t emit_tree(emitter *e, const llm_span *texts, size_t n, int32_t next) {
    llmi_buf levels; /* int32_t per byte of the text that is open: where its branches begin in `pending` */
    llmi_buf_init(&levels, e->ir->a);
    size_t begin = e->pending.len;
    open_levels(e, &levels, 0);
    for (size_t i = 0; i < n && e->status == LLM_OK; i++) {
        size_t shared = 0;
        if (i && compare_texts(texts[i], texts[i - 1]) == 0) continue;
        while (i && shared < texts[i].len && shared < texts[i - 1].len &&
               texts[i].ptr[shared] == texts[i - 1].ptr[shared])
            shared++;
        if (i) close_levels(e, &levels, texts[i - 1], shared);
        open_levels(e, &levels, texts[i].len);
        if (e->status == LLM_OK && !llmi_buf_push(&e->pending, next)) fail(e, LLM_E_MEMORY);
    }
    if (n) close_levels(e, &levels, texts[n - 1], 0);
    llmi_buf_free(&levels);
    if (e->status != LLM_OK) return 0;
    int32_t pc = emit_split(e, &llmi_buf_at(&e->pending, int32_t, begin / sizeof(int32_t)),
                            (e->pending.len - begin) / sizeof(int32_t));
    e->pending.len = begin;
    return pc;
}

static int32_t emit_texts(emitter *e, const llmi_ir_node *node, int32_t next) {
    size_t n = (size_t)node->n;
    llm_span *texts = llmi_alloc_array(e->ir->a, n, sizeof *texts);
    if (!texts) return fail(e, LLM_E_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const llmi_ir_node *text = text_of_kid(e, llmi_buf_at(&e->ir->kids, int32_t, node->first + (int32_t)i));
        texts[i] = (llm_span){e->ir->bytes.data + text->first, (size_t)text->n};
    }
    sort_texts(texts, n);
    int32_t pc = emit_tree(e, texts, n, next);
    llmi_free(e->ir->a, texts, n * sizeof *texts);
    return pc;
}

/* ---- rules ---- */

/* Whether the nodes below are few, and neither loops nor calls. */
static bool is_small(emitter *e, int32_t rule) {
    uint8_t *known = &llmi_buf_at(&e->small, uint8_t, rule);
    if (*known) return *known == 1;
    int32_t todo[SMALL_RULE], n = 0, n_elements = 0;
    todo[n++] = llmi_buf_at(&e->ir->rules, llmi_ir_rule, rule).body;
    bool small = true;
    while (n && small) {
        const llmi_ir_node *node = llmi_ir_at(e->ir, todo[--n]);
        n_elements += node->n + 1;
        bool plain = node->kind == LLMI_IR_TEXT || node->kind == LLMI_IR_CHARS || node->kind == LLMI_IR_SEQ ||
                     node->kind == LLMI_IR_ALT;
        small = plain && n_elements <= SMALL_RULE;
        if (!small || (node->kind != LLMI_IR_SEQ && node->kind != LLMI_IR_ALT)) continue;
        for (int32_t i = 0; i < node->n && n < SMALL_RULE; i++)
            todo[n++] = llmi_buf_at(&e->ir->kids, int32_t, node->first + i);
    }
    *known = small ? 1 : 2;
    return small;
}

static int32_t emit_call(emitter *e, int32_t rule, int32_t next) {
    int32_t *entry = &llmi_buf_at(&e->p->entries, int32_t, rule);
    if (*entry < 0) {
        *entry = 0;
        if (!llmi_buf_push(&e->rules, rule)) return fail(e, LLM_E_MEMORY);
    }
    return add_op(
        e, (llmi_grammar_op){.kind = next ? LLMI_GRAMMAR_OP_CALL : LLMI_GRAMMAR_OP_JUMP, .arg = rule, .next = next});
}

/* ---- nodes with children ---- */

static bool opens(const emitter *e, const llmi_ir_node *node) {
    if (are_texts(e, node)) return false;
    return node->kind == LLMI_IR_SEQ || node->kind == LLMI_IR_ALT ||
           (node->kind == LLMI_IR_REPEAT && node->max != 0 && llmi_ir_is(&e->facts.productive, node->first));
}

/* A repetition without bounds is a branch, any other one counts. */
static int32_t open_repeat(emitter *e, const llmi_ir_node *node, int32_t next) {
    if (!node->min && node->max == LLMI_IR_UNLIMITED) {
        int32_t first = (int32_t)llmi_buf_count(&e->p->targets, int32_t), both[] = {0, next};
        if (!llmi_buf_append(&e->p->targets, both, sizeof both)) return fail(e, LLM_E_MEMORY);
        return add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_SPLIT, .arg = first, .next = 2});
    }
    llmi_grammar_loop loop = {
        .min = node->min, .max = node->max, .next = next, .low_first = node->min, .low_last = node->min};
    loop.high_first = node->max == LLMI_IR_UNLIMITED ? INT32_MAX : node->max;
    loop.nullable = llmi_ir_is(&e->facts.nullable, node->first);
    int32_t index = (int32_t)llmi_buf_count(&e->p->loops, llmi_grammar_loop);
    loop.at = add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_LOOP, .arg = index});
    if (!llmi_buf_push(&e->p->loops, loop)) return fail(e, LLM_E_MEMORY);
    return loop.at;
}

static void open_node_push(emitter *e, int32_t index, int32_t next) {
    const llmi_ir_node *node = llmi_ir_at(e->ir, index);
    open_node o = {.node = index, .next = next, .i = node->kind == LLMI_IR_REPEAT ? 1 : node->n, .next_here = next};
    if (node->kind == LLMI_IR_REPEAT) {
        bool optional = !node->min && node->max == 1;
        o.at = optional ? 0 : open_repeat(e, node, next);
        if (!optional && op_at(e, o.at)->kind == LLMI_GRAMMAR_OP_LOOP)
            o.next_here = add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_ROUND, .arg = op_at(e, o.at)->arg});
        else if (!optional)
            o.next_here = o.at;
    } else {
        o.at = (int32_t)llmi_buf_count(&e->pending, int32_t);
    }
    if (e->status == LLM_OK && !llmi_buf_push(&e->stack, o)) fail(e, LLM_E_MEMORY);
}

static int32_t close_repeat(emitter *e, const open_node *o, int32_t body) {
    const llmi_ir_node *node = llmi_ir_at(e->ir, o->node);
    if (!node->min && node->max == 1) return emit_split(e, (const int32_t[]){body, o->next}, 2);
    const llmi_grammar_op *op = op_at(e, o->at);
    if (op->kind == LLMI_GRAMMAR_OP_LOOP)
        llmi_buf_at(&e->p->loops, llmi_grammar_loop, op->arg).body = body;
    else
        llmi_buf_at(&e->p->targets, int32_t, op->arg) = body;
    return o->at;
}

/* The entry of the innermost open node's child is known: `pc`. Returns the child to continue with, or -1 when the node
 * is done; its entry goes to *pc. */
static int32_t advance(emitter *e, int32_t *pc, bool entered) {
    open_node *o = &llmi_buf_at(&e->stack, open_node, llmi_buf_count(&e->stack, open_node) - 1);
    const llmi_ir_node *node = llmi_ir_at(e->ir, o->node);
    if (entered && node->kind == LLMI_IR_SEQ) o->next_here = *pc;
    if (entered && node->kind == LLMI_IR_ALT && !llmi_buf_push(&e->pending, *pc)) fail(e, LLM_E_MEMORY);
    while (o->i-- > 0 && e->status == LLM_OK) {
        int32_t child =
            node->kind == LLMI_IR_REPEAT ? node->first : llmi_buf_at(&e->ir->kids, int32_t, node->first + o->i);
        if (node->kind != LLMI_IR_ALT || llmi_ir_is(&e->facts.productive, child)) return child;
    }
    if (e->status != LLM_OK) return -1;
    if (node->kind == LLMI_IR_SEQ) *pc = o->next_here;
    if (node->kind == LLMI_IR_REPEAT) *pc = close_repeat(e, o, *pc);
    if (node->kind == LLMI_IR_ALT) {
        *pc = emit_split(e, &llmi_buf_at(&e->pending, int32_t, o->at),
                         llmi_buf_count(&e->pending, int32_t) - (size_t)o->at);
        e->pending.len = (size_t)o->at * sizeof(int32_t);
    }
    e->stack.len -= sizeof *o;
    return -1;
}

static int32_t emit_count(emitter *e, const llmi_ir_node *node, int32_t next) {
    int32_t body = emit_call(e, node->first, 0),
            at = add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_COUNT, .arg = node->min});
    llmi_grammar_loop *loop = &llmi_buf_at(&e->p->loops, llmi_grammar_loop, node->min);
    loop->at = at;
    loop->body = body;
    loop->next = next;
    return at;
}

static int32_t emit_tick(emitter *e, const llmi_ir_node *node, int32_t next) {
    llmi_grammar_tick tick = {node->first, node->min, node->max};
    int32_t index = (int32_t)llmi_buf_count(&e->p->ticks, llmi_grammar_tick);
    if (!llmi_buf_push(&e->p->ticks, tick)) return fail(e, LLM_E_MEMORY);
    return add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_TICK, .arg = index, .next = next});
}

static int32_t emit_leaf(emitter *e, int32_t index, int32_t next) {
    const llmi_ir_node *node = llmi_ir_at(e->ir, index);
    if (node->kind == LLMI_IR_TEXT) return emit_text(e, node, next);
    if (node->kind == LLMI_IR_ALT) return emit_texts(e, node, next);
    if (node->kind == LLMI_IR_CHARS) return emit_chars(e, node, next);
    if (node->kind == LLMI_IR_REF) return emit_call(e, node->first, next);
    if (node->kind == LLMI_IR_COUNT) return emit_count(e, node, next);
    if (node->kind == LLMI_IR_TICK) return emit_tick(e, node, next);
    if (node->kind == LLMI_IR_LEAVE)
        return add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_LEAVE, .arg = node->first});
    return next; /* a repetition of nothing */
}

/* Writes a productive node so that it continues at `next`; returns its entry. */
static int32_t emit(emitter *e, int32_t index, int32_t next) {
    int32_t pc = next;
    for (;;) {
        while (llmi_ir_at(e->ir, index)->kind == LLMI_IR_REF && is_small(e, llmi_ir_at(e->ir, index)->first))
            index = llmi_buf_at(&e->ir->rules, llmi_ir_rule, llmi_ir_at(e->ir, index)->first).body;
        bool opened = opens(e, llmi_ir_at(e->ir, index));
        if (opened)
            open_node_push(e, index, next);
        else
            pc = emit_leaf(e, index, next);
        for (bool entered = !opened;; entered = true) {
            if (e->status != LLM_OK || !e->stack.len) return pc;
            index = advance(e, &pc, entered);
            if (index >= 0 || e->status != LLM_OK) break;
        }
        if (e->status != LLM_OK) return 0;
        next = llmi_buf_at(&e->stack, open_node, llmi_buf_count(&e->stack, open_node) - 1).next_here;
    }
}

/* ---- all ---- */

/* Loops of the grammar's counters come first. */
static bool add_counters(emitter *e) {
    for (size_t i = 0; i < llmi_buf_count(&e->ir->counters, llmi_ir_counter); i++) {
        llmi_ir_counter c = llmi_buf_at(&e->ir->counters, llmi_ir_counter, i);
        llmi_grammar_loop loop = {.min = c.min, .max = c.max, .low_first = c.low_first, .low_last = c.low_last};
        loop.high_first = c.high_first;
        if (!llmi_buf_push(&e->p->loops, loop)) return false;
    }
    return true;
}

static llm_status emit_rules(emitter *e, int32_t root) {
    llmi_grammar_program *p = e->p;
    size_t n = llmi_buf_count(&e->ir->rules, llmi_ir_rule);
    if (!llmi_buf_reserve(&e->small, n) || !llmi_buf_reserve(&p->entries, n * sizeof(int32_t))) return LLM_E_MEMORY;
    memset(e->small.data, 0, e->small.len = n);
    memset(p->entries.data, 0xff, p->entries.len = n * sizeof(int32_t));
    if (!add_counters(e)) return LLM_E_MEMORY;
    add_op(e, (llmi_grammar_op){.kind = LLMI_GRAMMAR_OP_RETURN});
    p->start = emit_call(e, root, 0);
    while (e->status == LLM_OK && e->rules.len) {
        e->rules.len -= sizeof(int32_t);
        int32_t rule = llmi_buf_at(&e->rules, int32_t, llmi_buf_count(&e->rules, int32_t));
        int32_t entry = emit(e, llmi_buf_at(&e->ir->rules, llmi_ir_rule, rule).body, 0);
        llmi_buf_at(&p->entries, int32_t, rule) = entry;
    }
    return e->status;
}

void llmi_grammar_program_free(llmi_grammar_program *p) {
    llmi_buf *const bufs[] = {&p->ops, &p->targets, &p->loops, &p->ticks, &p->sets, &p->entries};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
}

llm_status llmi_grammar_program_make(llmi_grammar_program *out, const llmi_ir *ir, int32_t root) {
    *out = (llmi_grammar_program){0};
    emitter e = {.p = out, .ir = ir};
    llmi_buf *const bufs[] = {&out->ops, &out->targets, &out->loops, &out->ticks, &out->sets, &out->entries,
                              &e.stack,  &e.pending,    &e.rules,    &e.seqs,     &e.small};
    size_t n_bufs = sizeof bufs / sizeof bufs[0];
    for (size_t i = 0; i < n_bufs; i++) llmi_buf_init(bufs[i], ir->a);
    llm_status status = ir->status;
    if (status == LLM_OK) status = llmi_ir_check(&e.facts, ir, root);
    if (status != LLM_OK) return status;
    status = emit_rules(&e, root);
    for (size_t i = 6; i < n_bufs; i++) llmi_buf_free(bufs[i]);
    llmi_ir_facts_free(&e.facts);
    if (status != LLM_OK) llmi_grammar_program_free(out);
    return status;
}
