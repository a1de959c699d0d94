/* The kernels of logits.h for the instruction set that the including file is compiled for. It defines NAME. */
#include <math.h>
#include <string.h>

#include "engine/sampler/logits.h"
#include "engine/sampler/portable_math.h"

/* LANES interleaved sums in PARTS registers; TALLY_BLOCKS: how far single precision sums in `tally`. */
enum { LANES = 16, PARTS = LANES / LLMI_VF_LANES, TALLY_BLOCKS = 4 };

typedef struct lanes {
    llmi_vf part[PARTS];
} lanes;

static inline llmi_vf load(const float *x, int part) {
    llmi_vf v;
    memcpy(&v, x + part * LLMI_VF_LANES, sizeof v);
    return v;
}

static inline void store(float *x, int part, llmi_vf v) {
    memcpy(x + part * LLMI_VF_LANES, &v, sizeof v);
}

static inline llmi_vf and_mask(llmi_vf x, llmi_vi mask) {
    return (llmi_vf)((llmi_vi)x & mask);
}

/* w where rank >= from, else 0. */
static inline llmi_vf where_from(llmi_vf w, llmi_vf rank, float from) {
#ifdef __AVX512F__
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(rank, _mm512_set1_ps(from), _CMP_GE_OQ), w);
#else
    return and_mask(w, rank >= from);
#endif
}

/* Four lanes, whatever a register holds. */
typedef float quad __attribute__((vector_size(16)));
typedef int32_t quad_mask __attribute__((vector_size(16)));

static inline float sum_lanes(const lanes *sum) {
    quad v[LANES / 4];
    memcpy(v, sum, sizeof v);
    quad t = (v[0] + v[1]) + (v[2] + v[3]);
    return (t[0] + t[1]) + (t[2] + t[3]);
}

static inline quad larger(quad x, quad y) {
    quad_mask more = x > y;
    return (quad)(((quad_mask)x & more) | ((quad_mask)y & ~more));
}

static inline float most_of(const lanes *x) {
    quad v[LANES / 4];
    memcpy(v, x, sizeof v);
    quad t = larger(larger(v[0], v[1]), larger(v[2], v[3]));
    float a = t[0] > t[1] ? t[0] : t[1], b = t[2] > t[3] ? t[2] : t[3];
    return a > b ? a : b;
}

static inline lanes all_lanes(float x) {
    lanes v;
    for (int j = 0; j < PARTS; j++) v.part[j] = llmi_vf_all(x);
    return v;
}

static bool scan(float *x, float *top, const float *from, int32_t n_blocks) {
    llmi_vi bad = {0};
    for (int32_t b = 0; b < n_blocks; b++) {
        lanes most = all_lanes(-INFINITY);
        for (int i = b * LLMI_BLOCK; i < (b + 1) * LLMI_BLOCK; i += LANES) {
            for (int j = 0; j < PARTS; j++) {
                llmi_vf v = load(from + i, j);
                store(x + i, j, v);
                most.part[j] = llmi_vf_max(v, most.part[j]);
                bad |= v != v;
            }
        }
        top[b] = most_of(&most);
    }
    int32_t any = 0;
    for (int i = 0; i < LLMI_VF_LANES; i++) any |= bad[i];
    return any != 0;
}

static void weigh(float *w, float *sums, const float *x, int32_t n_blocks, float top, float scale) {
    for (int32_t b = 0; b < n_blocks; b++) {
        lanes sum = all_lanes(0);
        for (int i = b * LLMI_BLOCK; i < (b + 1) * LLMI_BLOCK; i += LANES) {
            for (int j = 0; j < PARTS; j++) {
                llmi_vf v = llmi_portable_exp2((load(x + i, j) - top) * scale);
                store(w + i, j, v);
                sum.part[j] += v;
            }
        }
        sums[b] = sum_lanes(&sum);
    }
}

static double mean(const float *w, const float *x, int32_t n_blocks, float top, float scale) {
    double total = 0;
    for (int32_t b = 0; b < n_blocks; b++) {
        lanes sum = all_lanes(0);
        for (int i = b * LLMI_BLOCK; i < (b + 1) * LLMI_BLOCK; i += LANES) {
            for (int j = 0; j < PARTS; j++) {
                llmi_vf d = (load(x + i, j) - top) * scale;
                sum.part[j] += load(w + i, j) * llmi_vf_max(d, llmi_vf_all(LLMI_PORTABLE_EXP2_LEAST));
            }
        }
        total += (double)sum_lanes(&sum);
    }
    return total;
}

static void nearness(float *rank, const float *x, int32_t n_blocks, float top, float scale, double centre) {
    const llmi_vf high = llmi_vf_all((float)centre), low = llmi_vf_all((float)(centre - (double)(float)centre));
    const llmi_vi sign = (llmi_vi)llmi_vf_all(-0.0f);
    for (int32_t i = 0; i < n_blocks * LLMI_BLOCK; i += LLMI_VF_LANES) {
        llmi_vf away = ((load(x + i, 0) - top) * scale - high) - low;
        store(rank + i, 0, (llmi_vf)((llmi_vi)away | sign));
    }
}

static void measure(float *least, float *most, const float *rank, const float *w, int32_t n_blocks) {
    lanes high = all_lanes(-INFINITY), low = high; /* low: the largest -rank */
    const llmi_vi nothing = (llmi_vi)llmi_vf_all(-INFINITY);
    for (int32_t i = 0; i < n_blocks * LLMI_BLOCK; i += LANES) {
        for (int j = 0; j < PARTS; j++) {
            llmi_vf r = load(rank + i, j);
            llmi_vi counts = load(w + i, j) > 0.0f, other = nothing & ~counts;
            high.part[j] = llmi_vf_max((llmi_vf)(((llmi_vi)r & counts) | other), high.part[j]);
            low.part[j] = llmi_vf_max((llmi_vf)(((llmi_vi)-r & counts) | other), low.part[j]);
        }
    }
    *most = most_of(&high);
    *least = -most_of(&low);
}

static void tally(double out[LLMI_TALLIES], const float *rank, const float *w, int32_t n_blocks,
                  const float from[LLMI_TALLIES]) {
    double total[LLMI_TALLIES][LANES] = {{0}};
    for (int32_t b = 0; b < n_blocks; b += TALLY_BLOCKS) {
        int32_t end = (b + TALLY_BLOCKS < n_blocks ? b + TALLY_BLOCKS : n_blocks) * LLMI_BLOCK;
        for (int j = 0; j < PARTS; j++) {
            llmi_vf sum[LLMI_TALLIES] = {{0}};
            for (int32_t i = b * LLMI_BLOCK; i < end; i += LANES)
                for (int t = 0; t < LLMI_TALLIES; t++) sum[t] += where_from(load(w + i, j), load(rank + i, j), from[t]);
            for (int t = 0; t < LLMI_TALLIES; t++)
                for (int i = 0; i < LLMI_VF_LANES; i++) total[t][j * LLMI_VF_LANES + i] += (double)sum[t][i];
        }
    }
    for (int t = 0; t < LLMI_TALLIES; t++) {
        out[t] = 0;
        for (int i = 0; i < LANES; i++) out[t] += total[t][i];
    }
}

/* One bit for each of LANES ranks from `from` to below `below`. */
static inline uint32_t between(const float *rank, float from, float below) {
    uint32_t bits = 0;
    for (int j = 0; j < PARTS; j++) {
        llmi_vf r = load(rank, j);
#if defined(__AVX512F__)
        bits |= _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(r, llmi_vf_all(from), _CMP_GE_OQ), r, llmi_vf_all(below),
                                        _CMP_LT_OQ);
#elif defined(__AVX2__)
        bits |= (uint32_t)_mm256_movemask_ps((llmi_vf)((r >= from) & (r < below))) << j * LLMI_VF_LANES;
#elif defined(__SSE__)
        bits |= (uint32_t)_mm_movemask_ps((llmi_vf)((r >= from) & (r < below))) << j * LLMI_VF_LANES;
#else
        llmi_vi is = (r >= from) & (r < below);
        for (int i = 0; i < LLMI_VF_LANES; i++) bits |= (uint32_t)(is[i] & 1) << (j * LLMI_VF_LANES + i);
#endif
    }
    return bits;
}

/* Branch-free: whether an element survives is unpredictable, so a branch per group would be mispredicted. */
static int32_t select_between(int32_t *out, const float *rank, int32_t n_blocks, float from, float below) {
    int32_t n = 0;
#ifdef __AVX512F__
    const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (int32_t i = 0; i < n_blocks * LLMI_BLOCK; i += LANES) {
        uint32_t bits = between(rank + i, from, below);
        __m512i at = _mm512_maskz_compress_epi32((__mmask16)bits, _mm512_add_epi32(count, _mm512_set1_epi32(i)));
        _mm512_storeu_si512(out + n, at); /* n <= i: there is room */
        n += __builtin_popcount(bits);
    }
#else
    for (int32_t i = 0; i < n_blocks * LLMI_BLOCK; i += LLMI_BLOCK) {
        uint64_t bits = 0;
        for (int j = 0; j < LLMI_BLOCK; j += LANES) bits |= (uint64_t)between(rank + i + j, from, below) << j;
        if (bits == UINT64_MAX) {
            for (int j = 0; j < LLMI_BLOCK; j++) out[n++] = i + j;
            continue;
        }
        for (; bits; bits &= bits - 1) out[n++] = i + __builtin_ctzll(bits);
    }
#endif
    return n;
}

static void sum(float *sums, const float *rank, const float *w, int32_t n_blocks, float from, float below) {
    for (int32_t b = 0; b < n_blocks; b++) {
        lanes total = all_lanes(0);
        for (int i = b * LLMI_BLOCK; i < (b + 1) * LLMI_BLOCK; i += LANES) {
            for (int j = 0; j < PARTS; j++) {
                llmi_vf r = load(rank + i, j);
                total.part[j] += and_mask(where_from(load(w + i, j), r, from), r < below);
            }
        }
        sums[b] = sum_lanes(&total);
    }
}

static void keep(float *w, float *sums, const float *rank, int32_t n_blocks, float from) {
    for (int32_t b = 0; b < n_blocks; b++) {
        lanes total = all_lanes(0);
        for (int i = b * LLMI_BLOCK; i < (b + 1) * LLMI_BLOCK; i += LANES) {
            for (int j = 0; j < PARTS; j++) {
                llmi_vf v = where_from(load(w + i, j), load(rank + i, j), from);
                store(w + i, j, v);
                total.part[j] += v;
            }
        }
        sums[b] = sum_lanes(&total);
    }
}

const llmi_logits_kernels NAME = {TEXT, scan, weigh, mean, nearness, measure, tally, select_between, sum, keep};
