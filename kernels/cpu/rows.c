/* Operations on rows of activations. An element depends on its own row alone, so rows may be distributed in any way; a
 * few rows are not worth waking a thread. */
#include <math.h>
#include <string.h>

#include "cpu/cpu.h"

/* Elements of a piece of work. */
enum { PIECE = 8192, STEPS = 8 /* multiply-adds in the time of one of them */ };

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

static void norm_row(const job *j, int64_t r) {
    const float *x = llm_view_row(j->a, r);
    float *out = llm_view_row(j->out, r);
    for (int64_t c = 0; c < j->a.cols; c += j->head_dim)
        j->k->rms_norm(out + c, x + c, j->vector, j->head_dim, j->number);
}

void llmk_norm(llm_stream *s, const llm_op *op, const llm_step *step) {
    const llm_norm_args *args = &op->u.norm;
    run(s, (job){
               .row = norm_row,
               .out = llm_step_view(step, op->out[0]),
               .a = llm_step_view(step, op->in[0]),
               .vector = op->w[0] ? llmk_weight_vector(op->w[0]) : NULL,
               .number = args->eps,
               .head_dim = args->group ? args->group : op->in[0].cols,
           });
}

static void angles_row(const job *j, int64_t r) {
    int64_t n = j->out.cols / 2;
    float *out = llm_view_row(j->out, r);
    for (int64_t i = 0; i < n; i++) {
        float angle = (float)j->index[r] * j->vector[i]; /* F32, as models are trained */
        out[i] = cosf(angle) * j->number;
        out[n + i] = sinf(angle) * j->number;
    }
}

void llmk_angles(llm_stream *s, const llm_op *op, const llm_step *step) {
    run(s, (job){
               .row = angles_row,
               .out = llm_step_view(step, op->out[0]),
               .index = step->positions,
               .vector = llmk_weight_vector(op->w[0]),
               .number = op->u.angles.scale,
           });
}

static void rope_row(const job *j, int64_t r) {
    j->k->rope[j->choice](llm_view_row(j->out, r), llm_view_row(j->a, r), j->out.cols / j->head_dim, j->head_dim,
                          j->a.cols / 2);
}

void llmk_rope(llm_stream *s, const llm_op *op, const llm_step *step) {
    const llm_rope_args *args = &op->u.rope;
    run(s, (job){
               .row = rope_row,
               .out = llm_step_view(step, op->out[0]),
               .a = llm_step_view(step, op->in[1]),
               .head_dim = args->head_dim,
               .choice = args->style,
           });
}

static void act_row(const job *j, int64_t r) {
    j->k->glu[j->choice](llm_view_row(j->out, r), llm_view_row(j->a, r), llm_view_row(j->b, r), j->out.cols);
}

void llmk_act(llm_stream *s, const llm_op *op, const llm_step *step) {
    run(s, (job){
               .row = act_row,
               .out = llm_step_view(step, op->out[0]),
               .a = llm_step_view(step, op->in[0]),
               .b = llm_step_view(step, op->in[1]),
               .choice = op->u.act.kind,
           });
}

static void gather_row(const job *j, int64_t r) {
    memcpy(llm_view_row(j->out, r), llm_view_row(j->a, j->index[r]), (size_t)j->out.cols * sizeof(float));
}

void llmk_gather(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llm_view out = llm_step_view(step, op->out[0]), x = llm_step_view(step, op->in[0]);
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    for (int64_t i = 0; i < out.rows; i++)
        if (!llmk_cpu_start(s, step->out_rows[i] >= 0 && step->out_rows[i] < x.rows, "GATHER: no such row")) return;
    run(stream, (job){.row = gather_row, .out = out, .a = x, .index = step->out_rows});
}
