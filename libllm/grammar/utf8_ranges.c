#include "grammar/utf8_ranges.h"

#include "base/utf8.h"

/* Ranges in which all characters have the same number of bytes; between them the surrogates are missing. */
static const llmi_ir_range same_length[] = {
    {0, 0x7f}, {0x80, 0x7ff}, {0x800, 0xd7ff}, {0xe000, 0xffff}, {0x10000, 0x10ffff}};

/* How many characters from `first` on differ only in their last bytes, so that one sequence holds them all. */
static uint32_t block_end(uint32_t first, uint32_t last) {
    uint32_t end = first;
    for (int bits = 6; bits <= 24; bits += 6) {
        uint32_t mask = ((uint32_t)1 << bits) - 1;
        uint32_t below = mask >> 6;
        if (first & below) break; /* the lower digits do not begin at 0 */
        uint32_t candidate = first | below;
        if (candidate > last) break;
        /* As many values of this digit as fit, with all of the lower ones. */
        uint32_t step = below + 1, top = first | mask;
        while (candidate + step <= last && candidate + step <= top) candidate += step;
        end = candidate;
    }
    return end;
}

static bool add(llmi_buf *out, uint32_t first, uint32_t last) {
    char lo[4], hi[4];
    llmi_byte_seq seq = {.n = (int)llmi_utf8_encode(lo, first)};
    llmi_utf8_encode(hi, last);
    for (int i = 0; i < seq.n; i++) seq.bytes[i] = (llmi_byte_range){(uint8_t)lo[i], (uint8_t)hi[i]};
    return llmi_buf_push(out, seq);
}

bool llmi_grammar_utf8_ranges(llmi_buf *out, const llmi_ir_range *ranges, size_t n) {
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof same_length / sizeof same_length[0]; k++) {
            uint32_t first = ranges[i].first, last = ranges[i].last, end;
            if (first < same_length[k].first) first = same_length[k].first;
            if (last > same_length[k].last) last = same_length[k].last;
            for (; first <= last; first = end + 1) {
                end = first < 0x80 ? last : block_end(first, last);
                if (!add(out, first, end)) return false;
            }
        }
    }
    return true;
}
