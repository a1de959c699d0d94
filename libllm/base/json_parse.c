/* Text to tree. Values wait on a stack until the array or object that they belong to ends and copies them:
 *
 *   {"a": [1, 2     stack: "a" 1 2      frames: {OBJECT from 0} {ARRAY from 1}
 *   {"a": [1, 2]    stack: "a" [1,2]    frames: {OBJECT from 0}
 *
 * Keys and values of an object alternate on the stack, which is how an object's members are laid out in memory. */
#include "base/buf.h"
#include "base/json_doc.h"
#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"

typedef struct parse_frame {
    llmi_json_kind kind;
    size_t start; /* of its values on the stack */
} parse_frame;

typedef struct parser {
    llmi_json_doc *doc;
    const char *begin, *at, *end;
    const char *what;
    unsigned flags;
    llm_status status;
    llmi_buf stack; /* llmi_json */
    parse_frame frames[LLMI_JSON_MAX_DEPTH];
    int depth;
} parser;

/* ---- faults ---- */

/* At p->at: "x.json: line 3, column 5: ..." Returns false. */
static bool fault(parser *p, const char *format, ...) __attribute__((format(printf, 2, 3), cold));
static bool fault(parser *p, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    size_t line = 1, column = 1;
    for (const char *c = p->begin; c < p->at; c++) {
        if (*c == '\n')
            line++, column = 1;
        else if (((unsigned char)*c & 0xc0) != 0x80)
            column++;
    }
    p->status = llmi_error(LLM_E_FORMAT, "%s: line %zu, column %zu: %s", p->what, line, column, text);
    return false;
}

/* The next character, for messages. */
#define FOUND(p) ((p)->at == (p)->end ? "the end" : found_text((char[24]){0}, (p)))
static const char *found_text(char out[24], const parser *p) {
    char quoted[16];
    size_t n = llmi_utf8_char(p->at, (size_t)(p->end - p->at));
    llmi_format(out, 24, "\"%s\"", llmi_quote(quoted, sizeof quoted, p->at, n ? n : 1));
    return out;
}

static bool no_memory(parser *p) {
    p->status = p->doc->status == LLM_E_LIMIT ? LLM_E_LIMIT : LLM_E_MEMORY;
    llmi_error_in(p->status, "%s", p->what);
    return false;
}

/* ---- characters ---- */

static void skip_space(parser *p) {
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t')) p->at++;
}

static bool next_is(const parser *p, char c) {
    return p->at < p->end && *p->at == c;
}

static bool is_digit(const parser *p) {
    return p->at < p->end && *p->at >= '0' && *p->at <= '9';
}

static bool push(parser *p, llmi_json value) {
    if (p->stack.cap - p->stack.len < sizeof value && !llmi_json_doc_fits(p->doc, p->stack.cap + p->stack.cap / 2))
        return no_memory(p);
    return llmi_buf_push(&p->stack, value) || no_memory(p);
}

/* ---- strings ---- */

/* Moves p->at from the opening to the closing quote. *escaped: whether there is a backslash between. */
static bool find_end(parser *p, bool *escaped) {
    *escaped = false;
    for (p->at++; p->at < p->end;) {
        unsigned char c = (unsigned char)*p->at;
        if (c == '"') return true;
        if (c < 0x20) return fault(p, "a control character in a string, expected its escape \\u%04x", c);
        size_t n = c < 0x80 ? 1 : llmi_utf8_char(p->at, (size_t)(p->end - p->at));
        if (n == 0) return fault(p, "a string that is not UTF-8: byte 0x%02x", c);
        if (c == '\\') {
            *escaped = true;
            n = p->end - p->at < 2 ? 1 : 2;
            if (n == 2 && (unsigned char)p->at[1] >= 0x80) n = 1; /* refused when the escape is read */
        }
        p->at += n;
    }
    return fault(p, "a string without end");
}

/* Four hexadecimal digits at p->at + 2; -1 if they are not. */
static int32_t hex4(const parser *p) {
    int32_t value = 0;
    if (p->end - p->at < 6) return -1;
    for (int i = 2; i < 6; i++) {
        char c = p->at[i], lower = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9', letter = lower >= 'a' && lower <= 'f';
        if (!digit && !letter) return -1;
        value = value << 4 | (digit ? c - '0' : lower - 'a' + 10);
    }
    return value;
}

/* Decodes the escape at p->at, which is at most as long as its spelling. 0: a fault. */
static size_t read_escape(parser *p, char *out) {
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *letter = p->at[1] && p->at[1] != 'u' ? strchr(letters, p->at[1]) : NULL;
    if (letter) {
        *out = bytes[letter - letters];
        p->at += 2;
        return 1;
    }
    int32_t c = p->at[1] == 'u' ? hex4(p) : -1;
    if (c < 0) return fault(p, "an escape that JSON does not have: \"%s\"", LLMI_QUOTE(p->at, 2)), 0;
    if (c >= 0xdc00 && c < 0xe000) return fault(p, "an unpaired surrogate \\u%04x", (unsigned)c), 0;
    p->at += 6;
    if (c >= 0xd800 && c < 0xdc00) {
        int32_t low = p->end - p->at >= 6 && p->at[0] == '\\' && p->at[1] == 'u' ? hex4(p) : -1;
        if (low < 0xdc00 || low >= 0xe000) {
            p->at -= 6;
            return fault(p, "an unpaired surrogate \\u%04x", (unsigned)c), 0;
        }
        p->at += 6;
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    return llmi_utf8_encode(out, (uint32_t)c);
}

static bool read_string(parser *p) {
    const char *start = p->at + 1;
    bool escaped;
    if (!find_end(p, &escaped)) return false;
    size_t n = (size_t)(p->at - start), len = 0;
    char *text = llmi_json_doc_take(p->doc, n + 1, 1);
    if (!text) return no_memory(p);
    if (!escaped) {
        memcpy(text, start, len = n);
    } else {
        const char *closing = p->at;
        for (p->at = start; p->at < closing;) {
            const char *next = memchr(p->at, '\\', (size_t)(closing - p->at));
            size_t plain = (size_t)((next ? next : closing) - p->at);
            memcpy(text + len, p->at, plain);
            len += plain;
            p->at += plain;
            size_t k = next ? read_escape(p, text + len) : 0;
            if (next && !k) return false;
            len += k;
        }
    }
    text[len] = 0;
    p->at++;
    return push(p, (llmi_json){.type = LLMI_JSON_STRING, .n = (uint32_t)len, .text = text});
}

/* ---- other scalars ---- */

static bool keep_number(parser *p, const char *start) {
    size_t n = (size_t)(p->at - start);
    char *text = llmi_json_doc_take(p->doc, n + 1, 1);
    if (!text) return no_memory(p);
    memcpy(text, start, n);
    text[n] = 0;
    return push(p, (llmi_json){.type = LLMI_JSON_NUMBER, .n = (uint32_t)n, .text = text});
}

static bool skip_digits(parser *p) {
    if (!is_digit(p)) return fault(p, "expected a digit, found %s", FOUND(p));
    while (is_digit(p)) p->at++;
    return true;
}

static bool read_number(parser *p) {
    const char *start = p->at;
    p->at += *p->at == '-';
    if (next_is(p, '0'))
        p->at++;
    else if (!skip_digits(p))
        return false;
    if (is_digit(p)) return fault(p, "a number with a leading zero");
    if (next_is(p, '.')) {
        p->at++;
        if (!skip_digits(p)) return false;
    }
    if (next_is(p, 'e') || next_is(p, 'E')) {
        p->at++;
        p->at += next_is(p, '+') || next_is(p, '-');
        if (!skip_digits(p)) return false;
    }
    return keep_number(p, start);
}

static const struct {
    const char *word;
    llmi_json_kind kind;
    bool python;
} WORDS[] = {{"null", LLMI_JSON_NULL, false},      {"true", LLMI_JSON_TRUE, false},
             {"false", LLMI_JSON_FALSE, false},    {"NaN", LLMI_JSON_NUMBER, true},
             {"Infinity", LLMI_JSON_NUMBER, true}, {"-Infinity", LLMI_JSON_NUMBER, true}};

/* A word, or false without a fault. */
static bool read_word(parser *p, bool *is_word) {
    *is_word = false;
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        size_t n = strlen(WORDS[i].word);
        if (WORDS[i].python && !(p->flags & LLMI_JSON_PYTHON)) continue;
        if ((size_t)(p->end - p->at) < n || memcmp(p->at, WORDS[i].word, n) != 0) continue;
        const char *start = p->at;
        *is_word = true;
        p->at += n;
        if (WORDS[i].kind == LLMI_JSON_NUMBER) return keep_number(p, start);
        return push(p, (llmi_json){.type = WORDS[i].kind});
    }
    return true;
}

static bool read_scalar(parser *p) {
    bool is_word;
    if (next_is(p, '"')) return read_string(p);
    if (!read_word(p, &is_word)) return false;
    if (is_word) return true;
    if (next_is(p, '-') || is_digit(p)) return read_number(p);
    return fault(p, "expected a value, found %s", FOUND(p));
}

/* ---- arrays and objects ---- */

static bool read_key(parser *p) {
    skip_space(p);
    if (!next_is(p, '"')) return fault(p, "expected a key in quotes, found %s", FOUND(p));
    if (!read_string(p)) return false;
    skip_space(p);
    if (!next_is(p, ':')) return fault(p, "expected \":\" after a key, found %s", FOUND(p));
    p->at++;
    return true;
}

static bool close_object(parser *p, llmi_json *out, const llmi_json *values, size_t n) {
    llm_span twice;
    if (!llmi_json_doc_object(out, p->doc, (const llmi_json_member *)values, n / 2, &twice)) return no_memory(p);
    if (twice.ptr && !(p->flags & LLMI_JSON_PYTHON))
        return fault(p, "duplicate key \"%s\" in the object that ends here", LLMI_QUOTE(twice.ptr, twice.len));
    return true;
}

/* Replaces the innermost frame's values by the array or object that they make. */
static bool close(parser *p) {
    parse_frame f = p->frames[--p->depth];
    size_t n = llmi_buf_count(&p->stack, llmi_json) - f.start;
    const llmi_json *values = n ? &llmi_buf_at(&p->stack, llmi_json, f.start) : NULL;
    llmi_json out = {.type = f.kind, .n = (uint32_t)n};
    if (f.kind == LLMI_JSON_OBJECT) {
        if (!close_object(p, &out, values, n)) return false;
    } else {
        llmi_json *items = llmi_json_doc_take(p->doc, n * sizeof *items, sizeof(void *));
        if (!items) return no_memory(p);
        if (n) memcpy(items, values, n * sizeof *items);
        out.items = items;
    }
    p->at++;
    p->stack.len = f.start * sizeof out;
    return push(p, out);
}

static char closing(const parser *p) {
    return p->frames[p->depth - 1].kind == LLMI_JSON_ARRAY ? ']' : '}';
}

static bool open(parser *p) {
    if (p->depth == LLMI_JSON_MAX_DEPTH) {
        p->status = llmi_error(LLM_E_LIMIT, "%s: JSON nested deeper than %d", p->what, LLMI_JSON_MAX_DEPTH);
        return false;
    }
    llmi_json_kind kind = *p->at++ == '[' ? LLMI_JSON_ARRAY : LLMI_JSON_OBJECT;
    p->frames[p->depth++] = (parse_frame){kind, llmi_buf_count(&p->stack, llmi_json)};
    return true;
}

/* After a value: closes what ends here and steps over the comma before the next value. */
static bool go_to_next(parser *p) {
    for (;;) {
        skip_space(p);
        if (p->depth == 0) return true;
        if (next_is(p, ',')) break;
        if (!next_is(p, closing(p))) return fault(p, "expected \",\" or \"%c\", found %s", closing(p), FOUND(p));
        if (!close(p)) return false;
    }
    p->at++;
    return closing(p) == ']' || read_key(p);
}

static bool read_value(parser *p) {
    skip_space(p);
    while (next_is(p, '[') || next_is(p, '{')) {
        if (!open(p)) return false;
        skip_space(p);
        if (next_is(p, closing(p))) return close(p);
        if (closing(p) == '}' && !read_key(p)) return false;
        skip_space(p);
    }
    return read_scalar(p);
}

static bool read_text(parser *p) {
    if (p->end - p->at >= 3 && memcmp(p->at, "\xef\xbb\xbf", 3) == 0) p->at += 3;
    do
        if (!read_value(p) || !go_to_next(p)) return false;
    while (p->depth > 0);
    return p->at == p->end || fault(p, "expected the end, found %s", FOUND(p));
}

llm_status llmi_json_parse(const llmi_json **out, llmi_json_doc *doc, llm_span text, const char *what, unsigned flags) {
    *out = NULL;
    if (text.len > LLMI_JSON_MAX_BYTES)
        return llmi_error(LLM_E_LIMIT, "%s: %zu bytes of JSON, at most %d are read", what, text.len,
                          LLMI_JSON_MAX_BYTES);
    parser p = {.doc = doc, .begin = text.ptr, .at = text.ptr, .what = what, .flags = flags};
    p.end = text.len ? text.ptr + text.len : text.ptr;
    llmi_buf_init(&p.stack, doc->a);
    doc->status = LLM_OK;
    llmi_json *root = read_text(&p) ? llmi_json_doc_take(doc, sizeof *root, sizeof(void *)) : NULL;
    if (root)
        *root = llmi_buf_at(&p.stack, llmi_json, 0);
    else if (p.status == LLM_OK)
        no_memory(&p);
    *out = root;
    llmi_buf_free(&p.stack);
    return p.status;
}
