#include "cpu/kv.h"

#include <string.h>

#include "cpu/cpu.h"

static llm_status layout(llm_kv *kv, const llm_host *host, const llm_kv_desc *d) {
    llm_status status = llmk_kv_check(host, d);
    if (status < 0) return status;
    int64_t stride = ((int64_t)d->head_dim + LLMK_KV_PANEL - 1) / LLMK_KV_PANEL * LLMK_KV_PANEL;
    if (stride > INT32_MAX)
        return llmk_error(host, LLM_E_ARGUMENT, "KV cache: heads of %d elements are too wide", (int)d->head_dim);
    *kv = (llm_kv){.desc = *d, .values_stride = (int32_t)stride, .elem_bytes = d->dtype == LLM_DTYPE_F32 ? 4 : 2};
    kv->n_panels = d->page_tokens / LLMK_KV_PANEL + (d->page_tokens % LLMK_KV_PANEL != 0);
    size_t n = LLMK_KV_PANEL * kv->elem_bytes;
    kv->keys_bytes = n * (size_t)d->head_dim;
    kv->values_bytes = n * (size_t)stride;
    n = kv->keys_bytes + kv->values_bytes;
    bool fits = llmk_multiply(&n, kv->n_panels);
    kv->head_bytes = n;
    fits = fits && llmk_multiply(&n, d->n_kv_heads);
    kv->page_bytes = n;
    fits = fits && llmk_multiply(&n, d->n_pages);
    kv->layer_bytes = n;
    fits = fits && llmk_multiply(&n, d->n_layers);
    kv->n_bytes = n;
    return fits ? LLM_OK : llmk_error(host, LLM_E_MEMORY, "KV cache: beyond the address space");
}

llm_status llmk_kv_bytes(size_t *out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv kv = {0};
    llm_status status = layout(&kv, device->host, desc);
    *out = status < 0 ? 0 : sizeof kv + kv.n_bytes;
    return status;
}

llm_status llmk_kv_create(llm_kv **out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv plan;
    *out = NULL;
    llm_status status = layout(&plan, device->host, desc);
    if (status < 0) return status;
    llm_kv *kv = llmk_take(device->host, sizeof *kv);
    if (!kv) return LLM_E_MEMORY;
    *kv = plan;
    kv->data = llmk_take_large(device->host, kv->n_bytes);
    if (!kv->data) {
        llmk_give(device->host, kv, sizeof *kv);
        return LLM_E_MEMORY;
    }
    *out = kv;
    return LLM_OK;
}

void llmk_kv_free(llm_device *device, llm_kv *kv) {
    if (!kv) return;
    llmk_give(device->host, kv->data, kv->n_bytes);
    llmk_give(device->host, kv, sizeof *kv);
}

/* ---- writing ---- */

typedef struct job {
    llmk_cpu_stream *s;
    llm_kv *kv;
    int32_t layer, rows_per_piece;
    llm_view k, v;
    const llm_batch *batch;
} job;

/* Element i of a key goes to lane `lane` of the panel's row i. */
static void put_key(const llm_kv *kv, uint8_t *panel, int32_t lane, const float *x,
                    const llmk_attention_kernels *kernels) {
    enum { CHUNK = 64 };
    int32_t dim = kv->desc.head_dim;
    if (kv->desc.dtype == LLM_DTYPE_F32) {
        float *to = (float *)(void *)panel + lane;
        for (int32_t i = 0; i < dim; i++) to[(int64_t)i * LLMK_KV_PANEL] = x[i];
        return;
    }
    uint16_t half[CHUNK], *to = (uint16_t *)(void *)panel + lane;
    for (int32_t begin = 0; begin < dim; begin += CHUNK) {
        int32_t n = dim - begin < CHUNK ? dim - begin : CHUNK;
        kernels->narrow(half, x + begin, n);
        for (int32_t i = 0; i < n; i++) to[(int64_t)(begin + i) * LLMK_KV_PANEL] = half[i];
    }
}

static void put_value(const llm_kv *kv, uint8_t *panel, int32_t lane, const float *x,
                      const llmk_attention_kernels *kernels) {
    size_t n = (size_t)kv->desc.head_dim, stride = (size_t)kv->values_stride;
    uint8_t *to = panel + (size_t)lane * stride * kv->elem_bytes;
    if (kv->desc.dtype == LLM_DTYPE_F32)
        memcpy(to, x, n * sizeof *x);
    else
        kernels->narrow((uint16_t *)(void *)to, x, (int64_t)n);
    memset(to + n * kv->elem_bytes, 0, (stride - n) * kv->elem_bytes);
}

static void write_row(const job *j, int32_t r) {
    const llm_kv *kv = j->kv;
    const llm_kv_desc *d = &kv->desc;
    int32_t position = j->batch->positions[r];
    int32_t page = position < 0 ? -1 : llmk_kv_page(d, j->batch, j->batch->row_seq[r], position / d->page_tokens);
    if (page < 0) {
        llmk_cpu_fail(j->s, LLM_E_INTERNAL, "kv_write: no such page");
        return;
    }
    int32_t token = position % d->page_tokens, lane = token % LLMK_KV_PANEL, panel = token / LLMK_KV_PANEL;
    for (int32_t h = 0; h < d->n_kv_heads; h++) {
        int64_t at = (int64_t)h * d->head_dim;
        uint8_t *keys = llmk_kv_keys(kv, j->layer, page, h, panel),
                *values = llmk_kv_values(kv, j->layer, page, h, panel);
        put_key(kv, keys, lane, llmk_row(j->k, r) + at, &j->s->k->attention);
        put_value(kv, values, lane, llmk_row(j->v, r) + at, &j->s->k->attention);
    }
}

static void write_piece(void *arg, int64_t index, int32_t slot) {
    const job *j = arg;
    int64_t begin = index * j->rows_per_piece, end = begin + j->rows_per_piece;
    if (end > j->batch->n_rows) end = j->batch->n_rows;
    for (int64_t r = begin; r < end; r++) write_row(j, (int32_t)r);
}

void llmk_kv_write(llm_stream *stream, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *batch) {
    enum { PIECE_ROWS = 16 };   /* a panel or two: threads seldom write to the same cache lines */
    enum { STEPS_OF_ONE = 16 }; /* multiply-adds that take as long as writing an element */
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    bool fits = llmk_kv_write_fits(&kv->desc, layer, k, v, batch);
    if (!llmk_cpu_start(s, fits, "kv_write: shapes differ")) return;
    job j = {s, kv, layer, PIECE_ROWS, k, v, batch};
    double n_steps = (double)batch->n_rows * (double)(k.cols + v.cols) * STEPS_OF_ONE;
    llmk_cpu_share(s, n_steps, (batch->n_rows + PIECE_ROWS - 1) / PIECE_ROWS, write_piece, &j);
}

/* ---- copying ---- */

/* The first n tokens of one head. */
static void copy_head(const llm_kv *kv, uint8_t *to, const uint8_t *from, int32_t n) {
    size_t line = LLMK_KV_PANEL * kv->elem_bytes, whole = (size_t)(n / LLMK_KV_PANEL) * kv->keys_bytes;
    size_t rest = (size_t)(n % LLMK_KV_PANEL) * kv->elem_bytes, values = (size_t)kv->n_panels * kv->keys_bytes;
    memcpy(to, from, whole);
    for (size_t at = whole, i = 0; rest && i < (size_t)kv->desc.head_dim; i++, at += line)
        memcpy(to + at, from + at, rest);
    memcpy(to + values, from + values, (size_t)n * (size_t)kv->values_stride * kv->elem_bytes);
}

void llmk_kv_copy(llm_stream *stream, llm_kv *kv, int32_t dst, int32_t src, int32_t n_tokens) {
    const llm_kv_desc *d = &kv->desc;
    bool fits = llmk_kv_copy_fits(d, dst, src, n_tokens);
    if (!llmk_cpu_start(llmk_cpu_stream_of(stream), fits, "kv_copy: no such page") || dst == src) return;
    for (int32_t layer = 0; layer < d->n_layers; layer++)
        for (int32_t h = 0; h < d->n_kv_heads; h++)
            copy_head(kv, llmk_kv_head(kv, layer, dst, h), llmk_kv_head(kv, layer, src, h), n_tokens);
}
