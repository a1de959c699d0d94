/* libllm: what a call returns.
 *
 * Every call that can fail returns an llm_status: LLM_OK (0) or a negative code.
 * The code says what to do about it; the text that goes with it names the object,
 * what was found and what was expected. The text belongs to the calling thread, and
 * the next libllm call on that thread clears it, so copy it if it must last. Calls that
 * only free (destroy, unref) leave it as it is. */
#ifndef LLM_STATUS_H
#define LLM_STATUS_H

#include <llm/types.h>

LLM_BEGIN_DECLS

/* Values are fixed; a later version may return codes that are not listed here. */
typedef int32_t llm_status;
enum {
    LLM_OK = 0,
    LLM_E_ARGUMENT = -1,    /* an argument or option is outside its range */
    LLM_E_MEMORY = -2,      /* an allocation failed; everything is as before the call */
    LLM_E_IO = -3,          /* the system refused to open, read, map or write a file */
    LLM_E_FORMAT = -4,      /* a file or text is malformed, or contradicts itself */
    LLM_E_UNSUPPORTED = -5, /* well-formed, but this build cannot do it */
    LLM_E_NOT_FOUND = -6,   /* no such file, key, tensor, token, option or back end */
    LLM_E_LIMIT = -7,       /* a stated limit (budget, depth, size) was reached */
    LLM_E_CAPACITY = -8,    /* the caller's buffer is too small; the needed size was reported */
    LLM_E_STATE = -9,       /* the object is not in a state that allows the call */
    LLM_E_BUSY = -10,       /* another thread is inside a call on the same object */
    LLM_E_CANCELLED = -11,  /* the caller cancelled */
    LLM_E_CALLBACK = -12,   /* the caller's callback returned a negative number */
    LLM_E_NUMERIC = -13,    /* a computed value is not finite */
    LLM_E_DEVICE = -14,     /* a back end failed or is unusable */
    LLM_E_VERSION = -15,    /* a structure or plug-in of another ABI generation */
    LLM_E_INTERNAL = -16    /* a fault in libllm itself: please report it */
};

/* The name of a code as written above, e.g. "LLM_E_FORMAT"; "LLM_E_UNKNOWN" for others.
 * Static. Any thread. Since 0.1. */
LLM_API const char *llm_status_name(llm_status status);

/* One English sentence on what a code means. Static. Any thread. Since 0.1. */
LLM_API const char *llm_status_text(llm_status status);

/* The detail of the last failed call on this thread, "" if the last call succeeded.
 * NUL-terminated UTF-8, valid until the next libllm call on this thread. Since 0.1. */
LLM_API const char *llm_last_error(void);

LLM_END_DECLS

#endif
