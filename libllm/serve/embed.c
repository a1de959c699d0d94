/* llm_embed: texts as vectors. */
#include <math.h>
#include <string.h>

#include "api/check.h"
#include "serve/jobs.h"

typedef struct embedding {
    llmi_jobs jobs;
    float *out; /* [n_texts, n_embd] */
    size_t n_embd;
    int32_t pooling;
} embedding;

/* Rows come in order, so each sum has one order of its terms. */
static void on_hidden(void *user, size_t item, int32_t row, const float *hidden) {
    embedding *e = user;
    float *out = e->out + item * e->n_embd;
    if (row == 0 || e->pooling == LLM_POOL_LAST)
        memcpy(out, hidden, e->n_embd * sizeof *out);
    else if (e->pooling == LLM_POOL_MEAN)
        for (size_t i = 0; i < e->n_embd; i++) out[i] += hidden[i];
}

static void finish_row(float *row, size_t n_embd, size_t n_tokens, int32_t pooling, int32_t normalize) {
    if (pooling == LLM_POOL_MEAN)
        for (size_t i = 0; i < n_embd; i++) row[i] /= (float)n_tokens;
    if (!normalize) return;
    double squares = 0;
    for (size_t i = 0; i < n_embd; i++) squares += (double)row[i] * (double)row[i];
    double length = sqrt(squares);
    for (size_t i = 0; i < n_embd && length > 0; i++) row[i] = (float)((double)row[i] / length);
}

static llm_status add_text(embedding *e, const llm_engine *engine, llm_span text) {
    size_t begin = llmi_buf_count(&e->jobs.ids, llm_token);
    llm_status status = llmi_api_check_span(&text);
    if (status != LLM_OK) return status;
    status = llmi_serve_encode(&e->jobs.ids, engine, text, LLM_ENCODE_ADD_SPECIAL);
    if (status != LLM_OK) return status;
    if (llmi_buf_count(&e->jobs.ids, llm_token) == begin)
        return llmi_error(LLM_E_ARGUMENT, "it has no tokens, so there is nothing to embed");
    return llmi_jobs_add(&e->jobs, begin, 0);
}

static llm_status embed(embedding *e, const llm_engine *engine, const llm_span *texts, size_t n_texts,
                        int32_t normalize) {
    for (size_t i = 0; i < n_texts; i++) {
        llm_status status = add_text(e, engine, texts[i]);
        if (status != LLM_OK) return llmi_error_in(status, "text %zu", i);
    }
    llm_status status = llmi_jobs_run(&e->jobs);
    for (size_t i = 0; i < n_texts && status == LLM_OK; i++) {
        size_t n_tokens = llmi_buf_at(&e->jobs.items, llmi_jobs_item, i).n_ids;
        finish_row(e->out + i * e->n_embd, e->n_embd, n_tokens, e->pooling, normalize);
    }
    return status;
}

static llm_status choose(int32_t *pooling, int32_t *normalize, const llm_model *m) {
    if (*pooling < LLM_POOL_FILE || *pooling > LLM_POOL_FIRST)
        return llmi_error(LLM_E_ARGUMENT, "pooling is %d, expected LLM_POOL_FILE (%d) .. LLM_POOL_FIRST (%d)", *pooling,
                          LLM_POOL_FILE, LLM_POOL_FIRST);
    if (*normalize < -1 || *normalize > 1)
        return llmi_error(LLM_E_ARGUMENT, "normalize is %d, expected 1, 0, or -1 for as the file says", *normalize);
    if (*pooling == LLM_POOL_FILE && m->pooling.refused)
        return llmi_error(LLM_E_UNSUPPORTED,
                          "the embeddings of %s are made with %s, which is not computed: choose mean, last or first",
                          llmi_weights_path(m->weights), m->pooling.refused);
    if (*pooling == LLM_POOL_FILE) *pooling = m->pooling.how;
    if (*normalize < 0) *normalize = m->pooling.normalize;
    return LLM_OK;
}

LLM_API llm_status llm_embed(float *out, llm_engine *engine, const llm_span *texts, size_t n_texts, int32_t pooling,
                             int32_t normalize) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_ROOM(out, n_texts);
    LLMI_NOT_NULL(engine);
    LLMI_ARRAY(texts, n_texts);
    llm_status status = choose(&pooling, &normalize, engine->model);
    if (status == LLM_OK) status = llmi_serve_begin(engine, "llm_embed");
    if (status != LLM_OK) return status;
    embedding e = {.out = out, .n_embd = (size_t)engine->model->hp.n_embd, .pooling = pooling};
    llmi_jobs_init(&e.jobs, engine, LLMI_JOB_EMBED);
    e.jobs.n_logprobs = -1;
    e.jobs.hidden = on_hidden;
    e.jobs.user = &e;
    status = embed(&e, engine, texts, n_texts, normalize);
    llmi_serve_end(engine);
    llmi_jobs_free(&e.jobs);
    return status;
}
