/* Tokenizers from the metadata of a GGUF file. */
#include "base/alloc.h"
#include "base/checked.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "tokenizer/bpe.h"
#include "tokenizer/decoders.h"
#include "tokenizer/normalizers.h"
#include "tokenizer/pre_tokenizers.h"
#include "tokenizer/presets.h"
#include "tokenizer/unigram.h"
#include "tokenizer/wordpiece.h"

enum { WORD_CHARS = 100 }; /* of WordPiece, where longer words are unknown */

static bool on(int8_t flag, bool otherwise) {
    return flag < 0 ? otherwise : flag;
}

static const char *const KEYS[8] = {"bos",     "eos",       "eot", "unknown",
                                    "padding", "seperator", "cls", "mask"}; /* spelled as the format does */

static llm_status put_around(llmi_buf *ids, llm_token id) {
    return id < 0 || llmi_buf_push(ids, id) ? LLM_OK : LLM_E_MEMORY;
}

/* Puts the token with a role around a text, if the file or else the kind of vocabulary asks for it. */
static llm_status put_role(llm_tokenizer *t, const llmi_vocab_desc *v, llmi_buf *ids, int role, int8_t flag,
                           bool otherwise) {
    if (!on(flag, otherwise)) return LLM_OK;
    llm_token stated = v->special[role];
    if (stated != LLM_TOKEN_NONE && (stated < 0 || stated >= v->n_tokens))
        return llmi_error(LLM_E_FORMAT,
                          "tokenizer.ggml.%s_token_id is %lld, expected 0..%d: the token is put around each text",
                          KEYS[role], (long long)stated, v->n_tokens - 1);
    return put_around(ids, t->special[role]);
}

static llm_status add_replace(llm_tokenizer *t, const char *from, const char *to) {
    llmi_normalizer *s;
    llm_status status = llmi_tokenizer_add_normalizer(&s, t);
    if (status != LLM_OK) return status;
    s->run = llmi_normalizer_replace;
    return llmi_buf_append(&s->from, from, strlen(from)) && llmi_buf_append(&s->to, to, strlen(to)) ? LLM_OK
                                                                                                    : LLM_E_MEMORY;
}

static llm_status add_norm(llm_tokenizer *t, llmi_normalizer_fn run, uint8_t options) {
    llmi_normalizer *s;
    llm_status status = llmi_tokenizer_add_normalizer(&s, t);
    if (status != LLM_OK) return status;
    s->run = run;
    s->options = options;
    return LLM_OK;
}

static llm_status add_dec(llm_tokenizer *t, llmi_decoder_step_fn run, const char *from, const char *to) {
    llmi_decoder_step *d;
    llm_status status = llmi_tokenizer_add_decoder(&d, t);
    if (status != LLM_OK) return status;
    d->run = run;
    return llmi_buf_append(&d->from, from, strlen(from)) && llmi_buf_append(&d->to, to, strlen(to)) ? LLM_OK
                                                                                                    : LLM_E_MEMORY;
}

/* ---- SentencePiece's surroundings, of "llama" and "t5" ---- */

static llm_status add_meta_norms(llm_tokenizer *t, const llmi_vocab_desc *v) {
    llm_status status = LLM_OK;
    if (v->charsmap) {
        status = add_norm(t, llmi_normalizer_charsmap, 0);
        llmi_normalizer *s = &t->norms[t->n_norms - 1];
        if (status == LLM_OK && !llmi_buf_append(&s->map_bytes, v->charsmap, v->charsmap_bytes)) status = LLM_E_MEMORY;
        if (status == LLM_OK)
            status =
                llmi_charsmap_init(&s->map, s->map_bytes.data, s->map_bytes.len, "tokenizer.ggml.precompiled_charsmap");
    }
    if (status == LLM_OK && on(v->remove_extra_whitespaces, false)) status = add_norm(t, llmi_normalizer_squeeze, 0);
    if (status == LLM_OK && on(v->add_space_prefix, true)) {
        status = add_norm(t, llmi_normalizer_prepend, 0);
        if (status == LLM_OK && !llmi_buf_append(&t->norms[t->n_norms - 1].to, " ", 1)) status = LLM_E_MEMORY;
    }
    if (status == LLM_OK && on(v->escape_whitespaces, true)) status = add_replace(t, " ", LLMI_META_SPACE);
    return status;
}

static llm_status add_meta_decs(llm_tokenizer *t, const llmi_vocab_desc *v) {
    llm_status status = add_dec(t, llmi_decoders_replace, LLMI_META_SPACE, " ");
    if (status == LLM_OK) status = add_dec(t, llmi_decoders_byte_tokens, "", "");
    if (status != LLM_OK || !on(v->add_space_prefix, true)) return status;
    status = add_dec(t, llmi_decoders_strip, " ", "");
    t->decs[t->n_decs - 1].once = true;
    t->decs[t->n_decs - 1].start = 1;
    return status;
}

/* The unknown token that the file states, or the first of that type. */
static int32_t find_unk(const llm_tokenizer *t) {
    int32_t id = t->special[LLM_SPECIAL_UNK];
    for (int32_t i = 0; id < 0 && i < t->vocab.n; i++)
        if (llmi_token_type(t, i) == LLM_TOKEN_UNKNOWN) id = i;
    return id;
}

static bool has_all(const int32_t ids[256]) {
    for (int i = 0; i < 256; i++)
        if (ids[i] < 0) return false;
    return true;
}

static llm_status new_bpe(llm_tokenizer *t, bool byte_level) {
    t->kind = "bpe";
    t->model = llmi_bpe_encode;
    t->bpe = llmi_alloc_zero(t->a, sizeof *t->bpe);
    if (!t->bpe) return LLM_E_MEMORY;
    llmi_buf_init(&t->bpe->affixes, t->a);
    t->bpe->byte_level = byte_level;
    llmi_bpe_byte_ids(t->bpe->byte_ids, &t->vocab, byte_level);
    t->takes_bytes = has_all(t->bpe->byte_ids);
    return LLM_OK;
}

static llm_status make_spm(llm_tokenizer *t, const llmi_vocab_desc *v) {
    llm_status status = new_bpe(t, false);
    if (status != LLM_OK) return status;
    if (!v->scores) return llmi_error(LLM_E_FORMAT, "tokenizer.ggml.scores is missing, expected %d", v->n_tokens);
    t->kind = "spm";
    t->bpe->by_score = true;
    t->cuts = true;
    t->unk = find_unk(t);
    status = add_meta_norms(t, v);
    if (status == LLM_OK) status = add_meta_decs(t, v);
    if (status == LLM_OK) status = put_role(t, v, &t->before, LLM_SPECIAL_BOS, v->add_bos, true);
    if (status == LLM_OK) status = put_role(t, v, &t->after, LLM_SPECIAL_EOS, v->add_eos, false);
    return status;
}

static const llmi_preset *find_preset(const llmi_vocab_desc *v) {
    static const char GEMMA[] = "gemma4", DEFAULT[] = "default";
    if (strcmp(v->model, GEMMA) == 0) return llmi_preset_find(GEMMA);
    if (v->pre) return llmi_preset_find(v->pre);
    llmi_log_write(v->log, LLM_LOG_WARNING,
                   "tokenizer.ggml.pre is missing: \"%s\" is assumed, and ids may differ from those that the model was "
                   "trained with; files of before May 2024 lack it, convert the model again",
                   DEFAULT);
    return llmi_preset_find(DEFAULT);
}

static llm_status add_bpe_decs(llm_tokenizer *t, const llmi_preset *p) {
    if (!llmi_preset_has_marks(p)) return add_dec(t, llmi_decoders_bytes, "", "");
    llm_status status = add_dec(t, llmi_decoders_replace, LLMI_META_SPACE, " ");
    return status == LLM_OK ? add_dec(t, llmi_decoders_byte_tokens, "", "") : status;
}

static llm_status make_bpe(llm_tokenizer *t, const llmi_vocab_desc *v) {
    const llmi_preset *p = find_preset(v);
    if (!p)
        return llmi_error(LLM_E_UNSUPPORTED,
                          "tokenizer.ggml.pre is \"%s\", which is not known: with other cuts the ids would be others",
                          LLMI_QUOTE(v->pre, strlen(v->pre)));
    if (!v->merges) return llmi_error(LLM_E_FORMAT, "tokenizer.ggml.merges is missing");
    llm_status status = new_bpe(t, llmi_preset_takes_bytes(p));
    if (status != LLM_OK) return status;
    t->bpe->byte_fallback = t->fuse_unk = llmi_preset_has_marks(p);
    t->bpe->ignore_merges = llmi_preset_ignores_merges(p);
    t->unk = t->special[LLM_SPECIAL_UNK];
    status = llmi_bpe_merges_read(&t->bpe->merges, t->a, &t->vocab, v->merges, v->merges_bytes, v->n_merges);
    if (status == LLM_OK) status = llmi_preset_apply(t, p);
    if (status == LLM_OK) status = add_bpe_decs(t, p);
    if (status == LLM_OK) status = put_role(t, v, &t->before, LLM_SPECIAL_BOS, v->add_bos, llmi_preset_adds_bos(p));
    if (status == LLM_OK) status = put_role(t, v, &t->after, LLM_SPECIAL_EOS, v->add_eos, false);
    return status;
}

/* ---- Unigram ---- */

static llm_status fill_unigram(llm_tokenizer *t, llmi_unigram *u) {
    double least = 0;
    for (int32_t id = 0; id < t->vocab.n; id++) {
        double score = (double)llmi_token_score(t, id);
        int32_t type = llmi_token_type(t, id);
        llm_span s = llmi_vocab_get(&t->vocab, id);
        if (score != score) return llmi_error(LLM_E_FORMAT, "tokenizer.ggml.scores: score %d is not a number", id);
        if (type == LLM_TOKEN_USER_DEFINED) score = 0;
        if (!llmi_buf_push(&u->scores, score)) return LLM_E_MEMORY;
        if (type != LLM_TOKEN_NORMAL && type != LLM_TOKEN_USER_DEFINED && type != LLM_TOKEN_UNUSED) continue;
        if (type == LLM_TOKEN_NORMAL && score < least) least = score;
        llm_status status = s.len ? llmi_trie_add(&u->trie, s.ptr, s.len, id) : LLM_OK;
        if (status != LLM_OK) return status;
    }
    u->unk_score = least - 10;
    return LLM_OK;
}

static llm_status make_unigram(llm_tokenizer *t, const llmi_vocab_desc *v) {
    if (!v->scores) return llmi_error(LLM_E_FORMAT, "tokenizer.ggml.scores is missing, expected %d", v->n_tokens);
    llmi_unigram *u = t->unigram = llmi_alloc_zero(t->a, sizeof *u);
    if (!u) return LLM_E_MEMORY;
    t->kind = "unigram";
    t->model = llmi_unigram_encode;
    t->fuse_unk = true;
    t->cuts = true;
    t->unk = find_unk(t);
    llmi_trie_init(&u->trie, t->a);
    llmi_buf_init(&u->scores, t->a);
    llmi_bpe_byte_ids(u->byte_ids, &t->vocab, false);
    u->byte_fallback = t->takes_bytes = has_all(u->byte_ids);
    llm_status status = fill_unigram(t, u);
    if (status == LLM_OK) status = add_meta_norms(t, v);
    if (status == LLM_OK) status = add_meta_decs(t, v);
    if (status == LLM_OK) status = put_role(t, v, &t->before, LLM_SPECIAL_BOS, v->add_bos, false);
    if (status == LLM_OK) status = put_role(t, v, &t->after, LLM_SPECIAL_EOS, v->add_eos, true);
    return status;
}

/* ---- WordPiece ---- */

/* Spellings begin with U+2581 where they begin a word. */
static llm_status fill_wordpiece(llm_tokenizer *t, llmi_wordpiece *p) {
    for (int32_t id = 0; id < t->vocab.n; id++) {
        llm_span s = llmi_vocab_get(&t->vocab, id);
        if (llmi_token_type(t, id) != LLM_TOKEN_NORMAL) continue;
        bool begins = s.len >= LLMI_META_SPACE_BYTES && memcmp(s.ptr, LLMI_META_SPACE, LLMI_META_SPACE_BYTES) == 0;
        if (begins) s = (llm_span){s.ptr + LLMI_META_SPACE_BYTES, s.len - LLMI_META_SPACE_BYTES};
        llm_status status = s.len ? llmi_trie_add(&p->trie[!begins], s.ptr, s.len, id) : LLM_OK;
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status make_wordpiece(llm_tokenizer *t, const llmi_vocab_desc *v) {
    llmi_wordpiece *p = t->wordpiece = llmi_alloc_zero(t->a, sizeof *p);
    if (!p) return LLM_E_MEMORY;
    t->kind = "wordpiece";
    t->model = llmi_wordpiece_encode;
    t->unk = find_unk(t);
    p->max_chars = WORD_CHARS;
    llmi_trie_init(&p->trie[0], t->a);
    llmi_trie_init(&p->trie[1], t->a);
    llmi_pre *s;
    llm_status status = fill_wordpiece(t, p);
    if (status == LLM_OK)
        status =
            add_norm(t, llmi_normalizer_bert, LLMI_BERT_CLEAN | LLMI_BERT_CJK | LLMI_BERT_ACCENTS | LLMI_BERT_LOWER);
    if (status == LLM_OK) status = llmi_tokenizer_add_pre(&s, t);
    if (status != LLM_OK) return status;
    s->run = llmi_pre_bert;
    status = add_dec(t, llmi_decoders_wordpiece_marked, LLMI_META_SPACE, "");
    t->decs[t->n_decs - 1].cleanup = true;
    llm_token cls = t->special[LLM_SPECIAL_CLS], sep = t->special[LLM_SPECIAL_SEP];
    if (status == LLM_OK && on(v->add_bos, true))
        status = put_around(&t->before, cls >= 0 ? cls : t->special[LLM_SPECIAL_BOS]);
    if (status == LLM_OK && on(v->add_eos, true))
        status = put_around(&t->after, sep >= 0 ? sep : t->special[LLM_SPECIAL_EOS]);
    return status;
}

/* ---- all ---- */

static const struct {
    const char *name;
    llm_status (*make)(llm_tokenizer *t, const llmi_vocab_desc *v);
} MODELS[] = {{"gpt2", make_bpe},  {"gemma4", make_bpe}, {"whitespace", make_bpe},
              {"llama", make_spm}, {"t5", make_unigram}, {"bert", make_wordpiece}};

static llm_status check_types(const llm_tokenizer *t) {
    for (int32_t id = 0; id < t->vocab.n; id++) {
        int32_t type = llmi_token_type(t, id);
        if (type < LLM_TOKEN_NORMAL || type > LLM_TOKEN_BYTE)
            return llmi_error(LLM_E_FORMAT, "tokenizer.ggml.token_type: type of token %d is %d, expected %d..%d", id,
                              type, LLM_TOKEN_NORMAL, LLM_TOKEN_BYTE);
    }
    return LLM_OK;
}

/* Published files have ids beyond their vocabulary; where nothing depends on one, it is as if it were absent. */
static llm_token check_id(const llmi_vocab_desc *v, const char *key, llm_token id) {
    if (id == LLM_TOKEN_NONE || (id >= 0 && id < v->n_tokens)) return id;
    llmi_log_write(v->log, LLM_LOG_WARNING, "%s is %d, expected 0..%d: it is ignored", key, id, v->n_tokens - 1);
    return LLM_TOKEN_NONE;
}

static void take_special(llm_tokenizer *t, const llmi_vocab_desc *v) {
    for (int i = 0; i < 8; i++) {
        char key[64];
        llmi_format(key, sizeof key, "tokenizer.ggml.%s_token_id", KEYS[i]);
        t->special[i] = check_id(v, key, v->special[i]);
    }
    for (int32_t i = 0; i < v->n_ends; i++)
        llmi_special_tokens_add_end(t, check_id(v, "tokenizer.ggml: an id that ends a generation", v->ends[i]));
}

/* Tokens that text may spell: user-defined ones always, special ones if asked. */
static llm_status add_tokens(llm_tokenizer *t) {
    for (int32_t id = 0; id < t->vocab.n; id++) {
        int32_t type = llmi_token_type(t, id);
        if (type != LLM_TOKEN_CONTROL && type != LLM_TOKEN_UNKNOWN && type != LLM_TOKEN_USER_DEFINED) continue;
        bool plain =
            type == LLM_TOKEN_USER_DEFINED && !llmi_special_tokens_looks_like_control(llmi_vocab_get(&t->vocab, id));
        llm_status status = llmi_added_tokens_add(t, id, plain ? 0 : LLMI_ADDED_SPECIAL);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status copy_types(llm_tokenizer *t, const llmi_vocab_desc *v) {
    static const int32_t normal = LLM_TOKEN_NORMAL;
    size_t n;
    if (!llmi_mul(&n, (size_t)v->n_tokens, sizeof normal)) return LLM_E_MEMORY;
    if (v->scores && !llmi_buf_append(&t->scores, v->scores, n)) return LLM_E_MEMORY;
    if (v->types) return llmi_buf_append(&t->types, v->types, n) ? LLM_OK : LLM_E_MEMORY;
    for (int32_t id = 0; id < v->n_tokens; id++)
        if (!llmi_buf_push(&t->types, normal)) return LLM_E_MEMORY;
    return LLM_OK;
}

/* The arrays of the file may change, or vanish, while the tokenizer lives: it has its own. */
static llm_status copy_arrays(llm_tokenizer *t, const llmi_vocab_desc *v) {
    if (!llmi_buf_append(&t->spellings, v->tokens, v->tokens_bytes)) return LLM_E_MEMORY;
    llm_status status =
        llmi_vocab_init(&t->vocab, t->a, t->spellings.data, t->spellings.len, v->n_tokens, "tokenizer.ggml.tokens");
    return status == LLM_OK ? copy_types(t, v) : status;
}

static llm_status build(llm_tokenizer *t, const llmi_vocab_desc *v) {
    t->jit = !v->no_jit;
    llm_status status = copy_arrays(t, v);
    if (status == LLM_OK) status = check_types(t);
    if (status != LLM_OK) return status;
    take_special(t, v);
    llmi_special_tokens_mend_types(t, v->log);
    status = add_tokens(t);
    if (status != LLM_OK) return status;
    llmi_special_tokens_guess(t);
    for (size_t i = 0; i < sizeof MODELS / sizeof MODELS[0]; i++)
        if (strcmp(v->model, MODELS[i].name) == 0) {
            status = MODELS[i].make(t, v);
            return status == LLM_OK ? llmi_tokenizer_finish(t) : status;
        }
    return llmi_error(LLM_E_UNSUPPORTED, "tokenizer.ggml.model is \"%s\", expected gpt2, llama, t5 or bert",
                      LLMI_QUOTE(v->model, strlen(v->model)));
}

llm_status llmi_tokenizer_from_vocab(llm_tokenizer **out, const llm_allocator *a, const llmi_vocab_desc *vocab) {
    *out = NULL;
    llm_tokenizer *t = llmi_tokenizer_new(a);
    if (!t) return LLM_E_MEMORY;
    llm_status status = build(t, vocab);
    if (status != LLM_OK) {
        llmi_tokenizer_unref(t);
        return status;
    }
    *out = t;
    return LLM_OK;
}
