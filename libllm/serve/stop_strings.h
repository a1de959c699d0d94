/* Stop strings: found while a text grows byte by byte, in time linear in the text (Knuth, Morris and
 * Pratt, 1977, for each string). */
#ifndef LLMI_SERVE_STOP_STRINGS_H
#define LLMI_SERVE_STOP_STRINGS_H

#include <stdbool.h>

#include <llm/status.h>

/* The strings of a request: never changes. */
typedef struct llmi_stop_strings {
    const llm_allocator *a;
    struct llmi_stop_string *strings;
    size_t n;
} llmi_stop_strings;

/* Copies the strings, which must be non-empty UTF-8: then no cut goes through a character. */
llm_status llmi_stop_strings_init(llmi_stop_strings *s, const llm_allocator *a, const llm_span *strings, size_t n);
void llmi_stop_strings_free(llmi_stop_strings *s);

/* Reads n more bytes of a text. matched [s->n], all 0 at first, holds how many bytes of each string the
 * text ends with. True if a string ends within these bytes: *n_read is then the number of bytes up to
 * its end, and *n_string its length; of several that end there, the longest. */
bool llmi_stop_strings_read(size_t *n_read, size_t *n_string, const llmi_stop_strings *s, size_t *matched,
                            const char *text, size_t n);

/* Bytes at the end of the text that may be the beginning of a stop string. */
size_t llmi_stop_strings_pending(const llmi_stop_strings *s, const size_t *matched);

#endif
