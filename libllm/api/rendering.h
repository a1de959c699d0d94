/* A rendered template: text, where its parts come from, and after llm_chat_apply its ids. */
#ifndef LLMI_API_RENDERING_H
#define LLMI_API_RENDERING_H

#include <stdatomic.h>

#include <llm/prompt.h>

#include "base/buf.h"
#include "text/template.h"

struct llm_template {
    llm_runtime *runtime; /* reference */
    llmi_template *inner; /* reference; it counts the handles too */
    atomic_int n_refs;
};

struct llm_rendering {
    llm_runtime *runtime; /* reference: whose memory this is */
    llmi_buf text;
    llmi_buf pieces; /* llmi_piece */
    llmi_buf tokens; /* llm_token */
    llmi_buf spans;  /* llmi_plain_range beside tokens: the bytes that each spells */
};

llm_status llmi_rendering_create(llm_rendering **out, llm_runtime *rt);

/* Fills text and pieces. context: a JSON object; trusted: see llmi_rendering in text/template.h. */
llm_status llmi_template_run(llm_rendering *out, const llm_template *t, const json_t *context,
                             const char *const *trusted, const llm_template_options *options);

/* Reads the context: LLM_E_FORMAT if it is no object. The reference is the caller's. */
llm_status llmi_template_context(json_t **out, const char *context, size_t n_bytes);

#endif
