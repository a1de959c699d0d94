#include "common.h"
#include "cpu/cpu.h"
#include "cpu/kv.h"
#include "quant/half.h"

#include <math.h>
#include <string.h>

static uint8_t *find(const llm_kv *kv, const llm_batch *batch, int32_t layer, int32_t seq, int32_t position) {
    const llm_kv_desc *d = &kv->desc;
    int32_t page = position < 0 ? -1 : llmk_kv_page(d, batch, seq, position / d->page_tokens);
    if (page < 0) return NULL;
    return kv->data + (size_t)layer * kv->layer_bytes + (size_t)page * kv->page_bytes +
           (size_t)(position % d->page_tokens) * kv->row_bytes;
}

static void narrow(uint8_t *dst, const float *src, int32_t n, llm_dtype dtype) {
    if (dtype == LLM_DTYPE_F32)
        memcpy(dst, src, (size_t)n * sizeof *src);
    else
        for (int32_t i = 0; i < n; i++) ((uint16_t *)(void *)dst)[i] = llmk_f32_to_f16(src[i]);
}

static float load(const llm_kv *kv, const uint8_t *row, int32_t i) {
    if (kv->desc.dtype == LLM_DTYPE_F32) return ((const float *)(const void *)row)[i];
    return llmk_f16_to_f32(((const uint16_t *)(const void *)row)[i]);
}

void llmk_kv_write(llm_stream *stream, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *batch) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    const llm_kv_desc *d = &kv->desc;
    if (!llmk_cpu_start(s, llmk_kv_write_fits(d, layer, k, v, batch), "kv_write: shapes differ")) return;
    for (int32_t r = 0; r < batch->n_rows; r++) {
        uint8_t *at = find(kv, batch, layer, batch->row_seq[r], batch->positions[r]);
        if (!llmk_cpu_start(s, at != NULL, "kv_write: no such page")) return;
        for (int32_t h = 0; h < d->n_kv_heads; h++, at += 2 * kv->half_bytes) {
            narrow(at, llmk_row(k, r) + h * d->head_dim, d->head_dim, d->dtype);
            narrow(at + kv->half_bytes, llmk_row(v, r) + h * d->head_dim, d->head_dim, d->dtype);
        }
    }
}

void llmk_kv_copy(llm_stream *stream, llm_kv *kv, int32_t dst, int32_t src, int32_t n_tokens) {
    const llm_kv_desc *d = &kv->desc;
    bool fits = llmk_kv_copy_fits(d, dst, src, n_tokens);
    if (!llmk_cpu_start(llmk_cpu_stream_of(stream), fits, "kv_copy: no such page")) return;
    for (int32_t layer = 0; layer < d->n_layers; layer++)
        for (int32_t half = 0; half < 2 * d->n_kv_heads; half++) {
            uint8_t *base = kv->data + (size_t)layer * kv->layer_bytes + (size_t)half * kv->half_bytes;
            memmove(base + (size_t)dst * kv->page_bytes, base + (size_t)src * kv->page_bytes,
                    (size_t)n_tokens * kv->row_bytes);
        }
}

/* A head's weighted sum of values for each thread. */
size_t llmk_attention_scratch_bytes(const llmk_kernels *k, const llm_stream_options *limits) {
    size_t n = sizeof(double);
    bool fits = llmk_multiply(&n, limits->max_cols) && llmk_multiply(&n, llmk_cpu_threads(limits->pool));
    return fits ? n : SIZE_MAX;
}

typedef struct job {
    llmk_cpu_stream *s;
    const llm_attention *a;
    const llm_kv *kv;
    const llm_batch *batch;
} job;

static void attend(void *arg, int64_t index, int32_t slot) {
    const job *j = arg;
    const llm_attention *a = j->a;
    int32_t dim = j->kv->desc.head_dim, r = (int32_t)(index / a->n_heads), head = (int32_t)(index % a->n_heads);
    int32_t position = j->batch->positions[r];
    size_t kv_head = (size_t)(head / (a->n_heads / j->kv->desc.n_kv_heads)) * 2 * j->kv->half_bytes;
    const float *q = llmk_row(a->q, r) + (int64_t)head * dim;
    double max = -INFINITY, total = 0.0, *sum = (double *)j->s->attention_scratch + slot * j->s->limits.max_cols;
    for (int32_t i = 0; i < dim; i++) sum[i] = 0.0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t p = llmk_attention_first(a->window, position); p <= position; p++) {
            const uint8_t *k = find(j->kv, j->batch, a->layer, j->batch->row_seq[r], p);
            if (!llmk_cpu_start(j->s, k != NULL, "attention: no such page")) return;
            k += kv_head;
            double score = 0.0;
            for (int32_t i = 0; i < dim; i++) score += (double)q[i] * load(j->kv, k, i);
            score *= a->scale;
            if (pass == 0) {
                max = score > max ? score : max;
                continue;
            }
            double weight = exp(score - max);
            total += weight;
            for (int32_t i = 0; i < dim; i++) sum[i] += weight * load(j->kv, k + j->kv->half_bytes, i);
        }
    float *out = llmk_row(a->out, r) + (int64_t)head * dim;
    for (int32_t i = 0; i < dim; i++) out[i] = (float)(sum[i] / total);
}

void llmk_attention(llm_stream *stream, const llm_attention *a, const llm_kv *kv, const llm_batch *batch) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    if (!llmk_cpu_start(s, llmk_attention_fits(&kv->desc, a, batch) && kv->desc.head_dim <= s->limits.max_cols,
                        "attention: shapes differ"))
        return;
    job j = {s, a, kv, batch};
    llmk_cpu_share(s, (int64_t)batch->n_rows * a->n_heads, attend, &j);
}
