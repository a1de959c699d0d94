#define _GNU_SOURCE /* getline, sigaction */
#include "editor.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_LIBEDIT
#include <histedit.h>
#include <wchar.h>
#endif

struct editor {
    int is_terminal;
    FILE *out; /* where prompts go */
    const char *prompt;
    char *line; /* getline's */
    size_t line_capacity;
    char *message;
    size_t n_message;
#ifdef HAVE_LIBEDIT
    EditLine *el; /* NULL: plain lines */
    History *history;
#endif
};

static volatile sig_atomic_t n_interrupts;

static void on_interrupt(int signal_number) {
    n_interrupts++;
}

/* ---- libedit ---- */

#ifdef HAVE_LIBEDIT
static const char PASTE_ON[] = "\033[?2004h", PASTE_OFF[] = "\033[?2004l";
static const wchar_t PASTE_END[] = L"\033[201~";

static const struct key {
    const char *sequence, *function;
} keys[] = {
    {"\\e[200~", "llm-paste"},         {"\\e\\r", "llm-newline"},    {"\\e\\n", "llm-newline"},
    {"\\e[3~", "ed-delete-next-char"}, {"\\e[H", "ed-move-to-beg"},  {"\\e[1~", "ed-move-to-beg"},
    {"\\e[F", "ed-move-to-end"},       {"\\e[4~", "ed-move-to-end"}, {"\\e[1;5C", "em-next-word"},
    {"\\e[1;5D", "ed-prev-word"},      {"^R", "em-inc-search-prev"}, {"^C", "llm-interrupt"},
};

static char *show_prompt(EditLine *el) {
    editor *e;
    el_get(el, EL_CLIENTDATA, &e);
    return (char *)e->prompt;
}

/* Newlines, which terminals send as "\r", and tabs are kept of what cannot be seen. */
static size_t add_pasted(wchar_t *text, size_t n, wchar_t c) {
    if (c >= L' ' || c == L'\n' || c == L'\r' || c == L'\t' || c == L'\033') text[n++] = c;
    return n;
}

static unsigned char paste(EditLine *el, int key) {
    size_t n = 0, capacity = 0, n_end = wcslen(PASTE_END);
    wchar_t *text = NULL, c;
    while (el_wgetc(el, &c) == 1) {
        if (n + 1 >= capacity) {
            wchar_t *larger = realloc(text, (capacity = 2 * capacity + 1024) * sizeof *text);
            if (!larger) break;
            text = larger;
        }
        n = add_pasted(text, n, c);
        if (n >= n_end && wmemcmp(text + n - n_end, PASTE_END, n_end) == 0) {
            n -= n_end;
            break;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (text[i] == L'\r')
            text[i] = L'\n';
        else if (text[i] == L'\033')
            text[i] = L' ';
    while (n && text[n - 1] == L'\n') n--;
    if (n) text[n] = 0;
    int bad = n && el_winsertstr(el, text) != 0;
    free(text);
    return bad ? CC_ERROR : CC_REFRESH;
}

static unsigned char newline(EditLine *el, int key) {
    return el_insertstr(el, "\n") == 0 ? CC_REFRESH : CC_ERROR;
}

/* While a line is edited Ctrl-C is a key: a signal between two reads would wake neither. */
static unsigned char interrupt(EditLine *el, int key) {
    n_interrupts++;
    return CC_EOF;
}

static int may_edit(void) {
    const char *terminal = getenv("TERM");
    return terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

static void open_libedit(editor *e) {
    HistEvent event;
    if (!may_edit()) return;
    /* Texts are UTF-8 whatever the environment says. */
    if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, "");
    e->el = el_init("llm", stdin, e->out, stderr);
    e->history = e->el ? history_init() : NULL;
    if (!e->el) return;
    el_set(e->el, EL_CLIENTDATA, e);
    el_set(e->el, EL_PROMPT, show_prompt);
    el_set(e->el, EL_SIGNAL, 1);
    el_set(e->el, EL_EDITOR, "emacs");
    el_wset(e->el, EL_ADDFN, L"llm-paste", L"takes pasted lines as one message", paste); /* el_set leaks the names */
    el_wset(e->el, EL_ADDFN, L"llm-newline", L"begins another line", newline);
    el_wset(e->el, EL_ADDFN, L"llm-interrupt", L"leaves the line", interrupt);
    el_set(e->el, EL_SETTY, "-d", "-intr", NULL);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        el_set(e->el, EL_BIND, keys[i].sequence, keys[i].function, NULL);
    if (e->history) {
        history(e->history, &event, H_SETSIZE, 1000);
        history(e->history, &event, H_SETUNIQUE, 1);
        el_set(e->el, EL_HIST, history, e->history);
    }
    el_source(e->el, NULL);
}

static void close_libedit(editor *e) {
    if (e->history) history_end(e->history);
    if (e->el) el_end(e->el);
}

static const char *edit_line(editor *e, int *n) {
    el_set(e->el, EL_PREP_TERM, 1); /* el_gets does it after the prompt: a Ctrl-D typed in between would be lost */
    if (n_interrupts) {
        el_set(e->el, EL_PREP_TERM, 0);
        return NULL;
    }
    fputs(PASTE_ON, e->out);
    const char *line = el_gets(e->el, n);
    fputs(PASTE_OFF, e->out);
    fflush(e->out);
    return line;
}

static void remember(editor *e, const char *text) {
    HistEvent event;
    if (e->history && *text) history(e->history, &event, H_ENTER, text);
}
#endif

/* ---- lines ---- */

static const char *plain_line(editor *e, int *n) {
    if (e->is_terminal) fputs(e->prompt, e->out);
    fflush(e->out);
    ssize_t got = getline(&e->line, &e->line_capacity, stdin);
    *n = (int)got;
    if (got < 0 && n_interrupts) clearerr(stdin);
    return got < 0 ? NULL : e->line;
}

/* The next line without its newline, which *text borrows. */
static int read_line(llm_span *text, editor *e, const char *prompt) {
    int n = 0;
    const char *line;
    e->prompt = prompt;
#ifdef HAVE_LIBEDIT
    if (e->el)
        line = edit_line(e, &n);
    else
#endif
        line = plain_line(e, &n);
    if (n_interrupts) {
        n_interrupts = 0;
        if (e->is_terminal) fputc('\n', e->out);
        return EDITOR_INTERRUPTED;
    }
    if (!line || n < 0) return ferror(stdin) ? EDITOR_FAILED : EDITOR_END;
    *text = (llm_span){line, (size_t)n};
    if (n && line[n - 1] == '\n') text->len--;
    return EDITOR_MESSAGE;
}

/* ---- messages ---- */

static int add(editor *e, llm_span text) {
    char *larger = realloc(e->message, e->n_message + text.len + 1);
    if (!larger) return 0;
    e->message = larger;
    memcpy(larger + e->n_message, text.ptr, text.len);
    e->n_message += text.len;
    larger[e->n_message] = 0;
    return 1;
}

static int begins(llm_span text) {
    return text.len >= 3 && memcmp(text.ptr, "\"\"\"", 3) == 0;
}

static int ends(llm_span text) {
    return text.len >= 3 && memcmp(text.ptr + text.len - 3, "\"\"\"", 3) == 0;
}

/* The rest of a text in quotes, of which `line` comes first. The lines of the quotes count only if they hold text. */
static int read_quoted(editor *e, llm_span line) {
    for (int n_lines = 0;; n_lines++) {
        int is_last = ends(line);
        if (is_last) line.len -= 3;
        int is_edge = n_lines == 0 || is_last;
        if (e->n_message && !(is_edge && !line.len) && !add(e, (llm_span){"\n", 1})) return EDITOR_FAILED;
        if (!add(e, line)) return EDITOR_FAILED;
        if (is_last) return EDITOR_MESSAGE;
        int got = read_line(&line, e, "... ");
        if (got != EDITOR_MESSAGE) return got == EDITOR_END ? EDITOR_UNENDED : got;
    }
}

int editor_read(editor_message *out, editor *e) {
    llm_span line;
    e->n_message = 0;
    int got = read_line(&line, e, "> ");
    if (got != EDITOR_MESSAGE) return got;
    int quoted = begins(line);
    if (quoted)
        got = read_quoted(e, (llm_span){line.ptr + 3, line.len - 3});
    else if (!add(e, line))
        got = EDITOR_FAILED;
    if (got != EDITOR_MESSAGE) return got;
    *out = (editor_message){{e->message, e->n_message}, !quoted && !memchr(e->message, '\n', e->n_message)};
#ifdef HAVE_LIBEDIT
    remember(e, e->message);
#endif
    return EDITOR_MESSAGE;
}

int editor_ask(editor *e, const char *question, int fallback) {
    llm_span line;
    if (read_line(&line, e, question) != EDITOR_MESSAGE) return 0;
    return line.len ? line.ptr[0] == 'y' || line.ptr[0] == 'Y' : fallback;
}

/* ---- life ---- */

editor *editor_open(int is_terminal) {
    editor *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->is_terminal = is_terminal;
    e->out = isatty(STDOUT_FILENO) ? stdout : stderr;
    if (!is_terminal) return e;
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
#ifdef HAVE_LIBEDIT
    open_libedit(e);
#endif
    return e;
}

void editor_close(editor *e) {
    if (!e) return;
#ifdef HAVE_LIBEDIT
    close_libedit(e);
#endif
    free(e->line);
    free(e->message);
    free(e);
}
