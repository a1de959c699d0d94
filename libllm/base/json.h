/* JSON (RFC 8259) as a tree of values in memory of the host's allocator, and JSON text from it.
 *
 *   llmi_json_doc   owns the memory of any number of trees; freeing it frees them all
 *     llmi_json     one value, 16 bytes: {type, n, text | items | members}
 *
 *   {"a": [1, 2.50]}      OBJECT n=1 -> member {STRING "a", ARRAY n=2 -> NUMBER "1", NUMBER "2.50"}
 *
 * A value never changes once it is made, so trees may share parts and be read by several threads. Strings are UTF-8,
 * may contain NUL, and are followed by another NUL. Numbers keep their spelling: whoever reads one says as what.
 * Reading and writing use no recursion, no locale and no allocator but the document's. */
#ifndef LLMI_BASE_JSON_H
#define LLMI_BASE_JSON_H

#include <stdbool.h>
#include <string.h>

#include <llm/status.h>
#include <llm/types.h>

struct llmi_buf;

enum {
    LLMI_JSON_MAX_DEPTH = 128,       /* of nested arrays and objects */
    LLMI_JSON_MAX_BYTES = 256 << 20, /* of one text */
};

typedef enum llmi_json_kind {
    LLMI_JSON_NULL,
    LLMI_JSON_FALSE,
    LLMI_JSON_TRUE,
    LLMI_JSON_NUMBER,
    LLMI_JSON_STRING,
    LLMI_JSON_ARRAY,
    LLMI_JSON_OBJECT
} llmi_json_kind;

typedef struct llmi_json_member llmi_json_member;

typedef struct llmi_json {
    uint32_t type; /* llmi_json_kind */
    uint32_t n;    /* bytes, items or members */
    union {
        const char *text; /* STRING; NUMBER: as it was spelled, e.g. "1e400", "-0", "NaN" (see LLMI_JSON_PYTHON) */
        const struct llmi_json *items;
        const llmi_json_member *members; /* in the order of the text, keys unique */
    };
} llmi_json;

struct llmi_json_member {
    llmi_json key; /* STRING */
    llmi_json value;
};

/* ---- documents ---- */

typedef struct llmi_json_doc {
    const llm_allocator *a;
    struct llmi_json_block *blocks;
    char *free_at;
    size_t n_free;
    size_t n_held, max_bytes; /* taken from the allocator; the most that may be */
    llm_status status;        /* of the last llmi_json_new_*, _with or _without that failed */
} llmi_json_doc;

/* max_bytes: the most memory that its values may take; 0: no limit but that of the texts. Nothing is allocated yet. */
void llmi_json_doc_init(llmi_json_doc *doc, const llm_allocator *a, size_t max_bytes);
void llmi_json_doc_free(llmi_json_doc *doc);

enum {
    /* As Python's json.loads: NaN, Infinity and -Infinity are numbers, and of equal keys the last value counts (at the
     * place of the first). Without it these are errors. */
    LLMI_JSON_PYTHON = 1
};

/* Adds the tree of a text to `doc`. The text is copied where it is needed and may be freed afterwards; a byte order
 * mark at its start is skipped. `what` names the text in errors ("config.json"), which carry line and column.
 * LLM_E_FORMAT; LLM_E_LIMIT: depth, size, or the document's max_bytes; LLM_E_MEMORY. *out is NULL then, and what was
 * taken stays with the document. */
llm_status llmi_json_parse(const llmi_json **out, llmi_json_doc *doc, llm_span text, const char *what, unsigned flags);

/* ---- reading values; NULL: there is none, of no type ---- */

static inline bool llmi_json_is(const llmi_json *v, llmi_json_kind kind) {
    return v && v->type == (uint32_t)kind;
}
static inline bool llmi_json_is_bool(const llmi_json *v) {
    return llmi_json_is(v, LLMI_JSON_TRUE) || llmi_json_is(v, LLMI_JSON_FALSE);
}
/* A number spelled without fraction and exponent, of any size. */
bool llmi_json_is_integer(const llmi_json *v);

/* Items of an array or members of an object; 0 for everything else. */
static inline size_t llmi_json_count(const llmi_json *v) {
    return llmi_json_is(v, LLMI_JSON_ARRAY) || llmi_json_is(v, LLMI_JSON_OBJECT) ? v->n : 0;
}
/* NULL: not an array, or beyond its end. */
static inline const llmi_json *llmi_json_item(const llmi_json *array, size_t i) {
    return llmi_json_is(array, LLMI_JSON_ARRAY) && i < array->n ? array->items + i : NULL;
}
/* NULL: not an object, or no such key. Takes log n steps for large objects, whatever the keys. */
const llmi_json *llmi_json_find(const llmi_json *object, llm_span key);
const llmi_json *llmi_json_get(const llmi_json *object, const char *key);

/* The bytes of a string, or a number's spelling; {NULL, 0} for everything else. */
static inline llm_span llmi_json_text(const llmi_json *v) {
    bool has = llmi_json_is(v, LLMI_JSON_STRING) || llmi_json_is(v, LLMI_JSON_NUMBER);
    return has ? (llm_span){v->text, v->n} : (llm_span){NULL, 0};
}
/* A string of exactly these bytes. */
static inline bool llmi_json_equals(const llmi_json *v, const char *text) {
    return llmi_json_is(v, LLMI_JSON_STRING) && v->n == strlen(text) && memcmp(v->text, text, v->n) == 0;
}

/* Numbers of integral value in any spelling ("2", "2.0", "20e-1"); false: another value, or beyond the type. */
bool llmi_json_int64(int64_t *out, const llmi_json *v);
bool llmi_json_uint64(uint64_t *out, const llmi_json *v);
/* The nearest double; beyond its range +-infinity. NaN for what is not a number. */
double llmi_json_double(const llmi_json *v);

/* The same JSON: numbers by value (1 equals 1.0, exactly, of any size), objects whatever the order of their members.
 * Takes the work done from *steps; false once that is negative. steps may be NULL: no limit. Recursive: values that
 * were made (not parsed) and nest deeper than twice LLMI_JSON_MAX_DEPTH count as different. */
bool llmi_json_same(const llmi_json *a, const llmi_json *b, int64_t *steps);

/* "an object", "an integer", "a number", "true", ... "nothing" (NULL): for messages. */
const char *llmi_json_type_name(const llmi_json *v);

/* Member lookups that name the key, the value found and the type or range expected. `what` as above. A missing key is
 * LLM_E_NOT_FOUND, a wrong value LLM_E_FORMAT. */
llm_status llmi_json_get_int(int64_t *out, const llmi_json *object, const char *key, int64_t min, int64_t max,
                             const char *what);
llm_status llmi_json_get_number(double *out, const llmi_json *object, const char *key, const char *what);
llm_status llmi_json_get_string(llm_span *out, const llmi_json *object, const char *key, const char *what);

/* ---- making values; NULL: out of memory or beyond max_bytes, with doc->status and the error text set ---- */

extern const llmi_json llmi_json_null, llmi_json_false, llmi_json_true;

/* Copies the bytes, which are UTF-8. */
const llmi_json *llmi_json_new_string(llmi_json_doc *doc, llm_span text);
/* `spelling` is a JSON number; copied. */
const llmi_json *llmi_json_new_number(llmi_json_doc *doc, llm_span spelling);
const llmi_json *llmi_json_new_int(llmi_json_doc *doc, int64_t value);
/* Copy the items or members themselves; what they point to is shared, and must live at least as long as `doc`. Of equal
 * keys the last value counts. */
const llmi_json *llmi_json_new_array(llmi_json_doc *doc, const llmi_json *items, size_t n);
const llmi_json *llmi_json_new_object(llmi_json_doc *doc, const llmi_json_member *members, size_t n);
/* The object with one member set, or without it. */
const llmi_json *llmi_json_with(llmi_json_doc *doc, const llmi_json *object, const char *key, const llmi_json *value);
const llmi_json *llmi_json_without(llmi_json_doc *doc, const llmi_json *object, const char *key);
/* ---- writing ---- */

enum {
    LLMI_JSON_COMPACT = 0, /* {"a":[1,2]} */
    LLMI_JSON_SPACED = 1,  /* {"a": [1, 2]}, as Python's json.dumps */
    LLMI_JSON_ASCII = 2,   /* \uXXXX for everything beyond printable ASCII */
};

/* Appends a value's JSON. False, and `out` unchanged, if there is no memory. */
bool llmi_json_write(struct llmi_buf *out, const llmi_json *value, unsigned flags);

/* JSON written piece by piece, without a tree; commas and colons come by themselves.
 *
 *   llmi_json_writer w = llmi_json_writer_to(&buf);
 *   llmi_json_begin(&w, '{');
 *   llmi_json_key(&w, "ids");
 *   llmi_json_begin(&w, '[');
 *   llmi_json_put_int(&w, 5);
 *   llmi_json_end(&w, ']');
 *   llmi_json_end(&w, '}');
 *   if (w.failed) ...                      one test at the end: {"ids":[5]}
 */
typedef struct llmi_json_writer {
    struct llmi_buf *out;
    bool failed; /* no memory */
    bool comma;  /* before the next value or key */
} llmi_json_writer;

llmi_json_writer llmi_json_writer_to(struct llmi_buf *out);
void llmi_json_begin(llmi_json_writer *w, char bracket);
void llmi_json_end(llmi_json_writer *w, char bracket);
void llmi_json_key(llmi_json_writer *w, const char *key);
void llmi_json_put_string(llmi_json_writer *w, llm_span text); /* {NULL, 0}: "" */
void llmi_json_put_int(llmi_json_writer *w, int64_t value);
void llmi_json_put_double(llmi_json_writer *w, double value); /* shortest that reads back; null if it is not finite */
void llmi_json_put_bool(llmi_json_writer *w, bool value);
void llmi_json_put_null(llmi_json_writer *w);
void llmi_json_put_value(llmi_json_writer *w, const llmi_json *value);

#endif
