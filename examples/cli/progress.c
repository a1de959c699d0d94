/* A progress bar on standard error, only if that is a terminal and the work takes a while. */
#include "cli.h"

#include <unistd.h>

enum { WIDTH = 40, PATIENCE_MS = 300 };

void cli_progress_begin(cli_progress *p, const char *label) {
    *p = (cli_progress){.label = label, .start_ms = cli_now_ms(), .shown = -1};
}

int32_t cli_progress_update(void *progress, double done) {
    cli_progress *p = progress;
    int percent = (int)(done * 100);
    if (percent == p->shown || !isatty(STDERR_FILENO)) return 0;
    double spent = cli_now_ms() - p->start_ms;
    if (spent < PATIENCE_MS) return 0;
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++) bar[i] = i < percent * WIDTH / 100 ? '#' : '.';
    bar[WIDTH] = 0;
    fprintf(stderr, "\r%s [%s] %3d%% ", p->label, bar, percent);
    if (done > 0) fprintf(stderr, "%4.0f s left ", spent * (1 - done) / done / 1e3);
    fflush(stderr);
    p->shown = percent;
    return 0;
}

void cli_progress_end(cli_progress *p) {
    if (p->shown >= 0) fprintf(stderr, "\r\033[K");
    p->shown = -1;
}
