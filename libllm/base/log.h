/* The log sink of a runtime. */
#ifndef LLMI_BASE_LOG_H
#define LLMI_BASE_LOG_H

#include <stdbool.h>

#include <llm/runtime.h>

typedef struct llmi_log {
    llm_log_fn fn;
    void *user;
    int32_t level;
} llmi_log;

/* Whether a line of this level would be delivered. */
bool llmi_log_wants(const llmi_log *log, int32_t level);

void llmi_log_write(const llmi_log *log, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
