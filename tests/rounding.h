/* What rounding may do to logits, whichever kernels computed them: bounds follow from what is rounded, never from what
 * one machine gave. tests/kernels/matrix.h bounds single products. */
#ifndef TEST_ROUNDING_H
#define TEST_ROUNDING_H

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace rounding {

/* Relative errors (root mean square) of numbers rounded to the nearest of `bits` significant bits; of int8 in blocks of
 * 32, in steps of max / 127 where max is about 2.3 times the root mean square; of a sum of n products in F32, whose
 * partial sums are rounded each. */
inline double to_bits(int bits) {
    return std::ldexp(1 / std::sqrt(3.0), -bits);
}
inline double to_int8() {
    return 2.3 / 127 / 2 / std::sqrt(3.0);
}
inline double of_sum(int64_t n) {
    return std::sqrt((double)n) * std::ldexp(1.0, -24);
}

/* What may lie between the logits of two ways to compute a model, relative to their root mean square. A product whose
 * input is rounded with the relative error r is off by r of its size, because errors of random sign add up as the terms
 * of the product do. A token passes four products in each layer and the head, keys and values pass the cache. Those
 * errors are independent and add up by their squares; the factor 4 leaves room for the softmax and the gated product,
 * which enlarge them. */
inline double of_logits(int32_t n_layers, double product, double cache) {
    return 4 * std::sqrt((4 * n_layers + 1) * product * product + 2 * n_layers * cache * cache);
}

/* Of a log-probability of the library: its exponentials are right to 2.5e-7 (tests/unit/engine/test_sampler.cpp), and
 * it is an F32. */
inline double of_logprob(double logprob) {
    return 2.5e-7 + std::ldexp(std::fabs(logprob), -24);
}

template <class Numbers> double rms(const Numbers &a) {
    double squares = 0;
    for (auto x : a) squares += (double)x * (double)x;
    return std::sqrt(squares / (double)a.size());
}

/* Root mean square of the differences, in units of that of b; infinite if one is not finite, or they are not as many.
 */
template <class A, class B> double relative_gap(const A &a, const B &b) {
    if (a.size() != b.size()) return INFINITY;
    double gap = 0, size = 0;
    for (size_t i = 0; i < b.size(); i++) {
        gap += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    return std::isfinite(gap) ? std::sqrt(gap / size) : INFINITY;
}

} // namespace rounding

#endif
