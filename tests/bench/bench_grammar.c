/* Microseconds per token of the set of allowed tokens, over a large made-up vocabulary:
 *     bench_grammar VOCABULARY.gguf
 * A file of made_up_vocabulary.py's vocabulary comes from tests/bench/make_model.py. Each row: texts walked at random
 * under a grammar, first with a fresh grammar, then with one that knows the way. */
#include <llm/llm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/grammar.h"
#include "base/alloc.h"
#include "limits.h"

enum { MAX_TOKENS = 400, N_TEXTS = 50 };

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const struct {
    const char *name;
    llm_status (*make)(llm_grammar **, const llm_tokenizer *, const char *, size_t);
    const char *text;
} rows[] = {
    {"JSON Schema", llm_grammar_from_json_schema,
     "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"maxLength\":60},\"age\":{\"type\":"
     "\"integer\","
     "\"minimum\":0,\"maximum\":150},\"email\":{\"type\":\"string\"},\"tags\":{\"type\":\"array\",\"items\":{\"type\":"
     "\"string\"},\"maxItems\":5},\"address\":{\"type\":\"object\",\"properties\":{\"street\":{\"type\":\"string\"},"
     "\"city\":{\"type\":\"string\"},\"zip\":{\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"}},\"required\":["
     "\"street\","
     "\"city\"]},\"kind\":{\"enum\":[\"a\",\"b\",\"other\"]}},\"required\":[\"name\",\"age\",\"email\",\"tags\","
     "\"address\",\"kind\"]}"},
    {"JSON", llm_grammar_from_json_schema, "{\"type\":\"object\"}"},
    {"JSON in GBNF", llm_grammar_from_gbnf,
     "root ::= object\nvalue ::= object | array | string | number | (\"true\" | \"false\" | \"null\") ws\n"
     "object ::= \"{\" ws (string \":\" ws value (\",\" ws string \":\" ws value)*)? \"}\" ws\n"
     "array ::= \"[\" ws (value (\",\" ws value)*)? \"]\" ws\n"
     "string ::= \"\\\"\" ([^\"\\\\\\x7F\\x00-\\x1F] | \"\\\\\" ([\"\\\\bfnrt] | \"u\" [0-9a-fA-F]{4}))* \"\\\"\" ws\n"
     "number ::= (\"-\"? ([0-9] | [1-9] [0-9]{0,15})) (\".\" [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws\n"
     "ws ::= | \" \" | \"\\n\" [ \\t]{0,20}\n"},
    {"regular expression", llm_grammar_from_regex, "[A-Z][a-z ]{20,200}\\. (yes|no|maybe) [0-9]{1,3}( [a-z]+)*!"},
};

typedef struct times {
    double us[N_TEXTS * MAX_TOKENS];
    size_t n;
} times;

/* The next token: at random, with a leaning to what closes something. */
static llm_token pick(const uint64_t *allowed, const llm_tokenizer *t, int32_t n_vocab, unsigned *seed) {
    *seed = *seed * 1103515245 + 12345;
    int32_t begin = (int32_t)(*seed >> 4) % n_vocab;
    static const char *const closing[] = {"\"", "}", "]", ",", "!", "."};
    for (size_t i = 0; i < 6 && *seed >> 16 & 4; i++) {
        llm_token token = llm_tokenizer_find(t, closing[i], 1);
        if (token >= 0 && allowed[token / 64] >> (token & 63) & 1) return token;
    }
    for (int32_t i = 0; i < n_vocab; i++) {
        int32_t token = (begin + i) % n_vocab;
        if (allowed[token / 64] >> (token & 63) & 1) return token;
    }
    return LLM_TOKEN_NONE;
}

static void walk(times *out, const llm_grammar *g, const llm_tokenizer *t, uint64_t *allowed, unsigned seed) {
    llmi_api_matchers m;
    int32_t n_vocab = llm_tokenizer_size(t);
    if (llmi_api_matchers_init(&m, &llmi_default_allocator, g, t, 1, false) != LLM_OK) exit(2);
    for (int i = 0; i < MAX_TOKENS && !llmi_api_matchers_over(&m, 0); i++) {
        memset(allowed, 0xff, ((size_t)n_vocab + 63) / 64 * 8);
        double begin = 1e6 * llmb_cpu_now();
        if (m.masks[0].mask(m.masks[0].user, allowed, n_vocab) != LLM_OK) break;
        double middle = 1e6 * llmb_cpu_now();
        llm_token token = pick(allowed, t, n_vocab, &seed);
        double before = 1e6 * llmb_cpu_now();
        if (m.masks[0].accept(m.masks[0].user, token) != LLM_OK) break;
        out->us[out->n++] = middle - begin + 1e6 * llmb_cpu_now() - before;
        if (llm_tokenizer_is_eog(t, token)) break;
    }
    llmi_api_matchers_free(&m);
}

static void print(const char *what, times *x) {
    double sum = 0;
    qsort(x->us, x->n, sizeof x->us[0], compare);
    for (size_t i = 0; i < x->n; i++) sum += x->us[i];
    if (x->n)
        printf("  %s %6zu tokens: mean %7.1f median %7.1f p90 %7.1f p99 %7.1f max %8.1f\n", what, x->n,
               sum / (double)x->n, x->us[x->n / 2], x->us[x->n * 9 / 10], x->us[x->n * 99 / 100], x->us[x->n - 1]);
}

int main(int argc, char **argv) {
    llm_tokenizer *t;
    if (argc != 2 || llm_tokenizer_load(&t, NULL, argv[1]) != LLM_OK) {
        fprintf(stderr, "usage: bench_grammar VOCABULARY.gguf\n%s\n", llm_last_error());
        return 2;
    }
    int32_t n_vocab = llm_tokenizer_size(t);
    uint64_t *allowed = malloc(((size_t)n_vocab + 63) / 64 * 8);
    times *x = calloc(1, sizeof *x);
    if (!allowed || !x) return 2;
    printf("microseconds per token, %d tokens\n", n_vocab);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        llm_grammar *g;
        double begin = 1e6 * llmb_cpu_now();
        if (rows[r].make(&g, t, rows[r].text, LLM_NTS) != LLM_OK) {
            fprintf(stderr, "%s: %s\n", rows[r].name, llm_last_error());
            return 2;
        }
        printf("%s: made in %.1f ms\n", rows[r].name, (1e6 * llmb_cpu_now() - begin) * 1e-3);
        x->n = 0;
        walk(x, g, t, allowed, 1);
        print("first text", x);
        x->n = 0;
        for (unsigned i = 2; i < N_TEXTS; i++) walk(x, g, t, allowed, i);
        print("later texts", x);
        llm_grammar_unref(g);
    }
    free(x);
    free(allowed);
    llm_tokenizer_unref(t);
    return 0;
}
