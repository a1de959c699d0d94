#include "prompt/bm25.h"

#include <math.h>
#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "unicode/categories.h"

bool llmi_bm25_word(llmi_buf *out, const char *text, size_t n, size_t *at) {
    out->len = 0;
    while (*at < n) {
        size_t len;
        uint32_t c = llmi_utf8_decode(text + *at, n - *at, &len);
        bool in_word = c != LLMI_UTF8_INVALID && llmi_unicode_is_word(c);
        if (!in_word && out->len) return true;
        char bytes[4];
        size_t n_bytes = in_word ? llmi_utf8_encode(bytes, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c)) : 0;
        if (!llmi_buf_append(out, bytes, n_bytes)) return false; /* *at < n tells it from the end */
        *at += len;
    }
    return out->len > 0;
}

/* A word of the query; terms are kept sorted by their bytes. */
typedef struct term {
    size_t begin, len; /* within lexis.bytes */
    size_t weight;     /* how often the query has it */
    size_t n_docs;     /* that hold it */
    size_t count;      /* in the document at hand */
    size_t last_doc;   /* the document that n_docs counted last, from 1 */
} term;

typedef struct lexis {
    llmi_buf bytes, terms, word;
} lexis;

static term *at_rank(const lexis *x, size_t i) {
    return &llmi_buf_at(&x->terms, term, i);
}

/* The place of the word at hand among the terms; *found says whether it is there. */
static size_t find(const lexis *x, bool *found) {
    size_t low = 0, high = llmi_buf_count(&x->terms, term);
    *found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const term *t = at_rank(x, mid);
        size_t shorter = t->len < x->word.len ? t->len : x->word.len;
        int order = memcmp(x->bytes.data + t->begin, x->word.data, shorter);
        if (order == 0 && t->len == x->word.len) {
            *found = true;
            return mid;
        }
        if (order < 0 || (order == 0 && t->len < x->word.len))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static llm_status add_term(lexis *x, size_t at) {
    term t = {.begin = x->bytes.len, .len = x->word.len, .weight = 1};
    if (!llmi_buf_append(&x->bytes, x->word.data, x->word.len) || !llmi_buf_push(&x->terms, t)) return LLM_E_MEMORY;
    term *first = at_rank(x, 0);
    memmove(first + at + 1, first + at, x->terms.len - (at + 1) * sizeof t);
    first[at] = t;
    return LLM_OK;
}

static llm_status read_query(lexis *x, llm_span query) {
    size_t at = 0;
    while (llmi_bm25_word(&x->word, query.ptr, query.len, &at)) {
        bool found;
        size_t i = find(x, &found);
        llm_status status = LLM_OK;
        if (found)
            at_rank(x, i)->weight++;
        else if (llmi_buf_count(&x->terms, term) < LLMI_BM25_MAX_WORDS)
            status = add_term(x, i);
        if (status != LLM_OK) return status;
    }
    return at == query.len ? LLM_OK : LLM_E_MEMORY;
}

/* Counts the document's words; *n_words is its length. */
static llm_status count_words(lexis *x, llm_span doc, size_t number, size_t *n_words) {
    size_t at = 0, n = 0;
    for (size_t i = 0; i < llmi_buf_count(&x->terms, term); i++) at_rank(x, i)->count = 0;
    for (; llmi_bm25_word(&x->word, doc.ptr, doc.len, &at); n++) {
        bool found;
        size_t i = find(x, &found);
        if (!found) continue;
        term *t = at_rank(x, i);
        t->count++;
        if (number && t->last_doc != number) {
            t->last_doc = number;
            t->n_docs++;
        }
    }
    *n_words = n;
    return at == doc.len ? LLM_OK : LLM_E_MEMORY;
}

static double score_counts(const lexis *x, size_t n_docs, double k) {
    double sum = 0;
    for (size_t i = 0; i < llmi_buf_count(&x->terms, term); i++) {
        const term *t = at_rank(x, i);
        if (!t->count) continue;
        double df = (double)t->n_docs, tf = (double)t->count;
        double idf = log1p(((double)n_docs - df + 0.5) / (df + 0.5));
        sum += (double)t->weight * idf * tf / (tf + k);
    }
    return sum;
}

static llm_status score(double *scores, lexis *x, const llm_span *docs, size_t n_docs, double k1, double b) {
    size_t n_words = 0;
    double total = 0;
    llm_status status = LLM_OK;
    for (size_t i = 0; i < n_docs && status == LLM_OK; i++) {
        status = count_words(x, docs[i], i + 1, &n_words);
        total += (double)n_words;
    }
    double mean = total > 0 ? total / (double)n_docs : 1;
    for (size_t i = 0; i < n_docs && status == LLM_OK; i++) {
        status = count_words(x, docs[i], 0, &n_words);
        scores[i] = (k1 + 1) * score_counts(x, n_docs, k1 * (1 - b + b * (double)n_words / mean));
    }
    return status;
}

llm_status llmi_bm25_score(double *scores, const llm_allocator *a, const llm_span *docs, size_t n_docs, llm_span query,
                           double k1, double b) {
    lexis x;
    llmi_buf_init(&x.bytes, a);
    llmi_buf_init(&x.terms, a);
    llmi_buf_init(&x.word, a);
    llm_status status = read_query(&x, query);
    if (status == LLM_OK) status = score(scores, &x, docs, n_docs, k1, b);
    llmi_buf_free(&x.bytes);
    llmi_buf_free(&x.terms);
    llmi_buf_free(&x.word);
    return status;
}
