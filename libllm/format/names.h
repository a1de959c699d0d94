/* Names to indices: a hash table over names that are stored elsewhere. Its seed differs from table to table, so that no
 * file can contain names that all collide. */
#ifndef LLMI_FORMAT_NAMES_H
#define LLMI_FORMAT_NAMES_H

#include <stdbool.h>

#include <llm/status.h>

typedef struct llmi_names {
    const llm_allocator *a;
    struct llmi_name *slots;
    size_t n_slots; /* power of two */
    uint64_t seed;
} llmi_names;

/* Room for n names, all at once. */
llm_status llmi_names_init(llmi_names *t, const llm_allocator *a, size_t n);
void llmi_names_free(llmi_names *t);
/* False if the name was there; nothing changes then. The bytes are borrowed. */
bool llmi_names_add(llmi_names *t, llm_span name, int32_t index);
/* -1 if it is not there. */
int32_t llmi_names_find(const llmi_names *t, const char *name, size_t n);

#endif
