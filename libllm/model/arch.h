/* What a model family is: the names it answers to, its hyper-parameter rows, its weight rows and its
 * forward. One arch_NAME.c each, and one line in archs.def. */
#ifndef LLMI_MODEL_ARCH_H
#define LLMI_MODEL_ARCH_H

#include "model/model.h"

/* A hyper-parameter: where each format keeps it, its range, its default. */
typedef struct llmi_hparam_row {
    const char *gguf; /* key below "<arch>.", or NULL */
    const char *hf;   /* dotted path in config.json, or NULL */
    size_t offset;    /* in llmi_hparams */
    char type;        /* 'i' int32, 'f' float */
    double min, max;  /* inclusive */
    double fallback;  /* NAN: required */
} llmi_hparam_row;

/* A weight: its name in each format (%d is the layer), its shape, where it goes. */
typedef struct llmi_weight_row {
    const char *gguf, *hf;
    size_t offset;     /* in llmi_layer when the name holds %d, else in llm_model */
    char rows, cols;   /* letters of a dimension: see hparams.c's table (E n_embd, V n_vocab, Q n_heads*head_dim, ...); rows '1' for a vector */
    bool optional;
} llmi_weight_row;

struct llmi_arch {
    const char *name;              /* as llm_model_info.arch gives it */
    const char *const *gguf_names; /* general.architecture, NULL-terminated */
    const char *const *hf_names;   /* config.json model_type, NULL-terminated */
    const llmi_hparam_row *hparams;
    int32_t n_hparams;
    const llmi_weight_row *weights;
    int32_t n_weights;
    int32_t gguf_rope_style, hf_rope_style; /* LLM_ROPE_* */
    /* Relations that no single row states; may be NULL. */
    llm_status (*check)(llmi_hparams *hp, const llmi_weights *w);
    void (*forward)(const llm_model *m, llmi_step *step);
};

/* NULL if no family answers to the name. */
const llmi_arch *llmi_arch_find(int format, const char *name, size_t n);

#endif
