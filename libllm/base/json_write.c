#include <inttypes.h>
#include <math.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

/* ---- strings ---- */

/* Appends the escape of a byte or, beyond ASCII, of a character. */
static bool put_escape(llmi_buf *out, uint32_t c) {
    static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
    const char *found = c && c < 0x80 ? strchr(named, (int)c) : NULL;
    if (found) return llmi_buf_printf(out, "\\%c", letters[found - named]);
    if (c < 0x10000) return llmi_buf_printf(out, "\\u%04x", (unsigned)c);
    c -= 0x10000;
    return llmi_buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (c >> 10)), (unsigned)(0xdc00 + (c & 0x3ff)));
}

static bool put_text(llmi_buf *out, llm_span text, bool ascii) {
    bool ok = llmi_buf_append(out, "\"", 1);
    for (size_t plain = 0, i = 0; i < text.len && ok; i = plain) {
        /* as many bytes as need no escape, then one escape */
        for (; plain < text.len; plain++) {
            unsigned char c = (unsigned char)text.ptr[plain];
            if (c < 0x20 || c == '"' || c == '\\' || (ascii && c >= 0x7f)) break;
        }
        ok = llmi_buf_append(out, text.ptr + i, plain - i);
        if (plain == text.len || !ok) break;
        size_t n;
        uint32_t c = llmi_utf8_decode(text.ptr + plain, text.len - plain, &n);
        if (c == LLMI_UTF8_INVALID)
            c = (unsigned char)text.ptr[plain], n = 1; /* only by a mistake of the caller's own */
        ok = put_escape(out, c);
        plain += n;
    }
    return ok && llmi_buf_append(out, "\"", 1);
}

/* ---- trees ---- */

typedef struct write_frame {
    const llmi_json *value;
    uint32_t next; /* item or member */
} write_frame;

static bool puts_to(llmi_buf *out, const char *text) {
    return llmi_buf_append(out, text, strlen(text));
}

/* A scalar whole, of an array or object the bracket that opens it. */
static bool put_start(llmi_buf *out, const llmi_json *v, unsigned flags) {
    switch (v->type) {
    case LLMI_JSON_NULL:
        return puts_to(out, "null");
    case LLMI_JSON_FALSE:
        return puts_to(out, "false");
    case LLMI_JSON_TRUE:
        return puts_to(out, "true");
    case LLMI_JSON_NUMBER:
        return llmi_buf_append(out, v->text, v->n);
    case LLMI_JSON_STRING:
        return put_text(out, llmi_json_text(v), flags & LLMI_JSON_ASCII);
    default:
        return llmi_buf_append(out, v->type == LLMI_JSON_ARRAY ? "[" : "{", 1);
    }
}

/* The next element of the innermost array or object, or the bracket that closes it. */
static bool put_next(llmi_buf *out, llmi_buf *frames, unsigned flags) {
    write_frame *f = &llmi_buf_at(frames, write_frame, llmi_buf_count(frames, write_frame) - 1);
    const llmi_json *v = f->value, *element;
    if (f->next == v->n) {
        frames->len -= sizeof *f;
        return llmi_buf_append(out, v->type == LLMI_JSON_ARRAY ? "]" : "}", 1);
    }
    bool ok = f->next == 0 || puts_to(out, flags & LLMI_JSON_SPACED ? ", " : ",");
    if (v->type == LLMI_JSON_OBJECT) {
        const llmi_json_member *m = v->members + f->next++;
        ok = ok && put_text(out, llmi_json_text(&m->key), flags & LLMI_JSON_ASCII) &&
             puts_to(out, flags & LLMI_JSON_SPACED ? ": " : ":");
        element = &m->value;
    } else {
        element = v->items + f->next++;
    }
    ok = ok && put_start(out, element, flags);
    return ok && (element->type < LLMI_JSON_ARRAY || llmi_buf_push(frames, ((write_frame){element, 0})));
}

bool llmi_json_write(llmi_buf *out, const llmi_json *value, unsigned flags) {
    size_t before = out->len;
    llmi_buf frames;
    llmi_buf_init(&frames, out->a);
    bool ok = put_start(out, value, flags);
    if (ok && value->type >= LLMI_JSON_ARRAY) ok = llmi_buf_push(&frames, ((write_frame){value, 0}));
    while (ok && frames.len) ok = put_next(out, &frames, flags);
    llmi_buf_free(&frames);
    if (!ok) out->len = before;
    return ok;
}

/* ---- piece by piece ---- */

llmi_json_writer llmi_json_writer_to(llmi_buf *out) {
    return (llmi_json_writer){.out = out};
}

/* Ends a value that `ok` says was written. */
static void wrote(llmi_json_writer *w, bool ok) {
    w->failed = w->failed || !ok;
    w->comma = true;
}

static bool separate(llmi_json_writer *w) {
    return !w->failed && (!w->comma || llmi_buf_append(w->out, ",", 1));
}

void llmi_json_begin(llmi_json_writer *w, char bracket) {
    wrote(w, separate(w) && llmi_buf_append(w->out, &bracket, 1));
    w->comma = false;
}

void llmi_json_end(llmi_json_writer *w, char bracket) {
    wrote(w, !w->failed && llmi_buf_append(w->out, &bracket, 1));
}

void llmi_json_key(llmi_json_writer *w, const char *key) {
    wrote(w, separate(w) && put_text(w->out, (llm_span){key, strlen(key)}, false) && llmi_buf_append(w->out, ":", 1));
    w->comma = false;
}

void llmi_json_put_string(llmi_json_writer *w, llm_span text) {
    wrote(w, separate(w) && put_text(w->out, text, false));
}

void llmi_json_put_int(llmi_json_writer *w, int64_t value) {
    wrote(w, separate(w) && llmi_buf_printf(w->out, "%" PRId64, value));
}

void llmi_json_put_double(llmi_json_writer *w, double value) {
    char digits[LLMI_NUMBER_BYTES];
    wrote(w, separate(w) && puts_to(w->out, isfinite(value) ? llmi_number(digits, value) : "null"));
}

void llmi_json_put_bool(llmi_json_writer *w, bool value) {
    wrote(w, separate(w) && puts_to(w->out, value ? "true" : "false"));
}

void llmi_json_put_null(llmi_json_writer *w) {
    wrote(w, separate(w) && puts_to(w->out, "null"));
}

void llmi_json_put_value(llmi_json_writer *w, const llmi_json *value) {
    wrote(w, separate(w) && llmi_json_write(w->out, value, LLMI_JSON_COMPACT));
}
