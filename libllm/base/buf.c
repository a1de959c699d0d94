#include "base/buf.h"

#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"
#include "base/text.h"

enum { FIRST_BYTES = 64 };

void llmi_buf_init(llmi_buf *b, const llm_allocator *a) {
    *b = (llmi_buf){.a = a};
}

void llmi_buf_free(llmi_buf *b) {
    if (b->data) llmi_free(b->a, b->data, b->cap);
    *b = (llmi_buf){.a = b->a};
}

bool llmi_buf_reserve(llmi_buf *b, size_t n) {
    size_t need, cap;
    if (n <= b->cap - b->len) return true;
    if (!llmi_add(&need, b->len, n)) {
        llmi_error(LLM_E_MEMORY, "out of memory: a buffer of %zu bytes cannot grow by %zu", b->len, n);
        return false;
    }
    if (!llmi_add(&cap, b->cap, b->cap / 2) || cap < need) cap = need;
    if (cap < FIRST_BYTES) cap = FIRST_BYTES;
    char *data = llmi_realloc(b->a, b->data, b->cap, cap);
    if (!data) return false;
    b->data = data;
    b->cap = cap;
    return true;
}

bool llmi_buf_append(llmi_buf *b, const void *bytes, size_t n) {
    if (!llmi_buf_reserve(b, n)) return false;
    if (n) memcpy(b->data + b->len, bytes, n);
    b->len += n;
    return true;
}

bool llmi_buf_printf(llmi_buf *b, const char *format, ...) {
    va_list args;
    char small[256];
    va_start(args, format);
    size_t n = llmi_vformat(small, sizeof small, format, args);
    va_end(args);
    if (n < sizeof small) return llmi_buf_append(b, small, n);
    if (!llmi_buf_reserve(b, n + 1)) return false; /* one more for the NUL, which is not counted */
    va_start(args, format);
    llmi_vformat(b->data + b->len, n + 1, format, args);
    va_end(args);
    b->len += n;
    return true;
}
