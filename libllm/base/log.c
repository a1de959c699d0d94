#include "base/log.h"

#include <stdarg.h>

#include "base/text.h"

bool llmi_log_wants(const llmi_log *log, int32_t level) {
    return log && log->fn && level <= log->level;
}

void llmi_log_write(const llmi_log *log, int32_t level, const char *format, ...) {
    char text[1024];
    if (!llmi_log_wants(log, level)) return;
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    llmi_clean(text, sizeof text);
    log->fn(log->user, level, text);
}
