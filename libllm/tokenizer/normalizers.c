#define _GNU_SOURCE /* memmem */
#include "tokenizer/normalizers.h"

#include <string.h>

#include <utf8proc.h>

#include "base/status.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/offsets.h"
#include "unicode/categories.h"
#include "unicode/normalize.h"

static llm_status status_of(bool done) {
    return done ? LLM_OK : LLM_E_MEMORY;
}

static bool put_char(llmi_buf *out, uint32_t c) {
    if (!llmi_buf_reserve(out, 4)) return false;
    out->len += llmi_utf8_encode(out->data + out->len, c);
    return true;
}

llm_status llmi_normalizer_form(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                size_t n) {
    return status_of(
        llmi_unicode_normalize(out, text, n, s->options & LLMI_FORM_COMPOSE, s->options & LLMI_FORM_COMPAT));
}

/* U+0130 is the one character whose lower case is two. */
static bool put_lower(llmi_buf *out, uint32_t c) {
    if (c == 0x130) return llmi_buf_append(out, "i\xcc\x87", 3);
    return put_char(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
}

static bool lowercase(llmi_buf *out, const char *text, size_t n) {
    if (!llmi_buf_reserve(out, n)) return false;
    for (size_t i = 0, len; i < n; i += len) {
        unsigned char b = (unsigned char)text[i];
        len = 1;
        if (b >= 0x80) {
            if (!put_lower(out, llmi_utf8_decode(text + i, n - i, &len))) return false;
            continue;
        }
        char lower = (char)(b >= 'A' && b <= 'Z' ? b | 0x20 : b);
        if (!llmi_buf_append(out, &lower, 1)) return false;
    }
    return true;
}

llm_status llmi_normalizer_lowercase(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                     size_t n) {
    return status_of(lowercase(out, text, n));
}

/* Leaves out the characters of some class. */
static bool leave_out(llmi_buf *out, const char *text, size_t n, uint32_t mask) {
    size_t kept = 0; /* from here on everything is wanted */
    for (size_t i = 0, len; i < n; i += len) {
        len = 1;
        if ((unsigned char)text[i] < 0x80) continue;
        if (!(llmi_unicode_early_class(llmi_utf8_decode(text + i, n - i, &len)) & mask)) continue;
        if (!llmi_buf_append(out, text + kept, i - kept)) return false;
        kept = i + len;
    }
    return llmi_buf_append(out, text + kept, n - kept);
}

llm_status llmi_normalizer_strip_accents(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                         size_t n) {
    return status_of(leave_out(out, text, n, LLMI_MARK));
}

static bool is_space_at(const char *text, size_t n, size_t *len) {
    return llmi_unicode_class(llmi_utf8_decode(text, n, len)) & LLMI_SPACE;
}

llm_status llmi_normalizer_strip(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                 size_t n) {
    size_t begin = 0, end = n, len;
    while (s->options & LLMI_STRIP_LEFT && begin < n && is_space_at(text + begin, n - begin, &len)) begin += len;
    while (s->options & LLMI_STRIP_RIGHT && end > begin) {
        size_t last = end - 1;
        while (last > begin && ((unsigned char)text[last] & 0xc0) == 0x80) last--;
        if (!is_space_at(text + last, end - last, &len)) break;
        end = last;
    }
    return status_of(llmi_buf_append(out, text + begin, end - begin));
}

/* ---- replacing ---- */

static llm_status replace_matches(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                  size_t n) {
    llmi_regex_matches m = {.r = s->regex, .text = text, .n = n};
    for (size_t kept = 0;;) {
        size_t begin, end;
        bool found;
        llm_status status = llmi_regex_next(w, &m, &found, &begin, &end);
        if (status != LLM_OK) return status;
        if (!found) return llmi_encode_work_put(w, out, text + kept, n - kept);
        if (begin < kept) begin = kept;
        if (end < begin) continue;
        status = llmi_encode_work_put(w, out, text + kept, begin - kept);
        if (status == LLM_OK) status = llmi_encode_work_put(w, out, s->to.data, s->to.len);
        if (status != LLM_OK) return status;
        kept = end;
    }
}

/* A byte becomes a short text: SentencePiece's blanks, so worth its own loop. */
static bool replace_byte(llmi_buf *out, const char *text, size_t n, char from, const char *to, size_t to_len) {
    for (size_t i = 0; i < n;) {
        /* Room for the worst of the next stretch. */
        size_t stretch = n - i < 4096 ? n - i : 4096;
        if (!llmi_buf_reserve(out, stretch * (to_len > 1 ? to_len : 1) + 8)) return false;
        char *p = out->data + out->len;
        for (size_t end = i + stretch; i < end; i++) {
            if (text[i] != from) {
                *p++ = text[i];
                continue;
            }
            if (to_len) memcpy(p, to, to_len);
            p += to_len;
        }
        out->len = (size_t)(p - out->data);
    }
    return true;
}

llm_status llmi_normalizer_replace(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                   size_t n) {
    if (s->regex) return replace_matches(w, s, out, text, n);
    if (s->from.len == 1 && s->to.len <= 8)
        return status_of(replace_byte(out, text, n, s->from.data[0], s->to.data, s->to.len));
    size_t kept = 0;
    while (s->from.len && n - kept >= s->from.len) {
        const char *at = memmem(text + kept, n - kept, s->from.data, s->from.len);
        if (!at) break;
        size_t len = (size_t)(at - text) - kept;
        llm_status status = llmi_encode_work_put(w, out, text + kept, len);
        if (status == LLM_OK) status = llmi_encode_work_put(w, out, s->to.data, s->to.len);
        if (status != LLM_OK) return status;
        kept += len + s->from.len;
    }
    return llmi_encode_work_put(w, out, text + kept, n - kept);
}

llm_status llmi_normalizer_prepend(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                   size_t n) {
    if (w->continues || !n) return llmi_encode_work_put(w, out, text, n);
    llm_status status = llmi_encode_work_put(w, out, s->to.data, s->to.len);
    return status == LLM_OK ? llmi_encode_work_put(w, out, text, n) : status;
}

llm_status llmi_normalizer_squeeze(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                   size_t n) {
    while (n && text[n - 1] == ' ') n--;
    size_t i = 0;
    while (i < n && text[i] == ' ') i++;
    while (i < n) {
        const char *blank = memchr(text + i, ' ', n - i);
        size_t end = blank ? (size_t)(blank - text) + 1 : n;
        if (!llmi_buf_append(out, text + i, end - i)) return LLM_E_MEMORY;
        for (i = end; i < n && text[i] == ' ';) i++;
    }
    return LLM_OK;
}

/* ---- BERT ---- */

static bool clean(llmi_buf *out, const char *text, size_t n) {
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t c = llmi_utf8_decode(text + i, n - i, &len), class = llmi_unicode_early_class(c);
        bool blank = class & LLMI_SPACE, control = class & LLMI_OTHER && c != '\t' && c != '\n' && c != '\r';
        if (c == 0 || c == 0xfffd || control) continue;
        if (!llmi_buf_append(out, blank ? " " : text + i, blank ? 1 : len)) return false;
    }
    return true;
}

static bool part_cjk(llmi_buf *out, const char *text, size_t n) {
    for (size_t i = 0, len; i < n; i += len) {
        bool cjk = llmi_unicode_is_cjk(llmi_utf8_decode(text + i, n - i, &len));
        if (cjk && !llmi_buf_append(out, " ", 1)) return false;
        if (!llmi_buf_append(out, text + i, len)) return false;
        if (cjk && !llmi_buf_append(out, " ", 1)) return false;
    }
    return true;
}

static bool without_accents(llmi_buf *out, const char *text, size_t n) {
    llmi_buf apart;
    llmi_buf_init(&apart, out->a);
    bool done = llmi_unicode_normalize(&apart, text, n, false, false) &&
                leave_out(out, apart.data ? apart.data : "", apart.len, LLMI_NONSPACING);
    llmi_buf_free(&apart);
    return done;
}

llm_status llmi_normalizer_bert(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                size_t n) {
    static const struct {
        uint8_t option;
        bool (*run)(llmi_buf *out, const char *text, size_t n);
    } STEPS[] = {{LLMI_BERT_CLEAN, clean},
                 {LLMI_BERT_CJK, part_cjk},
                 {LLMI_BERT_ACCENTS, without_accents},
                 {LLMI_BERT_LOWER, lowercase}};
    llmi_buf turn[2];
    llmi_buf_init(&turn[0], out->a);
    llmi_buf_init(&turn[1], out->a);
    bool done = true;
    for (size_t i = 0; i < sizeof STEPS / sizeof STEPS[0] && done; i++) {
        if (!(s->options & STEPS[i].option)) continue;
        turn[i & 1].len = 0;
        done = STEPS[i].run(&turn[i & 1], text, n);
        text = turn[i & 1].data ? turn[i & 1].data : "";
        n = turn[i & 1].len;
    }
    done = done && llmi_buf_append(out, text, n);
    llmi_buf_free(&turn[0]);
    llmi_buf_free(&turn[1]);
    return status_of(done);
}

/* ---- others ---- */

llm_status llmi_normalizer_nmt(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                               size_t n) {
    for (size_t i = 0, len; i < n; i += len) {
        uint32_t c = llmi_utf8_decode(text + i, n - i, &len);
        bool gone = (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
        bool blank = c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 || (c >= 0x200b && c <= 0x200f) ||
                     c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xfeff || c == 0xfffd;
        if (gone) continue;
        if (!llmi_buf_append(out, blank ? " " : text + i, blank ? 1 : len)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

llm_status llmi_normalizer_charsmap(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                    size_t n) {
    return status_of(s->options & LLMI_MAP_GRAPHEMES ? llmi_charsmap_run_graphemes(&s->map, out, text, n)
                                                     : llmi_charsmap_run(&s->map, out, text, n));
}

llm_status llmi_normalizer_bytes(llmi_encode_work *w, const llmi_normalizer *s, llmi_buf *out, const char *text,
                                 size_t n) {
    size_t room;
    if (__builtin_mul_overflow(n, 2, &room) || !llmi_buf_reserve(out, room)) return LLM_E_MEMORY;
    for (size_t i = 0; i < n; i++) out->len += llmi_byte_alphabet_spell(out->data + out->len, (uint8_t)text[i]);
    return LLM_OK;
}

void llmi_normalizer_free(llmi_normalizer *s) {
    llmi_buf_free(&s->from);
    llmi_buf_free(&s->to);
    llmi_buf_free(&s->map_bytes);
    llmi_regex_destroy(s->regex);
}

/* The view becomes that of the normalized text. */
static llm_status map_text(llmi_encode_work *w, const llmi_normalizer *s, int32_t i, llm_span from,
                           const llmi_buf *to) {
    llmi_offsets *o = w->offsets;
    llmi_buf *map = &o->norm[i & 1];
    map->len = 0;
    llm_status status = to->len ? llmi_offsets_normalize(w, s, map, from, (llm_span){to->data, to->len}) : LLM_OK;
    llmi_offsets_enter(w, to->data, map);
    return status;
}

llm_status llmi_normalizer_run(llmi_encode_work *w, llm_span *text) {
    const llm_tokenizer *t = w->t;
    for (int32_t i = 0; i < t->n_norms; i++) {
        llmi_buf *out = &w->norm[i & 1];
        out->len = 0;
        llm_status status = t->norms[i].run(w, &t->norms[i], out, text->ptr, text->len);
        if (status == LLM_OK) status = llmi_encode_work_put(w, out, NULL, 0); /* or more than it may have */
        if (status == LLM_OK && w->offsets) status = map_text(w, &t->norms[i], i, *text, out);
        if (status != LLM_OK) return status;
        *text = (llm_span){out->data ? out->data : "", out->len};
    }
    return LLM_OK;
}
