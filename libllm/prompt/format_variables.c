#include "prompt/format_variables.h"

#include <string.h>

#include "base/text.h"

static bool is_in(const llmi_buf *list, llm_span name) {
    for (size_t i = 0; i < llmi_buf_count(list, llm_span); i++) {
        llm_span known = llmi_buf_at(list, llm_span, i);
        if (known.len == name.len && memcmp(known.ptr, name.ptr, name.len) == 0) return true;
    }
    return false;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_part(char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* ---- what is between braces ---- */

static size_t string_length(llm_span code) {
    size_t n = 1;
    while (n < code.len && code.ptr[n] != code.ptr[0]) n += code.ptr[n] == '\\' ? 2 : 1;
    return n < code.len ? n + 1 : code.len;
}

/* The next {{ }}, {% %} or {# #}: what is in it; *kind is '{', '%' or '#', 0 for the end. */
static llm_span next_block(char *kind, llm_span *rest) {
    size_t at = 0, n = rest->len;
    const char *p = rest->ptr;
    while (at + 1 < n && !(p[at] == '{' && strchr("{%#", p[at + 1]) && p[at + 1])) at++;
    *kind = at + 1 < n ? p[at + 1] : 0;
    if (!*kind) return (llm_span){0};
    char close = *kind == '{' ? '}' : *kind;
    size_t begin = at += 2;
    while (at + 1 < n && !(p[at] == close && p[at + 1] == '}')) {
        bool quoted = *kind != '#' && (p[at] == '"' || p[at] == '\'');
        at += quoted ? string_length((llm_span){p + at, n - at}) : 1;
    }
    if (at > n) at = n;
    *rest = (llm_span){p + at, n - at};
    return (llm_span){p + begin, at - begin};
}

typedef struct word {
    llm_span text;
    char before, after; /* signs beside it, but for spaces; 0: none */
    bool assigns;       /* name=value */
} word;

static void look_after(word *w, llm_span code, size_t at) {
    while (at < code.len && strchr(" \t\r\n", code.ptr[at])) at++;
    w->after = at < code.len ? code.ptr[at] : 0;
    w->assigns = w->after == '=' && !(at + 1 < code.len && code.ptr[at + 1] == '=');
}

/* The next identifier at or after *at; strings and numbers are passed over. */
static bool next_word(word *w, llm_span code, size_t *at) {
    for (w->before = 0; *at < code.len;) {
        char c = code.ptr[*at];
        if (c == '"' || c == '\'') {
            *at += string_length((llm_span){code.ptr + *at, code.len - *at});
            w->before = c;
        } else if (is_part(c)) {
            size_t begin = *at;
            while (*at < code.len && is_part(code.ptr[*at])) ++*at;
            w->text = (llm_span){code.ptr + begin, *at - begin};
            look_after(w, code, *at);
            if (is_letter(c)) return true;
            w->before = c;
        } else {
            if (!strchr(" \t\r\n", c)) w->before = c;
            ++*at;
        }
    }
    return false;
}

/* ---- names ---- */

static bool has_condition(llm_span code) {
    static const char *const words[] = {"if", "default", "defined", "undefined", "and", "or"};
    word w;
    for (size_t at = 0; next_word(&w, code, &at);) {
        if (w.before == '|' && llmi_span_is(w.text, "d")) return true;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (llmi_span_is(w.text, words[i])) return true;
    }
    return false;
}

static bool is_language(llm_span name) {
    static const char *const words[] = {"not",  "in",    "is",   "true", "false",  "none",
                                        "True", "False", "None", "loop", "caller", "self"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (llmi_span_is(name, words[i])) return true;
    return false;
}

/* The names of statements: they are set there, or asked about. *raw: some of the text is no template. */
static bool list_asked(llmi_buf *asked, bool *raw, llm_span source) {
    char kind;
    word w;
    for (llm_span block; block = next_block(&kind, &source), kind;)
        for (size_t at = 0; kind == '%' && next_word(&w, block, &at);) {
            *raw = *raw || llmi_span_is(w.text, "raw");
            if (!llmi_buf_push(asked, w.text)) return false;
        }
    return true;
}

static bool list_shown(llmi_buf *names, const llmi_buf *asked, llm_span source) {
    char kind;
    word w;
    for (llm_span block; block = next_block(&kind, &source), kind;) {
        if (kind != '{' || has_condition(block)) continue;
        for (size_t at = 0; next_word(&w, block, &at);) {
            bool variable = w.before != '.' && w.before != '|' && w.after != '(' && !w.assigns && !is_language(w.text);
            if (!variable || is_in(asked, w.text) || is_in(names, w.text)) continue;
            if (!llmi_buf_push(names, w.text)) return false;
        }
    }
    return true;
}

bool llmi_prompt_format_variables(llmi_buf *names, llm_span source) {
    llmi_buf asked;
    bool raw = false;
    llmi_buf_init(&asked, names->a);
    bool ok = list_asked(&asked, &raw, source) && (raw || list_shown(names, &asked, source));
    llmi_buf_free(&asked);
    return ok;
}
