/* JSON strings: lengths, patterns, formats. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "grammar/regex_syntax.h"
#include "grammar/schema_values.h"

/* ---- characters ---- */

static const llmi_ir_range plain[] = {{0x20, 0x21}, {0x23, 0x5b}, {0x5d, 0x10ffff}};

/* What must be escaped, and how in the shortest way. */
static size_t escape(char out[8], uint32_t c) {
    static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
    const char *found = c ? strchr(from, (int)c) : NULL;
    if (!found) return llmi_format(out, 8, "\\u%04x", c);
    return llmi_format(out, 8, "\\%c", to[found - from]);
}

/* The escapes of the characters in a range; each only once. */
static void add_escapes(llmi_ir *ir, llmi_ir_range r, int32_t *kids, int32_t *n_kids, bool *seen) {
    for (uint32_t c = r.first; c <= r.last && c < 0x5d; c++) {
        char text[8];
        bool escaped = c < 0x20 || c == '"' || c == '\\';
        if (!escaped || seen[c]) continue;
        seen[c] = true;
        size_t n_text = escape(text, c);
        kids[(*n_kids)++] = llmi_ir_text(ir, text, n_text);
    }
}

int32_t llmi_schema_chars(llmi_ir *ir, llmi_ir_range *ranges, size_t n) {
    enum { N_PLAIN = sizeof plain / sizeof plain[0], FEW = 16 };
    int32_t kids[36], n_kids = 1;
    llmi_ir_range few[N_PLAIN * FEW], *raw = few;
    size_t n_raw = 0, n_bytes = N_PLAIN * n * sizeof *raw;
    bool seen[0x5d] = {false};
    if (ir->status != LLM_OK) return -1;
    if (n > FEW && !(raw = llmi_alloc(ir->a, n_bytes))) return llmi_ir_fail(ir, LLM_E_MEMORY);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < N_PLAIN; k++) {
            llmi_ir_range r = ranges[i];
            if (r.first < plain[k].first) r.first = plain[k].first;
            if (r.last > plain[k].last) r.last = plain[k].last;
            if (r.first <= r.last) raw[n_raw++] = r;
        }
        add_escapes(ir, ranges[i], kids, &n_kids, seen);
    }
    kids[0] = llmi_ir_chars(ir, raw, n_raw);
    if (raw != few) llmi_free(ir->a, raw, n_bytes);
    return llmi_ir_list(ir, LLMI_IR_ALT, kids, (size_t)n_kids);
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
#define LEAP "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
#define MONTH                                                                                                          \
    "(((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01]))|((04|06|09|11)-(0[1-9]|[12][0-9]|30))|02-(0[1-9]|1[0-9]|2[0-"  \
    "8]))"
#define DATE  "(" YEAR "-" MONTH "|" LEAP "-02-29)"
#define TIME  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define BYTE  "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4  BYTE "\\." BYTE "\\." BYTE "\\." BYTE
#define LABEL "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define HOST  LABEL "(\\." LABEL ")*"
/* Characters beyond ASCII that an IRI may hold (RFC 3987). */
#define BEYOND                                                                                                         \
    "\\u00a0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef\\u{10000}-\\u{1fffd}\\u{20000}-\\u{2fffd}\\u{30000}-\\u{3fffd}"
#define WIDE_LABEL "[A-Za-z0-9" BEYOND "]([A-Za-z0-9" BEYOND "-]{0,61}[A-Za-z0-9" BEYOND "])?"
#define WIDE_HOST  WIDE_LABEL "(\\." WIDE_LABEL ")*"
#define ESCAPED    "%[0-9A-Fa-f]{2}"
/* What a part of a path holds; `more`: others for this part. */
#define PCHARS(more) "([A-Za-z0-9._~!$&'()*+,;=:@" BEYOND more "-]|" ESCAPED ")*"
#define H16          "[0-9A-Fa-f]{1,4}"
#define IPV6                                                                                                           \
    "((" H16 ":){7}" H16 "|(" H16 ":){1,7}:|(" H16 ":){1,6}:" H16 "|(" H16 ":){1,5}(:" H16 "){1,2}|(" H16              \
    ":){1,4}(:" H16 "){1,3}|(" H16 ":){1,3}(:" H16 "){1,4}|(" H16 ":){1,2}(:" H16 "){1,5}|" H16 ":(:" H16              \
    "){1,6}|:((:" H16 "){1,7}|:))"
#define PORT "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
/* scheme://user@host:port/path?query#fragment, and mailto:, urn: and the like. */
#define TAIL "(\\?" PCHARS("/?") ")?(#" PCHARS("/?") ")?"
#define URI                                                                                                            \
    "[A-Za-z][A-Za-z0-9+.-]*:(//(([A-Za-z0-9._~!$&'()*+,;=:-]|" ESCAPED ")+@)?(" WIDE_HOST "|\\[" IPV6 "\\])(:" PORT   \
    ")?(/" PCHARS("") ")*|//(/" PCHARS("") ")+|([A-Za-z0-9._~!$&'()*+,;=:@-]|" ESCAPED ")" PCHARS("/") ")" TAIL
#define ATEXT   "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define LOCAL   ATEXT "(\\." ATEXT ")*"
#define WATEXT  "[A-Za-z0-9!#$%&'*+/=?^_`{|}~" BEYOND "-]+"
#define POINTER "(/([^~/]|~[01])*)*"

/* Each is a part of what the format allows: what every checker accepts, and what people write. */
static const struct {
    const char *name, *pattern;
} formats[] = {
    {"date", DATE},
    {"time", TIME},
    {"date-time", DATE "T" TIME},
    {"duration",
     "P([0-9]+W|([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)(T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M("
     "[0-9]+S)?|[0-9]+S))?|T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S))"},
    {"uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"},
    {"email", LOCAL "@" LABEL "(\\." LABEL ")+"},
    {"idn-email", WATEXT "(\\." WATEXT ")*@" WIDE_LABEL "(\\." WIDE_LABEL ")+"},
    {"hostname", HOST},
    {"idn-hostname", WIDE_HOST},
    {"ipv4", IPV4},
    {"ipv6", IPV6},
    {"uri", URI},
    {"iri", URI},
    {"json-pointer", POINTER},
};

/* Formats of the standard that are not made here; any other name is an annotation. */
static const char *const other_formats[] = {"uri-reference", "regex", "iri-reference", "uri-template",
                                            "relative-json-pointer"};

/* NULL: it is an annotation, or a fault. */
static const char *find_format(llmi_schema *s, const llmi_json *name) {
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (llmi_json_equals(name, formats[i].name)) return formats[i].pattern;
    for (size_t i = 0; i < sizeof other_formats / sizeof other_formats[0]; i++)
        if (llmi_json_equals(name, other_formats[i]))
            llmi_schema_fault(s, LLM_E_UNSUPPORTED, "\"format\" \"%s\" cannot be part of a grammar", other_formats[i]);
    return NULL;
}

/* ---- automata ---- */

/* A pattern, or a format, whose automaton is kept. */
typedef struct kept {
    const char *text; /* points into the document, which outlives it */
    size_t n;
    bool whole;
    llmi_dfa dfa;
} kept;

void llmi_schema_forget_patterns(llmi_schema *s) {
    for (size_t i = 0; i < llmi_buf_count(&s->dfas, kept); i++) llmi_dfa_free(&llmi_buf_at(&s->dfas, kept, i).dfa);
    llmi_buf_free(&s->dfas);
}

static int32_t read_regex(llmi_schema *s, llmi_ir *ir, llm_span text, bool whole, llmi_chars_fn chars) {
    int32_t node = llmi_grammar_regex(ir, text.ptr, text.len, whole, chars);
    if (ir->status != LLM_OK && ir->status != LLM_E_MEMORY)
        llmi_error_in(ir->status, "#%s/pattern", LLMI_QUOTE(s->path.ptr, s->path.len));
    return node;
}

static const llmi_dfa *keep_dfa(llmi_schema *s, llm_span text, bool whole) {
    for (size_t i = 0; i < llmi_buf_count(&s->dfas, kept) && llmi_schema_pay(s, 1); i++) {
        kept *k = &llmi_buf_at(&s->dfas, kept, i);
        if (k->whole == whole && k->n == text.len && memcmp(k->text, text.ptr, text.len) == 0) return &k->dfa;
    }
    if (llmi_schema_failed(s)) return NULL;
    kept k = {.text = text.ptr, .n = text.len, .whole = whole};
    llmi_ir ir;
    llmi_ir_init(&ir, s->ir.a);
    int32_t node = read_regex(s, &ir, text, whole, NULL);
    if (ir.status != LLM_OK) llmi_ir_fail(&s->ir, ir.status);
    llm_status status = ir.status == LLM_OK ? llmi_dfa_from_ir(&k.dfa, &ir, node, &s->steps) : ir.status;
    llmi_ir_free(&ir);
    if (status == LLM_OK && !llmi_buf_push(&s->dfas, k)) {
        llmi_dfa_free(&k.dfa);
        status = LLM_E_MEMORY;
    }
    if (!llmi_schema_took(s, status)) return NULL;
    return &llmi_buf_at(&s->dfas, kept, llmi_buf_count(&s->dfas, kept) - 1).dfa;
}

const llmi_dfa *llmi_schema_pattern(llmi_schema *s, const llmi_json *pattern) {
    return keep_dfa(s, llmi_json_text(pattern), false);
}

/* *all becomes the intersection with `other`, or the difference. */
static bool narrow(llmi_schema *s, llmi_dfa *all, const llmi_dfa *other, bool refused) {
    llmi_dfa both;
    if (!other || llmi_schema_failed(s)) return false;
    llm_status status = llmi_dfa_combine(&both, all, other, refused, &s->steps);
    if (!llmi_schema_took(s, status)) return false;
    llmi_dfa_free(all);
    *all = both;
    return true;
}

/* The strings of a list. */
static bool dfa_of_values(llmi_schema *s, llmi_dfa *out, const llmi_json *list) {
    llmi_ir ir;
    llmi_buf kids;
    llmi_ir_init(&ir, s->ir.a);
    llmi_buf_init(&kids, s->ir.a);
    for (size_t i = 0; i < llmi_json_count(list) && ir.status == LLM_OK; i++) {
        if (!llmi_json_is(&list->items[i], LLMI_JSON_STRING)) continue;
        int32_t kid = llmi_ir_text(&ir, list->items[i].text, list->items[i].n);
        if (!llmi_buf_push(&kids, kid)) llmi_ir_fail(&ir, LLM_E_MEMORY);
    }
    int32_t root = -1;
    if (ir.status == LLM_OK)
        root = llmi_ir_list(&ir, LLMI_IR_ALT, (const int32_t *)(const void *)kids.data, llmi_buf_count(&kids, int32_t));
    llm_status status = ir.status == LLM_OK ? llmi_dfa_from_ir(out, &ir, root, &s->steps) : ir.status;
    llmi_ir_free(&ir);
    llmi_buf_free(&kids);
    return llmi_schema_took(s, status);
}

bool llmi_schema_narrow_names(llmi_schema *s, llmi_dfa *all, const llmi_json *list) {
    llmi_dfa names;
    if (!dfa_of_values(s, &names, list)) return false;
    bool ok = narrow(s, all, &names, true);
    llmi_dfa_free(&names);
    return ok;
}

bool llmi_schema_narrow_pattern(llmi_schema *s, llmi_dfa *all, const llmi_json *pattern, bool refused) {
    return narrow(s, all, llmi_schema_pattern(s, pattern), refused);
}

/* Element i of a keyword's list, or its only value. */
static const llmi_json *one_of(const llmi_json *schema, const char *key, size_t i) {
    const llmi_json *v = llmi_json_get(schema, key);
    if (llmi_json_is(v, LLMI_JSON_ARRAY)) return llmi_json_item(v, i);
    return i ? NULL : v;
}

bool llmi_schema_string_dfa(llmi_schema *s, llmi_dfa *out, const llmi_json *schema, bool with_formats) {
    const llmi_json *one;
    llm_status status = llmi_dfa_lengths(out, s->ir.a, 0, LLMI_IR_UNLIMITED, &s->steps);
    if (status != LLM_OK) llmi_ir_fail(&s->ir, status);
    if (llmi_schema_failed(s)) {
        if (status == LLM_OK) llmi_dfa_free(out);
        return false;
    }
    for (size_t i = 0; (one = one_of(schema, "pattern", i)) && !llmi_schema_failed(s); i++)
        llmi_schema_narrow_pattern(s, out, one, false);
    for (size_t i = 0; with_formats && (one = one_of(schema, "format", i)) && !llmi_schema_failed(s); i++) {
        const char *format = find_format(s, one);
        if (format) narrow(s, out, keep_dfa(s, (llm_span){format, strlen(format)}, true), false);
    }
    for (size_t i = 0; (one = llmi_schema_simple_not(schema, i)) && !llmi_schema_failed(s); i++) {
        if (llmi_json_get(one, "pattern")) llmi_schema_narrow_pattern(s, out, llmi_json_get(one, "pattern"), true);
        if (llmi_json_get(one, "enum")) llmi_schema_narrow_names(s, out, llmi_json_get(one, "enum"));
    }
    if (!llmi_schema_failed(s)) return true;
    llmi_dfa_free(out);
    return false;
}

/* ---- strings ---- */

static size_t n_characters(llm_span text) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return n;
}

bool llmi_schema_valid_string(llmi_schema *s, const llmi_json *schema, const llmi_json *value) {
    size_t n = n_characters(llmi_json_text(value));
    int32_t min = llmi_schema_number_of(s, schema, "minLength", 0);
    int32_t max = llmi_schema_number_of(s, schema, "maxLength", LLMI_IR_UNLIMITED);
    const llmi_json *one;
    if (!llmi_schema_pay(s, 1 + value->n) || n < (size_t)min || (max >= 0 && n > (size_t)max)) return false;
    for (size_t i = 0; (one = one_of(schema, "pattern", i)); i++) {
        const llmi_dfa *pattern = llmi_schema_pattern(s, one);
        if (!pattern || !llmi_dfa_accepts(pattern, llmi_json_text(value))) return false;
    }
    return true;
}

static int32_t quoted(llmi_schema *s, int32_t inside) {
    int32_t begin = llmi_ir_word(&s->ir, "\""), end = llmi_ir_word(&s->ir, "\"");
    return llmi_ir_seq(&s->ir, begin, inside, end);
}

/* A pattern or a format by itself. */
static int32_t plain_pattern(llmi_schema *s, llm_span text, bool whole) {
    bool before = llmi_schema_failed(s);
    int32_t node = before ? -1 : read_regex(s, &s->ir, text, whole, llmi_schema_chars);
    return quoted(s, node);
}

/* All constraints together, as an automaton. */
static int32_t combined(llmi_schema *s, const llmi_json *schema, int32_t min, int32_t max) {
    llmi_dfa dfa;
    int32_t begin = llmi_ir_word(&s->ir, "\"");
    if (!llmi_schema_string_dfa(s, &dfa, schema, true)) return -1;
    int32_t node = llmi_schema_write(s, &dfa, min, max, (llm_span){"\"", 1}, llmi_schema_chars);
    llmi_dfa_free(&dfa);
    return llmi_ir_seq(&s->ir, begin, node);
}

/* Fields with the same constraints on their strings share a rule. */
static int32_t shared(llmi_schema *s, const llmi_json *schema, int32_t min, int32_t max) {
    static const char *const keys[] = {"minLength", "maxLength", "pattern", "format", "not"};
    enum { N_KEYS = sizeof keys / sizeof keys[0] };
    llmi_json parts[N_KEYS];
    for (size_t i = 0; i < N_KEYS; i++) {
        const llmi_json *v = llmi_json_get(schema, keys[i]);
        parts[i] = v ? *v : llmi_json_null;
    }
    const llmi_json *all = llmi_schema_made(s, llmi_json_new_array(&s->doc, parts, N_KEYS));
    llmi_schema_value *known = all ? llmi_schema_values_add(&s->strings, all, -1) : NULL;
    if (known && known->mark < 0) {
        int32_t rule = known->mark = llmi_ir_rule_new(&s->ir, "string", 6);
        llmi_ir_define(&s->ir, rule, combined(s, schema, min, max));
        return llmi_ir_ref(&s->ir, rule);
    }
    return known ? llmi_ir_ref(&s->ir, known->mark) : -1;
}

int32_t llmi_schema_string(llmi_schema *s, const llmi_json *schema) {
    const llmi_json *pattern = llmi_json_get(schema, "pattern"), *name = one_of(schema, "format", 0);
    const char *format = find_format(s, name);
    int32_t min = llmi_schema_number_of(s, schema, "minLength", 0);
    int32_t max = llmi_schema_number_of(s, schema, "maxLength", LLMI_IR_UNLIMITED);
    bool bounded = min > 0 || max >= 0, many = llmi_json_get(schema, "not") || one_of(schema, "format", 1);
    if (llmi_schema_failed(s)) return -1;
    if (many || llmi_json_is(pattern, LLMI_JSON_ARRAY) || (pattern && format) || (bounded && (pattern || format)))
        return shared(s, schema, min, max);
    if (format) return plain_pattern(s, (llm_span){format, strlen(format)}, true);
    if (pattern) return plain_pattern(s, llmi_json_text(pattern), false);
    if (!bounded) return llmi_schema_shared(s, LLMI_SHARED_STRING);
    if (max >= 0 && max < min) return llmi_ir_list(&s->ir, LLMI_IR_ALT, NULL, 0);
    return quoted(s, llmi_ir_repeat(&s->ir, llmi_schema_any_char(&s->ir), min, max));
}
