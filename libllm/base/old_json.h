/* JSON through jansson, with limits set before parsing: depth, size, duplicate keys refused. */
#ifndef LLMI_BASE_OLD_JSON_H
#define LLMI_BASE_OLD_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include <llm/status.h>

#define LLMI_OLD_JSON_MAX_DEPTH 128
#define LLMI_OLD_JSON_MAX_BYTES (256 << 20)

/* Parses `n` bytes. `what` names the text in errors ("config.json"), which carry line and column.
 * On success *out is a new reference for json_decref. */
llm_status llmi_old_json_parse(json_t **out, const char *text, size_t n, const char *what);

/* Appends a value's JSON with jansson's flags; false, and `out` as it was, if there is no memory. */
struct llmi_buf;
bool llmi_old_json_write(struct llmi_buf *out, const json_t *value, size_t flags);

/* Member lookups that name the key, the value found and the type or range expected. `what` as above. */
llm_status llmi_old_json_get_int(int64_t *out, const json_t *object, const char *key, int64_t min, int64_t max,
                             const char *what);
llm_status llmi_old_json_get_number(double *out, const json_t *object, const char *key, const char *what);
llm_status llmi_old_json_get_string(llm_span *out, const json_t *object, const char *key, const char *what);

#endif
