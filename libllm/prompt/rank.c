/* Which examples suit a question: the selectors of llm_fill_options. */
#include <stdlib.h>
#include <string.h>

#include "api/check.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/text.h"
#include "prompt/bm25.h"
#include "prompt/extract.h"
#include "prompt/prompt.h"
#include "prompt/selectors.h"
#include "runtime/runtime.h"
#include "serve/engine.h"

/* ---- vectors ---- */

static const llmi_vectors *find_vectors(llm_prompt *p, const llm_model *model) {
    pthread_mutex_lock(&p->lock);
    const llmi_vectors *v = p->vectors;
    while (v && v->model != model) v = v->next;
    pthread_mutex_unlock(&p->lock);
    return v;
}

/* Lists them, unless another thread was faster. */
static const llmi_vectors *list_vectors(llm_prompt *p, llmi_vectors *made) {
    pthread_mutex_lock(&p->lock);
    llmi_vectors *v = p->vectors;
    while (v && v->model != made->model) v = v->next;
    if (!v) {
        made->next = p->vectors;
        v = p->vectors = made;
    }
    pthread_mutex_unlock(&p->lock);
    return v;
}

static llm_status embed_keys(llmi_vectors *v, llm_prompt *p, llm_engine *e, size_t n) {
    const llm_allocator *a = llmi_runtime_allocator(p->runtime);
    llm_span *texts = llmi_alloc_array(a, n, sizeof *texts);
    if (!texts) return LLM_E_MEMORY;
    for (size_t i = 0; i < n; i++) texts[i] = llmi_prompt_key(p, i);
    llm_status status = llm_embed(v->rows, e, texts, n, LLM_POOL_MEAN, 1);
    llmi_free(a, texts, n * sizeof *texts);
    return status == LLM_OK ? LLM_OK : llmi_error_in(status, "examples");
}

llm_status llmi_prompt_vectors(const llmi_vectors **out, llm_prompt *p, llm_engine *e) {
    *out = find_vectors(p, e->model);
    if (*out) return LLM_OK;
    const llm_allocator *a = llmi_runtime_allocator(p->runtime);
    size_t n = llmi_prompt_n_examples(p), dim = (size_t)e->model->hp.n_embd, n_bytes;
    if (!llmi_mul(&n_bytes, n, dim * sizeof(float)) || !llmi_add(&n_bytes, n_bytes, sizeof(llmi_vectors)))
        return llmi_error(LLM_E_MEMORY, "out of memory: vectors of %zu examples", n);
    llmi_vectors *v = llmi_alloc(a, n_bytes);
    if (!v) return LLM_E_MEMORY;
    *v = (llmi_vectors){.model = llm_model_ref(e->model), .dim = dim, .n_bytes = n_bytes};
    llm_status status = embed_keys(v, p, e, n);
    if (status == LLM_OK) *out = list_vectors(p, v);
    if (*out != v) {
        llm_model_unref(v->model);
        llmi_free(a, v, n_bytes);
    }
    return status;
}

/* ---- selectors: rank the candidates that `ranked` lists ---- */

typedef struct ranking {
    llm_prompt *p;
    llm_engine *e;
    llm_span key;
    const llm_fill_options *o;
    const llm_allocator *a;
    llmi_ranked *r;
    size_t n;
} ranking;

static llm_status by_place(ranking *x) {
    return LLM_OK;
}

static llm_status by_chance(ranking *x) {
    llmi_selectors_shuffle(x->r, x->n, x->o->seed, LLMI_DRAW_SELECT);
    return LLM_OK;
}

/* A label as JSON, and whose it is. */
typedef struct labelled {
    llm_span text;
    size_t place; /* in the ranking */
} labelled;

static int by_text(const void *a, const void *b) {
    const labelled *x = a, *y = b;
    size_t n = x->text.len < y->text.len ? x->text.len : y->text.len;
    int order = n ? memcmp(x->text.ptr, y->text.ptr, n) : 0;
    if (order) return order;
    if (x->text.len != y->text.len) return x->text.len < y->text.len ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* Writes each candidate's label, "" without the field, and sorts them. */
static bool sort_labels(labelled *l, llmi_buf *texts, const ranking *x) {
    for (size_t i = 0; i < x->n; i++) {
        const llmi_json *label = llmi_json_get(llmi_prompt_example(x->p, x->r[i].index), x->p->label_field.data);
        size_t begin = texts->len;
        if (label && !llmi_json_write(texts, label, LLMI_JSON_COMPACT)) return false;
        l[i] = (labelled){{NULL, texts->len - begin}, i};
    }
    for (size_t i = 0, at = 0; i < x->n; at += l[i++].text.len) l[i].text.ptr = texts->len ? texts->data + at : "";
    qsort(l, x->n, sizeof *l, by_text);
    return true;
}

/* Numbers the labels in the order in which they first appear; returns how many there are. */
static size_t number_labels(size_t *labels, const labelled *l, size_t *first, const ranking *x) {
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++) {
        const labelled *before = i ? &l[i - 1] : NULL;
        bool same = before && before->text.len == l[i].text.len &&
                    (!l[i].text.len || memcmp(before->text.ptr, l[i].text.ptr, l[i].text.len) == 0);
        first[l[i].place] = same ? first[before->place] : l[i].place;
    }
    for (size_t i = 0; i < x->n; i++) labels[x->r[i].index] = first[i] == i ? n++ : labels[x->r[first[i]].index];
    return n;
}

static llm_status by_label(ranking *x) {
    size_t n_all = llmi_prompt_n_examples(x->p);
    size_t *labels = llmi_alloc_zero(x->a, n_all * sizeof *labels);
    size_t *first = llmi_alloc_array(x->a, x->n, sizeof *first);
    labelled *l = llmi_alloc_array(x->a, x->n, sizeof *l);
    llmi_buf texts;
    llmi_buf_init(&texts, x->a);
    llm_status status = labels && first && l && sort_labels(l, &texts, x) ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) {
        size_t n = number_labels(labels, l, first, x);
        status = llmi_selectors_balance(x->r, x->n, x->a, labels, n, x->o->seed);
    }
    llmi_buf_free(&texts);
    if (l) llmi_free(x->a, l, x->n * sizeof *l);
    if (first) llmi_free(x->a, first, x->n * sizeof *first);
    if (labels) llmi_free(x->a, labels, n_all * sizeof *labels);
    return status;
}

static llm_status by_words(ranking *x) {
    llm_span *docs = llmi_alloc_array(x->a, x->n, sizeof *docs);
    double *scores = llmi_alloc_array(x->a, x->n, sizeof *scores);
    llm_status status = docs && scores ? LLM_OK : LLM_E_MEMORY;
    for (size_t i = 0; i < x->n && status == LLM_OK; i++) docs[i] = llmi_prompt_key(x->p, x->r[i].index);
    if (status == LLM_OK)
        status = llmi_bm25_score(scores, x->a, docs, x->n, x->key, (double)x->o->bm25_k1, (double)x->o->bm25_b);
    for (size_t i = 0; i < x->n && status == LLM_OK; i++) x->r[i].score = scores[i];
    if (status == LLM_OK) llmi_selectors_sort(x->r, x->n);
    if (scores) llmi_free(x->a, scores, x->n * sizeof *scores);
    if (docs) llmi_free(x->a, docs, x->n * sizeof *docs);
    return status;
}

/* Scores are cosines: rows have length 1. */
static llm_status nearness(const llmi_vectors **out, ranking *x) {
    if (!x->e) return llmi_error(LLM_E_ARGUMENT, "select is \"%s\", which needs an engine, found NULL", x->o->select);
    llm_status status = llmi_prompt_vectors(out, x->p, x->e);
    if (status != LLM_OK) return status;
    size_t dim = (*out)->dim;
    float *query = llmi_alloc_array(x->a, dim, sizeof *query);
    if (!query) return LLM_E_MEMORY;
    status = llm_embed(query, x->e, &x->key, 1, LLM_POOL_MEAN, 1);
    for (size_t i = 0; i < x->n && status == LLM_OK; i++)
        x->r[i].score = llmi_selectors_dot(query, (*out)->rows + x->r[i].index * dim, dim);
    llmi_free(x->a, query, dim * sizeof *query);
    return status == LLM_OK ? LLM_OK : llmi_error_in(status, "the question");
}

static llm_status by_nearness(ranking *x) {
    const llmi_vectors *v;
    llm_status status = nearness(&v, x);
    if (status == LLM_OK) llmi_selectors_sort(x->r, x->n);
    return status;
}

static llm_status by_margin(ranking *x) {
    const llmi_vectors *v;
    llm_status status = nearness(&v, x);
    if (status == LLM_OK) status = llmi_selectors_mmr(x->r, &x->n, x->a, v->rows, v->dim, (double)x->o->mmr_lambda);
    return status;
}

static const struct {
    const char *name;
    llm_status (*run)(ranking *x);
} SELECTORS[] = {{"first", by_place}, {"random", by_chance}, {"balanced", by_label},
                 {"bm25", by_words},  {"knn", by_nearness},  {"mmr", by_margin}};
enum { N_SELECTORS = sizeof SELECTORS / sizeof SELECTORS[0] };

static llm_status run_selector(ranking *x) {
    const char *name = x->o->select, *names[N_SELECTORS];
    for (int i = 0; i < N_SELECTORS; i++) {
        names[i] = SELECTORS[i].name;
        if (strcmp(name, names[i]) == 0) return x->n ? SELECTORS[i].run(x) : LLM_OK;
    }
    const char *nearest = llmi_api_nearest(name, names, N_SELECTORS);
    return llmi_error(LLM_E_ARGUMENT,
                      "llm_fill_options: select is \"%s\"%s%s%s, expected first, random, balanced, "
                      "bm25, knn or mmr",
                      LLMI_QUOTE(name, strlen(name)), nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                      nearest ? "\"?)" : "");
}

/* Leaves out examples that are the question. */
static llm_status list_candidates(llmi_buf *ranked, int32_t *n_leaks, const llm_prompt *p, llm_span key) {
    llmi_buf folded;
    llmi_buf_init(&folded, ranked->a);
    llm_status status = llmi_extract_fold(&folded, key.ptr, key.len) ? LLM_OK : LLM_E_MEMORY;
    *n_leaks = 0;
    for (size_t i = 0; i < llmi_prompt_n_examples(p) && status == LLM_OK; i++) {
        llm_span own = llmi_prompt_folded(p, i);
        llmi_ranked candidate = {.index = i};
        if (own.len == folded.len && (!own.len || memcmp(own.ptr, folded.data, own.len) == 0))
            ++*n_leaks;
        else if (!llmi_buf_push(ranked, candidate))
            status = LLM_E_MEMORY;
    }
    llmi_buf_free(&folded);
    return status;
}

llm_status llmi_prompt_rank(llmi_buf *ranked, int32_t *n_leaks, llm_prompt *p, llm_engine *e, llm_span key,
                            const llm_fill_options *o) {
    llm_status status = list_candidates(ranked, n_leaks, p, key);
    if (status != LLM_OK) return status;
    ranking x = {
        .p = p,
        .e = e,
        .key = key,
        .o = o,
        .a = ranked->a,
        .r = (llmi_ranked *)(void *)ranked->data,
        .n = llmi_buf_count(ranked, llmi_ranked),
    };
    status = run_selector(&x);
    ranked->len = x.n * sizeof *x.r;
    return status;
}
