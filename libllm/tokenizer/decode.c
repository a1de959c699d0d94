/* Ids to text. */
#include "base/status.h"
#include "tokenizer/decoders.h"

bool llmi_tokenizer_skips(const llm_tokenizer *t, llm_token id, uint32_t flags) {
    int32_t type = llmi_token_type(t, id);
    return flags & LLM_DECODE_SKIP_SPECIAL && (type == LLM_TOKEN_CONTROL || type == LLM_TOKEN_UNKNOWN);
}

static llm_status decode_token(llmi_encode_work *w, llmi_buf *bytes, llm_token id, bool first) {
    const llm_tokenizer *t = w->t;
    llm_span text = llmi_vocab_get(&t->vocab, id);
    if (t->join_words && !first && !llmi_buf_append(bytes, " ", 1)) return LLM_E_MEMORY;
    if (!t->n_decs) return llmi_buf_append(bytes, text.ptr, text.len) ? LLM_OK : LLM_E_MEMORY;
    for (int32_t i = 0; i < t->n_decs; i++) {
        llmi_buf *out = i + 1 == t->n_decs ? bytes : &w->norm[i & 1];
        if (out != bytes) out->len = 0;
        llm_status status = t->decs[i].run(w, &t->decs[i], out, text, first);
        if (status != LLM_OK) return status;
        text = (llm_span){out->data ? out->data : "", out->len};
    }
    return LLM_OK;
}

llm_status llmi_tokenizer_decode(llmi_buf *bytes, const llm_tokenizer *t, const llm_token *ids, size_t n_ids,
                                 uint32_t flags, bool at_start) {
    llmi_encode_work w;
    size_t before = bytes->len;
    bool first = at_start && !(flags & LLM_DECODE_KEEP_PREFIX);
    llm_status status = LLM_OK;
    llmi_encode_work_init(&w, t, NULL, 0, n_ids);
    for (size_t i = 0; i < n_ids && status == LLM_OK; i++) {
        if (ids[i] < 0 || ids[i] >= t->vocab.n) {
            status = llmi_error(LLM_E_ARGUMENT, "id %d at position %zu, expected 0..%d", ids[i], i, t->vocab.n - 1);
            break;
        }
        if (llmi_tokenizer_skips(t, ids[i], flags)) continue;
        status = decode_token(&w, bytes, ids[i], first);
        first = false;
    }
    llmi_encode_work_free(&w);
    if (status != LLM_OK) bytes->len = before;
    return status;
}
