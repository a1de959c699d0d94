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
        llmi_text_range range = {p.begin, p.end};
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

/* Puts an element before the others. */
static bool push_front(llmi_buf *to, const void *item, size_t size) {
    if (!llmi_buf_reserve(to, size)) return false;
    memmove(to->data + size, to->data, to->len);
    memcpy(to->data, item, size);
    to->len += size;
    return true;
}

static void drop_front(llmi_buf *from, size_t n_bytes) {
    from->len -= n_bytes;
    memmove(from->data, from->data + n_bytes, from->len);
}

/* Exactly one BOS in front, where there is one at all: the template may have written none, one or more. */
static llm_status settle_bos(llm_rendering *r, const llm_tokenizer *t) {
    static const llmi_text_range NONE = {0, 0};
    llm_token bos = llmi_tokenizer_special(t, LLM_SPECIAL_BOS);
    size_t n = llmi_buf_count(&r->tokens, llm_token), written = 0;
    bool wanted = false;
    if (bos == LLM_TOKEN_NONE) return LLM_OK;
    while (written < n && llmi_buf_at(&r->tokens, llm_token, written) == bos) written++;
    if (written > 1) {
        drop_front(&r->tokens, (written - 1) * sizeof bos);
        drop_front(&r->spans, (written - 1) * sizeof NONE);
    }
    llm_status status = written ? LLM_OK : wants_bos(&wanted, r->tokens.a, t, bos);
    if (status != LLM_OK || !wanted) return status;
    return push_front(&r->tokens, &bos, sizeof bos) && push_front(&r->spans, &NONE, sizeof NONE) ? LLM_OK
                                                                                                 : LLM_E_MEMORY;
}

static llm_status encode(llm_rendering *r, const llm_tokenizer *t) {
    llmi_buf given;
    llmi_buf_init(&given, r->text.a);
    llm_status status = given_ranges(&given, &r->pieces);
    if (status == LLM_OK)
        status = llmi_tokenizer_encode_mixed(
            &r->tokens, t, r->text.data ? r->text.data : "", r->text.len, LLM_ENCODE_PARSE_SPECIAL,
            (const llmi_text_range *)(const void *)given.data, llmi_buf_count(&given, llmi_text_range), &r->spans);
    llmi_buf_free(&given);
    return status == LLM_OK ? settle_bos(r, t) : status;
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
