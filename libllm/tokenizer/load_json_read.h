/* Members of a tokenizer.json, with what they are if they are absent. `where` names the object in
 * errors. */
#ifndef LLMI_TOKENIZER_LOAD_JSON_READ_H
#define LLMI_TOKENIZER_LOAD_JSON_READ_H

#include "base/json.h"
#include "tokenizer/internal.h"

/* The files of a tokenizer; root is its tokenizer.json, the others NULL where there are none. */
typedef struct llmi_sources {
    const llmi_json *root, *config, *map, *added;
    const struct llmi_log *log;
} llmi_sources;

typedef struct llmi_maker {
    llm_tokenizer *t;
    bool fused; /* decoders: a Fuse came before */
} llmi_maker;

/* Absent or null: the value stays. */
llm_status llmi_read_bool(bool *value, const llmi_json *object, const char *key, const char *where);
llm_status llmi_read_string(llm_span *value, const llmi_json *object, const char *key, const char *where);
/* Absent or null: LLM_TOKEN_NONE. */
llm_status llmi_read_id(int32_t *value, const llmi_json *object, const char *key, int32_t n, const char *where);
/* An array; absent: an error. */
llm_status llmi_read_array(const llmi_json **value, const llmi_json *object, const char *key, const char *where);

/* One kind of component of a chain. */
typedef struct llmi_component {
    const char *type;
    llm_status (*make)(llmi_maker *m, const llmi_json *object, const char *where);
} llmi_component;

/* Makes the component that `object` describes by its "type": one of the table, or a "Sequence" of
 * them in the member `list`. null makes nothing. */
llm_status llmi_read_chain(llmi_maker *m, const llmi_json *object, const llmi_component *table, size_t n,
                           const char *list, const char *where);

/* Added tokens and the names of special ones, once the vocabulary of n_vocab entries is read. */
llm_status llmi_read_added(llm_tokenizer *t, const llmi_sources *s, int32_t n_vocab);
llm_status llmi_read_normalizers(llmi_maker *m, const llmi_json *root);
llm_status llmi_read_pre_tokenizers(llmi_maker *m, const llmi_json *root);
llm_status llmi_read_decoders(llmi_maker *m, const llmi_json *root);
llm_status llmi_read_post_processors(llmi_maker *m, const llmi_json *root);
/* Its vocabulary and the rest of it; the steps must be known before. */
llm_status llmi_read_model(llmi_maker *m, const llmi_json *model);

#endif
