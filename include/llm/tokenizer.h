/* libllm: text to token ids and back. A tokenizer never changes: any thread may use it at
 * any time. Text is UTF-8; bytes that are not are encoded as the vocabulary allows (byte
 * tokens, or U+FFFD where it has none) and never fail.
 *
 * Patterns and normalizers come from the file of a tokenizer, so what they may cost is limited for each call: 256
 * steps for each byte of the text plus 4 million, and 64 bytes of rewritten text for each byte plus 64 KiB. Beyond
 * that the call returns LLM_E_LIMIT. Tokenizers in use stay far below. */
#ifndef LLM_TOKENIZER_H
#define LLM_TOKENIZER_H

#include <llm/runtime.h>

LLM_BEGIN_DECLS

/* Loads just a tokenizer: a tokenizer.json (with tokenizer_config.json, special_tokens_map.json and added_tokens.json
 * beside it, where there are such files), a directory that holds one, or a GGUF file of any architecture
 * (vocabulary-only ones too). The files are not read after the call. A model's own comes from
 * llm_model_get_tokenizer(). On success *out holds one reference. Errors: as llm_model_load; LLM_E_UNSUPPORTED names a
 * part of a pattern that cannot be matched as the file intends. Any thread. Since 0.1. */
LLM_API llm_status llm_tokenizer_load(llm_tokenizer **out, llm_runtime *runtime, const char *path);

LLM_API llm_tokenizer *llm_tokenizer_ref(llm_tokenizer *tokenizer);
LLM_API void llm_tokenizer_unref(llm_tokenizer *tokenizer);

/* Flags of llm_tokenizer_encode. */
enum {
    LLM_ENCODE_ADD_SPECIAL = 1 << 0,  /* what the model puts around a text: BOS, CLS, SEP, EOS */
    LLM_ENCODE_PARSE_SPECIAL = 1 << 1 /* text that spells a special token becomes that token; for
                                         trusted text only. Without it such text is plain text.
                                         With both, a text that begins with BOS gets no second one. */
};

/* Encodes n_bytes of text (or up to NUL with LLM_NTS) into tokens[0..capacity-1].
 * *n_tokens receives the number of ids the text has, even if it exceeds capacity: then the
 * first `capacity` ids are written and the call returns LLM_E_CAPACITY. tokens may be NULL
 * when capacity is 0. Time and memory are linear in n_bytes. Errors: LLM_E_LIMIT, see above. Any thread. Since 0.1. */
LLM_API llm_status llm_tokenizer_encode(size_t *n_tokens, const llm_tokenizer *tokenizer, const char *text,
                                        size_t n_bytes, uint32_t flags, llm_token *tokens, size_t capacity);

/* Flags of llm_tokenizer_decode and llm_decoder_create. */
enum {
    LLM_DECODE_SKIP_SPECIAL = 1 << 0, /* leave special tokens out of the text */
    LLM_DECODE_KEEP_PREFIX = 1 << 1   /* keep the space that SentencePiece puts before a text: for ids
                                         that continue another text */
};

/* Decodes ids into text[0..capacity-1], not NUL-terminated; the same rule for *n_bytes and
 * LLM_E_CAPACITY. Bytes that do not form UTF-8 come out as U+FFFD. Errors: LLM_E_ARGUMENT
 * names an id outside the vocabulary; LLM_E_LIMIT, see above. Any thread. Since 0.1. */
LLM_API llm_status llm_tokenizer_decode(size_t *n_bytes, const llm_tokenizer *tokenizer, const llm_token *tokens,
                                        size_t n_tokens, uint32_t flags, char *text, size_t capacity);

/* Incremental decoding: hands out whole characters only, and the concatenation of what it
 * hands out equals llm_tokenizer_decode of all ids. One thread at a time. The span is valid
 * until the next call on the decoder. finish hands out what is left and resets. Since 0.1. */
LLM_API llm_status llm_decoder_create(llm_decoder **out, const llm_tokenizer *tokenizer, uint32_t flags);
LLM_API llm_status llm_decoder_push(llm_span *out, llm_decoder *decoder, llm_token token);
LLM_API llm_status llm_decoder_finish(llm_span *out, llm_decoder *decoder);
LLM_API void llm_decoder_destroy(llm_decoder *decoder);

/* Number of ids. Any thread. Since 0.1. */
LLM_API int32_t llm_tokenizer_size(const llm_tokenizer *tokenizer);

/* Kind of algorithm: "bpe", "spm", "unigram" or "wordpiece". Static. Any thread. Since 0.1. */
LLM_API const char *llm_tokenizer_kind(const llm_tokenizer *tokenizer);

/* Roles a token can have; a vocabulary may lack some of them. */
enum {
    LLM_SPECIAL_BOS = 0,
    LLM_SPECIAL_EOS = 1,
    LLM_SPECIAL_EOT = 2, /* end of a turn */
    LLM_SPECIAL_UNK = 3,
    LLM_SPECIAL_PAD = 4,
    LLM_SPECIAL_SEP = 5,
    LLM_SPECIAL_CLS = 6,
    LLM_SPECIAL_MASK = 7
};

/* The id that has a role, LLM_TOKEN_NONE if none has. Any thread. Since 0.1. */
LLM_API llm_token llm_tokenizer_special(const llm_tokenizer *tokenizer, int32_t role);

/* 1 if the id ends a generation (EOS, end of turn, and their like). Any thread. Since 0.1. */
LLM_API int32_t llm_tokenizer_is_eog(const llm_tokenizer *tokenizer, llm_token token);

enum {
    LLM_TOKEN_NORMAL = 1,
    LLM_TOKEN_UNKNOWN = 2,
    LLM_TOKEN_CONTROL = 3,
    LLM_TOKEN_USER_DEFINED = 4,
    LLM_TOKEN_UNUSED = 5,
    LLM_TOKEN_BYTE = 6
};

typedef struct llm_token_info {
    uint32_t struct_size; /* set by the caller: sizeof(llm_token_info) */
    int32_t type;         /* LLM_TOKEN_NORMAL .. LLM_TOKEN_BYTE */
    llm_span text;        /* as the vocabulary spells it, owned by the tokenizer */
    float score;          /* 0 where the vocabulary has none */
} llm_token_info;

/* Errors: LLM_E_ARGUMENT for an id outside the vocabulary. Any thread. Since 0.1. */
LLM_API llm_status llm_tokenizer_get_token(llm_token_info *out, const llm_tokenizer *tokenizer, llm_token token);

/* The id whose spelling in the vocabulary is exactly `text`; LLM_TOKEN_NONE if there is none.
 * Any thread. Since 0.1. */
LLM_API llm_token llm_tokenizer_find(const llm_tokenizer *tokenizer, const char *text, size_t n_bytes);

LLM_END_DECLS

#endif
