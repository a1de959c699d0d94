/* libllm: prompts. Chat templates turn a conversation into the tokens that a model was trained on.
 *
 * A template is a Jinja program (https://jinja.palletsprojects.com) that comes with a model. libllm has its own
 * interpreter, which works on plain values: a template cannot reach files, the network or the host, and its
 * time and memory are limited. Text of the conversation never becomes a special token: a user who types
 * "<|im_end|>" gets those characters. */
#ifndef LLM_PROMPT_H
#define LLM_PROMPT_H

#include <llm/model.h>

LLM_BEGIN_DECLS

typedef struct llm_template llm_template;
typedef struct llm_rendering llm_rendering;

/* ---- templates ---- */

/* Parses n_bytes (or up to NUL with LLM_NTS) of Jinja, read as Hugging Face transformers reads chat
 * templates: trim_blocks and lstrip_blocks on, with tojson, raise_exception, strftime_now, break, continue and
 * generation blocks. The output is that of Jinja2 3.1, or an error. runtime: NULL for a private one. On success
 * *out holds one reference; a template never changes. Errors: LLM_E_FORMAT and LLM_E_UNSUPPORTED with line and column,
 * LLM_E_LIMIT. Any thread. Since 0.1. */
LLM_API llm_status llm_template_parse(llm_template **out, llm_runtime *runtime, const char *source, size_t n_bytes);

/* The model's own template: GGUF's tokenizer.chat_template, or chat_template.jinja or tokenizer_config.json of a
 * Hugging Face directory. name: a variant such as "tool_use"; NULL: the default one.
 * Errors: LLM_E_NOT_FOUND lists the variants there are; as llm_template_parse. Any thread. Since 0.1. */
LLM_API llm_status llm_template_of_model(llm_template **out, const llm_model *model, const char *name);

/* Adds or drops a reference; NULL is ignored. Any thread. Since 0.1. */
LLM_API llm_template *llm_template_ref(llm_template *tmpl);
LLM_API void llm_template_unref(llm_template *tmpl);

/* ---- rendering ---- */

/* For now: read the clock. */
#define LLM_NOW_CLOCK INT64_MIN

typedef struct llm_template_options {
    uint32_t struct_size;           /* set by llm_template_options_init() */
    int32_t max_depth;              /* of calls, loops and nested values, 1..128; default 128 */
    int64_t max_steps;              /* instructions, plus one for each 64 bytes that they process (for each 4 to 16
                                       where every character is examined), 1..; default 10,000,000 */
    int64_t max_output_bytes;       /* 1..2^31-1; default 16 MiB */
    int64_t max_memory_bytes;       /* of the values alive while it runs, including those of the context, 1..;
                                       default 64 MiB */
    int64_t now;                    /* for strftime_now: seconds since 1970-01-01 00:00 of local time, as if it had no
                                       zone; default LLM_NOW_CLOCK */
    int32_t continue_final_message; /* 1: the last message is left open, and the prompt ends where its content does
                                       (transformers' argument of that name); 0 (default): the prompt ends as the
                                       template ends it */
} llm_template_options;

LLM_API void llm_template_options_init_sized(llm_template_options *options, size_t n_bytes);
static inline void llm_template_options_init(llm_template_options *options) {
    llm_template_options_init_sized(options, sizeof *options);
}

/* Renders. context: n_bytes (or LLM_NTS) of a JSON object that holds every variable: "messages" (a list of
 * {"role", "content", ...}), "tools", "documents", "add_generation_prompt" and whatever else the template reads.
 * It is read as Python's json.loads reads it; integers of any size print as they are spelled.
 * options: NULL for the defaults. The caller owns *out. Errors, with "chat template, line L, column C": LLM_E_ARGUMENT
 * if the template itself refuses the conversation, LLM_E_UNSUPPORTED for the few built-ins that are missing,
 * LLM_E_FORMAT if the context is not such an object or the template cannot be computed, LLM_E_LIMIT. Any thread. Since
 * 0.1.
 */
LLM_API llm_status llm_template_render(llm_rendering **out, const llm_template *tmpl, const char *context,
                                       size_t n_bytes, const llm_template_options *options);

/* The same with the model's special tokens as further variables (bos_token, eos_token, image_token, ... unless the
 * context has them), tools and documents as none and add_generation_prompt as false where it has none, and encoded:
 * special tokens only where the template itself writes them, and exactly one BOS in front where the model wants one.
 * tmpl: NULL for the model's default one. Errors: as llm_template_render and llm_template_of_model; LLM_E_UNSUPPORTED
 * for a model without tokenizer. Any thread. Since 0.1. */
LLM_API llm_status llm_chat_apply(llm_rendering **out, const llm_model *model, const llm_template *tmpl,
                                  const char *context, size_t n_bytes, const llm_template_options *options);

/* NULL is ignored. A rendering never changes; what it hands out lives as long as it does. Since 0.1. */
LLM_API void llm_rendering_destroy(llm_rendering *rendering);

/* The text, UTF-8 as far as the context is. Since 0.1. */
LLM_API llm_status llm_rendering_text(llm_span *out, const llm_rendering *rendering);

/* The ids; none after llm_template_render. Since 0.1. */
LLM_API llm_status llm_rendering_tokens(const llm_token **out, size_t *n_tokens, const llm_rendering *rendering);

/* Where a piece of the text comes from. Pieces follow each other without holes. Frozen layout. */
typedef struct llm_origin {
    size_t begin, end;  /* bytes of the text */
    int32_t line;       /* of the template, from 1; 0: put there by libllm (BOS) */
    int32_t message;    /* index in messages of the printed value; -1: none */
    int32_t given;      /* 1: text of the context; 0: the template's own */
    int32_t generation; /* 1: inside a generation block, that is, written by the assistant */
} llm_origin;

LLM_API int32_t llm_rendering_origin_count(const llm_rendering *rendering);
LLM_API llm_status llm_rendering_origin(llm_origin *out, const llm_rendering *rendering, int32_t index);

/* The same for token `index`: begin and end are the bytes that it spells, the other members describe the first of
 * them. Errors: LLM_E_ARGUMENT. Since 0.1. */
LLM_API llm_status llm_rendering_token_origin(llm_origin *out, const llm_rendering *rendering, size_t index);

LLM_END_DECLS

#endif
