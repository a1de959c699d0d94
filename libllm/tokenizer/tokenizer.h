/* Tokenizers: built from a vocabulary description or from a tokenizer.json, used through one
 * interface whatever the algorithm. Knows nothing of files or models. */
#ifndef LLMI_TOKENIZER_TOKENIZER_H
#define LLMI_TOKENIZER_TOKENIZER_H

#include <stdbool.h>

#include <llm/tokenizer.h>

struct llmi_log;

/* A vocabulary as GGUF metadata states it. Arrays are borrowed during the call alone. */
typedef struct llmi_vocab_desc {
    const char *model; /* tokenizer.ggml.model: "gpt2", "llama", "t5", "bert" ... */
    const char *pre;   /* tokenizer.ggml.pre, NULL if absent */
    int32_t n_tokens;
    const void *tokens; /* GGUF string array: n_tokens times { u64 length, bytes } */
    size_t tokens_bytes;
    const float *scores;  /* [n_tokens] or NULL; may be unaligned */
    const int32_t *types; /* [n_tokens] LLM_TOKEN_*, or NULL; may be unaligned */
    int32_t n_merges;
    const void *merges; /* GGUF string array of "left right", or NULL */
    size_t merges_bytes;
    const void *charsmap; /* tokenizer.ggml.precompiled_charsmap, or NULL */
    size_t charsmap_bytes;
    llm_token special[8]; /* by LLM_SPECIAL_*, LLM_TOKEN_NONE where absent; range-checked here */
    llm_token ends[4];    /* further ids that end a generation; as above */
    int32_t n_ends;
    int8_t add_bos, add_eos, add_space_prefix, remove_extra_whitespaces, escape_whitespaces; /* 1, 0, -1 absent */
    bool no_jit;                /* patterns never become machine code */
    const struct llmi_log *log; /* for warnings; or NULL */
} llmi_vocab_desc;

/* Both copy what they need. On failure *out is NULL and the error text names the key, the value found and the value
 * expected. One reference. */
llm_status llmi_tokenizer_from_vocab(llm_tokenizer **out, const llm_allocator *a, const llmi_vocab_desc *vocab);

/* The texts of a Hugging Face tokenizer; ptr NULL where a file is missing. None is kept. */
typedef struct llmi_tokenizer_files {
    llm_span json;               /* tokenizer.json */
    llm_span config;             /* tokenizer_config.json */
    llm_span special_tokens_map; /* special_tokens_map.json */
    llm_span added_tokens;       /* added_tokens.json */
    bool no_jit;
    const struct llmi_log *log;
} llmi_tokenizer_files;

llm_status llmi_tokenizer_from_json(llm_tokenizer **out, const llm_allocator *a, const llmi_tokenizer_files *files);

/* Called once when the tokenizer is freed: lets it hold the file its vocabulary lies in. */
void llmi_tokenizer_on_free(llm_tokenizer *t, void (*fn)(void *user), void *user);

llm_tokenizer *llmi_tokenizer_ref(llm_tokenizer *t);
void llmi_tokenizer_unref(llm_tokenizer *t);

/* The public calls of llm/tokenizer.h without argument checks; ids are appended to a buffer of
 * llm_token. */
struct llmi_buf;
llm_status llmi_tokenizer_encode(struct llmi_buf *ids, const llm_tokenizer *t, const char *text, size_t n_bytes,
                                 uint32_t flags);
typedef struct llmi_text_range {
    size_t begin, end;
} llmi_text_range;
/* The same, with parts of the text (in order, apart) whose bytes are never taken for a special token. spans: receives
 * a llmi_text_range for each id, the bytes of the text it stands for (see offsets.h); NULL if nobody asks. */
llm_status llmi_tokenizer_encode_mixed(struct llmi_buf *ids, const llm_tokenizer *t, const char *text, size_t n_bytes,
                                       uint32_t flags, const llmi_text_range *plain, size_t n_plain,
                                       struct llmi_buf *spans);
/* Appends the bytes of the ids, unrepaired: may be invalid UTF-8 in part. `at_start` says that the
 * first id begins a text (SentencePiece's leading space is dropped there). */
llm_status llmi_tokenizer_decode(struct llmi_buf *bytes, const llm_tokenizer *t, const llm_token *ids, size_t n_ids,
                                 uint32_t flags, bool at_start);
/* Whether decoding with these flags leaves the id out: what follows it then begins the text. */
bool llmi_tokenizer_skips(const llm_tokenizer *t, llm_token id, uint32_t flags);
int32_t llmi_tokenizer_size(const llm_tokenizer *t);
const char *llmi_tokenizer_kind(const llm_tokenizer *t);
llm_token llmi_tokenizer_special(const llm_tokenizer *t, int32_t role);
bool llmi_tokenizer_is_eog(const llm_tokenizer *t, llm_token id);
/* One more id that ends a generation, before the tokenizer is shared; false: there are too many. */
bool llmi_tokenizer_add_end(llm_tokenizer *t, llm_token id);
llm_token llmi_tokenizer_find(const llm_tokenizer *t, const char *text, size_t n_bytes);
/* The i-th name that a template knows a token by; false behind the last. Of equal names the last one counts. */
bool llmi_tokenizer_variable(const llm_tokenizer *t, size_t i, const char **name, llm_token *id);
void llmi_tokenizer_token(const llm_tokenizer *t, llm_token id, llm_span *text, int32_t *type, float *score);

#endif
