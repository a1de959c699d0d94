/* The model of a tokenizer.json: byte pairs, Unigram or WordPiece. */
#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "tokenizer/bpe.h"
#include "tokenizer/load_json_read.h"
#include "tokenizer/pre_tokenizers.h"
#include "tokenizer/unigram.h"
#include "tokenizer/wordpiece.h"

static const char WHERE[] = "tokenizer.json: model";

static bool is_spellable(const llm_tokenizer *t, int32_t id) {
    int32_t type = llmi_token_type(t, id);
    return type != LLM_TOKEN_CONTROL && type != LLM_TOKEN_UNKNOWN;
}

/* The id of the string in a member, which must be in the vocabulary. */
static llm_status read_token(int32_t *id, const llm_tokenizer *t, const llmi_json *model, const char *key) {
    llm_span text = {0};
    llm_status status = llmi_load_json_string(&text, model, key, WHERE);
    *id = LLM_TOKEN_NONE;
    if (status != LLM_OK || !text.ptr) return status;
    *id = llmi_tokenizer_find(t, text.ptr, text.len);
    return LLM_OK;
}

static bool has_all(const int32_t ids[256]) {
    for (int i = 0; i < 256; i++)
        if (ids[i] < 0) return false;
    return true;
}

/* ---- byte pairs ---- */

/* A merge as it stands in the file: two strings in one with a blank between, or in an array. */
static llm_status read_merge(llm_span part[2], const llmi_json *v, size_t index) {
    if (llmi_json_is(v, LLMI_JSON_STRING)) {
        const char *text = v->text;
        size_t n = v->n;
        const char *blank = n > 1 ? memchr(text + 1, ' ', n - 1) : NULL;
        if (blank && blank + 1 < text + n) {
            part[0] = (llm_span){text, (size_t)(blank - text)};
            part[1] = (llm_span){blank + 1, n - part[0].len - 1};
            return LLM_OK;
        }
    } else if (llmi_json_is(v, LLMI_JSON_ARRAY) && llmi_json_count(v) == 2) {
        const llmi_json *l = llmi_json_item(v, 0), *r = llmi_json_item(v, 1);
        if (llmi_json_is(l, LLMI_JSON_STRING) && llmi_json_is(r, LLMI_JSON_STRING)) {
            part[0] = llmi_json_text(l);
            part[1] = llmi_json_text(r);
            return LLM_OK;
        }
    }
    return llmi_error(LLM_E_FORMAT, "%s: \"merges\": merge %zu is not two spellings", WHERE, index);
}

static llm_status not_known(llm_span text, size_t index) {
    return llmi_error(LLM_E_FORMAT, "%s: \"merges\": merge %zu names \"%s\", which is not in \"vocab\"", WHERE, index,
                      LLMI_QUOTE(text.ptr, text.len));
}

static llm_status add_merge(llm_tokenizer *t, llmi_buf *joined, llm_span part[2], size_t index) {
    const llmi_vocab *x = &t->vocab;
    const llm_span prefix = t->bpe->prefix;
    int32_t left = llmi_tokenizer_find(t, part[0].ptr, part[0].len);
    int32_t right = llmi_tokenizer_find(t, part[1].ptr, part[1].len);
    if (left < 0 || right < 0) return not_known(part[left >= 0], index);
    llm_span rest = part[1];
    if (prefix.len && rest.len >= prefix.len) rest = (llm_span){rest.ptr + prefix.len, rest.len - prefix.len};
    joined->len = 0;
    if (!llmi_buf_append(joined, part[0].ptr, part[0].len) || !llmi_buf_append(joined, rest.ptr, rest.len))
        return LLM_E_MEMORY;
    int32_t into = llmi_vocab_find(x, joined->data, joined->len);
    if (into < 0) return not_known((llm_span){joined->data, joined->len}, index);
    llmi_bpe_merges_add(&t->bpe->merges, (llmi_bpe_merge){left, right, into, (uint32_t)index}, true);
    return LLM_OK;
}

static llm_status read_merges(llm_tokenizer *t, const llmi_json *model) {
    const llmi_json *list;
    llm_status status = llmi_load_json_array(&list, model, "merges", WHERE);
    if (status == LLM_OK && llmi_json_count(list) > INT32_MAX)
        status = llmi_error(LLM_E_LIMIT, "%s: more than 2^31 merges", WHERE);
    if (status == LLM_OK) status = llmi_bpe_merges_init(&t->bpe->merges, t->a, llmi_json_count(list));
    if (status != LLM_OK) return status;
    llmi_buf joined;
    llmi_buf_init(&joined, t->a);
    for (size_t i = 0; i < list->n; i++) {
        llm_span part[2] = {{0}};
        status = read_merge(part, list->items + i, i);
        if (status == LLM_OK) status = add_merge(t, &joined, part, i);
        if (status != LLM_OK) break;
    }
    llmi_buf_free(&joined);
    return status;
}

static llm_status read_affixes(llmi_bpe *b, const llmi_json *model) {
    llm_span prefix = {0}, suffix = {0};
    llm_status status = llmi_load_json_string(&prefix, model, "continuing_subword_prefix", WHERE);
    if (status == LLM_OK) status = llmi_load_json_string(&suffix, model, "end_of_word_suffix", WHERE);
    if (status != LLM_OK) return status;
    if (!llmi_buf_append(&b->affixes, prefix.ptr, prefix.len) || !llmi_buf_append(&b->affixes, suffix.ptr, suffix.len))
        return LLM_E_MEMORY;
    if (prefix.len) b->prefix = (llm_span){b->affixes.data, prefix.len};
    if (suffix.len) b->suffix = (llm_span){b->affixes.data + prefix.len, suffix.len};
    return LLM_OK;
}

static llm_status check_dropout(const llmi_json *model) {
    const llmi_json *v = llmi_json_get(model, "dropout");
    if (!v || llmi_json_is(v, LLMI_JSON_NULL) || (llmi_json_is(v, LLMI_JSON_NUMBER) && llmi_json_double(v) == 0))
        return LLM_OK;
    return llmi_error(LLM_E_UNSUPPORTED, "%s: \"dropout\" is %s, expected null", WHERE, llmi_json_type_name(v));
}

/* If bytes are spelled as characters last of all, the model takes them as they are. */
static bool take_byte_level(llm_tokenizer *t) {
    llmi_pre *last = t->n_pres ? &t->pres[t->n_pres - 1] : NULL;
    if (!last || last->run != llmi_pre_bytes || t->bpe->prefix.len || t->bpe->suffix.len) return false;
    last->run = llmi_pre_bytes_kept;
    return true;
}

static llm_status make_bpe(llmi_load_json_maker *m, const llmi_json *model, const char *where) {
    llm_tokenizer *t = m->t;
    llmi_bpe *b = t->bpe = llmi_alloc_zero(t->a, sizeof *b);
    if (!b) return LLM_E_MEMORY;
    t->kind = "bpe";
    t->model = llmi_bpe_encode;
    llmi_buf_init(&b->affixes, t->a);
    llm_status status = check_dropout(model);
    if (status == LLM_OK) status = read_affixes(b, model);
    if (status == LLM_OK) status = read_token(&t->unk, t, model, "unk_token");
    if (status == LLM_OK) status = llmi_load_json_bool(&t->fuse_unk, model, "fuse_unk", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&b->byte_fallback, model, "byte_fallback", where);
    if (status == LLM_OK) status = llmi_load_json_bool(&b->ignore_merges, model, "ignore_merges", where);
    if (status == LLM_OK) status = read_merges(t, model);
    if (status != LLM_OK) return status;
    b->byte_level = take_byte_level(t);
    llmi_bpe_byte_ids(b->byte_ids, &t->vocab, b->byte_level);
    t->takes_bytes = (b->byte_level || b->byte_fallback) && has_all(b->byte_ids);
    t->cuts = !t->n_pres && !b->ignore_merges && !b->prefix.len && !b->suffix.len;
    return LLM_OK;
}

/* ---- Unigram ---- */

/* [spelling, score] */
static llm_status read_piece(llmi_unigram *u, const llm_tokenizer *t, const llmi_json *v, int32_t id, double *least) {
    const llmi_json *text = llmi_json_item(v, 0), *number = llmi_json_item(v, 1);
    if (!llmi_json_is(text, LLMI_JSON_STRING) || !llmi_json_is(number, LLMI_JSON_NUMBER))
        return llmi_error(LLM_E_FORMAT, "%s: \"vocab\": entry %d is not a spelling and a score", WHERE, id);
    double score = llmi_json_double(number);
    if (score < *least) *least = score;
    if (!llmi_buf_push(&u->scores, score)) return LLM_E_MEMORY;
    if (score - score != 0)
        return llmi_error(LLM_E_FORMAT, "%s: \"vocab\": the score of entry %d is not a finite number", WHERE, id);
    if (!text->n || !is_spellable(t, id)) return LLM_OK;
    return llmi_trie_add(&u->trie, text->text, text->n, id);
}

static llm_status make_unigram(llmi_load_json_maker *m, const llmi_json *model, const char *where) {
    llm_tokenizer *t = m->t;
    llmi_unigram *u = t->unigram = llmi_alloc_zero(t->a, sizeof *u);
    if (!u) return LLM_E_MEMORY;
    t->kind = "unigram";
    t->model = llmi_unigram_encode;
    llmi_trie_init(&u->trie, t->a);
    llmi_buf_init(&u->scores, t->a);
    const llmi_json *list;
    double least = 0;
    llm_status status = llmi_load_json_array(&list, model, "vocab", where);
    if (status == LLM_OK) status = llmi_load_json_id(&t->unk, model, "unk_id", (int32_t)llmi_json_count(list), where);
    if (status == LLM_OK) status = llmi_load_json_bool(&u->byte_fallback, model, "byte_fallback", where);
    if (status != LLM_OK) return status;
    for (size_t i = 0; i < list->n; i++) {
        status = read_piece(u, t, list->items + i, (int32_t)i, &least);
        if (status != LLM_OK) return status;
    }
    u->unk_score = least - 10;
    t->fuse_unk = true;
    llmi_bpe_byte_ids(u->byte_ids, &t->vocab, false);
    t->takes_bytes = u->byte_fallback && has_all(u->byte_ids);
    t->cuts = !t->n_pres && !u->byte_fallback;
    return LLM_OK;
}

/* ---- WordPiece ---- */

static llm_status make_wordpiece(llmi_load_json_maker *m, const llmi_json *model, const char *where) {
    llm_tokenizer *t = m->t;
    llmi_wordpiece *p = t->wordpiece = llmi_alloc_zero(t->a, sizeof *p);
    if (!p) return LLM_E_MEMORY;
    t->kind = "wordpiece";
    t->model = llmi_wordpiece_encode;
    llmi_trie_init(&p->trie[0], t->a);
    llmi_trie_init(&p->trie[1], t->a);
    llm_span prefix = {"##", 2};
    int64_t max_chars = 100;
    llm_status status = llmi_load_json_string(&prefix, model, "continuing_subword_prefix", where);
    if (status == LLM_OK && llmi_json_get(model, "max_input_chars_per_word"))
        status = llmi_json_get_int(&max_chars, model, "max_input_chars_per_word", 0, INT32_MAX, where);
    if (status == LLM_OK) status = read_token(&t->unk, t, model, "unk_token");
    if (status == LLM_OK && t->unk < 0)
        status = llmi_error(LLM_E_FORMAT, "%s: \"unk_token\" is missing, or not in the vocabulary", where);
    p->max_chars = (size_t)max_chars;
    if (status != LLM_OK) return status;
    const llmi_json *vocab = llmi_json_get(model, "vocab");
    for (size_t i = 0; llmi_json_is(vocab, LLMI_JSON_OBJECT) && i < vocab->n; i++) {
        const char *key = vocab->members[i].key.text;
        size_t n = vocab->members[i].key.n;
        int32_t value = llmi_tokenizer_find(t, key, n);
        if (!n || (!is_spellable(t, value) && value != t->unk)) continue;
        status = llmi_trie_add(&p->trie[0], key, n, value);
        if (status == LLM_OK && n > prefix.len && memcmp(key, prefix.ptr, prefix.len) == 0)
            status = llmi_trie_add(&p->trie[1], key + prefix.len, n - prefix.len, value);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static const llmi_load_json_component MODELS[] = {
    {"BPE", make_bpe}, {"Unigram", make_unigram}, {"WordPiece", make_wordpiece}};

/* Old files do not say which it is. */
static const char *guess(const llmi_json *model) {
    if (llmi_json_get(model, "merges")) return "BPE";
    return llmi_json_is(llmi_json_get(model, "vocab"), LLMI_JSON_ARRAY) ? "Unigram" : "WordPiece";
}

llm_status llmi_load_json_model(llmi_load_json_maker *m, const llmi_json *model) {
    llm_span type = {0};
    llm_status status = llmi_load_json_string(&type, model, "type", WHERE);
    if (status != LLM_OK) return status;
    if (!type.ptr) type = (llm_span){guess(model), strlen(guess(model))};
    for (size_t i = 0; i < sizeof MODELS / sizeof MODELS[0]; i++)
        if (strlen(MODELS[i].type) == type.len && memcmp(MODELS[i].type, type.ptr, type.len) == 0)
            return MODELS[i].make(m, model, WHERE);
    return llmi_error(LLM_E_UNSUPPORTED, "%s: type \"%s\" is not supported", WHERE, LLMI_QUOTE(type.ptr, type.len));
}
