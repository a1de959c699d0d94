/* What the files json*.c share: memory of a document, and numbers by value. */
#ifndef LLMI_BASE_JSON_DOC_H
#define LLMI_BASE_JSON_DOC_H

#include "base/json.h"

typedef struct llmi_json_block llmi_json_block;

/* Memory that is freed with the document; NULL, with doc->status and the error text set, on failure. */
void *llmi_json_doc_take(llmi_json_doc *doc, size_t n_bytes, size_t alignment);

/* Whether max_bytes allows n_bytes more; else doc->status and the error text say that it does not. */
bool llmi_json_doc_fits(llmi_json_doc *doc, size_t n_bytes);

/* An object from a copy of the members. *twice: one of the keys that occur more than once, or {NULL, 0}. False: no
 * memory, as for _take. */
bool llmi_json_doc_object(llmi_json *out, llmi_json_doc *doc, const llmi_json_member *members, size_t n,
                          llm_span *twice);

/* A number's value, independent of how it is spelled: digits times ten to `exponent`. */
typedef struct llmi_json_decimal {
    bool negative;
    const char *first, *end; /* significant digits, with a point perhaps among them; equal: zero */
    size_t n_digits;
    int64_t exponent; /* of the last digit */
} llmi_json_decimal;

/* Points into the number's text. False: NaN or an infinity. */
bool llmi_json_decimal_of(llmi_json_decimal *out, const llmi_json *v);

/* Both are numbers: whether their values are equal, exactly. NaN equals NaN here. */
bool llmi_json_number_same(const llmi_json *a, const llmi_json *b);

#endif
