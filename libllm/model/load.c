#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/options.h"
#include "base/text.h"
#include "dtype.h"
#include "model/adapt.h"
#include "model/bind.h"
#include "model/rope.h"

/* ---- rotary frequencies ---- */

/* GGUF's rope_freqs.weight: one divisor for each of n frequencies; *found says whether the file has them. */
static llm_status get_factors(float *factors, bool *found, const llm_model *m, int32_t n) {
    const llmi_tensor *t = llmi_weights_tensor(m->weights, "rope_freqs.weight");
    *found = t != NULL;
    if (!t) return LLM_OK;
    if (t->dtype != LLM_DTYPE_F32 || t->n_dims != 1 || t->shape[0] != n)
        return llmi_error(LLM_E_FORMAT,
                          "tensor \"rope_freqs.weight\" has type %d, %d dimensions and rows of %lld, "
                          "expected F32 (%d), 1 and %d",
                          t->dtype, t->n_dims, (long long)t->shape[0], LLM_DTYPE_F32, n);
    memcpy(factors, t->data, (size_t)n * sizeof *factors);
    for (int32_t i = 0; i < n; i++)
        if (!(factors[i] > 0 && isfinite(factors[i])))
            return llmi_error(LLM_E_FORMAT, "tensor \"rope_freqs.weight\": element %d is %g, expected above 0", i,
                              (double)factors[i]);
    return LLM_OK;
}

static llm_status place_frequencies(llm_model *m, llmi_rope_table *table, const llmi_rope_hparams *hp) {
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    int32_t n = hp->n_rot / 2;
    size_t n_bytes = (size_t)n * sizeof(float);
    float *factors = llmi_alloc(a, n_bytes);
    bool found;
    table->n = n;
    table->inv_freq = llmi_alloc(a, n_bytes);
    llm_status status = factors && table->inv_freq ? get_factors(factors, &found, m, n) : LLM_E_MEMORY;
    if (status == LLM_OK) {
        bool gguf = llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF;
        llmi_rope_frequencies(table->inv_freq, &table->scale, hp, found ? factors : NULL, gguf);
        llm_tensor tensor = {
            .name = "rotary frequencies",
            .data = table->inv_freq,
            .n_bytes = n_bytes,
            .rows = 1,
            .cols = n,
            .dtype = LLM_DTYPE_F32,
        };
        size_t private_bytes = 0;
        status = m->device->ops->weight_put(&table->w, &private_bytes, m->device, &tensor);
        m->private_bytes += private_bytes;
    }
    if (factors) llmi_free(a, factors, n_bytes);
    return status;
}

static llmi_rope_table *table_of(const llm_model *m, int32_t i) {
    return (llmi_rope_table *)(void *)((char *)m->family + m->arch->ropes[i].table);
}

static llm_status place_tables(llm_model *m) {
    llm_status status = LLM_OK;
    for (int32_t i = 0; i < m->arch->n_ropes && status == LLM_OK; i++) {
        const void *hp = (const char *)m->hparams + m->arch->ropes[i].hparams;
        status = place_frequencies(m, table_of(m, i), hp);
    }
    return status;
}

static void free_tables(llm_model *m) {
    for (int32_t i = 0; m->family && i < m->arch->n_ropes; i++) {
        const llmi_rope_table *table = table_of(m, i);
        const llm_allocator *a = llmi_runtime_allocator(m->runtime);
        if (table->w) m->device->ops->weight_free(m->device, table->w);
        if (table->inv_freq) llmi_free(a, table->inv_freq, (size_t)table->n * sizeof *table->inv_freq);
    }
}

/* ---- life ---- */

static void model_free(llm_model *m) {
    llm_runtime *rt = m->runtime;
    const llm_allocator *a = llmi_runtime_allocator(rt);
    if (m->tokenizer) m->tokenizer_destroy(m->tokenizer);
    for (int32_t i = 0; i < m->n_owned; i++) m->device->ops->weight_free(m->device, m->owned[i]);
    free_tables(m);
    if (m->device) m->device->ops->close(m->device);
    llmi_adapt_free(&m->copies);
    if (m->owned) llmi_free(a, m->owned, m->owned_capacity * sizeof *m->owned);
    if (m->layers) llmi_free(a, m->layers, (size_t)m->hp.n_layers * m->arch->layer_bytes);
    if (m->family) llmi_free(a, m->family, m->arch->model_bytes);
    if (m->hparams) llmi_free(a, m->hparams, m->arch->hparams_bytes);
    if (m->backend) llmi_free(a, m->backend, strlen(m->backend) + 1);
    llmi_weights_unref(m->weights);
    llmi_free(a, m, sizeof *m);
    llm_runtime_unref(rt);
}

llm_model *llmi_model_ref(llm_model *m) {
    if (m) __atomic_fetch_add(&m->n_refs, 1, __ATOMIC_RELAXED);
    return m;
}

void llmi_model_unref(llm_model *m) {
    if (m && __atomic_fetch_sub(&m->n_refs, 1, __ATOMIC_ACQ_REL) == 1) model_free(m);
}

llm_status llmi_model_check_head(const llm_model *m) {
    if (m->output) return LLM_OK;
    const char *path = llmi_weights_path(m->weights);
    return llmi_error(LLM_E_UNSUPPORTED,
                      "%s is a model without a head: it can be embedded with, but not generate or score",
                      LLMI_QUOTE(path, strlen(path)));
}

/* The device's word for activation_dtype. */
static llm_status get_activations(int32_t *out, int32_t dtype) {
    static const struct {
        llm_dtype dtype;
        int32_t activations;
    } table[] = {{LLM_DTYPE_AUTO, LLM_ACTIVATIONS_AUTO},
                 {LLM_DTYPE_F32, LLM_ACTIVATIONS_F32},
                 {LLM_DTYPE_BF16, LLM_ACTIVATIONS_BF16}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (table[i].dtype == dtype) {
            *out = table[i].activations;
            return LLM_OK;
        }
    return llmi_error(LLM_E_ARGUMENT, "activation_dtype is %d, expected F32 (%d), BF16 (%d) or AUTO (%d)", dtype,
                      LLM_DTYPE_F32, LLM_DTYPE_BF16, LLM_DTYPE_AUTO);
}

/* What may be wrong, though nothing proves it. */
static void warn(const llm_model *m) {
    const llmi_log *log = llmi_runtime_log(m->runtime);
    const char *path = llmi_weights_path(m->weights), *note = llmi_weights_note(m->weights);
    llm_span class;
    if (note[0]) llmi_log_write(log, LLM_LOG_WARNING, "%s: %s", path, note);
    if (llmi_arch_is_foreign(m->arch, m->weights, &class))
        llmi_log_write(log, LLM_LOG_WARNING, "%s: class \"%s\" is not known: it is computed as family %s", path,
                       LLMI_QUOTE(class.ptr, class.len), m->arch->name);
}

static llm_status read_hparams(llm_model *m) {
    llm_status status = llmi_arch_of(&m->arch, m->weights);
    if (status != LLM_OK) return status;
    m->hparams = llmi_alloc(llmi_runtime_allocator(m->runtime), m->arch->hparams_bytes);
    if (!m->hparams) return LLM_E_MEMORY;
    status = llmi_hparams_read(m->hparams, m->arch, m->weights);
    m->hp = *(const llmi_hparams *)m->hparams;
    return status;
}

static llm_status load_weights(llm_model *m, const llm_model_options *options) {
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    const char *backend = options->backend ? options->backend : llmi_option_text("model", "backend");
    llm_status status = read_hparams(m);
    if (status != LLM_OK) return llmi_error_in(status, "%s", llmi_weights_path(m->weights));

    warn(m);
    m->backend = llmi_strndup(a, backend, strlen(backend));
    if (!m->backend) return LLM_E_MEMORY;
    int32_t activations = LLM_ACTIVATIONS_AUTO;
    status = get_activations(&activations, options->activation_dtype);
    if (status == LLM_OK) status = llmi_runtime_open_device(&m->device, m->runtime, backend, activations);
    if (status != LLM_OK) return status;
    status = llmi_bind(m, options);
    if (status == LLM_OK) status = place_tables(m);
    if (status != LLM_OK) return llmi_error_in(status, "%s", llmi_weights_path(m->weights));
    return LLM_OK;
}

static void log_model(const llm_model *m, double ms) {
    const llmi_log *log = llmi_runtime_log(m->runtime);
    int64_t n_bytes = 0;
    if (!llmi_log_wants(log, LLM_LOG_DEBUG)) return;
    const llmi_tensor *most = NULL;
    for (int32_t i = 0; i < llmi_weights_tensor_count(m->weights); i++) {
        const llmi_tensor *t = llmi_weights_tensor_at(m->weights, i);
        n_bytes += (int64_t)t->n_bytes;
        if (!most || t->n_bytes > most->n_bytes) most = t;
    }
    const llmk_dtype *dtype = most ? llmk_dtype_get(most->dtype) : NULL;
    llmi_log_write(
        log, LLM_LOG_DEBUG,
        "%s: family %s, %d layers of width %d, %d heads of %d (%d for keys), %d tokens, context %d, %lld bytes, "
        "mostly %s, head %s, on %s, %.1f ms",
        llmi_weights_path(m->weights), m->arch->name, m->hp.n_layers, m->hp.n_embd,
        llmi_hparams_get_int(m, "attention.head_count"), llmi_hparams_get_int(m, "attention.key_length"),
        llmi_hparams_get_int(m, "attention.head_count_kv"), m->hp.n_vocab, m->hp.n_ctx_train, (long long)n_bytes,
        dtype ? dtype->name : "of another type",
        !m->output              ? "none"
        : m->output == m->embed ? "tied"
                                : "own",
        m->backend, ms);
}

/* The last report comes after everything that can fail. */
static llm_status report_end(const llm_model_options *o) {
    if (!o->progress || o->progress(o->progress_user, 1.0) >= 0) return LLM_OK;
    return llmi_error(LLM_E_CALLBACK, "the progress callback stopped the load at 100 %%");
}

llm_status llmi_model_load(llm_model **out, llm_runtime *rt, const char *path, const llm_model_options *options) {
    *out = NULL;
    llm_model_options o = llmi_model_defaults;
    llm_status status =
        llmi_options_read(&o, sizeof o, options, LLMI_UPTO(llm_model_options, pack_weights), "llm_model_options");
    if (status != LLM_OK) return status;
    llm_runtime *runtime;
    status = llmi_runtime_acquire(&runtime, rt);
    if (status != LLM_OK) return status;
    const llm_allocator *a = llmi_runtime_allocator(runtime);
    llm_model *m = llmi_alloc_zero(a, sizeof *m);
    if (!m) {
        llm_runtime_unref(runtime);
        return LLM_E_MEMORY;
    }
    m->n_refs = 1;
    m->runtime = runtime;
    llmi_buf_init(&m->copies, a);

    double start = llmi_now_ms();
    llmi_weights_options how = {.use_mmap = o.use_mmap != 0, .metadata_only = o.tokenizer_only != 0};
    status = llmi_weights_open(&m->weights, a, path, &how);
    if (status == LLM_OK) {
        status = llmi_arch_check_kind(m->weights);
        if (status != LLM_OK) status = llmi_error_in(status, "%s", LLMI_QUOTE(path, strlen(path)));
    }
    if (status == LLM_OK && !o.tokenizer_only) status = load_weights(m, &o);
    if (status == LLM_OK) status = report_end(&o);
    if (status != LLM_OK) {
        llmi_model_unref(m);
        return status;
    }
    if (m->arch) log_model(m, llmi_now_ms() - start);
    *out = m;
    return LLM_OK;
}
