#include <inttypes.h>

#include "base/status.h"
#include "engine/internal.h"

enum { DEFAULT_MOST_CTX = 8192, PAGE_TOKENS = 32, LEAST_LOGITS = 64, MOST_DRAWS = 64, MOST_SAMPLERS = 8 };
#define MAX_KV_TOKENS ((int64_t)1 << 32)

/* Pages are counted in int32_t. */
static llm_status check_pages(const llm_engine_options *o) {
    if (o->n_kv_tokens <= MAX_KV_TOKENS) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "n_kv_tokens is %" PRId64 ", expected 0..%" PRId64, o->n_kv_tokens,
                      MAX_KV_TOKENS);
}

static bool is_stored_in_f32(const llm_model *m) {
    size_t f32 = 0, others = 0;
    for (int32_t i = 0; i < llmi_weights_tensor_count(m->weights); i++) {
        const llmi_tensor *t = llmi_weights_tensor_at(m->weights, i);
        *(t->dtype == LLM_DTYPE_F32 ? &f32 : &others) += t->n_bytes;
    }
    return f32 > others;
}

llm_status llmi_engine_resolve(llm_engine_options *out, const llm_model *m, const llm_engine_options *options) {
    if (!m->arch) return llmi_error(LLM_E_ARGUMENT, "the model was loaded with tokenizer_only, it has no weights");
    llm_status status = llmi_option_check("engine", options);
    if (status == LLM_OK) status = check_pages(options);
    if (status != LLM_OK) return status;
    int32_t trained = m->hp.n_ctx_train < DEFAULT_MOST_CTX ? m->hp.n_ctx_train : DEFAULT_MOST_CTX;
    *out = *options;
    if (!out->n_ctx) out->n_ctx = trained;
    if (!out->n_kv_tokens) out->n_kv_tokens = 2 * (int64_t)out->n_ctx;
    if (!out->n_threads) out->n_threads = llmi_runtime_threads(m->runtime);
    if (out->kv_dtype == LLM_DTYPE_AUTO) out->kv_dtype = is_stored_in_f32(m) ? LLM_DTYPE_F32 : LLM_DTYPE_F16;
    return LLM_OK;
}

static int32_t smaller(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Pages in the state of a group. With a window: for all rows of a step, and what each sequence sees; a window lies
 * across one page more than it fills, and one more is written while a shared one is copied. Sequences are the jobs' and
 * as many of the host's as the cache holds with a full context. */
static int32_t count_items(const llmi_dims *dims, const llm_engine_options *o, int32_t window) {
    int64_t n = dims->page_tokens, n_seqs = dims->n_seqs + (o->n_kv_tokens + o->n_ctx - 1) / o->n_ctx;
    int64_t items = n_seqs * ((window + n - 1) / n + 2) + (dims->n_batch + n - 1) / n;
    return window && items < dims->n_pages ? (int32_t)items : dims->n_pages;
}

void llmi_engine_dims(llmi_dims *out, const llm_model *m, const llm_engine_options *o) {
    int32_t n_pages = (int32_t)((o->n_kv_tokens + PAGE_TOKENS - 1) / PAGE_TOKENS);
    *out = (llmi_dims){
        .n_vocab = m->hp.n_vocab,
        .n_embd = m->hp.n_embd,
        .n_ctx = o->n_ctx,
        .n_seqs = o->n_seqs,
        .n_batch = o->n_batch,
        .step_seqs = smaller(o->n_seqs, o->n_batch),
        .max_logits = smaller(o->n_batch, o->n_seqs > LEAST_LOGITS ? o->n_seqs : LEAST_LOGITS),
        .page_tokens = PAGE_TOKENS,
        .n_pages = n_pages,
        .max_pages = smaller((o->n_ctx + PAGE_TOKENS - 1) / PAGE_TOKENS, n_pages),
        .n_samplers = smaller(o->n_threads, MOST_SAMPLERS),
        .keep = o->prefix_cache != 0,
    };
    out->n_groups = llmi_program_windows(out->windows, m);
    for (int32_t g = 0; g < out->n_groups; g++) out->n_items[g] = count_items(out, o, out->windows[g]);
    out->n_draws = smaller(out->max_logits + out->n_seqs, MOST_DRAWS);
}

void llmi_engine_place(llmi_engine *e, llmi_arena *arena, const llm_model *m) {
    const llmi_dims *dims = &e->dims;
    llmi_kv_cache_place(&e->cache, arena, dims);
    llmi_batch_place(&e->batch, arena, dims, &e->cache.pool);
    llmi_compute_place(&e->compute, arena, m, dims);
    e->outputs = llmi_arena_take(arena, (size_t)dims->max_logits + (size_t)dims->n_seqs, sizeof *e->outputs);
    e->draws = llmi_arena_take(arena, (size_t)dims->n_draws, sizeof *e->draws);
    e->samplers = llmi_arena_take(arena, (size_t)dims->n_samplers, sizeof *e->samplers);
}

/* Everything that llmi_engine_create allocates. */
llm_status llmi_engine_estimate(llm_engine_memory *out, const llm_model *m, const llm_engine_options *resolved) {
    llmi_engine e = {0};
    llmi_engine_dims(&e.dims, m, resolved);
    llmi_arena arena = {0};
    llmi_engine_place(&e, &arena, m);
    llm_pool pool = {.n_threads = resolved->n_threads};
    llmi_compute_size size;
    llm_status status = llmi_compute_measure(&size, m, &e.dims, resolved->kv_dtype, &pool);
    if (status != LLM_OK) return status;
    size_t parts[] = {
        sizeof e,
        arena.used,
        llmi_workers_bytes(resolved->n_threads),
        (size_t)e.dims.n_samplers * llmi_sampler_bytes(e.dims.n_vocab),
        size.workspace,
        size.tables,
        size.stream,
    };
    size_t workspace = 0, total = 0;
    bool fits = !arena.overflow;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        fits = fits && llmi_add(&workspace, workspace, parts[i]);
    fits = fits && llmi_add(&total, workspace, size.kv) && llmi_add(&total, total, m->private_bytes);
    if (!fits || total > INT64_MAX)
        return llmi_error(LLM_E_ARGUMENT, "the engine's options ask for more memory than there are addresses");
    out->n_ctx = resolved->n_ctx;
    out->n_kv_tokens = resolved->n_kv_tokens;
    out->kv_bytes = (int64_t)size.kv;
    out->workspace_bytes = (int64_t)workspace;
    out->weight_bytes = (int64_t)m->private_bytes;
    out->total_bytes = (int64_t)total;
    return LLM_OK;
}
