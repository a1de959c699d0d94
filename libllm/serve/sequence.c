/* Sequences: the public calls of llm/engine.h that the engine answers itself. */
#include "api/check.h"
#include "serve/engine.h"

LLM_API llm_status llm_sequence_create(llm_sequence **out, llm_engine *engine) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(engine);
    LLMI_HERE(engine->inner);
    return llmi_sequence_create(out, engine->inner);
}

LLM_API llm_status llm_sequence_eval(llm_sequence *sequence, const llm_token *tokens, size_t n_tokens, float *logits,
                                     size_t n_rows) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(sequence);
    LLMI_HERE(llmi_sequence_engine(sequence));
    LLMI_ARRAY(tokens, n_tokens);
    LLMI_ROOM(logits, n_rows);
    if (n_rows > n_tokens)
        return llmi_error(LLM_E_ARGUMENT, "llm_sequence_eval: n_rows is %zu, expected 0..%zu, the number of tokens",
                          n_rows, n_tokens);
    return n_tokens ? llmi_sequence_eval(sequence, tokens, n_tokens, logits, n_rows) : LLM_OK;
}

LLM_API llm_status llm_sequence_fork(llm_sequence **out, llm_sequence *sequence) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(sequence);
    LLMI_HERE(llmi_sequence_engine(sequence));
    return llmi_sequence_fork(out, sequence);
}

LLM_API llm_status llm_sequence_rewind(llm_sequence *sequence, size_t n_tokens) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(sequence);
    LLMI_HERE(llmi_sequence_engine(sequence));
    return llmi_sequence_rewind(sequence, n_tokens);
}

LLM_API size_t llm_sequence_tokens(const llm_token **out, const llm_sequence *sequence) {
    const llm_token *tokens = NULL;
    llmi_error_clear();
    size_t n = sequence ? llmi_sequence_tokens(&tokens, sequence) : 0;
    if (out) *out = tokens;
    return n;
}

LLM_API void llm_sequence_destroy(llm_sequence *sequence) {
    if (sequence && llmi_engine_is_here(llmi_sequence_engine(sequence))) llmi_sequence_destroy(sequence);
}
