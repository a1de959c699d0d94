#include "cpu/pack_words.h"

static inline void gather4(words w[4], const llmk_rows *src, size_t at) {
    fetch_ahead(src, at);
    for (size_t j = 0; j < 4; j++) w[j] = gather(src, at + 4 * j);
}

#define LLMK_PACK_INIT llmk_pack_init_portable
#include "cpu/pack_body.h"
