/* Operations on rows of activations. An element depends on its own row alone, so rows may be shared out
 * in any way; few of them are not worth waking a thread. */
#include <math.h>
#include <string.h>

#include "common.h"
#include "cpu/cpu.h"

/* Elements of a piece of work. */
enum { PIECE = 8192, STEPS = 8 /* multiply-adds that take as long as one of them */ };

typedef struct job {
    const llmk_row_kernels *k;
    void (*row)(const struct job *j, int64_t r);
    llm_view out, a, b;
    const float *vector;
    const int32_t *index;
    float number;
    int32_t head_dim, choice;
    int64_t rows_per_piece;
} job;

static void piece(void *arg, int64_t index, int32_t slot) {
    const job *j = arg;
    int64_t begin = index * j->rows_per_piece, end = begin + j->rows_per_piece;
    if (end > j->out.rows) end = j->out.rows;
    for (int64_t r = begin; r < end; r++) j->row(j, r);
}

static void run(llm_stream *stream, job j) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    j.k = &s->k->rows;
    j.rows_per_piece = j.out.cols > 0 && j.out.cols < PIECE ? PIECE / j.out.cols : 1;
    double n_steps = (double)j.out.rows * (double)j.out.cols * STEPS;
    llmk_cpu_share(s, n_steps, (j.out.rows + j.rows_per_piece - 1) / j.rows_per_piece, piece, &j);
}

static bool start(llm_stream *stream, bool fits, const char *text) {
    return llmk_cpu_start(llmk_cpu_stream_of(stream), fits, text);
}

static void norm_row(const job *j, int64_t r) {
    j->k->rms_norm(llmk_row(j->out, r), llmk_row(j->a, r), j->vector, j->a.cols, j->number);
}

void llmk_rms_norm(llm_stream *s, llm_view out, llm_view x, const llm_weight *w, float eps) {
    bool fits = llmk_same_shape(out, x) && (!w || llmk_weight_is_vector(w, x.cols));
    if (!start(s, fits, "rms_norm: shapes differ")) return;
    run(s, (job){.row = norm_row, .out = out, .a = x, .vector = w ? llmk_weight_vector(w) : NULL, .number = eps});
}

static void angles_row(const job *j, int64_t r) {
    int64_t n = j->out.cols / 2;
    float *out = llmk_row(j->out, r);
    for (int64_t i = 0; i < n; i++) {
        float angle = (float)j->index[r] * j->vector[i]; /* F32, as models are trained */
        out[i] = cosf(angle) * j->number;
        out[n + i] = sinf(angle) * j->number;
    }
}

void llmk_rope_angles(llm_stream *s, llm_view angles, const int32_t *positions, const float *inv_freq, float scale) {
    if (!start(s, angles.cols % 2 == 0, "rope_angles: odd width")) return;
    run(s, (job){.row = angles_row, .out = angles, .index = positions, .vector = inv_freq, .number = scale});
}

static void rope_row(const job *j, int64_t r) {
    j->k->rope[j->choice](llmk_row(j->out, r), llmk_row(j->a, r), j->out.cols / j->head_dim, j->head_dim,
                          j->a.cols / 2);
}

void llmk_rope(llm_stream *s, llm_view x, llm_view angles, int32_t head_dim, int32_t style) {
    bool fits = llmk_rope_fits(x, angles, head_dim) && style >= 0 && style < LLMK_N_ROPE_STYLES;
    if (!start(s, fits, "rope: shapes differ")) return;
    run(s, (job){.row = rope_row, .out = x, .a = angles, .head_dim = head_dim, .choice = style});
}

static void glu_row(const job *j, int64_t r) {
    j->k->glu[j->choice](llmk_row(j->out, r), llmk_row(j->a, r), llmk_row(j->b, r), j->out.cols);
}

void llmk_glu(llm_stream *s, llm_view out, llm_view gate, llm_view up, int32_t act) {
    bool fits = llmk_same_shape(out, gate) && llmk_same_shape(out, up) && act >= 0 && act < LLMK_N_ACTS;
    if (!start(s, fits, "glu: shapes differ")) return;
    run(s, (job){.row = glu_row, .out = out, .a = gate, .b = up, .choice = act});
}

static void add_row(const job *j, int64_t r) {
    j->k->add(llmk_row(j->out, r), llmk_row(j->a, r), llmk_row(j->b, r), j->out.cols);
}

void llmk_add(llm_stream *s, llm_view out, llm_view a, llm_view b) {
    if (!start(s, llmk_same_shape(out, a) && llmk_same_shape(out, b), "add: shapes differ")) return;
    run(s, (job){.row = add_row, .out = out, .a = a, .b = b});
}

static void gather_row(const job *j, int64_t r) {
    memcpy(llmk_row(j->out, r), llmk_row(j->a, j->index[r]), (size_t)j->out.cols * sizeof(float));
}

void llmk_gather(llm_stream *s, llm_view out, llm_view x, const int32_t *rows) {
    if (!start(s, out.cols == x.cols, "gather: widths differ")) return;
    for (int64_t i = 0; i < out.rows; i++)
        if (!start(s, rows[i] >= 0 && rows[i] < x.rows, "gather: no such row")) return;
    if (out.cols > 0) run(s, (job){.row = gather_row, .out = out, .a = x, .index = rows});
}
