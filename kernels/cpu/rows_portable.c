#include <math.h>

#include "cpu/kernels.h"

static void rms_norm(float *out, const float *x, const float *w, int64_t n, float eps) {
    double squares = 0.0;
    for (int64_t i = 0; i < n; i++) squares += (double)x[i] * x[i];
    float scale = (float)(1.0 / sqrt(squares / (double)n + eps));
    for (int64_t i = 0; i < n; i++) out[i] = x[i] * scale * (w ? w[i] : 1.0f);
}

static void turn(float *a, float *b, float c, float s) {
    float u = *a, v = *b;
    *a = u * c - v * s;
    *b = u * s + v * c;
}

static void rope_half(float *x, const float *angles, int64_t n_heads, int64_t head_dim, int64_t n_freq) {
    for (int64_t h = 0; h < n_heads; h++, x += head_dim)
        for (int64_t i = 0; i < n_freq; i++) turn(x + i, x + n_freq + i, angles[i], angles[n_freq + i]);
}

static void rope_adjacent(float *x, const float *angles, int64_t n_heads, int64_t head_dim, int64_t n_freq) {
    for (int64_t h = 0; h < n_heads; h++, x += head_dim)
        for (int64_t i = 0; i < n_freq; i++) turn(x + 2 * i, x + 2 * i + 1, angles[i], angles[n_freq + i]);
}

static void glu_silu(float *out, const float *gate, const float *up, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = gate[i] / (1.0f + expf(-gate[i])) * up[i];
}

static void glu_gelu_tanh(float *out, const float *gate, const float *up, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float x = gate[i], u = 0.79788456f * (x + 0.044715f * x * x * x); /* sqrt(2 / pi) */
        out[i] = 0.5f * x * (1.0f + tanhf(u)) * up[i];
    }
}

static void glu_gelu(float *out, const float *gate, const float *up, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = 0.5f * gate[i] * (1.0f + erff(gate[i] * 0.70710678f)) * up[i];
}

static void add(float *out, const float *a, const float *b, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

void llmk_rows_init_portable(llmk_row_kernels *k) {
    *k = (llmk_row_kernels){
        .rms_norm = rms_norm,
        .rope = {[LLM_ROPE_HALF] = rope_half, [LLM_ROPE_ADJACENT] = rope_adjacent},
        .glu = {[LLM_ACT_SILU] = glu_silu, [LLM_ACT_GELU_TANH] = glu_gelu_tanh, [LLM_ACT_GELU] = glu_gelu},
        .add = add,
    };
}
