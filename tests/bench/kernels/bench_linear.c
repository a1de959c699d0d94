/* Speed of linear operations by data type, instruction set and number of rows, beside the machine's limits:
 *     bench_linear [--type Q4_0] [--isa NAME] [--rows N] [--out N] [--in N] [--in-place] [--hot]
 *         [--activations f32|bf16]
 * One thread, time of its processor, so that other work on the machine costs little but bandwidth. For one
 * row, many matrices are read in turn so that they come from memory; --hot: one, which caches may hold. */
#include "backends.h"
#include "dtype.h"
#include "limits.h"

#include <llm/sys/interpret.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOTAL_BYTES = 192 << 20, MAX_MATRICES = 256, N_WARM_UPS = 6, N_REPEATS = 5 };

typedef struct config {
    const char *type, *isa;
    int64_t rows, out, in;
    int in_place, hot, activations;
} config;

static const struct {
    const char *name;
    int32_t mask;
    int32_t f32, int8; /* limits */
} levels[] = {
    {"portable", 0, LLMB_F32_AVX2, LLMB_INT8_AVX2},
    {"avx2", LLM_CPU_AVX2, LLMB_F32_AVX2, LLMB_INT8_AVX2},
    {"avx512", LLM_CPU_AVX2 | LLM_CPU_AVX512, LLMB_F32, LLMB_INT8_AVX2},
    {"vnni", LLM_CPU_AVX2 | LLM_CPU_AVX512 | LLM_CPU_AVX512_VNNI, LLMB_F32, LLMB_INT8},
    {"all", LLM_CPU_ALL, LLMB_F32, LLMB_INT8},
};

static void *take(void *user, size_t n_bytes, size_t alignment) {
    if (n_bytes > 4 << 20) alignment = 2 << 20;
    return aligned_alloc(alignment, (n_bytes + alignment - 1) / alignment * alignment);
}

static void give(void *user, void *ptr, size_t n_bytes) {
    free(ptr);
}

static void tell(void *user, llm_status status, const char *text) {
    fprintf(stderr, "bench_linear: %s\n", text);
}

static void need(llm_status status) {
    if (status != LLM_OK) exit(1);
}

/* Random blocks: one made by the quantizer, repeated. */
static void *make_matrix(const llmk_dtype *t, int64_t rows, int64_t cols, size_t *n_bytes) {
    float x[256 * 16];
    for (int i = 0; i < 256 * 16; i++) x[i] = (float)(rand() % 2001 - 1000) / 1000.0f;
    size_t unit = (size_t)(256 * 16 / t->block_elems * t->block_bytes);
    *n_bytes = (size_t)(rows * (cols / t->block_elems) * t->block_bytes);
    uint8_t *data = malloc(*n_bytes + unit);
    if (!data) exit(1);
    for (size_t at = 0; at < *n_bytes; at += unit) t->quantize(data + at, x, at == 0 ? 256 * 16 : 0);
    for (size_t at = unit; at < *n_bytes; at += unit) memcpy(data + at, data, unit);
    return data;
}

/* A product with each matrix in turn: x [rows, in], then out [rows, out] in one workspace. */
typedef struct state {
    llm_stream *s;
    llm_program program;
    llm_step step;
    llm_op ops[MAX_MATRICES];
} state;

static double run_once(state *st) {
    double begin = llmb_cpu_now();
    st->s->ops->run(st->s, &st->step, 0, st->program.n_ops);
    double seconds = llmb_cpu_now() - begin;
    need(st->s->ops->sync(st->s));
    return seconds;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench(const config *c, const llmk_dtype *t, int level, const double *limits) {
    llm_host host = {sizeof host, levels[level].mask, NULL, take, give, NULL, tell, c->activations};
    llm_device *d;
    static state st;
    size_t n_bytes, private_bytes;
    need(llmk_cpu_backend()->open(&d, &host));
    void *data = make_matrix(t, c->out, c->in, &n_bytes);
    int64_t n_x = c->rows * c->in;
    size_t workspace_bytes = (size_t)(n_x + c->rows * c->out) * sizeof(float);
    float *workspace = calloc(1, workspace_bytes);
    if (!workspace) exit(1);
    for (int64_t i = 0; i < n_x; i++) workspace[i] = (float)(rand() % 2001 - 1000) / 1000.0f;
    int n = c->rows >= 64 ? 1 : (int)(TOTAL_BYTES / n_bytes) + 1;
    n = n < MAX_MATRICES ? n : MAX_MATRICES;
    for (int i = 0; i < n; i++) {
        llm_weight *w = i > 0 ? (llm_weight *)st.ops[0].w[0] : NULL;
        llm_tensor tensor = {"w", data, n_bytes, c->out, c->in, t->dtype, c->in_place};
        if (i == 0 || !c->hot) need(d->ops->weight_put(&w, &private_bytes, d, &tensor));
        st.ops[i] = (llm_op){.kind = LLM_OP_LINEAR, .w = {w}, .u.linear = {.n = 1}};
        st.ops[i].in[0] = (llm_value){0, (int32_t)c->in, (int32_t)c->in, LLM_ROWS_STEP};
        st.ops[i].out[0] = (llm_value){n_x * (int64_t)sizeof(float), (int32_t)c->out, (int32_t)c->out, LLM_ROWS_STEP};
    }
    st.program =
        (llm_program){sizeof st.program, sizeof(llm_op), st.ops, .n_ops = n, .workspace_bytes = workspace_bytes};
    st.program.limits.rows[LLM_ROWS_STEP] = st.step.rows[LLM_ROWS_STEP] = (int32_t)c->rows;
    st.step.workspace = (char *)(void *)workspace;
    llm_stream_options options = {.struct_size = sizeof options, .program = &st.program};
    need(d->ops->stream_create(&st.s, d, &options));
    double times[N_REPEATS];
    need(d->ops->weights_prepare(d, NULL));
    for (int i = 0; i < N_WARM_UPS; i++) run_once(&st); /* in which the device packs the weights */
    for (int i = 0; i < N_REPEATS; i++) times[i] = run_once(&st);
    qsort(times, N_REPEATS, sizeof *times, by_size);
    double median = times[N_REPEATS / 2], gb = (double)n_bytes * n / median / 1e9;
    double gop = 2e-9 * (double)(c->rows * c->in * c->out) * n / median;
    int32_t limit = t->block_elems == 1 ? levels[level].f32 : levels[level].int8;
    printf("%-5s %-8s %4lld rows: %8.1f GOP/s (%3.0f %% of %.0f) %7.2f GB/s (%3.0f %% of %.1f)\n", t->name,
           levels[level].name, (long long)c->rows, gop, 100 * gop / limits[limit], limits[limit], gb,
           100 * gb / limits[LLMB_READ], limits[LLMB_READ]);
    fflush(stdout);
    d->ops->stream_destroy(st.s);
    for (int i = 0; i < (c->hot ? 1 : n); i++) d->ops->weight_free(d, (llm_weight *)st.ops[i].w[0]);
    d->ops->close(d);
    free(data);
    free(workspace);
}

static config parse(int argc, char **argv) {
    config c = {NULL, NULL, 0, 2048, 2048, 0, 0, LLM_ACTIVATIONS_AUTO};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--type") == 0) c.type = value;
        if (strcmp(argv[i], "--isa") == 0) c.isa = value;
        if (strcmp(argv[i], "--rows") == 0) c.rows = strtol(value, NULL, 10);
        if (strcmp(argv[i], "--out") == 0) c.out = strtol(value, NULL, 10);
        if (strcmp(argv[i], "--in") == 0) c.in = strtol(value, NULL, 10);
        if (strcmp(argv[i], "--in-place") == 0) c.in_place = 1;
        if (strcmp(argv[i], "--hot") == 0) c.hot = 1;
        if (strcmp(argv[i], "--activations") == 0)
            c.activations = strcmp(value, "f32") == 0    ? LLM_ACTIVATIONS_F32
                            : strcmp(value, "bf16") == 0 ? LLM_ACTIVATIONS_BF16
                                                         : LLM_ACTIVATIONS_AUTO;
    }
    return c;
}

int main(int argc, char **argv) {
    static const int64_t all_rows[] = {1, 4, 16, 512};
    config c = parse(argc, argv);
    double limits[LLMB_N_LIMITS];
    for (int32_t i = 0; i < LLMB_N_LIMITS; i++) limits[i] = llmb_limit_measure(i, 1, 3);
    for (int level = 0; level < (int)(sizeof levels / sizeof *levels); level++)
        for (int32_t i = 0; llmk_dtype_at(i); i++)
            for (int r = 0; r < 4; r++) {
                config one = c;
                if (c.isa && strcmp(c.isa, levels[level].name) != 0) continue;
                if (c.type && strcmp(c.type, llmk_dtype_at(i)->name) != 0) continue;
                if (c.rows && r > 0) continue;
                if (!c.rows) one.rows = all_rows[r];
                bench(&one, llmk_dtype_at(i), level, limits);
            }
    return 0;
}
