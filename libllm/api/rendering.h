/* A rendered template: text, where its parts come from, and after llm_chat_apply its ids. */
#ifndef LLMI_API_RENDERING_H
#define LLMI_API_RENDERING_H

#include <stdatomic.h>

#include <llm/prompt.h>

#include "base/buf.h"
#include "base/json.h"
#include "jinja/jinja.h"

struct llm_template {
    llm_runtime *runtime;       /* reference */
    llmi_jinja_template *inner; /* reference; it counts the handles too */
    atomic_int n_refs;
};

struct llm_rendering {
    llm_runtime *runtime; /* reference: whose memory this is */
    llmi_buf text;
    llmi_buf pieces; /* llmi_jinja_piece */
    llmi_buf tokens; /* llm_token */
    llmi_buf spans;  /* llmi_text_range beside tokens: the bytes that each spells */
};

llm_status llmi_rendering_create(llm_rendering **out, llm_runtime *rt);

/* What a rendering is made from. */
typedef struct llmi_template_context {
    llmi_json_doc doc; /* holds the variables; what it takes counts as memory of the rendering */
    const llmi_json *variables;
    const llm_template_options *options;
} llmi_template_context;

/* Reads the variables: LLM_E_FORMAT if they are not an object. llmi_json_doc_free the doc in any case. */
llm_status llmi_template_context_read(llmi_template_context *out, const llm_allocator *a, const char *json,
                                      size_t n_bytes, const llm_template_options *options);

/* Cuts the text where the content of the last message ends. LLM_E_ARGUMENT if there is none, or it is not found. */
llm_status llmi_rendering_continue(llm_rendering *r, const llmi_json *variables);

/* Fills text and pieces, and continues the last message if the options say so. trusted: see llmi_jinja_rendering in
 * jinja/jinja.h. */
llm_status llmi_template_run(llm_rendering *out, const llm_template *t, const llmi_template_context *context,
                             const char *const *trusted);

#endif
