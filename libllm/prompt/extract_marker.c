#include "prompt/extract_marker.h"

#include "base/alloc.h"

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How much of the marker is matched once c follows a match of k bytes. */
static size_t advance(const llmi_extract_marker *m, size_t k, char c) {
    while (k && (k == m->n || m->reversed[k] != c)) k = m->border[k - 1];
    return k + (m->reversed[k] == c);
}

bool llmi_extract_marker_init(llmi_extract_marker *m, const llm_allocator *a, llm_span text) {
    *m = (llmi_extract_marker){.a = a, .n = text.len};
    if (!text.len) return true;
    m->reversed = llmi_alloc_array(a, m->n, 1);
    m->border = llmi_alloc_array(a, m->n, sizeof *m->border);
    if (!m->reversed || !m->border) {
        llmi_extract_marker_free(m);
        return false;
    }
    for (size_t i = 0; i < m->n; i++) m->reversed[i] = lower(text.ptr[m->n - 1 - i]);
    m->border[0] = 0;
    for (size_t i = 1; i < m->n; i++) m->border[i] = advance(m, m->border[i - 1], m->reversed[i]);
    return true;
}

void llmi_extract_marker_free(llmi_extract_marker *m) {
    if (m->reversed) llmi_free(m->a, m->reversed, m->n);
    if (m->border) llmi_free(m->a, m->border, m->n * sizeof *m->border);
    *m = (llmi_extract_marker){0};
}

llm_span llmi_extract_marker_after(const llmi_extract_marker *m, llm_span text) {
    size_t k = 0;
    for (size_t i = text.len; m->n && i-- > 0;) {
        k = advance(m, k, lower(text.ptr[i]));
        if (k == m->n) return (llm_span){text.ptr + i + m->n, text.len - i - m->n};
    }
    return (llm_span){0};
}
