/* Signs of life on standard error, if that is a terminal: a thread shows what is going on, how far it is and for how
 * long, as soon as a second has almost passed without a word. */
#define _GNU_SOURCE /* pthread_cond_clockwait */
#include "cli.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 20, PATIENCE_MS = 800, TICK_MS = 200, MAX_LINE = 200 };

static struct progress {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    int running;
    const char *label;
    double start_ms;
    double done;              /* 0..1; negative: unknown */
    int64_t n_tokens, n_most; /* n_most 0: unknown; both 0: it is not about tokens */
    int width;                /* of the line that is shown; 0: none */
} now = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* ---- the line; with the lock held ---- */

static int columns(void) {
    struct winsize size;
    int n = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    return n < MAX_LINE ? n - 1 : MAX_LINE - 1;
}

static void erase(void) {
    if (now.width) fprintf(stderr, "\r%*s\r", now.width, "");
    now.width = 0;
}

static void add(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(char *line, const char *format, ...) {
    size_t n = strlen(line);
    va_list list;
    va_start(list, format);
    vsnprintf(line + n, MAX_LINE - n, format, list);
    va_end(list);
}

static void add_bar(char *line) {
    char bar[BAR + 1];
    int filled = (int)(now.done * BAR);
    for (int i = 0; i < BAR; i++) bar[i] = i < filled ? '#' : '.';
    bar[BAR] = 0;
    add(line, " [%s] %3d%%", bar, (int)(now.done * 100));
}

static void show(void) {
    char line[MAX_LINE] = "";
    double spent = cli_now_ms() - now.start_ms;
    add(line, "%s", now.label);
    if (now.done >= 0) add_bar(line);
    if (now.n_most)
        add(line, ", %lld of %lld tokens", (long long)now.n_tokens, (long long)now.n_most);
    else if (now.n_tokens)
        add(line, ", %lld tokens", (long long)now.n_tokens);
    if (now.n_tokens) add(line, ", %.1f/s", (double)now.n_tokens / spent * 1e3);
    double shown = now.done > 0 ? spent * (1 - now.done) / now.done : spent;
    add(line, shown < 120e3 ? ", %.0f s%s" : ", %.0f min%s", shown / (shown < 120e3 ? 1e3 : 60e3),
        now.done > 0 ? " left" : "");
    line[columns()] = 0;
    int width = (int)strlen(line);
    fprintf(stderr, "\r%s%*s", line, now.width > width ? now.width - width : 0, "");
    fflush(stderr);
    now.width = width;
}

static void *tick(void *unused) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&now.lock);
    for (int wait_ms = PATIENCE_MS; now.running; wait_ms = TICK_MS) {
        until.tv_nsec += wait_ms * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        while (now.running && pthread_cond_clockwait(&now.changed, &now.lock, CLOCK_MONOTONIC, &until) == 0) {
        }
        if (now.running) show();
    }
    erase();
    pthread_mutex_unlock(&now.lock);
    return NULL;
}

/* ---- what the rest of the command says ---- */

void cli_progress_begin(const char *label) {
    cli_progress_end();
    if (!isatty(STDERR_FILENO)) return;
    sigset_t all, before;
    now.label = label;
    now.start_ms = cli_now_ms();
    now.done = -1;
    now.n_tokens = now.n_most = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    now.running = 1;
    if (pthread_create(&now.thread, NULL, tick, NULL) != 0) now.running = 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int32_t cli_progress_update(void *unused, double done) {
    pthread_mutex_lock(&now.lock);
    now.done = done < 0 ? 0 : done > 1 ? 1 : done;
    pthread_mutex_unlock(&now.lock);
    return 0;
}

void cli_progress_tokens(int64_t n, int64_t n_most) {
    pthread_mutex_lock(&now.lock);
    now.n_tokens = n;
    now.n_most = n_most;
    now.done = n_most > 0 ? (double)n / (double)n_most : -1;
    pthread_mutex_unlock(&now.lock);
}

void cli_progress_end(void) {
    if (!now.running) return;
    pthread_mutex_lock(&now.lock);
    now.running = 0;
    pthread_cond_signal(&now.changed);
    pthread_mutex_unlock(&now.lock);
    pthread_join(now.thread, NULL);
}

void cli_print_message(const char *text) {
    pthread_mutex_lock(&now.lock);
    erase();
    fprintf(stderr, "%s\n", text);
    pthread_mutex_unlock(&now.lock);
}
