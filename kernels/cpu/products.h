/* Included at the end of an instruction set's file, which defines multiply_<PANEL> for all panels but BF16: its row of
 * products for every layout. */
#include "cpu/expand.h"

#define expand_f32 NULL
enum { X_F32 = LLMK_X_F32, X_S32 = LLMK_X_I8, X_M32 = LLMK_X_I8, X_S16 = LLMK_X_I8, X_M16 = LLMK_X_I8 };

/* ---- with F32 activations: bytes become F32 as they are expanded ---- */

#define WIDEN(name, KIND)                                                                                              \
    static void widen_##name(uint8_t *panel, const llmk_planes *src, int64_t n_cols) {                                 \
        _Alignas(64) uint8_t bytes[2 * LLMK_WIDEN_COLS / LLMK_BLOCK * PANEL_BYTES_##KIND];                             \
        expand_##name(bytes, src, n_cols);                                                                             \
        widen_##KIND((float *)(void *)panel, bytes, n_cols);                                                           \
    }

#define WIDEN_F32(name)
#define WIDEN_S32(name)                                                   WIDEN(name, S32)
#define WIDEN_M32(name)                                                   WIDEN(name, M32)
#define WIDEN_S16(name)                                                   WIDEN(name, S16)
#define WIDEN_M16(name)                                                   WIDEN(name, M16)
#define LLMK_LAYOUT(NAME, name, panel, d_cols, d, cols, codes, low, high) WIDEN_##panel(name)
#include "cpu/layouts.def"
#undef LLMK_LAYOUT

#define EXACT(name)                                                                                                    \
    { LLMK_X_F32, LLMK_PANEL_F32, widen_##name, multiply_F32, NULL }
#define EXACT_F32(name)                                                                                                \
    { 0 }
#define EXACT_S32 EXACT
#define EXACT_M32 EXACT
#define EXACT_S16 EXACT
#define EXACT_M16 EXACT

static void fill_products(llmk_linear_kernels *k) {
    static const llmk_product table[LLMK_N_LAYOUTS] = {
#define LLMK_LAYOUT(NAME, name, panel, d_cols, d, cols, codes, low, high)                                              \
    {X_##panel, LLMK_PANEL_##panel, expand_##name, multiply_##panel, NULL},
#include "cpu/layouts.def"
#undef LLMK_LAYOUT
    };
    static const llmk_product exact[LLMK_N_LAYOUTS] = {
#define LLMK_LAYOUT(NAME, name, panel, d_cols, d, cols, codes, low, high) EXACT_##panel(name),
#include "cpu/layouts.def"
#undef LLMK_LAYOUT
    };
    memcpy(k->product, table, sizeof table);
    memcpy(k->exact, exact, sizeof exact);
}
