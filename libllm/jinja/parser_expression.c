/* Expressions: precedence climbing as in Jinja's own grammar, from "x if y else z" down to names. */
#include "base/text.h"
#include "base/utf8.h"
#include "jinja/parser.h"

/* ---- literals ---- */

/* The token without its underscores, in the template's bytes: those have room for it. NULL: no memory. */
static const char *digits(llmi_parser *p, size_t *n) {
    llmi_buf *bytes = &p->t->bytes;
    size_t begin = bytes->len;
    for (size_t i = 0; i < p->now.n; i++)
        if (p->now.p[i] != '_' && !llmi_buf_append(bytes, p->now.p + i, 1)) p->status = LLM_E_MEMORY;
    *n = bytes->len - begin;
    if (!llmi_buf_append(bytes, "", 1)) p->status = LLM_E_MEMORY;
    return llmi_parser_ok(p) ? bytes->data + begin : NULL;
}

/* A decimal integer beyond 64 bits is a constant of its digits. */
static void big_integer(llmi_parser *p) {
    size_t n;
    const char *text = digits(p, &n);
    llmi_jinja_str s = {.p = text, .n = (uint32_t)n};
    llmi_jinja_value v = {.kind = LLMI_V_BIG, .i = (int64_t)llmi_buf_count(&p->t->strs, llmi_jinja_str)};
    if (n > LLMI_MAX_DIGITS) llmi_emit_fail(p, LLM_E_LIMIT, "an integer of more than %d digits", LLMI_MAX_DIGITS);
    if (llmi_parser_ok(p) && !llmi_buf_push(&p->t->strs, s)) p->status = LLM_E_MEMORY;
    llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, v));
}

static void integer(llmi_parser *p) {
    const char *s = p->now.p;
    int base = 10;
    uint64_t value = 0;
    size_t i = 0;
    if (p->now.n > 2 && s[0] == '0' && s[1] > '9' && s[1] != '_') {
        base = (s[1] | 32) == 'x' ? 16 : (s[1] | 32) == 'o' ? 8 : 2;
        i = 2;
    }
    for (; i < p->now.n; i++) {
        if (s[i] == '_') continue;
        int digit = s[i] <= '9' ? s[i] - '0' : (s[i] | 32) - 'a' + 10;
        bool is = digit >= 0 && digit < base;
        if (is && value <= (uint64_t)(INT64_MAX - digit) / (unsigned)base) {
            value = value * (unsigned)base + (unsigned)digit;
        } else if (is && base == 10) {
            big_integer(p);
            return;
        } else {
            llmi_emit_fail(p, is ? LLM_E_LIMIT : LLM_E_FORMAT, "%s is not an integer%s", LLMI_QUOTE(s, p->now.n),
                           is ? " of 64 bits" : "");
            return;
        }
    }
    llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, llmi_jinja_of_int((int64_t)value)));
}

static void real(llmi_parser *p) {
    size_t n;
    const char *text = digits(p, &n);
    if (text) llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, llmi_jinja_of_float(llmi_strtod(text, NULL))));
}

/* Of up to 8 digits; -1: not all are digits. */
static int64_t hex_value(const char *s, size_t n) {
    int64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        int c = s[i] >= '0' && s[i] <= '9'                 ? s[i] - '0'
                : (s[i] | 32) >= 'a' && (s[i] | 32) <= 'f' ? (s[i] | 32) - 'a' + 10
                                                           : -1;
        if (c < 0) return -1;
        value = value << 4 | c;
    }
    return value;
}

/* One escape at s[0] = '\\', n >= 2 bytes left; writes what it means and returns the bytes it takes. */
static size_t unescape(char out[4], size_t *n_out, const char *s, size_t n) {
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    const char *known = memchr(from, s[1], sizeof from - 1);
    size_t digits = s[1] == 'x' ? 2 : s[1] == 'u' ? 4 : s[1] == 'U' ? 8 : 0;
    *n_out = 0;
    if (known) {
        out[(*n_out)++] = to[known - from];
        return 2;
    }
    if (s[1] == '\n') return 2;
    if (s[1] >= '0' && s[1] <= '7') {
        uint32_t c = 0;
        size_t used = 1;
        while (used < n && used < 4 && s[used] >= '0' && s[used] <= '7') c = c * 8 + (uint32_t)(s[used++] - '0');
        *n_out = llmi_utf8_encode(out, c);
        return used;
    }
    if (digits && n >= 2 + digits) {
        int64_t c = hex_value(s + 2, digits);
        if (c >= 0 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff)) {
            *n_out = llmi_utf8_encode(out, (uint32_t)c);
            return 2 + digits;
        }
    }
    out[(*n_out)++] = '\\'; /* an ordinary character, as in Python */
    return 1;
}

/* Appends the string token's text to the template's bytes; false if there is no memory. */
static bool append_string(llmi_parser *p, llmi_buf *bytes) {
    const char *s = p->now.p + 1;
    size_t n = p->now.n - 2;
    for (size_t i = 0; i < n;) {
        const char *slash = memchr(s + i, '\\', n - i);
        size_t plain = slash ? (size_t)(slash - s) : n;
        if (!llmi_buf_append(bytes, s + i, plain - i)) return false;
        if (!slash) break;
        char out[4];
        size_t n_out, used = unescape(out, &n_out, slash, n - plain);
        if (!llmi_buf_append(bytes, out, n_out)) return false;
        i = plain + used;
    }
    return true;
}

/* Neighbouring strings are one. The bytes have been reserved: constants point into them. */
static int32_t string(llmi_parser *p) {
    llmi_buf *bytes = &p->t->bytes;
    size_t begin = bytes->len;
    while (p->now.kind == LLMI_T_STRING && llmi_parser_ok(p)) {
        if (!append_string(p, bytes)) p->status = LLM_E_MEMORY;
        llmi_parser_advance(p);
    }
    return llmi_emit_string(p, bytes->data + begin, bytes->len - begin);
}

/* ---- atoms ---- */

static void list(llmi_parser *p) {
    int32_t n = 0;
    while (llmi_parser_ok(p) && !llmi_parser_is_op(p, "]")) {
        if (n) llmi_parser_expect_op(p, ",");
        if (llmi_parser_is_op(p, "]")) break;
        llmi_parser_expression(p);
        n++;
    }
    llmi_parser_expect_op(p, "]");
    llmi_emit(p, LLMI_JINJA_OP_LIST, n);
}

static void dict(llmi_parser *p) {
    int32_t n = 0;
    while (llmi_parser_ok(p) && !llmi_parser_is_op(p, "}")) {
        if (n) llmi_parser_expect_op(p, ",");
        if (llmi_parser_is_op(p, "}")) break;
        llmi_parser_expression(p);
        llmi_parser_expect_op(p, ":");
        llmi_parser_expression(p);
        n++;
    }
    llmi_parser_expect_op(p, "}");
    llmi_emit(p, LLMI_JINJA_OP_DICT, n);
}

static void parenthesis(llmi_parser *p) {
    if (llmi_parser_take_op(p, ")")) {
        llmi_emit(p, LLMI_JINJA_OP_TUPLE, 0);
        return;
    }
    llmi_parser_tuple(p, true);
    llmi_parser_expect_op(p, ")");
}

static const struct {
    const char *name;
    llmi_jinja_value value;
} WORDS[] = {
    {"true", {.kind = LLMI_V_BOOL, .i = 1}},  {"True", {.kind = LLMI_V_BOOL, .i = 1}},
    {"false", {.kind = LLMI_V_BOOL, .i = 0}}, {"False", {.kind = LLMI_V_BOOL, .i = 0}},
    {"none", {.kind = LLMI_V_NONE}},          {"None", {.kind = LLMI_V_NONE}},
};

static void name(llmi_parser *p) {
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++)
        if (llmi_parser_take_name(p, WORDS[i].name)) {
            llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, WORDS[i].value));
            return;
        }
    if (p->macro && llmi_parser_is_name(p, "varargs")) p->macro->takes_rest = true;
    if (p->macro && llmi_parser_is_name(p, "kwargs")) p->macro->takes_names = true;
    if (p->macro && llmi_parser_is_name(p, "caller")) p->macro->takes_caller = true;
    llmi_emit(p, LLMI_JINJA_OP_LOAD, llmi_parser_identifier(p));
}

static void atom(llmi_parser *p) {
    switch (p->now.kind) {
    case LLMI_T_NAME:
        name(p);
        return;
    case LLMI_T_STRING:
        llmi_emit(p, LLMI_JINJA_OP_CONST, string(p));
        return;
    case LLMI_T_INTEGER:
        integer(p);
        llmi_parser_advance(p);
        return;
    case LLMI_T_FLOAT:
        real(p);
        llmi_parser_advance(p);
        return;
    default:
        break;
    }
    if (llmi_parser_take_op(p, "("))
        parenthesis(p);
    else if (llmi_parser_take_op(p, "["))
        list(p);
    else if (llmi_parser_take_op(p, "{"))
        dict(p);
    else
        llmi_emit_fail(p, LLM_E_FORMAT, "expected an expression, found %s", LLMI_QUOTE(p->now.p, p->now.n));
}

/* ---- what follows an atom ---- */

/* A constant in the place of a name: the value after it is unpacked into the arguments. */
static void emit_spread(llmi_parser *p, int which) {
    llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, llmi_jinja_of_int(which)));
}

/* Arguments up to ")": values first, then pairs of name and value. Counts go to an instruction's c and b. */
static llmi_jinja_instr arguments(llmi_parser *p) {
    llmi_jinja_instr counts = {0};
    bool list = false, dict = false;
    while (llmi_parser_ok(p) && !llmi_parser_is_op(p, ")")) {
        if (counts.b + counts.c) llmi_parser_expect_op(p, ",");
        if (llmi_parser_is_op(p, ")")) break;
        bool named =
            p->now.kind == LLMI_T_NAME && p->ahead.kind == LLMI_T_OPERATOR && p->ahead.n == 1 && p->ahead.p[0] == '=';
        bool spreads = false;
        if (dict || (list && llmi_parser_is_op(p, "*")))
            llmi_emit_fail(p, LLM_E_FORMAT, "an argument follows one by %s", dict ? "**" : "*");
        if (named) {
            llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_string(p, p->now.p, p->now.n));
            llmi_parser_advance(p);
            llmi_parser_advance(p);
        } else if (llmi_parser_is_op(p, "*") || llmi_parser_is_op(p, "**")) {
            dict = llmi_parser_is_op(p, "**");
            list = list || !dict;
            spreads = true;
            emit_spread(p, dict ? LLMI_SPREAD_DICT : LLMI_SPREAD_LIST);
            llmi_parser_advance(p);
        } else if (counts.b) {
            llmi_emit_fail(p, LLM_E_FORMAT, "an argument without a name follows one with a name");
        }
        llmi_parser_expression(p);
        if (named || spreads ? ++counts.b == 255 : ++counts.c == 1000)
            llmi_emit_fail(p, LLM_E_LIMIT, "too many arguments");
    }
    llmi_parser_expect_op(p, ")");
    return counts;
}

static void subscript(llmi_parser *p) {
    bool slice = false;
    int32_t parts = 0;
    for (;; parts++) {
        if (llmi_parser_is_op(p, ":") || (slice && llmi_parser_is_op(p, "]")))
            llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, llmi_jinja_none));
        else
            llmi_parser_tuple(p, true);
        if (parts == 2 || !llmi_parser_take_op(p, ":")) break;
        slice = true;
    }
    for (; slice && parts < 2; parts++) llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, llmi_jinja_none));
    llmi_parser_expect_op(p, "]");
    llmi_emit(p, slice ? LLMI_JINJA_OP_SLICE : LLMI_JINJA_OP_ITEM, 0);
}

static void attribute(llmi_parser *p) {
    if (p->now.kind == LLMI_T_INTEGER) { /* "x.0" is x[0] */
        integer(p);
        llmi_parser_advance(p);
        llmi_emit(p, LLMI_JINJA_OP_ITEM, 0);
    } else if (p->now.kind == LLMI_T_NAME) {
        llmi_emit(p, LLMI_JINJA_OP_ATTR, llmi_emit_string(p, p->now.p, p->now.n));
        llmi_parser_advance(p);
    } else {
        llmi_emit_fail(p, LLM_E_FORMAT, "expected a name after the point, found %s", LLMI_QUOTE(p->now.p, p->now.n));
    }
}

static bool postfix(llmi_parser *p) {
    llmi_jinja_origin origin = p->origin;
    if (llmi_parser_take_op(p, ".")) {
        attribute(p);
    } else if (llmi_parser_take_op(p, "[")) {
        subscript(p);
    } else if (llmi_parser_take_op(p, "(")) {
        llmi_jinja_instr counts = arguments(p);
        int32_t call = llmi_emit_full(p, LLMI_JINJA_OP_CALL, 0, counts.b, counts.c);
        if (llmi_parser_ok(p)) llmi_buf_at(&p->t->origins, llmi_jinja_origin, call) = origin;
    } else {
        return false;
    }
    return llmi_parser_ok(p);
}

void llmi_parser_primary(llmi_parser *p) {
    if (!llmi_parser_enter(p)) return;
    atom(p);
    while (postfix(p))
        ;
    llmi_parser_leave(p);
}

static int32_t dotted_name(llmi_parser *p, const llmi_jinja_builtin *table, const char *what) {
    int32_t found = llmi_jinja_builtin_find(table, p->now.p, p->now.n);
    if (p->now.kind != LLMI_T_NAME || found < 0)
        llmi_emit_fail(p, LLM_E_UNSUPPORTED, "no %s is called \"%s\"", what, LLMI_QUOTE(p->now.p, p->now.n));
    llmi_parser_advance(p);
    return found;
}

llmi_jinja_instr llmi_parser_filter(llmi_parser *p) {
    int32_t filter = dotted_name(p, llmi_jinja_filters, "filter");
    llmi_jinja_instr counts = llmi_parser_take_op(p, "(") ? arguments(p) : (llmi_jinja_instr){0};
    return (llmi_jinja_instr){.op = LLMI_JINJA_OP_FILTER, .a = filter, .b = counts.b, .c = counts.c};
}

/* Whether a test's argument without parentheses begins here. */
static bool starts_argument(const llmi_parser *p) {
    if (p->now.kind == LLMI_T_NAME)
        return !llmi_parser_is_name(p, "else") && !llmi_parser_is_name(p, "or") && !llmi_parser_is_name(p, "and") &&
               !llmi_parser_is_name(p, "is") && !llmi_parser_is_name(p, "if") && !llmi_parser_is_name(p, "not") &&
               !llmi_parser_is_name(p, "in");
    return p->now.kind == LLMI_T_STRING || p->now.kind == LLMI_T_INTEGER || p->now.kind == LLMI_T_FLOAT ||
           llmi_parser_is_op(p, "[") || llmi_parser_is_op(p, "{");
}

static void test(llmi_parser *p) {
    bool negated = llmi_parser_take_name(p, "not");
    int32_t which = dotted_name(p, llmi_jinja_tests, "test");
    llmi_jinja_instr counts = {0};
    if (llmi_parser_take_op(p, "(")) {
        counts = arguments(p);
    } else if (starts_argument(p)) {
        llmi_parser_primary(p);
        counts.c = 1;
    }
    llmi_emit_full(p, LLMI_JINJA_OP_TEST, which, counts.b, counts.c);
    if (negated) llmi_emit(p, LLMI_JINJA_OP_NOT, 0);
}

static void filters_and_tests(llmi_parser *p) {
    while (llmi_parser_ok(p)) {
        if (llmi_parser_take_op(p, "|")) {
            llmi_jinja_instr i = llmi_parser_filter(p);
            llmi_emit_full(p, i.op, i.a, i.b, i.c);
        } else if (llmi_parser_take_name(p, "is")) {
            test(p);
        } else if (!llmi_parser_is_op(p, "(") || !postfix(p)) {
            return;
        }
    }
}

/* ---- operators ---- */

static void unary(llmi_parser *p, bool with_filters) {
    if (!llmi_parser_enter(p)) return;
    bool minus = llmi_parser_is_op(p, "-");
    if (minus || llmi_parser_is_op(p, "+")) {
        llmi_parser_advance(p);
        unary(p, false);
        llmi_emit(p, minus ? LLMI_JINJA_OP_NEGATE : LLMI_JINJA_OP_POSITIVE, 0);
        while (postfix(p))
            ;
    } else {
        llmi_parser_primary(p);
    }
    if (with_filters) filters_and_tests(p);
    llmi_parser_leave(p);
}

/* Levels of left-associative binary operators, weakest first. */
static const struct {
    const char *token;
    char op;
    int level;
} ARITHMETIC[] = {
    {"+", '+', 0}, {"-", '-', 0},  {"~", '~', 1}, {"*", '*', 2},
    {"/", '/', 2}, {"//", 'i', 2}, {"%", '%', 2}, {"**", 'p', 3},
};
enum { ARITHMETIC_LEVELS = 4 };

static char arithmetic_at(const llmi_parser *p, int level) {
    for (size_t i = 0; i < sizeof ARITHMETIC / sizeof ARITHMETIC[0]; i++)
        if (ARITHMETIC[i].level == level && llmi_parser_is_op(p, ARITHMETIC[i].token)) return ARITHMETIC[i].op;
    return 0;
}

static void arithmetic(llmi_parser *p, int level) {
    if (level == ARITHMETIC_LEVELS) {
        unary(p, true);
        return;
    }
    arithmetic(p, level + 1);
    for (char op; llmi_parser_ok(p) && (op = arithmetic_at(p, level));) {
        llmi_jinja_origin origin = p->origin;
        llmi_parser_advance(p);
        arithmetic(p, level + 1);
        int32_t at = llmi_emit_full(p, LLMI_JINJA_OP_ARITH, 0, op, 0);
        if (llmi_parser_ok(p)) llmi_buf_at(&p->t->origins, llmi_jinja_origin, at) = origin;
    }
}

/* "==" is '=', "!=" is '!', "<=" is 'l', ">=" is 'g', "in" is 'i', "not in" is 'n'. */
static char comparison(llmi_parser *p) {
    static const struct {
        const char *token;
        char op;
    } OPS[] = {{"==", '='}, {"!=", '!'}, {"<=", 'l'}, {">=", 'g'}, {"<", '<'}, {">", '>'}};
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++)
        if (llmi_parser_take_op(p, OPS[i].token)) return OPS[i].op;
    if (llmi_parser_take_name(p, "in")) return 'i';
    bool not_in = llmi_parser_is_name(p, "not") && p->ahead.kind == LLMI_T_NAME && p->ahead.n == 2 &&
                  memcmp(p->ahead.p, "in", 2) == 0;
    if (!not_in) return 0;
    llmi_parser_advance(p);
    llmi_parser_advance(p);
    return 'n';
}

/* "a < b < c" compares b once with each: a chain of jumps to its end. */
static void compare(llmi_parser *p) {
    arithmetic(p, 0);
    int32_t chain = -1; /* the last CHAIN jump; each holds the one before until the end is known */
    int32_t last = -1;
    for (char op; llmi_parser_ok(p) && (op = comparison(p));) {
        if (last >= 0) {
            llmi_buf_at(&p->t->code, llmi_jinja_instr, last).c = 1;
            chain = llmi_emit(p, LLMI_JINJA_OP_CHAIN, chain);
        }
        arithmetic(p, 0);
        last = llmi_emit_full(p, LLMI_JINJA_OP_COMPARE, 0, op, 0);
    }
    while (chain >= 0 && llmi_parser_ok(p)) {
        int32_t before = llmi_buf_at(&p->t->code, llmi_jinja_instr, chain).a;
        llmi_emit_target(p, chain, llmi_emit_here(p));
        chain = before;
    }
}

static void negation(llmi_parser *p) {
    int n = 0;
    while (llmi_parser_take_name(p, "not")) n++;
    compare(p);
    for (int i = n > 0 ? 2 - n % 2 : 0; i > 0; i--) llmi_emit(p, LLMI_JINJA_OP_NOT, 0);
}

static void logic(llmi_parser *p, bool is_or) {
    static const char *const words[] = {"and", "or"};
    int32_t chain = -1;
    for (;;) {
        if (is_or)
            logic(p, false);
        else
            negation(p);
        if (!llmi_parser_take_name(p, words[is_or])) break;
        chain = llmi_emit(p, is_or ? LLMI_JINJA_OP_OR : LLMI_JINJA_OP_AND, chain);
    }
    while (chain >= 0 && llmi_parser_ok(p)) {
        int32_t before = llmi_buf_at(&p->t->code, llmi_jinja_instr, chain).a;
        llmi_emit_target(p, chain, llmi_emit_here(p));
        chain = before;
    }
}

/* The value comes before its condition in the source and after it in the code. */
static void choice(llmi_parser *p, int32_t begin) {
    int32_t middle = llmi_emit_here(p);
    logic(p, true);
    int32_t skip = llmi_emit(p, LLMI_JINJA_OP_JUMP_FALSE, 0);
    llmi_emit_rotate(p, begin, middle);
    skip -= middle - begin;
    int32_t end = llmi_emit(p, LLMI_JINJA_OP_JUMP, 0);
    llmi_emit_target(p, skip, llmi_emit_here(p));
    if (llmi_parser_take_name(p, "else"))
        llmi_parser_expression(p);
    else
        llmi_emit(p, LLMI_JINJA_OP_CONST, llmi_emit_value(p, llmi_jinja_undefined));
    llmi_emit_target(p, end, llmi_emit_here(p));
}

void llmi_parser_expression(llmi_parser *p) {
    if (!llmi_parser_enter(p)) return;
    int32_t begin = llmi_emit_here(p);
    logic(p, true);
    while (llmi_parser_ok(p) && llmi_parser_take_name(p, "if")) choice(p, begin);
    llmi_parser_leave(p);
}

void llmi_parser_tuple(llmi_parser *p, bool with_if) {
    int32_t n = 0;
    bool comma = false;
    do {
        if (n && (p->now.kind == LLMI_T_BLOCK_END || p->now.kind == LLMI_T_VARIABLE_END || llmi_parser_is_op(p, ")") ||
                  llmi_parser_is_op(p, "]")))
            break;
        if (with_if)
            llmi_parser_expression(p);
        else
            logic(p, true);
        n++;
        comma = comma || llmi_parser_is_op(p, ",");
    } while (llmi_parser_ok(p) && llmi_parser_take_op(p, ","));
    if (n > 1 || comma) llmi_emit(p, LLMI_JINJA_OP_TUPLE, n);
}
