/* Conversations as files: {"messages": [{"role": ..., "content": ...}, ...]}. */
#define _GNU_SOURCE /* mkstemp */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat.h"

enum { MAX_BYTES = 64 << 20 };

/* "~/" is the home folder, as a shell has it. */
static char *expand(chat *t, const char *path) {
    const char *home = strncmp(path, "~/", 2) == 0 ? getenv("HOME") : NULL;
    size_t n = strlen(path) + (home ? strlen(home) : 0) + 1;
    char *out = cli_alloc(t->c, n, 1);
    snprintf(out, n, "%s%s", home ? home : "", home ? path + 1 : path);
    return out;
}

/* ---- saving ---- */

static int write_json(FILE *file, const json_t *whole) {
    int bad = json_dumpf(whole, file, JSON_INDENT(2)) != 0 || fputc('\n', file) == EOF;
    bad |= fflush(file) != 0;
    return (fclose(file) != 0) | bad;
}

/* Under another name first, so that a full disk leaves an old file as it was. Answers 0 or errno. */
static int replace_file(chat *t, const char *path, const json_t *whole) {
    size_t n = strlen(path) + 8;
    char *temporary = cli_alloc(t->c, n, 1);
    snprintf(temporary, n, "%s.XXXXXX", path);
    int fd = mkstemp(temporary);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file) return errno;
    errno = 0;
    int bad = write_json(file, whole) || rename(temporary, path) != 0;
    int error = bad ? (errno ? errno : EIO) : 0;
    if (bad) unlink(temporary);
    return error;
}

static int write_file(const char *path, const json_t *whole) {
    FILE *file = fopen(path, "w");
    if (!file) return errno;
    errno = 0;
    return write_json(file, whole) ? (errno ? errno : EIO) : 0;
}

static int may_replace(chat *t, const char *path) {
    char question[512];
    if (t->path && strcmp(t->path, path) == 0) return 1;
    snprintf(question, sizeof question, "%.400s exists. Replace it? [y/N] ", path);
    return t->is_interactive && editor_ask(t->editor, question, 0);
}

int chat_save(chat *t, const char *argument) {
    if (!*argument) return chat_complain(t, "/save: expected a file, e.g. /save talk.json");
    char *path = expand(t, argument);
    struct stat st;
    int exists = stat(path, &st) == 0, is_regular = !exists || S_ISREG(st.st_mode);
    if (exists && is_regular && !may_replace(t, path)) return chat_complain(t, "%s exists: not saved", path);
    json_t *whole = json_pack("{s:O}", "messages", t->messages);
    int error = !whole ? ENOMEM : is_regular ? replace_file(t, path, whole) : write_file(path, whole);
    json_decref(whole);
    if (error) return chat_complain(t, "%s: %s", path, strerror(error));
    t->path = path;
    chat_note(t, "saved to %s; messages: %zu", path, json_array_size(t->messages));
    return CLI_OK;
}

/* ---- loading ---- */

/* NULL: it was said what is wrong with it, in `why`. */
static json_t *read_json(const char *path, char *why, size_t n_why) {
    struct stat st;
    json_error_t error;
    FILE *file = stat(path, &st) == 0 ? fopen(path, "rb") : NULL;
    if (!file) {
        snprintf(why, n_why, "%s", strerror(errno));
        return NULL;
    }
    json_t *whole = NULL;
    if (!S_ISREG(st.st_mode) || st.st_size > MAX_BYTES)
        snprintf(why, n_why, "expected a file of at most %d MiB", MAX_BYTES >> 20);
    else if (!(whole = json_loadf(file, JSON_ALLOW_NUL, &error)))
        snprintf(why, n_why, "line %d: %s", error.line, error.text);
    fclose(file);
    return whole;
}

static int is_message(const json_t *message) {
    return json_is_string(json_object_get(message, "role")) && json_is_string(json_object_get(message, "content"));
}

int chat_load(chat *t, const char *argument) {
    char why[256];
    if (!*argument) return chat_complain(t, "/load: expected a file, e.g. /load talk.json");
    char *path = expand(t, argument);
    json_t *whole = read_json(path, why, sizeof why);
    if (!whole) return chat_complain(t, "%s: %s", path, why);
    json_t *messages = json_is_array(whole) ? whole : json_object_get(whole, "messages");
    size_t n = json_array_size(messages), n_good = 0;
    while (n_good < n && is_message(json_array_get(messages, n_good))) n_good++;
    if (json_is_array(messages) && n_good == n) {
        json_decref(t->messages);
        t->messages = json_incref(messages);
        t->path = path;
        t->n_tokens = 0;
    }
    int is_list = json_is_array(messages);
    json_decref(whole);
    if (!is_list) return chat_complain(t, "%s: expected {\"messages\": [...]}", path);
    if (n_good < n)
        return chat_complain(t, "%s: message %zu: expected an object with the texts \"role\" and \"content\"", path,
                             n_good + 1);
    chat_note(t, "loaded %s; messages: %zu", path, n);
    return CLI_OK;
}
