#define _GNU_SOURCE
/* Strings of a rendering: characters are Unicode's, storage is UTF-8, marks follow the bytes. */
#include "base/utf8.h"
#include "jinja/value.h"
#include "unicode/python_str.h"

/* ---- making ---- */

const llmi_jinja_str *llmi_jinja_str_over(llmi_jinja_run *r, const char *p, size_t n) {
    llmi_jinja_str *s = llmi_jinja_run_take(r, sizeof *s);
    if (s) *s = (llmi_jinja_str){.p = p, .n = (uint32_t)n};
    return s;
}

const llmi_jinja_str *llmi_jinja_str_new(llmi_jinja_run *r, const char *p, size_t n) {
    char *copy = llmi_jinja_run_take(r, n ? n : 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, p, n);
    return llmi_jinja_str_over(r, copy, n);
}

/* The marks of s inside begin..end, moved by `shift`; returns how many. */
static uint32_t copy_marks(llmi_jinja_mark *out, const llmi_jinja_str *s, size_t begin, size_t end, int64_t shift) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_marks; i++) {
        llmi_jinja_mark m = s->marks[i];
        if (m.begin < begin) m.begin = (uint32_t)begin;
        if (m.end > end) m.end = (uint32_t)end;
        if (m.begin >= m.end) continue;
        m.begin = (uint32_t)(m.begin + shift);
        m.end = (uint32_t)(m.end + shift);
        out[n++] = m;
    }
    return n;
}

static uint32_t first_mark(const llmi_jinja_str *s, size_t begin) {
    uint32_t low = 0, high = s->n_marks;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (s->marks[mid].end > begin)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

const llmi_jinja_str *llmi_jinja_str_cut(llmi_jinja_run *r, const llmi_jinja_str *s, size_t begin, size_t end) {
    if (begin == 0 && end == s->n) return s;
    llmi_jinja_str *cut = llmi_jinja_run_take(r, sizeof *cut);
    if (!cut) return NULL;
    *cut = (llmi_jinja_str){.p = s->p + begin, .n = (uint32_t)(end - begin)};
    if (!s->n_marks || !cut->n) return cut;
    /* The marks that overlap begin..end: starting with the first that ends after `begin`. */
    uint32_t first = first_mark(s, begin), last = first;
    while (last < s->n_marks && s->marks[last].begin < end) last++;
    if (first == last || !llmi_jinja_run_spend(r, (last - first) / 16)) return cut;
    llmi_jinja_str part = {.n_marks = last - first, .marks = s->marks + first};
    llmi_jinja_mark *marks = llmi_jinja_run_take(r, part.n_marks * sizeof *marks);
    if (!marks) return NULL;
    cut->n_marks = copy_marks(marks, &part, begin, end, -(int64_t)begin);
    cut->marks = marks;
    return cut;
}

const llmi_jinja_str *llmi_jinja_str_join(llmi_jinja_run *r, const llmi_jinja_str *a, const llmi_jinja_str *b) {
    if (!a || !b) return NULL;
    if (!a->n) return b;
    if (!b->n) return a;
    size_t n = (size_t)a->n + b->n;
    if (n > UINT32_MAX) llmi_jinja_run_fail(r, LLM_E_LIMIT, "a text exceeds the limit of 4 GiB");
    uint32_t n_marks = a->n_marks + b->n_marks;
    if (!llmi_jinja_run_spend(r, (int64_t)(n / 64 + n_marks / 16))) return NULL;
    char *p = llmi_jinja_run_take(r, n);
    llmi_jinja_mark *marks = n_marks ? llmi_jinja_run_take(r, n_marks * sizeof *marks) : NULL;
    llmi_jinja_str *s = llmi_jinja_run_take(r, sizeof *s);
    if (!s || (n_marks && !marks)) return NULL;
    memcpy(p, a->p, a->n);
    memcpy(p + a->n, b->p, b->n);
    *s = (llmi_jinja_str){.p = p, .n = (uint32_t)n, .marks = marks};
    s->n_marks = n_marks ? copy_marks(marks, a, 0, a->n, 0) : 0;
    if (b->n_marks) s->n_marks += copy_marks(marks + s->n_marks, b, 0, b->n, a->n);
    return s;
}

/* ---- searching and counting ---- */

bool llmi_jinja_str_same(llmi_jinja_run *r, const llmi_jinja_str *a, const llmi_jinja_str *b) {
    return a->n == b->n && llmi_jinja_run_copy(r, a->n) && memcmp(a->p, b->p, a->n) == 0;
}

bool llmi_jinja_str_starts(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *part) {
    return part->n <= s->n && llmi_jinja_run_copy(r, part->n) && memcmp(s->p, part->p, part->n) == 0;
}

bool llmi_jinja_str_ends(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *part) {
    return part->n <= s->n && llmi_jinja_run_copy(r, part->n) && memcmp(s->p + s->n - part->n, part->p, part->n) == 0;
}

int64_t llmi_jinja_str_find(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *what, size_t from) {
    if (from > s->n || what->n > s->n - from) return -1;
    if (what->n == 0) return (int64_t)from;
    const char *found = memmem(s->p + from, s->n - from, what->p, what->n);
    int64_t at = found ? found - s->p : -1;
    /* memmem is linear, but preprocesses its needle in every call */
    llmi_jinja_run_spend(r, (int64_t)(((found ? (size_t)at : s->n) - from + what->n) / 32));
    return at;
}

/* From the end, Knuth, Morris and Pratt's search: linear whatever the text. back[k]: how many of the last k bytes of
 * `what` that have been matched stay so when the next one does not match. */
llmi_jinja_str_search llmi_jinja_str_search_back(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *what,
                                                 size_t end) {
    llmi_jinja_str_search search = {.s = s, .what = what, .end = end};
    if (what->n < 2 || what->n > end || !llmi_jinja_run_scan(r, what->n)) return search;
    uint32_t *back = llmi_jinja_run_take(r, (what->n + (size_t)1) * sizeof *back);
    if (!back) return search;
    const char *last = what->p + what->n - 1;
    back[0] = back[1] = 0;
    for (uint32_t n = 2, k = 0; n <= what->n; n++) {
        while (k && last[-(ptrdiff_t)k] != last[-(ptrdiff_t)(n - 1)]) k = back[k];
        k += last[-(ptrdiff_t)k] == last[-(ptrdiff_t)(n - 1)];
        back[n] = k;
    }
    search.back = back;
    return search;
}

static int64_t found_back(llmi_jinja_str_search *search, int64_t at) {
    search->end = at > 0 ? (size_t)at : 0;
    return at;
}

int64_t llmi_jinja_str_find_back(llmi_jinja_run *r, llmi_jinja_str_search *search) {
    const llmi_jinja_str *s = search->s, *what = search->what;
    size_t end = search->end;
    if (!LLMI_JINJA_OK(r) || what->n > end) return -1;
    if (what->n == 0) return found_back(search, (int64_t)end);
    if (what->n == 1) {
        const char *found = memrchr(s->p, what->p[0], end);
        llmi_jinja_run_copy(r, found ? end - (size_t)(found - s->p) : end);
        return found_back(search, found ? found - s->p : -1);
    }
    uint32_t k = 0;
    for (size_t i = end; search->back && i-- > 0;) {
        while (k && s->p[i] != what->p[what->n - 1 - k]) k = search->back[k];
        k += s->p[i] == what->p[what->n - 1 - k];
        if (k < what->n) continue;
        llmi_jinja_run_scan(r, end - i);
        return found_back(search, (int64_t)i);
    }
    llmi_jinja_run_scan(r, end);
    return -1;
}

static int64_t count_characters(const char *p, size_t n) {
    int64_t count = 0;
    for (size_t i = 0; i < n; i++) count += ((unsigned char)p[i] & 0xc0) != 0x80;
    return count;
}

int64_t llmi_jinja_str_length(llmi_jinja_run *r, const llmi_jinja_str *s) {
    return llmi_jinja_run_copy(r, s->n) ? count_characters(s->p, s->n) : 0;
}

size_t llmi_jinja_str_offset(llmi_jinja_run *r, const llmi_jinja_str *s, int64_t index) {
    size_t i = 0;
    for (; i < s->n && index > 0; index--) i += llmi_utf8_step(s->p + i, s->n - i);
    llmi_jinja_run_scan(r, i);
    return i;
}

llmi_jinja_list *llmi_jinja_str_characters(llmi_jinja_run *r, const llmi_jinja_str *s) {
    llmi_jinja_list *l = llmi_jinja_list_new(r, 0);
    if (!llmi_jinja_run_spend(r, s->n)) return NULL;
    for (size_t i = 0; l && i < s->n;) {
        size_t n = llmi_utf8_step(s->p + i, s->n - i);
        if (!llmi_jinja_list_add(r, l, llmi_jinja_of_str(llmi_jinja_str_cut(r, s, i, i + n)))) return NULL;
        i += n;
    }
    return l;
}

/* ---- changing ---- */

/* Characters to take off: white space, or those of a string. */
typedef struct char_set {
    const llmi_jinja_str *chars; /* NULL: white space */
    uint32_t ascii[4];           /* those below 0x80, a bit each */
} char_set;

static char_set char_set_of(llmi_jinja_run *r, const llmi_jinja_str *chars) {
    char_set set = {.chars = chars};
    if (!chars || !llmi_jinja_run_scan(r, chars->n)) return set;
    for (uint32_t i = 0; i < chars->n; i++) {
        unsigned char c = (unsigned char)chars->p[i];
        if (c < 0x80) set.ascii[c / 32] |= 1u << c % 32;
    }
    return set;
}

static bool is_in_set(llmi_jinja_run *r, const char_set *set, const char *p, size_t n) {
    unsigned char c = (unsigned char)p[0];
    size_t used;
    if (!set->chars) return llmi_python_is_space(llmi_utf8_decode(p, n, &used));
    if (c < 0x80) return set->ascii[c / 32] >> c % 32 & 1;
    return llmi_jinja_run_spend(r, 1 + set->chars->n / 32) && memmem(set->chars->p, set->chars->n, p, n) != NULL;
}

const llmi_jinja_str *llmi_jinja_str_trim(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *chars,
                                          bool left, bool right) {
    char_set set = char_set_of(r, chars);
    size_t begin = 0, end = s->n;
    while (left && begin < end) {
        size_t n = llmi_utf8_step(s->p + begin, end - begin);
        if (!is_in_set(r, &set, s->p + begin, n)) break;
        begin += n;
    }
    while (right && end > begin) {
        size_t n = 1;
        while (n < 4 && n < end - begin && ((unsigned char)s->p[end - n] & 0xc0) == 0x80) n++;
        if (!is_in_set(r, &set, s->p + end - n, n)) break;
        end -= n;
    }
    llmi_jinja_run_scan(r, s->n - (end - begin));
    return llmi_jinja_str_cut(r, s, begin, end);
}

/* As Python has it: `to` in front of each character, and at the end. */
static const llmi_jinja_str *put_between(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *to,
                                         int64_t count) {
    llmi_builder b;
    llmi_builder_init(&b, r);
    size_t at = 0;
    for (int64_t done = 0; (count < 0 || done < count) && llmi_jinja_run_spend(r, 1); done++) {
        llmi_builder_str(&b, to);
        if (at == s->n) break;
        size_t next = at + llmi_utf8_step(s->p + at, s->n - at);
        llmi_builder_str(&b, llmi_jinja_str_cut(r, s, at, next));
        at = next;
    }
    llmi_builder_str(&b, llmi_jinja_str_cut(r, s, at, s->n));
    return llmi_builder_finish(&b);
}

const llmi_jinja_str *llmi_jinja_str_replace(llmi_jinja_run *r, const llmi_jinja_str *s, const llmi_jinja_str *from,
                                             const llmi_jinja_str *to, int64_t count) {
    if (count == 0) return s;
    if (from->n == 0) return put_between(r, s, to, count);
    llmi_builder b;
    llmi_builder_init(&b, r);
    size_t at = 0;
    for (int64_t done = 0, found; count < 0 || done < count; done++) {
        if (!llmi_jinja_run_spend(r, 1) || (found = llmi_jinja_str_find(r, s, from, at)) < 0) break;
        llmi_builder_str(&b, llmi_jinja_str_cut(r, s, at, (size_t)found));
        llmi_builder_str(&b, to);
        at = (size_t)found + from->n;
    }
    llmi_builder_str(&b, llmi_jinja_str_cut(r, s, at, s->n));
    return llmi_builder_finish(&b);
}

/* Whether the sigma at i ends a word: a letter before it, none after, what is ignored aside. */
static bool is_final_sigma(const llmi_jinja_str *s, size_t i) {
    enum { SIGHT = 64 }; /* bytes that are looked at */
    size_t at = i, used;
    uint32_t c = 0;
    do {
        if (at == 0 || i - at > SIGHT) return false;
        at--;
        while (at > 0 && ((unsigned char)s->p[at] & 0xc0) == 0x80) at--;
        c = llmi_utf8_decode(s->p + at, s->n - at, &used);
    } while (c == LLMI_UTF8_INVALID || (llmi_python_is_case_ignorable(c) && !llmi_python_is_cased(c)));
    if (!llmi_python_is_cased(c)) return false;
    for (at = i + 2; at < s->n && at - i < SIGHT; at += used) {
        c = llmi_utf8_decode(s->p + at, s->n - at, &used);
        if (c != LLMI_UTF8_INVALID && !llmi_python_is_case_ignorable(c)) return !llmi_python_is_cased(c);
    }
    return true;
}

static llmi_python_case case_at(llmi_jinja_recase to, uint32_t c, bool first) {
    switch (to) {
    case LLMI_RECASE_UPPER:
        return LLMI_PYTHON_CASE_UPPER;
    case LLMI_RECASE_LOWER:
        return LLMI_PYTHON_CASE_LOWER;
    case LLMI_RECASE_FOLD:
        return LLMI_PYTHON_CASE_FOLD;
    case LLMI_RECASE_SWAP:
        return llmi_python_is_upper(c) ? LLMI_PYTHON_CASE_LOWER : LLMI_PYTHON_CASE_UPPER;
    default:
        return first ? LLMI_PYTHON_CASE_TITLE : LLMI_PYTHON_CASE_LOWER;
    }
}

const llmi_jinja_str *llmi_jinja_str_recase(llmi_jinja_run *r, const llmi_jinja_str *s, llmi_jinja_recase to) {
    enum { SIGMA = 0x3a3 };
    llmi_builder b;
    llmi_builder_init(&b, r);
    if (!llmi_jinja_run_spend(r, s->n / 4)) return NULL;
    bool first = true; /* of the text, or of a word */
    for (size_t i = 0, n; i < s->n && LLMI_JINJA_OK(r); i += n) {
        char out[LLMI_PYTHON_CASE_BYTES];
        uint32_t c = llmi_utf8_decode(s->p + i, s->n - i, &n);
        if (c == LLMI_UTF8_INVALID) {
            llmi_builder_put(&b, s->p + i, n);
            continue;
        }
        llmi_python_case now = case_at(to, c, first);
        if (c == SIGMA && now == LLMI_PYTHON_CASE_LOWER && is_final_sigma(s, i))
            llmi_builder_puts(&b, "\xcf\x82");
        else
            llmi_builder_put(&b, out, llmi_python_change_case(out, c, now));
        first = to == LLMI_RECASE_TITLE && !llmi_python_is_cased(c);
    }
    llmi_builder_mark_as(&b, 0, s);
    return llmi_builder_finish(&b);
}

const llmi_jinja_str *llmi_jinja_str_escape(llmi_jinja_run *r, const llmi_jinja_str *s) {
    static const char *const escapes[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    static const char escaped[] = "&<>\"'";
    llmi_builder b;
    llmi_builder_init(&b, r);
    size_t plain = 0;
    if (!llmi_jinja_run_scan(r, s->n)) return NULL;
    for (size_t i = 0; i < s->n && LLMI_JINJA_OK(r); i++) {
        const char *which = memchr(escaped, s->p[i], sizeof escaped - 1);
        if (!which) continue;
        llmi_builder_str(&b, llmi_jinja_str_cut(r, s, plain, i));
        size_t begin = b.bytes.len;
        llmi_builder_puts(&b, escapes[which - escaped]);
        llmi_builder_mark_as(&b, begin, s);
        plain = i + 1;
    }
    if (LLMI_JINJA_OK(r)) llmi_builder_str(&b, llmi_jinja_str_cut(r, s, plain, s->n));
    return llmi_builder_finish(&b);
}

llmi_jinja_list *llmi_jinja_str_lines(llmi_jinja_run *r, const llmi_jinja_str *s, bool ends) {
    llmi_jinja_list *l = llmi_jinja_list_new(r, 0);
    if (!llmi_jinja_run_scan(r, s->n)) return NULL;
    for (size_t at = 0, n; l && at < s->n && LLMI_JINJA_OK(r);) {
        size_t end = at;
        for (n = 0; end < s->n; end += n)
            if (llmi_python_is_newline(llmi_utf8_decode(s->p + end, s->n - end, &n))) break;
        size_t next = end + (end < s->n ? n : 0);
        if (end < s->n && s->p[end] == '\r' && next < s->n && s->p[next] == '\n') next++;
        llmi_jinja_list_add(r, l, llmi_jinja_of_str(llmi_jinja_str_cut(r, s, at, ends ? next : end)));
        at = next;
    }
    return l;
}
