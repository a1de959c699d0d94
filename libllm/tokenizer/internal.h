/* What the files of this layer share: a tokenizer is a chain of tables and small steps,
 *
 *   text -> added tokens -> normalizers -> pre-tokenizers -> model -> ids      (encode.c)
 *   ids -> spellings -> decoder steps -> text                                  (decode.c)
 *
 * whichever kind of file it was made from. It is immutable once made; what a call needs to write
 * lies in its own llmi_encode_work. */
#ifndef LLMI_TOKENIZER_INTERNAL_H
#define LLMI_TOKENIZER_INTERNAL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/trie.h"
#include "tokenizer/vocab.h"

#define LLMI_MAX_STEPS 16 /* of normalizers, pre-tokenizers or decoders in a row */

#define LLMI_META_SPACE       "\xe2\x96\x81" /* U+2581, SentencePiece's visible space */
#define LLMI_META_SPACE_BYTES 3

typedef struct llmi_encode_work llmi_encode_work;
typedef struct llmi_normalizer llmi_normalizer;
typedef struct llmi_pre llmi_pre;
typedef struct llmi_decoder_step llmi_decoder_step;
typedef struct llmi_bpe llmi_bpe;
typedef struct llmi_unigram llmi_unigram;
typedef struct llmi_wordpiece llmi_wordpiece;

/* Splits a word into ids, appended to w->ids. */
typedef llm_status (*llmi_model_fn)(llmi_encode_work *w, const char *word, size_t n);

enum {
    LLMI_ADDED_SPECIAL = 1, /* only where the caller parses special tokens */
    LLMI_ADDED_LSTRIP = 2,
    LLMI_ADDED_RSTRIP = 4,
    LLMI_ADDED_SINGLE_WORD = 8,
    LLMI_ADDED_NORMALIZED = 16 /* looked for in the normalized text */
};

/* Tokens that text may spell as a whole. [0]: looked for in the text as it came, [1]: in the
 * normalized one. */
typedef struct llmi_added {
    llmi_buf items;    /* llmi_added_item */
    llmi_trie trie[2]; /* spelling -> index of items */
    bool any[2];       /* whether there are some ... */
    bool plain[2];     /* ... that are not special */
} llmi_added;

typedef struct llmi_added_item {
    int32_t id;
    uint8_t flags;
} llmi_added_item;

/* What templates know a token by: "pad_token", "image_token". */
enum { LLMI_VARIABLE_NAME = 48 };
typedef struct llmi_tokenizer_variable_name {
    char name[LLMI_VARIABLE_NAME];
    llm_token id;
} llmi_tokenizer_variable_name;

struct llm_tokenizer {
    llm_allocator alloc;
    const llm_allocator *a; /* &alloc */
    atomic_int refs;
    void (*on_free)(void *user);
    void *on_free_user;

    bool jit; /* patterns may become machine code */
    const char *kind;
    llmi_vocab vocab;
    llmi_buf spellings; /* n times { u64 length, bytes }: of the vocabulary */
    llmi_buf types;     /* int32_t[n] */
    llmi_buf scores;    /* float[n]; empty: all 0 */
    llm_token special[8];
    llm_token eog[64];
    int32_t n_eog;
    llmi_buf variables; /* llmi_tokenizer_variable_name: names that a Hugging Face file gives tokens; of equal ones the
                           last counts */

    llmi_added added;
    llmi_normalizer *norms; /* [LLMI_MAX_STEPS] */
    llmi_pre *pres;
    llmi_decoder_step *decs;
    int32_t n_norms, n_pres, n_decs;
    bool join_words;        /* no decoder: tokens are parted by spaces */
    llmi_buf before, after; /* llm_token: put around a text by LLM_ENCODE_ADD_SPECIAL */

    llmi_model_fn model;
    bool takes_bytes;   /* the model has an id for any byte */
    bool fuse_unk;      /* unknown neighbours become one token `unk` */
    int32_t unk;        /* of the model; LLM_TOKEN_NONE: what it does not know is left out */
    bool cuts;          /* words may be cut before U+2581 ... */
    uint8_t no_cut[32]; /* ... but not behind these bytes */
    llmi_bpe *bpe;
    llmi_unigram *unigram;
    llmi_wordpiece *wordpiece;
    struct llmi_token_trie *_Atomic tree; /* of grammars (token_trie.h); made when one first asks for it */
};

struct llmi_encode_work {
    const llm_tokenizer *t;
    const llm_allocator *a;
    llmi_buf *ids;
    uint32_t flags;
    const char *raw; /* the whole text, and its parts that spell no special tokens */
    const llmi_text_range *plain;
    size_t n_plain;
    llmi_buf norm[2];               /* normalized text, in turns */
    llmi_buf level[LLMI_MAX_STEPS]; /* text rewritten by a pre-tokenizer */
    llmi_buf word;                  /* a spelling to look up */
    llmi_buf cells, heap, run[2];   /* of the model */
    void *match;                    /* of llmi_regex_next */
    bool continues;                 /* the piece follows bytes that are no text: no prefix */
    int64_t steps;                  /* that the call may still take; see llmi_encode_spend */
    size_t most;                    /* bytes that a rewritten text may have */
    struct llmi_word_cache *cache;  /* words met in this call; NULL: not kept */
    struct llmi_offsets *offsets;   /* NULL: nobody asks for spans */
};

/* A call on n units of input, bytes or ids, may take so many steps, and rewrite it to so many bytes. */
enum {
    LLMI_STEPS_MORE = 1 << 22,
    LLMI_STEPS_EACH = 256,
    LLMI_GROWTH_MORE = 1 << 16,
    LLMI_GROWTH_EACH = 64,
};

void llmi_encode_work_init(llmi_encode_work *w, const llm_tokenizer *t, llmi_buf *ids, uint32_t flags, size_t n);
void llmi_encode_work_free(llmi_encode_work *w);

/* Counts steps of work whose number is not bounded by the length of the input alone: of patterns, and of bytes that
 * are looked at more than once. False: that was too much, and llmi_encode_spent() is the answer. */
static inline bool llmi_encode_spend(llmi_encode_work *w, size_t n) {
    w->steps = n < (size_t)INT64_MAX / 2 && w->steps >= 0 ? w->steps - (int64_t)n : -1;
    return w->steps >= 0;
}
llm_status llmi_encode_spent(void);
/* Whether `out` may have n bytes more; else LLM_E_LIMIT. Appends them. */
llm_status llmi_encode_work_put(llmi_encode_work *w, llmi_buf *out, const char *text, size_t n);

/* Gives a piece to pre-tokenizer `level`, or to the model after the last. `first`: it begins the text. */
llm_status llmi_encode_piece(llmi_encode_work *w, int32_t level, const char *text, size_t n, bool first);
/* Runs the normalizers; *text then lies in the work. */
llm_status llmi_normalizer_run(llmi_encode_work *w, llm_span *text);

static inline int32_t llmi_token_type(const llm_tokenizer *t, int32_t id) {
    return llmi_buf_at(&t->types, const int32_t, id);
}

static inline float llmi_token_score(const llm_tokenizer *t, int32_t id) {
    return t->scores.len ? llmi_buf_at(&t->scores, const float, id) : 0;
}

/* A zeroed tokenizer with one reference; free with llmi_tokenizer_unref in any state. */
llm_tokenizer *llmi_tokenizer_new(const llm_allocator *a);

/* Steps and tokens are added while a tokenizer is made. */
llm_status llmi_tokenizer_add_normalizer(llmi_normalizer **out, llm_tokenizer *t);
llm_status llmi_tokenizer_add_pre(llmi_pre **out, llm_tokenizer *t);
llm_status llmi_tokenizer_add_decoder(llmi_decoder_step **out, llm_tokenizer *t);
llm_status llmi_added_tokens_add(llm_tokenizer *t, int32_t id, uint8_t flags);
/* After the last: builds what needs the whole. */
llm_status llmi_tokenizer_finish(llm_tokenizer *t);

/* Finds, in special_tokens.c, the ids of roles that no file states, and those that end a generation. */
void llmi_special_tokens_guess(llm_tokenizer *t);
void llmi_special_tokens_find_eog(llm_tokenizer *t);
/* One more end, which a file states. Before llmi_special_tokens_mend_types. */
void llmi_special_tokens_add_end(llm_tokenizer *t, llm_token id);
/* Tokens that are spelled like control tokens are such, whatever type the file gives them; each is a warning. */
void llmi_special_tokens_mend_types(llm_tokenizer *t, const struct llmi_log *log);
/* Whether text may spell the token only where the caller parses special tokens, whatever the file says. */
bool llmi_special_tokens_looks_like_control(llm_span text);

#endif
