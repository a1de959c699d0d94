/* A prompt: formats, and examples with the texts and vectors by which they are chosen; and what filling it gives. */
#ifndef LLMI_PROMPT_PROMPT_H
#define LLMI_PROMPT_PROMPT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <llm/fewshot.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/status.h"
#include "jinja/jinja.h"

enum {
    LLMI_FORMAT_INSTRUCTION = 0,
    LLMI_FORMAT_EXAMPLE,
    LLMI_FORMAT_QUERY,
    LLMI_FORMAT_USER,
    LLMI_FORMAT_ASSISTANT,
    LLMI_N_FORMATS
};

/* The examples' vectors by one model; never changes once it is listed. */
typedef struct llmi_vectors {
    struct llmi_vectors *next;
    llm_model *model; /* reference */
    size_t dim, n_bytes;
    float rows[];
} llmi_vectors;

struct llm_prompt {
    llm_runtime *runtime; /* reference: whose memory this is */
    atomic_int n_refs;
    atomic_bool in_use;                           /* no more examples */
    llmi_jinja_template *formats[LLMI_N_FORMATS]; /* reference; INSTRUCTION may be NULL */
    llmi_buf sources[LLMI_N_FORMATS];             /* of the formats */
    llmi_buf shown[LLMI_N_FORMATS];               /* llm_span of each: the fields that it shows */
    llmi_buf separator;
    llmi_buf query_prefix;                 /* what each question begins with, as far as the format says */
    llmi_buf label_field, rationale_field; /* NUL-terminated */
    llmi_json_doc doc;                     /* holds the two that follow */
    const llmi_json *variables;            /* object */
    llmi_buf examples;                     /* llmi_json objects */

    pthread_mutex_t lock; /* of what is made at first use */
    bool has_keys;
    llmi_buf keys, folded; /* each example's user_format, as it is and normalized */
    llmi_buf ends;         /* llmi_key_ends of each */
    llmi_vectors *vectors;
};

typedef struct llmi_key_ends {
    size_t key, folded;
} llmi_key_ends;

struct llm_filled {
    llm_runtime *runtime; /* reference */
    llmi_buf text, messages, json;
    llmi_json_doc doc;
    const llmi_json *turns; /* array: the messages */
    llmi_buf tokens;        /* llm_token */
    llmi_buf shots;         /* llm_shot */
    int32_t n_leaks;
    bool is_chat;
    llmi_error_copy no_text, no_turns; /* why that form, which the model is not given, cannot be had; or OK */
};

/* Appends a format over variables and fields (an object); the rationale only if it is to be shown. Fails as
 * llmi_prompt_check. */
llm_status llmi_prompt_render(llmi_buf *out, const llm_prompt *p, int32_t format, const llmi_json *fields,
                              bool rationales);

/* LLM_E_NOT_FOUND if the format shows a field that neither these fields nor the variables have: it would leave a hole.
 */
llm_status llmi_prompt_check(const llm_prompt *p, int32_t format, const llmi_json *fields, bool rationales);

/* Reads a question's fields: n_bytes or LLM_NTS of a JSON object. */
llm_status llmi_prompt_fields(const llmi_json **out, llmi_json_doc *doc, const char *query, size_t n_bytes);

static inline size_t llmi_prompt_n_examples(const llm_prompt *p) {
    return llmi_buf_count(&p->examples, llmi_json);
}
static inline const llmi_json *llmi_prompt_example(const llm_prompt *p, size_t i) {
    return &llmi_buf_at(&p->examples, llmi_json, i);
}

/* No more examples from here on; their keys are there. */
llm_status llmi_prompt_use(llm_prompt *p);
llm_span llmi_prompt_key(const llm_prompt *p, size_t index);
llm_span llmi_prompt_folded(const llm_prompt *p, size_t index);

/* The examples' vectors; made by the engine when a model asks first. Borrowed from the prompt. */
llm_status llmi_prompt_vectors(const llmi_vectors **out, llm_prompt *p, llm_engine *e);

/* Ranks the examples that may be used, best first, into `ranked` (llmi_ranked). *n_leaks: those left out. */
llm_status llmi_prompt_rank(llmi_buf *ranked, int32_t *n_leaks, llm_prompt *p, llm_engine *e, llm_span key,
                            const llm_fill_options *o);

/* llm_prompt_fill with options that were read, and fields that are an object. */
llm_status llmi_prompt_fill(llm_filled **out, llm_prompt *p, llm_engine *e, const llmi_json *fields,
                            const llm_fill_options *o);

/* Writes the filled prompt as an object. */
void llmi_prompt_filled_write(llmi_json_writer *w, const llm_filled *f);

#endif
