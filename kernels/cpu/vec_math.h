/* Functions of vectors; include one of the vec headers first. Errors are in units of the last place of
 * the result and were measured against long double (tests/kernels/test_cpu.cpp). */
#ifndef LLMK_CPU_VEC_MATH_H
#define LLMK_CPU_VEC_MATH_H

/* e^x: 1.01 units, half of the smallest denormal for smaller results; 0 at -infinity; NaN stays. x = n ln 2 + r with
 * whole n and |r| <= ln 2 / 2; the polynomial is the minimax fit of e^r in relative error (3e-9). */
static inline vf v_exp(vf x) {
    x = v_min(v_set(89.0f), v_max(v_set(-104.0f), x));
    vf n = v_round(v_mul(x, v_set(0x1.715476p0f)));
    vf r = v_fnma(n, v_set(0x1.63p-1f), x); /* the upper bits of ln 2: n times them is exact */
    r = v_fnma(n, v_set(-0x1.bd0106p-13f), r);
    vf p = v_set(0x1.6a2436p-10f);
    p = v_fma(p, r, v_set(0x1.1239e0p-7f));
    p = v_fma(p, r, v_set(0x1.5558f2p-5f));
    p = v_fma(p, r, v_set(0x1.555492p-3f));
    p = v_fma(p, r, v_set(0x1.fffffcp-2f));
    p = v_fma(v_mul(r, r), p, r);
    return v_ldexp(v_add(p, v_set(1.0f)), n);
}

/* 1 / (1 + e^-x), without overflow or cancellation on either side. */
static inline vf v_sigmoid(vf x) {
    vf one = v_set(1.0f), e = v_exp(v_sub(v_set(0.0f), v_abs(x)));
    return v_div(v_if_negative(x, e, one), v_add(one, e));
}

/* The share of a normal distribution below x. erfc(z) = e^(-z^2) t Q(t) with t = 1 / (1 + z / 2); Q is a
 * minimax fit over 0 <= z <= 10.5 (4e-8). */
static inline vf v_normal_cdf(vf x) {
    vf one = v_set(1.0f), z = v_mul(v_abs(x), v_set(0x1.6a09e6p-1f));
    vf t = v_div(one, v_fma(z, v_set(0.5f), one));
    vf q = v_set(-0.05919356644153595f);
    q = v_fma(q, t, v_set(0.28518393635749817f));
    q = v_fma(q, t, v_set(-0.48846307396888733f));
    q = v_fma(q, t, v_set(0.27951496839523315f));
    q = v_fma(q, t, v_set(-0.02762497216463089f));
    q = v_fma(q, t, v_set(0.20311053097248077f));
    q = v_fma(q, t, v_set(0.2429964691400528f));
    q = v_fma(q, t, v_set(0.2823900878429413f));
    q = v_fma(q, t, v_set(0.2820855677127838f));
    vf upper = v_mul(v_set(0.5f), v_mul(v_mul(t, q), v_exp(v_mul(v_mul(x, x), v_set(-0.5f)))));
    return v_if_negative(x, upper, v_sub(one, upper));
}

#endif
