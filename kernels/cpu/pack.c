#include "cpu/pack.h"

#include "dtype.h"

#include <assert.h>
#include <string.h>

/* ---- any type: dequantized, in the layout of F32 ---- */

enum { MAX_BLOCK = 256 };

static void pack_widened(const llmk_planes *dst, const llmk_rows *src, int64_t n_cols, int64_t elems, size_t n_bytes,
                         void (*dequantize)(float *dst, const void *src, int64_t n)) {
    float x[LLMK_LANES][MAX_BLOCK];
    for (int64_t block = 0; block * elems < src->skip + n_cols; block++) {
        for (int32_t r = 0; r < LLMK_LANES; r++)
            dequantize(x[r], src->row[r] + src->at + (size_t)block * n_bytes, elems);
        for (int64_t i = 0; i < elems; i++) {
            int64_t col = block * elems + i - src->skip;
            if (col < 0 || col >= n_cols) continue;
            for (int32_t r = 0; r < LLMK_LANES; r++)
                memcpy(dst->at[LLMK_PLANE_LOW] + 2 * 64 * col + 4 * r, &x[r][i], sizeof x[r][i]);
        }
    }
}

#define LLMK_DTYPE(NAME, name, elems, bytes)                                                                           \
    static_assert((elems) <= MAX_BLOCK, "block of " #NAME);                                                            \
    static void pack_widened_##name(const llmk_planes *dst, const llmk_rows *src, int64_t n_cols) {                    \
        pack_widened(dst, src, n_cols, elems, bytes, llmk_dequantize_##name);                                          \
    }
#include "dtypes.def"
#undef LLMK_DTYPE

/* ---- the tables ---- */

enum {
#define LLMK_DTYPE(NAME, name, elems, bytes) ELEMS_##NAME = elems, BYTES_##NAME = bytes,
#include "dtypes.def"
#undef LLMK_DTYPE
};

static const llmk_layout table[LLMK_N_LAYOUTS] = {
#define LLMK_LAYOUT(NAME, name, panel, d_cols, d, cols, codes, low, high)                                              \
    {LLM_DTYPE_##NAME,                                                                                                 \
     LLMK_LAYOUT_##NAME,                                                                                               \
     {d_cols, cols, cols, cols},                                                                                       \
     {d, codes, low, high},                                                                                            \
     ELEMS_##NAME,                                                                                                     \
     BYTES_##NAME,                                                                                                     \
     NULL},
#include "cpu/layouts.def"
#undef LLMK_LAYOUT
};

static const llmk_layout widened[] = {
#define LLMK_DTYPE(NAME, name, elems, bytes)                                                                           \
    {LLM_DTYPE_##NAME, LLMK_LAYOUT_F32, {1, 1, 1, 1}, {[LLMK_PLANE_LOW] = 64}, elems, bytes, pack_widened_##name},
#include "dtypes.def"
#undef LLMK_DTYPE
};

static const llmk_layout *find(const llmk_layout *rows, size_t n, llm_dtype dtype) {
    for (size_t i = 0; i < n; i++)
        if (rows[i].dtype == dtype) return &rows[i];
    return NULL;
}

const llmk_layout *llmk_layout_get(llm_dtype dtype) {
    const llmk_layout *own = find(table, LLMK_N_LAYOUTS, dtype);
    return own ? own : llmk_layout_widened(dtype);
}

const llmk_layout *llmk_layout_widened(llm_dtype dtype) {
    return find(widened, sizeof widened / sizeof widened[0], dtype);
}

/* Bytes that a whole strip takes in a plane up to column `cols`. */
static size_t plane_bytes(const llmk_layout *l, int plane, int64_t cols) {
    int32_t unit = l->plane_cols[plane]; /* a power of two, and divisions take a while */
    return (size_t)((cols + unit - 1) >> __builtin_ctz((unsigned)unit)) * 2 * (size_t)l->plane_bytes[plane];
}

static size_t plane_size(const llmk_layout *l, int plane, int64_t cols) {
    return (plane_bytes(l, plane, cols) + 63) / 64 * 64;
}

size_t llmk_layout_strip_bytes(const llmk_layout *l, int64_t cols) {
    size_t n = 0;
    for (int i = 0; i < LLMK_N_PLANES; i++) n += plane_size(l, i, cols);
    return n;
}

llmk_planes llmk_layout_planes(const llmk_layout *l, const uint8_t *strip, int64_t cols, int64_t col) {
    llmk_planes p;
    for (int i = 0; i < LLMK_N_PLANES; i++) {
        p.at[i] = (uint8_t *)strip + plane_bytes(l, i, col);
        strip += plane_size(l, i, cols);
    }
    return p;
}

void llmk_layout_pack(const llmk_layout *l, llmk_pack pack, const llmk_planes *dst, const uint8_t *rows,
                      size_t row_bytes, int32_t n_rows, int64_t col, int64_t n_cols) {
    size_t at = (size_t)(col / l->block_elems) * (size_t)l->block_bytes;
    for (int32_t half = 0; half < 2; half++) {
        const uint8_t *ahead = rows + (size_t)(LLMK_STRIP + half * LLMK_LANES) * row_bytes;
        llmk_rows src = {.at = at, .ahead = ahead, .skip = col % l->block_elems};
        llmk_planes p = *dst;
        for (int32_t r = 0; r < LLMK_LANES; r++) {
            int32_t row = half * LLMK_LANES + r;
            src.row[r] = rows + (size_t)(row < n_rows ? row : n_rows - 1) * row_bytes;
        }
        if (half)
            for (int i = 0; i < LLMK_N_PLANES; i++) p.at[i] += l->plane_bytes[i];
        pack(&p, &src, n_cols);
    }
}
