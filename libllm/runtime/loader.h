/* Finding a back end by its name: in backends.def or as a plug-in libllm-NAME.so. */
#ifndef LLMI_RUNTIME_LOADER_H
#define LLMI_RUNTIME_LOADER_H

#include <stdbool.h>

#include <llm/sys/backend.h>

#include "base/status.h"

#define LLMI_BACKEND_NAME_MAX 63

/* A back end that was looked for. Never changes once made; unusable ones say why. */
typedef struct llmi_backend {
    struct llmi_backend *next; /* of the runtime's list */
    char name[LLMI_BACKEND_NAME_MAX + 1];
    void *handle;               /* of the plug-in, or NULL */
    const llm_backend *backend; /* NULL if nothing could be loaded */
    char description[256];      /* of a usable one, else "" */
    llmi_error_copy failure;    /* status LLM_OK for a usable one */
} llmi_backend;

/* Names in backends.def; NULL beyond the last. */
const char *llmi_loader_name(int32_t index);
bool llmi_loader_is_listed(const char *name);

/* Loads and probes `name`. Fails only for want of memory or a name that cannot be one (LLM_E_ARGUMENT);
 * every other fault is in (*out)->failure. plugin_dir NULL: the folder of libllm itself. The thread's
 * error text is left clear on success. */
llm_status llmi_loader_open(llmi_backend **out, const llm_host *host, const llm_allocator *a, const char *plugin_dir,
                            const char *name);
void llmi_loader_close(llmi_backend *b, const llm_allocator *a);

#endif
