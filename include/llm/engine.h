/* libllm: running a model.
 *
 * An engine owns a KV cache and a worker pool and runs any number of requests concurrently,
 * batched into the same forward passes. The caller drives it: llm_engine_step() does one
 * pass; llm_generate() is submit + step until that request is done. Submitting, cancelling
 * and polling are safe from any thread; only one thread at a time may step, that is, be inside
 * llm_engine_step(), llm_generate(), llm_score() or llm_embed() (another gets LLM_E_BUSY). The output of a request
 * does not depend on the number of threads, on other requests, or on what the cache already contains.
 *
 * fork(): an engine, its requests and its sequences belong to the process that made them. In a child process every
 * call on them that returns a status returns LLM_E_STATE, cancelling does nothing, and destroying them frees nothing;
 * the child has to create its own engine, for which it may use the same model. */
#ifndef LLM_ENGINE_H
#define LLM_ENGINE_H

#include <llm/grammar.h>
#include <llm/model.h>
#include <llm/sampler.h>
#include <llm/tokenizer.h>

LLM_BEGIN_DECLS

/* ---- engine ---- */

typedef struct llm_engine_options {
    uint32_t struct_size; /* set by llm_engine_options_init() */
    int32_t n_ctx;        /* maximum length of a sequence in tokens, prompt included, 1..2^24; default 0:
                             what the model was trained for, at most 8192 */
    int32_t n_seqs;       /* maximum number of sequences computed in one step, 1..1024; default 8 */
    int32_t n_batch;      /* maximum number of rows (tokens) computed in one step, 1..65536; default 512 */
    int32_t kv_dtype;     /* LLM_DTYPE_F32 or LLM_DTYPE_F16; default LLM_DTYPE_AUTO: F32 for a model
                             stored in F32, otherwise F16 */
    int32_t prefix_cache; /* 1: keep finished sequences and reuse any common prefix (default); 0: do not */
    int64_t n_kv_tokens;  /* tokens the KV cache holds over all sequences; default 0: 2 * n_ctx. Layers with a
                             sliding window hold the windows of n_seqs + n_kv_tokens / n_ctx sequences */
    int32_t n_threads;    /* 1..1024; default 0: as the runtime says */
} llm_engine_options;

LLM_API void llm_engine_options_init_sized(llm_engine_options *options, size_t n_bytes);
static inline void llm_engine_options_init(llm_engine_options *options) {
    llm_engine_options_init_sized(options, sizeof *options);
}

/* Memory that an engine with these options would take, in bytes, beyond the model's mapped file. */
typedef struct llm_engine_memory {
    uint32_t struct_size; /* set by the caller: sizeof(llm_engine_memory) */
    int32_t n_ctx;        /* the values that the defaults resolve to */
    int64_t n_kv_tokens;
    int64_t kv_bytes;        /* KV cache */
    int64_t workspace_bytes; /* activations, logits and step tables */
    int64_t weight_bytes;    /* private copies of weights; 0 where the device reads the file in place */
    int64_t total_bytes;     /* sum of the three */
} llm_engine_memory;

/* Allocates nothing that outlives the call. Errors: LLM_E_ARGUMENT. Any thread. Since 0.1. */
LLM_API llm_status llm_engine_estimate(llm_engine_memory *out, const llm_model *model,
                                       const llm_engine_options *options);

/* Makes an engine; it holds a reference to the model. All memory for steps is allocated here.
 * Errors: LLM_E_ARGUMENT, LLM_E_MEMORY, LLM_E_DEVICE. Any thread. Since 0.1. */
LLM_API llm_status llm_engine_create(llm_engine **out, llm_model *model, const llm_engine_options *options);

/* Cancels requests that still run (they end with LLM_FINISH_CANCELLED), and frees the engine once its
 * requests and sequences are destroyed too; NULL is ignored. No thread may be inside llm_engine_step(). Since 0.1. */
LLM_API void llm_engine_destroy(llm_engine *engine);

/* One forward pass over what is waiting, then delivery of its tokens. *n_active (may be NULL)
 * receives the number of requests not yet finished. A request that fails ends with
 * LLM_FINISH_ERROR; the call itself fails only if the device does (LLM_E_DEVICE) or another
 * thread steps (LLM_E_BUSY). One thread at a time. Since 0.1. */
LLM_API llm_status llm_engine_step(int32_t *n_active, llm_engine *engine);

/* Asks the call that computes on the engine now (llm_score, llm_embed, llm_ask, llm_prompt_fill, llm_sequence_eval,
 * llm_generate, llm_engine_step) to end within one layer's time with LLM_E_CANCELLED. Other requests lose nothing:
 * the next step continues them. It has no effect on a call that has not begun to compute, so repeat it until that call
 * has returned. Only atomic stores: any thread, even a signal handler. NULL is ignored. Since 0.1. */
LLM_API void llm_engine_cancel(llm_engine *engine);

/* ---- requests ---- */

/* Why a completion ended. */
enum {
    LLM_FINISH_NONE = 0,    /* it has not */
    LLM_FINISH_EOS = 1,     /* the model ended it (EOS or end of turn); that token is not part of it */
    LLM_FINISH_STOP = 2,    /* a stop token or stop string of the request */
    LLM_FINISH_LENGTH = 3,  /* max_tokens */
    LLM_FINISH_CONTEXT = 4, /* the context or the KV cache became full */
    LLM_FINISH_CANCELLED = 5,
    LLM_FINISH_ERROR = 6,  /* see llm_request_status() */
    LLM_FINISH_GRAMMAR = 7 /* the text is complete by the request's grammar, and nothing may follow */
};

/* "none", "eos", "stop", "length", "context", "cancelled", "error", "grammar". Static. Since 0.1. */
LLM_API const char *llm_finish_name(int32_t finish);

typedef struct llm_generate_options {
    uint32_t struct_size; /* set by llm_generate_options_init() */
    int32_t max_tokens;   /* maximum number of new tokens, 0..2^31-1; default -1: until the context is full */
    int32_t n;            /* completions from one prefill, 1..n_seqs of the engine; default 1 */
    float temperature;    /* from here to seed: see sampler.h */
    int32_t top_k;
    float top_p;
    float min_p;
    float typical_p;
    float repetition_penalty;
    float presence_penalty;
    float frequency_penalty;
    int32_t penalty_window;
    uint64_t seed; /* default 0; LLM_SEED_RANDOM: drawn for this call and reported in llm_result_stats */
    const llm_logit_bias *logit_bias; /* the arrays are copied at submission */
    size_t n_logit_bias;
    const llm_token *stop_tokens; /* end the completion and are not part of it */
    size_t n_stop_tokens;
    const llm_span *stop_strings; /* non-empty UTF-8, len may be LLM_NTS; the text ends before the first match, even if
                                     it straddles tokens; the ids keep the tokens that spelled it */
    size_t n_stop_strings;
    int32_t n_logprobs;         /* record each token's log-probability with this many alternatives,
                                   0..n_vocab; default -1: none */
    int32_t ignore_eos;         /* 1: continue after EOS; default 0 */
    int32_t add_special;        /* text prompts: LLM_ENCODE_ADD_SPECIAL; default 1 */
    int32_t parse_special;      /* text prompts: LLM_ENCODE_PARSE_SPECIAL; default 0 */
    const llm_grammar *grammar; /* constrains the text; made for the model's tokenizer; not together with ignore_eos;
                                   each completion holds a reference; default NULL */
} llm_generate_options;

LLM_API void llm_generate_options_init_sized(llm_generate_options *options, size_t n_bytes);
static inline void llm_generate_options_init(llm_generate_options *options) {
    llm_generate_options_init_sized(options, sizeof *options);
}

/* Something that happened to a request. One per token, in order, and one that ends each completion:
 * it has finish != LLM_FINISH_NONE and no token. text holds whole UTF-8 characters and may be empty:
 * bytes wait until a character is whole or a stop string is ruled out. Frozen layout. */
typedef struct llm_event {
    int32_t index;    /* which completion, 0..n-1 */
    llm_token token;  /* LLM_TOKEN_NONE for an event that only delivers text or the end */
    llm_span text;    /* valid until the next event is asked for, or the callback returns */
    int32_t finish;   /* LLM_FINISH_* */
    int32_t n_tokens; /* tokens of this completion so far */
} llm_event;

/* Called on the stepping thread. A positive return cancels the request (LLM_FINISH_CANCELLED); the event that
 * ends it is still delivered. A negative return cancels it too, is the last call, and makes llm_generate return
 * LLM_E_CALLBACK. The callback may submit, poll and cancel, but not step. */
typedef int32_t (*llm_event_fn)(void *user, const llm_event *event);

/* Queues a prompt: text (n_bytes or LLM_NTS), or token ids as they are. options: NULL for the
 * defaults. A prompt is never truncated, whatever max_tokens asks for. The text of a completion
 * continues the prompt's; it begins a text if the prompt consists of special tokens only.
 * Errors: LLM_E_LIMIT for a prompt that n_ctx (with room for one token more, unless max_tokens is 0) or n_kv_tokens
 * cannot hold; if sequences leave no room for it, the request ends with that error; LLM_E_ARGUMENT, LLM_E_MEMORY;
 * LLM_E_UNSUPPORTED for text or stop strings if the model has no tokenizer: ids work, and give empty text. Any thread.
 * Since 0.1. */
LLM_API llm_status llm_request_submit(llm_request **out, llm_engine *engine, const char *prompt, size_t n_bytes,
                                      const llm_generate_options *options);
LLM_API llm_status llm_request_submit_tokens(llm_request **out, llm_engine *engine, const llm_token *prompt,
                                             size_t n_tokens, const llm_generate_options *options);

/* Takes the next event: 1 if there was one, 0 if none is waiting, negative on error. Events wait
 * until they are taken. Any one thread per request. Since 0.1. */
LLM_API int32_t llm_request_next(llm_event *out, llm_request *request);

/* Log-probability of a token that an event has delivered, and its alternatives, most probable first: the token at
 * `place` (the event's n_tokens - 1) of completion `index`. *top [*n_top] is valid until this is called again. For
 * requests with n_logprobs of 0 or more. Errors: LLM_E_ARGUMENT if there is no such token yet, LLM_E_STATE if
 * log-probabilities were not asked for, LLM_E_MEMORY. Any one thread per request. Since 0.1. */
LLM_API llm_status llm_request_logprob(float *logprob, const llm_token_logprob **top, size_t *n_top,
                                       llm_request *request, int32_t index, int32_t place);

/* 1 when every completion has ended. Any thread. Since 0.1. */
LLM_API int32_t llm_request_done(const llm_request *request);

/* Asks for an early end, even inside a prefill; takes effect within one layer's time. Only an
 * atomic store: any thread, even a signal handler. Since 0.1. */
LLM_API void llm_request_cancel(llm_request *request);

/* LLM_OK, or what made it end with LLM_FINISH_ERROR (the text goes to llm_last_error()). */
LLM_API llm_status llm_request_status(const llm_request *request);

/* The result of a request that is done; LLM_E_STATE before. *out holds one reference. Since 0.1. */
LLM_API llm_status llm_request_result(llm_result **out, llm_request *request);

/* Cancels if it still runs, and frees. NULL is ignored. Any thread. Since 0.1. */
LLM_API void llm_request_destroy(llm_request *request);

/* Submit and step until done. out, options, on_event and user may be NULL. Other requests of
 * the engine advance too. If the request ends with LLM_FINISH_ERROR, its status is returned.
 * One thread at a time. Since 0.1. */
LLM_API llm_status llm_generate(llm_result **out, llm_engine *engine, const char *prompt, size_t n_bytes,
                                const llm_generate_options *options, llm_event_fn on_event, void *user);
LLM_API llm_status llm_generate_tokens(llm_result **out, llm_engine *engine, const llm_token *prompt, size_t n_tokens,
                                       const llm_generate_options *options, llm_event_fn on_event, void *user);

/* ---- results ---- */

/* A result never changes; any thread. What it hands out lives as long as it does. */
LLM_API llm_result *llm_result_ref(llm_result *result);
LLM_API void llm_result_unref(llm_result *result);

/* Number of completions (or of scored items). Since 0.1. */
LLM_API int32_t llm_result_count(const llm_result *result);

/* Of completion `index`: its text, its ids, why it ended. Errors: LLM_E_ARGUMENT. Since 0.1. */
LLM_API llm_status llm_result_text(llm_span *out, const llm_result *result, int32_t index);
LLM_API llm_status llm_result_tokens(const llm_token **out, size_t *n_tokens, const llm_result *result, int32_t index);
LLM_API llm_status llm_result_finish(int32_t *out, const llm_result *result, int32_t index);

/* A warning about the prompt, which is also logged: it spells the model's own turn markers ("<|im_start|>"), which were
 * encoded as plain characters, since neither parse_special nor a rendering (llm_chat_apply) said otherwise. Empty if
 * there is none; lives as long as the result. Errors: LLM_E_ARGUMENT. Any thread. Since 0.1. */
LLM_API llm_status llm_result_warning(llm_span *out, const llm_result *result);

/* Log-probability of each token, [n_tokens], and its alternatives, [n_tokens, n_top], most
 * probable first. n 0 and NULL if they were not asked for. Since 0.1. */
LLM_API llm_status llm_result_logprobs(const float **out, size_t *n_tokens, const llm_result *result, int32_t index);
LLM_API llm_status llm_result_top(const llm_token_logprob **out, size_t *n_tokens, size_t *n_top,
                                  const llm_result *result, int32_t index);

typedef struct llm_result_stats {
    uint32_t struct_size;    /* set by the caller: sizeof(llm_result_stats) */
    int32_t n_prompt_tokens; /* over all prompts of the request */
    int32_t n_cached_tokens; /* of those, taken from the cache instead of computed */
    int32_t n_tokens;        /* generated or scored */
    double queue_ms;         /* from submission to the first step that includes the request */
    double prompt_ms;        /* from there until the first token's logits are known */
    double decode_ms;        /* from there to the end */
    uint64_t seed;           /* of the draws; below 2^53 if it was drawn for LLM_SEED_RANDOM */
} llm_result_stats;

LLM_API llm_status llm_result_get_stats(llm_result_stats *out, const llm_result *result);

/* ---- scoring, embedding ---- */

/* What to score: `continuation` after `prompt`. Both are encoded as one text, prompt + continuation,
 * and the ids beyond the prompt's own number of ids are scored. White space at the prompt's
 * end belongs to the continuation, because tokens begin with it: "is " +
 * "blue" has the ids and the score of "is" + " blue" (the rules of lm-evaluation-harness). Frozen layout. */
typedef struct llm_score_item {
    llm_span prompt;       /* len may be LLM_NTS */
    llm_span continuation; /* the same; not empty */
} llm_score_item;

/* Log-probabilities of continuations; common prefixes are computed once. The result has one
 * entry per item: text as given, tokens and logprobs of the continuation (and top alternatives if
 * options->n_logprobs > 0), finish LLM_FINISH_LENGTH. options: add_special, parse_special, n_logprobs
 * are read; add_special adds only what goes before a text. With an empty prompt and no BOS the first
 * token has no context and is left out. In its stats, prompt_ms is the time of the whole call.
 * Errors: LLM_E_LIMIT if an item exceeds the context, LLM_E_UNSUPPORTED without a tokenizer,
 * LLM_E_ARGUMENT for a continuation that is empty or has no token left to score.
 * One thread at a time. Since 0.1. */
LLM_API llm_status llm_score(llm_result **out, llm_engine *engine, const llm_score_item *items, size_t n_items,
                             const llm_generate_options *options);

enum {
    LLM_POOL_FILE = -1, /* as the model's file says (GGUF's pooling_type; modules.json and 1_Pooling/config.json of
                           sentence-transformers); the mean if it says nothing */
    LLM_POOL_MEAN = 0,
    LLM_POOL_LAST = 1,
    LLM_POOL_FIRST = 2
};

/* Embeds texts: the last layer's normalised hidden state, averaged over the tokens, or that of the last or
 * first token, into out [n_texts, n_embd]. normalize 1 scales each row to length 1, 0 does not, -1 does what
 * the model's file says (0 if it says nothing). A text may have the length LLM_NTS.
 * Errors: LLM_E_LIMIT if a text exceeds the context, LLM_E_UNSUPPORTED without a tokenizer or if the file
 * asks for a pooling that is not implemented, LLM_E_ARGUMENT for a text without tokens. One thread at a time.
 * Since 0.1. */
LLM_API llm_status llm_embed(float *out, llm_engine *engine, const llm_span *texts, size_t n_texts, int32_t pooling,
                             int32_t normalize);

/* ---- sequences: the level below requests ---- */

/* A sequence of tokens with its entries in the KV cache, for hosts that do their own sampling or
 * search. One thread at a time per engine. */
LLM_API llm_status llm_sequence_create(llm_sequence **out, llm_engine *engine);

/* Appends n_tokens ids, computes them, and writes the logits after the last n_rows of them to
 * logits [n_rows, n_vocab] (n_rows 0..n_tokens; NULL for 0). Errors: LLM_E_LIMIT if the context
 * or the cache is full; then nothing is appended. Since 0.1. */
LLM_API llm_status llm_sequence_eval(llm_sequence *sequence, const llm_token *tokens, size_t n_tokens, float *logits,
                                     size_t n_rows);

/* A second sequence with the same tokens, sharing their cache pages. Since 0.1. */
LLM_API llm_status llm_sequence_fork(llm_sequence **out, llm_sequence *sequence);

/* Forgets all but the first n_tokens. What layers with a sliding window no longer hold of them is computed again by the
 * next llm_sequence_eval. Errors: LLM_E_ARGUMENT if it has fewer. Since 0.1. */
LLM_API llm_status llm_sequence_rewind(llm_sequence *sequence, size_t n_tokens);

/* Its tokens so far, borrowed until the sequence changes. Since 0.1. */
LLM_API size_t llm_sequence_tokens(const llm_token **out, const llm_sequence *sequence);
LLM_API void llm_sequence_destroy(llm_sequence *sequence);

LLM_END_DECLS

#endif
