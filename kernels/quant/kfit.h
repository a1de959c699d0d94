/* Choosing the numbers of the two-level types Q2_K .. Q6_K. 256 elements share one or two F16
 * factors; each sub-block of 16 or 32 elements has small integer codes that multiply them:
 *     scale only:   x = d * sc * q
 *     with offset:  x = d * sc * q - dmin * mn
 * First every sub-block is fitted alone (fit.h); the codes are those fits rounded to multiples of a
 * common factor; the factor is then fitted again to all 256 elements, and each sub-block picks the
 * best of the neighbouring codes for the factor as stored. */
#ifndef LLMK_QUANT_KFIT_H
#define LLMK_QUANT_KFIT_H

#include "quant/fit.h"

enum { LLMK_KFIT_ELEMS = 256, LLMK_KFIT_MAX_SUBS = 16 };

/* Shape of a type: elements of a sub-block, levels lo..hi, codes code_lo..code_hi. */
typedef struct llmk_kfit_shape {
    int sub, lo, hi, code_lo, code_hi;
} llmk_kfit_shape;

typedef struct llmk_kfit {
    uint16_t d, dmin;
    int sc[LLMK_KFIT_MAX_SUBS], mn[LLMK_KFIT_MAX_SUBS];
    int8_t q[LLMK_KFIT_ELEMS];
} llmk_kfit;

/* Weighted squared error of a sub-block with x = scale * q - offset, q in lo..hi. */
static inline float llmk_kfit_error(const float *x, const float *w, const llmk_kfit_shape *shape, float scale,
                                    float offset) {
    float inverse = llmk_fit_inverse(scale), error = 0.0f;
    for (int i = 0; i < shape->sub; i++) {
        float e = x[i] + offset - scale * (float)llmk_fit_level((x[i] + offset) * inverse, shape->lo, shape->hi);
        error += w[i] * e * e;
    }
    return error;
}

static inline void llmk_kfit_levels(llmk_kfit *k, const float *x, const llmk_kfit_shape *shape) {
    float d = llmk_f16_to_f32(k->d), dmin = llmk_f16_to_f32(k->dmin);
    for (int i = 0; i < LLMK_KFIT_ELEMS; i++) {
        int s = i / shape->sub;
        float inverse = llmk_fit_inverse(d * (float)k->sc[s]);
        k->q[i] = (int8_t)llmk_fit_level((x[i] + dmin * (float)k->mn[s]) * inverse, shape->lo, shape->hi);
    }
}

/* Moves each code by at most one to where the sub-block's error is least; reach_mn 0 leaves mn alone. */
static inline void llmk_kfit_codes(llmk_kfit *k, const float *x, const float *w, const llmk_kfit_shape *shape,
                                   int reach_mn) {
    float d = llmk_f16_to_f32(k->d), dmin = llmk_f16_to_f32(k->dmin);
    for (int s = 0; s < LLMK_KFIT_ELEMS / shape->sub; s++) {
        int sc0 = k->sc[s], mn0 = k->mn[s];
        float best = INFINITY;
        for (int sc = sc0 - 1; sc <= sc0 + 1; sc++)
            for (int mn = mn0 - reach_mn; mn <= mn0 + reach_mn; mn++) {
                if (sc < shape->code_lo || sc > shape->code_hi || mn < 0 || mn > shape->code_hi) continue;
                float error =
                    llmk_kfit_error(x + s * shape->sub, w + s * shape->sub, shape, d * (float)sc, dmin * (float)mn);
                if (error < best) best = error, k->sc[s] = sc, k->mn[s] = mn;
            }
    }
}

/* x = d * sc * q */
static inline void llmk_kfit_scale(llmk_kfit *k, const float *src, const llmk_kfit_shape *shape) {
    float x[LLMK_KFIT_ELEMS], w[LLMK_KFIT_ELEMS];
    float scale[LLMK_KFIT_MAX_SUBS] = {0}, weight[LLMK_KFIT_MAX_SUBS] = {0};
    int8_t sc[LLMK_KFIT_MAX_SUBS];
    int n_subs = LLMK_KFIT_ELEMS / shape->sub;
    memset(k, 0, sizeof *k);
    llmk_fit_load(x, src, LLMK_KFIT_ELEMS);
    llmk_fit_weights(w, x, LLMK_KFIT_ELEMS);
    for (int s = 0; s < n_subs; s++) {
        const float *xs = x + s * shape->sub, *ws = w + s * shape->sub;
        scale[s] = llmk_fit_scale(xs, ws, shape->sub, shape->lo, shape->hi);
        weight[s] = 0.0f;
        for (int i = 0; i < shape->sub; i++) {
            float q = (float)llmk_fit_level(xs[i] * llmk_fit_inverse(scale[s]), shape->lo, shape->hi);
            weight[s] += ws[i] * q * q; /* how the error grows with an error of the scale */
        }
    }
    float d = llmk_fit_scale(scale, weight, n_subs, shape->code_lo, shape->code_hi);
    llmk_fit_round(sc, scale, n_subs, d, shape->code_lo, shape->code_hi);
    for (int s = 0; s < n_subs; s++) k->sc[s] = sc[s];
    k->d = llmk_fit_half(d);
    llmk_kfit_levels(k, x, shape);
    double xa = 0.0, aa = 0.0;
    for (int i = 0; i < LLMK_KFIT_ELEMS; i++) {
        double a = k->sc[i / shape->sub] * k->q[i];
        xa += w[i] * a * x[i], aa += w[i] * a * a;
    }
    if (aa > 0.0) k->d = llmk_fit_half((float)(xa / aa));
    llmk_kfit_codes(k, x, w, shape, 0);
    llmk_kfit_levels(k, x, shape);
}

/* Fits d and dmin to all elements for the codes and levels that k holds. */
static inline void llmk_kfit_factors(llmk_kfit *k, const float *x, const float *w, const llmk_kfit_shape *shape) {
    double aa = 0.0, ab = 0.0, bb = 0.0, xa = 0.0, xb = 0.0; /* x = d * a - dmin * b */
    for (int i = 0; i < LLMK_KFIT_ELEMS; i++) {
        double a = k->sc[i / shape->sub] * k->q[i], b = k->mn[i / shape->sub];
        aa += w[i] * a * a, ab += w[i] * a * b, bb += w[i] * b * b;
        xa += w[i] * a * x[i], xb += w[i] * b * x[i];
    }
    double det = aa * bb - ab * ab;
    if (det <= 1e-9 * aa * bb) return;
    double d = (xa * bb - xb * ab) / det, dmin = (xa * ab - xb * aa) / det;
    if (d <= 0.0 || dmin <= 0.0) return;
    k->d = llmk_fit_half((float)d);
    k->dmin = llmk_fit_half((float)dmin);
}

/* x = d * sc * q - dmin * mn, codes 0..code_hi */
static inline void llmk_kfit_affine(llmk_kfit *k, const float *src, const llmk_kfit_shape *shape) {
    float x[LLMK_KFIT_ELEMS], w[LLMK_KFIT_ELEMS];
    float scale[LLMK_KFIT_MAX_SUBS] = {0}, offset[LLMK_KFIT_MAX_SUBS] = {0};
    int n_subs = LLMK_KFIT_ELEMS / shape->sub;
    memset(k, 0, sizeof *k);
    llmk_fit_load(x, src, LLMK_KFIT_ELEMS);
    llmk_fit_weights(w, x, LLMK_KFIT_ELEMS);
    for (int s = 0; s < n_subs; s++)
        llmk_fit_affine(&scale[s], &offset[s], x + s * shape->sub, w + s * shape->sub, shape->sub, shape->hi, 0.0f);
    float d = llmk_fit_peak(scale, n_subs) / (float)shape->code_hi;
    float dmin = llmk_fit_peak(offset, n_subs) / (float)shape->code_hi;
    for (int s = 0; s < n_subs; s++) {
        k->sc[s] = llmk_fit_level(scale[s] * llmk_fit_inverse(d), 0, shape->code_hi);
        k->mn[s] = llmk_fit_level(-offset[s] * llmk_fit_inverse(dmin), 0, shape->code_hi);
    }
    k->d = llmk_fit_half(d);
    k->dmin = llmk_fit_half(dmin);
    for (int round = 0; round < 2; round++) {
        llmk_kfit_levels(k, x, shape);
        llmk_kfit_factors(k, x, w, shape);
        llmk_kfit_codes(k, x, w, shape, 1);
    }
    llmk_kfit_levels(k, x, shape);
}

#endif
