/* Included at the end of an instruction set's file, which defines multiply_<PANEL> for all panels but BF16: its row of
 * products for every layout. */
#include "cpu/expand.h"

#define expand_f32 NULL
enum { X_F32 = LLMK_X_F32, X_S32 = LLMK_X_I8, X_M32 = LLMK_X_I8, X_S16 = LLMK_X_I8, X_M16 = LLMK_X_I8 };

static void fill_products(llmk_linear_kernels *k) {
    static const llmk_product table[LLMK_N_LAYOUTS] = {
#define LLMK_LAYOUT(NAME, name, panel, d_cols, d, cols, codes, low, high)                                              \
    {X_##panel, LLMK_PANEL_##panel, expand_##name, multiply_##panel, NULL},
#include "cpu/layouts.def"
#undef LLMK_LAYOUT
    };
    memcpy(k->product, table, sizeof table);
}
