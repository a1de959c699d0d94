/* Text under construction, with its marks. What its buffers hold is part of the rendering's memory. */
#include <stdarg.h>

#include "base/text.h"
#include "jinja/value.h"

void llmi_builder_init(llmi_builder *b, llmi_jinja_run *r) {
    *b = (llmi_builder){.r = r};
    llmi_buf_init(&b->bytes, r->a);
    llmi_buf_init(&b->marks, r->a);
}

void llmi_builder_free(llmi_builder *b) {
    llmi_jinja_run_give_back(b->r, b->held);
    b->held = 0;
    llmi_buf_free(&b->bytes);
    llmi_buf_free(&b->marks);
}

/* Room for n more bytes, counted before they are allocated. Grows by the half, as llmi_buf does. */
static bool reserve(llmi_builder *b, llmi_buf *buf, size_t n) {
    enum { START_BYTES = 64 };
    llmi_jinja_run *r = b->r;
    if (n <= buf->cap - buf->len) return LLMI_JINJA_OK(r);
    bool counts = !b->output || buf != &b->bytes;
    size_t cap = buf->cap + buf->cap / 2, more;
    if (cap < buf->len + n) cap = buf->len + n;
    if (cap < START_BYTES) cap = START_BYTES;
    more = counts ? cap - buf->cap : 0;
    if (!llmi_jinja_run_hold(r, more)) return false;
    b->held += more;
    if (llmi_buf_reserve(buf, n)) return true;
    r->status = LLM_E_MEMORY;
    return false;
}

void llmi_builder_put(llmi_builder *b, const char *p, size_t n) {
    llmi_jinja_run *r = b->r;
    if (!llmi_jinja_run_copy(r, n)) return;
    if (n > r->limits->max_output_bytes - b->bytes.len) {
        llmi_jinja_run_fail(r, LLM_E_LIMIT, "a text exceeds the limit of %zu bytes", r->limits->max_output_bytes);
        return;
    }
    if (n && reserve(b, &b->bytes, n)) llmi_buf_append(&b->bytes, p, n);
}

void llmi_builder_puts(llmi_builder *b, const char *text) {
    llmi_builder_put(b, text, strlen(text));
}

void llmi_builder_fill(llmi_builder *b, const llmi_jinja_str *s, int64_t n) {
    llmi_jinja_run *r = b->r;
    if (n <= 0 || !s->n) return;
    size_t room = r->limits->max_output_bytes - b->bytes.len;
    if ((uint64_t)n > room / s->n) {
        llmi_jinja_run_fail(r, LLM_E_LIMIT, "%lld times %u bytes exceed the limit of %zu bytes of a text", (long long)n,
                            s->n, r->limits->max_output_bytes);
        return;
    }
    if (!llmi_jinja_run_spend(r, n / 4) || !reserve(b, &b->bytes, (size_t)n * s->n)) return;
    for (; n > 0 && LLMI_JINJA_OK(r); n--) llmi_builder_str(b, s);
}

void llmi_builder_printf(llmi_builder *b, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    llmi_builder_puts(b, text);
}

static void add_mark(llmi_builder *b, llmi_jinja_mark m) {
    size_t n = llmi_buf_count(&b->marks, llmi_jinja_mark);
    if (n) {
        llmi_jinja_mark *last = &llmi_buf_at(&b->marks, llmi_jinja_mark, n - 1);
        if (last->end == m.begin && last->message == m.message) {
            last->end = m.end;
            return;
        }
    }
    if (reserve(b, &b->marks, sizeof m)) llmi_buf_push(&b->marks, m);
}

void llmi_builder_str(llmi_builder *b, const llmi_jinja_str *s) {
    if (!s) return;
    uint32_t at = (uint32_t)b->bytes.len;
    llmi_builder_put(b, s->p, s->n);
    if (!llmi_jinja_run_spend(b->r, s->n_marks / 16)) return;
    for (uint32_t i = 0; i < s->n_marks; i++)
        add_mark(b, (llmi_jinja_mark){s->marks[i].begin + at, s->marks[i].end + at, s->marks[i].message});
}

void llmi_builder_mark_as(llmi_builder *b, size_t begin, const llmi_jinja_str *s) {
    if (s->n_marks && b->bytes.len > begin)
        add_mark(b, (llmi_jinja_mark){(uint32_t)begin, (uint32_t)b->bytes.len, s->marks[0].message});
}

/* Moves the marks from byte `begin` on to a string of its own. */
static void take_marks(llmi_builder *b, llmi_jinja_str *s, size_t begin) {
    size_t n_all = llmi_buf_count(&b->marks, llmi_jinja_mark), first = n_all;
    while (first > 0 && llmi_buf_at(&b->marks, llmi_jinja_mark, first - 1).end > begin) first--;
    if (first == n_all) return;
    uint32_t n = (uint32_t)(n_all - first);
    llmi_jinja_mark *marks = llmi_jinja_run_take(b->r, n * sizeof *marks),
                    *head = &llmi_buf_at(&b->marks, llmi_jinja_mark, first);
    if (!marks) return;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = head[i].begin > begin ? head[i].begin - (uint32_t)begin : 0;
        marks[i] = (llmi_jinja_mark){from, head[i].end - (uint32_t)begin, head[i].message};
    }
    s->marks = marks;
    s->n_marks = n;
    bool shared = head->begin < begin; /* a mark that spans `begin` belongs to both sides */
    if (shared) head->end = (uint32_t)begin;
    b->marks.len = (first + shared) * sizeof(llmi_jinja_mark);
}

const llmi_jinja_str *llmi_builder_take(llmi_builder *b, size_t begin) {
    llmi_jinja_run *r = b->r;
    size_t n = b->bytes.len - begin;
    char *copy = llmi_jinja_run_copy(r, n) ? llmi_jinja_run_take(r, n ? n : 1) : NULL;
    llmi_jinja_str *s = copy ? llmi_jinja_run_take(r, sizeof *s) : NULL;
    b->bytes.len = begin;
    if (!s) return NULL;
    if (n) memcpy(copy, b->bytes.data + begin, n);
    *s = (llmi_jinja_str){.p = copy, .n = (uint32_t)n};
    take_marks(b, s, begin);
    return LLMI_JINJA_OK(r) ? s : NULL;
}

const llmi_jinja_str *llmi_builder_finish(llmi_builder *b) {
    const llmi_jinja_str *s = LLMI_JINJA_OK(b->r) ? llmi_builder_take(b, 0) : NULL;
    llmi_builder_free(b);
    return s;
}
