/* A conversation to ids: llm_chat_apply. */
#include <string.h>

#include "api/check.h"
#include "api/options.h"
#include "api/rendering.h"
#include "base/utf8.h"
#include "model/model.h"
#include "runtime/runtime.h"
#include "tokenizer/tokenizer.h"

/* The special tokens that templates know by name. */
static const struct {
    const char *name;
    int32_t role;
} SPECIAL[] = {
    {"bos_token", LLM_SPECIAL_BOS}, {"eos_token", LLM_SPECIAL_EOS}, {"unk_token", LLM_SPECIAL_UNK},
    {"pad_token", LLM_SPECIAL_PAD}, {"sep_token", LLM_SPECIAL_SEP}, {"cls_token", LLM_SPECIAL_CLS},
};
enum {
    N_SPECIAL = sizeof SPECIAL / sizeof SPECIAL[0],
    N_TRUSTED = N_SPECIAL + 64 /* and further names that the files of a tokenizer give: image_token */
};

/* What transformers passes where a caller gives nothing. */
static const struct {
    const char *name;
    const llmi_json *value;
} DEFAULTS[] = {
    {"tools", &llmi_json_null}, {"documents", &llmi_json_null}, {"add_generation_prompt", &llmi_json_false}};

static bool add_variable(llmi_template_context *c, const char *name, const llmi_json *value) {
    const llmi_json *with = value ? llmi_json_with(&c->doc, c->variables, name, value) : NULL;
    if (with) c->variables = with;
    return with != NULL;
}

/* The variables of a context, and the names of those that are special tokens. */
typedef struct completion {
    llmi_template_context *c;
    const llm_tokenizer *t;
    const char *trusted[N_TRUSTED + 1];
    int n;
} completion;

static llm_status add_token(completion *to, const char *name, llm_token id) {
    llmi_template_context *c = to->c;
    if (id == LLM_TOKEN_NONE || to->n == N_TRUSTED || llmi_json_get(c->variables, name)) return LLM_OK;
    llm_span text;
    llmi_tokenizer_token(to->t, id, &text, NULL, NULL);
    if (llmi_utf8_valid(text.ptr, text.len) < text.len) return LLM_OK; /* it cannot be a variable */
    if (!add_variable(c, name, llmi_json_new_string(&c->doc, text))) return c->doc.status;
    to->trusted[to->n++] = name;
    return LLM_OK;
}

/* Adds what the context leaves out. */
static llm_status complete(completion *to) {
    llmi_template_context *c = to->c;
    llm_status status = LLM_OK;
    const char *name;
    llm_token id;
    size_t n_named = 0;
    for (size_t i = 0; i < sizeof DEFAULTS / sizeof DEFAULTS[0]; i++)
        if (!llmi_json_get(c->variables, DEFAULTS[i].name) && !add_variable(c, DEFAULTS[i].name, DEFAULTS[i].value))
            return c->doc.status;
    for (int i = 0; i < N_SPECIAL && status == LLM_OK; i++)
        status = add_token(to, SPECIAL[i].name, llmi_tokenizer_special(to->t, SPECIAL[i].role));
    while (llmi_tokenizer_variable(to->t, n_named, &name, &id)) n_named++;
    while (n_named > 0 && status == LLM_OK) {
        llmi_tokenizer_variable(to->t, --n_named, &name, &id);
        status = add_token(to, name, id);
    }
    return status;
}

/* ---- ids ---- */

static llm_status given_ranges(llmi_buf *out, const llmi_buf *pieces) {
    for (size_t i = 0; i < llmi_buf_count(pieces, llmi_jinja_piece); i++) {
        llmi_jinja_piece p = llmi_buf_at(pieces, llmi_jinja_piece, i);
        llmi_plain_range range = {p.begin, p.end};
        if (p.given && !llmi_buf_push(out, range)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

/* Whether the tokenizer begins texts with BOS. */
static llm_status wants_bos(bool *out, const llm_allocator *a, const llm_tokenizer *t, llm_token bos) {
    llmi_buf ids;
    llmi_buf_init(&ids, a);
    llm_status status = llmi_tokenizer_encode(&ids, t, "", 0, LLM_ENCODE_ADD_SPECIAL);
    *out = status == LLM_OK && ids.len && llmi_buf_at(&ids, llm_token, 0) == bos;
    llmi_buf_free(&ids);
    return status;
}

/* Exactly one BOS in front, where there is one at all: the template may have written none, one or more. */
static llm_status settle_bos(llmi_buf *ids, bool *inserted, const llm_tokenizer *t) {
    llm_token bos = llmi_tokenizer_special(t, LLM_SPECIAL_BOS);
    size_t n = llmi_buf_count(ids, llm_token), written = 0;
    bool wanted = false;
    *inserted = false;
    if (bos == LLM_TOKEN_NONE) return LLM_OK;
    while (written < n && llmi_buf_at(ids, llm_token, written) == bos) written++;
    if (written > 1) {
        size_t extra = (written - 1) * sizeof bos;
        memmove(ids->data, ids->data + extra, ids->len - extra);
        ids->len -= extra;
    }
    llm_status status = written ? LLM_OK : wants_bos(&wanted, ids->a, t, bos);
    if (status != LLM_OK || !wanted) return status;
    if (!llmi_buf_reserve(ids, sizeof bos)) return LLM_E_MEMORY;
    memmove(ids->data + sizeof bos, ids->data, ids->len);
    memcpy(ids->data, &bos, sizeof bos);
    ids->len += sizeof bos;
    *inserted = true;
    return LLM_OK;
}

/* ---- which bytes an id spells ---- */

enum { LOOK_AHEAD = 64 }; /* bytes of text that an id may leave out, e.g. what a normalizer removes */

/* The place of `bytes` in the text at or soon behind `at`; begin = end if it is not there. */
static llmi_plain_range locate(const llmi_buf *text, size_t at, const char *bytes, size_t n) {
    for (size_t skip = 0; n && skip <= LOOK_AHEAD && n <= text->len - at - skip; skip++) {
        if (memcmp(text->data + at + skip, bytes, n) == 0) return (llmi_plain_range){at + skip, at + skip + n};
        if (skip == text->len - at) break;
    }
    return (llmi_plain_range){at, at};
}

/* Decodes the ids one by one and finds each in the text behind the one before. */
static llm_status locate_tokens(llm_rendering *r, const llm_tokenizer *t, bool inserted_bos) {
    size_t at = 0, n = llmi_buf_count(&r->tokens, llm_token);
    llm_status status = LLM_OK;
    llmi_buf bytes;
    llmi_buf_init(&bytes, r->text.a);
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        llmi_plain_range span = {at, at};
        bytes.len = 0;
        if (i || !inserted_bos) {
            llm_token id = llmi_buf_at(&r->tokens, llm_token, i);
            status = llmi_tokenizer_decode(&bytes, t, &id, 1, 0, i == 0);
            if (status != LLM_OK) break;
            span = locate(&r->text, at, bytes.data, bytes.len);
            bool blank = bytes.len > 1 && bytes.data[0] == ' '; /* which SentencePiece put there */
            if (span.begin == span.end && blank) span = locate(&r->text, at, bytes.data + 1, bytes.len - 1);
        }
        if (!llmi_buf_push(&r->spans, span)) status = LLM_E_MEMORY;
        at = span.end;
    }
    llmi_buf_free(&bytes);
    return status;
}

static llm_status encode(llm_rendering *r, const llm_tokenizer *t) {
    llmi_buf given;
    bool inserted = false;
    llmi_buf_init(&given, r->text.a);
    llm_status status = given_ranges(&given, &r->pieces);
    if (status == LLM_OK)
        status = llmi_tokenizer_encode_mixed(
            &r->tokens, t, r->text.data ? r->text.data : "", r->text.len, LLM_ENCODE_PARSE_SPECIAL,
            (const llmi_plain_range *)(const void *)given.data, llmi_buf_count(&given, llmi_plain_range));
    llmi_buf_free(&given);
    if (status == LLM_OK) status = settle_bos(&r->tokens, &inserted, t);
    return status == LLM_OK ? locate_tokens(r, t, inserted) : status;
}

/* ---- the call ---- */

static llm_status apply(llm_rendering *r, const llm_tokenizer *t, const llm_template *tmpl,
                        llmi_template_context *context) {
    completion all = {.c = context, .t = t};
    llm_status status = complete(&all);
    if (status == LLM_OK) status = llmi_template_run(r, tmpl, context, all.trusted);
    return status == LLM_OK ? encode(r, t) : status;
}

LLM_API llm_status llm_chat_apply(llm_rendering **out, const llm_model *model, const llm_template *tmpl,
                                  const char *context, size_t n_bytes, const llm_template_options *options) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(model);
    LLMI_TEXT(context, n_bytes);
    if (!model->tokenizer)
        return llmi_error(LLM_E_UNSUPPORTED, "%s: the model has no tokenizer", llmi_weights_path(model->weights));
    llm_template_options o;
    llm_template *own = NULL;
    llmi_template_context variables = {0};
    llm_rendering *r = NULL;
    llm_status status = llmi_options_get(&o, "template", options);
    if (status != LLM_OK) return status;
    status = llmi_template_context_read(&variables, llmi_runtime_allocator(model->runtime), context, n_bytes, &o);
    if (status == LLM_OK && !tmpl) status = llm_template_of_model(&own, model, NULL);
    if (status == LLM_OK) status = llmi_rendering_create(&r, model->runtime);
    if (status == LLM_OK) status = apply(r, model->tokenizer, tmpl ? tmpl : own, &variables);
    llmi_json_doc_free(&variables.doc);
    llm_template_unref(own);
    if (status != LLM_OK) {
        llm_rendering_destroy(r);
        return status;
    }
    *out = r;
    return LLM_OK;
}
