/* Tiles of bytes without VNNI: vpmaddubsw adds products of unsigned and signed bytes in pairs to 16 bits, saturating;
 * vpmaddwd adds those in pairs to 32 bits. Nothing saturates: the numbers of M and N panels are below 32, so four steps
 * fit (31 * 127 * 8 = 31496); those of S16 panels are below 64, so two do (63 * 127 * 4 = 32004); those of S32 panels
 * are made signed and their sign moves to the activations (128 * 127 * 2 = 32512). N32 is S32 of fewer bits: the
 * numbers are the weights' plus 16.
 *
 * The including file defines VECTOR_BYTES, the types vec and vecf, and on them: load_vec, load_vecf,
 * store_vecf, repeat32, repeatf, zero_vec, add16, add32, shift_right32, maddubs, madd, abs8, give_sign (bytes of a,
 * negated where b is negative), xor_vec, to_float, mulf, fmaf_vec. A tile is computed in parts of as many
 * weight rows as a register has 32-bit lanes. */
#ifndef LLMK_CPU_X86_TILE_MADD_H
#define LLMK_CPU_X86_TILE_MADD_H

#include "cpu/x86/tile.h"

#define MADD_LOAD_ACC(n)                                                                                               \
    float *acc##n = t->acc + (n)*t->acc_stride + part * (VECTOR_BYTES / 4);                                            \
    vecf a##n = t->is_first ? repeatf(0.0f) : load_vecf(acc##n);

#define MADD_STORE_ACC(n) store_vecf(acc##n, a##n);

#define MADD_ZERO(n)    vec i##n = zero_vec();
#define MADD_START_0(n) vec i##n = repeat32(start[n]);
#define MADD_START_N(n) vec i##n = shift_right32(repeat32(start[n]), 3);
#define MADD_START_1(n) vec i##n = repeat32(start[rows + (n)]);

/* Compilers know that integer sums may be reordered and keep more of them alive than there are registers. */
#define ADD_IN_ORDER(add, to, v)                                                                                       \
    to = add(to, v);                                                                                                   \
    __asm__("" : "+v"(to));

#define MADD_TWO_STEPS(n)                                                                                              \
    {                                                                                                                  \
        const int8_t *y = x + LLMK_BLOCK * (n) + 4 * k;                                                                \
        vec sums = add16(maddubs(w0, repeat32(load_four(y))), maddubs(w1, repeat32(load_four(y + 4))));                \
        ADD_IN_ORDER(add32, i##n, madd(sums, ones))                                                                    \
    }

/* Four steps of numbers below 32. */
#define MADD_FIRST(n) vec s##n = maddubs(w, repeat32(load_four(y + LLMK_BLOCK * (n))));
#define MADD_NEXT(n)  ADD_IN_ORDER(add16, s##n, maddubs(w, repeat32(load_four(y + LLMK_BLOCK * (n)))))
#define MADD_SUM(n)   ADD_IN_ORDER(add32, i##n, madd(s##n, ones))

#define MADD_FOUR_STEPS(N, from)                                                                                       \
    {                                                                                                                  \
        const int8_t *y = x + 4 * (from);                                                                              \
        vec w = load_vec(p + 64 * (from));                                                                             \
        ROWS_##N(MADD_FIRST) for (int k = 1; k < 4; k++) {                                                             \
            y += 4;                                                                                                    \
            w = load_vec(p + 64 * ((from) + k));                                                                       \
            ROWS_##N(MADD_NEXT)                                                                                        \
        }                                                                                                              \
        ROWS_##N(MADD_SUM)                                                                                             \
    }

#define MADD_SIGNED_STEP(n)                                                                                            \
    {                                                                                                                  \
        vec y = give_sign(repeat32(load_four(x + LLMK_BLOCK * (n) + 4 * k)), w0);                                      \
        ADD_IN_ORDER(add32, i##n, madd(maddubs(w1, y), ones))                                                          \
    }

#define MADD_STEPS(N, from)                                                                                            \
    for (int k = (from); k < (from) + 4; k += 2) {                                                                     \
        vec w0 = load_vec(p + 64 * k), w1 = load_vec(p + 64 * k + 64);                                                 \
        ROWS_##N(MADD_TWO_STEPS)                                                                                       \
    }

#define MADD_SIGNED_STEPS(N)                                                                                           \
    for (int k = 0; k < 8; k++) {                                                                                      \
        vec w0 = xor_vec(load_vec(p + 64 * k), offset), w1 = abs8(w0);                                                 \
        ROWS_##N(MADD_SIGNED_STEP)                                                                                     \
    }

#define MADD_SCALE(n) a##n = fmaf_vec(to_float(i##n), mulf(d, repeatf(scale[n])), a##n);
#define MADD_ADD_0(n) a##n = fmaf_vec(repeatf(sum[n]), m, a##n);
#define MADD_ADD_1(n) a##n = fmaf_vec(repeatf(sum[rows + (n)]), m, a##n);

#define MADD_SCALES(N, at)                                                                                             \
    {                                                                                                                  \
        vecf d = load_vecf(p + 512 + 64 * (at));                                                                       \
        ROWS_##N(MADD_SCALE)                                                                                           \
    }

#define MADD_ADDS(N, at, half)                                                                                         \
    {                                                                                                                  \
        vecf m = load_vecf(p + 512 + 64 * (at));                                                                       \
        ROWS_##N(MADD_ADD_##half)                                                                                      \
    }

#define MADD_BLOCK_S32(N) ROWS_##N(MADD_ZERO) MADD_SIGNED_STEPS(N) MADD_SCALES(N, 0)
#define MADD_BLOCK_N32(N) ROWS_##N(MADD_START_N) MADD_FOUR_STEPS(N, 0) MADD_FOUR_STEPS(N, 4) MADD_SCALES(N, 0)
#define MADD_BLOCK_M32(N)                                                                                              \
    ROWS_##N(MADD_ZERO) MADD_FOUR_STEPS(N, 0) MADD_FOUR_STEPS(N, 4) MADD_SCALES(N, 0) MADD_ADDS(N, 1, 0)
#define MADD_BLOCK_S16(N)                                                                                              \
    {ROWS_##N(MADD_START_0) MADD_STEPS(N, 0) MADD_SCALES(N, 0)} {                                                      \
        ROWS_##N(MADD_START_1) MADD_STEPS(N, 4) MADD_SCALES(N, 1)                                                      \
    }
#define MADD_BLOCK_M16(N)                                                                                              \
    {ROWS_##N(MADD_ZERO) MADD_STEPS(N, 0) MADD_SCALES(N, 0) MADD_ADDS(N, 2, 0)} {                                      \
        ROWS_##N(MADD_ZERO) MADD_STEPS(N, 4) MADD_SCALES(N, 1) MADD_ADDS(N, 3, 1)                                      \
    }

#define TILE_MADD(N, kind)                                                                                             \
    static inline void part_##N##_##kind(const llmk_tile *t, int part) {                                               \
        enum { half_bytes = PANEL_BYTES_##kind, rows = (N), n_vectors = 64 / VECTOR_BYTES };                           \
        const uint8_t *p = t->panel + part / n_vectors * half_bytes + part % n_vectors * VECTOR_BYTES;                 \
        const uint8_t *end = p + t->n_cols / LLMK_BLOCK * 2 * half_bytes;                                              \
        const int8_t *x = t->x;                                                                                        \
        const vec ones = repeat32(0x00010001), offset = repeat32((int32_t)0x80808080);                                 \
        ROWS_##N(MADD_LOAD_ACC) for (; p < end; p += 2 * half_bytes, x += rows * LLMK_X_I8_BYTES) {                    \
            const float *scale = (const float *)(const void *)(x + LLMK_BLOCK * rows);                                 \
            const float *sum = scale + SUM_##kind * rows;                                                              \
            const int32_t *start = (const int32_t *)(const void *)scale + START_##kind * rows;                         \
            (void)sum, (void)start, (void)offset;                                                                      \
            MADD_BLOCK_##kind(N)                                                                                       \
        }                                                                                                              \
        ROWS_##N(MADD_STORE_ACC)                                                                                       \
    }                                                                                                                  \
    static void tile_##N##_##kind(const llmk_tile *t) {                                                                \
        for (int part = 0; part < 2 * 64 / VECTOR_BYTES; part++) part_##N##_##kind(t, part);                           \
    }

#endif
