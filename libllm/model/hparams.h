/* Hyper-parameters: read from a file by a family's table of rows, written as GGUF by the same table.
 *
 *     config.json   "num_attention_heads": 32          read into
 *     GGUF          llama.attention.head_count = 32    <------->   struct { ... int32_t attn.n_heads ... }
 *
 * A row says where each format keeps a value, of which type it is, its range, and what holds without it. Rows are read
 * in their order: those of a family follow those of the blocks that it is made of, and win. */
#ifndef LLMI_MODEL_HPARAMS_H
#define LLMI_MODEL_HPARAMS_H

#include <math.h>
#include <stddef.h>

#include "format/gguf_write.h"
#include "model/model.h"

/* Limits far above any model that exists, low enough that no product of three overflows. */
enum {
    LLMI_MAX_LAYERS = 1024,
    LLMI_MAX_EMBD = 1 << 20,
    LLMI_MAX_HEADS = 1 << 14,
    LLMI_MAX_HEAD_DIM = 1 << 12,
    LLMI_MAX_FF = 1 << 24,
    LLMI_MAX_VOCAB = 1 << 24,
    LLMI_MAX_CTX = 1 << 30
};

typedef enum llmi_hparam_type {
    LLMI_HPARAM_INT,      /* int32_t. GGUF may state one for each layer, which have to be equal */
    LLMI_HPARAM_FLOAT,    /* float */
    LLMI_HPARAM_FRACTION, /* float, which GGUF may not keep in an integer type */
    LLMI_HPARAM_NAME,     /* int32_t: the value of one of `names` */
    LLMI_HPARAM_BOOL      /* only to be refused */
} llmi_hparam_type;

enum {
    LLMI_HPARAM_REFUSE = 1,  /* has no member: any value but the fallback is refused, as not implemented */
    LLMI_HPARAM_NOT_READ = 2 /* written for other readers of GGUF */
};

typedef struct llmi_hparam_name {
    const char *name;
    int32_t value;
} llmi_hparam_name;

/* Names are keys below "<arch>." in GGUF, dotted paths in config.json, and may be alternatives split by '|': the first
 * that is present counts. NULL: the format does not state the value, and the row is skipped. */
typedef struct llmi_hparam_row {
    const char *gguf, *hf;
    size_t offset; /* in the family's struct */
    llmi_hparam_type type;
    double min, max;               /* inclusive */
    double fallback;               /* NAN: required */
    const llmi_hparam_name *names; /* up to one whose name is NULL */
    const char *only_if;           /* the boolean of config.json without which the value is 0; NULL: none */
    uint32_t flags;                /* LLMI_HPARAM_* */
} llmi_hparam_row;

/* A member of the one object of config.json that says how positions are encoded: rope_scaling or rope_parameters. */
#define LLMI_ROPE_OBJECT "$"

/* The offset of a member of struct F_hparams. The compiler refuses one of another type. */
#define LLMI_HPARAM_AT(F, member, type)                                                                                \
    _Generic(((struct F##_hparams *)0)->member, type : offsetof(struct F##_hparams, member))

/* The contents of a row of family F, whose values are in struct F_hparams: {LLMI_INT(...), .only_if = "flag"}. */
#define LLMI_NUMBER(type_, offset_, gguf_, hf_, min_, max_, fallback_)                                                 \
    .gguf = gguf_, .hf = hf_, .offset = offset_, .type = type_, .min = min_, .max = max_, .fallback = fallback_
#define LLMI_INT(F, member, gguf, hf, min, max, fallback)                                                              \
    LLMI_NUMBER(LLMI_HPARAM_INT, LLMI_HPARAM_AT(F, member, int32_t), gguf, hf, min, max, fallback)
#define LLMI_FLOAT(F, member, gguf, hf, min, max, fallback)                                                            \
    LLMI_NUMBER(LLMI_HPARAM_FLOAT, LLMI_HPARAM_AT(F, member, float), gguf, hf, min, max, fallback)
#define LLMI_FRACTION(F, member, gguf, hf, min, max, fallback)                                                         \
    LLMI_NUMBER(LLMI_HPARAM_FRACTION, LLMI_HPARAM_AT(F, member, float), gguf, hf, min, max, fallback)
#define LLMI_NAME(F, member, gguf, hf, names_, fallback)                                                               \
    LLMI_NUMBER(LLMI_HPARAM_NAME, LLMI_HPARAM_AT(F, member, int32_t), gguf, hf, 0, 0, fallback), .names = names_

/* Refuses any other value than the one that the family computes. */
#define LLMI_ONLY(type_, gguf_, hf_, value_)                                                                           \
    .gguf = gguf_, .hf = hf_, .type = type_, .fallback = value_, .flags = LLMI_HPARAM_REFUSE
#define LLMI_ONLY_NAME(gguf_, hf_, names_)                                                                             \
    .gguf = gguf_, .hf = hf_, .type = LLMI_HPARAM_NAME, .names = names_, .flags = LLMI_HPARAM_REFUSE

extern const llmi_hparam_name llmi_hparams_no_quantizer[];

/* clang-format off */
/* What every model has: the rows of llmi_hparams, the member `base`. Fallbacks of config.json are those of
 * transformers' configuration classes. GGUF keys: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
#define LLMI_BASE_HPARAMS(F)                                                                                           \
    {LLMI_INT(F, base.n_layers, "block_count", "num_hidden_layers", 1, LLMI_MAX_LAYERS, NAN)},                         \
    {LLMI_INT(F, base.n_embd, "embedding_length", "hidden_size", 1, LLMI_MAX_EMBD, NAN)},                              \
    {LLMI_INT(F, base.n_vocab, NULL, "vocab_size", 1, LLMI_MAX_VOCAB, 0)}, /* 0: the embedding says it */              \
    {LLMI_INT(F, base.n_vocab, "vocab_size", NULL, 1, LLMI_MAX_VOCAB, 0), .flags = LLMI_HPARAM_NOT_READ},              \
    {LLMI_INT(F, base.n_ctx_train, "context_length", NULL, 1, LLMI_MAX_CTX, NAN)},                                     \
    {LLMI_INT(F, base.n_ctx_train, NULL, "max_position_embeddings", 1, LLMI_MAX_CTX, 2048)},                           \
    {LLMI_ONLY_NAME(NULL, "quantization_config.quant_method", llmi_hparams_no_quantizer)},                             \
    {LLMI_ONLY(LLMI_HPARAM_FLOAT, NULL, "quantization.bits", 0)} /* as MLX writes it */

/* The epsilon of RMSNorm. */
#define LLMI_RMS_HPARAMS(F, eps)                                                                                       \
    {LLMI_FRACTION(F, eps, "attention.layer_norm_rms_epsilon", NULL, 0, 1, NAN)},                                      \
    {LLMI_FLOAT(F, eps, NULL, "rms_norm_eps", 0, 1, 1e-6)}
/* clang-format on */

/* Where values come from, for what a family derives and checks by itself. */
typedef struct llmi_hparam_source {
    const llmi_weights *w;
    bool gguf;
    llm_span arch;      /* before GGUF's keys */
    const char *rope;   /* the object of LLMI_ROPE_OBJECT */
    int32_t rope_style; /* LLM_ROPE_*, of the family's files of this format */
} llmi_hparam_source;

typedef char llmi_hparam_key[192];

/* The full name of the first alternative that the file holds, and true; else that of the first one. */
bool llmi_hparams_find(llmi_hparam_key out, const llmi_hparam_source *s, const char *names);

/* out: the family's struct. LLM_E_FORMAT for values that are missing, out of range or contradict each other,
 * LLM_E_UNSUPPORTED for features that are not implemented; the text names key, value and what was expected. n_vocab may
 * stay 0: then the embedding's rows say it. */
llm_status llmi_hparams_read(void *out, const llmi_arch *arch, const llmi_weights *w);

/* The value that GGUF keeps under this key below "<arch>.", in whichever format the file is; 0 if the family has none.
 */
int32_t llmi_hparams_get_int(const llm_model *m, const char *gguf);

/* Everything the rows say, and "general.architecture", under GGUF's keys. */
llm_status llmi_hparams_write(llmi_gguf_writer *w, const llm_model *m);

#endif
