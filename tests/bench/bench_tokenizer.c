/* How fast a tokenizer encodes, one thread: bench_tokenizer VOCABULARY TEXT. The vocabulary is a GGUF file, a Hugging
 * Face directory or tokenizer.json; the text is taken whole and line by line. Processor time, the best of a few runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llm/llm.h>

#include "limits.h"

enum { N_RUNS = 7 };

static void need(llm_status status) {
    if (status == LLM_OK) return;
    fprintf(stderr, "bench_tokenizer: %s\n", llm_last_error());
    exit(1);
}

static char *read_file(const char *path, size_t *n_bytes) {
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) exit(1);
    long n = ftell(f);
    rewind(f);
    char *text = malloc((size_t)n + 1);
    if (!text || fread(text, 1, (size_t)n, f) != (size_t)n) exit(1);
    fclose(f);
    *n_bytes = (size_t)n;
    return text;
}

static size_t encode(const llm_tokenizer *t, const char *text, size_t n_bytes, llm_token *tokens, size_t capacity) {
    size_t n = 0;
    need(llm_tokenizer_encode(&n, t, text, n_bytes, 0, tokens, capacity));
    return n;
}

static size_t encode_lines(const llm_tokenizer *t, const char *text, size_t n_bytes, llm_token *tokens, size_t n) {
    size_t sum = 0;
    for (const char *end = text + n_bytes, *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop ? stop + 1 : end;
        sum += encode(t, line, (size_t)(stop - line), tokens, n);
        line = stop;
    }
    return sum;
}

static void measure(const char *what, const llm_tokenizer *t, const char *text, size_t n_bytes,
                    size_t (*run)(const llm_tokenizer *, const char *, size_t, llm_token *, size_t)) {
    llm_token *tokens = malloc((n_bytes + 16) * sizeof *tokens);
    double best = 0;
    size_t n = 0;
    if (!tokens) exit(1);
    for (int i = 0; i < N_RUNS; i++) {
        double begin = llmb_cpu_now();
        n = run(t, text, n_bytes, tokens, n_bytes + 16);
        double ms = 1e3 * (llmb_cpu_now() - begin);
        best = i == 0 || ms < best ? ms : best;
    }
    printf("%-13s %8.1f MB/s %9.2f million tokens/s, %.2f bytes a token\n", what, (double)n_bytes / best * 1e-3,
           (double)n / best * 1e-3, (double)n_bytes / (double)n);
    free(tokens);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: bench_tokenizer VOCABULARY TEXT\n");
        return 2;
    }
    llm_tokenizer *t;
    size_t n_bytes;
    double begin = llmb_cpu_now();
    need(llm_tokenizer_load(&t, NULL, argv[1]));
    printf("%s: %d tokens, loaded in %.1f ms\n", llm_tokenizer_kind(t), llm_tokenizer_size(t),
           1e3 * (llmb_cpu_now() - begin));
    char *text = read_file(argv[2], &n_bytes);
    measure("whole", t, text, n_bytes, encode);
    measure("line by line", t, text, n_bytes, encode_lines);
    llm_tokenizer_unref(t);
    free(text);
    return 0;
}
