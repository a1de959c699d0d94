#include <llm/version.h>

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

LLM_API int32_t llm_version(void) {
    return LLM_VERSION_MAJOR * 1000000 + LLM_VERSION_MINOR * 1000 + LLM_VERSION_PATCH;
}

LLM_API const char *llm_version_text(void) {
    return TEXT(LLM_VERSION_MAJOR) "." TEXT(LLM_VERSION_MINOR) "." TEXT(LLM_VERSION_PATCH);
}
