#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/status.h"
#include "base/text.h"
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

const llmi_arch *llmi_arch_at(int32_t index) {
    return index >= 0 && index < N_ARCHS ? archs[index] : NULL;
}

const char *llmi_arch_gguf_name(const llmi_arch *arch) {
    return arch->gguf_written_as ? arch->gguf_written_as : arch->gguf_names[0];
}

const llmi_arch *llmi_arch_find(int format, const char *name, size_t n) {
    for (int i = 0; i < N_ARCHS; i++)
        for (const char *const *known = names_of(archs[i], format); *known; known++)
            if (strlen(*known) == n && memcmp(*known, name, n) == 0) return archs[i];
    return NULL;
}

/* The class by which transformers would load the model; false if config.json names none. */
static bool class_of(llm_span *out, const llmi_weights *w) {
    *out = llmi_json_text(llmi_json_item(llmi_json_get(llmi_weights_config(w), "architectures"), 0));
    return out->ptr != NULL;
}

static bool ends_in(llm_span text, const char *end) {
    size_t n = strlen(end);
    return text.len >= n && memcmp(text.ptr + text.len - n, end, n) == 0;
}

/* "LlamaModel", "LLaMAForCausalLM": the family's name, whatever its case, and this end. */
static bool is_class(llm_span class, const char *family, const char *end) {
    return ends_in(class, end) && class.len == strlen(family) + strlen(end) &&
           strncasecmp(class.ptr, family, strlen(family)) == 0;
}

bool llmi_arch_is_headless(const llmi_arch *arch, const llmi_weights *w) {
    llm_span class;
    bool flag = false;
    if (llmi_weights_format(w) == LLMI_FORMAT_GGUF)
        return llmi_weights_get_bool(&flag, w, LLMI_ARCH_HEADLESS_KEY) == LLM_OK && flag;
    return class_of(&class, w) && is_class(class, arch->name, "Model");
}

llm_status llmi_arch_check_kind(const llmi_weights *w) {
    static const struct {
        const char *key, *value; /* value NULL: any */
        const char *text;
    } kinds[] = {
        {"general.type", "adapter", "an adapter (LoRA), not a model: merge it into its base model first"},
        {"adapter.type", NULL, "an adapter (LoRA), not a model: merge it into its base model first"},
        {"general.type", "imatrix", "an importance matrix (imatrix), which guides quantization, not a model"},
        {"imatrix.datasets", NULL, "an importance matrix (imatrix), which guides quantization, not a model"},
        {"general.type", "mmproj", "the part of a model that reads images or sound (mmproj): give the language model"},
        {"general.type", "projector", "the part of a model that reads images (mmproj): give the language model"},
        {"general.architecture", "clip", "the part of a model that reads images (mmproj): give the language model"},
        {"general.type", "control_vector", "a control vector, not a model"},
        {"general.architecture", "controlvector", "a control vector, not a model"},
    };
    if (llmi_weights_format(w) != LLMI_FORMAT_GGUF) return LLM_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        llm_span text;
        if (!llmi_weights_has(w, kinds[i].key)) continue;
        bool is_text = llmi_weights_get_string(&text, w, kinds[i].key) == LLM_OK;
        const char *value = kinds[i].value;
        if (value && !(is_text && llmi_span_is(text, value))) continue;
        return llmi_error(LLM_E_UNSUPPORTED, "this is %s (key \"%s\")", kinds[i].text, kinds[i].key);
    }
    return LLM_OK;
}

/* A class whose code the family computes. */
static bool is_own(const llmi_arch *arch, llm_span class) {
    if (arch->hf_class && llmi_span_is(class, arch->hf_class)) return true;
    return is_class(class, arch->name, "ForCausalLM") || is_class(class, arch->name, "Model");
}

bool llmi_arch_is_foreign(const llmi_arch *arch, const llmi_weights *w, llm_span *class) {
    if (llmi_weights_format(w) == LLMI_FORMAT_GGUF || !class_of(class, w)) return false;
    return !is_own(arch, *class);
}

static llm_status check_class(const llmi_arch *arch, const llmi_weights *w) {
    llm_span class;
    if (llmi_weights_format(w) == LLMI_FORMAT_GGUF || !class_of(&class, w)) return LLM_OK;
    if (ends_in(class, "ForCausalLM") || is_own(arch, class)) return LLM_OK;
    return llmi_error(
        LLM_E_UNSUPPORTED,
        "architectures[0] is \"%s\": such a model is not computed, expected a class that generates, such as "
        "...ForCausalLM, or the family's ...Model",
        LLMI_QUOTE(class.ptr, class.len));
}

llm_status llmi_arch_of(const llmi_arch **out, const llmi_weights *w) {
    int format = llmi_weights_format(w);
    const char *key = format == LLMI_FORMAT_GGUF ? "general.architecture" : "model_type";
    llm_span name;
    llm_status status = llmi_weights_get_string(&name, w, key);
    if (status != LLM_OK) return status;
    *out = llmi_arch_find(format, name.ptr, name.len);
    if (*out) return check_class(*out, w);

    char known[256] = "";
    size_t n = 0;
    for (int i = 0; i < N_ARCHS; i++)
        for (const char *const *k = names_of(archs[i], format); *k && n < sizeof known; k++)
            n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", *k);
    int shown = name.len < 64 ? (int)name.len : 64;
    return llmi_error(LLM_E_UNSUPPORTED, "%s is \"%.*s\", known are %s", key, shown, name.ptr, known);
}
