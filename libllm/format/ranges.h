/* Byte ranges of a file in order of their position: finds overlaps and holes. */
#ifndef LLMI_FORMAT_RANGES_H
#define LLMI_FORMAT_RANGES_H

#include <stddef.h>
#include <stdint.h>

typedef struct llmi_range {
    size_t begin, end; /* end is the first byte after it */
    int32_t index;     /* whose it is */
} llmi_range;

/* By begin, then end, then index; in place, without memory, n log n also in the worst case. */
void llmi_ranges_sort(llmi_range *ranges, size_t n);

#endif
