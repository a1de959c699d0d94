#include "model/arch.h"
#include "runtime/measure.h"

llm_view llmi_workspace_take(llmi_workspace *ws, int64_t rows, int64_t cols) {
    llm_view view = {.data = NULL, .rows = rows, .cols = cols, .stride = cols};
    if (ws->base) view.data = (float *)(void *)(ws->base + ws->used);
    size_t n_bytes = (size_t)rows * (size_t)cols * sizeof(float);
    ws->used += (n_bytes + 63) & ~(size_t)63; /* the ranges of hparams.c keep this far from overflow */
    if (ws->used > ws->peak) ws->peak = ws->used;
    return view;
}

void llmi_model_forward(const llm_model *m, llmi_step *step) {
    step->ws->used = 0;
    m->arch->forward(m, step);
}

llm_status llmi_model_measure(size_t *out, const llm_model *m, int32_t n_rows, int32_t n_out, int32_t n_logits) {
    llm_stream stream;
    llmi_measure_init(&stream);
    llm_batch batch = {.n_rows = n_rows, .n_seqs = 1, .max_pages = 1};
    llmi_workspace ws = {0};
    llmi_step step = {.s = &stream, .batch = &batch, .ws = &ws, .n_out = n_out, .n_logits = n_logits};
    llmi_model_forward(m, &step);
    *out = ws.peak;
    return LLM_OK;
}
