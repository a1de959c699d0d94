/* GBNF, the notation of llama.cpp's grammars: rules NAME ::= ALTERNATIVES of "text", [classes], names and groups,
 * each of which * + ? {n,m} may follow. A rule ends where the next begins. */
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"
#include "grammar/compile.h"
#include "grammar/reader.h"
#include "tokenizer/trie.h"

typedef struct gbnf {
    llmi_reader s;
    llmi_trie names;    /* -> rule */
    llmi_buf mentioned; /* size_t per rule: where its name occurs first */
    int32_t rule;       /* that is being read; -1: none yet */
} gbnf;

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static void skip_space(llmi_reader *s) {
    for (; s->at < s->n && strchr(" \t\r\n#", s->text[s->at]) && s->text[s->at]; s->at++)
        if (s->text[s->at] == '#')
            while (s->at + 1 < s->n && s->text[s->at + 1] != '\n') s->at++;
}

/* ---- texts and classes ---- */

static uint32_t read_escape(llmi_reader *s) {
    static const char from[] = "nrt\"\\[]-^/", to[] = "\n\r\t\"\\[]-^/";
    size_t begin = s->at - 1;
    char c = s->at < s->n ? s->text[s->at++] : 0;
    if (c == 'x') return llmi_reader_hex(s, 2);
    if (c == 'u') return llmi_reader_hex(s, 4);
    if (c == 'U') return llmi_reader_hex(s, 8);
    const char *found = c ? strchr(from, c) : NULL;
    if (found) return (uint32_t)(unsigned char)to[found - from];
    return (uint32_t)llmi_reader_fault(s, begin, "there is no escape \"%s\"",
                                       LLMI_QUOTE(s->text + begin, s->at - begin));
}

static uint32_t read_char(llmi_reader *s) {
    uint32_t c = llmi_reader_next(s);
    return c == '\\' ? read_escape(s) : c;
}

static int32_t read_text(llmi_reader *s) {
    size_t begin = s->at++;
    llmi_buf text;
    llmi_buf_init(&text, s->ir->a);
    while (s->ir->status == LLM_OK && s->at < s->n && s->text[s->at] != '"' && s->text[s->at] != '\n') {
        char bytes[4];
        uint32_t c = read_char(s);
        if (s->ir->status == LLM_OK && !llmi_buf_append(&text, bytes, llmi_utf8_encode(bytes, c)))
            llmi_ir_fail(s->ir, LLM_E_MEMORY);
    }
    if (!llmi_reader_is(s, '"')) llmi_reader_fault(s, begin, "the text has no end");
    s->at++;
    int32_t node = s->ir->status == LLM_OK ? llmi_ir_text(s->ir, text.data ? text.data : "", text.len) : -1;
    llmi_buf_free(&text);
    return node;
}

static int32_t read_class(llmi_reader *s) {
    size_t begin = s->at++;
    llmi_buf ranges;
    llmi_buf_init(&ranges, s->ir->a);
    bool negated = llmi_reader_is(s, '^');
    s->at += negated;
    while (s->ir->status == LLM_OK && s->at < s->n && s->text[s->at] != ']') {
        size_t at = s->at;
        llmi_ir_range r;
        r.first = r.last = read_char(s);
        if (llmi_reader_is(s, '-') && s->at + 1 < s->n && s->text[s->at + 1] != ']') {
            s->at++;
            r.last = read_char(s);
        }
        if (s->ir->status == LLM_OK && r.last < r.first) llmi_reader_fault(s, at, "the range ends before it begins");
        if (s->ir->status == LLM_OK && !llmi_buf_push(&ranges, r)) llmi_ir_fail(s->ir, LLM_E_MEMORY);
    }
    if (!llmi_reader_is(s, ']')) llmi_reader_fault(s, begin, "the class has no end");
    s->at++;
    int32_t node = -1;
    if (s->ir->status == LLM_OK && negated && !llmi_ir_complement(&ranges)) llmi_ir_fail(s->ir, LLM_E_MEMORY);
    if (s->ir->status == LLM_OK)
        node = llmi_ir_chars(s->ir, (llmi_ir_range *)(void *)ranges.data, llmi_buf_count(&ranges, llmi_ir_range));
    llmi_buf_free(&ranges);
    return node;
}

static int32_t any_char(llmi_reader *s) {
    llmi_ir_range all = {0, 0x10ffff};
    s->at++;
    return llmi_ir_chars(s->ir, &all, 1);
}

/* ---- rules ---- */

static int32_t find_rule(gbnf *g, size_t begin) {
    llmi_reader *s = &g->s;
    const char *name = s->text + begin;
    size_t n = s->at - begin;
    const llmi_trie_edge *edge = NULL;
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        edge = llmi_trie_step(&g->names, at, (uint8_t)name[i]);
        if (!edge) break;
        at = edge->to;
    }
    if (edge && edge->value >= 0) return edge->value;
    int32_t rule = llmi_ir_rule_new(s->ir, name, n);
    if (rule < 0) return -1;
    if (!llmi_buf_push(&g->mentioned, begin)) return llmi_ir_fail(s->ir, LLM_E_MEMORY);
    llm_status status = llmi_trie_add(&g->names, name, n, rule);
    return status == LLM_OK ? rule : llmi_ir_fail(s->ir, status);
}

static void end_rule(gbnf *g) {
    llmi_reader *s = &g->s;
    if (s->ir->status != LLM_OK || g->rule < 0) return;
    if (llmi_reader_depth(s) > 1) {
        llmi_reader_fault(s, llmi_buf_at(&s->groups, llmi_reader_group, llmi_reader_depth(s) - 1).at,
                          "the group has no end");
        return;
    }
    llmi_ir_define(s->ir, g->rule, llmi_reader_group_close(s));
}

/* A name: of the next rule if ::= follows it. */
static void read_name(gbnf *g) {
    llmi_reader *s = &g->s;
    size_t begin = s->at;
    while (s->at < s->n && is_name_byte(s->text[s->at])) s->at++;
    int32_t rule = find_rule(g, begin);
    size_t end = s->at;
    skip_space(s);
    bool defines = s->n - s->at >= 3 && memcmp(s->text + s->at, "::=", 3) == 0;
    if (!defines) s->at = end;
    if (!defines && g->rule < 0) llmi_reader_fault(s, begin, "expected a rule NAME ::= ...");
    if (s->ir->status != LLM_OK) return;
    if (!defines) {
        llmi_reader_group_add(s, llmi_ir_ref(s->ir, rule));
        return;
    }
    end_rule(g);
    s->at += 3;
    if (s->ir->status == LLM_OK && llmi_buf_at(&s->ir->rules, llmi_ir_rule, rule).body >= 0)
        llmi_reader_fault(s, begin, "rule \"%s\" is defined twice", LLMI_QUOTE(s->text + begin, end - begin));
    g->rule = rule;
    llmi_reader_group_open(s);
}

static void read_repeat(llmi_reader *s) {
    char c = s->text[s->at];
    size_t begin = s->at++;
    int32_t min = c == '+', max = c == '?' ? 1 : LLMI_IR_UNLIMITED;
    if (c == '{' && !llmi_reader_bounds(s, &min, &max)) return;
    int32_t node = llmi_reader_group_take(s);
    if (node < 0)
        llmi_reader_fault(s, begin, "there is nothing to repeat before \"%c\"", c);
    else
        llmi_reader_group_add(s, llmi_ir_repeat(s->ir, node, min, max));
}

static void read_element(gbnf *g) {
    llmi_reader *s = &g->s;
    char c = s->text[s->at];
    if (is_name_byte(c)) {
        read_name(g);
    } else if (g->rule < 0) {
        llmi_reader_fault(s, s->at, "expected a rule NAME ::= ...");
    } else if (c == '"') {
        llmi_reader_group_add(s, read_text(s));
    } else if (c == '[') {
        llmi_reader_group_add(s, read_class(s));
    } else if (c == '.') {
        llmi_reader_group_add(s, any_char(s));
    } else if (strchr("*+?{", c) && c) {
        read_repeat(s);
    } else if (c == '|') {
        s->at++;
        llmi_reader_group_branch(s);
    } else if (c == '(') {
        llmi_reader_group_open(s);
        s->at++;
    } else if (c == ')' && llmi_reader_depth(s) > 1) {
        s->at++;
        llmi_reader_group_add(s, llmi_reader_group_close(s));
    } else {
        llmi_reader_fault(s, s->at, "found \"%s\", expected a text, a class, a name or a group",
                          LLMI_QUOTE(s->text + s->at, llmi_utf8_step(s->text + s->at, s->n - s->at)));
    }
}

/* Every rule that is mentioned must be there. */
static void check_rules(gbnf *g) {
    llmi_ir *ir = g->s.ir;
    size_t n = llmi_buf_count(&ir->rules, llmi_ir_rule);
    for (size_t i = 0; i < n && ir->status == LLM_OK; i++) {
        llm_span name = llmi_ir_name(ir, (int32_t)i);
        if (llmi_buf_at(&ir->rules, llmi_ir_rule, i).body < 0)
            llmi_reader_fault(&g->s, llmi_buf_at(&g->mentioned, size_t, i), "there is no rule \"%s\"",
                              LLMI_QUOTE(name.ptr, name.len));
    }
}

static int32_t find_root(gbnf *g) {
    llmi_ir *ir = g->s.ir;
    size_t n = llmi_buf_count(&ir->rules, llmi_ir_rule);
    for (size_t i = 0; i < n; i++) {
        llm_span name = llmi_ir_name(ir, (int32_t)i);
        if (name.len == 4 && memcmp(name.ptr, "root", 4) == 0) return (int32_t)i;
    }
    return ir->status == LLM_OK ? llmi_ir_fail(ir, llmi_error(LLM_E_FORMAT, "the grammar has no rule \"root\"")) : -1;
}

llm_status llmi_grammar_from_gbnf(llmi_grammar **out, const llm_allocator *a, llm_tokenizer *t, const char *text,
                                  size_t n) {
    llmi_ir ir;
    gbnf g = {.rule = -1};
    *out = NULL;
    llmi_ir_init(&ir, a);
    llmi_trie_init(&g.names, a);
    llmi_buf_init(&g.mentioned, a);
    llmi_reader *s = &g.s;
    llmi_reader_init(s, &ir, text, n);
    for (skip_space(s); ir.status == LLM_OK && s->at < n; skip_space(s)) read_element(&g);
    end_rule(&g);
    check_rules(&g);
    int32_t root = find_root(&g);
    llm_status status = ir.status == LLM_OK ? llmi_grammar_make(out, &ir, root, t) : ir.status;
    llmi_reader_free(s);
    llmi_trie_free(&g.names);
    llmi_buf_free(&g.mentioned);
    llmi_ir_free(&ir);
    return status == LLM_OK ? status : llmi_error_in(status, "grammar");
}
