#include "format/ranges.h"

#include <stdbool.h>

static bool is_before(const llmi_range *x, const llmi_range *y) {
    if (x->begin != y->begin) return x->begin < y->begin;
    if (x->end != y->end) return x->end < y->end;
    return x->index < y->index;
}

/* Moves the root of a heap [root, n) down to its place. */
static void sink(llmi_range *heap, size_t root, size_t n) {
    llmi_range moved = heap[root];
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && is_before(&heap[child], &heap[child + 1])) child++;
        if (!is_before(&moved, &heap[child])) break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

void llmi_ranges_sort(llmi_range *ranges, size_t n) {
    size_t ordered = 1;
    while (ordered < n && is_before(&ranges[ordered - 1], &ranges[ordered])) ordered++;
    if (ordered >= n) return; /* as files usually are */
    for (size_t i = n / 2; i-- > 0;) sink(ranges, i, n);
    for (size_t i = n; i-- > 1;) {
        llmi_range last = ranges[i];
        ranges[i] = ranges[0];
        ranges[0] = last;
        sink(ranges, 0, i);
    }
}
