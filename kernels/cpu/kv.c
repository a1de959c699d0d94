#include "cpu/kv.h"

#include <string.h>

#include "cpu/cpu.h"

static bool layout(llmk_kv *kv, const llm_state_desc *d, int32_t page_tokens, int32_t n_pages) {
    int64_t stride = ((int64_t)d->k_dim + LLMK_KV_PANEL - 1) / LLMK_KV_PANEL * LLMK_KV_PANEL;
    bool f16 = d->dtype == LLM_DTYPE_F16;
    *kv = (llmk_kv){
        .n_heads = d->n_heads,
        .head_dim = d->k_dim,
        .page_tokens = page_tokens,
        .n_pages = n_pages,
        .f16 = f16,
        .values_stride = (int32_t)stride,
        .elem_bytes = f16 ? 2 : 4,
    };
    kv->n_panels = page_tokens / LLMK_KV_PANEL + (page_tokens % LLMK_KV_PANEL != 0);
    size_t n = LLMK_KV_PANEL * kv->elem_bytes;
    kv->keys_bytes = n * (size_t)d->k_dim;
    kv->values_bytes = n * (size_t)stride;
    n = kv->keys_bytes + kv->values_bytes;
    bool fits = stride <= INT32_MAX && llmk_multiply(&n, kv->n_panels);
    kv->head_bytes = n;
    fits = fits && llmk_multiply(&n, d->n_heads);
    kv->page_bytes = n;
    fits = fits && llmk_multiply(&n, n_pages);
    kv->n_bytes = n;
    return fits;
}

/* Lays out the group's layers one after the other. kv [n_states] of the program, or NULL: only measures. */
static llm_status plan(size_t *n_bytes, llmk_kv *kv, llm_device *device, const llm_program *p, int32_t group,
                       int32_t n_pages) {
    *n_bytes = 0;
    llm_status status = llmk_states_check(device->host, p, group, n_pages);
    if (status < 0) return status;
    for (int32_t i = 0; i < p->n_states; i++) {
        llmk_kv one = {0};
        bool mine = p->states[i].group == group;
        if (mine &&
            (!layout(&one, &p->states[i], p->limits.page_tokens, n_pages) || !llmk_add_size(n_bytes, one.n_bytes)))
            return llmk_error(device->host, LLM_E_MEMORY, "KV cache: beyond the address space");
        if (kv) kv[i] = one;
    }
    return LLM_OK;
}

static size_t head_bytes(int32_t n_states) {
    return sizeof(llm_state) + (size_t)n_states * sizeof(llmk_kv);
}

llm_status llmk_state_bytes(size_t *out, llm_device *device, const llm_program *p, int32_t group, int32_t n_pages) {
    llm_status status = plan(out, NULL, device, p, group, n_pages);
    if (status == LLM_OK) *out += head_bytes(p->n_states);
    return status;
}

llm_status llmk_state_create(llm_state **out, llm_device *device, const llm_program *p, int32_t group,
                             int32_t n_pages) {
    *out = NULL;
    llm_state *state = llmk_take(device->host, head_bytes(p->n_states));
    if (!state) return LLM_E_MEMORY;
    *state = (llm_state){.n_states = p->n_states};
    llm_status status = plan(&state->n_bytes, state->kv, device, p, group, n_pages);
    if (status == LLM_OK) state->data = llmk_take_large(device->host, state->n_bytes);
    if (!state->data) {
        llmk_give(device->host, state, head_bytes(p->n_states));
        return status == LLM_OK ? LLM_E_MEMORY : status;
    }
    uint8_t *at = state->data;
    for (int32_t i = 0; i < p->n_states; i++)
        if (p->states[i].group == group) {
            state->kv[i].data = at;
            at += state->kv[i].n_bytes;
        }
    *out = state;
    return LLM_OK;
}

void llmk_state_free(llm_device *device, llm_state *state) {
    if (!state) return;
    llmk_give(device->host, state->data, state->n_bytes);
    llmk_give(device->host, state, head_bytes(state->n_states));
}

/* ---- writing ---- */

typedef struct job {
    llmk_cpu_stream *s;
    const llmk_kv *kv;
    const llm_state_table *table;
    int32_t rows_per_piece;
    llm_view k, v;
    const llm_step *step;
} job;

/* Element i of a key goes to lane `lane` of the panel's row i. */
static void put_key(const llmk_kv *kv, uint8_t *panel, int32_t lane, const float *x,
                    const llmk_attention_kernels *kernels) {
    enum { CHUNK = 64 };
    int32_t dim = kv->head_dim;
    if (!kv->f16) {
        float *to = (float *)(void *)panel + lane;
        for (int32_t i = 0; i < dim; i++) to[(int64_t)i * LLMK_KV_PANEL] = x[i];
        return;
    }
    uint16_t half[CHUNK], *to = (uint16_t *)(void *)panel + lane;
    for (int32_t begin = 0; begin < dim; begin += CHUNK) {
        int32_t n = dim - begin < CHUNK ? dim - begin : CHUNK;
        kernels->narrow(half, x + begin, n);
        for (int32_t i = 0; i < n; i++) to[(int64_t)(begin + i) * LLMK_KV_PANEL] = half[i];
    }
}

static void put_value(const llmk_kv *kv, uint8_t *panel, int32_t lane, const float *x,
                      const llmk_attention_kernels *kernels) {
    size_t n = (size_t)kv->head_dim, stride = (size_t)kv->values_stride;
    uint8_t *to = panel + (size_t)lane * stride * kv->elem_bytes;
    if (!kv->f16)
        memcpy(to, x, n * sizeof *x);
    else
        kernels->narrow((uint16_t *)(void *)to, x, (int64_t)n);
    memset(to + n * kv->elem_bytes, 0, (stride - n) * kv->elem_bytes);
}

static void write_row(const job *j, int32_t r) {
    const llmk_kv *kv = j->kv;
    int32_t position = j->step->positions[r], seq = j->step->row_seq[r], n = kv->page_tokens;
    int32_t page = position < 0 ? -1 : llmk_step_page(j->step, j->table, kv->n_pages, seq, position / n);
    if (page < 0) {
        llmk_cpu_fail(j->s, LLM_E_INTERNAL, "KV_WRITE: no such page");
        return;
    }
    int32_t token = position % n, lane = token % LLMK_KV_PANEL, panel = token / LLMK_KV_PANEL;
    for (int32_t h = 0; h < kv->n_heads; h++) {
        int64_t at = (int64_t)h * kv->head_dim;
        uint8_t *keys = llmk_kv_keys(kv, page, h, panel), *values = llmk_kv_values(kv, page, h, panel);
        put_key(kv, keys, lane, llm_view_row(j->k, r) + at, &j->s->k->attention);
        put_value(kv, values, lane, llm_view_row(j->v, r) + at, &j->s->k->attention);
    }
}

static void write_piece(void *arg, int64_t index, int32_t slot) {
    const job *j = arg;
    int64_t begin = index * j->rows_per_piece, end = begin + j->rows_per_piece;
    if (end > j->k.rows) end = j->k.rows;
    for (int64_t r = begin; r < end; r++) write_row(j, (int32_t)r);
}

void llmk_kv_write(llm_stream *stream, const llm_op *op, const llm_step *step) {
    enum { PIECE_ROWS = 16 };   /* a panel or two: threads seldom write to the same cache lines */
    enum { STEPS_OF_ONE = 16 }; /* multiply-adds in the time of writing one element */
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    int32_t state = op->u.kv_write.state;
    const llm_state_table *table = llmk_kv_table(s->program, step, state);
    job j = {s, &table->state->kv[state], table, PIECE_ROWS, .step = step};
    j.k = llm_step_view(step, op->in[0]);
    j.v = llm_step_view(step, op->in[1]);
    double n_steps = (double)j.k.rows * (double)(j.k.cols + j.v.cols) * STEPS_OF_ONE;
    llmk_cpu_share(s, n_steps, (j.k.rows + PIECE_ROWS - 1) / PIECE_ROWS, write_piece, &j);
}

/* ---- copying ---- */

/* The first n tokens of one head. */
static void copy_head(const llmk_kv *kv, uint8_t *to, const uint8_t *from, int32_t n) {
    size_t line = LLMK_KV_PANEL * kv->elem_bytes, whole = (size_t)(n / LLMK_KV_PANEL) * kv->keys_bytes;
    size_t rest = (size_t)(n % LLMK_KV_PANEL) * kv->elem_bytes, values = (size_t)kv->n_panels * kv->keys_bytes;
    memcpy(to, from, whole);
    for (size_t at = whole, i = 0; rest && i < (size_t)kv->head_dim; i++, at += line) memcpy(to + at, from + at, rest);
    memcpy(to + values, from + values, (size_t)n * (size_t)kv->values_stride * kv->elem_bytes);
}

void llmk_state_copy(llm_stream *stream, llm_state *state, int32_t dst, int32_t src, int32_t n_tokens) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    for (int32_t i = 0; i < state->n_states; i++) {
        const llmk_kv *kv = &state->kv[i];
        if (!kv->data) continue;
        bool fits = dst >= 0 && dst < kv->n_pages && src >= 0 && src < kv->n_pages && n_tokens >= 0 &&
                    n_tokens <= kv->page_tokens;
        if (!llmk_cpu_start(s, fits, "copy of a page: no such page") || dst == src) return;
        for (int32_t h = 0; h < kv->n_heads; h++)
            copy_head(kv, llmk_kv_head(kv, dst, h), llmk_kv_head(kv, src, h), n_tokens);
    }
}
