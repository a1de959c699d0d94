/* A stand-in: weights stay where they lie and are dequantized row by row. */
#include "cpu/weight.h"
#include "common.h"
#include "cpu/cpu.h"

llm_status llmk_weight_put(llm_weight **out, size_t *private_bytes, llm_device *device, const llm_tensor *tensor) {
    const llmk_dtype *type;
    size_t row_bytes;
    *out = NULL;
    *private_bytes = 0;
    llm_status status = llmk_tensor_check(device->host, tensor, &type, &row_bytes);
    if (status < 0) return status;
    size_t n_bytes = sizeof(llm_weight), n_elems = tensor->rows == 1 ? (size_t)tensor->cols : 0;
    if (!llmk_multiply(&n_elems, sizeof(float)) || !llmk_add_size(&n_bytes, n_elems)) return LLM_E_MEMORY;
    llm_weight *w = llmk_take(device->host, n_bytes);
    if (!w) return LLM_E_MEMORY;
    *w = (llm_weight){tensor->data, type, tensor->rows, tensor->cols, row_bytes, n_bytes};
    if (w->rows == 1) type->dequantize(w->vector, w->data, w->cols);
    *private_bytes = n_elems;
    *out = w;
    return LLM_OK;
}

void llmk_weight_free(llm_device *device, llm_weight *weight) {
    if (weight) llmk_give(device->host, weight, weight->n_bytes);
}

llm_status llmk_weights_prepare(llm_device *device, const llm_pool *pool) {
    return LLM_OK;
}

const float *llmk_weight_vector(const llm_weight *w) {
    return w->vector;
}

bool llmk_weight_is_vector(const llm_weight *w, int64_t n) {
    return w->rows == 1 && w->cols == n;
}

void llmk_embed(llm_stream *stream, llm_view out, const llm_weight *w, const int32_t *ids) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    if (!llmk_cpu_start(s, out.cols == w->cols, "embed: widths differ")) return;
    for (int64_t r = 0; r < out.rows; r++) {
        if (!llmk_cpu_start(s, ids[r] >= 0 && ids[r] < w->rows, "embed: id outside the table")) return;
        w->type->dequantize(llmk_row(out, r), w->data + (size_t)ids[r] * w->row_bytes, w->cols);
    }
}
