/* libllm: prompts with examples. A prompt object holds an instruction, the format of an example and of a question,
 * and a set of examples; filling it with a question chooses examples and gives a text, a conversation and ids.
 *
 *     llm_prompt *prompt;
 *     llm_prompt_create(&prompt, NULL, NULL);
 *     llm_prompt_add_examples(prompt, "{\"question\":\"2+2?\",\"answer\":\"4\"}", LLM_NTS, LLM_EXAMPLES_AUTO);
 *     llm_prompt_fill(&filled, prompt, NULL, "{\"question\":\"3+4?\"}", LLM_NTS, NULL);
 *
 * gives "Q: 2+2?\nA: 4\n\nQ: 3+4?\nA:". Answers: see reason.h. */
#ifndef LLM_FEWSHOT_H
#define LLM_FEWSHOT_H

#include <llm/engine.h>

LLM_BEGIN_DECLS

typedef struct llm_prompt llm_prompt;
typedef struct llm_filled llm_filled;

/* ---- the prompt ---- */

/* Texts are NUL-terminated UTF-8 and copied. Formats are Jinja (prompt.h) over the fields of an example or of the
 * question, and over `variables`. */
typedef struct llm_prompt_options {
    uint32_t struct_size;         /* set by llm_prompt_options_init() */
    int32_t reserved;             /* 0 */
    const char *instruction;      /* comes first; over the question's fields; default NULL: none */
    const char *separator;        /* between instruction, examples and question; default two newlines */
    const char *example_format;   /* default: Q: {{ question }}, newline, A: {{ answer }}; with a rationale (see
                                     llm_fill_options) A: {{ rationale }} The answer is {{ answer }}. */
    const char *query_format;     /* default: Q: {{ question }}, newline, A: */
    const char *user_format;      /* what an example and the question say as a user's turn of a chat, and the text by
                                     which examples are compared with the question; default: query_format if that is
                                     given, else {{ question }} */
    const char *assistant_format; /* an example's answer as a turn of a chat; default: as after A: above */
    const char *variables;        /* a JSON object of variables that every format sees; default NULL: none */
    const char *label_field;      /* the field that "balanced" selection goes by; default "answer" */
    const char *rationale_field;  /* the field that only shows with llm_fill_options.rationales; default "rationale" */
} llm_prompt_options;

LLM_API void llm_prompt_options_init_sized(llm_prompt_options *options, size_t n_bytes);
static inline void llm_prompt_options_init(llm_prompt_options *options) {
    llm_prompt_options_init_sized(options, sizeof *options);
}

/* Makes a prompt without examples. runtime: NULL for a private one. options: NULL for the defaults. On success *out
 * holds one reference. Errors: LLM_E_FORMAT names the format, its line and column; LLM_E_LIMIT. Any thread.
 * Since 0.1. */
LLM_API llm_status llm_prompt_create(llm_prompt **out, llm_runtime *runtime, const llm_prompt_options *options);

/* Adds or drops a reference; NULL is ignored. Any thread. Since 0.1. */
LLM_API llm_prompt *llm_prompt_ref(llm_prompt *prompt);
LLM_API void llm_prompt_unref(llm_prompt *prompt);

/* How examples are written. */
enum {
    LLM_EXAMPLES_AUTO = 0,  /* by the first character: '[' JSON, '{' JSONL; else CSV, or TSV if line 1 has a tab */
    LLM_EXAMPLES_JSONL = 1, /* an object on each line */
    LLM_EXAMPLES_JSON = 2,  /* an array of objects */
    LLM_EXAMPLES_CSV = 3,   /* RFC 4180; the first record names the fields */
    LLM_EXAMPLES_TSV = 4    /* the same with tabs; a quote counts only where it begins a field */
};

/* Adds examples, one or many: n_bytes (or LLM_NTS) of UTF-8. All or none are added. The first call of
 * llm_prompt_fill or llm_ask ends the building: from then on the prompt never changes and any thread may use it; until
 * then one thread. Errors: LLM_E_FORMAT with the line; LLM_E_LIMIT; LLM_E_STATE once it is in use. Since 0.1. */
LLM_API llm_status llm_prompt_add_examples(llm_prompt *prompt, const char *text, size_t n_bytes, int32_t format);

/* Number of examples. Since 0.1. */
LLM_API int32_t llm_prompt_example_count(const llm_prompt *prompt);

/* ---- filling it ---- */

/* An example whose user_format reads like the question's (apart from case, white space and Unicode normalization) is
 * never used. */
typedef struct llm_fill_options {
    uint32_t struct_size; /* set by llm_fill_options_init() */
    int32_t k;            /* maximum number of examples, 0..2^20; default 4 */
    const char *select;   /* which ones; default NULL: "first"
                               first      as they were added
                               random     any
                               balanced   each value of label_field equally often, as far as there are enough
                               knn        nearest by the cosine of llm_embed (mean, length 1)
                               bm25       most similar words (Robertson and Zaragoza, 2009)
                               mmr        near by llm_embed, but unlike each other */
    const char *order;    /* of those chosen: "best_last" (default), "best_first", "random", "given" (as added) */
    int32_t budget;       /* maximum number of tokens of the whole filled prompt, 1..2^31-1: examples are tried
                             best first, and each is taken if the prompt still fits, until 64 in a row did not fit;
                             default 0: no limit */
    int32_t chat;         /* 1: as a conversation by the model's chat template; 0: as plain text; default -1: as a
                             conversation if the model has a chat template */
    int32_t rationales;   /* 1: formats see rationale_field; default 0 */
    float mmr_lambda;     /* 0..1, weight of nearness against novelty; default 0.5 */
    float bm25_k1;        /* 0..; default 1.2 */
    float bm25_b;         /* 0..1; default 0.75 */
    uint64_t seed;        /* of random, balanced and the random order; a number, not LLM_SEED_RANDOM */
} llm_fill_options;

LLM_API void llm_fill_options_init_sized(llm_fill_options *options, size_t n_bytes);
static inline void llm_fill_options_init(llm_fill_options *options) {
    llm_fill_options_init_sized(options, sizeof *options);
}

/* Fills the prompt. query: n_bytes (or LLM_NTS) of a JSON object, the question's fields. engine: needed by knn, mmr and
 * budget, and for ids and conversations; NULL: text and messages only. The same arguments give the same result.
 * Embeddings of the examples are computed once for each model. The caller owns *out.
 * A format must not show a field that its example or the question lacks ({{ x }}), unless the expression has a
 * condition or a default, or a {% %} mentions the field. The model is given either the text or the conversation
 * (without an engine: the text, unless chat is 1); the other one may lack fields, and then asking for it is an error.
 * Errors: LLM_E_NOT_FOUND for a missing field, with those that the format shows and those that exist;
 * LLM_E_FORMAT (query, or a format that cannot be computed), LLM_E_LIMIT if the question alone exceeds the
 * budget, LLM_E_ARGUMENT, LLM_E_NOT_FOUND for chat 1 without a template; those of llm_embed. With an engine one
 * thread at a time per engine, otherwise any thread. Since 0.1. */
LLM_API llm_status llm_prompt_fill(llm_filled **out, llm_prompt *prompt, llm_engine *engine, const char *query,
                                   size_t n_bytes, const llm_fill_options *options);

/* NULL is ignored. A filled prompt never changes; what it hands out lives as long as it does. Since 0.1. */
LLM_API void llm_filled_destroy(llm_filled *filled);

/* The plain text. Errors: LLM_E_NOT_FOUND as above. Since 0.1. */
LLM_API llm_status llm_filled_text(llm_span *out, const llm_filled *filled);

/* The same as a context of llm_chat_apply: {"messages":[...],"add_generation_prompt":true}, the instruction as a
 * system turn, each example as a user's and an assistant's. Errors: LLM_E_NOT_FOUND as above. Since 0.1. */
LLM_API llm_status llm_filled_messages(llm_span *out, const llm_filled *filled);

/* The ids that a model is given; *is_chat (may be NULL) says in which of the two forms. None without an engine.
 * Since 0.1. */
LLM_API llm_status llm_filled_tokens(const llm_token **out, size_t *n_tokens, int32_t *is_chat,
                                     const llm_filled *filled);

/* An example that was chosen. Frozen layout. */
typedef struct llm_shot {
    int32_t index; /* of the example, in the order of adding */
    int32_t rank;  /* 0: the best one */
    double score;  /* knn: cosine; bm25; mmr: the margin at its turn; otherwise 0 */
} llm_shot;

/* The examples chosen, in the order of the prompt. Errors: LLM_E_ARGUMENT. Since 0.1. */
LLM_API int32_t llm_filled_shot_count(const llm_filled *filled);
LLM_API llm_status llm_filled_shot(llm_shot *out, const llm_filled *filled, int32_t index);

/* All of it, "text" or "messages" null if it lacks fields:
 * {"text","messages","chat","n_tokens","n_leaks","shots":[{"index","rank","score"}]}. n_leaks: examples left out
 * because they are the question. Since 0.1. */
LLM_API llm_status llm_filled_json(llm_span *out, const llm_filled *filled);

LLM_END_DECLS

#endif
