/* test_hostile SOURCE_DIR FOLDER: each public function with each argument hostile in turn, on a thread of 64 KiB. None
 * crashes or hangs; a failure has a text, which is UTF-8, and gives no object. */
#define _GNU_SOURCE
#include "hostile.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tour.h"

enum { PAGE = 4096, GUARDED = 64 * PAGE, SECONDS = 60, MAX_SHOWN = 100 };

hostile_objects have, odd;
const char *model_path, *out_path;
char *long_text;
_Alignas(64) char room[1 << 20];
void *made;

static const char *current = "the start";
static long n_calls, n_faults;

/* ---- values ---- */

const char *guard(const char *text) {
    static char *pages;
    size_t n = strlen(text);
    if (!pages) {
        pages = mmap(NULL, GUARDED + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(pages + GUARDED, PAGE, PROT_NONE);
    }
    return n <= GUARDED ? memcpy(pages + GUARDED - n, text, n) : text;
}

void *fresh(void) {
    static _Alignas(64) char bytes[4096];
    memset(bytes, 0, sizeof bytes);
    return bytes;
}

void *sized(uint32_t n_bytes) {
    static _Alignas(64) char bytes[1 << 20];
    memset(bytes, 0, 4096);
    memcpy(bytes, &n_bytes, sizeof n_bytes);
    return bytes;
}

void *askew(const void *bytes, size_t n) {
    static _Alignas(64) char copy[4096];
    return memcpy(copy + 1, bytes, n);
}

const llm_token *tokens_of(int k) {
    static const llm_token values[] = {5, -1, INT32_MIN, INT32_MAX, 2048, 0, 1, 2};
    return &values[k];
}

const llm_logit_bias *biases_of(int k) {
    static const llm_logit_bias values[] = {{5, 1},   {-1, 1},       {INT32_MIN, 0}, {INT32_MAX, 0},
                                            {5, NAN}, {5, INFINITY}, {5, -INFINITY}, {5, 3e38f}};
    return &values[k];
}

static const llm_span spans[] = {{"a 1", 3},      {NULL, 0},           {NULL, 1},
                                 {"a", LLM_NTS},  {"a", SIZE_MAX - 1}, {"a", SIZE_MAX / 2 + 1},
                                 {"\xff\xfe", 2}, {NULL, LLM_NTS}};

const llm_span *spans_of(int k) {
    return &spans[k];
}

const llm_score_item *items_of(int k) {
    static llm_score_item pair[2];
    static int which;
    which = !which; /* hostile is the prompt, then the continuation */
    pair[0] = k && which ? (llm_score_item){spans[k], spans[0]} : (llm_score_item){spans[0], spans[k]};
    return pair;
}

/* ---- calls ---- */

static bool is_utf8(const char *text) {
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        int n = *s < 0x80                 ? 1
                : *s >= 0xc2 && *s < 0xe0 ? 2
                : *s >= 0xe0 && *s < 0xf0 ? 3
                : *s >= 0xf0 && *s < 0xf5 ? 4
                                          : 0;
        if (!n) return false;
        for (int i = 1; i < n; i++)
            if ((s[i] & 0xc0) != 0x80) return false;
        s += n;
    }
    return true;
}

static void fault(const char *what) {
    if (++n_faults <= MAX_SHOWN) printf("%.200s: %s\n", current, what);
}

void begin(const char *call) {
    current = call;
    made = (void *)room;
    n_calls++;
    alarm(SECONDS);
}

void end(llm_status status, int gives) {
    if (status == LLM_OK) return;
    if (status < 0 && !*llm_last_error()) fault("a failure without a text");
    if (!is_utf8(llm_last_error())) fault("a text that is not UTF-8");
    if (gives && made) fault("a failure that gives an object");
    if (gives && status != LLM_OK) made = NULL;
}

static void on_signal(int number) {
    static char text[400];
    int n = snprintf(text, sizeof text, "%.300s: %s\n", current, number == SIGALRM ? "hangs" : "crashes");
    if (write(1, text, (size_t)n) != n) _exit(3);
    _exit(1);
}

/* ---- objects ---- */

static llm_status make_objects(tour *t) {
    llm_generate_options o;
    llm_token ids[] = {5, 6};
    llm_generate_options_init(&o);
    o.max_tokens = 2;
    have.runtime = t->runtime;
    have.model = t->model;
    have.engine = t->engine;
    have.tokenizer = llm_tokenizer_ref((llm_tokenizer *)t->tokenizer);
    llm_status status = llm_generate(&have.result, t->engine, "a", 1, &o, NULL, NULL);
    if (status == LLM_OK) status = llm_decoder_create(&have.decoder, t->tokenizer, 0);
    if (status == LLM_OK) status = llm_grammar_from_regex(&have.grammar, t->tokenizer, "a+", LLM_NTS);
    if (status == LLM_OK) status = llm_prompt_create(&have.prompt, t->runtime, NULL);
    if (status == LLM_OK) status = llm_prompt_fill(&have.filled, have.prompt, t->engine, question, LLM_NTS, NULL);
    if (status == LLM_OK) status = llm_ask(&have.answer, t->engine, have.prompt, question, LLM_NTS, NULL, NULL, &o);
    if (status == LLM_OK) status = llm_template_parse(&have.template, t->runtime, "{{ messages }}", LLM_NTS);
    if (status == LLM_OK)
        status = llm_chat_apply(&have.rendering, t->model, have.template, "{\"messages\":[]}", LLM_NTS, NULL);
    if (status == LLM_OK) status = llm_sequence_create(&have.sequence, t->engine);
    if (status == LLM_OK) status = llm_sequence_eval(have.sequence, ids, 2, NULL, 0);
    if (status == LLM_OK) status = llm_request_submit(&have.request, t->engine, "a", 1, &o);
    while (status == LLM_OK && !llm_request_done(have.request)) status = llm_engine_step(NULL, t->engine);
    return status;
}

/* A model without weights, a small engine that is full, a request that nobody has stepped, what belongs to another
 * tokenizer, a template that refuses, an empty result. */
static llm_status make_odd_objects(const tour *t) {
    llm_model_options m;
    llm_engine_options e;
    llm_span piece;
    llm_token ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
    llm_model_options_init(&m);
    llm_engine_options_init(&e);
    m.tokenizer_only = 1;
    e.n_ctx = 8;
    e.n_seqs = 1;
    llm_status status = llm_runtime_create(&odd.runtime, NULL);
    if (status == LLM_OK) status = llm_model_load(&odd.model, odd.runtime, model_path, &m);
    if (status == LLM_OK) status = llm_engine_create(&odd.engine, t->model, &e);
    if (status == LLM_OK) status = llm_tokenizer_load(&odd.tokenizer, odd.runtime, t->json);
    if (status == LLM_OK) status = llm_grammar_from_regex(&odd.grammar, odd.tokenizer, "the", LLM_NTS);
    if (status == LLM_OK) status = llm_decoder_create(&odd.decoder, odd.tokenizer, 0);
    if (status == LLM_OK) status = llm_decoder_push(&piece, odd.decoder, 9);
    if (status == LLM_OK) status = llm_template_parse(&odd.template, NULL, "{{ raise_exception('no') }}", LLM_NTS);
    if (status == LLM_OK) status = llm_template_render(&odd.rendering, have.template, "{}", LLM_NTS, NULL);
    if (status == LLM_OK) status = llm_prompt_create(&odd.prompt, odd.runtime, NULL);
    if (status == LLM_OK) status = llm_prompt_fill(&odd.filled, odd.prompt, NULL, question, LLM_NTS, NULL);
    if (status == LLM_OK) status = llm_score(&odd.result, t->engine, NULL, 0, NULL);
    if (status == LLM_OK) status = llm_sequence_create(&odd.sequence, odd.engine);
    if (status == LLM_OK) status = llm_sequence_eval(odd.sequence, ids, 8, NULL, 0);
    if (status == LLM_OK) status = llm_request_submit(&odd.request, odd.engine, "a", 1, NULL);
    return status;
}

static void drop(const hostile_objects *o) {
    llm_request_destroy(o->request);
    llm_sequence_destroy(o->sequence);
    llm_rendering_destroy(o->rendering);
    llm_template_unref(o->template);
    llm_answer_destroy(o->answer);
    llm_filled_destroy(o->filled);
    llm_prompt_unref(o->prompt);
    llm_grammar_unref(o->grammar);
    llm_decoder_destroy(o->decoder);
    llm_result_unref(o->result);
    llm_tokenizer_unref(o->tokenizer);
    llm_engine_destroy(o->engine);
    llm_model_unref(o->model);
    llm_runtime_unref(o->runtime);
}

static void *on_thread(void *arg) {
    static _Alignas(16) char stack[64 << 10];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
    hostile_all();
    return arg;
}

static bool run_all(void) {
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    return pthread_create(&thread, &attr, on_thread, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

int main(int argc, char **argv) {
    tour t = {0};
    static char path[1024], out[1024];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    /* Some names of files are hostile, too. */
    if (argc < 3 || tour_prepare(&t, argv[2], argv[1]) != 0 || tour_open(&t, argv[1]) != LLM_OK || chdir(argv[2]) != 0)
        return 2;
    snprintf(path, sizeof path, "%s/examples/models/tiny-reasoner.gguf", argv[1]);
    snprintf(out, sizeof out, "%s/out.gguf", argv[2]);
    model_path = path;
    out_path = out;
    long_text = malloc(100001);
    memset(long_text, 'x', 100000);
    long_text[100000] = 0;
    int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL, SIGALRM};
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++) sigaction(deadly[i], &action, NULL);
    if (make_objects(&t) != LLM_OK || make_odd_objects(&t) != LLM_OK) return puts(llm_last_error()), 2;
    if (!run_all()) return 2;
    alarm(0);
    drop(&have);
    drop(&odd);
    printf("%ld calls, %ld faults\n", n_calls, n_faults);
    return n_faults != 0;
}
