#include "tokenizer/oniguruma_class.h"

#include <string.h>

#include <utf8proc.h>

#include "base/status.h"
#include "base/text.h"
#include "base/utf8.h"

enum { MAX_CLASS_DEPTH = 12, MAX_INTERSECTIONS = 16, NAME_MAX_BYTES = 40 };

llm_status llmi_oniguruma_refuse(const llmi_oniguruma_reader *r, size_t at, const char *what) {
    size_t from = at < 16 ? 0 : at - 16;
    while (from < at && ((unsigned char)r->p[from] & 0xc0) == 0x80) from++;
    return llmi_error(LLM_E_UNSUPPORTED, "pattern at byte %zu, after \"%s\": %s is not supported", at,
                      LLMI_QUOTE(r->p + from, at - from), what);
}

bool llmi_oniguruma_take(llmi_oniguruma_reader *r, char c) {
    bool is = r->at < r->n && r->p[r->at] == c;
    r->at += is;
    return is;
}

bool llmi_oniguruma_take_text(llmi_oniguruma_reader *r, const char *text) {
    size_t n = strlen(text);
    bool is = r->n - r->at >= n && memcmp(r->p + r->at, text, n) == 0;
    if (is) r->at += n;
    return is;
}

static bool is_alnum(uint32_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

llm_status llmi_oniguruma_put_char(llmi_buf *out, uint32_t c) {
    char text[16];
    size_t n = 1;
    if (is_alnum(c) || c == ' ')
        text[0] = (char)c;
    else
        n = llmi_format(text, sizeof text, "\\x{%x}", (unsigned)c);
    return llmi_buf_append(out, text, n) ? LLM_OK : LLM_E_MEMORY;
}

/* ---- without case ---- */

/* Characters whose folding is several characters, and what such foldings consist of beyond ASCII. */
static const uint32_t SEVERAL[][2] = {{0xdf, 0xdf},     {0x130, 0x130},   {0x149, 0x149},  {0x1f0, 0x1f0},
                                      {0x2bc, 0x2be},   {0x300, 0x390},   {0x3b1, 0x3c9},  {0x565, 0x587},
                                      {0x1e96, 0x1e9e}, {0x1f50, 0x1fff}, {0xfb00, 0xfb17}};

static bool is_several(uint32_t low, uint32_t high) {
    for (size_t i = 0; i < sizeof SEVERAL / sizeof SEVERAL[0]; i++)
        if (low <= SEVERAL[i][1] && high >= SEVERAL[i][0]) return true;
    return false;
}

static uint32_t fold(uint32_t c) {
    if (c == 0x17f) return 's';
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

llm_status llmi_oniguruma_check_literal(llmi_oniguruma_reader *r, size_t at, uint32_t c) {
    uint32_t before = r->folded;
    r->folded = 0;
    if (!(r->options & LLMI_ONIGURUMA_CASELESS)) return LLM_OK;
    uint32_t now = fold(c);
    bool ligature =
        (before == 's' && (now == 's' || now == 't')) || (before == 'f' && (now == 'f' || now == 'i' || now == 'l'));
    if (ligature || is_several(c, c))
        return llmi_oniguruma_refuse(r, at, "text without case that one letter also spells");
    r->folded = now;
    return LLM_OK;
}

/* ---- properties ---- */

typedef struct named_set {
    const char *name; /* lower case, without spaces, '-' and '_' */
    const char *text;
    bool folds;
} named_set;

/* Between [: and :], these are other sets than between \p{ and }; they are looked for first. */
static const named_set OF_CLASS[] = {
    {"punct", "\\p{P}\\p{S}", true},
    {"word", LLMI_ONIGURUMA_WORDS_OF_CLASS, true},
};

/* Names that PCRE2 lacks, or means something else by. */
static const named_set SETS[] = {
    {"alnum", "\\p{Alphabetic}\\p{Nd}", false},
    {"alpha", "\\p{Alphabetic}", false},
    {"any", "\\x{0}-\\x{10ffff}", true},
    {"ascii", "\\x{0}-\\x{7f}", false},
    {"assigned", "\\P{Cn}", true},
    {"blank", "\\p{Zs}\\t", true},
    {"cntrl", "\\p{Cc}", true},
    {"digit", "\\p{Nd}", true},
    {"graph", NULL, false},
    {"lower", "\\p{Lowercase}", false},
    {"print", NULL, false},
    {"punct", "\\p{P}", true},
    {"space", LLMI_ONIGURUMA_SPACES, true},
    {"upper", "\\p{Uppercase}", false},
    {"word", LLMI_ONIGURUMA_WORDS, true},
    {"xdigit", "0-9a-fA-F", true},
    {"letter", "\\p{L}", false},
    {"casedletter", "\\p{Lu}\\p{Ll}\\p{Lt}", false},
    {"lc", "\\p{Lu}\\p{Ll}\\p{Lt}", false},
    {"uppercaseletter", "\\p{Lu}", false},
    {"lowercaseletter", "\\p{Ll}", false},
    {"titlecaseletter", "\\p{Lt}", false},
    {"modifierletter", "\\p{Lm}", false},
    {"otherletter", "\\p{Lo}", false},
    {"mark", "\\p{M}", false},
    {"combiningmark", "\\p{M}", false},
    {"nonspacingmark", "\\p{Mn}", false},
    {"spacingmark", "\\p{Mc}", false},
    {"enclosingmark", "\\p{Me}", false},
    {"number", "\\p{N}", true},
    {"decimalnumber", "\\p{Nd}", true},
    {"letternumber", "\\p{Nl}", true},
    {"othernumber", "\\p{No}", true},
    {"punctuation", "\\p{P}", true},
    {"connectorpunctuation", "\\p{Pc}", true},
    {"dashpunctuation", "\\p{Pd}", true},
    {"openpunctuation", "\\p{Ps}", true},
    {"closepunctuation", "\\p{Pe}", true},
    {"initialpunctuation", "\\p{Pi}", true},
    {"finalpunctuation", "\\p{Pf}", true},
    {"otherpunctuation", "\\p{Po}", true},
    {"symbol", "\\p{S}", true},
    {"mathsymbol", "\\p{Sm}", true},
    {"currencysymbol", "\\p{Sc}", true},
    {"modifiersymbol", "\\p{Sk}", true},
    {"othersymbol", "\\p{So}", true},
    {"separator", "\\p{Z}", true},
    {"spaceseparator", "\\p{Zs}", true},
    {"lineseparator", "\\p{Zl}", true},
    {"paragraphseparator", "\\p{Zp}", true},
    {"other", "\\p{C}", true},
    {"control", "\\p{Cc}", true},
    {"format", "\\p{Cf}", true},
    {"surrogate", "\\p{Cs}", true},
    {"privateuse", "\\p{Co}", true},
    {"unassigned", "\\p{Cn}", true},
};

/* Properties that are neither categories nor scripts. */
static const char BINARY[] = " alphabetic asciihexdigit cased caseignorable dash emoji emojimodifier emojimodifierbase "
                             "extendedpictographic hexdigit idcontinue idstart ideographic lowercase math uppercase "
                             "whitespace xidcontinue xidstart ";

static bool is_category(const char *name, size_t n) {
    return n <= 2 && n > 0 && strchr("lmnpszc", name[0]) && (n == 1 || strchr("ultmoncedsifpk", name[1]));
}

static void spell_property(llmi_oniguruma_item *out, const char *name, size_t n) {
    char key[NAME_MAX_BYTES + 3];
    llmi_format(key, sizeof key, " %s ", name);
    bool binary = strstr(BINARY, key) != NULL, category = is_category(name, n);
    char spelled[NAME_MAX_BYTES + 1];
    memcpy(spelled, name, n + 1);
    if (category) spelled[0] = (char)(name[0] - 'a' + 'A');
    out->folds = category && strchr("npsz", name[0]);
    llmi_format(out->property, sizeof out->property, "\\p{%s%s}", binary || category ? "" : "sc:", spelled);
}

static const named_set *look_up(const named_set *sets, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(sets[i].name, name) == 0) return &sets[i];
    return NULL;
}

/* Finds a set by its name; false: it is not to be had. */
static bool find_set(llmi_oniguruma_item *out, const char *text, size_t n, bool posix) {
    char name[NAME_MAX_BYTES + 1];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (!posix && (c == ' ' || c == '-' || c == '_')) continue;
        if (!is_alnum((unsigned char)c) || len == NAME_MAX_BYTES) return false;
        name[len++] = (char)(c >= 'A' && c <= 'Z' && !posix ? c | 0x20 : c);
    }
    name[len] = 0;
    out->is_set = true;
    const named_set *set = posix ? look_up(OF_CLASS, sizeof OF_CLASS / sizeof OF_CLASS[0], name) : NULL;
    if (!set) set = look_up(SETS, sizeof SETS / sizeof SETS[0], name);
    if (set) {
        out->text = set->text;
        out->folds = set->folds;
        return set->text;
    }
    if (posix || !len) return false;
    out->text = NULL;
    spell_property(out, name, len);
    return true;
}

/* \p{Name}, \p{^Name}, \P{Name}, at the letter. */
static llm_status read_property(llmi_oniguruma_reader *r, llmi_oniguruma_item *out, size_t at) {
    bool negated = r->p[r->at] == 'P';
    r->at += 2;
    if (llmi_oniguruma_take(r, '^')) negated = !negated;
    const char *name = r->p + r->at, *end = memchr(name, '}', r->n - r->at);
    if (!end) return llmi_oniguruma_refuse(r, at, "a property that does not end");
    size_t n = (size_t)(end - name);
    r->at += n + 1;
    if (!find_set(out, name, n, false)) return llmi_oniguruma_refuse(r, at, "this property");
    out->negated = negated;
    return LLM_OK;
}

/* ---- escapes ---- */

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') return (c | 0x20) - 'a' + 10;
    return -1;
}

/* Up to `most` digits. */
static int read_digits(llmi_oniguruma_reader *r, int base, int most, uint32_t *out) {
    int n = 0;
    *out = 0;
    for (; n < most && r->at < r->n; n++, r->at++) {
        int digit = digit_of(r->p[r->at]);
        if (digit < 0 || digit >= base) break;
        *out = *out * (uint32_t)base + (uint32_t)digit;
    }
    return n;
}

static bool is_scalar(uint32_t c) {
    return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* Bytes of one character: \xc3\xa9. The first is read. */
static bool read_bytes(llmi_oniguruma_reader *r, uint32_t *c) {
    char text[4] = {(char)*c};
    size_t n = 1, len;
    while (llmi_utf8_decode(text, n, &len) == LLMI_UTF8_INVALID && n < 4) {
        if (!llmi_oniguruma_take_text(r, "\\x") || read_digits(r, 16, 2, c) != 2) return false;
        text[n++] = (char)*c;
    }
    *c = llmi_utf8_decode(text, n, &len);
    return *c != LLMI_UTF8_INVALID && len == n;
}

/* \x41 \x{41} \u0041 \101 \o{101}, after the letter or at the first digit. */
static bool read_code(llmi_oniguruma_reader *r, char letter, uint32_t *c) {
    bool braces = (letter == 'x' || letter == 'o') && llmi_oniguruma_take(r, '{');
    if (letter == 'o' && !braces) return false;
    if (braces) return read_digits(r, letter == 'x' ? 16 : 8, 8, c) > 0 && llmi_oniguruma_take(r, '}') && is_scalar(*c);
    if (letter == 'u') return read_digits(r, 16, 4, c) == 4 && is_scalar(*c);
    if (letter == 'x') {
        if (read_digits(r, 16, 2, c) == 0) return false;
        return *c < 0x80 || read_bytes(r, c);
    }
    return read_digits(r, 8, 3, c) > 0 && *c < 0x80;
}

static const struct {
    char letter;
    uint32_t code;
} CONTROLS[] = {{'t', '\t'}, {'n', '\n'}, {'r', '\r'}, {'f', '\f'}, {'v', '\v'}, {'a', 7}, {'e', 27}};

static const struct {
    char letter; /* the capital one is the rest */
    const char *text;
} CLASSES[] = {{'d', "\\p{Nd}"}, {'s', LLMI_ONIGURUMA_SPACES}, {'w', LLMI_ONIGURUMA_WORDS}, {'h', "0-9a-fA-F"}};

static bool find_class(llmi_oniguruma_item *out, char letter, bool in_class) {
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        if ((letter | 0x20) != CLASSES[i].letter) continue;
        *out = (llmi_oniguruma_item){
            .is_set = true, .text = CLASSES[i].text, .negated = letter != CLASSES[i].letter, .folds = true};
        if (in_class && CLASSES[i].letter == 'w') out->text = LLMI_ONIGURUMA_WORDS_OF_CLASS;
        return true;
    }
    return false;
}

/* \cA and \C-A */
static llm_status read_control(llmi_oniguruma_reader *r, llmi_oniguruma_item *out, size_t at, char letter) {
    bool whole = letter == 'c' || llmi_oniguruma_take(r, '-');
    unsigned char c = whole && r->at < r->n ? (unsigned char)r->p[r->at] : 0;
    if (c < 0x40 || c >= 0x7f || c == '\\') return llmi_oniguruma_refuse(r, at, "this escape");
    r->at++;
    out->code = c & 0x1f;
    return LLM_OK;
}

llm_status llmi_oniguruma_read_escape(llmi_oniguruma_reader *r, llmi_oniguruma_item *out, bool in_class) {
    size_t at = r->at++, len;
    *out = (llmi_oniguruma_item){0};
    if (r->at == r->n) return llmi_oniguruma_refuse(r, at, "a backslash at the end");
    char c = r->p[r->at];
    bool braced = r->at + 1 < r->n && r->p[r->at + 1] == '{';
    if ((c == 'p' || c == 'P') && braced) return read_property(r, out, at);
    bool digit = c >= '0' && c <= '7';
    if (!digit) r->at++;
    if (find_class(out, c, in_class)) return LLM_OK;
    if (c == 'b' && in_class) {
        out->code = '\b';
        return LLM_OK;
    }
    for (size_t i = 0; i < sizeof CONTROLS / sizeof CONTROLS[0]; i++) {
        if (CONTROLS[i].letter != c) continue;
        out->code = CONTROLS[i].code;
        return LLM_OK;
    }
    if (c == 'c' || c == 'C') return read_control(r, out, at, c);
    if (c == 'M') return llmi_oniguruma_refuse(r, at, "this escape");
    if (digit || c == 'x' || c == 'u' || c == 'o')
        return read_code(r, c, &out->code) ? LLM_OK : llmi_oniguruma_refuse(r, at, "this code of a character");
    r->at = at + 1; /* any other character is itself */
    out->code = llmi_utf8_decode(r->p + r->at, r->n - r->at, &len);
    r->at += len;
    return out->code == LLMI_UTF8_INVALID ? llmi_oniguruma_refuse(r, at, "a byte that is not UTF-8") : LLM_OK;
}

/* ---- classes ---- */

/* The members of a class so far: those that PCRE2 lists, and expressions for the others, each after a '|'. */
typedef struct members {
    llmi_buf listed, others;
} members;

/* The class that is being read: `left` is an expression for what stands before the last &&. */
typedef struct class {
    members m;
    llmi_buf left;
    int n_left; /* how many && it stands for */
    bool negated;
} class;

static bool put(llmi_buf *out, const char *text) {
    return llmi_buf_append(out, text, strlen(text));
}

static bool put_buf(llmi_buf *out, const llmi_buf *text) {
    return llmi_buf_append(out, text->data, text->len);
}

/* An expression that matches one character out of the members. */
static bool put_union(llmi_buf *out, const members *m) {
    if (!m->others.len && !m->listed.len) return put(out, "(?!)");
    if (!m->others.len) return put(out, "[") && put_buf(out, &m->listed) && put(out, "]");
    bool done = put(out, "(?:");
    if (m->listed.len)
        return done && put(out, "[") && put_buf(out, &m->listed) && put(out, "]") && put_buf(out, &m->others) &&
               put(out, ")");
    return done && llmi_buf_append(out, m->others.data + 1, m->others.len - 1) && put(out, ")");
}

static llm_status put_set(llmi_oniguruma_reader *r, class *c, const llmi_oniguruma_item *item, size_t at) {
    const char *text = llmi_oniguruma_set(item);
    members *m = &c->m;
    bool caseless = r->options & LLMI_ONIGURUMA_CASELESS, letters = strcmp(text, "\\p{L}") == 0;
    if (caseless && !item->folds && !(letters && c->negated && !item->negated))
        return llmi_oniguruma_refuse(r, at, "this set of characters without case");
    bool done =
        item->negated ? put(&m->others, "|[^") && put(&m->others, text) && put(&m->others, "]") : put(&m->listed, text);
    if (caseless && letters) done = done && put(&m->listed, "\\x{345}"); /* the one mark that a letter folds to */
    return done ? LLM_OK : LLM_E_MEMORY;
}

/* [:alpha:], at its bracket. */
static llm_status read_posix(llmi_oniguruma_reader *r, class *c) {
    size_t at = r->at;
    r->at += 2;
    llmi_oniguruma_item item = {.negated = llmi_oniguruma_take(r, '^')};
    size_t begin = r->at;
    while (r->at < r->n && r->p[r->at] >= 'a' && r->p[r->at] <= 'z') r->at++;
    size_t end = r->at;
    if (!llmi_oniguruma_take_text(r, ":]") || !find_set(&item, r->p + begin, end - begin, true))
        return llmi_oniguruma_refuse(r, at, "this class");
    return put_set(r, c, &item, at);
}

/* A character of a class, or a set. */
static llm_status read_member(llmi_oniguruma_reader *r, llmi_oniguruma_item *out) {
    size_t len, at = r->at;
    if (r->p[r->at] == '\\') return llmi_oniguruma_read_escape(r, out, true);
    *out = (llmi_oniguruma_item){.code = llmi_utf8_decode(r->p + r->at, r->n - r->at, &len)};
    r->at += len;
    return out->code == LLMI_UTF8_INVALID ? llmi_oniguruma_refuse(r, at, "a byte that is not UTF-8") : LLM_OK;
}

static bool is_next(const llmi_oniguruma_reader *r, size_t ahead, char c) {
    return r->at + ahead < r->n && r->p[r->at + ahead] == c;
}

/* A character, or a range of them if '-' and another one follow. */
static llm_status read_range(llmi_oniguruma_reader *r, class *c) {
    members *m = &c->m;
    size_t at = r->at;
    llmi_oniguruma_item low, high;
    llm_status status = read_member(r, &low);
    if (status != LLM_OK) return status;
    bool dash =
        is_next(r, 0, '-') && !is_next(r, 1, ']') && r->at + 1 < r->n && !(is_next(r, 1, '&') && is_next(r, 2, '&'));
    if (low.is_set) return dash ? llmi_oniguruma_refuse(r, at, "a range from a set") : put_set(r, c, &low, at);
    high = low;
    if (dash) {
        if (is_next(r, 1, '[')) return llmi_oniguruma_refuse(r, at, "a range up to a class");
        r->at++;
        status = read_member(r, &high);
        if (status != LLM_OK) return status;
        if (high.is_set || high.code < low.code) return llmi_oniguruma_refuse(r, at, "this range");
    }
    if (r->options & LLMI_ONIGURUMA_CASELESS && !c->negated && is_several(low.code, high.code))
        return llmi_oniguruma_refuse(r, at, "text without case that one letter also spells");
    status = llmi_oniguruma_put_char(&m->listed, low.code);
    if (status != LLM_OK || high.code == low.code) return status;
    if (!put(&m->listed, "-")) return LLM_E_MEMORY;
    status = llmi_oniguruma_put_char(&m->listed, high.code);
    /* After a range '-' is itself. */
    if (status == LLM_OK && is_next(r, 0, '-') && !is_next(r, 1, ']')) {
        r->at++;
        if (!put(&m->listed, "\\-")) status = LLM_E_MEMORY;
    }
    return status;
}

static llm_status read_nested(llmi_oniguruma_reader *r, class *c) {
    if (r->options & LLMI_ONIGURUMA_CASELESS) return llmi_oniguruma_refuse(r, r->at, "a class in a class without case");
    if (!put(&c->m.others, "|")) return LLM_E_MEMORY;
    return llmi_oniguruma_read_class(r, &c->m.others);
}

/* Ends what stands before &&: left becomes (?:(?=left)members). */
static llm_status intersect(class *c, const llm_allocator *a) {
    llmi_buf all;
    llmi_buf_init(&all, a);
    bool done;
    if (!c->left.len)
        done = put_union(&all, &c->m);
    else
        done = put(&all, "(?:(?=") && put_buf(&all, &c->left) && put(&all, ")") && put_union(&all, &c->m) &&
               put(&all, ")");
    c->m.listed.len = c->m.others.len = 0;
    llmi_buf_free(&c->left);
    c->left = all;
    return done ? LLM_OK : LLM_E_MEMORY;
}

static llm_status read_members(llmi_oniguruma_reader *r, class *c) {
    size_t begin = r->at;
    for (llm_status status = LLM_OK; status == LLM_OK;) {
        if (r->at == r->n) return llmi_oniguruma_refuse(r, begin, "a class that does not end");
        if (is_next(r, 0, ']') && r->at > begin) return LLM_OK;
        if (is_next(r, 0, ']') && !memchr(r->p + r->at + 1, ']', r->n - r->at - 1))
            return llmi_oniguruma_refuse(r, begin, "an empty class");
        if (is_next(r, 0, '[') && is_next(r, 1, ':'))
            status = read_posix(r, c);
        else if (is_next(r, 0, '['))
            status = read_nested(r, c);
        else if (!llmi_oniguruma_take_text(r, "&&"))
            status = read_range(r, c);
        else if (r->options & LLMI_ONIGURUMA_CASELESS)
            status = llmi_oniguruma_refuse(r, begin, "an intersection without case");
        else if (c->n_left++ == MAX_INTERSECTIONS)
            status = llmi_oniguruma_refuse(r, begin, "an intersection of so many classes");
        else
            status = intersect(c, r->a);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status put_class(llmi_oniguruma_reader *r, class *c, llmi_buf *out) {
    bool done;
    if (!c->negated && !c->left.len) return put_union(out, &c->m) ? LLM_OK : LLM_E_MEMORY;
    if (c->negated && !c->left.len && !c->m.others.len)
        return put(out, "[^") && put_buf(out, &c->m.listed) && put(out, "]") ? LLM_OK : LLM_E_MEMORY;
    llm_status status = intersect(c, r->a);
    if (status != LLM_OK) return status;
    done = c->negated ? put(out, "(?:(?!") && put_buf(out, &c->left) && put(out, ")(?s:.))") : put_buf(out, &c->left);
    return done ? LLM_OK : LLM_E_MEMORY;
}

llm_status llmi_oniguruma_read_class(llmi_oniguruma_reader *r, llmi_buf *out) {
    size_t at = r->at++;
    if (r->depth == MAX_CLASS_DEPTH) return llmi_oniguruma_refuse(r, at, "a class in 12 others");
    r->depth++;
    class c = {.negated = llmi_oniguruma_take(r, '^')};
    llmi_buf_init(&c.m.listed, r->a);
    llmi_buf_init(&c.m.others, r->a);
    llmi_buf_init(&c.left, r->a);
    llm_status status = read_members(r, &c);
    r->at++;
    if (status == LLM_OK) status = put_class(r, &c, out);
    llmi_buf_free(&c.m.listed);
    llmi_buf_free(&c.m.others);
    llmi_buf_free(&c.left);
    r->depth--;
    return status;
}
