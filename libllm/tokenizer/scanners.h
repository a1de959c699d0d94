/* The commonest pre-tokenizer patterns by hand: each scanner gives the length of the piece that its
 * pattern matches at text[0..n-1], valid UTF-8, n > 0. They match everywhere. */
#ifndef LLMI_TOKENIZER_SCANNERS_H
#define LLMI_TOKENIZER_SCANNERS_H

#include <stddef.h>

typedef size_t (*llmi_scanner_fn)(const char *text, size_t n);

size_t llmi_scanner_gpt2(const char *text, size_t n);
size_t llmi_scanner_llama3(const char *text, size_t n);
size_t llmi_scanner_qwen2(const char *text, size_t n);

#define LLMI_PATTERN_GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LLMI_PATTERN_LLAMA3                                                                                            \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"            \
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLMI_PATTERN_QWEN2                                                                                             \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"                 \
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The scanner of a pattern, NULL if there is none. */
llmi_scanner_fn llmi_scanner_find(const char *pattern, size_t n);

#endif
