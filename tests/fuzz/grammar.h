/* What the fuzz targets of grammars share: a tokenizer of all bytes, and a walk through a grammar. */
#ifndef TEST_FUZZ_GRAMMAR_H
#define TEST_FUZZ_GRAMMAR_H

#include <stdio.h>

#include "base/status.h"
#include "fuzz.h"
#include "grammar/grammar.h"

/* <unk>, <s>, </s>, the bytes, a few longer tokens. */
static inline llm_tokenizer *fuzz_tokenizer(void) {
    static const char *const more[] = {"{\"", "\":", "},", "true", "12", "\xe6\x97\xa5", "ab", "abc", "\xe2\x96\x81"};
    static char bytes[256 * 16 + 256];
    static int32_t types[3 + 256 + sizeof more / sizeof more[0]];
    static float scores[sizeof types / sizeof types[0]];
    llmi_vocab_desc v = {
        .model = "llama", .tokens = bytes, .types = types, .scores = scores, .special = {1, 2, -1, 0, -1, -1, -1, -1}};
    v.add_bos = v.add_eos = v.add_space_prefix = v.remove_extra_whitespaces = v.escape_whitespaces = -1;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        char text[16];
        static const char *const first[] = {"<unk>", "<s>", "</s>"};
        if (i < 259) snprintf(text, sizeof text, "<0x%02X>", (unsigned)i - 3);
        const char *token = i < 3 ? first[i] : i < 259 ? text : more[i - 259];
        uint64_t n = strlen(token);
        memcpy(bytes + v.tokens_bytes, &n, sizeof n);
        memcpy(bytes + v.tokens_bytes + sizeof n, token, n);
        v.tokens_bytes += sizeof n + n;
        types[i] = i == 0 ? LLM_TOKEN_UNKNOWN : i < 3 ? LLM_TOKEN_CONTROL : i < 259 ? LLM_TOKEN_BYTE : LLM_TOKEN_NORMAL;
        v.n_tokens++;
    }
    llm_tokenizer *t;
    if (llmi_tokenizer_from_vocab(&t, &llmi_default_allocator, &v) != LLM_OK) abort();
    return t;
}

/* Each token of a mask can be accepted, and the first that is not in it cannot. */
static inline void fuzz_walk(llmi_grammar *g, const uint8_t *data, size_t n) {
    enum { N_VOCAB = 268 };
    llmi_grammar_matcher *m;
    if (llmi_grammar_matcher_create(&m, g, &llmi_default_allocator, n & 1) != LLM_OK) return;
    for (size_t i = 0; i < 24 && !llmi_grammar_matcher_is_over(m); i++) {
        uint64_t bits[(N_VOCAB + 63) / 64];
        memset(bits, 0xff, sizeof bits);
        llm_status status = llmi_grammar_matcher_mask(m, bits, N_VOCAB);
        if (status != LLM_OK) {
            if (!llm_last_error()[0]) abort();
            break;
        }
        int32_t token = (int32_t)((n ? data[i % n] : 0) * 7u + i) % N_VOCAB;
        if (!(bits[token / 64] >> (token & 63) & 1) && token > 2 && i &&
            llmi_grammar_matcher_accept(m, token) == LLM_OK)
            abort();
        while (!(bits[token / 64] >> (token & 63) & 1)) token = (token + 1) % N_VOCAB;
        status = llmi_grammar_matcher_accept(m, token);
        if (status != LLM_OK && status != LLM_E_LIMIT && status != LLM_E_MEMORY) abort();
        if (status != LLM_OK) break;
    }
    llmi_grammar_matcher_destroy(m);
}

typedef llm_status (*fuzz_make_fn)(llmi_grammar **, const llm_allocator *, llm_tokenizer *, const char *, size_t);

static inline void fuzz_grammar(fuzz_make_fn make, const uint8_t *data, size_t n) {
    static llm_tokenizer *t;
    if (!t) t = fuzz_tokenizer();
    llmi_grammar *g = NULL;
    llmi_error_clear();
    llm_status status = make(&g, &llmi_default_allocator, t, (const char *)data, n);
    if ((status == LLM_OK) != (g != NULL) || (status != LLM_OK && !llm_last_error()[0])) abort();
    if (g) fuzz_walk(g, data, n);
    llmi_grammar_unref(g);
}

#endif
