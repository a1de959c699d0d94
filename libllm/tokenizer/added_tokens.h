/* Added tokens: found in a text as a whole, before anything else looks at it. */
#ifndef LLMI_TOKENIZER_ADDED_TOKENS_H
#define LLMI_TOKENIZER_ADDED_TOKENS_H

#include "tokenizer/internal.h"

/* Whether any token of group 0 (raw text) or 1 (normalized text) can be found under the flags of LLM_ENCODE_*. */
bool llmi_added_any(const llm_tokenizer *t, int group, uint32_t flags);

/* The next added token at or after `from`, including the whitespace it strips, which never extends back beyond
 * `from`. False: there is none, or w->steps are spent. */
bool llmi_added_find(llmi_encode_work *w, int group, uint32_t flags, llm_span text, size_t from, size_t *begin,
                     size_t *end, int32_t *id);

/* Puts the tokens into the tries; those of group 1 as the normalizers write them. */
llm_status llmi_added_finish(llm_tokenizer *t);

/* Whether raw text begin..end touches a part that spells no special tokens. */
bool llmi_added_is_plain(const llmi_encode_work *w, size_t begin, size_t end);

#endif
