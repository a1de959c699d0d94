/* How fast the CPU device attends: GB/s of the cache read in decode, GFLOP/s in prefill, and the time of
 * operations on rows, beside what the machine reads and multiplies.
 *     bench_attention [--threads N] [--mask LLM_CPU bits] [--repeats N] [--cpu-time 1]
 * With one thread and --cpu-time 1 only the time counts that the thread was given: for a busy machine. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "base/workers.h"
#include "kernels/backends.h"

#include <llm/sys/interpret.h>

enum { MAX_REPEATS = 100 };

static int32_t n_threads = 2, mask = LLM_CPU_ALL, n_repeats = 7, cpu_time = 0;
static llm_device *device;
static const llm_pool *pool;

static double now(void) {
    struct timespec t;
    clock_gettime(cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median seconds of a call. */
static double measure(void (*call)(void *arg), void *arg) {
    double times[MAX_REPEATS];
    call(arg);
    for (int i = 0; i < n_repeats; i++) {
        double begin = now();
        call(arg);
        times[i] = now() - begin;
    }
    qsort(times, (size_t)n_repeats, sizeof times[0], by_value);
    return times[n_repeats / 2];
}

static void *take(size_t n_bytes) {
    void *ptr = aligned_alloc(1 << 21, (n_bytes + (1 << 21) - 1) >> 21 << 21);
    if (!ptr) exit(1);
    madvise(ptr, n_bytes, MADV_HUGEPAGE);
    return ptr;
}

static float *noise(size_t n) {
    float *x = take(n * sizeof *x);
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)state * 0x1p-30f;
    }
    return x;
}

/* ---- the machine's reading ---- */

enum { READ_BYTES = 512 << 20, READ_TASKS = 64 };

static const float *read_memory;
static volatile float read_result;

static void read_task(void *arg, int32_t index) {
    typedef float lanes __attribute__((vector_size(64)));
    const size_t n = READ_BYTES / READ_TASKS / sizeof(lanes);
    const lanes *at = (const lanes *)(const void *)read_memory + (size_t)index * n;
    lanes sum[4] = {{0}};
    for (size_t i = 0; i < n / 4; i++)
        for (size_t j = 0; j < 4; j++) sum[j] += at[j * (n / 4) + i];
    read_result = sum[0][0] + sum[1][0] + sum[2][0] + sum[3][0];
}

static void read_all(void *arg) {
    pool->run(pool->user, READ_TASKS, read_task, NULL);
}

static double read_speed(void) {
    return READ_BYTES / measure(read_all, NULL) * 1e-9;
}

/* ---- attention ---- */

typedef struct shape {
    const char *name;
    int32_t n_heads, n_kv_heads, head_dim;
} shape;

/* A program and a step of it; values lie in one workspace. */
typedef struct work {
    llm_stream *s;
    llm_program program;
    llm_step step;
    int32_t first, n; /* operations that count */
} work;

static void open_work(work *w, float *workspace, size_t n_floats) {
    w->program.struct_size = sizeof w->program;
    w->program.op_size = sizeof(llm_op);
    w->program.workspace_bytes = n_floats * sizeof(float);
    w->step.workspace = (char *)(void *)workspace;
    llm_stream_options options = {.struct_size = sizeof options, .program = &w->program, .pool = pool};
    if (device->ops->stream_create(&w->s, device, &options) < 0) exit(1);
}

static void run_work(void *arg) {
    work *w = arg;
    w->s->ops->run(w->s, &w->step, w->first, w->n);
    if (w->s->ops->sync(w->s) < 0) exit(1);
}

static llm_value value_at(int64_t first, int64_t cols) {
    return (llm_value){first * (int64_t)sizeof(float), (int32_t)cols, (int32_t)cols, LLM_ROWS_STEP};
}

/* n_rows rows at the end of a sequence of `depth` tokens, in enough layers to leave the caches. */
static double attention_seconds(const shape *s, int32_t depth, int32_t n_rows, int32_t n_layers, llm_dtype dtype) {
    enum { PAGE = 32 };
    int64_t kv_width = (int64_t)s->n_kv_heads * s->head_dim, q_width = (int64_t)s->n_heads * s->head_dim;
    int64_t n_kv = depth * kv_width, n_q = n_rows * q_width;
    int32_t n_pages = (depth + PAGE - 1) / PAGE, seq_rows[2] = {0, depth};
    int32_t *pages = take((size_t)n_pages * 4), *positions = take((size_t)depth * 4), *zeros = take((size_t)depth * 4);
    float *workspace = noise((size_t)(n_kv + 2 * n_q));
    llm_op *ops = take(2 * (size_t)n_layers * sizeof *ops);
    llm_state_desc *states = take((size_t)n_layers * sizeof *states);
    memset(zeros, 0, (size_t)depth * 4);
    for (int32_t i = 0; i < depth; i++) positions[i] = i;
    for (int32_t i = 0; i < n_pages; i++) pages[i] = (int32_t)((int64_t)i * 37 % n_pages);
    llm_value kv = value_at(0, kv_width), q = value_at(n_kv, q_width), out = value_at(n_kv + n_q, q_width);
    for (int32_t i = 0; i < n_layers; i++) {
        states[i] = (llm_state_desc){LLM_STATE_PAGED, 0, s->n_kv_heads, s->head_dim, s->head_dim, dtype, 0};
        ops[i] = (llm_op){.kind = LLM_OP_KV_WRITE, .in = {kv, kv}, .u.kv_write = {i}};
        ops[n_layers + i] = (llm_op){.kind = LLM_OP_ATTEND, .in = {q}, .out = {out}};
        ops[n_layers + i].u.attend = (llm_attend_args){i, s->n_heads, 0, 0.1f};
    }
    work w = {.program = {.ops = ops, .states = states, .n_ops = 2 * n_layers, .n_states = n_layers, .n_groups = 1}};
    w.program.limits = (llm_limits){{depth, 0, 0}, 1, PAGE, dtype};
    llm_state_table table = {.pages = pages, .width = n_pages};
    w.step = (llm_step){.rows = {depth}, .seqs = 1, .positions = positions, .row_seq = zeros, .seq_rows = seq_rows};
    w.step.tables = &table;
    /* queries of fewer rows than keys lie closer together than the program says, which only checks the room */
    open_work(&w, workspace, (size_t)(n_kv + (n_q + depth * q_width)));
    if (device->ops->state_create(&table.state, device, &w.program, 0, n_pages) < 0) exit(1);
    w.n = n_layers;
    run_work(&w);
    w.step.rows[LLM_ROWS_STEP] = seq_rows[1] = n_rows;
    w.step.positions = positions + depth - n_rows;
    w.first = n_layers;
    double seconds = measure(run_work, &w) / n_layers;
    device->ops->state_free(device, table.state);
    w.s->ops->sync(w.s);
    device->ops->stream_destroy(w.s);
    free(pages), free(positions), free(zeros), free(workspace), free(ops), free(states);
    return seconds;
}

static const shape shapes[] = {
    {"llama-1b 32/8/64", 32, 8, 64},
    {"llama-8b 32/8/128", 32, 8, 128},
    {"qwen2.5-0.5b 14/2/64", 14, 2, 64},
    {"llama-7b 32/32/128", 32, 32, 128},
};

enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static void decode(const shape *s, llm_dtype dtype) {
    for (int32_t depth = 512; depth <= 16384; depth = depth == 512 ? 4096 : depth * 4) {
        int64_t bytes = 2 * (int64_t)depth * s->n_kv_heads * s->head_dim * (dtype == LLM_DTYPE_F16 ? 2 : 4);
        int32_t n_layers = (int32_t)((256 << 20) / bytes);
        if (n_layers < 1) n_layers = 1;
        double before = read_speed(), seconds = attention_seconds(s, depth, 1, n_layers, dtype);
        double limit = 0.5 * (before + read_speed()), speed = (double)bytes / seconds * 1e-9;
        printf("| decode | %s | %s | %d | %.1f us | %.1f GB/s | %.0f%% of %.1f GB/s |\n", s->name,
               dtype == LLM_DTYPE_F16 ? "F16" : "F32", (int)depth, seconds * 1e6, speed, 100 * speed / limit, limit);
    }
}

static void prefill(const shape *s, llm_dtype dtype) {
    for (int32_t depth = 512; depth <= 4096; depth *= 8) {
        double flops = 2.0 * depth * (depth + 1) * s->n_heads * s->head_dim;
        double seconds = attention_seconds(s, depth, depth, 1, dtype);
        printf("| prefill | %s | %s | %d | %.2f ms | %.1f GFLOP/s | |\n", s->name,
               dtype == LLM_DTYPE_F16 ? "F16" : "F32", (int)depth, seconds * 1e3, flops / seconds * 1e-9);
    }
}

/* ---- rows ---- */

static void bench_rows(int32_t n_rows) {
    const struct {
        const char *name;
        llm_op op;
        int64_t cols;
    } calls[] = {{"norm", {.kind = LLM_OP_NORM, .u.norm = {0, 1e-5f}}, 2048},
                 {"rope", {.kind = LLM_OP_ROPE, .u.rope = {64, LLM_ROPE_NEOX}}, 2048},
                 {"silu", {.kind = LLM_OP_ACT, .u.act = {LLM_ACT_SILU}}, 8192}};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        int64_t n = calls[i].cols;
        size_t n_floats = (size_t)(3 * n_rows * n);
        float *workspace = noise(n_floats);
        llm_op op = calls[i].op;
        op.in[0] = value_at(0, n);
        op.in[1] = op.kind == LLM_OP_ROPE ? value_at(n_rows * n, 64) : op.in[0];
        op.out[0] = op.kind == LLM_OP_ROPE ? op.in[0] : value_at(2 * n_rows * n, n);
        work w = {.program = {.ops = &op, .n_ops = 1}, .n = 1};
        w.program.limits.rows[LLM_ROWS_STEP] = w.step.rows[LLM_ROWS_STEP] = n_rows;
        open_work(&w, workspace, n_floats);
        double seconds = measure(run_work, &w);
        printf("| %s | %d x %d | | | %.2f us | %.2f elements/ns | |\n", calls[i].name, (int)n_rows, (int)n,
               seconds * 1e6, (double)(n_rows * n) / seconds * 1e-9);
        device->ops->stream_destroy(w.s);
        free(workspace);
    }
}

/* ---- the host ---- */

static void *host_alloc(void *user, size_t n_bytes, size_t alignment) {
    return aligned_alloc(alignment, (n_bytes + alignment - 1) / alignment * alignment);
}

static void host_free(void *user, void *ptr, size_t n_bytes) {
    free(ptr);
}

static void host_error(void *user, llm_status status, const char *text) {
    fprintf(stderr, "%s\n", text);
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        int32_t value = (int32_t)strtol(argv[i + 1], NULL, 0);
        if (!strcmp(argv[i], "--threads")) n_threads = value;
        if (!strcmp(argv[i], "--mask")) mask = value;
        if (!strcmp(argv[i], "--cpu-time")) cpu_time = value;
        if (!strcmp(argv[i], "--repeats")) n_repeats = value < 1 ? 1 : value > MAX_REPEATS ? MAX_REPEATS : value;
    }
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    llm_allocator allocator = {NULL, host_alloc, host_free};
    llm_host host = {
        .struct_size = sizeof host, .cpu_mask = mask, .alloc = host_alloc, .free = host_free, .set_error = host_error};
    llmi_workers *workers;
    if (llmi_workers_create(&workers, &allocator, n_threads) < 0) return 1;
    pool = llmi_workers_pool(workers);
    char text[80];
    llmk_cpu_backend()->probe(&host, text, sizeof text);
    if (llmk_cpu_backend()->open(&device, &host) < 0) return 1;
    read_memory = noise(READ_BYTES / sizeof(float));
    printf(
        "%s, %d threads\n\n| what | shape | cache | tokens | time | speed | share |\n|---|---|---|---|---|---|---|\n",
        text, (int)n_threads);
    for (int i = 0; i < N_SHAPES; i++) decode(&shapes[i], LLM_DTYPE_F16);
    decode(&shapes[0], LLM_DTYPE_F32);
    for (int i = 0; i < N_SHAPES; i++) prefill(&shapes[i], LLM_DTYPE_F16);
    prefill(&shapes[0], LLM_DTYPE_F32);
    bench_rows(1);
    bench_rows(512);
    device->ops->close(device);
    llmi_workers_destroy(workers);
    return 0;
}
