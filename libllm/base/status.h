/* Error text of the calling thread. Every failure path sets it once, where the fault is found. */
#ifndef LLMI_BASE_STATUS_H
#define LLMI_BASE_STATUS_H

#include <stdarg.h>

#include <llm/status.h>

/* Sets the thread's detail text (printf format, C locale digits) and returns `status`, so that
 * a failing function reads `return llmi_error(LLM_E_FORMAT, "...", ...)`. Never allocates;
 * longer texts are cut at a character boundary. */
llm_status llmi_error(llm_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Puts "prefix: " before the current text: adds the file or object as the failure travels up. */
llm_status llmi_error_in(llm_status status, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Entry of a public call. */
void llmi_error_clear(void);

/* Copies out and back: for failures that cross threads or outlive the call. */
typedef struct llmi_error_copy {
    llm_status status;
    char text[512];
} llmi_error_copy;

void llmi_error_save(llmi_error_copy *out, llm_status status);
llm_status llmi_error_restore(const llmi_error_copy *saved);

#endif
