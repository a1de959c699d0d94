/* The engine as its users hold it: the token engine below, its model, and the requests that still live. */
#ifndef LLMI_SERVE_ENGINE_H
#define LLMI_SERVE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine/engine.h"
#include "tokenizer/tokenizer.h"

struct llm_engine {
    _Atomic int32_t n_refs; /* the user's and each request's */
    llmi_engine *inner;     /* reference */
    llm_model *model;       /* reference */
    atomic_bool inside;     /* a thread steps, or is in a call that steps */
    pthread_mutex_t lock;   /* of requests */
    llm_request *requests;
};

/* Inside a public function: refuses an engine that a forked child inherited. */
#define LLMI_HERE(inner)                                                                                               \
    do {                                                                                                               \
        llm_status here = llmi_engine_here(inner, __func__);                                                           \
        if (here != LLM_OK) return here;                                                                               \
    } while (0)

void llmi_serve_engine_ref(llm_engine *e);
void llmi_serve_engine_unref(llm_engine *e);

/* Brackets a call that steps: LLM_E_BUSY if another one is under way. */
llm_status llmi_serve_begin(llm_engine *e, const char *call);
void llmi_serve_end(llm_engine *e);

/* NULL-terminated lists of requests. */
void llmi_serve_enlist(llm_engine *e, llm_request *r);
void llmi_serve_delist(llm_engine *e, llm_request *r);

static inline const llm_allocator *llmi_serve_memory(const llm_engine *e) {
    return llmi_engine_allocator(e->inner);
}

/* LLM_E_UNSUPPORTED for a model that has none. */
llm_status llmi_serve_tokenizer(const llm_tokenizer **out, const llm_engine *e);

/* Appends the ids of a text. */
struct llmi_buf;
llm_status llmi_serve_encode(struct llmi_buf *ids, const llm_engine *e, llm_span text, uint32_t flags);

#endif
