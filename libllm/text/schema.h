/* JSON Schema as a grammar: what the files schema*.c share. Each schema becomes a rule; schemas inside of it wait in
 * a list until their turn comes, so that nothing recurses over the document. */
#ifndef LLMI_TEXT_SCHEMA_H
#define LLMI_TEXT_SCHEMA_H

#include <jansson.h>

#include "text/grammar_ir.h"

enum { LLMI_SCHEMA_MAX_BYTES = 4 << 20, LLMI_SCHEMA_MAX_MERGES = 10000, LLMI_SCHEMA_MAX_DEPTH = 64 };

/* Rules that many schemas use; made when first asked for. */
enum { LLMI_SHARED_ANY, LLMI_SHARED_STRING, LLMI_SHARED_INTEGER, LLMI_SHARED_NUMBER, LLMI_SHARED_REST, LLMI_N_SHARED };

typedef struct llmi_schema {
    llmi_ir ir;
    json_t *document;
    json_t *owned;    /* array: schemas that were made by merging */
    llmi_buf waiting; /* rules without body */
    llmi_buf known;   /* schema -> rule, open addressing */
    size_t n_known, n_merges;
    llm_span path; /* JSON pointer of the schema that is being read */
    int32_t shared[LLMI_N_SHARED];
} llmi_schema;

/* LLM_E_UNSUPPORTED, LLM_E_FORMAT, ... with the path; -1. */
int32_t llmi_schema_fault(llmi_schema *s, llm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline bool llmi_schema_failed(const llmi_schema *s) {
    return s->ir.status != LLM_OK;
}

/* A reference to the rule of a schema at `path` + "/keyword/name" (name may be NULL). */
int32_t llmi_schema_child(llmi_schema *s, const json_t *schema, const char *keyword, const char *name);
int32_t llmi_schema_shared(llmi_schema *s, int which);
/* Keeps a new value until the end. NULL: no memory. */
json_t *llmi_schema_own(llmi_schema *s, json_t *value);

/* A whole number >= 0; fallback if it is absent; -1 after a fault. */
int32_t llmi_schema_count(llmi_schema *s, const json_t *schema, const char *key, int32_t fallback);

/* The optional blank after "," and ":". */
int32_t llmi_schema_blank(llmi_schema *s);
/* A JSON value, as it is written without blanks. */
int32_t llmi_schema_literal(llmi_schema *s, const json_t *value);

/* Bodies for the types of one schema. */
int32_t llmi_schema_string(llmi_schema *s, const json_t *schema);
int32_t llmi_schema_number(llmi_schema *s, const json_t *schema, bool integer);
int32_t llmi_schema_array(llmi_schema *s, const json_t *schema);
int32_t llmi_schema_object(llmi_schema *s, const json_t *schema);

/* Inside of a JSON string: one character of the ranges in its shortest spelling. */
int32_t llmi_schema_chars(llmi_ir *ir, llmi_ir_range *ranges, size_t n);
/* The same with every spelling but surrogates. */
int32_t llmi_schema_any_char(llmi_ir *ir);

/* ---- schema_merge.c ---- */

enum {
    LLMI_TYPE_NULL = 1,
    LLMI_TYPE_BOOLEAN = 2,
    LLMI_TYPE_INTEGER = 4,
    LLMI_TYPE_FRACTION = 8,
    LLMI_TYPE_STRING = 16,
    LLMI_TYPE_ARRAY = 32,
    LLMI_TYPE_OBJECT = 64,
    LLMI_TYPE_ALL = 127,
    LLMI_TYPE_NUMBER = 12
};

/* Bits of the types that "type" allows; -1 after a fault. */
int llmi_schema_types(llmi_schema *s, const json_t *schema);
int llmi_schema_type_of(const json_t *value);
/* The same schema without $ref and allOf; NULL after a fault. Borrowed. */
const json_t *llmi_schema_flatten(llmi_schema *s, const json_t *schema, int depth);
/* Both at once. */
const json_t *llmi_schema_merge(llmi_schema *s, const json_t *a, const json_t *b);
/* No value is valid under both. */
bool llmi_schema_disjoint(llmi_schema *s, const json_t *a, const json_t *b, int depth);
/* Whether it says anything beside annotations. */
bool llmi_schema_asserts(const json_t *schema);

#endif
