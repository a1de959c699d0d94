#include "model/attention.h"

#include "base/status.h"
#include "base/text.h"

llm_status llmi_attention_settle(llmi_attention_hparams *hp, int32_t n_embd, const llmi_hparam_source *s) {
    if (!hp->n_kv_heads) hp->n_kv_heads = hp->n_heads;
    if (!hp->head_dim) {
        if (n_embd % hp->n_heads)
            return llmi_error(LLM_E_FORMAT, "embedding width %d is no multiple of %d heads, and no head size is given",
                              n_embd, hp->n_heads);
        hp->head_dim = n_embd / hp->n_heads;
    }
    if (hp->n_heads % hp->n_kv_heads)
        return llmi_error(LLM_E_FORMAT, "%d key/value heads do not divide %d heads", hp->n_kv_heads, hp->n_heads);
    if (hp->head_dim > LLMI_MAX_HEAD_DIM)
        return llmi_error(LLM_E_FORMAT, "head size is %d, expected 1..%d", hp->head_dim, LLMI_MAX_HEAD_DIM);
    if (!hp->value_dim) hp->value_dim = hp->head_dim;
    if (hp->value_dim != hp->head_dim) {
        llmi_hparam_key key;
        llmi_hparams_find(key, s, "attention.value_length");
        return llmi_error(LLM_E_UNSUPPORTED, "%s is %d, implemented is the key length, %d", key, hp->value_dim,
                          hp->head_dim);
    }
    hp->n_q = hp->n_heads * hp->head_dim;
    hp->n_kv = hp->n_kv_heads * hp->head_dim;
    return LLM_OK;
}

llm_status llmi_attention_window(int32_t *out, const llmi_attention_hparams *hp, int32_t layer, int32_t n_layers,
                                 const llmi_weights *w) {
    const llmi_json *kinds = llmi_json_get(llmi_weights_config(w), "layer_types");
    *out = layer >= hp->window_from ? hp->n_window : 0;
    if (!kinds || llmi_json_is(kinds, LLMI_JSON_NULL)) return LLM_OK;
    if (!llmi_json_is(kinds, LLMI_JSON_ARRAY) || kinds->n != (size_t)n_layers)
        return llmi_error(LLM_E_FORMAT, "layer_types has %zu entries, expected one for each of %d layers",
                          llmi_json_count(kinds), n_layers);
    const llmi_json *kind = llmi_json_item(kinds, (size_t)layer);
    llm_span text = llmi_json_text(kind);
    bool slides = llmi_json_equals(kind, "sliding_attention") && hp->n_window;
    *out = slides ? hp->n_window : 0;
    if (slides || llmi_json_equals(kind, "full_attention")) return LLM_OK;
    return llmi_error(LLM_E_UNSUPPORTED,
                      "layer_types[%d] is \"%s\", implemented are full_attention and, with a sliding_window, "
                      "sliding_attention",
                      layer, text.ptr ? LLMI_QUOTE(text.ptr, text.len) : llmi_json_type_name(kind));
}
