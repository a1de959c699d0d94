/* A set of JSON values, equal as JSON is: 1 and 1.0 are one, and the order of an object's members does not count. */
#ifndef LLMI_GRAMMAR_SCHEMA_VALUES_H
#define LLMI_GRAMMAR_SCHEMA_VALUES_H

#include "grammar/schema.h"

void llmi_schema_values_init(llmi_schema_values *v, llmi_schema *s);
void llmi_schema_values_free(llmi_schema_values *v);
/* The equal value that is there, or a new one with `mark`. NULL after a fault. */
llmi_schema_value *llmi_schema_values_add(llmi_schema_values *v, const llmi_json *value, int32_t mark);
/* NULL: it is not there. */
llmi_schema_value *llmi_schema_values_find(llmi_schema_values *v, const llmi_json *value);

#endif
