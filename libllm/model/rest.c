#include "model/rest.h"

#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "model/arch.h"

typedef enum kind {
    COMPUTED, /* a row binds it, or nothing of it was learned */
    UNUSED,   /* changes no result of what is computed */
    LOST      /* belongs to what is computed */
} kind;

/* Takes what precedes the next dot, and the dot. */
static llm_span take_part(llm_span *rest) {
    const char *dot = memchr(rest->ptr, '.', rest->len);
    llm_span part = {rest->ptr, dot ? (size_t)(dot - rest->ptr) : rest->len};
    size_t n = part.len + (dot != NULL);
    *rest = (llm_span){rest->ptr + n, rest->len - n};
    return part;
}

static bool is_one_of(llm_span part, const char *const *texts, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (llmi_span_is(part, texts[i])) return true;
    return false;
}

#define IS_ONE_OF(part, texts) is_one_of(part, texts, sizeof(texts) / sizeof(texts)[0])

/* Stored by early files, though nothing of it was learned. */
static bool is_table(llm_span name) {
    static const char *const tables[] = {"rotary_emb", "attn_rot_embd", "masked_bias", "position_ids"};
    if (llmi_span_is(name, "rope_freqs.weight")) return true; /* load.c reads it */
    while (name.len)
        if (IS_ONE_OF(take_part(&name), tables)) return true;
    return false;
}

static bool begins(llm_span name, const char *start) {
    size_t n = strlen(start);
    return name.len >= n && memcmp(name.ptr, start, n) == 0;
}

static llm_span span_of(const char *text) {
    return (llm_span){text, strlen(text)};
}

/* Whether the file's names of the text model begin with the family's body, as those of its other parts do not. */
static bool has_body(const llm_model *m) {
    if (!m->arch->hf_body || llmi_weights_format(m->weights) == LLMI_FORMAT_GGUF) return false;
    for (int32_t i = 0; i < m->arch->n_weights; i++) {
        const llmi_weight_row *row = &m->arch->weights[i];
        llmi_row_name name;
        if (row->role == LLMI_ROLE_LAYER || !llmi_rows_find(name, m, row, 0)) continue;
        if (begins(span_of(name), m->arch->hf_body)) return true;
    }
    return false;
}

/* Whether a name shares its first part with the head, which is beside the body. */
static bool is_beside_head(const llm_model *m, llm_span part) {
    for (int32_t i = 0; i < m->arch->n_weights; i++) {
        const llmi_weight_row *row = &m->arch->weights[i];
        if (row->role != LLMI_ROLE_HEAD || !row->hf) continue;
        llm_span rest = span_of(row->hf), head = take_part(&rest);
        if (head.len == part.len && memcmp(head.ptr, part.ptr, part.len) == 0) return true;
    }
    return false;
}

/* Whether a tensor beside the layers belongs to what a text model computes. */
static bool is_of_text_model(const llm_model *m, llm_span name) {
    static const char *const others[] = {"visual",
                                         "vision_model",
                                         "vision_tower",
                                         "vision_embed_tokens",
                                         "audio_tower",
                                         "multi_modal_projector",
                                         "mm_projector",
                                         "image_newline",
                                         "mtp",
                                         "mm",
                                         "v",
                                         "a"};
    const char *body = m->arch->hf_body;
    bool in_body = body && llmi_weights_format(m->weights) != LLMI_FORMAT_GGUF && begins(name, body);
    size_t n_body = in_body ? strlen(body) : 0;
    name = (llm_span){name.ptr + n_body, name.len - n_body};
    llm_span part = take_part(&name);
    if (IS_ONE_OF(part, others)) return false;
    return in_body || !has_body(m) || is_beside_head(m, part);
}

/* *flag: the flag of config.json that leaves it out, if that is why. */
static kind kind_of(const llm_model *m, llm_span name, const char **flag) {
    bool known = false;
    for (int32_t i = 0; i < m->arch->n_weights; i++) {
        const llmi_weight_row *row = &m->arch->weights[i];
        bool wanted = false;
        if (!llmi_rows_matches(m, row, name)) continue;
        if (llmi_rows_is_wanted(&wanted, m->weights, row) == LLM_OK && wanted) return COMPUTED;
        *flag = row->only_if;
        known = true;
    }
    if (known) return UNUSED;
    const llmi_weight_row unused = {.hf = m->arch->hf_unused, .role = LLMI_ROLE_LAYER};
    if (is_table(name) || llmi_rows_matches(m, &unused, name)) return COMPUTED;
    int32_t layer = llmi_rows_layer_of(m, name);
    if (layer >= 0) return layer < m->hp.n_layers ? LOST : UNUSED;
    return is_of_text_model(m, name) ? LOST : UNUSED;
}

llm_status llmi_rest_check(const llm_model *m) {
    int32_t n = 0;
    llm_span first = {0};
    const char *flag = NULL;
    for (int32_t i = 0; i < llmi_weights_tensor_count(m->weights); i++) {
        llm_span name = llmi_weights_tensor_at(m->weights, i)->name;
        kind found = kind_of(m, name, &flag);
        if (found == LOST)
            return llmi_error(LLM_E_UNSUPPORTED,
                              "tensor \"%s\": family %s does not compute with it, and without it every result would be "
                              "wrong",
                              LLMI_QUOTE(name.ptr, name.len), m->arch->name);
        if (found == UNUSED && n++ == 0) first = name;
    }
    if (n)
        llmi_log_write(llmi_runtime_log(m->runtime), LLM_LOG_WARNING,
                       "%s: family %s does not use %d tensors, such as %s%s%s%s", llmi_weights_path(m->weights),
                       m->arch->name, n, LLMI_QUOTE(first.ptr, first.len), flag ? " (" : "", flag ? flag : "",
                       flag ? " is not true in config.json)" : "");
    return LLM_OK;
}
