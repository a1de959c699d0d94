// Matrices as files store them, and how far a product with one may be from exact: what the tests of all back ends
// measure by.
#ifndef TEST_KERNELS_MATRIX_H
#define TEST_KERNELS_MATRIX_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/dtype.h"

extern "C" {
#include "kernels/cpu/kernels.h"
}

using Floats = std::vector<float>;

// A matrix as a file stores it; `shift` moves it off any alignment but 2.
struct Matrix {
    const llmk_dtype *type;
    int64_t rows, cols;
    size_t n_bytes, shift;
    std::vector<uint8_t> bytes;

    Matrix(const llmk_dtype *t, int64_t n_rows, int64_t n_cols, size_t off = 2)
        : type(t), rows(n_rows), cols(n_cols), n_bytes((size_t)(n_rows * (n_cols / t->block_elems) * t->block_bytes)),
          shift(off), bytes(n_bytes + off) {}
    uint8_t *data() { return bytes.data() + shift; }
    size_t row_bytes() const { return n_bytes / (size_t)rows; }
    // On any device with this function.
    template <class Device> llm_weight *put(Device &d, bool in_place = false) {
        return d.put(data(), n_bytes, rows, cols, type->dtype, in_place);
    }

    void quantize(const Floats &x) {
        // block by block, since quantizers want aligned blocks
        std::vector<uint64_t> aligned(n_bytes / 8 + 1);
        type->quantize(aligned.data(), x.data(), rows * cols);
        memcpy(data(), aligned.data(), n_bytes);
    }
    Floats dequantize() const {
        std::vector<uint64_t> aligned(n_bytes / 8 + 1);
        memcpy(aligned.data(), bytes.data() + shift, n_bytes);
        Floats out((size_t)(rows * cols));
        type->dequantize(out.data(), aligned.data(), rows * cols);
        return out;
    }
};

// Which bytes of a block hold its numbers; the rest are scales.
struct Numbers {
    llm_dtype dtype;
    size_t begin, end;
};
inline const Numbers numbers[] = {
    {LLM_DTYPE_Q8_0, 2, 34},   {LLM_DTYPE_Q4_0, 2, 18},  {LLM_DTYPE_Q4_1, 4, 20}, {LLM_DTYPE_Q5_0, 2, 22},
    {LLM_DTYPE_Q5_1, 4, 24},   {LLM_DTYPE_Q2_K, 16, 80}, {LLM_DTYPE_Q3_K, 0, 96}, {LLM_DTYPE_Q4_K, 16, 144},
    {LLM_DTYPE_Q5_K, 16, 176}, {LLM_DTYPE_Q6_K, 0, 192},
};

inline const Numbers *numbers_of(llm_dtype dtype) {
    for (const Numbers &n : numbers)
        if (n.dtype == dtype) return &n;
    return nullptr;
}

inline void fill_numbers(Matrix &m, uint8_t value) {
    const Numbers *n = numbers_of(m.type->dtype);
    for (size_t at = 0; at < m.n_bytes; at += (size_t)m.type->block_bytes)
        memset(m.data() + at + n->begin, value, n->end - n->begin);
}

// The largest magnitude that each element could have with its scales, and an offset counts too.
inline Floats reach_of(const Matrix &m) {
    Floats reach((size_t)(m.rows * m.cols));
    for (int value : {0x00, 0xff, 0x7f, 0x80}) {
        Matrix other = m;
        if (numbers_of(m.type->dtype)) fill_numbers(other, (uint8_t)value);
        Floats x = other.dequantize();
        for (size_t i = 0; i < x.size(); i++) reach[i] = std::fmax(reach[i], std::fabs(x[i]));
    }
    return reach;
}

// The kernel that multiplies a type.
inline llmk_product product_of(llm_dtype dtype, int32_t mask, int32_t activations) {
    llmk_kernels k;
    llmk_kernels_init(&k, mask, activations);
    return k.linear.product[llmk_layout_get(dtype)->index];
}

// How far an output may be from the exact product with the stored values, by what the kernel does to activations.
//   F32: nothing. F32 rounding of one sum, and of weights that are widened: a product and a sum, of which
//     each is at most twice what an element can be.
//   BF16: they are off by 2^-9 of themselves, rounding up to 2^-8 with the instruction's own sums; products
//     below the smallest normal number count as 0.
//   I8: they are rounded to multiples of peak / 127, where peak is the largest of their 32 neighbours: each is
//     off by at most peak / 254. Then F32 rounding of one or two terms per 16 columns and of the scales that make
//     them, relative to the largest that a term can be.
inline double bound_of(const Matrix &m, const Floats &w, const Floats &reach, const float *x, int64_t row,
                       int32_t kind) {
    const double eps = std::ldexp(1.0, -24);
    const float *wr = &w[(size_t)(row * m.cols)], *rr = &reach[(size_t)(row * m.cols)];
    double sum = 1e-30, rounding = 0;
    if (kind != LLMK_X_I8) {
        for (int64_t c = 0; c < m.cols; c++) {
            sum += std::fabs((double)wr[c] * x[c]);
            if (m.type->block_elems > 1) rounding += 3 * std::fabs((double)rr[c] * x[c]);
        }
        double bf16 = kind == LLMK_X_BF16 ? std::ldexp(1.0, -8) : 0.0;
        return sum * ((double)(m.cols + 4) * eps + bf16) + rounding * eps + 1e-30;
    }
    for (int64_t b = 0; b < m.cols; b += 32) {
        float peak = 0;
        for (int64_t c = b; c < b + 32; c++) peak = std::fmax(peak, std::fabs(x[c]));
        for (int64_t c = b; c < b + 32; c++) {
            sum += std::fabs((double)wr[c]) * (peak / 254.0 * (1 + 1e-5) + 1e-30);
            rounding += 3.0 * (double)rr[c] * peak;
        }
    }
    return sum + rounding * ((double)m.cols / 8 + 8) * eps;
}

#endif
