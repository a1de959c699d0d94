#include "text/extract.h"

#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/old_json.h"
#include "base/text.h"
#include "text/chars.h"
#include "text/extract_number.h"
#include "text/extract_regex.h"
#include "text/forms.h"
#include "text/utf8.h"

typedef llm_status (*extract_fn)(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n);

struct llmi_extract {
    const llm_allocator *a;
    extract_fn run;
    llmi_buf argument;
    llmi_pattern *pattern;
};

static llm_status give(llmi_buf *out, bool *found, const char *text, size_t n) {
    *found = true;
    return llmi_buf_append(out, text, n) ? LLM_OK : LLM_E_MEMORY;
}

/* ---- comparable forms ---- */

static bool append_folded(llmi_buf *out, const char *text, size_t n) {
    bool blank = false, ok = true;
    size_t begin = out->len;
    for (size_t i = 0, len; i < n && ok; i += len) {
        uint32_t c = llmi_utf8_decode(text + i, n - i, &len);
        if (llmi_char_class(c) & LLMI_SPACE) {
            blank = out->len > begin;
            continue;
        }
        char bytes[5] = " ";
        size_t n_bytes = llmi_utf8_encode(bytes + blank, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
        ok = llmi_buf_append(out, bytes, n_bytes + blank);
        blank = false;
    }
    return ok;
}

static bool is_edge(const char *text, size_t n) {
    size_t len;
    uint32_t c = llmi_utf8_decode(text, n, &len);
    return c != LLMI_UTF8_INVALID && (llmi_char_class(c) & (LLMI_SPACE | LLMI_PUNCT));
}

/* Without blanks and punctuation at the ends, unless nothing else is there. */
static llm_span trim(llm_span s) {
    llm_span t = s;
    while (t.len && is_edge(t.ptr, t.len)) {
        bool sign = llmi_number_scan(t.ptr, t.len) > 0;
        if (sign) break;
        size_t len = llmi_utf8_step(t.ptr, t.len);
        t = (llm_span){t.ptr + len, t.len - len};
    }
    while (t.len) {
        size_t at = t.len - 1;
        while (at && ((unsigned char)t.ptr[at] & 0xc0) == 0x80) at--;
        if (!is_edge(t.ptr + at, t.len - at)) break;
        t.len = at;
    }
    return t.len ? t : s;
}

bool llmi_extract_fold(llmi_buf *out, const char *text, size_t n) {
    llmi_buf clean, form;
    llmi_buf_init(&clean, out->a);
    llmi_buf_init(&form, out->a);
    bool ok = llmi_utf8_repair(&clean, text, n) == 0 &&
              llmi_form_append(&form, clean.len ? clean.data : "", clean.len, true, true) &&
              append_folded(out, form.len ? form.data : "", form.len);
    llmi_buf_free(&clean);
    llmi_buf_free(&form);
    return ok;
}

bool llmi_extract_normalize(llmi_buf *out, const char *text, size_t n) {
    llmi_buf folded;
    llmi_buf_init(&folded, out->a);
    bool ok = llmi_extract_fold(&folded, text, n);
    llm_span s = trim((llm_span){folded.len ? folded.data : "", folded.len});
    bool number = s.len && llmi_number_scan(s.ptr, s.len) == s.len;
    if (ok) ok = number ? llmi_number_append(out, s.ptr, s.len) : llmi_buf_append(out, s.ptr, s.len);
    llmi_buf_free(&folded);
    return ok;
}

/* ---- kinds ---- */

static llm_span strip(const char *text, size_t n) {
    while (n && text[0] && strchr(" \t\r\n", text[0])) text++, n--;
    while (n && text[n - 1] && strchr(" \t\r\n", text[n - 1])) n--;
    return (llm_span){text, n};
}

static llm_status whole(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    llm_span s = strip(text, n);
    return s.len ? give(out, found, s.ptr, s.len) : LLM_OK;
}

static llm_status number(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    llm_span s = llmi_number_last(text, n);
    *found = s.ptr != NULL;
    return !s.ptr || llmi_number_append(out, s.ptr, s.len) ? LLM_OK : LLM_E_MEMORY;
}

static bool is_alnum(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* "A" and "I" before a word in lower case are words themselves. */
static bool is_word(const char *text, size_t n, size_t i) {
    return (text[i] == 'A' || text[i] == 'I') && i + 2 < n && text[i + 1] == ' ' && text[i + 2] >= 'a' &&
           text[i + 2] <= 'z';
}

/* The last capital letter of the set that stands alone, or one of either case in parentheses. */
static llm_status letter(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    for (size_t i = n; i-- > 0;) {
        bool small = text[i] >= 'a' && text[i] <= 'z';
        char upper = small ? (char)(text[i] - 'a' + 'A') : text[i];
        if (!memchr(x->argument.data, upper, x->argument.len)) continue;
        char before = i ? text[i - 1] : ' ', behind = i + 1 < n ? text[i + 1] : ' ';
        if (is_alnum(before) || is_alnum(behind) || before == '\'' || behind == '\'' || before == '_' || behind == '_')
            continue;
        if (before == '(' && behind == ')') return give(out, found, &upper, 1);
        if (!small && !is_word(text, n, i)) return give(out, found, &upper, 1);
    }
    return LLM_OK;
}

static llm_status regex(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    llm_span s = {0};
    llm_status status = llmi_pattern_find(&s, found, x->pattern, text, n);
    return status == LLM_OK && *found ? give(out, found, s.ptr, s.len) : status;
}

static llm_status after(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    llm_span s = llmi_extract_after((llm_span){text, n}, (llm_span){x->argument.data, x->argument.len});
    if (!s.ptr) return LLM_OK;
    s = strip(s.ptr, s.len);
    const char *end = memchr(s.ptr, '\n', s.len);
    s = trim(strip(s.ptr, end ? (size_t)(end - s.ptr) : s.len));
    return s.len ? give(out, found, s.ptr, s.len) : LLM_OK;
}

llm_span llmi_extract_after(llm_span text, llm_span marker) {
    for (size_t i = marker.len && text.len >= marker.len ? text.len - marker.len + 1 : 0; i-- > 0;) {
        size_t k = 0;
        for (; k < marker.len; k++) {
            char x = text.ptr[i + k], y = marker.ptr[k];
            if (x >= 'A' && x <= 'Z') x = (char)(x - 'A' + 'a');
            if (y >= 'A' && y <= 'Z') y = (char)(y - 'A' + 'a');
            if (x != y) break;
        }
        if (k == marker.len) return (llm_span){text.ptr + i + k, text.len - i - k};
    }
    return (llm_span){0};
}

/* ---- a field of a JSON object ---- */

/* Length of the object that begins at text[0], by its braces; 0 if it does not end. */
static size_t object_length(const char *text, size_t n) {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

static llm_status give_value(llmi_buf *out, bool *found, const json_t *value) {
    if (json_is_string(value)) return give(out, found, json_string_value(value), json_string_length(value));
    *found = llmi_old_json_write(out, value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    return *found ? LLM_OK : llmi_error(LLM_E_MEMORY, "out of memory while writing a JSON value");
}

/* "a.b" names member b of member a. */
static const json_t *find_member(const json_t *object, const llmi_buf *path) {
    for (size_t at = 0; object && at <= path->len;) {
        const char *dot = memchr(path->data + at, '.', path->len - at);
        size_t len = dot ? (size_t)(dot - path->data) - at : path->len - at;
        object = json_object_getn(object, path->data + at, len);
        at += len + 1;
    }
    return object;
}

/* The first object that has the field. Many openings without an end would make this slow: it tries some. */
static llm_status json_field(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    enum { MAX_TRIES = 64 };
    size_t at = 0;
    for (int tries = 0; tries < MAX_TRIES && !*found; tries++) {
        const char *open = at < n ? memchr(text + at, '{', n - at) : NULL;
        if (!open) return LLM_OK;
        at = (size_t)(open - text);
        size_t len = object_length(open, n - at);
        json_t *object = NULL;
        llm_status status = len ? llmi_old_json_parse(&object, open, len, "answer") : LLM_E_FORMAT;
        const json_t *value = status == LLM_OK ? find_member(object, &x->argument) : NULL;
        if (value) status = give_value(out, found, value);
        at += value || status == LLM_OK ? (len ? len : 1) : 1;
        json_decref(object);
        if (status == LLM_E_MEMORY) return status;
        llmi_error_clear();
    }
    return LLM_OK;
}

/* ---- one for all ---- */

static const struct {
    const char *name;
    extract_fn run;
    bool needs_argument;
    const char *argument; /* where it may be left out; NULL: it takes none */
} KINDS[] = {
    {"text", whole, false, NULL}, {"number", number, false, NULL},  {"letter", letter, false, "ABCDEFGHIJ"},
    {"regex", regex, true, NULL}, {"json", json_field, true, NULL}, {"after", after, true, NULL},
};

static llm_status parse(llmi_extract *x, const char *spec, size_t n) {
    const char *colon = memchr(spec, ':', n);
    size_t n_name = colon ? (size_t)(colon - spec) : n, n_argument = colon ? n - n_name - 1 : 0;
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (strlen(KINDS[i].name) != n_name || memcmp(KINDS[i].name, spec, n_name) != 0) continue;
        const char *argument = colon ? colon + 1 : KINDS[i].argument;
        if (colon && !KINDS[i].needs_argument && !KINDS[i].argument)
            return llmi_error(LLM_E_ARGUMENT, "extractor \"%s\" takes nothing after a colon", KINDS[i].name);
        if ((KINDS[i].needs_argument || colon) && !n_argument)
            return llmi_error(LLM_E_ARGUMENT, "extractor \"%s\": expected %s:SOMETHING", KINDS[i].name, KINDS[i].name);
        x->run = KINDS[i].run;
        size_t n_kept = colon ? n_argument : argument ? strlen(argument) : 0;
        if (x->run == regex) return llmi_pattern_create(&x->pattern, x->a, argument, n_kept);
        return llmi_buf_append(&x->argument, argument ? argument : "", n_kept) ? LLM_OK : LLM_E_MEMORY;
    }
    return llmi_error(LLM_E_ARGUMENT,
                      "there is no extractor \"%s\": known are text, number, letter, letter:LETTERS, regex:PATTERN, "
                      "json:FIELD, after:MARKER",
                      LLMI_QUOTE(spec, n));
}

llm_status llmi_extract_create(llmi_extract **out, const llm_allocator *a, const char *spec, size_t n) {
    *out = NULL;
    llmi_extract *x = llmi_alloc_zero(a, sizeof *x);
    if (!x) return LLM_E_MEMORY;
    x->a = a;
    llmi_buf_init(&x->argument, a);
    llm_status status = parse(x, n ? spec : "text", n ? n : 4);
    if (status != LLM_OK) {
        llmi_extract_destroy(x);
        return status;
    }
    *out = x;
    return LLM_OK;
}

void llmi_extract_destroy(llmi_extract *x) {
    if (!x) return;
    llmi_pattern_destroy(x->pattern);
    llmi_buf_free(&x->argument);
    llmi_free(x->a, x, sizeof *x);
}

llm_status llmi_extract_run(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    llmi_buf clean;
    llmi_buf_init(&clean, out->a);
    *found = false;
    out->len = 0;
    llm_status status = llmi_utf8_repair(&clean, text, n) == 0 ? LLM_OK : LLM_E_MEMORY;
    if (status == LLM_OK) status = x->run(out, found, x, clean.len ? clean.data : "", clean.len);
    if (status != LLM_OK || !*found) out->len = 0, *found = false;
    llmi_buf_free(&clean);
    return status;
}
