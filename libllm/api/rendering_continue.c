/* Prompts that end inside the last message (continue_final_message): the text is cut where its content ends. */
#define _GNU_SOURCE
#include <string.h>

#include "api/check.h"
#include "api/rendering.h"
#include "base/utf8.h"
#include "unicode/python_str.h"

/* The message's text: its content, or the last part of it that is text. */
static llm_span content_of(const llmi_json *message) {
    const llmi_json *content = llmi_json_get(message, "content");
    for (size_t i = llmi_json_count(content); i-- > 0;) {
        const llmi_json *text = llmi_json_get(llmi_json_item(content, i), "text");
        if (llmi_json_is(text, LLMI_JSON_STRING)) return llmi_json_text(text);
    }
    return llmi_json_is(content, LLMI_JSON_STRING) ? llmi_json_text(content) : (llm_span){0};
}

static llm_span without_space_before(llm_span s) {
    for (size_t n; s.len && llmi_python_is_space(llmi_utf8_decode(s.ptr, s.len, &n)); s.ptr += n, s.len -= n)
        ;
    return s;
}

static llm_span without_space_after(llm_span s) {
    while (s.len) {
        size_t n = 1, used;
        while (n < 4 && n < s.len && ((unsigned char)s.ptr[s.len - n] & 0xc0) == 0x80) n++;
        if (!llmi_python_is_space(llmi_utf8_decode(s.ptr + s.len - n, n, &used))) break;
        s.len -= n;
    }
    return s;
}

/* Bytes *begin..*end, one run that the message gave, before piece *i; false: there is none. */
static bool run_before(const llm_rendering *r, int32_t message, size_t *i, size_t *begin, size_t *end) {
    bool found = false;
    while (*i > 0) {
        const llmi_jinja_piece *p = &llmi_buf_at(&r->pieces, llmi_jinja_piece, *i - 1);
        bool is = p->given && p->message == message;
        if (found && !is) break;
        if (is) {
            if (!found) *end = p->end;
            *begin = p->begin;
            found = true;
        }
        --*i;
    }
    return found;
}

/* Where the text stands among what the message gave: at the start of a run, the last one first, or else inside. */
static const char *find_text(const llm_rendering *r, int32_t message, llm_span what) {
    const char *inside = NULL;
    size_t begin = 0, end = 0;
    for (size_t i = llmi_buf_count(&r->pieces, llmi_jinja_piece); run_before(r, message, &i, &begin, &end);) {
        llm_span run = without_space_before((llm_span){r->text.data + begin, end - begin});
        const char *found = what.len <= run.len ? memmem(run.ptr, run.len, what.ptr, what.len) : NULL;
        if (found && found == run.ptr) return found;
        if (found && !inside) inside = found;
    }
    return inside;
}

static void cut(llm_rendering *r, size_t end) {
    r->text.len = end;
    while (r->pieces.len) {
        llmi_jinja_piece *last =
            &llmi_buf_at(&r->pieces, llmi_jinja_piece, llmi_buf_count(&r->pieces, llmi_jinja_piece) - 1);
        if (last->begin < end) {
            if (last->end > end) last->end = end;
            return;
        }
        r->pieces.len -= sizeof *last;
    }
}

llm_status llmi_rendering_continue(llm_rendering *r, const llmi_json *variables) {
    const llmi_json *messages = llmi_json_get(variables, "messages");
    size_t n = llmi_json_count(messages);
    if (llmi_json_is(llmi_json_get(variables, "add_generation_prompt"), LLMI_JSON_TRUE))
        return llmi_error(LLM_E_ARGUMENT, "continue_final_message and add_generation_prompt exclude each other");
    llm_span content = n ? without_space_before(content_of(llmi_json_item(messages, n - 1))) : (llm_span){0};
    llm_span text = without_space_after(content);
    if (!text.len)
        return llmi_error(LLM_E_ARGUMENT, "continue_final_message: the last message has no text that could go on");
    const char *found = find_text(r, (int32_t)n - 1, text);
    if (!found)
        return llmi_error(LLM_E_ARGUMENT, "continue_final_message: the template does not print the text of the last "
                                          "message as it is");
    size_t begin = (size_t)(found - r->text.data), left = r->text.len - begin;
    bool whole = content.len <= left && memcmp(found, content.ptr, content.len) == 0; /* with its space at the end */
    cut(r, begin + (whole ? content.len : text.len));
    return LLM_OK;
}
