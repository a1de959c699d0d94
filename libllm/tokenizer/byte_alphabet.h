/* The visible characters that byte-level vocabularies spell bytes with: printable Latin-1 bytes are
 * themselves, the others follow from U+0100 on in order. */
#ifndef LLMI_TOKENIZER_BYTE_ALPHABET_H
#define LLMI_TOKENIZER_BYTE_ALPHABET_H

#include <stddef.h>
#include <stdint.h>

/* Writes the character of a byte: 1 or 2 bytes of UTF-8. */
size_t llmi_byte_alphabet_spell(char out[2], uint8_t byte);
/* The byte of a character, -1 if it spells none. */
int llmi_byte_alphabet_read(uint32_t c);

#endif
