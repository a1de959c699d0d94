/* test_faults SOURCE_DIR FOLDER [--all] [--but STEP]... [STEP]: every call of the system that a step of the tour makes
 * fails in turn, alone and with all that follow. The step answers the right status, leaks nothing, leaves no file, and
 * works afterwards as before. Without --all, a sample of the calls of each step. A step runs in a process of its own;
 * where that dies or hangs, it is said at which call, and a new one goes on after it. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "tour.h"

enum { SAMPLE = 60, MAX_FAULTS = 10, SECONDS = 30 };

/* Of the child, read by the parent. */
typedef struct state {
    long n, n_calls; /* the call that fails; those that the step makes */
    long n_tried, n_faults;
    int all; /* and every later one */
    int done;
} state;

static state *shared;
static bool try_all;

static int count_names(const char *path) {
    DIR *d = opendir(path);
    int n = 0;
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

static void fault(const tour_step *step, const char *what) {
    const char *name = faults_failed();
    shared->n_faults++;
    if (shared->n_faults > MAX_FAULTS) return;
    printf("%s, call %ld%s (%s): %s\n", step->name, shared->n, shared->all ? " and later" : "", name ? name : "?",
           what);
    fflush(stdout);
}

static llm_status run(const tour_step *step, tour *t, long n, bool all) {
    t->sum = 14695981039346656037u;
    faults_arm(n, all);
    llm_status status = step->run(t);
    faults_disarm();
    return status;
}

static void check(const tour_step *step, tour *t, llm_status status, uint64_t expected) {
    char text[200];
    if (status != LLM_OK && !faults_explain(status)) {
        snprintf(text, sizeof text, "%s: %.120s", llm_status_name(status), llm_last_error());
        fault(step, text);
    }
    if (status != LLM_OK && !*llm_last_error()) fault(step, "no error text");
    if (status == LLM_OK && t->sum != expected) fault(step, "another result");
    if (faults_unfreed()) {
        snprintf(text, sizeof text, "%ld allocations are not freed (%s)", faults_unfreed(), llm_status_name(status));
        fault(step, text);
    }
}

static void try_calls(const tour_step *step, tour *t, uint64_t expected, int n_files, int n_open) {
    long stride = try_all ? 1 : 1 + shared->n_calls / SAMPLE;
    for (; shared->all < 2; shared->all++, shared->n = 0)
        for (; shared->n < shared->n_calls; shared->n += stride) {
            alarm(SECONDS);
            llm_status status = run(step, t, shared->n, shared->all);
            check(step, t, status, expected);
            if (count_names(t->folder) > n_files) fault(step, "a file is left");
            if (count_names("/proc/self/fd") != n_open) fault(step, "a descriptor is left open");
            shared->n_tried++;
        }
}

static void child(const tour_step *step, tour *t, const char *source_dir) {
    if (tour_open(t, source_dir) != LLM_OK) {
        printf("%s: %s\n", step->name, llm_last_error());
        exit(1);
    }
    /* Twice: what is kept for good is made the first time. */
    for (int i = 0; i < 2; i++)
        if (run(step, t, -1, false) != LLM_OK) {
            printf("%s: %s\n", step->name, llm_last_error());
            exit(1);
        }
    if (faults_unfreed()) printf("%s: %ld allocations are not freed without any fault\n", step->name, faults_unfreed());
    uint64_t expected = t->sum;
    shared->n_calls = faults_calls();
    if (!shared->n_calls) fault(step, "makes no call: the definitions of faults.c are not used");
    try_calls(step, t, expected, count_names(t->folder), count_names("/proc/self/fd"));
    if (run(step, t, -1, false) != LLM_OK || t->sum != expected) fault(step, "does not work afterwards");
    tour_close(t);
    shared->done = 1;
    exit(0);
}

/* Named behind --but: what is known to fail. */
static bool is_left_out(const tour_step *step, int argc, char **argv) {
    for (int i = 3; i + 1 < argc; i++)
        if (strcmp(argv[i], "--but") == 0 && strcmp(argv[i + 1], step->name) == 0) return true;
    return false;
}

/* The number of faults. */
static long run_step(const tour_step *step, tour *t, const char *source_dir) {
    *shared = (state){0};
    for (int i = 0; i < MAX_FAULTS && !shared->done; i++) {
        int code = 0;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) child(step, t, source_dir);
        waitpid(pid, &code, 0);
        if (shared->done) break;
        shared->n_faults++;
        if (!WIFSIGNALED(code)) return shared->n_faults; /* it said why */
        printf("%s, call %ld%s: %s\n", step->name, shared->n, shared->all ? " and later" : "",
               WTERMSIG(code) == SIGALRM ? "hangs" : strsignal(WTERMSIG(code)));
        shared->n++;
    }
    printf("%-20s %6ld calls, %6ld tried, %ld faults\n", step->name, shared->n_calls, shared->n_tried,
           shared->n_faults);
    return shared->n_faults;
}

int main(int argc, char **argv) {
    const char *only = NULL;
    tour t = {0};
    long n_faults = 0;
    if (argc < 3) return 2;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0)
            try_all = true;
        else if (strcmp(argv[i], "--but") == 0)
            i++;
        else
            only = argv[i];
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED || tour_prepare(&t, argv[2], argv[1]) != 0) {
        perror(argv[2]);
        return 2;
    }
    for (const tour_step *step = tour_steps; step->name; step++)
        if ((!only || strcmp(only, step->name) == 0) && !is_left_out(step, argc, argv))
            n_faults += run_step(step, &t, argv[1]);
    return n_faults != 0;
}
