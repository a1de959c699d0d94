#include "grammar/reader.h"

#include <stdarg.h>

#include "base/text.h"
#include "base/utf8.h"

llm_status llmi_reader_init(llmi_reader *s, llmi_ir *ir, const char *text, size_t n) {
    *s = (llmi_reader){.text = text, .n = n, .ir = ir};
    llmi_buf_init(&s->items, ir->a);
    llmi_buf_init(&s->groups, ir->a);
    size_t valid = llmi_utf8_valid(text, n);
    if (valid < n) llmi_reader_fault(s, valid, "the text is not UTF-8");
    return ir->status;
}

void llmi_reader_free(llmi_reader *s) {
    llmi_buf_free(&s->items);
    llmi_buf_free(&s->groups);
}

int32_t llmi_reader_fault(llmi_reader *s, size_t at, const char *format, ...) {
    if (s->ir->status != LLM_OK) return -1;
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < at && i < s->n; i++)
        if (s->text[i] == '\n') {
            line++;
            begin = i + 1;
        }
    char what[300];
    va_list args;
    va_start(args, format);
    llmi_vformat(what, sizeof what, format, args);
    va_end(args);
    return llmi_ir_fail(s->ir, llmi_error(LLM_E_FORMAT, "line %zu, column %zu: %s", line, at - begin + 1, what));
}

uint32_t llmi_reader_next(llmi_reader *s) {
    if (s->at >= s->n) return LLMI_UTF8_INVALID;
    size_t used;
    uint32_t c = llmi_utf8_decode(s->text + s->at, s->n - s->at, &used);
    s->at += used;
    return c;
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static uint32_t read_hex(llmi_reader *s, int n) {
    uint32_t value = 0;
    size_t begin = s->at;
    for (int i = 0; i < n; i++) {
        int digit = s->at < s->n ? hex_value(s->text[s->at]) : -1;
        if (digit < 0) return (uint32_t)llmi_reader_fault(s, begin, "expected %d hexadecimal digits", n);
        value = value << 4 | (uint32_t)digit;
        s->at++;
    }
    return value;
}

uint32_t llmi_reader_whole(llmi_reader *s, uint32_t value, size_t n_read) {
    if (s->ir->status != LLM_OK || (value <= 0x10ffff && (value < 0xd800 || value >= 0xe000))) return value;
    return (uint32_t)llmi_reader_fault(s, s->at - n_read, "U+%04X is no character", value);
}

uint32_t llmi_reader_half(llmi_reader *s) {
    return read_hex(s, 4);
}

uint32_t llmi_reader_hex(llmi_reader *s, int n) {
    return llmi_reader_whole(s, read_hex(s, n), (size_t)n);
}

/* ---- groups ---- */

static llmi_reader_group *innermost(llmi_reader *s) {
    return &llmi_buf_at(&s->groups, llmi_reader_group, llmi_reader_depth(s) - 1);
}

void llmi_reader_group_open(llmi_reader *s) {
    size_t n = llmi_buf_count(&s->items, int32_t);
    llmi_reader_group group = {n, n, s->at};
    if (llmi_reader_depth(s) >= LLMI_GRAMMAR_MAX_DEPTH) {
        llmi_reader_fault(s, s->at, "groups nested deeper than %d", LLMI_GRAMMAR_MAX_DEPTH);
        s->ir->status = LLM_E_LIMIT;
    } else if (!llmi_buf_push(&s->groups, group)) {
        llmi_ir_fail(s->ir, LLM_E_MEMORY);
    }
}

void llmi_reader_group_add(llmi_reader *s, int32_t node) {
    if (s->ir->status == LLM_OK && !llmi_buf_push(&s->items, node)) llmi_ir_fail(s->ir, LLM_E_MEMORY);
}

int32_t llmi_reader_group_take(llmi_reader *s) {
    size_t n = llmi_buf_count(&s->items, int32_t);
    if (s->ir->status != LLM_OK || n == innermost(s)->sequence) return -1;
    s->items.len -= sizeof(int32_t);
    return llmi_buf_at(&s->items, int32_t, n - 1);
}

/* Items from `first` on become one node. */
static int32_t reduce(llmi_reader *s, llmi_ir_kind kind, size_t first) {
    if (s->ir->status != LLM_OK) return -1;
    size_t n = llmi_buf_count(&s->items, int32_t) - first;
    int32_t node = llmi_ir_list(s->ir, kind, n ? &llmi_buf_at(&s->items, int32_t, first) : NULL, n);
    s->items.len = first * sizeof(int32_t);
    return node;
}

void llmi_reader_group_branch(llmi_reader *s) {
    if (s->ir->status != LLM_OK) return;
    int32_t node = reduce(s, LLMI_IR_SEQ, innermost(s)->sequence);
    llmi_reader_group_add(s, node);
    innermost(s)->sequence = llmi_buf_count(&s->items, int32_t);
}

int32_t llmi_reader_group_close(llmi_reader *s) {
    llmi_reader_group_branch(s);
    if (s->ir->status != LLM_OK) return -1;
    int32_t node = reduce(s, LLMI_IR_ALT, innermost(s)->first);
    s->groups.len -= sizeof(llmi_reader_group);
    return node;
}

/* ---- bounds ---- */

static void skip_blanks(llmi_reader *s) {
    while (llmi_reader_is(s, ' ') || llmi_reader_is(s, '\t')) s->at++;
}

/* -1: there is none, or it is too large. */
static int32_t read_count(llmi_reader *s) {
    size_t begin = s->at;
    int32_t n = 0;
    for (; s->at < s->n && s->text[s->at] >= '0' && s->text[s->at] <= '9'; s->at++) {
        n = n * 10 + (s->text[s->at] - '0');
        if (n > LLMI_REPEAT_MAX) return llmi_reader_fault(s, begin, "a repetition of more than %d", LLMI_REPEAT_MAX);
    }
    return s->at > begin ? n : -1;
}

bool llmi_reader_bounds(llmi_reader *s, int32_t *min, int32_t *max) {
    size_t begin = s->at;
    skip_blanks(s);
    *min = *max = read_count(s);
    skip_blanks(s);
    if (llmi_reader_is(s, ',')) {
        s->at++;
        skip_blanks(s);
        *max = read_count(s);
        skip_blanks(s);
        if (*min < 0 && *max >= 0) *min = 0;
    }
    bool right = s->ir->status == LLM_OK && *min >= 0 && llmi_reader_is(s, '}');
    if (right && *max >= 0 && *max < *min) right = false;
    if (!right) llmi_reader_fault(s, begin, "expected bounds {n}, {n,} or {n,m} with n <= m");
    s->at++;
    return right;
}
