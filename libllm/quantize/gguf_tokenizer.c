/* A tokenizer.json as GGUF's tokenizer.ggml.* keys: byte-level BPE ("gpt2") and BPE with byte fallback
 * ("llama", whose merges are given by scores). */
#include <string.h>

#include "api/end_tokens.h"
#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "quantize/plan.h"
#include "tokenizer/tokenizer.h"

#define KEY(name) "tokenizer.ggml." name

typedef struct writing {
    llmi_gguf_writer *w;
    const llm_model *m;
    const llm_tokenizer *t;
    const llmi_json *root; /* tokenizer.json */
    bool by_score;         /* "llama" */
    llmi_buf tokens, types, scores, merges;
    uint64_t n_merges;
} writing;

static bool put_entry(llmi_buf *b, const char *text, size_t n) {
    uint64_t len = n;
    return llmi_buf_push(b, len) && llmi_buf_append(b, text, n);
}

/* ---- tokens ---- */

/* The model may have more rows than there are tokens: those get names that no text spells. */
static llm_status collect_tokens(writing *x) {
    int32_t n = llmi_tokenizer_size(x->t), n_rows = x->m->hp.n_vocab;
    for (int32_t id = 0; id < n_rows; id++) {
        char pad[32];
        llm_span text = {pad, 0};
        int32_t type = LLM_TOKEN_UNUSED;
        float score = 0;
        if (id < n)
            llmi_tokenizer_token(x->t, id, &text, &type, &score);
        else
            text.len = llmi_format(pad, sizeof pad, "[PAD%d]", id);
        if (!put_entry(&x->tokens, text.ptr, text.len) || !llmi_buf_push(&x->types, type) ||
            !llmi_buf_push(&x->scores, score))
            return LLM_E_MEMORY;
    }
    return LLM_OK;
}

/* ---- merges ---- */

static bool split_merge(llm_span *left, llm_span *right, const llmi_json *merge) {
    const llmi_json *a = llmi_json_item(merge, 0), *b = llmi_json_item(merge, 1);
    if (llmi_json_is(a, LLMI_JSON_STRING) && llmi_json_is(b, LLMI_JSON_STRING)) {
        *left = llmi_json_text(a);
        *right = llmi_json_text(b);
        return true;
    }
    if (!llmi_json_is(merge, LLMI_JSON_STRING)) return false;
    const char *space = memchr(merge->text, ' ', merge->n);
    if (!space) return false;
    *left = (llm_span){merge->text, (size_t)(space - merge->text)};
    *right = (llm_span){space + 1, merge->n - left->len - 1};
    return true;
}

/* GGUF separates the two by a space, which byte-level spellings do not contain. */
static llm_status take_merge(writing *x, llm_span left, llm_span right, size_t rank) {
    llmi_buf *b = &x->merges;
    size_t before = b->len;
    uint64_t n = left.len + right.len + 1;
    bool ok = llmi_buf_push(b, n) && llmi_buf_append(b, left.ptr, left.len) &&
              (x->by_score || llmi_buf_append(b, " ", 1)) && llmi_buf_append(b, right.ptr, right.len);
    if (!ok) return LLM_E_MEMORY;
    if (!x->by_score) {
        x->n_merges++;
        return LLM_OK;
    }
    /* The first merge that makes a token says how early it is made. */
    llm_token id = llmi_tokenizer_find(x->t, b->data + before + sizeof n, (size_t)n - 1);
    b->len = before;
    if (id == LLM_TOKEN_NONE || id >= x->m->hp.n_vocab) return LLM_OK;
    float *score = &llmi_buf_at(&x->scores, float, id);
    if (*score == 0) *score = -(float)(rank + 1);
    return LLM_OK;
}

static llm_status collect_merges(writing *x, const llmi_json *model) {
    const llmi_json *merges = llmi_json_get(model, "merges");
    for (size_t i = 0; i < llmi_json_count(merges); i++) {
        llm_span left, right;
        if (!split_merge(&left, &right, llmi_json_item(merges, i)))
            return llmi_error(LLM_E_FORMAT, "tokenizer.json: merge %zu is not a pair of texts", i);
        llm_status status = take_merge(x, left, right, i);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* ---- the pre-tokenizer's name ---- */

/* Patterns by which GGUF's names are known. */
static const struct {
    const char *pattern, *name;
} patterns[] = {
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     "llama-bpe"},
    {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
     "qwen2"},
};

static bool has_type(const llmi_json *step, const char *type) {
    return llmi_json_equals(llmi_json_get(step, "type"), type);
}

/* Step `index` of a pre-tokenizer that may be a sequence or a single one. */
static const llmi_json *step_at(const llmi_json *pre, size_t index) {
    if (has_type(pre, "Sequence")) return llmi_json_item(llmi_json_get(pre, "pretokenizers"), index);
    return index == 0 ? pre : NULL;
}

static llm_status find_pre(const char **out, const llmi_json *root) {
    const llmi_json *pre = llmi_json_get(root, "pre_tokenizer"), *pattern = NULL;
    bool bytes = false;
    for (size_t i = 0; step_at(pre, i); i++) {
        const llmi_json *step = step_at(pre, i);
        if (has_type(step, "ByteLevel")) bytes = true;
        if (has_type(step, "ByteLevel") && !llmi_json_is(llmi_json_get(step, "use_regex"), LLMI_JSON_FALSE))
            *out = "gpt-2";
        if (has_type(step, "Split")) pattern = llmi_json_get(llmi_json_get(step, "pattern"), "Regex");
    }
    if (!bytes) return llmi_error(LLM_E_UNSUPPORTED, "tokenizer.json: a BPE without bytes cannot be written as GGUF");
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0] && pattern; i++)
        if (llmi_json_equals(pattern, patterns[i].pattern)) {
            *out = patterns[i].name;
            return LLM_OK;
        }
    if (!pattern && *out) return LLM_OK;
    llm_span text = llmi_json_text(pattern);
    return llmi_error(LLM_E_UNSUPPORTED, "tokenizer.json: GGUF has no name for the pre-tokenizer's pattern \"%s\"",
                      LLMI_QUOTE(text.ptr ? text.ptr : "", text.len));
}

/* ---- keys ---- */

static llm_status put_list(writing *x, const char *key, int32_t type, size_t n, const llmi_buf *data) {
    llmi_meta_array array = {.type = type, .n = n, .data = data->data, .n_bytes = data->len};
    return llmi_gguf_put_array(x->w, key, &array);
}

static llm_status put_lists(writing *x) {
    size_t n = (size_t)x->m->hp.n_vocab;
    llm_status status = put_list(x, KEY("tokens"), LLMI_META_STRING, n, &x->tokens);
    if (status == LLM_OK) status = put_list(x, KEY("token_type"), LLMI_META_I32, n, &x->types);
    if (status == LLM_OK && x->by_score) status = put_list(x, KEY("scores"), LLMI_META_F32, n, &x->scores);
    if (status == LLM_OK && !x->by_score)
        status = put_list(x, KEY("merges"), LLMI_META_STRING, (size_t)x->n_merges, &x->merges);
    return status;
}

static llm_status put_special(writing *x) {
    static const struct {
        int32_t role;
        const char *key;
    } keys[] = {
        {LLM_SPECIAL_BOS, KEY("bos_token_id")},     {LLM_SPECIAL_EOS, KEY("eos_token_id")},
        {LLM_SPECIAL_EOT, KEY("eot_token_id")},     {LLM_SPECIAL_UNK, KEY("unknown_token_id")},
        {LLM_SPECIAL_PAD, KEY("padding_token_id")}, {LLM_SPECIAL_SEP, KEY("seperator_token_id")},
        {LLM_SPECIAL_CLS, KEY("cls_token_id")},     {LLM_SPECIAL_MASK, KEY("mask_token_id")},
    };
    llm_status status = LLM_OK;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && status == LLM_OK; i++) {
        llm_token id = llmi_tokenizer_special(x->t, keys[i].role);
        if (id != LLM_TOKEN_NONE) status = llmi_gguf_put_u32(x->w, keys[i].key, (uint32_t)id);
    }
    return status;
}

static bool is_special(const writing *x, llm_token id, int32_t role) {
    return id != LLM_TOKEN_NONE && id == llmi_tokenizer_special(x->t, role);
}

/* How the tokenizer treats a short text says what it adds. */
static llm_status put_flags(writing *x) {
    llmi_buf ids;
    llmi_buf_init(&ids, x->w->a);
    bool bos = false, eos = false, space = false;
    llm_status status = llmi_tokenizer_encode(&ids, x->t, "a", 1, LLM_ENCODE_ADD_SPECIAL);
    size_t n = llmi_buf_count(&ids, llm_token);
    if (status == LLM_OK && n) {
        bos = is_special(x, llmi_buf_at(&ids, llm_token, 0), LLM_SPECIAL_BOS);
        eos = n > 1 && is_special(x, llmi_buf_at(&ids, llm_token, n - 1), LLM_SPECIAL_EOS);
    }
    ids.len = 0;
    if (status == LLM_OK) status = llmi_tokenizer_encode(&ids, x->t, "a", 1, 0);
    if (status == LLM_OK && ids.len) {
        llm_span text;
        int32_t type;
        float score;
        llmi_tokenizer_token(x->t, llmi_buf_at(&ids, llm_token, 0), &text, &type, &score);
        space = text.len >= 3 && memcmp(text.ptr, "\xE2\x96\x81", 3) == 0;
    }
    llmi_buf_free(&ids);
    if (status == LLM_OK) status = llmi_gguf_put_bool(x->w, KEY("add_bos_token"), bos);
    if (status == LLM_OK) status = llmi_gguf_put_bool(x->w, KEY("add_eos_token"), eos);
    if (status == LLM_OK) status = llmi_gguf_put_bool(x->w, KEY("add_space_prefix"), space);
    return status;
}

/* ---- the chat template ---- */

static llm_status put_template(llmi_gguf_writer *w, const char *text, size_t n) {
    return llmi_gguf_put_string(w, "tokenizer.chat_template", text, n);
}

/* tokenizer_config.json holds one text, or a list of named ones. */
static const llmi_json *default_template(const llmi_json *config) {
    const llmi_json *found = llmi_json_get(config, "chat_template");
    if (!llmi_json_is(found, LLMI_JSON_ARRAY)) return found;
    for (size_t i = 0; i < found->n; i++) {
        const llmi_json *row = llmi_json_item(found, i);
        if (llmi_json_equals(llmi_json_get(row, "name"), "default")) return llmi_json_get(row, "template");
    }
    return NULL;
}

static llm_status put_config_template(writing *x, llm_span text) {
    llmi_json_doc doc;
    const llmi_json *config;
    llmi_json_doc_init(&doc, x->w->a, 0);
    llm_status status = llmi_json_parse(&config, &doc, text, "tokenizer_config.json", LLMI_JSON_PYTHON);
    const llmi_json *found = status == LLM_OK ? default_template(config) : NULL;
    if (llmi_json_is(found, LLMI_JSON_STRING)) status = put_template(x->w, found->text, found->n);
    llmi_json_doc_free(&doc);
    return status;
}

static llm_status put_chat_template(writing *x) {
    llm_span text;
    llm_status status = llmi_weights_side_file(&text, x->m->weights, "chat_template.jinja");
    if (status == LLM_OK) return put_template(x->w, text.ptr, text.len);
    if (status != LLM_E_NOT_FOUND) return status;
    status = llmi_weights_side_file(&text, x->m->weights, "tokenizer_config.json");
    if (status == LLM_E_NOT_FOUND) return LLM_OK;
    return status == LLM_OK ? put_config_template(x, text) : status;
}

/* ---- the whole ---- */

static llm_status put_all(writing *x) {
    const llmi_json *model = llmi_json_get(x->root, "model"), *type = llmi_json_get(model, "type");
    const char *pre = NULL;
    bool bpe =
        (!type || llmi_json_equals(type, "BPE")) && llmi_json_is(llmi_json_get(model, "merges"), LLMI_JSON_ARRAY);
    llm_span kind = type ? llmi_json_text(type) : (llm_span){"", 0};
    if (!bpe)
        return llmi_error(LLM_E_UNSUPPORTED, "tokenizer.json: a tokenizer of kind \"%s\" cannot be written as GGUF yet",
                          LLMI_QUOTE(kind.ptr ? kind.ptr : "", kind.len));
    x->by_score = llmi_json_is(llmi_json_get(model, "byte_fallback"), LLMI_JSON_TRUE);
    llm_status status = x->by_score ? LLM_OK : find_pre(&pre, x->root);
    if (status == LLM_OK) status = collect_tokens(x);
    if (status == LLM_OK) status = collect_merges(x, model);
    const char *name = x->by_score ? "llama" : "gpt2";
    if (status == LLM_OK) status = llmi_gguf_put_string(x->w, KEY("model"), name, strlen(name));
    if (status == LLM_OK && !pre) pre = "default";
    if (status == LLM_OK) status = llmi_gguf_put_string(x->w, KEY("pre"), pre, strlen(pre));
    if (status == LLM_OK) status = put_lists(x);
    if (status == LLM_OK) status = put_special(x);
    if (status == LLM_OK) status = llmi_end_tokens_put(x->w, x->t);
    if (status == LLM_OK) status = put_flags(x);
    return status == LLM_OK ? put_chat_template(x) : status;
}

llm_status llmi_quantize_put_tokenizer(llmi_gguf_writer *w, const llm_model *m) {
    llm_span text;
    llmi_json_doc doc;
    llm_status status = llmi_weights_side_file(&text, m->weights, "tokenizer.json");
    if (status != LLM_OK) return status;
    writing x = {.w = w, .m = m, .t = m->tokenizer};
    llmi_json_doc_init(&doc, w->a, 0);
    llmi_buf_init(&x.tokens, w->a);
    llmi_buf_init(&x.types, w->a);
    llmi_buf_init(&x.scores, w->a);
    llmi_buf_init(&x.merges, w->a);
    status = llmi_json_parse(&x.root, &doc, text, "tokenizer.json", LLMI_JSON_PYTHON);
    if (status == LLM_OK) status = put_all(&x);
    llmi_buf_free(&x.tokens);
    llmi_buf_free(&x.types);
    llmi_buf_free(&x.scores);
    llmi_buf_free(&x.merges);
    llmi_json_doc_free(&doc);
    return status;
}
