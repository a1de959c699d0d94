/* Members of a tokenizer.json, with what they are if they are absent. `where` names the object in
 * errors. */
#ifndef LLMI_TOKENIZER_LOAD_JSON_READ_H
#define LLMI_TOKENIZER_LOAD_JSON_READ_H

#include "base/json.h"
#include "tokenizer/internal.h"

/* The files of a tokenizer; root is its tokenizer.json, the others NULL where there are none. */
typedef struct llmi_load_json_sources {
    const llmi_json *root, *config, *map, *added;
    const struct llmi_log *log;
} llmi_load_json_sources;

typedef struct llmi_load_json_maker {
    llm_tokenizer *t;
    bool fused; /* decoders: a Fuse came before */
} llmi_load_json_maker;

/* Absent or null: the value stays. */
llm_status llmi_load_json_bool(bool *value, const llmi_json *object, const char *key, const char *where);
llm_status llmi_load_json_string(llm_span *value, const llmi_json *object, const char *key, const char *where);
/* Absent or null: LLM_TOKEN_NONE. */
llm_status llmi_load_json_id(int32_t *value, const llmi_json *object, const char *key, int32_t n, const char *where);
/* An array; absent: an error. */
llm_status llmi_load_json_array(const llmi_json **value, const llmi_json *object, const char *key, const char *where);

/* One kind of component of a chain. */
typedef struct llmi_load_json_component {
    const char *type;
    llm_status (*make)(llmi_load_json_maker *m, const llmi_json *object, const char *where);
} llmi_load_json_component;

/* Makes the component that `object` describes by its "type": one of the table, or a "Sequence" of
 * them in the member `list`. null makes nothing. */
llm_status llmi_load_json_chain(llmi_load_json_maker *m, const llmi_json *object, const llmi_load_json_component *table,
                                size_t n, const char *list, const char *where);

/* Added tokens and the names of special ones, once the vocabulary of n_vocab entries is read. */
llm_status llmi_load_json_added(llm_tokenizer *t, const llmi_load_json_sources *s, int32_t n_vocab);
llm_status llmi_load_json_normalizers(llmi_load_json_maker *m, const llmi_json *root);
llm_status llmi_load_json_pre_tokenizers(llmi_load_json_maker *m, const llmi_json *root);
llm_status llmi_load_json_decoders(llmi_load_json_maker *m, const llmi_json *root);
llm_status llmi_load_json_post_processors(llmi_load_json_maker *m, const llmi_json *root);
/* Its vocabulary and the rest of it; the steps must be known before. */
llm_status llmi_load_json_model(llmi_load_json_maker *m, const llmi_json *model);

#endif
