/* What a model family is: the names it answers to, what it adds to the common hyper-parameters, its
 * weight rows and its forward. One arch_NAME.c each, and one line in archs.def. */
#ifndef LLMI_MODEL_ARCH_H
#define LLMI_MODEL_ARCH_H

#include <math.h>

#include "model/model.h"
#include "model/recorder.h"

/* A hyper-parameter: where each format keeps it, its range, its default. Names may hold alternatives
 * split by '|': the first that is present counts. Rows are read in order; one whose name for the
 * format at hand is NULL is passed over. The rows all families share are in hparams.c; a family's own
 * rows come after them and win. */
typedef struct llmi_hparam_row {
    const char *gguf; /* key below "<arch>.", or NULL */
    const char *hf;   /* dotted path in config.json, or NULL */
    size_t offset;    /* in llmi_hparams */
    char type;        /* 'i' int32, 'f' float, 'r' float whose GGUF value may not be of an integer type */
    double min, max;  /* inclusive */
    double fallback;  /* NAN: required */
} llmi_hparam_row;

#define LLMI_HPARAM_INT(gguf, hf, member, min, max, fallback)                                                          \
    { gguf, hf, offsetof(llmi_hparams, member), 'i', min, max, fallback }
#define LLMI_HPARAM_FLOAT(gguf, hf, member, min, max, fallback)                                                        \
    { gguf, hf, offsetof(llmi_hparams, member), 'f', min, max, fallback }
#define LLMI_HPARAM_REAL(gguf, hf, member, min, max, fallback)                                                         \
    { gguf, hf, offsetof(llmi_hparams, member), 'r', min, max, fallback }

/* A weight: its name in each format (%d is the layer), its shape, where it goes. In Hugging Face's
 * names the leading "model." may be missing from a file. Dimensions are letters:
 *   E n_embd   V n_vocab   F n_ff   D head_dim   Q n_heads * head_dim   K n_kv_heads * head_dim   1 */
typedef struct llmi_weight_row {
    const char *gguf, *hf;
    size_t offset;   /* in llmi_layer when the name holds %d, else in llm_model */
    char rows, cols; /* rows '1' for a vector */
    bool optional;   /* the file may lack it */
    /* The boolean of config.json that says whether the model has the weight (absent: it does not), whatever
     * the file contains; NULL: every model has it. GGUF says it by containing the weight. */
    const char *flag;
} llmi_weight_row;

#define LLMI_WEIGHT(gguf, hf, member, rows, cols, optional)                                                            \
    { gguf, hf, offsetof(llm_model, member), rows, cols, optional, NULL }
#define LLMI_LAYER_WEIGHT(gguf, hf, member, rows, cols)                                                                \
    { "blk.%d." gguf, "model.layers.%d." hf, offsetof(llmi_layer, member), rows, cols, false, NULL }
/* flag NULL: the family always has the bias. */
#define LLMI_LAYER_BIAS(gguf, hf, member, cols, flag)                                                                  \
    { "blk.%d." gguf, "model.layers.%d." hf, offsetof(llmi_layer, member), '1', cols, (flag) != NULL, flag }

struct llmi_arch {
    const char *name;               /* as llm_model_info.arch gives it */
    const char *const *gguf_names;  /* general.architecture, NULL-terminated */
    const char *const *hf_names;    /* config.json model_type, NULL-terminated */
    const llmi_hparam_row *hparams; /* may be NULL */
    int32_t n_hparams;
    const llmi_weight_row *weights;
    int32_t n_weights;
    int32_t gguf_rope_style, hf_rope_style; /* LLM_ROPE_* */
    /* What no single row states; may be NULL. Runs after all rows are read. */
    llm_status (*check)(llmi_hparams *hp, const llmi_weights *w);
    /* Records the pass. */
    void (*forward)(const llm_model *m, llmi_recorder *r);
};

/* NULL if no family answers to the name. */
const llmi_arch *llmi_arch_find(int format, const char *name, size_t n);

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
