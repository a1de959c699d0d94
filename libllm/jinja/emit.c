#include "jinja/emit.h"

#include <stdarg.h>

#include "base/status.h"
#include "base/text.h"

void llmi_emit_fail(llmi_parser *p, llm_status status, const char *format, ...) {
    if (p->status != LLM_OK) return;
    char text[384];
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    p->status =
        llmi_error(status, "%s%s", llmi_jinja_place_text((char[LLMI_JINJA_PLACE_BYTES]){0}, p->t, p->now.at), text);
}

static bool push(llmi_parser *p, bool done) {
    if (!done && p->status == LLM_OK) p->status = LLM_E_MEMORY;
    return done;
}

/* ---- constants ---- */

static uint64_t hash(const char *text, size_t n) {
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * 1099511628211u;
    return h ^ h >> 29;
}

static int32_t *find_slot(llmi_parser *p, const char *text, size_t n) {
    size_t mask = llmi_buf_count(&p->strings, int32_t) - 1;
    for (size_t i = hash(text, n) & mask;; i = (i + 1) & mask) {
        int32_t *slot = &llmi_buf_at(&p->strings, int32_t, i);
        if (*slot < 0) return slot;
        const llmi_jinja_value *v = &llmi_buf_at(&p->t->constants, llmi_jinja_value, *slot);
        const llmi_jinja_str *s = &llmi_buf_at(&p->t->strs, llmi_jinja_str, v->i);
        if (s->n == n && memcmp(s->p, text, n) == 0) return slot;
    }
}

static bool rehash(llmi_parser *p) {
    size_t n = llmi_buf_count(&p->strings, int32_t);
    if (n && p->n_strings < n / 2) return true;
    llmi_buf old = p->strings;
    llmi_buf_init(&p->strings, p->t->a);
    size_t bytes = (n ? n * 2 : 64) * sizeof(int32_t);
    if (!push(p, llmi_buf_reserve(&p->strings, bytes))) {
        p->strings = old;
        return false;
    }
    memset(p->strings.data, 0xff, bytes);
    p->strings.len = bytes;
    for (size_t i = 0; i < n; i++) {
        int32_t c = llmi_buf_at(&old, int32_t, i);
        if (c < 0) continue;
        const llmi_jinja_str *s =
            &llmi_buf_at(&p->t->strs, llmi_jinja_str, llmi_buf_at(&p->t->constants, llmi_jinja_value, c).i);
        *find_slot(p, s->p, s->n) = c;
    }
    llmi_buf_free(&old);
    return true;
}

/* While parsing, a string constant holds the index of its llmi_jinja_str: those still move. */
int32_t llmi_emit_string(llmi_parser *p, const char *text, size_t n) {
    if (p->status != LLM_OK || !rehash(p)) return 0;
    int32_t *slot = find_slot(p, text, n);
    if (*slot >= 0) return *slot;
    llmi_jinja_str s = {.p = text, .n = (uint32_t)n};
    llmi_jinja_value v = {.kind = LLMI_V_STR, .i = (int64_t)llmi_buf_count(&p->t->strs, llmi_jinja_str)};
    if (!push(p, llmi_buf_push(&p->t->strs, s))) return 0;
    *slot = llmi_emit_value(p, v);
    p->n_strings++;
    return *slot;
}

int32_t llmi_emit_value(llmi_parser *p, llmi_jinja_value v) {
    if (p->status != LLM_OK || !push(p, llmi_buf_push(&p->t->constants, v))) return 0;
    return (int32_t)llmi_buf_count(&p->t->constants, llmi_jinja_value) - 1;
}

/* ---- instructions ---- */

int32_t llmi_emit_here(const llmi_parser *p) {
    return (int32_t)llmi_buf_count(&p->t->code, llmi_jinja_instr);
}

int32_t llmi_emit_full(llmi_parser *p, int op, int32_t a, int b, int c) {
    int32_t here = llmi_emit_here(p);
    if (p->status != LLM_OK) return here;
    llmi_jinja_instr i = {.op = (uint8_t)op, .b = (uint8_t)b, .c = (uint16_t)c, .a = a};
    push(p, llmi_buf_push(&p->t->origins, p->origin) && llmi_buf_push(&p->t->code, i));
    return here;
}

int32_t llmi_emit(llmi_parser *p, int op, int32_t a) {
    return llmi_emit_full(p, op, a, 0, 0);
}

void llmi_emit_target(llmi_parser *p, int32_t from, int32_t to) {
    if (p->status == LLM_OK) llmi_buf_at(&p->t->code, llmi_jinja_instr, from).a = to - from;
}

static void reverse(char *data, size_t size, size_t begin, size_t end) {
    for (char swap[16]; begin + 1 < end; begin++) {
        end--;
        memcpy(swap, data + begin * size, size);
        memcpy(data + begin * size, data + end * size, size);
        memcpy(data + end * size, swap, size);
    }
}

static void rotate(llmi_buf *b, size_t size, size_t begin, size_t middle, size_t end) {
    reverse(b->data, size, begin, middle);
    reverse(b->data, size, middle, end);
    reverse(b->data, size, begin, end);
}

void llmi_emit_rotate(llmi_parser *p, int32_t begin, int32_t middle) {
    if (p->status != LLM_OK) return;
    size_t end = (size_t)llmi_emit_here(p);
    rotate(&p->t->code, sizeof(llmi_jinja_instr), (size_t)begin, (size_t)middle, end);
    rotate(&p->t->origins, sizeof(llmi_jinja_origin), (size_t)begin, (size_t)middle, end);
}
