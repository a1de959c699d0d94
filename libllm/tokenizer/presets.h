/* The pre-tokenizers that GGUF files state by name (tokenizer.ggml.pre). */
#ifndef LLMI_TOKENIZER_PRESETS_H
#define LLMI_TOKENIZER_PRESETS_H

#include "tokenizer/internal.h"

typedef struct llmi_preset llmi_preset;

/* NULL if the name is not known. */
const llmi_preset *llmi_preset_find(const char *name);

bool llmi_preset_ignores_merges(const llmi_preset *p);
bool llmi_preset_adds_bos(const llmi_preset *p);
/* Spaces are U+2581, as SentencePiece writes them; else the vocabulary is byte-level. */
bool llmi_preset_has_marks(const llmi_preset *p);
/* The model spells bytes itself; else a pre-tokenizer did it before other ones, or nothing does. */
bool llmi_preset_takes_bytes(const llmi_preset *p);
/* Adds the normalizers and pre-tokenizers. */
llm_status llmi_preset_apply(llm_tokenizer *t, const llmi_preset *p);

#endif
