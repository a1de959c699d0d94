/* The option table (options.def) as the calls that take options use it. */
#ifndef LLMI_API_OPTIONS_H
#define LLMI_API_OPTIONS_H

#include <llm/engine.h>
#include <llm/options.h>
#include <llm/prompt.h>
#include <llm/quantize.h>
#include <llm/reason.h>

/* What the _init functions give. */
extern const llm_engine_options llmi_engine_defaults;
extern const llm_generate_options llmi_generate_defaults;
extern const llm_quantize_options llmi_quantize_defaults;
extern const llm_template_options llmi_template_defaults;
extern const llm_prompt_options llmi_prompt_defaults;
extern const llm_fill_options llmi_fill_defaults;
extern const llm_ask_options llmi_ask_defaults;

/* Reads the caller's structure of a group over its defaults (base/options.h) and checks the range of
 * each member that the table knows. src NULL: the defaults. */
llm_status llmi_options_get(void *dst, const char *group, const void *src);

#endif
