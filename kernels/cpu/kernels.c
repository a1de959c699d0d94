#include "cpu/kernels.h"

#include "cpu/features.h"

static void init_portable(llmk_kernels *k) {
    llmk_rows_init_portable(&k->rows);
    llmk_linear_init_portable(&k->linear);
}

/* From the lowest level upwards. */
static const struct {
    int32_t needs;
    void (*init)(llmk_kernels *k);
} levels[] = {
    {0, init_portable},
};

enum { N_LEVELS = sizeof levels / sizeof levels[0] };

void llmk_kernels_init(llmk_kernels *k, int32_t cpu_mask) {
    *k = (llmk_kernels){.features = llmk_features_limit(llmk_features_detect(), cpu_mask)};
    for (int i = 0; i < N_LEVELS; i++)
        if ((k->features & levels[i].needs) == levels[i].needs) levels[i].init(k);
}
