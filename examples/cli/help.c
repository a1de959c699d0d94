/* The help text, and the name that is nearest to a wrong one. */
#include "args.h"

#include <string.h>

enum { INDENT = 33, WIDTH = 100, MAX_TEXT = 512 };

/* Words up to WIDTH columns, further lines below the first one, which begins at INDENT. */
static void print_wrapped(FILE *file, const char *text) {
    int column = INDENT;
    while (*text) {
        int n = (int)strcspn(text, " ");
        if (column > INDENT && column + 1 + n > WIDTH) {
            fprintf(file, "\n%*s", INDENT, "");
            column = INDENT;
        }
        column += fprintf(file, "%s%.*s", column > INDENT ? " " : "", n, text);
        text += n + (text[n] == ' ');
    }
    fputc('\n', file);
}

/* Of a switch that is on: what the library says after "0: ", or else the opposite of what it does. */
static void describe(char *out, const cli_row *r, int is_on) {
    const char *meaning = r->own ? r->own->meaning : r->info.meaning, *off = strstr(meaning, "; 0: ");
    int has_default = !r->own && cli_takes_value(r) && r->fallback[0];
    snprintf(out, MAX_TEXT, "%s%s%s%s%s", is_on && !off ? "do not " : "", is_on && off ? off + 5 : meaning,
             has_default ? " (default " : "", has_default ? r->fallback : "", has_default ? ")" : "");
}

static void print_row(FILE *file, const cli_row *r) {
    static const char *const kinds[] = {"", " N", " X", "", " TEXT", " TYPE"};
    int is_on = !r->own && !cli_takes_value(r) && strchr("1tT", r->fallback[0]) != NULL;
    const char *no = is_on ? "no-" : "";
    char head[160], letter[8] = "", text[MAX_TEXT];
    if (r->letter) snprintf(letter, sizeof letter, "-%c, ", r->letter);
    const char *value = r->own ? (r->own->value ? r->own->value : "") : kinds[r->info.type];
    snprintf(head, sizeof head, "%s--%s%s%s%s%s%s%s", letter, no, r->name, r->alias ? ", --" : "", r->alias ? no : "",
             r->alias ? r->alias : "", r->own && r->own->value ? " " : "", value);
    describe(text, r, is_on);
    fprintf(file, "  %-30s ", head);
    print_wrapped(file, text);
}

/* The first row of an option has its help line: not the aliases, not --no-NAME, not a second group. */
static int has_line(const cli_rows *all, size_t index) {
    const cli_row *r = &all->at[index];
    if (r->own) return 1;
    if (r->negates || (r->alias && strcmp(r->alias, r->name) == 0)) return 0;
    for (size_t i = 0; i < index; i++)
        if (strcmp(all->at[i].name, r->name) == 0) return 0;
    return 1;
}

void cli_print_help(FILE *file, const cli_command *command) {
    cli_rows all;
    cli_build_rows(&all, command);
    fprintf(file, "usage: %s %s %s\n\n%s.\n", cli_program, command->name, command->synopsis, command->summary);
    if (command->details) fprintf(file, "\n%s\n", command->details);
    const char *title = NULL;
    for (size_t i = 0; i < all.n; i++) {
        if (!has_line(&all, i)) continue;
        const char *next = all.at[i].own ? "Options" : all.at[i].group->title;
        if (title != next) fprintf(file, "\n%s:\n", title = next);
        print_row(file, &all.at[i]);
    }
}

/* ---- the nearest name ---- */

/* Edits (insert, delete, replace) that turn a into b (Levenshtein, 1966); b is cut at 63 bytes. */
static size_t distance(const char *a, const char *b) {
    size_t line[64], n = strnlen(b, 63);
    for (size_t j = 0; j <= n; j++) line[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = line[0];
        line[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            if (line[j] + 1 < best) best = line[j] + 1;
            if (line[j + 1] + 1 < best) best = line[j + 1] + 1;
            diagonal = line[j + 1];
            line[j + 1] = best;
        }
    }
    return line[n];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n_names) {
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 2;
    for (size_t i = 0; i < n_names; i++) {
        size_t d = distance(word, names[i]);
        if (d >= least) continue;
        least = d;
        nearest = names[i];
    }
    return nearest;
}
