/* Added tokens of a tokenizer.json and of the files beside it, and what roles they have: as AutoTokenizer of
 * transformers reads them.
 *
 *   tokenizer.json            added_tokens
 *   tokenizer_config.json     added_tokens_decoder; bos_token, ..., image_token; extra_special_tokens
 *   special_tokens_map.json   the same names; only where there is no added_tokens_decoder
 *   added_tokens.json         {spelling: id}; likewise
 *
 * The ids in the files only order the tokens: one whose spelling the vocabulary lacks gets the next free id. */
#include <stdlib.h>

#include "base/checked.h"
#include "base/log.h"
#include "base/status.h"
#include "base/text.h"
#include "tokenizer/load_json_read.h"

static const char CONFIG[] = "tokenizer_config.json", MAP[] = "special_tokens_map.json", ADDED[] = "added_tokens.json",
                  TOKENIZER[] = "tokenizer.json: added_tokens";

/* A token that the vocabulary lacks. */
typedef struct fresh {
    llm_span text;
    int32_t id;
} fresh;

typedef struct adder {
    llm_tokenizer *t;
    const llmi_load_json_sources *s;
    llmi_trie trie;   /* spelling -> index of the fresh tokens */
    llmi_trie named;  /* spellings of special tokens that have names or are listed */
    llmi_buf news;    /* fresh */
    llmi_buf flags;   /* int16_t by id: -1, or the flags of an added token */
    llmi_buf order;   /* int32_t: ids of added tokens, as they came */
    int32_t n_vocab;  /* entries of the vocabulary */
    int32_t greatest; /* id of an added token; -1: there is none */
} adder;

static bool is_empty(const llmi_json *v) {
    return !v || llmi_json_is(v, LLMI_JSON_NULL);
}

/* ---- one token ---- */

static int32_t find_in(const llmi_trie *trie, llm_span text) {
    uint32_t state = 0;
    int32_t found = -1;
    for (size_t i = 0; i < text.len; i++) {
        const llmi_trie_edge *e = llmi_trie_step(trie, state, (uint8_t)text.ptr[i]);
        if (!e) return -1;
        state = e->to;
        found = e->value;
    }
    return found;
}

static int32_t find(const adder *a, llm_span text) {
    int32_t id = llmi_tokenizer_find(a->t, text.ptr, text.len);
    if (id >= 0) return id;
    int32_t index = find_in(&a->trie, text);
    return index < 0 ? -1 : llmi_buf_at(&a->news, fresh, index).id;
}

static int16_t flags_of(const adder *a, int32_t id) {
    return id >= 0 && (size_t)id < llmi_buf_count(&a->flags, int16_t) ? llmi_buf_at(&a->flags, int16_t, id) : -1;
}

static llm_status set_flags(adder *a, int32_t id, uint8_t flags) {
    static const int16_t none = -1;
    while (llmi_buf_count(&a->flags, int16_t) <= (size_t)id)
        if (!llmi_buf_push(&a->flags, none)) return LLM_E_MEMORY;
    if (flags_of(a, id) < 0 && !llmi_buf_push(&a->order, id)) return LLM_E_MEMORY;
    llmi_buf_at(&a->flags, int16_t, id) = flags;
    if (id > a->greatest) a->greatest = id;
    return LLM_OK;
}

static llm_status make_fresh(adder *a, llm_span text, int32_t *id) {
    *id = a->greatest >= a->n_vocab ? a->greatest + 1 : a->n_vocab;
    if (*id >= INT32_MAX / 2) return llmi_error(LLM_E_LIMIT, "%s: more than 2^30 tokens", TOKENIZER);
    fresh token = {text, *id};
    int32_t index = (int32_t)llmi_buf_count(&a->news, fresh);
    if (!llmi_buf_push(&a->news, token)) return LLM_E_MEMORY;
    return llmi_trie_add(&a->trie, text.ptr, text.len, index);
}

/* wanted: the id that a file gives it; -1: none. */
static llm_status add(adder *a, llm_span text, uint8_t flags, int64_t wanted, const char *where) {
    if (!text.len) return LLM_OK;
    if (text.len > LLMI_SPELLING_MAX)
        return llmi_error(LLM_E_FORMAT, "%s: a token has %zu bytes, expected at most %d", where, text.len,
                          LLMI_SPELLING_MAX);
    int32_t id = find(a, text);
    llm_status status = id < 0 ? make_fresh(a, text, &id) : LLM_OK;
    if (status != LLM_OK) return status;
    if (wanted >= 0 && wanted != id)
        llmi_log_write(a->s->log, LLM_LOG_WARNING, "%s: the id of \"%s\" is %lld in the file and %d in the vocabulary",
                       where, LLMI_QUOTE(text.ptr, text.len), (long long)wanted, id);
    return set_flags(a, id, flags);
}

/* ---- tokens as the files write them ---- */

static llm_status read_flags(uint8_t *flags, const llmi_json *item, const char *where) {
    static const struct {
        const char *key;
        uint8_t flag;
    } FLAGS[] = {{"special", LLMI_ADDED_SPECIAL},
                 {"lstrip", LLMI_ADDED_LSTRIP},
                 {"rstrip", LLMI_ADDED_RSTRIP},
                 {"single_word", LLMI_ADDED_SINGLE_WORD},
                 {"normalized", LLMI_ADDED_NORMALIZED}};
    for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++) {
        bool set = *flags & FLAGS[i].flag;
        llm_status status = llmi_load_json_bool(&set, item, FLAGS[i].key, where);
        if (status != LLM_OK) return status;
        *flags = (uint8_t)(set ? *flags | FLAGS[i].flag : *flags & ~FLAGS[i].flag);
    }
    return LLM_OK;
}

/* "text", or {"content": "text", "lstrip": ...}. *flags: what is assumed where the file is silent. */
static llm_status read_token(llm_span *text, uint8_t *flags, const llmi_json *v, const char *where) {
    *text = llmi_json_text(v);
    if (llmi_json_is(v, LLMI_JSON_STRING)) return LLM_OK;
    if (!llmi_json_is(v, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "%s: a token is %s, expected a string or an object", where,
                          llmi_json_type_name(v));
    llm_status status = llmi_json_get_string(text, v, "content", where);
    if (status != LLM_OK) return status == LLM_E_NOT_FOUND ? LLM_E_FORMAT : status;
    return read_flags(flags, v, where);
}

/* ---- tokenizer.json ---- */

static llm_status add_listed(adder *a) {
    const llmi_json *list = llmi_json_get(a->s->root, "added_tokens");
    if (!is_empty(list) && !llmi_json_is(list, LLMI_JSON_ARRAY))
        return llmi_error(LLM_E_FORMAT, "tokenizer.json: \"added_tokens\" is %s, expected an array",
                          llmi_json_type_name(list));
    for (size_t i = 0; i < llmi_json_count(list); i++) {
        const llmi_json *item = list->items + i;
        llm_span text;
        int64_t id;
        uint8_t flags = 0;
        llm_status status = llmi_json_get_int(&id, item, "id", 0, UINT32_MAX, TOKENIZER);
        if (status == LLM_OK) status = read_token(&text, &flags, item, TOKENIZER);
        if (status == LLM_OK) status = add(a, text, flags, id, TOKENIZER);
        if (status != LLM_OK) return status == LLM_E_NOT_FOUND ? LLM_E_FORMAT : status;
    }
    return LLM_OK;
}

/* ---- names: bos_token and the like ---- */

static const struct {
    const char *key;
    int32_t role; /* -1: none of the public ones */
} ROLES[] = {{"bos_token", LLM_SPECIAL_BOS},  {"eos_token", LLM_SPECIAL_EOS}, {"unk_token", LLM_SPECIAL_UNK},
             {"sep_token", LLM_SPECIAL_SEP},  {"pad_token", LLM_SPECIAL_PAD}, {"cls_token", LLM_SPECIAL_CLS},
             {"mask_token", LLM_SPECIAL_MASK}};

static int32_t role_of(const char *key) {
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++)
        if (strcmp(ROLES[i].key, key) == 0) return ROLES[i].role;
    return -1;
}

/* special_tokens_map.json counts only where there is no added_tokens_decoder, and then before the config. */
static const llmi_json *map_of(const adder *a) {
    return llmi_json_get(a->s->config, "added_tokens_decoder") ? NULL : a->s->map;
}

static bool ends_in_token(const llmi_json *key) {
    static const char ending[] = "_token";
    size_t n = sizeof ending - 1;
    return key->n > n && memcmp(key->text + key->n - n, ending, n) == 0;
}

typedef llm_status (*name_fn)(adder *a, const llmi_json *key, const llmi_json *value, const char *where);

/* Whether a member names a token. Other members of a config may have any type. */
static bool is_named_token(const llmi_json_member *m, bool all) {
    bool token = llmi_json_is(&m->value, LLMI_JSON_STRING) || llmi_json_is(&m->value, LLMI_JSON_OBJECT);
    return token && (all || ends_in_token(&m->key));
}

static bool is_role(const llmi_json *key) {
    char name[LLMI_VARIABLE_NAME] = "";
    if (key->n < sizeof name) memcpy(name, key->text, key->n);
    return role_of(name) >= 0;
}

/* Names that are not roles: members that end in _token, or all. */
static llm_status each_member(adder *a, const llmi_json *object, bool all, name_fn fn, const char *where) {
    for (size_t i = 0; llmi_json_is(object, LLMI_JSON_OBJECT) && i < object->n; i++) {
        const llmi_json_member *m = &object->members[i];
        if (!is_named_token(m, all) || is_role(&m->key)) continue;
        llm_status status = fn(a, &m->key, &m->value, where);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status each_role(adder *a, name_fn fn) {
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++) {
        const char *name = ROLES[i].key, *where = MAP;
        const llmi_json *value = llmi_json_get(map_of(a), name);
        if (is_empty(value)) {
            value = llmi_json_get(a->s->config, name);
            where = CONFIG;
        }
        if (is_empty(value)) continue;
        if (!llmi_json_is(value, LLMI_JSON_STRING) && !llmi_json_is(value, LLMI_JSON_OBJECT))
            return llmi_error(LLM_E_FORMAT, "%s: \"%s\" is %s, expected a string or an object", where, name,
                              llmi_json_type_name(value));
        llmi_json key = {.type = LLMI_JSON_STRING, .n = (uint32_t)strlen(name), .text = name};
        llm_status status = fn(a, &key, value, where);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* Calls fn for each name with a token: first the roles, in their order. */
static llm_status each_name(adder *a, name_fn fn) {
    static const char extra[] = "extra_special_tokens";
    const llmi_json *config = a->s->config, *map = map_of(a);
    llm_status status = each_role(a, fn);
    if (status == LLM_OK) status = each_member(a, config, false, fn, CONFIG);
    if (status == LLM_OK) status = each_member(a, llmi_json_get(config, extra), true, fn, CONFIG);
    if (status == LLM_OK) status = each_member(a, map, false, fn, MAP);
    return status == LLM_OK ? each_member(a, llmi_json_get(map, extra), true, fn, MAP) : status;
}

/* ---- the files beside it ---- */

typedef struct numbered {
    int64_t id;
    const llmi_json *key, *value;
} numbered;

static int by_id(const void *left, const void *right) {
    const numbered *l = left, *r = right;
    return (l->id > r->id) - (l->id < r->id);
}

static bool read_number(int64_t *out, const llmi_json *key) {
    *out = 0;
    for (uint32_t i = 0; i < key->n; i++) {
        if (key->text[i] < '0' || key->text[i] > '9' || *out > UINT32_MAX) return false;
        *out = *out * 10 + (key->text[i] - '0');
    }
    return key->n > 0;
}

/* {"151644": {"content": ...}}, or with `turned` {"<|im_start|>": 151644}, in the order of the ids. */
static llm_status sort_members(llmi_buf *out, const llmi_json *object, bool turned, const char *where) {
    for (size_t i = 0; i < llmi_json_count(object); i++) {
        numbered n = {0, &object->members[i].key, &object->members[i].value};
        if (turned ? !llmi_json_int64(&n.id, n.value) || n.id < 0 : !read_number(&n.id, n.key))
            return llmi_error(LLM_E_FORMAT, "%s: the id of \"%s\" is not an integer from 0 on", where,
                              LLMI_QUOTE(n.key->text, n.key->n));
        if (!llmi_buf_push(out, n)) return LLM_E_MEMORY;
    }
    if (out->len) qsort(out->data, llmi_buf_count(out, numbered), sizeof(numbered), by_id);
    return LLM_OK;
}

/* Puts a token of a list or with a name into a->named. */
static llm_status name_token(adder *a, const llmi_json *v, const char *where) {
    llm_span text;
    uint8_t flags = 0;
    llm_status status = read_token(&text, &flags, v, where);
    return status == LLM_OK && text.len ? llmi_trie_add(&a->named, text.ptr, text.len, 0) : status;
}

static llm_status name_key(adder *a, const llmi_json *key, const llmi_json *value, const char *where) {
    return is_role(key) ? name_token(a, value, where) : LLM_OK;
}

/* Calls fn for the entries of additional_special_tokens, or as it is called now extra_special_tokens. */
static llm_status each_extra(adder *a, const llmi_json *object, const char *where,
                             llm_status (*fn)(adder *a, const llmi_json *v, const char *where)) {
    const llmi_json *list = llmi_json_get(object, "extra_special_tokens");
    if (!llmi_json_count(list)) list = llmi_json_get(object, "additional_special_tokens");
    for (size_t i = 0; llmi_json_is(list, LLMI_JSON_ARRAY) && i < list->n; i++) {
        llm_status status = fn(a, list->items + i, where);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status name_special(adder *a) {
    llm_status status = each_name(a, name_key);
    if (status == LLM_OK) status = each_extra(a, map_of(a), MAP, name_token);
    return status == LLM_OK ? each_extra(a, a->s->config, CONFIG, name_token) : status;
}

static llm_status add_numbered(adder *a, const numbered *n, bool turned, const char *where) {
    llm_span text = llmi_json_text(n->key);
    uint8_t flags = 0;
    llm_status status = LLM_OK;
    if (!turned) status = read_token(&text, &flags, n->value, where);
    if (status != LLM_OK) return status;
    bool special = find_in(&a->named, text) >= 0;
    if (turned && flags_of(a, find(a, text)) >= 0) return LLM_OK; /* as tokenizer.json has it */
    if (turned) flags = LLMI_ADDED_NORMALIZED;
    if (special) flags = (uint8_t)((flags | LLMI_ADDED_SPECIAL) & (turned ? ~LLMI_ADDED_NORMALIZED : ~0));
    return add(a, text, flags, n->id, where);
}

static llm_status add_beside(adder *a) {
    const llmi_json *decoder = llmi_json_get(a->s->config, "added_tokens_decoder");
    bool turned = !decoder;
    const llmi_json *object = turned ? a->s->added : decoder;
    const char *where = turned ? ADDED : "tokenizer_config.json: \"added_tokens_decoder\"";
    if (is_empty(object)) return LLM_OK;
    if (!llmi_json_is(object, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "%s is %s, expected an object", where, llmi_json_type_name(object));
    llmi_buf list;
    llmi_buf_init(&list, a->t->a);
    llm_status status = sort_members(&list, object, turned, where);
    for (size_t i = 0; i < llmi_buf_count(&list, numbered) && status == LLM_OK; i++)
        status = add_numbered(a, &llmi_buf_at(&list, numbered, i), turned, where);
    llmi_buf_free(&list);
    return status;
}

/* A special token that is not yet an added one. */
static llm_status add_special(adder *a, const llmi_json *v, const char *where) {
    llm_span text;
    uint8_t flags = LLMI_ADDED_SPECIAL;
    llm_status status = read_token(&text, &flags, v, where);
    if (status != LLM_OK || flags_of(a, find(a, text)) >= 0) return status;
    return add(a, text, flags | LLMI_ADDED_SPECIAL, -1, where);
}

static llm_status add_name(adder *a, const llmi_json *key, const llmi_json *value, const char *where) {
    return add_special(a, value, where);
}

/* ---- into the tokenizer ---- */

static int fresh_by_id(const void *left, const void *right) {
    const fresh *l = left, *r = right;
    return (l->id > r->id) - (l->id < r->id);
}

static llm_status put_spelling(llm_tokenizer *t, llm_span text, int32_t type) {
    uint64_t len = text.len;
    bool done = llmi_buf_push(&t->spellings, len) && llmi_buf_append(&t->spellings, text.ptr, text.len) &&
                llmi_buf_push(&t->types, type);
    return done ? LLM_OK : LLM_E_MEMORY;
}

/* Puts the fresh tokens behind the vocabulary, or into its gaps. */
static llm_status place_fresh(adder *a) {
    llm_tokenizer *t = a->t;
    size_t n = llmi_buf_count(&a->news, fresh);
    if (!n) return LLM_OK;
    fresh *news = &llmi_buf_at(&a->news, fresh, 0);
    qsort(news, n, sizeof *news, fresh_by_id);
    if (news[0].id < t->vocab.n)
        return llmi_error(LLM_E_FORMAT, "%s: id %d would be both \"%s\" and an entry of \"vocab\", whose ids have gaps",
                          TOKENIZER, news[0].id, LLMI_QUOTE(news[0].text.ptr, news[0].text.len));
    for (size_t i = 0; i < n; i++) {
        llm_status status = LLM_OK;
        while (status == LLM_OK && llmi_buf_count(&t->types, int32_t) < (size_t)news[i].id)
            status = put_spelling(t, (llm_span){"", 0}, LLM_TOKEN_UNUSED);
        if (status == LLM_OK) status = put_spelling(t, news[i].text, LLM_TOKEN_NORMAL);
        if (status != LLM_OK) return status;
    }
    llmi_vocab_free(&t->vocab);
    return llmi_vocab_init(&t->vocab, t->a, t->spellings.data, t->spellings.len,
                           (int32_t)llmi_buf_count(&t->types, int32_t), "tokenizer.json: vocabulary");
}

static llm_status place(adder *a) {
    llm_tokenizer *t = a->t;
    llm_status status = place_fresh(a);
    for (size_t i = 0; i < llmi_buf_count(&a->order, int32_t) && status == LLM_OK; i++) {
        int32_t id = llmi_buf_at(&a->order, int32_t, i);
        uint8_t flags = (uint8_t)llmi_buf_at(&a->flags, int16_t, id);
        llmi_buf_at(&t->types, int32_t, id) = flags & LLMI_ADDED_SPECIAL ? LLM_TOKEN_CONTROL : LLM_TOKEN_USER_DEFINED;
        if (llmi_special_tokens_looks_like_control(llmi_vocab_get(&t->vocab, id))) flags |= LLMI_ADDED_SPECIAL;
        status = llmi_added_tokens_add(t, id, flags);
    }
    return status;
}

/* A name becomes a role and a variable of templates. */
static llm_status take_name(adder *a, const llmi_json *key, const llmi_json *value, const char *where) {
    llm_span text;
    uint8_t flags = 0;
    llm_status status = read_token(&text, &flags, value, where);
    if (status != LLM_OK || key->n >= LLMI_VARIABLE_NAME || memchr(key->text, 0, key->n)) return status;
    llmi_tokenizer_variable_name v = {.id = llmi_tokenizer_find(a->t, text.ptr, text.len)};
    if (v.id < 0) return LLM_OK;
    memcpy(v.name, key->text, key->n);
    int32_t role = role_of(v.name);
    if (role >= 0) a->t->special[role] = v.id;
    return llmi_buf_push(&a->t->variables, v) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status read_all(adder *a) {
    llm_status status = add_listed(a);
    if (status == LLM_OK) status = name_special(a);
    if (status == LLM_OK) status = add_beside(a);
    if (status == LLM_OK) status = each_name(a, add_name);
    if (status == LLM_OK) status = each_extra(a, map_of(a), MAP, add_special);
    if (status == LLM_OK) status = each_extra(a, a->s->config, CONFIG, add_special);
    if (status == LLM_OK) status = place(a);
    return status == LLM_OK ? each_name(a, take_name) : status;
}

llm_status llmi_load_json_added(llm_tokenizer *t, const llmi_load_json_sources *s, int32_t n_vocab) {
    adder a = {.t = t, .s = s, .n_vocab = n_vocab, .greatest = -1};
    llmi_trie_init(&a.trie, t->a);
    llmi_trie_init(&a.named, t->a);
    llmi_buf_init(&a.news, t->a);
    llmi_buf_init(&a.flags, t->a);
    llmi_buf_init(&a.order, t->a);
    llm_status status = read_all(&a);
    llmi_trie_free(&a.trie);
    llmi_trie_free(&a.named);
    llmi_buf_free(&a.news);
    llmi_buf_free(&a.flags);
    llmi_buf_free(&a.order);
    return status;
}
