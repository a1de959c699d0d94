/* Hyper-parameters of a Hugging Face model under GGUF's keys (docs/gguf.md of ggml). */
#include <math.h>
#include <string.h>

#include "api/pooling.h"
#include "base/status.h"
#include "base/text.h"
#include "model/arch.h"
#include "quantize/plan.h"

typedef struct put {
    llmi_gguf_writer *w;
    const char *arch;
    llm_status status; /* of the first failure; after it nothing is put */
} put;

typedef char key_text[128];

static const char *key_of(key_text out, const put *p, const char *name) {
    llmi_format(out, sizeof(key_text), "%s.%s", p->arch, name);
    return out;
}

static void put_int(put *p, const char *name, int32_t value) {
    key_text key;
    if (p->status == LLM_OK) p->status = llmi_gguf_put_u32(p->w, key_of(key, p, name), (uint32_t)value);
}

static void put_float(put *p, const char *name, float value) {
    key_text key;
    if (p->status == LLM_OK) p->status = llmi_gguf_put_f32(p->w, key_of(key, p, name), value);
}

static void put_text(put *p, const char *name, const char *value) {
    key_text key;
    if (p->status == LLM_OK) p->status = llmi_gguf_put_string(p->w, key_of(key, p, name), value, strlen(value));
}

/* GGUF has one window for all layers. */
static void put_window(put *p, const llm_model *m) {
    int32_t window = m->layers[0].window;
    for (int32_t i = 1; i < m->hp.n_layers && p->status == LLM_OK; i++)
        if (m->layers[i].window != window)
            p->status = llmi_error(LLM_E_UNSUPPORTED,
                                   "layer %d has an attention window of %d, layer 0 one of %d: "
                                   "GGUF states one for all layers",
                                   i, m->layers[i].window, window);
    if (window) put_int(p, "attention.sliding_window", window);
}

/* Llama 3's rule is not a key but the tensor rope_freqs.weight. */
static void put_rope(put *p, const llm_model *m) {
    const llmi_hparams *hp = &m->hp;
    put_int(p, "rope.dimension_count", hp->n_rot);
    put_float(p, "rope.freq_base", hp->rope_base);
    if (hp->rope_scaling == LLMI_ROPE_SCALING_LINEAR) {
        put_text(p, "rope.scaling.type", "linear");
        put_float(p, "rope.scaling.factor", hp->rope_factor);
    }
    if (hp->rope_scaling != LLMI_ROPE_SCALING_YARN) return;
    put_text(p, "rope.scaling.type", "yarn");
    put_float(p, "rope.scaling.factor", hp->rope_factor);
    put_int(p, "rope.scaling.original_context_length", hp->rope_ctx_original);
    put_float(p, "rope.scaling.yarn_beta_fast", hp->rope_beta_fast);
    put_float(p, "rope.scaling.yarn_beta_slow", hp->rope_beta_slow);
    /* The reader of GGUF multiplies this by YaRN's own factor. */
    double own = hp->rope_factor > 1 ? 0.1 * log((double)hp->rope_factor) + 1.0 : 1.0;
    put_float(p, "rope.scaling.attn_factor", (float)((double)m->rope_scale / own));
}

llm_status llmi_hf_put_hparams(llmi_gguf_writer *w, const llm_model *m) {
    const llmi_hparams *hp = &m->hp;
    /* A family without a name of its own goes by the name of the one that computes the same. */
    put p = {.w = w, .arch = m->arch->gguf_names[0] ? m->arch->gguf_names[0] : "llama"};
    p.status = llmi_gguf_put_string(w, "general.architecture", p.arch, strlen(p.arch));
    put_int(&p, "block_count", hp->n_layers);
    put_int(&p, "context_length", hp->n_ctx_train);
    put_int(&p, "embedding_length", hp->n_embd);
    put_int(&p, "feed_forward_length", hp->n_ff);
    put_int(&p, "attention.head_count", hp->n_heads);
    put_int(&p, "attention.head_count_kv", hp->n_kv_heads);
    put_int(&p, "attention.key_length", hp->head_dim);
    put_int(&p, "attention.value_length", hp->head_dim);
    put_int(&p, "vocab_size", hp->n_vocab);
    if (!m->output && p.status == LLM_OK) p.status = llmi_gguf_put_bool(w, LLMI_ARCH_HEADLESS_KEY, true);
    put_float(&p, "attention.layer_norm_rms_epsilon", hp->norm_eps);
    put_window(&p, m);
    put_rope(&p, m);
    if (p.status == LLM_OK) p.status = llmi_pooling_put(w, m, p.arch);
    return p.status;
}
