#include "runtime/measure.h"

static void upload(llm_stream *s, void *dst, const void *src, size_t n_bytes) {}
static void download(llm_stream *s, void *dst, const void *src, size_t n_bytes) {}
static llm_status sync(llm_stream *s) {
    return LLM_OK;
}
static void embed(llm_stream *s, llm_view out, const llm_weight *w, const int32_t *ids) {}
static void rms_norm(llm_stream *s, llm_view out, llm_view x, const llm_weight *w, float eps) {}
static void linear(llm_stream *s, llm_view x, const llm_linear *products, int32_t n) {}
static void rope_angles(llm_stream *s, llm_view angles, const int32_t *positions, const float *inv_freq, float scale) {}
static void rope(llm_stream *s, llm_view x, llm_view angles, int32_t head_dim, int32_t style) {}
static void kv_write(llm_stream *s, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *batch) {}
static void kv_copy(llm_stream *s, llm_kv *kv, int32_t dst, int32_t src, int32_t n_tokens) {}
static void attention(llm_stream *s, const llm_attention *a, const llm_kv *kv, const llm_batch *batch) {}
static void glu(llm_stream *s, llm_view out, llm_view gate, llm_view up, int32_t act) {}
static void add(llm_stream *s, llm_view out, llm_view a, llm_view b) {}
static void gather(llm_stream *s, llm_view out, llm_view x, const int32_t *rows) {}

static const llm_stream_ops ops = {
    .struct_size = sizeof ops,
    .upload = upload,
    .download = download,
    .sync = sync,
    .embed = embed,
    .rms_norm = rms_norm,
    .linear = linear,
    .rope_angles = rope_angles,
    .rope = rope,
    .kv_write = kv_write,
    .kv_copy = kv_copy,
    .attention = attention,
    .glu = glu,
    .add = add,
    .gather = gather,
};

void llmi_measure_init(llm_stream *out) {
    *out = (llm_stream){.ops = &ops};
}
