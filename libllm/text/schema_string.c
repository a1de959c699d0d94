/* JSON strings: lengths, patterns, formats. */
#include <string.h>

#include "base/text.h"
#include "text/grammar_regex.h"
#include "text/schema.h"

/* ---- characters ---- */

static const llmi_ir_range plain[] = {{0x20, 0x21}, {0x23, 0x5b}, {0x5d, 0x10ffff}};

/* What must be escaped, and how in the shortest way. */
static size_t escape(char out[8], uint32_t c) {
    static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
    const char *found = c ? strchr(from, (int)c) : NULL;
    if (!found) return llmi_format(out, 8, "\\u%04x", c);
    return llmi_format(out, 8, "\\%c", to[found - from]);
}

int32_t llmi_schema_chars(llmi_ir *ir, llmi_ir_range *ranges, size_t n) {
    int32_t kids[36], n_kids = 1;
    llmi_buf raw;
    llmi_buf_init(&raw, ir->a);
    bool seen[0x5d] = {false};
    for (size_t i = 0; i < n && ir->status == LLM_OK; i++) {
        for (size_t k = 0; k < sizeof plain / sizeof plain[0]; k++) {
            llmi_ir_range r = ranges[i];
            if (r.first < plain[k].first) r.first = plain[k].first;
            if (r.last > plain[k].last) r.last = plain[k].last;
            if (r.first <= r.last && !llmi_buf_push(&raw, r)) llmi_ir_fail(ir, LLM_E_MEMORY);
        }
        for (uint32_t c = ranges[i].first; c <= ranges[i].last && c < 0x5d; c++) {
            char text[8];
            bool escaped = c < 0x20 || c == '"' || c == '\\';
            if (!escaped || seen[c]) continue;
            seen[c] = true;
            size_t n_text = escape(text, c);
            kids[n_kids++] = llmi_ir_text(ir, text, n_text);
        }
    }
    if (ir->status == LLM_OK)
        kids[0] = llmi_ir_chars(ir, (llmi_ir_range *)(void *)raw.data, llmi_buf_count(&raw, llmi_ir_range));
    llmi_buf_free(&raw);
    return ir->status == LLM_OK ? llmi_ir_list(ir, LLMI_IR_ALT, kids, (size_t)n_kids) : -1;
}

static int32_t class_of(llmi_ir *ir, const llmi_ir_range *ranges, size_t n) {
    llmi_ir_range copy[4];
    memcpy(copy, ranges, n * sizeof *ranges);
    return llmi_ir_chars(ir, copy, n);
}

int32_t llmi_schema_any_char(llmi_ir *ir) {
    static const llmi_ir_range escapes[] = {{'"', '"'}, {'/', '/'}, {'\\', '\\'}};
    static const llmi_ir_range more[] = {{'b', 'b'}, {'f', 'f'}, {'n', 'n'}, {'r', 'r'}};
    static const llmi_ir_range hex[] = {{'0', '9'}, {'A', 'F'}, {'a', 'f'}};
    static const llmi_ir_range no_d[] = {{'0', '9'}, {'A', 'C'}, {'E', 'F'}};
    static const llmi_ir_range no_d_small[] = {{'a', 'c'}, {'e', 'f'}};
    static const llmi_ir_range d[] = {{'D', 'D'}, {'d', 'd'}}, below_8[] = {{'0', '7'}}, t[] = {{'t', 't'}};
    int32_t first = llmi_ir_alt(ir, class_of(ir, no_d, 3), class_of(ir, no_d_small, 2));
    int32_t most = llmi_ir_seq(ir, first, llmi_ir_repeat(ir, class_of(ir, hex, 3), 3, 3));
    int32_t rest =
        llmi_ir_seq(ir, class_of(ir, d, 2), class_of(ir, below_8, 1), llmi_ir_repeat(ir, class_of(ir, hex, 3), 2, 2));
    int32_t code = llmi_ir_seq(ir, llmi_ir_word(ir, "u"), llmi_ir_alt(ir, most, rest));
    int32_t letter = llmi_ir_alt(ir, class_of(ir, escapes, 3), class_of(ir, more, 4), class_of(ir, t, 1), code);
    return llmi_ir_alt(ir, class_of(ir, plain, 3), llmi_ir_seq(ir, llmi_ir_word(ir, "\\"), letter));
}

/* ---- formats ---- */

#define YEAR "([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
#define DATE                                                                                                           \
    YEAR "-(((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01]))|((04|06|09|11)-(0[1-9]|[12][0-9]|30))|(02-(0[1-9]|1[0-"  \
         "9]|2[0-8])))"
#define TIME  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define BYTE  "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"

/* Each is a part of what the format allows: what every checker accepts. 29 February is left out. */
static const struct {
    const char *name, *pattern;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"},
    {"email", "[A-Za-z0-9_+-]{1,32}(\\.[A-Za-z0-9_+-]{1,32}){0,3}@" LABEL "(\\." LABEL "){1,3}"},
    {"ipv4", BYTE "\\." BYTE "\\." BYTE "\\." BYTE},
    {"uri", "[a-z][a-z0-9+.-]{0,15}://" LABEL "(\\." LABEL "){0,4}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~-]{0,64}){0,8}"
            "(\\?[A-Za-z0-9._~=&-]{0,128})?(#[A-Za-z0-9._~-]{0,64})?"},
};

/* Formats of the standard that are not made here; any other name is a note for people. */
static const char *const other_formats[] = {"duration",      "idn-email",     "hostname",     "idn-hostname",
                                            "ipv6",          "uri-reference", "iri",          "regex",
                                            "iri-reference", "uri-template",  "json-pointer", "relative-json-pointer"};

static const char *find_format(llmi_schema *s, const json_t *schema) {
    const char *name = json_string_value(json_object_get(schema, "format"));
    for (size_t i = 0; name && i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0) return formats[i].pattern;
    for (size_t i = 0; name && i < sizeof other_formats / sizeof other_formats[0]; i++)
        if (strcmp(other_formats[i], name) == 0)
            llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"format\" \"%s\" cannot be part of a grammar", name);
    return NULL;
}

/* ---- strings ---- */

static int32_t quoted(llmi_schema *s, int32_t inside) {
    int32_t begin = llmi_ir_word(&s->ir, "\""), end = llmi_ir_word(&s->ir, "\"");
    return llmi_ir_seq(&s->ir, begin, inside, end);
}

static int32_t read_pattern(llmi_schema *s, const char *pattern, size_t n, bool whole) {
    bool before = llmi_schema_failed(s);
    int32_t node = llmi_regex_read(&s->ir, pattern, n, whole, llmi_schema_chars);
    if (!before && llmi_schema_failed(s))
        llmi_error_in(s->ir.status, "#%s/pattern", LLMI_QUOTE(s->path.ptr, s->path.len));
    return quoted(s, node);
}

int32_t llmi_schema_string(llmi_schema *s, const json_t *schema) {
    const json_t *pattern = json_object_get(schema, "pattern");
    const char *format = find_format(s, schema);
    int32_t min = llmi_schema_count(s, schema, "minLength", 0);
    int32_t max = llmi_schema_count(s, schema, "maxLength", LLMI_IR_UNLIMITED);
    bool bounded = min > 0 || max >= 0;
    if (pattern && !json_is_string(pattern)) llmi_schema_fault(s, LLM_E_FORMAT, "\"pattern\" is no string");
    if ((pattern || format) && bounded)
        llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"%s\" beside \"%s\"", min > 0 ? "minLength" : "maxLength",
                          pattern ? "pattern" : "format");
    if (pattern && format) llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"format\" beside \"pattern\"");
    if (llmi_schema_failed(s)) return -1;
    if (format) return read_pattern(s, format, strlen(format), true);
    if (pattern) return read_pattern(s, json_string_value(pattern), json_string_length(pattern), false);
    if (!bounded) return llmi_schema_shared(s, LLMI_SHARED_STRING);
    if (max >= 0 && max < min) return llmi_ir_list(&s->ir, LLMI_IR_ALT, NULL, 0);
    return quoted(s, llmi_ir_repeat(&s->ir, llmi_schema_any_char(&s->ir), min, max));
}
