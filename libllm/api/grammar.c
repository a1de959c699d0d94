/* Grammars: the public calls of llm/grammar.h, and how they reach the sampler. */
#include "api/grammar.h"

#include <string.h>

#include "api/check.h"
#include "api/tokenizer.h"
#include "base/alloc.h"

/* The public handle is the grammar itself. */
static llm_grammar *outer(llmi_grammar *g) {
    return (llm_grammar *)(void *)g;
}

static llmi_grammar *inner(const llm_grammar *g) {
    return (llmi_grammar *)(void *)(uintptr_t)g;
}

typedef llm_status (*make_fn)(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text, size_t n);

static llm_status make(llm_grammar **out, const llm_tokenizer *tokenizer, const char *text, size_t n_bytes,
                       make_fn fn) {
    llmi_grammar *g = NULL;
    /* Only the count of references changes. */
    llm_status status =
        fn(&g, llmi_api_tokenizer_memory(tokenizer), (llm_tokenizer *)tokenizer, text ? text : "", n_bytes);
    if (status == LLM_OK) *out = outer(g);
    return status;
}

#define CHECK_ARGUMENTS                                                                                                \
    llmi_error_clear();                                                                                                \
    LLMI_NOT_NULL(out);                                                                                                \
    *out = NULL;                                                                                                       \
    LLMI_NOT_NULL(tokenizer)

LLM_API llm_status llm_grammar_from_gbnf(llm_grammar **out, const llm_tokenizer *tokenizer, const char *text,
                                         size_t n_bytes) {
    LLMI_FP_SCOPE();
    CHECK_ARGUMENTS;
    LLMI_TEXT(text, n_bytes);
    return make(out, tokenizer, text, n_bytes, llmi_grammar_from_gbnf);
}

LLM_API llm_status llm_grammar_from_json_schema(llm_grammar **out, const llm_tokenizer *tokenizer, const char *text,
                                                size_t n_bytes) {
    LLMI_FP_SCOPE();
    CHECK_ARGUMENTS;
    LLMI_TEXT(text, n_bytes);
    return make(out, tokenizer, text, n_bytes, llmi_grammar_from_schema);
}

LLM_API llm_status llm_grammar_from_regex(llm_grammar **out, const llm_tokenizer *tokenizer, const char *text,
                                          size_t n_bytes) {
    LLMI_FP_SCOPE();
    CHECK_ARGUMENTS;
    LLMI_TEXT(text, n_bytes);
    return make(out, tokenizer, text, n_bytes, llmi_grammar_from_regex);
}

LLM_API llm_status llm_grammar_from_choices(llm_grammar **out, const llm_tokenizer *tokenizer, const llm_span *choices,
                                            size_t n_choices) {
    LLMI_FP_SCOPE();
    CHECK_ARGUMENTS;
    LLMI_NOT_NULL(choices);
    LLMI_ARRAY(choices, n_choices);
    if (!n_choices) return llmi_error(LLM_E_ARGUMENT, "llm_grammar_from_choices: n_choices is 0, expected at least 1");
    llm_status status = LLM_OK;
    for (size_t i = 0; i < n_choices && status == LLM_OK; i++) {
        llm_span choice = choices[i];
        status = llmi_api_check_span(&choice);
        if (status != LLM_OK) return llmi_error_in(status, "choice %zu of %zu", i, n_choices);
    }
    llmi_grammar *g = NULL;
    status = llmi_grammar_from_choices(&g, llmi_api_tokenizer_memory(tokenizer), (llm_tokenizer *)tokenizer, choices,
                                       n_choices);
    if (status == LLM_OK) *out = outer(g);
    return status;
}

LLM_API llm_grammar *llm_grammar_ref(llm_grammar *grammar) {
    llmi_grammar_ref(inner(grammar));
    return grammar;
}

LLM_API void llm_grammar_unref(llm_grammar *grammar) {
    llmi_grammar_unref(inner(grammar));
}

/* ---- requests ---- */

static llm_status mask(void *user, uint64_t *allowed, int32_t n_vocab) {
    return llmi_grammar_matcher_mask(user, allowed, n_vocab);
}

static llm_status accept(void *user, llm_token token) {
    return llmi_grammar_matcher_accept(user, token);
}

void llmi_api_matchers_free(llmi_api_matchers *m) {
    for (size_t i = 0; i < m->n && m->items; i++) llmi_grammar_matcher_destroy(m->items[i]);
    if (m->items) llmi_free(m->a, m->items, m->n * sizeof *m->items);
    if (m->masks) llmi_free(m->a, m->masks, m->n * sizeof *m->masks);
    *m = (llmi_api_matchers){0};
}

llm_status llmi_api_matchers_init(llmi_api_matchers *m, const llm_allocator *a, const llm_grammar *grammar,
                                  const llm_tokenizer *t, size_t n, bool at_start) {
    *m = (llmi_api_matchers){.a = a, .n = n};
    if (!grammar) return LLM_OK;
    if (llmi_grammar_tokenizer(inner(grammar)) != t)
        return llmi_error(LLM_E_ARGUMENT, "the grammar was made for another tokenizer than the model's");
    m->items = llmi_alloc_zero(a, n * sizeof(llmi_grammar_matcher *));
    m->masks = m->items ? llmi_alloc_zero(a, n * sizeof *m->masks) : NULL;
    llm_status status = m->masks ? LLM_OK : LLM_E_MEMORY;
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        status = llmi_grammar_matcher_create(&m->items[i], inner(grammar), a, at_start);
        if (status == LLM_OK) m->masks[i] = (llmi_sampler_mask){m->items[i], mask, accept};
    }
    if (status != LLM_OK) llmi_api_matchers_free(m);
    return status;
}

bool llmi_api_matchers_over(const llmi_api_matchers *m, int32_t index) {
    return m->items && llmi_grammar_matcher_is_over(m->items[index]);
}
