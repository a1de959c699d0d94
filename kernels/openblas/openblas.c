/* The back end "openblas": the CPU device, with large products of F32 activations through cblas_sgemm. Quantized
 * weights stay with the CPU's own kernels, which multiply bytes and are faster on every CPU that OpenBLAS has
 * kernels for, unless F32 activations are asked for. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "common.h"
#include "cpu/features.h"
#include "cpu/linear.h"
#include "library.h"

enum {
    MIN_ROWS = 32, /* of activations; fewer are faster with the CPU's own kernels */
    N_STRIPS = 4,  /* of weights that are widened to F32 for one call */
    WIDTH = N_STRIPS * LLMK_STRIP,
    INFO = 3, /* LLM_LOG_INFO of llm/runtime.h */
};

/* Filled when the first device is opened, always with the same; OpenBLAS stays loaded. */
static llmk_openblas openblas;
static llm_status (*cpu_stream_create)(llm_stream **out, llm_device *device, const llm_stream_options *options);
static pthread_mutex_t openblas_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- scratch: the CPU's own, then a slot for each thread ---- */

/* max_cols rows of WIDTH follow. */
typedef struct space {
    _Alignas(64) uint8_t panel[LLMK_WIDEN_COLS * LLMK_STRIP * sizeof(float)];
    _Alignas(64) uint8_t packed[LLMK_WIDEN_COLS * LLMK_STRIP * sizeof(float)];
} space;

static size_t slot_bytes(const llmk_limits *limits) {
    size_t n = WIDTH * sizeof(float);
    bool fits = llmk_multiply(&n, limits->max_cols) && llmk_add_size(&n, sizeof(space));
    return fits ? n : SIZE_MAX;
}

static size_t scratch_bytes(const llmk_kernels *k, const llmk_limits *limits) {
    size_t n = llmk_linear_scratch_bytes(k, limits), slots = slot_bytes(limits);
    bool fits = n < SIZE_MAX && llmk_multiply(&slots, limits->n_threads) && llmk_add_size(&n, slots);
    return fits ? n : SIZE_MAX;
}

/* ---- a product ---- */

typedef struct job {
    llmk_cpu_stream *s;
    llm_view x;
    const llmk_linear_product *p;
    uint8_t *slots;
    size_t slot_bytes;
} job;

/* wide[col][output]: n_strips strips as F32. */
static void widen(float *wide, space *slot, const job *j, int64_t strip, int64_t n_strips) {
    const llm_weight *w = j->p->w;
    const llmk_product *k = &j->s->k->linear.product[w->layout->index];
    int64_t most = llmk_linear_chunk(&j->s->k->linear.blocking, k, w->layout);
    for (int64_t i = 0; i < n_strips; i++)
        for (int64_t col = 0; col < w->cols; col += most) {
            int64_t n_cols = w->cols - col < most ? w->cols - col : most;
            const uint8_t *next,
                *panel = llmk_linear_panel(k, w, strip + i, col, n_cols, slot->panel, slot->packed, &next);
            for (int64_t c = 0; c < n_cols; c++)
                memcpy(wide + (col + c) * WIDTH + i * LLMK_STRIP, panel + (size_t)c * LLMK_STRIP * sizeof(float),
                       LLMK_STRIP * sizeof(float));
        }
}

/* What the product is added to. */
static void start_output(const job *j, int64_t first, int64_t n) {
    const float *bias = j->p->bias ? llmk_weight_vector(j->p->bias) + first : NULL;
    for (int64_t r = 0; r < j->x.rows; r++) {
        float *out = llm_view_row(j->p->out, r) + first;
        for (int64_t i = 0; i < n; i++) out[i] = (j->p->accumulate ? out[i] : 0.0f) + (bias ? bias[i] : 0.0f);
    }
}

static void multiply_item(void *arg, int64_t index, int32_t slot_index) {
    const job *j = arg;
    const llm_weight *w = j->p->w;
    uint8_t *slot = j->slots + (size_t)slot_index * j->slot_bytes;
    float *wide = (float *)(void *)(slot + sizeof(space));
    int64_t strip = index * N_STRIPS, rest = llmk_weight_strips(w) - strip, first = strip * LLMK_STRIP;
    int64_t n = w->rows - first < WIDTH ? w->rows - first : WIDTH;
    widen(wide, (space *)(void *)slot, j, strip, rest < N_STRIPS ? rest : N_STRIPS);
    start_output(j, first, n);
    openblas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)j->x.rows, (blasint)n, (blasint)w->cols, 1.0f,
                   j->x.data, (blasint)j->x.stride, wide, WIDTH, 1.0f, llm_view_row(j->p->out, 0) + first,
                   (blasint)j->p->out.stride);
}

static bool suits(const llmk_cpu_stream *s, llm_view x, const llmk_linear_product *p) {
    const llmk_product *k = &s->k->linear.product[p->w->layout->index];
    return k->panel == LLMK_PANEL_F32 && x.rows >= MIN_ROWS && x.cols > 0 && x.stride <= INT32_MAX &&
           p->out.stride <= INT32_MAX;
}

static void multiply(llmk_cpu_stream *s, llm_view x, const llmk_linear_product *p) {
    job j = {.s = s, .x = x, .p = p, .slot_bytes = slot_bytes(&s->limits)};
    j.slots = (uint8_t *)s->linear_scratch + llmk_linear_scratch_bytes(s->k, &s->limits);
    double n_steps = (double)x.rows * (double)x.cols * (double)p->w->rows;
    llmk_cpu_share(s, n_steps, (llmk_weight_strips(p->w) + N_STRIPS - 1) / N_STRIPS, multiply_item, &j);
}

static void linear(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    llmk_linear_product products[LLM_MAX_PRODUCTS];
    llm_view x = llm_step_view(step, op->in[0]);
    int32_t n = op->u.linear.n;
    llmk_linear_products(products, op, step);
    for (int32_t i = 0, end; i < n; i = end + 1) {
        for (end = i; end < n && !suits(s, x, &products[end]);) end++;
        if (end > i) llmk_linear_multiply(s, x, products + i, end - i);
        if (end < n) multiply(s, x, &products[end]);
    }
}

/* ---- the back end ---- */

/* OpenBLAS chooses kernels by the CPU's model; a model that it does not know may get the kernels of an older one. */
static void log_kernels(const llm_host *host) {
    const char *core = openblas.get_corename(), *hint = "";
    char text[200], version[32] = "";
    bool narrow = !strcmp(core, "Haswell") || !strcmp(core, "Zen") || !strcmp(core, "Prescott");
    if ((llmk_features_detect() & LLM_CPU_AVX512) && narrow) hint = ", OPENBLAS_CORETYPE=SkylakeX would be faster";
    if (sscanf(openblas.get_config(), "OpenBLAS %31s", version) != 1) snprintf(version, sizeof version, "?");
    snprintf(text, sizeof text, "OpenBLAS %s with its %s kernels%s", version, core, hint);
    host->log(host->user, INFO, text);
}

static llm_status fail(const llm_host *host, const char *why) {
    host->set_error(host->user, LLM_E_DEVICE, why);
    return LLM_E_DEVICE;
}

/* The CPU's threads call OpenBLAS, each for itself. */
static llm_status open_library(const llm_host *host) {
    char why[200];
    pthread_mutex_lock(&openblas_lock);
    bool ok = openblas.sgemm || llmk_openblas_open(&openblas, why, sizeof why);
    if (!ok) openblas.sgemm = NULL;
    if (ok) openblas.set_num_threads(1);
    pthread_mutex_unlock(&openblas_lock);
    if (!ok) return fail(host, why);
    log_kernels(host);
    return LLM_OK;
}

static llm_status create_stream(llm_stream **out, llm_device *device, const llm_stream_options *options) {
    char why[200];
    *out = NULL;
    if (!llmk_openblas_reserve(&openblas, (int)llmk_cpu_threads(options->pool), why, sizeof why))
        return fail(device->host, why);
    return cpu_stream_create(out, device, options);
}

static llm_status open_device(llm_device **out, const llm_host *host) {
    *out = NULL;
    llm_status status = open_library(host);
    if (status == LLM_OK) status = llmk_cpu_open(out, host);
    if (status != LLM_OK) return status;
    llmk_cpu_device *d = llmk_cpu_device_of(*out);
    pthread_mutex_lock(&openblas_lock);
    cpu_stream_create = d->device_ops.stream_create;
    pthread_mutex_unlock(&openblas_lock);
    d->device_ops.stream_create = create_stream;
    d->ops[LLM_OP_LINEAR] = linear;
    d->linear_scratch_bytes = scratch_bytes;
    return LLM_OK;
}

/* Describes it without loading it: see library.h. */
static llm_status probe(const llm_host *host, char *text, size_t capacity) {
    char cpu[64];
    if (!llmk_openblas_is_safe(text, capacity)) return LLM_E_DEVICE;
    llmk_features_describe(cpu, sizeof cpu, llmk_features_limit(llmk_features_detect(), host->cpu_mask));
    snprintf(text, capacity,
             "OpenBLAS for prompts on F32, F16 and BF16 weights, else %s; results may depend on the batch", cpu);
    return LLM_OK;
}

LLM_API const llm_backend *llm_backend_entry(void);

const llm_backend *llm_backend_entry(void) {
    static const llm_backend backend = {
        .struct_size = sizeof backend,
        .abi = LLM_BACKEND_ABI,
        .name = "openblas",
        .probe = probe,
        .open = open_device,
        .flags = LLM_BACKEND_ACTIVATIONS,
    };
    return &backend;
}
