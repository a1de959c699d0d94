/* Tokenizers from a tokenizer.json and the files beside it: first the vocabulary, then the added tokens, then the steps
 * around the model, then the model. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "tokenizer/bpe.h"
#include "tokenizer/load_json_read.h"

/* Ids may have gaps, but not be far beyond the number of tokens. */
enum { GAP_MAX = 1 << 12, TOKENS_MAX = (INT32_MAX - GAP_MAX) / 4 };

/* ---- the vocabulary as one array of spellings ---- */

typedef struct listing {
    llmi_buf spans; /* llm_span by id; ptr NULL: none */
    int32_t limit;
} listing;

static const char VOCAB[] = "tokenizer.json: model: \"vocab\"";

static llm_status put_token(listing *l, llm_span text, int64_t id) {
    if (id < 0 || id >= l->limit)
        return llmi_error(LLM_E_FORMAT, "%s: id of \"%s\" is %lld, expected 0..%d", VOCAB,
                          LLMI_QUOTE(text.ptr, text.len), (long long)id, l->limit - 1);
    size_t need = ((size_t)id + 1) * sizeof(llm_span);
    if (need > l->spans.len) {
        if (!llmi_buf_reserve(&l->spans, need - l->spans.len)) return LLM_E_MEMORY;
        memset(l->spans.data + l->spans.len, 0, need - l->spans.len);
        l->spans.len = need;
    }
    llm_span *at = &llmi_buf_at(&l->spans, llm_span, id);
    if (at->ptr && (at->len != text.len || memcmp(at->ptr, text.ptr, text.len) != 0))
        return llmi_error(LLM_E_FORMAT, "%s: id %lld is both \"%s\" and \"%s\"", VOCAB, (long long)id,
                          LLMI_QUOTE(at->ptr, at->len), LLMI_QUOTE(text.ptr, text.len));
    *at = text;
    return LLM_OK;
}

/* [[spelling, score]] of Unigram */
static llm_status list_pieces(listing *l, const llmi_json *vocab) {
    llm_status status = LLM_OK;
    for (size_t i = 0; i < vocab->n && status == LLM_OK; i++) {
        const llmi_json *text = llmi_json_item(vocab->items + i, 0);
        if (!llmi_json_is(text, LLMI_JSON_STRING))
            return llmi_error(LLM_E_FORMAT, "%s: entry %zu is not a spelling and a score", VOCAB, i);
        status = put_token(l, llmi_json_text(text), (int64_t)i);
    }
    return status;
}

/* {spelling: id} of byte pairs and WordPiece */
static llm_status list_members(listing *l, const llmi_json *vocab) {
    llm_status status = LLM_OK;
    for (size_t i = 0; i < vocab->n && status == LLM_OK; i++) {
        const llmi_json_member *m = &vocab->members[i];
        int64_t id;
        if (!llmi_json_is_integer(&m->value) || !llmi_json_int64(&id, &m->value))
            return llmi_error(LLM_E_FORMAT, "%s: id of \"%s\" is %s, expected an integer", VOCAB,
                              LLMI_QUOTE(m->key.text, m->key.n), llmi_json_type_name(&m->value));
        status = put_token(l, llmi_json_text(&m->key), id);
    }
    return status;
}

/* Makes the vocabulary and, until more is known, types. */
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
    return llmi_vocab_init(&t->vocab, t->a, t->spellings.data, t->spellings.len, (int32_t)n,
                           "tokenizer.json: vocabulary");
}

static llm_status read_vocab(llm_tokenizer *t, const llmi_json *vocab) {
    bool pieces = llmi_json_is(vocab, LLMI_JSON_ARRAY);
    if (!pieces && !llmi_json_is(vocab, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "%s is %s, expected an object or an array", VOCAB, llmi_json_type_name(vocab));
    if (vocab->n > TOKENS_MAX)
        return llmi_error(LLM_E_LIMIT, "tokenizer.json: %u tokens, at most %d are read", vocab->n, TOKENS_MAX);
    listing l = {.limit = (int32_t)vocab->n * 2 + GAP_MAX};
    llmi_buf_init(&l.spans, t->a);
    llm_status status = pieces ? list_pieces(&l, vocab) : list_members(&l, vocab);
    if (status == LLM_OK) status = make_lexicon(t, &l);
    llmi_buf_free(&l.spans);
    return status;
}

/* What the model tells about types and scores. */
static llm_status finish_types(llm_tokenizer *t, const llmi_json *model) {
    bool fallback = false;
    llm_status status = llmi_load_json_bool(&fallback, model, "byte_fallback", "tokenizer.json: model");
    if (status != LLM_OK) return status;
    int32_t *types = &llmi_buf_at(&t->types, int32_t, 0);
    for (int32_t id = 0; fallback && id < t->vocab.n; id++)
        if (types[id] == LLM_TOKEN_NORMAL && llmi_bpe_byte_token(llmi_vocab_get(&t->vocab, id)) >= 0)
            types[id] = LLM_TOKEN_BYTE;
    if (t->unk >= 0 && types[t->unk] == LLM_TOKEN_CONTROL) types[t->unk] = LLM_TOKEN_UNKNOWN;
    const llmi_json *vocab = llmi_json_get(model, "vocab");
    if (!llmi_json_is(vocab, LLMI_JSON_ARRAY)) return LLM_OK;
    for (int32_t id = 0; id < t->vocab.n; id++) {
        const llmi_json *entry = llmi_json_item(vocab, (size_t)id);
        float score = entry ? (float)llmi_json_double(llmi_json_item(entry, 1)) : 0;
        if (!llmi_buf_push(&t->scores, score)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

/* ---- all ---- */

static llm_status build(llm_tokenizer *t, const llmi_load_json_sources *s) {
    llmi_load_json_maker m = {.t = t};
    const llmi_json *root = s->root, *model = llmi_json_get(root, "model"), *vocab = llmi_json_get(model, "vocab");
    if (!llmi_json_is(model, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "tokenizer.json: \"model\" is %s, expected an object",
                          llmi_json_type_name(model));
    llm_status status = read_vocab(t, vocab);
    if (status == LLM_OK) status = llmi_load_json_added(t, s, (int32_t)llmi_json_count(vocab));
    if (status == LLM_OK) llmi_special_tokens_mend_types(t, s->log);
    if (status == LLM_OK) status = llmi_load_json_normalizers(&m, root);
    if (status == LLM_OK) status = llmi_load_json_pre_tokenizers(&m, root);
    if (status == LLM_OK) status = llmi_load_json_decoders(&m, root);
    if (status == LLM_OK) status = llmi_load_json_post_processors(&m, root);
    if (status == LLM_OK) status = llmi_load_json_model(&m, model);
    if (status == LLM_OK) status = finish_types(t, model);
    return status == LLM_OK ? llmi_tokenizer_finish(t) : status;
}

/* An object; *out stays NULL where there is no text. */
static llm_status parse(const llmi_json **out, llmi_json_doc *doc, llm_span text, const char *name) {
    *out = NULL;
    if (!text.ptr) return LLM_OK;
    llm_status status = llmi_json_parse(out, doc, text, name, LLMI_JSON_PYTHON);
    if (status == LLM_OK && !llmi_json_is(*out, LLMI_JSON_OBJECT))
        status = llmi_error(LLM_E_FORMAT, "%s is %s, expected an object", name, llmi_json_type_name(*out));
    return status;
}

llm_status llmi_tokenizer_from_json(llm_tokenizer **out, const llm_allocator *a, const llmi_tokenizer_files *files) {
    llmi_json_doc doc;
    llmi_load_json_sources s = {.log = files->log};
    *out = NULL;
    llmi_json_doc_init(&doc, a, 0);
    llm_status status = parse(&s.root, &doc, files->json, "tokenizer.json");
    if (status == LLM_OK) status = parse(&s.config, &doc, files->config, "tokenizer_config.json");
    if (status == LLM_OK) status = parse(&s.map, &doc, files->special_tokens_map, "special_tokens_map.json");
    if (status == LLM_OK) status = parse(&s.added, &doc, files->added_tokens, "added_tokens.json");
    llm_tokenizer *t = status == LLM_OK ? llmi_tokenizer_new(a) : NULL;
    if (t) t->jit = !files->no_jit;
    if (status == LLM_OK) status = t ? build(t, &s) : LLM_E_MEMORY;
    llmi_json_doc_free(&doc);
    if (status != LLM_OK) {
        llmi_tokenizer_unref(t);
        return status;
    }
    *out = t;
    return LLM_OK;
}
