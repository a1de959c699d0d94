/* test_host TRIAL SOURCE_DIR FOLDER: the tour in the circumstances of a difficult host. Exit code 77: skipped. */
#define _GNU_SOURCE
#include <dirent.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tour.h"

enum { SKIPPED = 77, SECONDS = 20 };

static const char *source_dir;
static tour t;

static int fail(const char *where, const char *what) {
    printf("%s: %s\n", where, what);
    return 1;
}

/* Runs all steps; sums [n of steps] are set, or compared with what they were. */
static int run_all(uint64_t *sums, int compare) {
    int n_faults = 0;
    for (int i = 0; tour_steps[i].name; i++) {
        t.sum = 0;
        if (tour_steps[i].run(&t) != LLM_OK) return fail(tour_steps[i].name, llm_last_error());
        if (compare && sums[i] != t.sum) n_faults += fail(tour_steps[i].name, "another result");
        sums[i] = t.sum;
    }
    return n_faults;
}

static uint64_t sums[100];

/* ---- a small stack ---- */

enum { LEVELS = 30000 };

/* begin, n times; middle; end, n times: each nests as deeply as somebody could write. */
static char *nest(const char *begin, const char *middle, const char *end, int n) {
    char *text = malloc((strlen(begin) + strlen(end)) * (size_t)n + strlen(middle) + 1), *at = text;
    for (int i = 0; i < n; i++) at = stpcpy(at, begin);
    at = stpcpy(at, middle);
    for (int i = 0; i < n; i++) at = stpcpy(at, end);
    return text;
}

static void make_grammar(llm_status (*make)(llm_grammar **, const llm_tokenizer *, const char *, size_t),
                         const char *text) {
    llm_grammar *g = NULL;
    make(&g, t.tokenizer, text, LLM_NTS);
    llm_grammar_unref(g);
}

static void render(const char *source, const char *context) {
    llm_template *made = NULL;
    llm_rendering *r = NULL;
    if (llm_template_parse(&made, t.runtime, source, LLM_NTS) == LLM_OK)
        llm_template_render(&r, made, context, LLM_NTS, NULL);
    llm_rendering_destroy(r);
    llm_template_unref(made);
}

static void extract(const char *how, const char *text) {
    char out[100];
    size_t n;
    llm_extract(&n, how, text, LLM_NTS, out, sizeof out);
}

static void take_schema(const char *text) {
    make_grammar(llm_grammar_from_json_schema, text);
}

static void take_gbnf(const char *text) {
    char *rules = malloc(strlen(text) + 20);
    sprintf(rules, "root ::= %s", text);
    make_grammar(llm_grammar_from_gbnf, rules);
    free(rules);
}

static void take_regex(const char *text) {
    char *how = malloc(strlen(text) + 20);
    make_grammar(llm_grammar_from_regex, text);
    sprintf(how, "regex:%s", text);
    extract(how, "aaaa");
    extract(how, text);
    free(how);
}

static void take_template(const char *text) {
    render(text, "{\"x\":[[1]]}");
}

static void take_context(const char *text) {
    render("{{ x|tojson }}{{ x }}{{ x|string|length }}{{ x == x }}{{ (x|tojson|string)[:2] }}", text);
    render("{{ messages }}", text);
}

static void take_examples(const char *text) {
    llm_prompt *p = NULL;
    if (llm_prompt_create(&p, t.runtime, NULL) == LLM_OK) llm_prompt_add_examples(p, text, LLM_NTS, LLM_EXAMPLES_AUTO);
    llm_prompt_unref(p);
    extract("json:a", text);
    extract("number", text);
    extract("regex:(\\[|a)*b", text);
}

/* What any text of the interface may hold. */
static void deep(int n) {
    static const struct {
        void (*take)(const char *text);
        const char *begin, *middle, *end;
    } rows[] = {
        {take_schema, "{\"items\":", "{}", "}"},
        {take_schema, "{\"anyOf\":[", "{\"const\":1}", "]}"},
        {take_schema, "{\"allOf\":[", "{\"const\":1}", "]}"},
        {take_schema, "{\"not\":", "{}", "}"},
        {take_schema, "[", "1", "]"},
        {take_gbnf, "(", "\"a\"", ")"},
        {take_gbnf, "(", "\"a\"", ")*"},
        {take_gbnf, "\"a\"|", "\"a\"", ""},
        {take_regex, "(", "a", ")"},
        {take_regex, "(a|", "b", ")*"},
        {take_regex, "[", "a", "]"},
        {take_regex, "(?=", "a", ")"},
        {take_template, "{{ (", "1", ") }}"},
        {take_template, "{% if x %}", "1", "{% endif %}"},
        {take_template, "{% for y in x %}", "1", "{% endfor %}"},
        {take_template, "{{ x|int(", "1", ") }}"},
        {take_template, "{{", "1", "}}"},
        {take_context, "{\"x\":", "1", "}"},
        {take_context, "[", "1", "]"},
        {take_examples, "{\"a\":", "1", "}"},
        {take_examples, "[", "1", "]"},
        {take_template, "{{ ", "('['*2000)|int", " }}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = nest(rows[i].begin, rows[i].middle, rows[i].end, n);
        rows[i].take(text);
        free(text);
    }
    static const struct {
        const char *begin, *middle, *end, *first, *last;
    } expressions[] = {
        {"(", "1", ")", "{{ ", " }}"},         {"[", "1", "]", "{{ ", " }}"},           {"-", "1", "", "{{ ", " }}"},
        {"not ", "1", "", "{{ ", " }}"},       {"1+", "1", "", "{{ ", " }}"},           {"1~", "1", "", "{{ ", " }}"},
        {"x", "x", "|list", "{{ ", " }}"},     {"1 if 1 else ", "1", "", "{{ ", " }}"}, {"[", "1", "]", "{\"x\":", "}"},
        {"{\"a\":", "1", "}", "{\"x\":", "}"},
    };
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        char *text = nest(expressions[i].begin, expressions[i].middle, expressions[i].end, n);
        char *whole = malloc(strlen(text) + 20);
        sprintf(whole, "%s%s%s", expressions[i].first, text, expressions[i].last);
        (*whole == '{' && whole[1] == '{' ? take_template : take_context)(whole);
        free(text);
        free(whole);
    }
}

static void *on_thread(void *user) {
    *(int *)user = run_all(sums, 0);
    for (int n = 1; n < LEVELS; n = n * 3 + 1) deep(n);
    return NULL;
}

/* 64 KiB, of which the C library takes what the thread's variables need. */
static int small_stack(void) {
    pthread_attr_t attr;
    pthread_t thread;
    int n_faults = 1;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    if (pthread_create(&thread, &attr, on_thread, &n_faults) != 0) return fail("thread", "cannot be made");
    pthread_join(thread, NULL);
    return n_faults;
}

/* ---- locales ---- */

/* A decimal comma and groups of digits; the thread's own, then the process's. */
static int locales(void) {
    locale_t comma = newlocale(LC_ALL_MASK, "de_DE.UTF-8", (locale_t)0);
    if (!comma) return SKIPPED;
    int n_faults = run_all(sums, 0) + run_all(sums, 0); /* twice: answers tell what the cache held */
    uselocale(comma);
    n_faults += run_all(sums, 1);
    uselocale(LC_GLOBAL_LOCALE);
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) return SKIPPED;
    return n_faults + run_all(sums, 1);
}

/* ---- signals ---- */

/* Of every thread but the calling one. */
static int signals(void) {
    DIR *tasks = opendir("/proc/self/task");
    int n_threads = 0, n_faults = 0;
    for (struct dirent *e; (e = readdir(tasks));) {
        char path[300], line[200];
        unsigned long long blocked = 0;
        if (e->d_name[0] == '.' || atoi(e->d_name) == getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", e->d_name);
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f)) sscanf(line, "SigBlk: %llx", &blocked);
        if (f) fclose(f);
        n_threads++;
        for (int s = 1; s <= 31; s++)
            if (s != SIGKILL && s != SIGSTOP && !(blocked >> (s - 1) & 1))
                n_faults += fail("a worker takes", strsignal(s));
    }
    closedir(tasks);
    return n_threads ? n_faults : fail("signals", "there is no other thread");
}

/* ---- fork ---- */

static int32_t on_event(void *user, const llm_event *event) {
    return *(volatile int *)user;
}

static void *step(void *user) {
    llm_generate_options o;
    llm_generate_options_init(&o);
    o.ignore_eos = 1;
    llm_generate(NULL, t.engine, "Once", LLM_NTS, &o, on_event, user);
    return NULL;
}

#define REFUSED(call)                                                                                                  \
    do {                                                                                                               \
        if ((call) != LLM_E_STATE) n_faults += fail(#call, llm_last_error());                                          \
    } while (0)

/* Everything that belongs to the parent's engine; what is waited for here would be waited for without end. */
static int in_child(llm_request *request, llm_sequence *sequence) {
    int n_faults = 0;
    llm_event event;
    llm_result *result;
    llm_request *other;
    llm_sequence *fork_of;
    llm_token token = 5;
    float row[256];
    llm_span span = {"a", 1};
    llm_score_item item = {{"a", 1}, {"b", 1}};
    llm_answer *answer;
    alarm(SECONDS);
    REFUSED(llm_engine_step(NULL, t.engine));
    REFUSED(llm_generate(NULL, t.engine, "a", 1, NULL, NULL, NULL));
    REFUSED(llm_generate_tokens(NULL, t.engine, &token, 1, NULL, NULL, NULL));
    REFUSED(llm_score(&result, t.engine, &item, 1, NULL));
    REFUSED(llm_embed(row, t.engine, &span, 1, 0, 0));
    REFUSED(llm_ask(&answer, t.engine, NULL, "{\"question\":\"a\"}", LLM_NTS, NULL, NULL, NULL));
    REFUSED(llm_request_submit(&other, t.engine, "a", 1, NULL));
    REFUSED(llm_request_next(&event, request));
    REFUSED(llm_request_status(request));
    REFUSED(llm_request_result(&result, request));
    REFUSED(llm_sequence_create(&fork_of, t.engine));
    REFUSED(llm_sequence_eval(sequence, &token, 1, NULL, 0));
    REFUSED(llm_sequence_fork(&fork_of, sequence));
    REFUSED(llm_sequence_rewind(sequence, 0));
    llm_engine_cancel(t.engine);
    llm_request_cancel(request);
    llm_request_destroy(request);
    llm_sequence_destroy(sequence);
    tour_close(&t);
    /* The child's own. */
    t = (tour){0};
    if (tour_open(&t, source_dir) != LLM_OK) return fail("child", llm_last_error());
    if (llm_generate(NULL, t.engine, "a", 1, NULL, NULL, NULL) != LLM_OK) n_faults += fail("child", llm_last_error());
    tour_close(&t);
    return n_faults;
}

/* Children are made again and again while another thread steps: some while it holds a lock. */
static int forks(void) {
    pthread_t stepper;
    volatile int stop = 0;
    int n_faults = 0;
    llm_request *request = NULL;
    llm_sequence *sequence = NULL;
    llm_generate_options o;
    llm_generate_options_init(&o);
    o.max_tokens = 4;
    if (llm_sequence_create(&sequence, t.engine) != LLM_OK ||
        llm_request_submit(&request, t.engine, "a", 1, &o) != LLM_OK)
        return fail("forks", llm_last_error());
    if (pthread_create(&stepper, NULL, step, (void *)&stop) != 0) return fail("thread", "cannot be made");
    for (int i = 0; i < 10; i++) {
        int code = 0;
        usleep(1000 + 300 * i);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) _exit(in_child(request, sequence));
        waitpid(pid, &code, 0);
        if (WIFSIGNALED(code)) n_faults += fail("child", strsignal(WTERMSIG(code)));
        if (WIFEXITED(code) && WEXITSTATUS(code)) n_faults++;
    }
    stop = 1;
    pthread_join(stepper, NULL);
    llm_request_destroy(request);
    llm_sequence_destroy(sequence);
    return n_faults;
}

static const struct {
    const char *name;
    int (*run)(void);
} trials[] = {{"stack", small_stack}, {"locale", locales}, {"signals", signals}, {"fork", forks}};

int main(int argc, char **argv) {
    if (argc < 4 || tour_prepare(&t, argv[3], argv[2]) != 0) return 2;
    source_dir = argv[2];
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        if (strcmp(trials[i].name, argv[1]) != 0) continue;
        if (tour_open(&t, source_dir) != LLM_OK) return fail("tour", llm_last_error());
        int n = trials[i].run();
        tour_close(&t);
        return n > 1 && n != SKIPPED ? 1 : n;
    }
    return 2;
}
