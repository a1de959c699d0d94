/* Decimals, as schema_number.c (ranges) and schema_multiple.c (multiples, numbers that are refused) see them. */
#ifndef LLMI_GRAMMAR_SCHEMA_NUMBER_H
#define LLMI_GRAMMAR_SCHEMA_NUMBER_H

#include "base/json_doc.h"
#include "base/text.h"
#include "grammar/schema.h"

enum { LLMI_FRACTION_DIGITS = 17 };

typedef struct llmi_decimal {
    bool negative;
    char whole[LLMI_SCHEMA_DIGITS + 2];      /* without leading zeros; room for one digit more */
    char fraction[LLMI_FRACTION_DIGITS + 1]; /* without trailing zeros but for "0" */
    bool open;                               /* a bound that is itself outside */
} llmi_decimal;

extern const llmi_json llmi_schema_zero;

/* The number that readers make of it: of a fraction the nearest double, in its shortest spelling, for which `text` has
 * room. False: it is not finite. */
bool llmi_schema_decimal(llmi_json_decimal *out, const llmi_json *v, char text[LLMI_NUMBER_BYTES]);
/* False: it has more digits than fit, or is not a finite number. */
bool llmi_schema_decimal_of(llmi_decimal *out, const llmi_json *v, bool open);
/* A node for the numbers between a schema's bounds. */
int32_t llmi_schema_numbers_between(llmi_schema *s, llmi_ir *ir, const llmi_json *schema, bool integer);

#endif
