/* Tokenizers from a tokenizer.json: first its tokens, then the steps around the model, then the model. */
#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "text/bpe.h"
#include "text/json_read.h"

/* Ids may have gaps, but not be far beyond the number of tokens. */
enum { GAP_MAX = 1 << 12 };

/* ---- the vocabulary as one array of spellings ---- */

typedef struct listing {
    llmi_buf spans; /* llm_span by id; ptr NULL: none */
    int32_t limit;
} listing;

static llm_status put_token(listing *l, llm_span text, int64_t id, const char *where) {
    if (id < 0 || id >= l->limit)
        return llmi_error(LLM_E_FORMAT, "%s: id of \"%s\" is %lld, expected 0..%d", where,
                          LLMI_QUOTE(text.ptr, text.len), (long long)id, l->limit - 1);
    size_t need = ((size_t)id + 1) * sizeof(llm_span);
    if (need > l->spans.len) {
        if (!llmi_buf_reserve(&l->spans, need - l->spans.len)) return LLM_E_MEMORY;
        memset(l->spans.data + l->spans.len, 0, need - l->spans.len);
        l->spans.len = need;
    }
    llm_span *at = &llmi_buf_at(&l->spans, llm_span, id);
    if (at->ptr && (at->len != text.len || memcmp(at->ptr, text.ptr, text.len) != 0))
        return llmi_error(LLM_E_FORMAT, "%s: id %lld is both \"%s\" and \"%s\"", where, (long long)id,
                          LLMI_QUOTE(at->ptr, at->len), LLMI_QUOTE(text.ptr, text.len));
    *at = text;
    return LLM_OK;
}

/* {spelling: id} of byte pairs and WordPiece, [[spelling, score]] of Unigram. */
static llm_status list_vocab(listing *l, const json_t *vocab) {
    static const char where[] = "tokenizer.json: model: \"vocab\"";
    llm_status status = LLM_OK;
    const char *key;
    size_t i;
    json_t *v;
    if (!json_is_object(vocab) && !json_is_array(vocab))
        return llmi_error(LLM_E_FORMAT, "%s is %s, expected an object or an array", where, llmi_json_type(vocab));
    json_array_foreach((json_t *)vocab, i, v) {
        const json_t *text = json_array_get(v, 0);
        if (!json_is_string(text))
            return llmi_error(LLM_E_FORMAT, "%s: entry %zu is not a spelling and a score", where, i);
        status = put_token(l, (llm_span){json_string_value(text), json_string_length(text)}, (int64_t)i, where);
        if (status != LLM_OK) return status;
    }
    json_object_foreach((json_t *)vocab, key, v) {
        if (!json_is_integer(v))
            return llmi_error(LLM_E_FORMAT, "%s: id of \"%s\" is %s, expected an integer", where,
                              LLMI_QUOTE(key, strlen(key)), llmi_json_type(v));
        status = put_token(l, (llm_span){key, strlen(key)}, json_integer_value(v), where);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* An added token has the id of the vocabulary if it is there too. */
static llm_status read_added(llm_span *text, int64_t *id, const json_t *item, const json_t *vocab, int32_t limit) {
    static const char where[] = "tokenizer.json: added_tokens";
    llm_status status = llmi_old_json_get_string(text, item, "content", where);
    if (status == LLM_OK) status = llmi_old_json_get_int(id, item, "id", 0, limit - 1, where);
    if (status != LLM_OK) return status == LLM_E_NOT_FOUND ? LLM_E_FORMAT : status;
    const json_t *known = json_is_object(vocab) ? json_object_get(vocab, text->ptr) : NULL;
    if (json_is_integer(known) && strlen(text->ptr) == text->len) *id = json_integer_value(known);
    return LLM_OK;
}

static llm_status list_added(listing *l, const json_t *added, const json_t *vocab) {
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)added, i, item) {
        llm_span text;
        int64_t id;
        llm_status status = read_added(&text, &id, item, vocab, l->limit);
        if (status == LLM_OK && text.len) status = put_token(l, text, id, "tokenizer.json: added_tokens");
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* Makes the lexicon and, until more is known, types. */
static llm_status make_lexicon(llm_tokenizer *t, const listing *l) {
    size_t n = llmi_buf_count(&l->spans, llm_span);
    for (size_t i = 0; i < n; i++) {
        llm_span s = llmi_buf_at(&l->spans, llm_span, i);
        uint64_t len = s.len;
        int32_t type = s.ptr ? LLM_TOKEN_NORMAL : LLM_TOKEN_UNUSED;
        if (!llmi_buf_push(&t->spellings, len) || !llmi_buf_append(&t->spellings, s.ptr, s.len) ||
            !llmi_buf_push(&t->types, type))
            return LLM_E_MEMORY;
    }
    return llmi_lexicon_init(&t->lexicon, t->a, t->spellings.data, t->spellings.len, (int32_t)n,
                             "tokenizer.json: vocabulary");
}

static llm_status read_tokens(llm_tokenizer *t, const json_t *model, const json_t *added) {
    const json_t *vocab = json_object_get(model, "vocab");
    size_t n = json_object_size(vocab) + json_array_size(vocab) + json_array_size(added);
    if (n > (INT32_MAX - GAP_MAX) / 2)
        return llmi_error(LLM_E_LIMIT, "tokenizer.json: %zu tokens, at most 2^30 are read", n);
    listing l = {.limit = (int32_t)n * 2 + GAP_MAX};
    llmi_buf_init(&l.spans, t->a);
    llm_status status = list_vocab(&l, vocab);
    if (status == LLM_OK) status = list_added(&l, added, vocab);
    if (status == LLM_OK) status = make_lexicon(t, &l);
    llmi_buf_free(&l.spans);
    return status;
}

/* ---- added tokens ---- */

static llm_status read_flags(uint8_t *flags, const json_t *item) {
    static const struct {
        const char *key;
        uint8_t flag;
    } FLAGS[] = {{"special", LLMI_ADDED_SPECIAL},
                 {"lstrip", LLMI_ADDED_LSTRIP},
                 {"rstrip", LLMI_ADDED_RSTRIP},
                 {"single_word", LLMI_ADDED_SINGLE_WORD},
                 {"normalized", LLMI_ADDED_NORMALIZED}};
    *flags = 0;
    for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++) {
        bool set = false;
        llm_status status = llmi_read_bool(&set, item, FLAGS[i].key, "tokenizer.json: added_tokens");
        if (status != LLM_OK) return status;
        if (set) *flags |= FLAGS[i].flag;
    }
    return LLM_OK;
}

static llm_status take_added(llm_tokenizer *t, const json_t *added) {
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)added, i, item) {
        const json_t *content = json_object_get(item, "content");
        int32_t id = llmi_tokenizer_find(t, json_string_value(content), json_string_length(content));
        uint8_t flags;
        llm_status status = read_flags(&flags, item);
        if (status == LLM_OK && id >= 0) status = llmi_add_token(t, id, flags);
        if (status != LLM_OK) return status;
        int32_t type = flags & LLMI_ADDED_SPECIAL ? LLM_TOKEN_CONTROL : LLM_TOKEN_USER_DEFINED;
        if (id >= 0) llmi_buf_at(&t->types, int32_t, id) = type;
    }
    return LLM_OK;
}

/* What the model tells about types and scores. */
static llm_status finish_types(llm_tokenizer *t, const json_t *model) {
    bool fallback = false;
    llm_status status = llmi_read_bool(&fallback, model, "byte_fallback", "tokenizer.json: model");
    if (status != LLM_OK) return status;
    int32_t *types = &llmi_buf_at(&t->types, int32_t, 0);
    for (int32_t id = 0; fallback && id < t->lexicon.n; id++)
        if (types[id] == LLM_TOKEN_NORMAL && llmi_byte_token(llmi_lexicon_get(&t->lexicon, id)) >= 0)
            types[id] = LLM_TOKEN_BYTE;
    if (t->unk >= 0 && types[t->unk] == LLM_TOKEN_CONTROL) types[t->unk] = LLM_TOKEN_UNKNOWN;
    const json_t *vocab = json_object_get(model, "vocab"), *v;
    size_t i;
    json_array_foreach((json_t *)vocab, i, v) {
        float score = (float)json_number_value(json_array_get(v, 1));
        if (!llmi_buf_push(&t->scores, score)) return LLM_E_MEMORY;
    }
    for (; i && (int32_t)i < t->lexicon.n; i++)
        if (!llmi_buf_push(&t->scores, (float){0})) return LLM_E_MEMORY;
    return LLM_OK;
}

/* ---- tokenizer_config.json ---- */

static const char CONFIG[] = "tokenizer_config.json";

/* A name, or {"content": name}; one that the vocabulary lacks is none. */
static llm_status read_role(llm_tokenizer *t, const json_t *config, const char *key, int32_t role) {
    llm_span name = {0};
    const json_t *v = json_object_get(config, key);
    llm_status status = json_is_object(v) ? llmi_read_string(&name, v, "content", CONFIG)
                                          : llmi_read_string(&name, config, key, CONFIG);
    if (status == LLM_OK && name.ptr) t->special[role] = llmi_tokenizer_find(t, name.ptr, name.len);
    return status;
}

static llm_status read_config(llm_tokenizer *t, const json_t *config) {
    static const struct {
        const char *key;
        int32_t role;
    } ROLES[] = {{"bos_token", LLM_SPECIAL_BOS},  {"eos_token", LLM_SPECIAL_EOS}, {"unk_token", LLM_SPECIAL_UNK},
                 {"pad_token", LLM_SPECIAL_PAD},  {"sep_token", LLM_SPECIAL_SEP}, {"cls_token", LLM_SPECIAL_CLS},
                 {"mask_token", LLM_SPECIAL_MASK}};
    llm_status status = LLM_OK;
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0] && status == LLM_OK; i++)
        status = read_role(t, config, ROLES[i].key, ROLES[i].role);
    bool bos = false, eos = false;
    if (status == LLM_OK) status = llmi_read_bool(&bos, config, "add_bos_token", CONFIG);
    if (status == LLM_OK) status = llmi_read_bool(&eos, config, "add_eos_token", CONFIG);
    if (status != LLM_OK) return status;
    llm_token first = t->special[LLM_SPECIAL_BOS], last = t->special[LLM_SPECIAL_EOS];
    if (bos && first >= 0 && !t->before.len && !llmi_buf_push(&t->before, first)) return LLM_E_MEMORY;
    if (eos && last >= 0 && !t->after.len && !llmi_buf_push(&t->after, last)) return LLM_E_MEMORY;
    return LLM_OK;
}

/* ---- all ---- */

static llm_status build(llm_tokenizer *t, const json_t *root, const json_t *config) {
    llmi_maker m = {.t = t};
    const json_t *model = json_object_get(root, "model"), *added = json_object_get(root, "added_tokens");
    if (!json_is_object(model))
        return llmi_error(LLM_E_FORMAT, "tokenizer.json: \"model\" is %s, expected an object", llmi_json_type(model));
    if (added && !json_is_null(added) && !json_is_array(added))
        return llmi_error(LLM_E_FORMAT, "tokenizer.json: \"added_tokens\" is %s, expected an array",
                          llmi_json_type(added));
    llm_status status = read_tokens(t, model, added);
    if (status == LLM_OK) status = take_added(t, added);
    if (status == LLM_OK) status = llmi_read_normalizers(&m, root);
    if (status == LLM_OK) status = llmi_read_pre_tokenizers(&m, root);
    if (status == LLM_OK) status = llmi_read_decoders(&m, root);
    if (status == LLM_OK) status = llmi_read_post_processors(&m, root);
    if (status == LLM_OK) status = llmi_read_model(&m, model);
    if (status == LLM_OK) status = finish_types(t, model);
    if (status == LLM_OK && config) status = read_config(t, config);
    return status == LLM_OK ? llmi_tokenizer_finish(t) : status;
}

static llm_status parse(json_t **root, json_t **config, const char *json, size_t json_bytes, const char *config_json,
                        size_t config_bytes) {
    llm_status status = llmi_old_json_parse(root, json, json_bytes, "tokenizer.json");
    if (status == LLM_OK && config_json && config_bytes)
        status = llmi_old_json_parse(config, config_json, config_bytes, CONFIG);
    if (status == LLM_OK && !json_is_object(*root))
        status = llmi_error(LLM_E_FORMAT, "tokenizer.json is %s, expected an object", llmi_json_type(*root));
    if (status == LLM_OK && *config && !json_is_object(*config))
        status = llmi_error(LLM_E_FORMAT, "%s is %s, expected an object", CONFIG, llmi_json_type(*config));
    return status;
}

llm_status llmi_tokenizer_from_json(llm_tokenizer **out, const llm_allocator *a, const char *json, size_t json_bytes,
                                    const char *config_json, size_t config_bytes) {
    json_t *root = NULL, *config = NULL;
    *out = NULL;
    llm_status status = parse(&root, &config, json, json_bytes, config_json, config_bytes);
    llm_tokenizer *t = status == LLM_OK ? llmi_tokenizer_new(a) : NULL;
    if (status == LLM_OK) status = t ? build(t, root, config) : LLM_E_MEMORY;
    json_decref(root);
    json_decref(config);
    if (status != LLM_OK) {
        llmi_tokenizer_unref(t);
        return status;
    }
    *out = t;
    return LLM_OK;
}
