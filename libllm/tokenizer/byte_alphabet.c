#include "tokenizer/byte_alphabet.h"

#include <stdbool.h>

/* Bytes that are not spelled by themselves lie in three runs: 00-20, 7F-A0 and AD. */
static bool is_visible(uint32_t c) {
    return (c > 0x20 && c < 0x7f) || (c > 0xa0 && c < 0x100 && c != 0xad);
}

size_t llmi_byte_alphabet_spell(char out[2], uint8_t byte) {
    uint32_t c = byte;
    if (!is_visible(c)) c = 0x100 + (c <= 0x20 ? c : c <= 0xa0 ? c - 0x7f + 0x21 : 0x43);
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = (char)(0xc0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3f));
    return 2;
}

int llmi_byte_alphabet_read(uint32_t c) {
    if (c < 0x100) return is_visible(c) ? (int)c : -1;
    c -= 0x100;
    if (c <= 0x20) return (int)c;
    if (c < 0x43) return (int)(c - 0x21 + 0x7f);
    return c == 0x43 ? 0xad : -1;
}
