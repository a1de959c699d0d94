/* The help text, and the name that is nearest to a wrong one. */
#include "args.h"

#include <string.h>

/* What a switch that is on does when it is negated: what the library says after "0: ", else its opposite. */
static void print_negated(FILE *file, const char *meaning) {
    const char *off = strstr(meaning, "; 0: ");
    if (off)
        fputs(off + 5, file);
    else
        fprintf(file, "do not %s", meaning);
}

static void print_row(FILE *file, const cli_row *r) {
    static const char *const kinds[] = {"", " N", " X", "", " TEXT", " TYPE"};
    int is_on = !r->own && !cli_takes_value(r) && strchr("1tT", r->fallback[0]) != NULL;
    const char *no = is_on ? "no-" : "";
    char head[160], letter[8] = "";
    if (r->letter) snprintf(letter, sizeof letter, "-%c, ", r->letter);
    const char *value = r->own ? (r->own->value ? r->own->value : "") : kinds[r->info.type];
    snprintf(head, sizeof head, "%s--%s%s%s%s%s%s%s", letter, no, r->name, r->alias ? ", --" : "", r->alias ? no : "",
             r->alias ? r->alias : "", r->own && r->own->value ? " " : "", value);
    fprintf(file, "  %-30s ", head);
    if (is_on)
        print_negated(file, r->info.meaning);
    else
        fputs(r->own ? r->own->meaning : r->info.meaning, file);
    if (!r->own && cli_takes_value(r) && r->fallback[0]) fprintf(file, " (default %s)", r->fallback);
    fputc('\n', file);
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
