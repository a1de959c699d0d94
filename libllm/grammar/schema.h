/* JSON Schema as a grammar: what the files schema*.c share.
 *
 *   schema.c          the list of schemas that wait for their rule, budgets, faults with a JSON pointer
 *   schema_flat.c     $ref, allOf, oneOf, not, if, dependent*: each becomes keywords of one schema, and anyOf
 *   schema_merge.c    two schemas that both hold, as one
 *   schema_not.c      what a schema refuses, as a schema
 *   schema_apart.c    whether a text written for one schema may be valid under another
 *   schema_valid.c    whether one value is valid
 *   schema_string.c, schema_number.c, schema_array.c, schema_object.c    rules of one type
 *
 * Each schema becomes a rule; schemas inside of it wait in a list until their turn comes, so that nothing recurses over
 * the document. Schemas that are made on the way live in the document's memory, which is limited; the work is paid for
 * from one budget of steps. */
#ifndef LLMI_GRAMMAR_SCHEMA_H
#define LLMI_GRAMMAR_SCHEMA_H

#include "base/json.h"
#include "grammar/dfa.h"

enum {
    LLMI_SCHEMA_MAX_BYTES = 4 << 20,   /* of the text */
    LLMI_SCHEMA_MAX_MEMORY = 32 << 20, /* of the document and what is made of it */
    LLMI_SCHEMA_MAX_STEPS = 1 << 25,
    LLMI_SCHEMA_MAX_MEMOS = 1 << 18,
    LLMI_SCHEMA_MAX_DEPTH = 48,
    LLMI_SCHEMA_DIGITS = 40 /* of a number, before its point */
};

/* Rules that many schemas use; made when first asked for. */
enum { LLMI_SHARED_ANY, LLMI_SHARED_STRING, LLMI_SHARED_INTEGER, LLMI_SHARED_NUMBER, LLMI_SHARED_REST, LLMI_N_SHARED };

/* What is remembered of one or two values, which are identified by the address of their content. */
typedef enum llmi_schema_memo {
    LLMI_MEMO_FREE,
    LLMI_MEMO_RULE,    /* a schema's rule + 1 */
    LLMI_MEMO_FLAT,    /* the same schema, flat: const llmi_json * */
    LLMI_MEMO_CHECKED, /* its keywords have the right shapes */
    LLMI_MEMO_NOT,     /* its negation */
    LLMI_MEMO_MERGE,   /* two merged */
    LLMI_MEMO_BOTH,    /* {"allOf": [a, b]} */
    LLMI_MEMO_REST,    /* it without anyOf */
    LLMI_MEMO_APART,   /* 1: may meet, 2: never meet */
} llmi_schema_memo;

/* A set of values: schema_values.h. */
typedef struct llmi_schema_value {
    const llmi_json *value;
    uint64_t hash;
    int32_t mark; /* the caller's */
} llmi_schema_value;

typedef struct llmi_schema_values {
    struct llmi_schema *s; /* which pays, and keeps what fails */
    llmi_buf items;        /* llmi_schema_value, in the order in which they came */
    llmi_buf slots;        /* int32_t: open addressing */
} llmi_schema_values;

typedef struct llmi_schema {
    llmi_ir ir;
    llmi_json_doc doc;
    const llmi_json *document;
    llmi_buf waiting;           /* rules without body */
    llmi_buf memos;             /* open addressing */
    llmi_buf dfas;              /* of patterns and formats */
    llmi_schema_values strings; /* what combined strings are made of; marked by their rule */
    size_t n_memos;
    int64_t steps; /* left */
    llm_span path; /* JSON pointer of the schema that is being read */
    int32_t shared[LLMI_N_SHARED];
    bool old_tuples; /* "$schema" names a draft in which "items" may be a list */
} llmi_schema;

/* LLM_E_UNSUPPORTED, LLM_E_FORMAT, ... with the path; -1. */
int32_t llmi_schema_fault(llmi_schema *s, llm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int32_t llmi_schema_no_memory(llmi_schema *s);
static inline bool llmi_schema_failed(const llmi_schema *s) {
    return s->ir.status != LLM_OK;
}
/* False, and a fault, once the budget is spent. */
bool llmi_schema_pay(llmi_schema *s, size_t n);
/* After work that took its steps from s->steps itself: false if it, or anything before, failed. */
bool llmi_schema_took(llmi_schema *s, llm_status status);
/* llmi_dfa_write for the schema that is being read; -1 after a fault. */
int32_t llmi_schema_write(llmi_schema *s, const llmi_dfa *dfa, int32_t min, int32_t max, llm_span end,
                          llmi_chars_fn chars);
/* llmi_json_same, paid for. */
bool llmi_schema_same(llmi_schema *s, const llmi_json *a, const llmi_json *b);

/* NULL: not known. */
const void *llmi_schema_known(llmi_schema *s, llmi_schema_memo kind, const llmi_json *a, const llmi_json *b);
void llmi_schema_remember(llmi_schema *s, llmi_schema_memo kind, const llmi_json *a, const llmi_json *b,
                          const void *value);

/* A reference to the rule of a schema at `path` + "/keyword/name" (name.ptr may be NULL). */
int32_t llmi_schema_child(llmi_schema *s, const llmi_json *schema, const char *keyword, llm_span name);
int32_t llmi_schema_shared(llmi_schema *s, int which);

/* Values that are made on the way; NULL after a fault, also for a NULL that is passed in. */
typedef struct llmi_schema_pair {
    const char *key;
    const llmi_json *value;
} llmi_schema_pair;
const llmi_json *llmi_schema_object_of(llmi_schema *s, const llmi_schema_pair *pairs, size_t n);
const llmi_json *llmi_schema_array_of(llmi_schema *s, const llmi_json *const *items, size_t n);
const llmi_json *llmi_schema_text(llmi_schema *s, const char *text);
const llmi_json *llmi_schema_with(llmi_schema *s, const llmi_json *object, const char *key, const llmi_json *value);
const llmi_json *llmi_schema_without(llmi_schema *s, const llmi_json *object, const char *key);
/* Takes what llmi_json_new_* gave: a NULL becomes a fault. */
const llmi_json *llmi_schema_made(llmi_schema *s, const llmi_json *value);
#define LLMI_PAIRS(...)                                                                                                \
    (const llmi_schema_pair[]){__VA_ARGS__}, sizeof((const llmi_schema_pair[]){__VA_ARGS__}) / sizeof(llmi_schema_pair)

static inline llm_span llmi_schema_key(const llmi_json_member *m) {
    return (llm_span){m->key.text, m->key.n};
}

/* A whole number >= 0; fallback if it is absent; -1 after a fault. */
int32_t llmi_schema_number_of(llmi_schema *s, const llmi_json *schema, const char *key, int32_t fallback);

/* The optional space after "," and ":". */
int32_t llmi_schema_space(llmi_schema *s);
/* A JSON value, as it is written without spaces; numbers as they are spelled. */
int32_t llmi_schema_literal(llmi_schema *s, const llmi_json *value);
/* A list of nodes that is returned to the pool. */
int32_t llmi_schema_either(llmi_schema *s, llmi_buf *kids);
void llmi_schema_add(llmi_schema *s, llmi_buf *kids, int32_t kid);

/* ---- types ---- */

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

/* Bits of the types that "type" allows; 0 after a fault. */
int llmi_schema_types(llmi_schema *s, const llmi_json *schema);
/* The types that are written for it: where it names none, those that its keywords are about. */
int llmi_schema_types_written(llmi_schema *s, const llmi_json *schema);
int llmi_schema_type_of(const llmi_json *value);
/* {"type": ...} of these types. */
const llmi_json *llmi_schema_of_types(llmi_schema *s, int types);
/* Of a type's keyword (minLength, items, ...): the types that it is about; 0: of none or all. */
int llmi_schema_types_meant(llm_span key);

/* ---- one schema from several ---- */

/* Whether a keyword, or any keyword of a schema, says anything beside annotations. */
bool llmi_schema_is_assertion(llm_span key);
bool llmi_schema_asserts(const llmi_json *schema);
/* The same schema without $ref, allOf, oneOf, if, dependent*, const, and with such `not` only as _is_simple_not; NULL
 * after a fault. */
const llmi_json *llmi_schema_flat(llmi_schema *s, const llmi_json *schema, int depth);
/* Where a schema that is nothing but a $ref leads. */
const llmi_json *llmi_schema_target(llmi_schema *s, const llmi_json *schema);
/* Both together; flat. */
const llmi_json *llmi_schema_merge(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth);
/* {"allOf": [a, b]} */
const llmi_json *llmi_schema_both(llmi_schema *s, const llmi_json *a, const llmi_json *b);
/* A schema of the values that are not valid. */
const llmi_json *llmi_schema_not(llmi_schema *s, const llmi_json *schema, int depth);
/* "not" of only an enum, a pattern, a multipleOf, or an anyOf of these: it is left to the rules of strings, ... */
bool llmi_schema_is_simple_not(const llmi_json *value);
/* The i-th simple schema of a flat schema's "not"; NULL: none is left. */
const llmi_json *llmi_schema_simple_not(const llmi_json *schema, size_t i);
/* Branch i of a flat schema with anyOf, merged with the rest. */
const llmi_json *llmi_schema_branch(llmi_schema *s, const llmi_json *schema, size_t i, int depth);

/* No text that is written for `a` is valid under `b`. False if that is not certain. */
bool llmi_schema_apart(llmi_schema *s, const llmi_json *a, const llmi_json *b, int depth);
/* Whether a value is valid; formats are not looked at. */
bool llmi_schema_valid(llmi_schema *s, const llmi_json *schema, const llmi_json *value, int depth);
/* Of strings' keywords only. */
bool llmi_schema_valid_string(llmi_schema *s, const llmi_json *schema, const llmi_json *value);
/* Of numbers' keywords only. */
bool llmi_schema_valid_number(llmi_schema *s, const llmi_json *schema, const llmi_json *value);

/* The schema of property `name` of an object: from properties, patternProperties and additionalProperties; NULL if
 * there is none. *listed: it is among the properties or matches a pattern. */
const llmi_json *llmi_schema_property(llmi_schema *s, const llmi_json *schema, llm_span name, bool *listed);
bool llmi_schema_requires(const llmi_json *schema, llm_span name);
/* Whether others than the listed properties are written: an object that lists some and says nothing about others has no
 * others. */
bool llmi_schema_is_open(const llmi_json *schema);

/* ---- numbers ---- */

/* -1, 0, 1 as a is below, equal to or above b. NaN is not known here. */
int llmi_schema_compare(const llmi_json *a, const llmi_json *b);
bool llmi_schema_is_multiple(llmi_schema *s, const llmi_json *value, const llmi_json *step);
/* No number is within the bounds of both. */
bool llmi_schema_bounds_apart(const llmi_json *a, const llmi_json *b);

/* ---- strings ---- */

/* The automaton of a pattern; NULL after a fault. Kept until the end. */
const llmi_dfa *llmi_schema_pattern(llmi_schema *s, const llmi_json *pattern);
void llmi_schema_forget_patterns(llmi_schema *s);
/* Of all strings that a flat schema allows, but for their lengths; with_formats: those of its formats too. *out is to
 * be freed if this gives true; false after a fault. */
bool llmi_schema_string_dfa(llmi_schema *s, llmi_dfa *out, const llmi_json *schema, bool with_formats);

/* Takes the strings of a list out of an automaton, or those that match a pattern, or do not. False after a fault. */
bool llmi_schema_narrow_names(llmi_schema *s, llmi_dfa *all, const llmi_json *list);
bool llmi_schema_narrow_pattern(llmi_schema *s, llmi_dfa *all, const llmi_json *pattern, bool refused);

/* Bodies for the types of one flat schema. */
int32_t llmi_schema_string(llmi_schema *s, const llmi_json *schema);
int32_t llmi_schema_numbers(llmi_schema *s, const llmi_json *schema, int types);
int32_t llmi_schema_array(llmi_schema *s, const llmi_json *schema);
int32_t llmi_schema_object(llmi_schema *s, const llmi_json *schema);

/* Inside of a JSON string: one character of the ranges in its shortest spelling. */
int32_t llmi_schema_chars(llmi_ir *ir, llmi_ir_range *ranges, size_t n);
/* The same with every spelling but surrogates. */
int32_t llmi_schema_any_char(llmi_ir *ir);

#endif
