#include "prompt/extract.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "prompt/extract_letter.h"
#include "prompt/extract_marker.h"
#include "prompt/extract_number.h"
#include "prompt/extract_plain.h"
#include "prompt/extract_regex.h"
#include "unicode/categories.h"
#include "unicode/normalize.h"

typedef llm_status (*extract_fn)(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n);

struct llmi_extract {
    const llm_allocator *a;
    extract_fn run;
    llmi_buf argument;
    llmi_extract_regex *pattern;
    llmi_extract_marker marker;
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
        if (llmi_unicode_class(c) & LLMI_SPACE) {
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
    return c != LLMI_UTF8_INVALID &&
           ((llmi_unicode_class(c) & (LLMI_SPACE | LLMI_PUNCT)) || llmi_extract_plain_char(c, 0) == '$');
}

/* Without spaces, punctuation and currency signs at the ends, unless nothing else is there. */
static llm_span trim(llm_span s) {
    llm_span t = s;
    while (t.len && is_edge(t.ptr, t.len)) {
        if (llmi_extract_number_begins(t.ptr, t.len)) break;
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
    llmi_buf clean, form, folded;
    llmi_buf *const bufs[] = {&clean, &form, &folded};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], out->a);
    /* Small letters may compose where capital ones did not. */
    bool ok = llmi_utf8_repair(&clean, text, n) == 0 &&
              llmi_unicode_normalize(&form, clean.len ? clean.data : "", clean.len, true, true) &&
              append_folded(&folded, form.len ? form.data : "", form.len) &&
              llmi_unicode_normalize(out, folded.len ? folded.data : "", folded.len, true, true);
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
    return ok;
}

bool llmi_extract_normalize(llmi_buf *out, const char *text, size_t n) {
    llmi_buf folded;
    llmi_buf_init(&folded, out->a);
    bool ok = llmi_extract_fold(&folded, text, n);
    llm_span s = trim((llm_span){folded.len ? folded.data : "", folded.len});
    bool number = false;
    if (ok) ok = llmi_extract_number_whole(out, &number, s.ptr, s.len) == LLM_OK;
    if (ok && !number) ok = llmi_buf_append(out, s.ptr, s.len);
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
    return llmi_extract_number_last(out, found, text, n);
}

static llm_status letter(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    return llmi_extract_letter_last(out, found, (llm_span){x->argument.data, x->argument.len}, text, n);
}

static llm_status regex(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    llm_span s = {0};
    llm_status status = llmi_extract_regex_find(&s, found, x->pattern, text, n);
    return status == LLM_OK && *found ? give(out, found, s.ptr, s.len) : status;
}

static llm_status after(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    llm_span s = llmi_extract_marker_after(&x->marker, (llm_span){text, n});
    if (!s.ptr) return LLM_OK;
    s = strip(s.ptr, s.len);
    const char *end = memchr(s.ptr, '\n', s.len);
    s = trim(strip(s.ptr, end ? (size_t)(end - s.ptr) : s.len));
    return s.len ? give(out, found, s.ptr, s.len) : LLM_OK;
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

static int by_key(const void *a, const void *b) {
    const llmi_json *x = &((const llmi_json_member *)a)->key, *y = &((const llmi_json_member *)b)->key;
    int order = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
    return order ? order : x->n < y->n ? -1 : x->n > y->n;
}

/* The same value with the members of each object in the order of their keys, so that equal values look alike. */
static const llmi_json *sorted(llmi_json_doc *doc, const llmi_json *v) {
    bool object = llmi_json_is(v, LLMI_JSON_OBJECT);
    if (!object && !llmi_json_is(v, LLMI_JSON_ARRAY)) return v;
    size_t n = v->n, width = object ? sizeof(llmi_json_member) : sizeof(llmi_json);
    char *parts = llmi_alloc_array(doc->a, n, width);
    const llmi_json *out = v;
    for (size_t i = 0; parts && out && i < n; i++) {
        out = sorted(doc, object ? &v->members[i].value : &v->items[i]);
        if (out && object)
            ((llmi_json_member *)(void *)parts)[i] = (llmi_json_member){v->members[i].key, *out};
        else if (out)
            ((llmi_json *)(void *)parts)[i] = *out;
    }
    if (object && parts && n > 1) qsort(parts, n, width, by_key);
    if (!parts) out = NULL;
    if (out) out = object ? llmi_json_new_object(doc, (void *)parts, n) : llmi_json_new_array(doc, (void *)parts, n);
    if (parts) llmi_free(doc->a, parts, n * width);
    return out;
}

/* Strings as they read, numbers as they are spelled. */
static llm_status give_value(llmi_buf *out, bool *found, llmi_json_doc *doc, const llmi_json *value) {
    llm_span text = llmi_json_text(value);
    if (text.ptr) return give(out, found, text.ptr, text.len);
    value = sorted(doc, value);
    if (!value)
        return doc->status == LLM_OK ? LLM_E_MEMORY : doc->status; /* its own scratch memory, or the document's */
    *found = llmi_json_write(out, value, LLMI_JSON_COMPACT);
    return *found ? LLM_OK : LLM_E_MEMORY;
}

/* A key of an object, or a place in an array. */
static const llmi_json *find_part(const llmi_json *v, const char *part, size_t n) {
    if (!llmi_json_is(v, LLMI_JSON_ARRAY)) return llmi_json_find(v, (llm_span){part, n});
    size_t index = 0;
    for (size_t i = 0; i < n; i++) {
        if (part[i] < '0' || part[i] > '9' || i > 8) return NULL;
        index = index * 10 + (size_t)(part[i] - '0');
    }
    return n ? llmi_json_item(v, index) : NULL;
}

/* "a.b" is the key "a.b" if there is one, else what "b" is of "a". */
static const llmi_json *find_field(const llmi_json *v, const char *path, size_t n) {
    for (size_t len = n;;) {
        const llmi_json *found = find_part(v, path, len);
        if (found && len == n) return found;
        if (found) return find_field(found, path + len + 1, n - len - 1);
        while (len && path[len - 1] != '.') len--;
        if (!len) return NULL;
        len--;
    }
}

/* Looks in the object at text[0..n-1]; *used is where to look for another one. */
static llm_status field_of_object(llmi_buf *out, bool *found, size_t *used, const llmi_extract *x, const char *text,
                                  size_t n) {
    llmi_json_doc doc;
    const llmi_json *object = NULL;
    size_t len = object_length(text, n);
    llmi_json_doc_init(&doc, out->a, 0);
    llm_status status = len ? llmi_json_parse(&object, &doc, (llm_span){text, len}, "answer", 0) : LLM_E_FORMAT;
    *used = status == LLM_OK ? len : 1;
    const llmi_json *value = status == LLM_OK ? find_field(object, x->argument.data, x->argument.len) : NULL;
    if (value) status = give_value(out, found, &doc, value);
    llmi_json_doc_free(&doc);
    return value || status == LLM_E_MEMORY ? status : LLM_OK;
}

/* The first object that has the field. Many openings without an end would make this slow: it tries some. */
static llm_status json_field(llmi_buf *out, bool *found, const llmi_extract *x, const char *text, size_t n) {
    enum { MAX_TRIES = 64 };
    llm_status status = LLM_OK;
    for (size_t at = 0, tries = 0; at < n && tries < MAX_TRIES && status == LLM_OK && !*found; tries++) {
        const char *open = memchr(text + at, '{', n - at);
        size_t used;
        if (!open) return LLM_OK;
        at = (size_t)(open - text);
        status = field_of_object(out, found, &used, x, open, n - at);
        at += used;
        if (status == LLM_OK) llmi_error_clear();
    }
    return status;
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
        if (x->run == regex) return llmi_extract_regex_create(&x->pattern, x->a, argument, n_kept);
        if (x->run == after)
            return llmi_extract_marker_init(&x->marker, x->a, (llm_span){argument, n_kept}) ? LLM_OK : LLM_E_MEMORY;
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
    llmi_extract_regex_destroy(x->pattern);
    llmi_extract_marker_free(&x->marker);
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
