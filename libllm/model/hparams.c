#include "model/hparams.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"

/* Limits far above any model that exists, low enough that no product of three overflows. */
enum { MAX_LAYERS = 1024, MAX_EMBD = 1 << 20, MAX_HEADS = 1 << 14, MAX_HEAD_DIM = 1 << 12 };
enum { MAX_FF = 1 << 24, MAX_VOCAB = 1 << 24, MAX_CTX = 1 << 30 };

/* A member of the one object of config.json that says how positions are encoded, see find_rope(). */
#define ROPE(name) "$" name

/* Fallbacks of config.json are those of transformers' configuration classes; 0 is replaced by what
 * derive() computes. GGUF keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
static const llmi_hparam_row common[] = {
    LLMI_HPARAM_INT("block_count", "num_hidden_layers", n_layers, 1, MAX_LAYERS, NAN),
    LLMI_HPARAM_INT("embedding_length", "hidden_size", n_embd, 1, MAX_EMBD, NAN),
    LLMI_HPARAM_INT("feed_forward_length", "intermediate_size", n_ff, 1, MAX_FF, NAN),
    LLMI_HPARAM_INT("attention.head_count", "num_attention_heads", n_heads, 1, MAX_HEADS, NAN),
    LLMI_HPARAM_INT("attention.head_count_kv", "num_key_value_heads", n_kv_heads, 1, MAX_HEADS, 0),
    LLMI_HPARAM_INT("attention.key_length", "head_dim", head_dim, 1, MAX_HEAD_DIM, 0),
    LLMI_HPARAM_INT(NULL, "vocab_size", n_vocab, 1, MAX_VOCAB, 0),
    LLMI_HPARAM_INT("context_length", NULL, n_ctx_train, 1, MAX_CTX, NAN),
    LLMI_HPARAM_INT(NULL, "max_position_embeddings", n_ctx_train, 1, MAX_CTX, 2048),
    LLMI_HPARAM_REAL("attention.layer_norm_rms_epsilon", NULL, norm_eps, 0, 1, NAN),
    LLMI_HPARAM_FLOAT(NULL, "rms_norm_eps", norm_eps, 0, 1, 1e-6),
    LLMI_HPARAM_INT("attention.sliding_window", NULL, n_window, 0, MAX_CTX, 0),
    LLMI_HPARAM_INT("rope.dimension_count", NULL, n_rot, 2, MAX_HEAD_DIM, 0),
    LLMI_HPARAM_FLOAT("rope.freq_base", ROPE("rope_theta") "|rope_theta", rope_base, 1, 1e30, 10000),
    LLMI_HPARAM_FLOAT("rope.scaling.factor|rope.scale_linear", NULL, rope_factor, 0, 1e6, 0), /* 0: none */
    LLMI_HPARAM_FLOAT(NULL, ROPE("factor"), rope_factor, 1e-6, 1e6, 0),
    LLMI_HPARAM_FLOAT(NULL, ROPE("low_freq_factor"), rope_low, 1e-6, 1e6, 0),
    LLMI_HPARAM_FLOAT(NULL, ROPE("high_freq_factor"), rope_high, 1e-6, 1e6, 0),
    LLMI_HPARAM_FLOAT("rope.scaling.yarn_beta_fast", ROPE("beta_fast"), rope_beta_fast, 1e-6, 1e6, 32),
    LLMI_HPARAM_FLOAT("rope.scaling.yarn_beta_slow", ROPE("beta_slow"), rope_beta_slow, 1e-6, 1e6, 1),
    LLMI_HPARAM_FLOAT(NULL, ROPE("mscale"), rope_mscale, 0, 1e6, 0),
    LLMI_HPARAM_FLOAT(NULL, ROPE("mscale_all_dim"), rope_mscale_all, 0, 1e6, 0),
    LLMI_HPARAM_FLOAT("rope.scaling.attn_factor|rope.scaling.yarn_attn_factor", ROPE("attention_factor"), rope_attn,
                      1e-6, 1e6, 0),
    LLMI_HPARAM_INT("rope.scaling.original_context_length",
                    "original_max_position_embeddings|" ROPE("original_max_position_embeddings"), rope_ctx_original, 1,
                    MAX_CTX, 0),
};

/* Features with one implemented value; a file that asks for another is refused rather than computed
 * wrongly. Absent counts as that value. */
static const struct {
    const char *gguf, *hf;
    char type; /* 'n' number, 'b' bool, 's' string */
    double number;
    const char *text;
} expected[] = {
    {NULL, "hidden_act", 's', 0, "silu"},
    {NULL, ROPE("truncate"), 'b', 1, NULL},
    {NULL, ROPE("partial_rotary_factor") "|partial_rotary_factor", 'n', 1, NULL},
    {NULL, "use_mrope", 'b', 0, NULL},
    {NULL, "quantization_config.quant_method", 's', 0, "none"},
    {NULL, "quantization.bits", 'n', 0, NULL}, /* as MLX writes it */
    {"attention.causal", "is_causal", 'b', 1, NULL},
    {NULL, "use_bidirectional_attention|is_bidirectional|bidirectional", 'b', 0, NULL},
    {"expert_count", "num_experts|num_local_experts", 'n', 0, NULL},
};

static const struct {
    const char *name;
    int32_t scaling;
} scalings[] = {
    {"none", LLMI_ROPE_SCALING_NONE},     {"default", LLMI_ROPE_SCALING_NONE}, {"linear", LLMI_ROPE_SCALING_LINEAR},
    {"llama3", LLMI_ROPE_SCALING_LLAMA3}, {"yarn", LLMI_ROPE_SCALING_YARN},
};

#define COUNT(array) (int32_t)(sizeof(array) / sizeof((array)[0]))

typedef struct reader {
    const llmi_weights *w;
    bool gguf;
    llm_span arch;    /* prefix of GGUF keys */
    const char *rope; /* "rope_scaling" or "rope_parameters" */
} reader;

typedef char key_text[192];

/* The full name of alternative names[0..n-1]. */
static void full_name(key_text out, const reader *r, const char *names, size_t n) {
    bool rope = names[0] == '$';
    int rest = (int)(n - rope);
    if (r->gguf)
        snprintf(out, sizeof(key_text), "%.*s.%.*s", (int)r->arch.len, r->arch.ptr, rest, names);
    else
        snprintf(out, sizeof(key_text), "%s%s%.*s", rope ? r->rope : "", rope ? "." : "", rest, names + rope);
}

/* Writes the full name of the first alternative that the file holds, else of the first one. */
static bool find_key(key_text out, const reader *r, const char *names) {
    bool first = true;
    for (const char *at = names; *at;) {
        size_t n = strcspn(at, "|");
        key_text key;
        full_name(key, r, at, n);
        bool found = llmi_weights_has(r->w, key);
        if (first || found) memcpy(out, key, sizeof key);
        if (found) return true;
        first = false;
        at += n + (at[n] == '|');
    }
    return false;
}

/* In config.json null means "none", which integers spell 0; the getters take it for absent. */
static bool is_null(const reader *r, const char *names) {
    if (r->gguf) return false;
    for (const char *name = names; *name;) {
        size_t n = strcspn(name, "|");
        key_text key;
        full_name(key, r, name, n);
        if (llmi_weights_is_null(r->w, key)) return true;
        name += n + (name[n] == '|');
    }
    return false;
}

static llm_status read_float(float *out, const reader *r, const char *key, double min, double max) {
    double value;
    llm_status status = llmi_weights_get_float(&value, r->w, key);
    if (status != LLM_OK) return status;
    if (!(value >= min && value <= max))
        return llmi_error(LLM_E_FORMAT, "%s is %g, expected %g..%g", key, value, min, max);
    *out = (float)value;
    return LLM_OK;
}

/* GGUF may state a number for each layer; what is computed has one for all. */
static llm_status read_int(int64_t *out, const llmi_hparams *hp, const reader *r, const char *key, double min,
                           double max) {
    llmi_meta_array list;
    if (!r->gguf || llmi_weights_get_array(&list, r->w, key) != LLM_OK)
        return llmi_weights_get_int(out, r->w, key, (int64_t)min, (int64_t)max);
    for (size_t i = 0; i < list.n; i++) {
        int64_t value = 0;
        if (!llmi_meta_array_integer(&value, &list, i) || value < (int64_t)min || value > (int64_t)max)
            return llmi_error(LLM_E_FORMAT, "%s[%zu] is not an integer in %.0f..%.0f", key, i, min, max);
        if (i && value != *out)
            return llmi_error(LLM_E_UNSUPPORTED,
                              "%s is %lld in layer 0 and %lld in layer %zu: implemented is one for all", key,
                              (long long)*out, (long long)value, i);
        *out = value;
    }
    if (list.n == (size_t)hp->n_layers && list.n) return LLM_OK;
    return llmi_error(LLM_E_FORMAT, "%s has %zu values, expected a number or one for each of %d layers", key, list.n,
                      hp->n_layers);
}

static llm_status read_row(llmi_hparams *hp, const reader *r, const llmi_hparam_row *row) {
    const char *names = r->gguf ? row->gguf : row->hf;
    if (!names) return LLM_OK;
    void *member = (char *)hp + row->offset;
    key_text key;
    bool found = find_key(key, r, names);
    if (!found && isnan(row->fallback)) return llmi_error(LLM_E_FORMAT, "%s is missing", key);
    if (row->type != 'i') {
        float value = (float)row->fallback;
        int64_t integer;
        if (row->type == 'r' && r->gguf && llmi_weights_get_int(&integer, r->w, key, INT64_MIN, INT64_MAX) == LLM_OK)
            return llmi_error(LLM_E_FORMAT, "%s is %lld, of an integer type, expected a fraction", key,
                              (long long)integer);
        llm_status status = found ? read_float(&value, r, key, row->min, row->max) : LLM_OK;
        memcpy(member, &value, sizeof value);
        return status;
    }
    int64_t value = is_null(r, names) || isnan(row->fallback) ? 0 : (int64_t)row->fallback;
    llm_status status = found ? read_int(&value, hp, r, key, row->min, row->max) : LLM_OK;
    int32_t narrow = (int32_t)value;
    memcpy(member, &narrow, sizeof narrow);
    return status;
}

static llm_status read_rows(llmi_hparams *hp, const reader *r, const llmi_hparam_row *rows, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        llm_status status = read_row(hp, r, &rows[i]);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* ---- features that are not there ---- */

static llm_status check_feature(const reader *r, int32_t i) {
    const char *names = r->gguf ? expected[i].gguf : expected[i].hf;
    key_text key;
    if (!names || !find_key(key, r, names)) return LLM_OK;
    llm_status status;
    if (expected[i].type == 's') {
        llm_span text;
        status = llmi_weights_get_string(&text, r->w, key);
        if (status != LLM_OK) return status;
        if (llmi_span_is(text, expected[i].text)) return LLM_OK;
        return llmi_error(LLM_E_UNSUPPORTED, "%s is \"%.*s\", implemented is \"%s\"", key,
                          text.len < 64 ? (int)text.len : 64, text.ptr, expected[i].text);
    }
    double number = 0;
    if (expected[i].type == 'b') {
        bool flag = false;
        status = llmi_weights_get_bool(&flag, r->w, key);
        number = flag;
    } else {
        status = llmi_weights_get_float(&number, r->w, key);
    }
    if (status != LLM_OK || number == expected[i].number) return status;
    if (expected[i].type == 'b')
        return llmi_error(LLM_E_UNSUPPORTED, "%s is %s, implemented is %s", key, number != 0 ? "true" : "false",
                          expected[i].number != 0 ? "true" : "false");
    return llmi_error(LLM_E_UNSUPPORTED, "%s is %g, implemented is %g", key, number, expected[i].number);
}

/* ---- rotary embedding ---- */

/* transformers 5 reads rope_scaling if it contains anything, else rope_parameters, and what either lacks from beside
 * it. An object inside is one for each kind of layer. */
static llm_status find_rope(reader *r) {
    static const char *const names[] = {"rope_scaling", "rope_parameters"};
    r->rope = names[1];
    if (r->gguf) return LLM_OK;
    const llmi_json *config = llmi_weights_config(r->w);
    for (int i = COUNT(names); i-- > 0;) {
        const llmi_json *object = llmi_json_get(config, names[i]);
        if (!object || llmi_json_is(object, LLMI_JSON_NULL)) continue;
        if (!llmi_json_is(object, LLMI_JSON_OBJECT))
            return llmi_error(LLM_E_FORMAT, "%s is %s, expected an object or null", names[i],
                              llmi_json_type_name(object));
        if (object->n) r->rope = names[i];
    }
    const llmi_json *rope = llmi_json_get(config, r->rope);
    for (size_t i = 0; i < llmi_json_count(rope); i++) {
        const llmi_json *key = &rope->members[i].key;
        if (llmi_json_is(&rope->members[i].value, LLMI_JSON_OBJECT))
            return llmi_error(LLM_E_UNSUPPORTED,
                              "%s.%s is an object: rotary embeddings that differ from layer to layer are not "
                              "implemented",
                              r->rope, LLMI_QUOTE(key->text, key->n));
    }
    return LLM_OK;
}

static llm_status read_scaling(llmi_hparams *hp, const reader *r) {
    key_text key;
    const char *names = r->gguf ? "rope.scaling.type" : ROPE("rope_type") "|" ROPE("type");
    if (!find_key(key, r, names)) {
        bool scaled = hp->rope_factor > 0;
        if (scaled && !r->gguf)
            return llmi_error(LLM_E_FORMAT, "%s.factor is %g, but %s.rope_type is missing", r->rope,
                              (double)hp->rope_factor, r->rope);
        hp->rope_scaling = scaled ? LLMI_ROPE_SCALING_LINEAR : LLMI_ROPE_SCALING_NONE;
        return LLM_OK;
    }
    llm_span name;
    llm_status status = llmi_weights_get_string(&name, r->w, key);
    if (status != LLM_OK) return status;
    for (int32_t i = 0; i < COUNT(scalings); i++)
        if (strlen(scalings[i].name) == name.len && memcmp(scalings[i].name, name.ptr, name.len) == 0) {
            hp->rope_scaling = scalings[i].scaling;
            return LLM_OK;
        }
    return llmi_error(LLM_E_UNSUPPORTED, "%s is \"%.*s\", implemented are default, linear, llama3 and yarn", key,
                      name.len < 64 ? (int)name.len : 64, name.ptr);
}

static llm_status check_scaling(llmi_hparams *hp, bool gguf) {
    if (gguf && !(hp->rope_factor > 0)) hp->rope_factor = 1; /* as other readers of GGUF take it */
    if (hp->rope_scaling == LLMI_ROPE_SCALING_NONE) return LLM_OK;
    if (hp->rope_scaling == LLMI_ROPE_SCALING_YARN) {
        if (!hp->rope_ctx_original) hp->rope_ctx_original = hp->n_ctx_train;
        if (!(hp->rope_factor > 0)) hp->rope_factor = (float)hp->n_ctx_train / (float)hp->rope_ctx_original;
        if (!(hp->rope_beta_fast > 0)) hp->rope_beta_fast = 32;
        if (!(hp->rope_beta_slow > 0)) hp->rope_beta_slow = 1;
        if (hp->rope_base <= 1)
            return llmi_error(LLM_E_FORMAT, "rope base is %g, yarn needs more than 1", (double)hp->rope_base);
        return LLM_OK;
    }
    if (!(hp->rope_factor > 0)) return llmi_error(LLM_E_FORMAT, "rope scaling: the factor is missing");
    if (hp->rope_scaling != LLMI_ROPE_SCALING_LLAMA3) return LLM_OK;
    if (!hp->rope_ctx_original)
        return llmi_error(LLM_E_FORMAT, "rope scaling llama3: original_max_position_embeddings is missing");
    if (!(hp->rope_low > 0 && hp->rope_high > hp->rope_low))
        return llmi_error(LLM_E_FORMAT,
                          "rope scaling llama3: low_freq_factor is %g and high_freq_factor %g, expected "
                          "both above 0 and the second above the first",
                          (double)hp->rope_low, (double)hp->rope_high);
    return LLM_OK;
}

/* ---- relations ---- */

static llm_status derive(llmi_hparams *hp) {
    if (!hp->n_kv_heads) hp->n_kv_heads = hp->n_heads;
    if (!hp->head_dim) {
        if (hp->n_embd % hp->n_heads)
            return llmi_error(LLM_E_FORMAT, "embedding width %d is no multiple of %d heads, and no head size is given",
                              hp->n_embd, hp->n_heads);
        hp->head_dim = hp->n_embd / hp->n_heads;
    }
    if (!hp->n_rot) hp->n_rot = hp->head_dim;
    return LLM_OK;
}

static llm_status check_relations(const llmi_hparams *hp, const reader *r) {
    if (hp->n_heads % hp->n_kv_heads)
        return llmi_error(LLM_E_FORMAT, "%d key/value heads do not divide %d heads", hp->n_kv_heads, hp->n_heads);
    if (hp->head_dim > MAX_HEAD_DIM)
        return llmi_error(LLM_E_FORMAT, "head size is %d, expected 1..%d", hp->head_dim, MAX_HEAD_DIM);
    if (hp->n_rot % 2 || hp->n_rot > hp->head_dim)
        return llmi_error(LLM_E_FORMAT, "%d rotated elements of a head, expected an even number up to its size %d",
                          hp->n_rot, hp->head_dim);
    if (!hp->n_ctx_train) return llmi_error(LLM_E_FORMAT, "max_position_embeddings is null, expected 1..%d", MAX_CTX);
    key_text key;
    if (!r->gguf || !find_key(key, r, "attention.value_length")) return LLM_OK;
    int64_t n_value;
    llm_status status = llmi_weights_get_int(&n_value, r->w, key, 1, MAX_HEAD_DIM);
    if (status == LLM_OK && n_value != hp->head_dim)
        return llmi_error(LLM_E_UNSUPPORTED, "%s is %d, implemented is the key length, %d", key, (int)n_value,
                          hp->head_dim);
    return status;
}

llm_status llmi_hparams_read(llmi_hparams *out, const llmi_arch *arch, const llmi_weights *w) {
    llmi_hparams *hp = out;
    memset(hp, 0, sizeof *hp);
    reader r = {.w = w, .gguf = llmi_weights_format(w) == LLMI_FORMAT_GGUF};
    llm_status status = r.gguf ? llmi_weights_get_string(&r.arch, w, "general.architecture") : LLM_OK;
    if (status == LLM_OK) status = find_rope(&r);
    for (int32_t i = 0; i < COUNT(expected) && status == LLM_OK; i++) status = check_feature(&r, i);
    if (status == LLM_OK) status = read_rows(hp, &r, common, COUNT(common));
    if (status == LLM_OK) status = read_rows(hp, &r, arch->hparams, arch->n_hparams);
    if (status == LLM_OK) status = read_scaling(hp, &r);
    if (status == LLM_OK && arch->check) status = arch->check(hp, w);
    if (status == LLM_OK) status = derive(hp);
    if (status == LLM_OK) status = check_scaling(hp, r.gguf);
    if (status == LLM_OK) status = check_relations(hp, &r);
    hp->rope_style = r.gguf ? arch->gguf_rope_style : arch->hf_rope_style;
    return status;
}

llm_status llmi_hparams_windows(int32_t *windows, const llmi_hparams *hp, const llmi_weights *w) {
    for (int32_t i = 0; i < hp->n_layers; i++) windows[i] = i >= hp->window_from ? hp->n_window : 0;
    const llmi_json *kinds = llmi_json_get(llmi_weights_config(w), "layer_types");
    if (!kinds || llmi_json_is(kinds, LLMI_JSON_NULL)) return LLM_OK;
    if (!llmi_json_is(kinds, LLMI_JSON_ARRAY) || kinds->n != (size_t)hp->n_layers)
        return llmi_error(LLM_E_FORMAT, "layer_types has %zu entries, expected one for each of %d layers",
                          llmi_json_count(kinds), hp->n_layers);
    for (int32_t i = 0; i < hp->n_layers; i++) {
        const llmi_json *kind = llmi_json_item(kinds, (size_t)i);
        llm_span text = llmi_json_text(kind);
        if (llmi_json_equals(kind, "full_attention"))
            windows[i] = 0;
        else if (llmi_json_equals(kind, "sliding_attention") && hp->n_window)
            windows[i] = hp->n_window;
        else
            return llmi_error(LLM_E_UNSUPPORTED,
                              "layer_types[%d] is \"%s\", implemented are full_attention and, with "
                              "a sliding_window, sliding_attention",
                              i, text.ptr ? LLMI_QUOTE(text.ptr, text.len) : llmi_json_type_name(kind));
    }
    return LLM_OK;
}
