/* A stand-in: one dequantized row of weights against every row of activations. */
#include "common.h"
#include "cpu/cpu.h"
#include "cpu/weight.h"

static float dot(const float *a, const float *b, int64_t n) {
    float sums[16] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int j = 0; j < 16; j++) sums[j] += a[i + j] * b[i + j];
    for (; i < n; i++) sum += a[i] * b[i];
    for (int j = 0; j < 16; j++) sum += sums[j];
    return sum;
}

void llmk_linear_init_portable(llmk_linear_kernels *k) {
    k->dot = dot;
}

/* A row for each thread. */
size_t llmk_linear_scratch_bytes(const llmk_kernels *k, const llm_stream_options *limits) {
    size_t n = sizeof(float);
    bool fits = llmk_multiply(&n, limits->max_cols) && llmk_multiply(&n, llmk_cpu_threads(limits->pool));
    return fits ? n : SIZE_MAX;
}

typedef struct job {
    llmk_cpu_stream *s;
    llm_view x;
    const llm_linear *p;
} job;

static void output_column(void *arg, int64_t o, int32_t slot) {
    const job *j = arg;
    const llm_weight *w = j->p->w;
    float *row = (float *)j->s->linear_scratch + slot * j->s->limits.max_cols;
    w->type->dequantize(row, w->data + (size_t)o * w->row_bytes, w->cols);
    float bias = j->p->bias ? llmk_weight_vector(j->p->bias)[o] : 0.0f;
    for (int64_t r = 0; r < j->x.rows; r++) {
        float *out = llmk_row(j->p->out, r) + o, sum = j->s->k->linear.dot(llmk_row(j->x, r), row, w->cols) + bias;
        *out = j->p->accumulate ? sum + *out : sum;
    }
}

void llmk_linear(llm_stream *stream, llm_view x, const llm_linear *products, int32_t n) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    for (int32_t i = 0; i < n; i++) {
        const llm_linear *p = &products[i];
        bool fits = x.cols == p->w->cols && p->out.cols == p->w->rows && p->out.rows == x.rows &&
                    x.cols <= s->limits.max_cols && (!p->bias || llmk_weight_is_vector(p->bias, p->w->rows));
        if (!llmk_cpu_start(s, fits, "linear: shapes differ")) return;
        job j = {s, x, p};
        llmk_cpu_share(s, p->w->rows, output_column, &j);
    }
}
