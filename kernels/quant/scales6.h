/* Eight 6-bit scales and eight 6-bit offsets in 12 bytes, as Q4_K and Q5_K store them:
 *     bytes 0..3    scale 0..3 in bits 0..5; bits 4..5 of scale 4..7 in bits 6..7
 *     bytes 4..7    offset 0..3 in bits 0..5; bits 4..5 of offset 4..7 in bits 6..7
 *     bytes 8..11   bits 0..3 of scale 4..7 in bits 0..3, of offset 4..7 in bits 4..7 */
#ifndef LLMK_QUANT_SCALES6_H
#define LLMK_QUANT_SCALES6_H

#include <stdint.h>

static inline void llmk_unpack_scales6(uint8_t sc[8], uint8_t mn[8], const uint8_t packed[12]) {
    for (int i = 0; i < 4; i++) {
        sc[i] = packed[i] & 63;
        mn[i] = packed[i + 4] & 63;
        sc[i + 4] = (uint8_t)((packed[i + 8] & 15) | (packed[i] >> 6) << 4);
        mn[i + 4] = (uint8_t)(packed[i + 8] >> 4 | (packed[i + 4] >> 6) << 4);
    }
}

static inline void llmk_pack_scales6(uint8_t packed[12], const int sc[8], const int mn[8]) {
    for (int i = 0; i < 4; i++) {
        packed[i] = (uint8_t)(sc[i] | (sc[i + 4] >> 4) << 6);
        packed[i + 4] = (uint8_t)(mn[i] | (mn[i + 4] >> 4) << 6);
        packed[i + 8] = (uint8_t)((sc[i + 4] & 15) | (mn[i + 4] & 15) << 4);
    }
}

#endif
