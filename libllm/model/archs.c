#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "model/arch.h"

#define ARCH(name) extern const llmi_arch llmi_arch_##name;
#include "model/archs.def"
#undef ARCH

static const llmi_arch *const archs[] = {
#define ARCH(name) &llmi_arch_##name,
#include "model/archs.def"
#undef ARCH
};

enum { N_ARCHS = sizeof archs / sizeof archs[0] };

static const char *const *names_of(const llmi_arch *arch, int format) {
    return format == LLMI_FORMAT_GGUF ? arch->gguf_names : arch->hf_names;
}

const llmi_arch *llmi_arch_find(int format, const char *name, size_t n) {
    for (int i = 0; i < N_ARCHS; i++)
        for (const char *const *known = names_of(archs[i], format); *known; known++)
            if (strlen(*known) == n && memcmp(*known, name, n) == 0) return archs[i];
    return NULL;
}

llm_status llmi_arch_of(const llmi_arch **out, const llmi_weights *w) {
    int format = llmi_weights_format(w);
    const char *key = format == LLMI_FORMAT_GGUF ? "general.architecture" : "model_type";
    llm_span name;
    llm_status status = llmi_weights_get_string(&name, w, key);
    if (status != LLM_OK) return status;
    *out = llmi_arch_find(format, name.ptr, name.len);
    if (*out) return LLM_OK;

    char known[256] = "";
    size_t n = 0;
    for (int i = 0; i < N_ARCHS; i++)
        for (const char *const *k = names_of(archs[i], format); *k && n < sizeof known; k++)
            n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", *k);
    int shown = name.len < 64 ? (int)name.len : 64;
    return llmi_error(LLM_E_UNSUPPORTED, "%s is \"%.*s\", known are %s", key, shown, name.ptr, known);
}
