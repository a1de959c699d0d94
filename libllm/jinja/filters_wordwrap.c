/* The filter wordwrap: lines are cut into chunks - words, parts of hyphenated words, white space - and the chunks put
 * into lines again, as Python's textwrap does. */
#include "jinja/filters.h"

#include "base/text.h"
#include "base/utf8.h"
#include "unicode/python_str.h"

/* A line by characters. */
typedef struct line {
    const llmi_jinja_str *s;
    uint32_t n;
    uint32_t *c, *at; /* characters, and where they begin; at[n] is the end */
    uint32_t *dashes; /* how many "-" follow each other from here on */
} line;

typedef struct wrapping {
    llmi_jinja_run *r;
    int64_t width;
    bool breaks_words, at_hyphens;
    const llmi_jinja_str *newline;
    llmi_builder *out;
    bool any;                  /* a line of this paragraph was written */
    bool paragraph;            /* one was written before this one */
    uint32_t chunk, chunk_end; /* the chunk looked at last: its rest keeps its end */
} wrapping;

static bool read_line(llmi_jinja_run *r, line *l, const llmi_jinja_str *s) {
    *l = (line){.s = s};
    uint32_t *memory =
        llmi_jinja_run_spend(r, s->n) ? llmi_jinja_run_take(r, ((size_t)s->n + 1) * 3 * sizeof *memory) : NULL;
    if (!memory) return false;
    l->c = memory;
    l->at = memory + s->n + 1;
    l->dashes = l->at + s->n + 1;
    for (size_t i = 0, n; i < s->n; i += n) {
        l->at[l->n] = (uint32_t)i;
        l->c[l->n++] = llmi_utf8_decode(s->p + i, s->n - i, &n);
    }
    l->at[l->n] = s->n;
    l->c[l->n] = l->dashes[l->n] = 0;
    for (uint32_t i = l->n; i-- > 0;) l->dashes[i] = l->c[i] == '-' ? l->dashes[i + 1] + 1 : 0;
    return true;
}

static bool is_blank(uint32_t c) {
    return c == ' ' || (c >= 9 && c <= 13);
}

static bool is_word(uint32_t c) {
    return c == '_' || llmi_python_is_alnum(c);
}

static bool is_letter(uint32_t c) {
    return is_word(c) && !llmi_python_is_decimal(c);
}

static bool letter_at(const line *l, int64_t i) {
    return i >= 0 && i < l->n && is_letter(l->c[i]);
}

/* A dash of two or more between words at i. */
static bool is_dash(const line *l, uint32_t i) {
    if (i == 0 || l->dashes[i] < 2 || i + l->dashes[i] >= l->n) return false;
    uint32_t before = l->c[i - 1];
    bool word = is_word(before) || (before < 0x80 && before && strchr("!\"'&.,?", (int)before));
    return word && is_word(l->c[i + l->dashes[i]]);
}

/* A hyphen at i after which a word may be broken: letters on both sides. */
static bool is_hyphen(const line *l, int64_t i) {
    bool before = letter_at(l, i - 1) && (letter_at(l, i - 2) || (i >= 3 && l->c[i - 2] == '-' && letter_at(l, i - 3)));
    bool hyphen = i + 2 < l->n && l->c[i + 2] == '-';
    return l->c[i] == '-' && before && letter_at(l, i + 1) && letter_at(l, i + (hyphen ? 3 : 2));
}

/* End of the chunk that begins at i. */
static uint32_t chunk_end(const line *l, uint32_t i, bool at_hyphens) {
    uint32_t j = i;
    if (is_blank(l->c[i])) {
        while (j < l->n && is_blank(l->c[j])) j++;
        return j;
    }
    if (at_hyphens && is_dash(l, i)) return i + l->dashes[i];
    for (j = i + 1; j < l->n && !is_blank(l->c[j]); j++) {
        if (!at_hyphens) continue;
        if (is_hyphen(l, j)) return j + 1;
        if (is_dash(l, j)) return j;
    }
    return j;
}

/* Where to break a chunk that is longer than the `room`: after its last hyphen there, if it has one. */
static uint32_t cut_of(const line *l, uint32_t begin, uint32_t room, bool at_hyphens) {
    uint32_t hyphen = begin + room;
    while (at_hyphens && hyphen > begin && l->c[hyphen - 1] != '-') hyphen--;
    if (!at_hyphens || hyphen <= begin + 1) return begin + room;
    for (uint32_t i = begin; i + 1 < hyphen; i++)
        if (l->c[i] != '-') return hyphen;
    return begin + room;
}

static bool only_space(const line *l, uint32_t begin, uint32_t end) {
    for (uint32_t i = begin; i < end; i++)
        if (!llmi_python_is_space(l->c[i])) return false;
    return true;
}

static void put_line(wrapping *w, const line *l, uint32_t begin, uint32_t end) {
    if (begin == end) return;
    if (w->any || w->paragraph) llmi_builder_str(w->out, w->newline);
    w->paragraph = false;
    w->any = true;
    llmi_builder_str(w->out, llmi_jinja_str_cut(w->r, l->s, l->at[begin], l->at[end]));
}

static uint32_t next_chunk(wrapping *w, const line *l, uint32_t i) {
    if (i >= w->chunk && i < w->chunk_end) return w->chunk_end;
    w->chunk = i;
    w->chunk_end = chunk_end(l, i, w->at_hyphens);
    return w->chunk_end;
}

/* One line of the output, from chunk `begin` on, whose chunks follow each other in the text. Returns where the next
 * one begins. */
static uint32_t wrap_line(wrapping *w, const line *l, uint32_t begin) {
    uint32_t end = begin, last = begin, next;
    if (w->any && only_space(l, begin, next = next_chunk(w, l, begin))) begin = end = last = next;
    while (end < l->n && llmi_jinja_run_spend(w->r, 1)) {
        next = next_chunk(w, l, end);
        if ((int64_t)(next - begin) > w->width) break;
        last = end;
        end = next;
    }
    uint32_t after = end;
    if (end < l->n && (int64_t)((next = next_chunk(w, l, end)) - end) > w->width) {
        if (w->breaks_words) {
            uint32_t room = (uint32_t)(w->width - (end - begin));
            after = cut_of(l, end, room, w->at_hyphens);
        } else if (end == begin) {
            after = next;
        }
        if (w->breaks_words || after > end) last = end; /* textwrap takes a piece of the word even if none fits */
        end = after;
    }
    put_line(w, l, begin, only_space(l, last, end) ? last : end);
    return after;
}

static void wrap_paragraph(wrapping *w, const llmi_jinja_str *s) {
    line l;
    w->any = false;
    w->chunk = w->chunk_end = 0;
    if (!read_line(w->r, &l, s)) return;
    for (uint32_t at = 0; at < l.n && LLMI_JINJA_OK(w->r);) {
        uint32_t next = wrap_line(w, &l, at);
        llmi_jinja_run_spend(w->r, (next - at) / 4 + 1);
        at = next;
    }
    if (!w->any && w->paragraph) llmi_builder_str(w->out, w->newline);
}

llmi_jinja_value llmi_filter_wordwrap(llmi_jinja_run *r, const llmi_jinja_args *args) {
    llmi_jinja_value newline = llmi_jinja_arg(args, 2, llmi_jinja_none);
    wrapping w = {.r = r, .width = 79};
    w.breaks_words = llmi_jinja_arg_bool(args, 1, true);
    w.at_hyphens = llmi_jinja_arg_bool(args, 3, true);
    w.newline = newline.kind == LLMI_V_NONE ? llmi_jinja_str_over(r, "\n", 1) : newline.s;
    if (newline.kind != LLMI_V_NONE && newline.kind != LLMI_V_STR) llmi_jinja_arg_fail(r, args, 2, "a string");
    if (args->self.kind != LLMI_V_STR)
        llmi_jinja_run_fail(r, LLM_E_FORMAT, "wordwrap of a %s: expected a string", llmi_jinja_kind_name(args->self));
    llmi_jinja_list *lines = LLMI_JINJA_OK(r) ? llmi_jinja_str_lines(r, args->self.s, false) : NULL;
    llmi_builder b;
    llmi_builder_init(&b, r);
    w.out = &b;
    for (uint32_t i = 0; lines && i < lines->n && LLMI_JINJA_OK(r); i++) {
        const llmi_jinja_str *s = lines->v[i].s;
        if (s->n) w.width = llmi_jinja_arg_int(r, args, 0, 79);
        if (LLMI_JINJA_OK(r) && w.width <= 0)
            llmi_jinja_run_fail(r, LLM_E_FORMAT, "wordwrap: the width is not positive");
        w.paragraph = i > 0;
        wrap_paragraph(&w, s);
    }
    return llmi_jinja_of_str(llmi_builder_finish(&b));
}
