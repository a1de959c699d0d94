/* Kernels of rows, once for each vector form: a source file includes one of the vec headers, then this,
 * with LLMK_ROWS_INIT naming the function that fills the table. */
#include "cpu/kernels.h"
#include "cpu/vec_math.h"

#include <math.h>

static void rms_norm(float *out, const float *x, const float *w, int64_t n, float eps) {
    vd squares = vd_zero(), more = vd_zero();
    int64_t i = 0;
    for (; i + 2 * V <= n; i += 2 * V) {
        squares = vd_add_squares(squares, v_load(x + i));
        more = vd_add_squares(more, v_load(x + i + V));
    }
    for (; i + V <= n; i += V) squares = vd_add_squares(squares, v_load(x + i));
    if (i < n) squares = vd_add_squares(squares, v_load_n(x + i, n - i));
    double sum = vd_sum(squares) + vd_sum(more);
    vf scale = v_set((float)(1.0 / sqrt(sum / (double)n + (double)eps)));
    vf one = v_set(1.0f);
    for (i = 0; i + V <= n; i += V) v_store(out + i, v_mul(v_mul(v_load(x + i), scale), w ? v_load(w + i) : one));
    if (i < n) v_store_n(out + i, v_mul(v_mul(v_load_n(x + i, n - i), scale), w ? v_load_n(w + i, n - i) : one), n - i);
}

static void turn(float *a, float *b, float c, float s) {
    float u = *a, v = *b;
    *a = u * c - v * s;
    *b = u * s + v * c;
}

static void rope_half(float *x, const float *angles, int64_t n_heads, int64_t head_dim, int64_t n_freq) {
    const float *cosines = angles, *sines = angles + n_freq;
    for (float *end = x + n_heads * head_dim; x < end; x += head_dim) {
        float *y = x + n_freq;
        int64_t i = 0;
        for (; i + V <= n_freq; i += V) {
            vf c = v_load(cosines + i), s = v_load(sines + i), u = v_load(x + i), v = v_load(y + i);
            v_store(x + i, v_fnma(v, s, v_mul(u, c)));
            v_store(y + i, v_fma(v, c, v_mul(u, s)));
        }
        for (; i < n_freq; i++) turn(x + i, y + i, cosines[i], sines[i]);
    }
}

static void rope_adjacent(float *x, const float *angles, int64_t n_heads, int64_t head_dim, int64_t n_freq) {
    const float *cosines = angles, *sines = angles + n_freq;
    for (float *end = x + n_heads * head_dim; x < end; x += head_dim) {
        int64_t i = 0;
        for (; i + V / 2 <= n_freq; i += V / 2) {
            vf u = v_load(x + 2 * i), swapped = v_mul(v_swap_pairs(u), v_load_twice(sines + i));
            v_store(x + 2 * i, v_fmaddsub(u, v_load_twice(cosines + i), swapped));
        }
        for (; i < n_freq; i++) turn(x + 2 * i, x + 2 * i + 1, cosines[i], sines[i]);
    }
}

static inline vf silu(vf x) {
    return v_mul(x, v_sigmoid(x));
}

/* (1 + tanh u) / 2 = sigmoid(2 u) */
static inline vf gelu_tanh(vf x) {
    vf cubic = v_fma(v_mul(v_mul(x, x), v_set(0.044715f)), x, x);
    return v_mul(x, v_sigmoid(v_mul(cubic, v_set(1.5957691216057308f)))); /* 2 sqrt(2 / pi) */
}

static inline vf gelu(vf x) {
    return v_mul(x, v_normal_cdf(x));
}

#define GLU(act)                                                                                                       \
    static void glu_##act(float *out, const float *gate, const float *up, int64_t n) {                                 \
        int64_t i = 0;                                                                                                 \
        for (; i + V <= n; i += V) v_store(out + i, v_mul(act(v_load(gate + i)), v_load(up + i)));                     \
        if (i < n) v_store_n(out + i, v_mul(act(v_load_n(gate + i, n - i)), v_load_n(up + i, n - i)), n - i);          \
    }
GLU(silu)
GLU(gelu_tanh)
GLU(gelu)
#undef GLU

void LLMK_ROWS_INIT(llmk_row_kernels *k) {
    *k = (llmk_row_kernels){
        .rms_norm = rms_norm,
        .rope = {[LLM_ROPE_NEOX] = rope_half, [LLM_ROPE_INTERLEAVED] = rope_adjacent},
        .glu = {[LLM_ACT_SILU] = glu_silu, [LLM_ACT_GELU_TANH] = glu_gelu_tanh, [LLM_ACT_GELU] = glu_gelu},
    };
}
