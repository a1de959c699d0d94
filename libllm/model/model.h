/* A model: hyper-parameters read from a file, weights placed on a device, and the family's forward. */
#ifndef LLMI_MODEL_MODEL_H
#define LLMI_MODEL_MODEL_H

#include <llm/model.h>
#include <llm/sys/program.h>

#include "base/buf.h"
#include "format/weights.h"
#include "runtime/runtime.h"

/* What all families have: the first member of their hyper-parameters, and all of them that the engine, the API and
 * llm_quantize look at. */
typedef struct llmi_hparams {
    int32_t n_layers, n_embd, n_vocab, n_ctx_train;
} llmi_hparams;

/* How the file says that embeddings are made; the api layer fills it. */
typedef struct llmi_pooling {
    int32_t how;         /* LLM_POOL_*; LLM_POOL_MEAN if the file is silent */
    bool stated;         /* by the file */
    bool normalize;      /* to length 1 */
    const char *refused; /* what the file asks for that is not computed; NULL: nothing */
} llmi_pooling;

typedef struct llmi_arch llmi_arch; /* arch.h */

struct llm_model {
    int32_t n_refs; /* atomic, by builtins: C++ tests read this header */
    llm_runtime *runtime;
    llmi_weights *weights;
    const llmi_arch *arch; /* NULL when only the tokenizer was loaded */
    llmi_hparams hp;       /* a copy of what all families have in: */
    void *hparams;         /* the family's hyper-parameters, */
    void *family;          /* its weights beside the layers, */
    void *layers;          /* and those of each layer [n_layers]: structures of its own (arch.h) */
    llm_device *device;
    char *backend;
    const llm_weight *embed, *output; /* output is embed when tied, NULL without a head */
    llm_weight **owned;               /* every weight once, for release */
    int32_t n_owned;
    size_t owned_capacity;
    size_t private_bytes; /* copies, those the device made and: */
    llmi_buf copies;      /* of tensors that no file holds as the device needs them (adapt.h) */
    llmi_pooling pooling;
    llm_tokenizer *tokenizer;                            /* set by the api layer, which joins text and model, */
    void (*tokenizer_destroy)(llm_tokenizer *tokenizer); /* and released with the model */
};

/* Everything but the tokenizer. */
llm_status llmi_model_load(llm_model **out, llm_runtime *rt, const char *path, const llm_model_options *options);

/* Any thread; NULL is ignored. The last reference frees. */
llm_model *llmi_model_ref(llm_model *m);
void llmi_model_unref(llm_model *m);

/* LLM_E_UNSUPPORTED if the model has no head: it can be embedded with, but gives no logits. */
llm_status llmi_model_check_head(const llm_model *m);

/* ---- the forward pass ---- */

/* Records the pass for steps within the limits. memory: room for llmi_program_bytes(out), where the program's
 * operations and states are written; NULL: only counts them and the bytes of the workspace. */
void llmi_program_record(llm_program *out, const llm_model *m, const llm_limits *limits, void *memory);

/* Of its operations and states. */
size_t llmi_program_bytes(const llm_program *program);

enum { LLMI_MAX_GROUPS = 8 };

/* How far back the layers of each group of states see; the group without a window, 0, is the first, if there is one.
 * Returns the number of groups. */
int32_t llmi_program_windows(int32_t windows[LLMI_MAX_GROUPS], const llm_model *m);

#endif
