/* Messages on standard error, one JSON object on standard output. */
#include "cli.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

int cli_print_json(cli *c, json_t *object) {
    /* Nine significant digits carry a float32 there and back. */
    int bad = !object || json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0;
    json_decref(object);
    if (bad) {
        fprintf(stderr, "%s: cannot write the JSON object\n", cli_program);
        return CLI_FAILURE;
    }
    putchar('\n');
    return CLI_OK;
}

static void report(cli *c, llm_status status, const char *text) {
    const char *name = c->command ? c->command->name : NULL;
    cli_progress_end();
    fprintf(stderr, "%s%s%s: %s\n", cli_program, name ? " " : "", name ? name : "", text);
    if (!c->json) return;
    cli_print_json(c, json_pack("{s:{s:s,s:o}}", "error", "status", llm_status_name(status), "message",
                                cli_json_text(text, strlen(text))));
}

int cli_fail(cli *c, llm_status status) {
    char text[2048];
    snprintf(text, sizeof text, "%s", llm_last_error());
    report(c, status, text[0] ? text : llm_status_text(status));
    return CLI_FAILURE;
}

int cli_error(cli *c, llm_status status, const char *format, ...) {
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    report(c, status, text);
    return CLI_FAILURE;
}

int cli_usage(cli *c, const char *format, ...) {
    char text[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    report(c, LLM_E_ARGUMENT, text);
    fprintf(stderr, "Try '%s help%s%s'.\n", cli_program, c->command ? " " : "", c->command ? c->command->name : "");
    return CLI_USAGE;
}

/* Bytes of the character at text[0], 0 if it is not UTF-8. */
static size_t character(const char *text, size_t len) {
    utf8proc_int32_t point;
    utf8proc_ssize_t limit = len < 4 ? (utf8proc_ssize_t)len : 4;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, limit, &point);
    return n > 0 ? (size_t)n : 0;
}

json_t *cli_json_text(const char *ptr, size_t len) {
    json_t *text = json_stringn(ptr ? ptr : "", len);
    if (text || len > SIZE_MAX / 3 - 1) return text;
    char *clean = malloc(len * 3 + 1);
    if (!clean) return NULL;
    size_t used = 0;
    for (size_t at = 0; at < len;) {
        size_t n = character(ptr + at, len - at);
        memcpy(clean + used, n ? ptr + at : "\xEF\xBF\xBD", n ? n : 3);
        used += n ? n : 3;
        at += n ? n : 1;
    }
    text = json_stringn(clean, used);
    free(clean);
    return text;
}

json_t *cli_json_real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

/* A number, as text where it is too large for readers of 64 bits with a sign. */
json_t *cli_json_seed(uint64_t seed) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    return seed <= INT64_MAX ? json_integer((json_int_t)seed) : json_string(text);
}

json_t *cli_json_ids(const llm_token *ids, size_t n) {
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(array, json_integer(ids[i]));
    return array;
}

void cli_print_escaped(FILE *file, llm_span text) {
    for (size_t at = 0; at < text.len;) {
        size_t n = character(text.ptr + at, text.len - at);
        unsigned char byte = (unsigned char)text.ptr[at];
        if (byte == '\n')
            fputs("\\n", file);
        else if (byte == '\t')
            fputs("\\t", file);
        else if (byte == '\r')
            fputs("\\r", file);
        else if (byte == '\\')
            fputs("\\\\", file);
        else if (n == 0 || byte < 0x20 || byte == 0x7f)
            fprintf(file, "\\x%02x", byte);
        else
            fwrite(text.ptr + at, 1, n, file);
        at += n ? n : 1;
    }
}

/* What a token adds to a text, cut at `capacity` bytes. */
static llm_span token_text(char *out, size_t capacity, const llm_tokenizer *tokenizer, llm_token id) {
    size_t n = 0;
    llm_status status = llm_tokenizer_decode(&n, tokenizer, &id, 1, LLM_DECODE_KEEP_PREFIX, out, capacity);
    return (llm_span){out, status == LLM_OK ? n : status == LLM_E_CAPACITY ? capacity : 0};
}

enum { TOKEN_TEXT = 512 };

void cli_print_token(FILE *file, const llm_tokenizer *tokenizer, llm_token id, char apart) {
    char text[TOKEN_TEXT];
    fprintf(file, "%d", id);
    if (!tokenizer) return;
    fprintf(file, "%c\"", apart);
    cli_print_escaped(file, token_text(text, sizeof text, tokenizer, id));
    fputc('"', file);
}

json_t *cli_json_token(const llm_tokenizer *tokenizer, llm_token id) {
    char text[TOKEN_TEXT];
    if (!tokenizer) return json_null();
    llm_span span = token_text(text, sizeof text, tokenizer, id);
    return cli_json_text(span.ptr, span.len);
}

void cli_print_bytes(FILE *file, int64_t n_bytes) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)n_bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit < 4; unit++) value /= 1024;
    fprintf(file, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}
