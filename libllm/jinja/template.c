/* A parsed template as an object: its source, its memory, its references. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "jinja/code.h"

enum { N_BUFS = 8 };

static void list_bufs(llmi_buf *out[N_BUFS], llmi_jinja_template *t) {
    llmi_buf *all[N_BUFS] = {&t->source, &t->code,  &t->origins, &t->constants,
                             &t->strs,   &t->bytes, &t->macros,  &t->params};
    memcpy(out, all, sizeof all);
}

/* Every kind of line end becomes one newline; the last one is dropped, as Jinja does. */
static bool copy_source(llmi_buf *out, const char *source, size_t n) {
    if (!llmi_buf_reserve(out, n + 1)) return false;
    for (size_t i = 0; i < n; i++) {
        if (source[i] == '\r' && i + 1 < n && source[i + 1] == '\n') continue;
        out->data[out->len++] = source[i] == '\r' ? '\n' : source[i];
    }
    if (out->len && out->data[out->len - 1] == '\n') out->len--;
    return true;
}

llmi_jinja_template *llmi_jinja_template_new(const llm_allocator *a, const char *source, size_t n, const char *what) {
    llmi_jinja_template *t = llmi_alloc_zero(a, sizeof *t);
    if (!t) return NULL;
    t->a = a;
    t->what = what;
    atomic_init(&t->refs, 1);
    llmi_buf *bufs[N_BUFS];
    list_bufs(bufs, t);
    for (size_t i = 0; i < N_BUFS; i++) llmi_buf_init(bufs[i], a);
    /* Decoded strings and numbers, with the NUL after each, never exceed twice the source, so the bytes are never
     * moved. */
    if (copy_source(&t->source, source, n) && llmi_buf_reserve(&t->bytes, 2 * n + 1)) return t;
    llmi_jinja_template_unref(t);
    return NULL;
}

llmi_jinja_template *llmi_jinja_template_ref(llmi_jinja_template *t) {
    if (t) atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void llmi_jinja_template_unref(llmi_jinja_template *t) {
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1) return;
    llmi_buf *bufs[N_BUFS];
    list_bufs(bufs, t);
    for (size_t i = 0; i < N_BUFS; i++) llmi_buf_free(bufs[i]);
    llmi_free(t->a, t, sizeof *t);
}

const char *llmi_jinja_place_text(char out[LLMI_JINJA_PLACE_BYTES], const llmi_jinja_template *t, size_t offset) {
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < t->source.len; i++) {
        column += ((unsigned char)t->source.data[i] & 0xc0) != 0x80;
        if (t->source.data[i] == '\n') line++, column = 1;
    }
    llmi_format(out, LLMI_JINJA_PLACE_BYTES, "%s%sline %u, column %u: ", t->what ? t->what : "", t->what ? ", " : "",
                line, column);
    return out;
}
