/* The last place of a text in another, whatever the case of ASCII letters, in time linear in both. */
#ifndef LLMI_PROMPT_EXTRACT_MARKER_H
#define LLMI_PROMPT_EXTRACT_MARKER_H

#include <stdbool.h>

#include <llm/types.h>

/* All zero: a marker that is nowhere. */
typedef struct llmi_extract_marker {
    const llm_allocator *a;
    char *reversed; /* [n] in lower case */
    size_t *border; /* [n]: length of the longest proper border of each beginning (Knuth, Morris and Pratt, 1977) */
    size_t n;
} llmi_extract_marker;

/* Copies the text. False: out of memory. */
bool llmi_extract_marker_init(llmi_extract_marker *m, const llm_allocator *a, llm_span text);
void llmi_extract_marker_free(llmi_extract_marker *m);

/* What follows the last marker in `text`; ptr NULL if it is not there or empty. */
llm_span llmi_extract_marker_after(const llmi_extract_marker *m, llm_span text);

#endif
