/* Microseconds of processor time per token of the sampler over a large vocabulary: bench_sampler [N_VOCAB]. Median of
 * many draws. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/philox.h"
#include "engine/sampler/sampler.h"
#include "limits.h"

enum { N_RUNS = 201, N_TOP = 20 };

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Normal logits of a spread, as models give them. */
static void fill(float *logits, int n, double spread) {
    for (int i = 0; i < n; i++) {
        double u = llmi_philox_uniform(1, (uint64_t)i, 0), v = llmi_philox_uniform(1, (uint64_t)i, 1);
        logits[i] = (float)(spread * sqrt(-2 * log(1 - u)) * cos(6.283185307179586 * v));
    }
}

static const struct {
    const char *name;
    llmi_sampler_options how;
} rows[] = {
#define HOW(temperature, k, p, minimum, typical, repetition)                                                           \
    { temperature, k, p, minimum, typical, repetition, 0, 0, 64, 7, NULL, 0 }
    {"greedy", HOW(0, 0, 1, 0, 1, 1)},
    {"temperature", HOW(0.8f, 0, 1, 0, 1, 1)},
    {"top-k 40", HOW(0.8f, 40, 1, 0, 1, 1)},
    {"top-k 5000", HOW(0.8f, 5000, 1, 0, 1, 1)},
    {"top-p 0.95", HOW(0.8f, 0, 0.95f, 0, 1, 1)},
    {"min-p 0.05", HOW(0.8f, 0, 1, 0.05f, 1, 1)},
    {"typical 0.9", HOW(0.8f, 0, 1, 0, 0.9f, 1)},
    {"top-k 40, top-p 0.95, min-p 0.05", HOW(0.8f, 40, 0.95f, 0.05f, 1, 1)},
    {"top-p 0.95, repetition penalty", HOW(0.8f, 0, 0.95f, 0, 1, 1.1f)},
};

static double median_draw(llmi_sampler *s, const llmi_sampler_options *how, const float *logits) {
    static llm_token history[4096];
    double us[N_RUNS];
    for (int i = 0; i < N_RUNS; i++) {
        llm_token token;
        double begin = 1e6 * llmb_cpu_now();
        if (llmi_sampler_draw(&token, s, how, NULL, logits, history, (size_t)i, 0) != LLM_OK) return NAN;
        us[i] = 1e6 * llmb_cpu_now() - begin;
        history[i] = token;
    }
    qsort(us, N_RUNS, sizeof us[0], compare);
    return us[N_RUNS / 2];
}

static double median_logprobs(llmi_sampler *s, const float *logits, int n_top) {
    double us[N_RUNS];
    for (int i = 0; i < N_RUNS; i++) {
        float logprob;
        llm_token_logprob top[N_TOP];
        double begin = 1e6 * llmb_cpu_now();
        if (llmi_sampler_logprobs(&logprob, top, n_top, s, logits, i) != LLM_OK) return NAN;
        us[i] = 1e6 * llmb_cpu_now() - begin;
    }
    qsort(us, N_RUNS, sizeof us[0], compare);
    return us[N_RUNS / 2];
}

int main(int argc, char **argv) {
    static const double spreads[] = {4, 2, 0.5, 0};
    int n = argc > 1 ? atoi(argv[1]) : 150000;
    llmi_sampler *s;
    if (n < 1 || llmi_sampler_create(&s, &llmi_default_allocator, n) != LLM_OK) return 2;
    float *logits = malloc((size_t)n * sizeof *logits);
    if (!logits) return 2;
    printf("%-34s microseconds per token, %d tokens, normal logits of spread 4, 2, 0.5, 0\n", "", n);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0] + 2; r++) {
        size_t n_rows = sizeof rows / sizeof rows[0];
        printf("%-34s", r < n_rows ? rows[r].name : r == n_rows ? "log-probability" : "log-probability, top 20");
        for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++) {
            fill(logits, n, spreads[i]);
            printf(" %8.1f", r < n_rows ? median_draw(s, &rows[r].how, logits)
                                        : median_logprobs(s, logits, r == n_rows ? 0 : N_TOP));
        }
        printf("\n");
    }
    free(logits);
    llmi_sampler_destroy(s);
    return 0;
}
