#include "cpu/kernels.h"

#include "cpu/features.h"

static void init_portable(llmk_kernels *k) {
    llmk_rows_init_portable(&k->rows);
    llmk_attention_init_portable(&k->attention);
    llmk_linear_init_portable(&k->linear);
    llmk_pack_init_portable(k->pack);
}

#ifdef LLMK_X86
static void init_avx2(llmk_kernels *k) {
    llmk_rows_init_avx2(&k->rows);
    llmk_attention_init_avx2(&k->attention);
    llmk_linear_init_avx2(&k->linear);
}

static void init_avx512(llmk_kernels *k) {
    llmk_rows_init_avx512(&k->rows);
    llmk_attention_init_avx512(&k->attention);
    llmk_linear_init_avx512(&k->linear);
    llmk_pack_init_avx512(k->pack);
}

static void init_avx512_vnni(llmk_kernels *k) {
    llmk_linear_init_avx512_vnni(&k->linear);
}

/* Intel's cores execute one dot product of BF16 in two cycles, half of what F32 multiply-adds make of the
 * same weights widened (117 against 228 GFLOP/s), and widening does not round the activations. */
static void init_avx512_bf16(llmk_kernels *k) {
    if (!__builtin_cpu_is("intel")) llmk_linear_init_avx512_bf16(&k->linear);
}
#endif

#ifdef LLMK_ARM
static void init_neon(llmk_kernels *k) {
    llmk_rows_init_neon(&k->rows);
    llmk_attention_init_neon(&k->attention);
    llmk_linear_init_neon(&k->linear);
}

static void init_dotprod(llmk_kernels *k) {
    llmk_linear_init_dotprod(&k->linear);
}

static void init_i8mm(llmk_kernels *k) {
    llmk_linear_init_i8mm(&k->linear);
}
#endif

/* From the lowest level upwards. */
static const struct {
    int32_t needs;
    void (*init)(llmk_kernels *k);
} levels[] = {
    {0, init_portable},
#ifdef LLMK_X86
    {LLM_CPU_AVX2, init_avx2},
    {LLM_CPU_AVX512, init_avx512},
    {LLM_CPU_AVX512_VNNI, init_avx512_vnni},
    {LLM_CPU_AVX512_BF16, init_avx512_bf16},
#endif
#ifdef LLMK_ARM
    {LLM_CPU_NEON, init_neon},
    {LLM_CPU_DOTPROD, init_dotprod},
    {LLM_CPU_I8MM, init_i8mm},
#endif
};

enum { N_LEVELS = sizeof levels / sizeof levels[0] };

static void choose_products(llmk_linear_kernels *k, int32_t activations) {
    for (int32_t i = 0; i < LLMK_N_LAYOUTS && activations == LLM_ACTIVATIONS_F32; i++)
        if (k->product[i].x != LLMK_X_F32) k->product[i] = k->exact[i];
    if (activations == LLM_ACTIVATIONS_BF16 && k->bf16.multiply) k->product[LLMK_LAYOUT_BF16] = k->bf16;
}

void llmk_kernels_init(llmk_kernels *k, int32_t cpu_mask, int32_t activations) {
    *k = (llmk_kernels){
        .features = llmk_features_limit(llmk_features_detect(), cpu_mask),
        .activations = activations,
    };
    for (int i = 0; i < N_LEVELS; i++)
        if ((k->features & levels[i].needs) == levels[i].needs) levels[i].init(k);
    choose_products(&k->linear, activations);
}
