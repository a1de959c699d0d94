/* What a grammar costs to make, as a goal: inputs that take more memory at once, or more allocations, than others of
 * their size are kept as if they had reached new code, so that the fuzzer climbs towards slow and fat ones.
 * The first byte says what the rest is: '/' a regular expression, '#' GBNF, anything else JSON Schema. */
#include "grammar.h"

enum { MAX_PEAK = 192 << 20, MAX_ALLOCATIONS = 3000000 };

typedef struct cost {
    size_t now, peak, n;
} cost;

/* libFuzzer takes these for counters of code. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t goals[2][64];

static void *take(void *user, size_t n_bytes, size_t alignment) {
    cost *c = user;
    c->n++;
    c->now += n_bytes;
    if (c->now > c->peak) c->peak = c->now;
    return llmi_default_allocator.alloc(llmi_default_allocator.user, n_bytes, alignment);
}

static void give(void *user, void *ptr, size_t n_bytes) {
    ((cost *)user)->now -= n_bytes;
    llmi_default_allocator.free(llmi_default_allocator.user, ptr, n_bytes);
}

/* Twice the logarithm of a ratio: the next counter is half as much again. */
static void reach(uint8_t *goal, size_t cost_, size_t n_bytes) {
    size_t level = 0;
    for (size_t ratio = cost_ / (n_bytes + 16); ratio > 1; ratio /= 2) level += 2;
    goal[level < 63 ? level : 63] = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static llm_tokenizer *t;
    if (!t) t = fuzz_tokenizer();
    bool regex = n && data[0] == '/', gbnf = n && data[0] == '#';
    fuzz_make_fn make = regex ? llmi_grammar_from_regex : gbnf ? llmi_grammar_from_gbnf : llmi_grammar_from_schema;
    size_t skip = regex || gbnf;
    cost c = {0};
    llm_allocator a = {&c, take, give};
    llmi_grammar *g = NULL;
    make(&g, &a, t, (const char *)data + skip, n - skip);
    llmi_grammar_unref(g);
    if (c.now || c.peak > MAX_PEAK || c.n > MAX_ALLOCATIONS) abort();
    reach(goals[0], c.peak, n);
    reach(goals[1], 64 * c.n, n);
    return 0;
}
