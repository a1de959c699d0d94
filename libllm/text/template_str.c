#define _GNU_SOURCE
/* Strings of a rendering: characters are Unicode's, storage is UTF-8, marks follow the bytes. */
#include <utf8proc.h>

#include <stdarg.h>

#include "base/text.h"
#include "text/template_value.h"
#include "text/utf8.h"

/* ---- making ---- */

const llmi_str *llmi_str_over(llmi_run *r, const char *p, size_t n) {
    llmi_str *s = llmi_run_take(r, sizeof *s);
    if (s) *s = (llmi_str){.p = p, .n = (uint32_t)n};
    return s;
}

const llmi_str *llmi_str_new(llmi_run *r, const char *p, size_t n) {
    char *copy = llmi_run_take(r, n ? n : 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, p, n);
    return llmi_str_over(r, copy, n);
}

/* The marks of s inside begin..end, moved by `shift`; returns how many. */
static uint32_t copy_marks(llmi_mark *out, const llmi_str *s, size_t begin, size_t end, int64_t shift) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_marks; i++) {
        llmi_mark m = s->marks[i];
        if (m.begin < begin) m.begin = (uint32_t)begin;
        if (m.end > end) m.end = (uint32_t)end;
        if (m.begin >= m.end) continue;
        m.begin = (uint32_t)(m.begin + shift);
        m.end = (uint32_t)(m.end + shift);
        out[n++] = m;
    }
    return n;
}

const llmi_str *llmi_str_cut(llmi_run *r, const llmi_str *s, size_t begin, size_t end) {
    if (begin == 0 && end == s->n) return s;
    llmi_str *cut = llmi_run_take(r, sizeof *cut);
    if (!cut) return NULL;
    *cut = (llmi_str){.p = s->p + begin, .n = (uint32_t)(end - begin)};
    if (!s->n_marks || !cut->n || !llmi_run_spend(r, s->n_marks / 16)) return cut;
    llmi_mark *marks = llmi_run_take(r, s->n_marks * sizeof *marks);
    if (!marks) return NULL;
    cut->n_marks = copy_marks(marks, s, begin, end, -(int64_t)begin);
    cut->marks = marks;
    return cut;
}

const llmi_str *llmi_str_join(llmi_run *r, const llmi_str *a, const llmi_str *b) {
    if (!a || !b) return NULL;
    if (!a->n) return b;
    if (!b->n) return a;
    size_t n = (size_t)a->n + b->n;
    uint32_t n_marks = a->n_marks + b->n_marks;
    if (!llmi_run_spend(r, (int64_t)(n / 64 + n_marks / 16))) return NULL;
    char *p = llmi_run_take(r, n);
    llmi_mark *marks = n_marks ? llmi_run_take(r, n_marks * sizeof *marks) : NULL;
    llmi_str *s = llmi_run_take(r, sizeof *s);
    if (!s || (n_marks && !marks)) return NULL;
    memcpy(p, a->p, a->n);
    memcpy(p + a->n, b->p, b->n);
    *s = (llmi_str){.p = p, .n = (uint32_t)n, .marks = marks};
    s->n_marks = n_marks ? copy_marks(marks, a, 0, a->n, 0) : 0;
    if (b->n_marks) s->n_marks += copy_marks(marks + s->n_marks, b, 0, b->n, a->n);
    return s;
}

/* ---- building ---- */

void llmi_builder_init(llmi_builder *b, llmi_run *r) {
    b->r = r;
    llmi_buf_init(&b->bytes, r->a);
    llmi_buf_init(&b->marks, r->a);
}

void llmi_builder_free(llmi_builder *b) {
    llmi_buf_free(&b->bytes);
    llmi_buf_free(&b->marks);
}

void llmi_builder_put(llmi_builder *b, const char *p, size_t n) {
    llmi_run *r = b->r;
    if (!llmi_run_spend(r, (int64_t)(n / 64))) return;
    if (b->bytes.len + n > r->limits->max_output_bytes) {
        llmi_run_fail(r, LLM_E_LIMIT, "a text exceeds the limit of %zu bytes", r->limits->max_output_bytes);
        return;
    }
    if (!llmi_buf_append(&b->bytes, p, n)) r->status = LLM_E_MEMORY;
}

void llmi_builder_puts(llmi_builder *b, const char *text) {
    llmi_builder_put(b, text, strlen(text));
}

void llmi_builder_printf(llmi_builder *b, const char *format, ...) {
    char text[400];
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    llmi_builder_puts(b, text);
}

static void add_mark(llmi_builder *b, llmi_mark m) {
    size_t n = llmi_buf_count(&b->marks, llmi_mark);
    if (n) {
        llmi_mark *last = &llmi_buf_at(&b->marks, llmi_mark, n - 1);
        if (last->end == m.begin && last->message == m.message) {
            last->end = m.end;
            return;
        }
    }
    if (LLMI_OK(b->r) && !llmi_buf_push(&b->marks, m)) b->r->status = LLM_E_MEMORY;
}

void llmi_builder_str(llmi_builder *b, const llmi_str *s) {
    if (!s) return;
    uint32_t at = (uint32_t)b->bytes.len;
    llmi_builder_put(b, s->p, s->n);
    if (!llmi_run_spend(b->r, s->n_marks / 16)) return;
    for (uint32_t i = 0; i < s->n_marks; i++)
        add_mark(b, (llmi_mark){s->marks[i].begin + at, s->marks[i].end + at, s->marks[i].message});
}

void llmi_builder_mark_as(llmi_builder *b, size_t begin, const llmi_str *s) {
    if (s->n_marks && b->bytes.len > begin)
        add_mark(b, (llmi_mark){(uint32_t)begin, (uint32_t)b->bytes.len, s->marks[0].message});
}

const llmi_str *llmi_builder_take(llmi_builder *b, size_t begin) {
    llmi_run *r = b->r;
    size_t n = b->bytes.len - begin, n_all = llmi_buf_count(&b->marks, llmi_mark), first = n_all;
    while (first > 0 && llmi_buf_at(&b->marks, llmi_mark, first - 1).end > begin) first--;
    const llmi_str *s = llmi_str_new(r, n ? b->bytes.data + begin : "", n);
    b->bytes.len = begin;
    if (!s || first == n_all) return s;
    llmi_str whole = {.p = s->p, .n = UINT32_MAX, .n_marks = (uint32_t)(n_all - first)};
    whole.marks = &llmi_buf_at(&b->marks, llmi_mark, first);
    llmi_mark *marks = llmi_run_take(r, whole.n_marks * sizeof *marks);
    if (!marks) return NULL;
    ((llmi_str *)(uintptr_t)s)->n_marks = copy_marks(marks, &whole, begin, begin + n, -(int64_t)begin);
    ((llmi_str *)(uintptr_t)s)->marks = marks;
    /* A mark that reaches over `begin` belongs to both sides. */
    llmi_mark *head = &llmi_buf_at(&b->marks, llmi_mark, first);
    bool shared = head->begin < begin;
    if (shared) head->end = (uint32_t)begin;
    b->marks.len = (first + shared) * sizeof(llmi_mark);
    return s;
}

const llmi_str *llmi_builder_finish(llmi_builder *b) {
    const llmi_str *s = LLMI_OK(b->r) ? llmi_builder_take(b, 0) : NULL;
    llmi_builder_free(b);
    return s;
}

/* ---- searching and counting ---- */

int64_t llmi_str_find(const llmi_str *s, const llmi_str *what, size_t from) {
    if (from > s->n || what->n > s->n - from) return -1;
    if (what->n == 0) return (int64_t)from;
    const char *found = memmem(s->p + from, s->n - from, what->p, what->n);
    return found ? found - s->p : -1;
}

int64_t llmi_str_find_last(const llmi_str *s, const llmi_str *what, size_t before) {
    if (what->n > before) return -1;
    for (size_t i = before - what->n + 1; i-- > 0;)
        if (memcmp(s->p + i, what->p, what->n) == 0) return (int64_t)i;
    return -1;
}

size_t llmi_str_length(const llmi_str *s) {
    size_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) n += ((unsigned char)s->p[i] & 0xc0) != 0x80;
    return n;
}

size_t llmi_str_offset(const llmi_str *s, size_t index) {
    size_t i = 0;
    for (; i < s->n && index > 0; index--) i += llmi_utf8_step(s->p + i, s->n - i);
    return i;
}

llmi_list *llmi_str_characters(llmi_run *r, const llmi_str *s) {
    llmi_list *l = llmi_list_new(r, s->n);
    if (!llmi_run_spend(r, s->n)) return NULL;
    for (size_t i = 0; l && i < s->n;) {
        size_t n = llmi_utf8_step(s->p + i, s->n - i);
        if (!llmi_list_add(r, l, llmi_of_str(llmi_str_cut(r, s, i, i + n)))) return NULL;
        i += n;
    }
    return l;
}

/* ---- changing ---- */

bool llmi_is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Whether the character p[0..n-1] is to go: white space, or one of `chars`. */
static bool goes(const char *p, size_t n, const llmi_str *chars) {
    if (!chars) {
        size_t used;
        return llmi_is_space(llmi_utf8_decode(p, n, &used));
    }
    return memmem(chars->p, chars->n, p, n) != NULL;
}

const llmi_str *llmi_str_trim(llmi_run *r, const llmi_str *s, const llmi_str *chars, bool left, bool right) {
    size_t begin = 0, end = s->n;
    while (left && begin < end) {
        size_t n = llmi_utf8_step(s->p + begin, end - begin);
        if (!goes(s->p + begin, n, chars)) break;
        begin += n;
    }
    while (right && end > begin) {
        size_t n = 1;
        while (n < 4 && n < end - begin && ((unsigned char)s->p[end - n] & 0xc0) == 0x80) n++;
        if (!goes(s->p + end - n, n, chars)) break;
        end -= n;
    }
    llmi_run_spend(r, (int64_t)(s->n - (end - begin)) * (chars ? chars->n / 16 + 1 : 1) / 16);
    return llmi_str_cut(r, s, begin, end);
}

const llmi_str *llmi_str_replace(llmi_run *r, const llmi_str *s, const llmi_str *from, const llmi_str *to,
                                 int64_t count) {
    if (!llmi_run_spend(r, s->n / 64 + 1) || count == 0) return s;
    llmi_builder b;
    llmi_builder_init(&b, r);
    size_t at = 0;
    for (int64_t done = 0; count < 0 || done < count; done++) {
        int64_t found = llmi_str_find(s, from, at);
        if (found < 0 || !LLMI_OK(r)) break;
        size_t next = (size_t)found + from->n;
        if (from->n == 0) { /* Python puts `to` around every character */
            llmi_builder_str(&b, to);
            if (at >= s->n) {
                at = (size_t)s->n + 1;
                break;
            }
            next = at + llmi_utf8_step(s->p + at, s->n - at);
            found = (int64_t)next;
        }
        llmi_builder_str(&b, llmi_str_cut(r, s, at, (size_t)found));
        if (from->n) llmi_builder_str(&b, to);
        at = next;
    }
    if (at < s->n) llmi_builder_str(&b, llmi_str_cut(r, s, at, s->n));
    return llmi_builder_finish(&b);
}

static bool is_cased(uint32_t c) {
    utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
}

static bool is_upper(uint32_t c) {
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_LU;
}

const llmi_str *llmi_str_case(llmi_run *r, const llmi_str *s, int mode) {
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (!llmi_run_spend(r, s->n / 8)) return NULL;
    bool first = true; /* of the text ('c') or of a word ('t') */
    for (size_t i = 0; i < s->n && LLMI_OK(r);) {
        size_t n;
        uint32_t c = llmi_utf8_decode(s->p + i, s->n - i, &n);
        bool up = mode == 'u' || ((mode == 'c' || mode == 't') && first) ||
                  (mode == 's' && c != LLMI_UTF8_INVALID && !is_upper(c));
        if (c == LLMI_UTF8_INVALID) {
            llmi_builder_put(&b, s->p + i, n);
        } else {
            char out[4];
            utf8proc_int32_t to = up ? utf8proc_toupper((utf8proc_int32_t)c) : utf8proc_tolower((utf8proc_int32_t)c);
            llmi_builder_put(&b, out, llmi_utf8_encode(out, (uint32_t)to));
            first = mode == 't' ? !is_cased(c) : false;
        }
        i += n;
    }
    llmi_builder_mark_as(&b, 0, s);
    return llmi_builder_finish(&b);
}

const llmi_str *llmi_str_escape(llmi_run *r, const llmi_str *s) {
    static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    static const char escaped[] = "&<>\"'";
    llmi_builder b;
    llmi_builder_init(&b, r);
    size_t plain = 0;
    for (size_t i = 0; i < s->n && LLMI_OK(r); i++) {
        const char *which = memchr(escaped, s->p[i], sizeof escaped - 1);
        if (!which) continue;
        llmi_builder_str(&b, llmi_str_cut(r, s, plain, i));
        size_t begin = b.bytes.len;
        llmi_builder_puts(&b, escapes[which - escaped]);
        llmi_builder_mark_as(&b, begin, s);
        plain = i + 1;
    }
    if (LLMI_OK(r)) llmi_builder_str(&b, llmi_str_cut(r, s, plain, s->n));
    return llmi_builder_finish(&b);
}
