/* What a model family is: the names it answers to, its structures with the rows that fill them, and its forward.
 * One arch_NAME.c each, and one line in archs.def. */
#ifndef LLMI_MODEL_ARCH_H
#define LLMI_MODEL_ARCH_H

#include "model/hparams.h"
#include "model/recorder.h"
#include "model/rows.h"

/* A rotary embedding: its llmi_rope_hparams in struct F_hparams, its llmi_rope_table in struct F_model. */
typedef struct llmi_rope_row {
    size_t hparams, table;
} llmi_rope_row;

struct llmi_arch {
    const char *name;              /* as llm_model_info.arch gives it */
    const char *const *gguf_names; /* general.architecture, NULL-terminated */
    const char *const *hf_names;   /* config.json model_type, NULL-terminated */
    const char *hf_class;          /* config.json architectures, where it is not NAMEForCausalLM; or NULL */
    const char *gguf_written_as;   /* general.architecture of what llm_quantize writes; NULL: the first */
    /* Before the names of a layer, whose number is %d; alternatives split by '|'. */
    const char *gguf_layer, *hf_layer;
    /* Before all names of the text model but the head's, in files that hold other parts too: "model."; NULL: nothing */
    const char *hf_body;
    /* What files keep of a layer though nothing is computed with it, such as a mask; alternatives split by '|', or
     * NULL. */
    const char *hf_unused;
    bool hf_tied; /* a config.json that does not say whether the head is tied means that it is */
    size_t hparams_bytes, model_bytes, layer_bytes; /* of the family's structures; the first begins with llmi_hparams */
    const llmi_hparam_row *hparams;
    int32_t n_hparams;
    const llmi_weight_row *weights;
    int32_t n_weights;
    const llmi_rope_row *ropes;
    int32_t n_ropes;
    int32_t gguf_rope_style, hf_rope_style; /* LLM_ROPE_* */
    /* Derives what the rows leave open, and checks what no single row states; may be NULL. After all rows. */
    llm_status (*check)(void *hparams, const llmi_hparam_source *s);
    /* Sets the members that are not weights in the structure of layer i; may be NULL. */
    llm_status (*set_layer)(void *layer, const void *hparams, int32_t i, const llmi_weights *w);
    /* Changes a copy of the hyper-parameters, read from config.json, to what GGUF states; may be NULL. */
    llm_status (*to_gguf)(void *hparams, const llm_model *m);
    /* Records the pass. */
    void (*forward)(const llm_model *m, llmi_recorder *r);
};

/* The families in the order of archs.def; NULL beyond the last. */
const llmi_arch *llmi_arch_at(int32_t index);

/* NULL if no family answers to the name. */
const llmi_arch *llmi_arch_find(int format, const char *name, size_t n);

/* general.architecture of what llm_quantize writes. */
const char *llmi_arch_gguf_name(const llmi_arch *arch);

/* The family of a file: LLM_E_UNSUPPORTED lists the known names, or names the class (config.json's architectures) whose
 * head is not computed. */
llm_status llmi_arch_of(const llmi_arch **out, const llmi_weights *w);

/* Whether config.json names a class of another name than the family's ("XForCausalLM"), whose code may compute
 * something else. */
bool llmi_arch_is_foreign(const llmi_arch *arch, const llmi_weights *w, llm_span *name);

/* Refuses what is not a model, though of the same format: an adapter, an importance matrix, a tower of images. */
llm_status llmi_arch_check_kind(const llmi_weights *w);

/* Whether the file says that its model has no head at all, as one for embedding: class "LlamaModel" in config.json,
 * LLMI_ARCH_HEADLESS_KEY in GGUF. */
#define LLMI_ARCH_HEADLESS_KEY "libllm.headless"
bool llmi_arch_is_headless(const llmi_arch *arch, const llmi_weights *w);

#endif
