/* The public headers as a module of another language. Nothing is declared twice: %include reads the headers
 * themselves. What is said here is what C cannot say: who owns what, which arguments are results, which calls take
 * long. The types of one host language are in its own folder. */
%module(package="libllm") native

%{
#include <llm/llm.h>
#include <stdlib.h>
#include <string.h>
%}

#define LLM_API
%include <stdint.i>

/* Objects are freed by the host's garbage collector, through the destructors below. */
%rename("$ignore", regextarget=1, fullname=1) "^llm_.*_(ref|unref|destroy|options_init|options_init_sized)$";
/* What is polled here (llm_request_next) needs no callbacks. */
%ignore llm_generate;
%ignore llm_generate_tokens;
%ignore llm_allocator;
/* Set by name, through `put` of each option structure. */
%ignore llm_option_set;
/* The size of a structure is set where it is made. */
%ignore struct_size;
%ignore LLM_NTS;
/* Arrays that belong to other objects: see the functions at the end. */
%ignore llm_sample::tokens;
%ignore llm_sample::n_tokens;
%ignore llm_request_logprob;
%ignore llm_sequence_tokens;
%ignore llm_sequence_eval;
%ignore llm_embed;

#ifdef SWIGPYTHON
%include "docs.i"
%include "python/python.i"
#endif

/* ---- objects ---- */

%define OBJECT(name, drop)
%nodefaultctor name;
struct name {};
%extend name {
    ~name() { drop($self); }
}
%enddef

OBJECT(llm_runtime, llm_runtime_unref)
OBJECT(llm_model, llm_model_unref)
OBJECT(llm_tokenizer, llm_tokenizer_unref)
OBJECT(llm_decoder, llm_decoder_destroy)
OBJECT(llm_engine, llm_engine_destroy)
OBJECT(llm_request, llm_request_destroy)
OBJECT(llm_result, llm_result_unref)
OBJECT(llm_sequence, llm_sequence_destroy)
OBJECT(llm_template, llm_template_unref)
OBJECT(llm_rendering, llm_rendering_destroy)
OBJECT(llm_grammar, llm_grammar_unref)
OBJECT(llm_prompt, llm_prompt_unref)
OBJECT(llm_filled, llm_filled_destroy)
OBJECT(llm_answer, llm_answer_destroy)

/* ---- option structures ---- */

/* Made with their defaults. A string that is set must outlive the structure's use. */
%define OPTIONS(group)
%ignore llm_##group##_options::progress;
%ignore llm_##group##_options::progress_user;
%extend llm_##group##_options {
    llm_##group##_options() {
        struct llm_##group##_options *options = calloc(1, sizeof *options);
        if (options) llm_##group##_options_init_sized(options, sizeof *options);
        return options;
    }
    llm_status put(const char *name, const char *value) { return llm_option_set($self, #group, name, value); }
}
%enddef

%immutable;
%ignore llm_runtime_options::log;
%ignore llm_runtime_options::log_user;
%ignore llm_runtime_options::allocator;
%ignore llm_generate_options::logit_bias;
%ignore llm_generate_options::n_logit_bias;
%ignore llm_generate_options::stop_tokens;
%ignore llm_generate_options::n_stop_tokens;
%ignore llm_generate_options::stop_strings;
%ignore llm_generate_options::n_stop_strings;
%ignore llm_generate_options::grammar;

OPTIONS(runtime)
OPTIONS(model)
OPTIONS(engine)
OPTIONS(generate)
OPTIONS(quantize)
OPTIONS(template)
OPTIONS(prompt)
OPTIONS(fill)
OPTIONS(ask)

/* The members that are arrays, copied into the structure and freed with it. */
%{
static const void *copied(const void *data, size_t n_bytes) {
    void *copy = n_bytes ? malloc(n_bytes) : NULL;
    if (copy) memcpy(copy, data, n_bytes);
    return copy;
}

static void free_const(const void *data) { free((void *)(uintptr_t)data); }
%}

%extend llm_generate_options {
    ~llm_generate_options() {
        free_const($self->logit_bias);
        free_const($self->stop_tokens);
        free_const($self->stop_strings);
        llm_grammar_unref((llm_grammar *)(uintptr_t)$self->grammar);
        free($self);
    }
    llm_status set_stop_tokens(const llm_token *tokens, size_t n_tokens) {
        free_const($self->stop_tokens);
        $self->stop_tokens = copied(tokens, n_tokens * sizeof *tokens);
        $self->n_stop_tokens = $self->stop_tokens ? n_tokens : 0;
        return $self->n_stop_tokens == n_tokens ? LLM_OK : LLM_E_MEMORY;
    }
    llm_status set_logit_bias(const llm_logit_bias *bias, size_t n_bias) {
        free_const($self->logit_bias);
        $self->logit_bias = copied(bias, n_bias * sizeof *bias);
        $self->n_logit_bias = $self->logit_bias ? n_bias : 0;
        return $self->n_logit_bias == n_bias ? LLM_OK : LLM_E_MEMORY;
    }
    llm_status set_stop_strings(const llm_span *texts, size_t n_texts) {
        size_t n_bytes = n_texts * sizeof *texts;
        for (size_t i = 0; i < n_texts; i++) n_bytes += texts[i].len;
        free_const($self->stop_strings);
        llm_span *spans = n_bytes ? malloc(n_bytes) : NULL;
        char *at = (char *)(spans + n_texts);
        for (size_t i = 0; spans && i < n_texts; at += spans[i++].len)
            spans[i] = (llm_span){memcpy(at, texts[i].ptr, texts[i].len), texts[i].len};
        $self->stop_strings = spans;
        $self->n_stop_strings = spans ? n_texts : 0;
        return $self->n_stop_strings == n_texts ? LLM_OK : LLM_E_MEMORY;
    }
    void set_grammar(llm_grammar *grammar) {
        llm_grammar_unref((llm_grammar *)(uintptr_t)$self->grammar);
        $self->grammar = llm_grammar_ref(grammar);
    }
}

/* ---- the headers ---- */

%include <llm/types.h>
%include <llm/status.h>
%include <llm/version.h>
%include <llm/runtime.h>
%include <llm/model.h>
%include <llm/tokenizer.h>
%include <llm/options.h>
%include <llm/sampler.h>
%include <llm/grammar.h>
%include <llm/engine.h>
%include <llm/prompt.h>
%include <llm/fewshot.h>
%include <llm/reason.h>
%include <llm/quantize.h>
