/* Choosing scales. A block stores x as d * q or d * q + m with small integers q; the best d (and m) for given q is a
 * weighted least-squares fit, the best q for given d is rounding. The search tries several starting scales around "the
 * largest value just fits", fits each, keeps the best and then alternates fit and rounding while that helps.
 *
 * Inputs may be anything: NaN counts as 0 and magnitudes are clipped to 65504, the largest F16, so that every product
 * below stays finite. */
#ifndef LLMK_QUANT_FIT_H
#define LLMK_QUANT_FIT_H

#include "quant/half.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#define LLMK_FIT_LIMIT 65504.0f

static inline void llmk_fit_load(float *dst, const float *src, int n) {
    for (int i = 0; i < n; i++) {
        float v = src[i] == src[i] ? src[i] : 0.0f;
        dst[i] = v > LLMK_FIT_LIMIT ? LLMK_FIT_LIMIT : v < -LLMK_FIT_LIMIT ? -LLMK_FIT_LIMIT : v;
    }
}

/* The largest magnitude. */
static inline float llmk_fit_peak(const float *x, int n) {
    float peak = 0.0f;
    for (int i = 0; i < n; i++) peak = fabsf(x[i]) > peak ? fabsf(x[i]) : peak;
    return peak;
}

/* How much an error of each element matters: large weights carry more of a product, so they count
 * up to a few times as much as small ones. All 1 for a block of zeros. */
static inline void llmk_fit_weights(float *w, const float *x, int n) {
    float mean = 0.0f;
    for (int i = 0; i < n; i++) mean += fabsf(x[i]);
    mean /= (float)n;
    for (int i = 0; i < n; i++) w[i] = mean > 0.0f ? 1.0f + 0.5f * fabsf(x[i]) / mean : 1.0f;
}

/* The integer in lo..hi nearest to v; lo for NaN. Exact halves go up. */
static inline int llmk_fit_level(float v, int lo, int hi) {
    float low = (float)lo, high = (float)hi;
    v = v > low ? v : low;
    v = v < high ? v : high;
    return (int)(v - low + 0.5f) + lo;
}

static inline float llmk_fit_inverse(float d) {
    return fabsf(d) > 1e-30f ? 1.0f / d : 0.0f;
}

/* A fitted value as F16; never infinite. */
static inline uint16_t llmk_fit_half(float v) {
    v = v > LLMK_FIT_LIMIT ? LLMK_FIT_LIMIT : v < -LLMK_FIT_LIMIT ? -LLMK_FIT_LIMIT : v;
    return llmk_f32_to_f16(v);
}

static inline void llmk_fit_round(int8_t *q, const float *x, int n, float d, int lo, int hi) {
    float inverse = llmk_fit_inverse(d);
    for (int i = 0; i < n; i++) q[i] = (int8_t)llmk_fit_level(x[i] * inverse, lo, hi);
}

/* ---- x = d * q, q in lo..hi ---- */

/* Rounds with scale 1 / inverse, then fits *d. Returns how much of sum(w x^2) the fit explains. */
static inline float llmk_fit_scale_try(float *d, const float *x, const float *w, int n, float inverse, int lo, int hi) {
    float xq = 0.0f, qq = 0.0f;
    for (int i = 0; i < n; i++) {
        float q = (float)llmk_fit_level(x[i] * inverse, lo, hi);
        xq += w[i] * x[i] * q;
        qq += w[i] * q * q;
    }
    *d = qq > 0.0f ? xq / qq : 0.0f;
    return *d * xq;
}

/* lo < 0 < hi. The result may be negative: the end of the range with one level more then serves the
 * side of the largest value. */
static inline float llmk_fit_scale(const float *x, const float *w, int n, int lo, int hi) {
    float peak = llmk_fit_peak(x, n), best = 0.0f, best_gain = 0.0f, d;
    if (peak < 1e-30f) return 0.0f;
    for (int sign = -1; sign <= 1; sign += 2)
        for (int step = -4; step <= 6; step++) {
            float reach = (float)-lo + 0.25f * (float)step;
            float gain = llmk_fit_scale_try(&d, x, w, n, (float)sign * reach / peak, lo, hi);
            if (gain > best_gain) best_gain = gain, best = d;
        }
    for (int round = 0; round < 4; round++) {
        float gain = llmk_fit_scale_try(&d, x, w, n, llmk_fit_inverse(best), lo, hi);
        if (!(gain > best_gain)) break;
        best_gain = gain, best = d;
    }
    return best;
}

/* ---- x = d * q + m, q in 0..hi ---- */

/* Rounds with the given line, then fits *d and *m; max_m limits m from above. Returns the part of
 * sum(w x^2) that is left, up to a constant. */
static inline double llmk_fit_affine_try(float *d, float *m, const float *x, const float *w, int n, float inverse,
                                         float offset, int hi, float max_m) {
    double s1 = 0.0, sq = 0.0, sqq = 0.0, sx = 0.0, sxq = 0.0; /* double: the mean may dwarf the spread */
    for (int i = 0; i < n; i++) {
        float q = (float)llmk_fit_level((x[i] - offset) * inverse, 0, hi);
        double wx = (double)w[i] * x[i];
        s1 += w[i], sq += w[i] * q, sqq += w[i] * q * q;
        sx += wx, sxq += wx * q;
    }
    double det = s1 * sqq - sq * sq, scale = 0.0, start = sx / s1;
    if (det > 1e-9 * s1 * sqq) scale = (s1 * sxq - sq * sx) / det, start = (sqq * sx - sq * sxq) / det;
    if (start > max_m) start = max_m, scale = sqq > 0.0 ? (sxq - start * sq) / sqq : 0.0;
    *d = (float)scale, *m = (float)start;
    return scale * (scale * sqq - 2.0 * sxq) + start * (start * s1 + 2.0 * (scale * sq - sx));
}

static inline void llmk_fit_affine(float *d, float *m, const float *x, const float *w, int n, int hi, float max_m) {
    float low = x[0], high = x[0], new_d, new_m;
    double best_rest = INFINITY;
    for (int i = 1; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    low = low < max_m ? low : max_m;
    *d = 0.0f, *m = low;
    if (!(high - low > 1e-30f)) return;
    for (int step = -3; step <= 8; step++) {
        /* a finer scale, with what it cannot reach cut off evenly at both ends */
        float scale = (high - low) / ((float)hi + 0.2f * (float)step);
        float offset = low + 0.5f * (high - low - scale * (float)hi);
        double rest = llmk_fit_affine_try(&new_d, &new_m, x, w, n, 1.0f / scale, offset, hi, max_m);
        if (rest < best_rest && new_d >= 0.0f) best_rest = rest, *d = new_d, *m = new_m;
    }
    for (int round = 0; round < 4; round++) {
        double rest = llmk_fit_affine_try(&new_d, &new_m, x, w, n, llmk_fit_inverse(*d), *m, hi, max_m);
        if (!(rest < best_rest) || new_d < 0.0f) break;
        best_rest = rest, *d = new_d, *m = new_m;
    }
}

/* A block of 32 elements with F16 scale and offset. */
static inline void llmk_fit_block_affine(uint16_t *d, uint16_t *m, uint8_t *q, const float *src, int hi) {
    float x[32], w[32], scale, offset;
    llmk_fit_load(x, src, 32);
    llmk_fit_weights(w, x, 32);
    llmk_fit_affine(&scale, &offset, x, w, 32, hi, LLMK_FIT_LIMIT);
    *d = llmk_fit_half(scale);
    *m = llmk_fit_half(offset);
    float inverse = llmk_fit_inverse(llmk_f16_to_f32(*d)), start = llmk_f16_to_f32(*m);
    for (int i = 0; i < 32; i++) q[i] = (uint8_t)llmk_fit_level((x[i] - start) * inverse, 0, hi);
}

/* ---- 5-bit numbers: 16 bytes of low halves and 4 bytes of fifth bits ---- */

static inline void llmk_unpack_5bit(uint8_t q[32], const uint8_t low[16], const uint8_t high[4]) {
    for (int i = 0; i < 32; i++) {
        int four = i < 16 ? low[i] & 15 : low[i - 16] >> 4;
        q[i] = (uint8_t)(four | (high[i / 8] >> (i % 8) & 1) << 4);
    }
}

static inline void llmk_pack_5bit(uint8_t low[16], uint8_t high[4], const uint8_t q[32]) {
    memset(high, 0, 4);
    for (int i = 0; i < 16; i++) low[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
    for (int i = 0; i < 32; i++) high[i / 8] = (uint8_t)(high[i / 8] | (q[i] >> 4) << (i % 8));
}

#endif
