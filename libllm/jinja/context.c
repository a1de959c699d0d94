/* Values from JSON: the variables of a rendering, and texts that the template reads itself. Strings point into the
 * document. */
#include "jinja/value.h"

/* A role names who speaks; templates spell special tokens with it ("<|" + role + "|>"), which plain words
 * cannot abuse. */
static bool is_plain_word(llm_span text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return text.len > 0 && text.len <= 64;
}

typedef struct given_str {
    llmi_jinja_str s;
    llmi_jinja_mark mark;
} given_str;

static llmi_jinja_value given_string(llmi_jinja_run *r, llm_span text, bool trusted) {
    if (trusted || !text.len) return llmi_jinja_of_str(llmi_jinja_str_over(r, text.ptr, text.len));
    given_str *g = llmi_jinja_run_take(r, sizeof *g);
    if (!g) return llmi_jinja_undefined;
    g->s = (llmi_jinja_str){.p = text.ptr, .n = (uint32_t)text.len, .n_marks = 1, .marks = &g->mark};
    g->mark = (llmi_jinja_mark){0, g->s.n, r->message};
    return llmi_jinja_of_str(&g->s);
}

static llmi_jinja_value from_array(llmi_jinja_run *r, const llmi_json *j, bool trusted) {
    llmi_jinja_list *l = llmi_jinja_list_new(r, j->n);
    for (size_t i = 0; i < j->n && LLMI_JINJA_OK(r); i++)
        llmi_jinja_list_add(r, l, llmi_jinja_from_json(r, &j->items[i], trusted));
    return llmi_jinja_of_list(l, LLMI_V_LIST);
}

static llmi_jinja_value from_object(llmi_jinja_run *r, const llmi_json *j, bool trusted) {
    llmi_jinja_dict *d = llmi_jinja_dict_new(r, j->n);
    for (size_t i = 0; i < j->n && d && LLMI_JINJA_OK(r); i++) {
        const llmi_json_member *m = &j->members[i];
        bool plain = llmi_json_equals(&m->key, "role") && llmi_json_is(&m->value, LLMI_JSON_STRING) &&
                     is_plain_word(llmi_json_text(&m->value));
        llmi_jinja_value key = given_string(r, llmi_json_text(&m->key), trusted);
        llmi_jinja_dict_append(r, d, key, llmi_jinja_from_json(r, &m->value, trusted || plain));
    }
    return llmi_jinja_of_dict(d);
}

static llmi_jinja_value from_number(llmi_jinja_run *r, const llmi_json *j) {
    llm_span text = llmi_json_text(j);
    return llmi_json_is_integer(j) ? llmi_jinja_of_digits(r, text.ptr, text.len)
                                   : llmi_jinja_of_float(llmi_json_double(j));
}

llmi_jinja_value llmi_jinja_from_json(llmi_jinja_run *r, const llmi_json *j, bool trusted) {
    if (!llmi_jinja_run_spend(r, 1)) return llmi_jinja_undefined;
    switch ((llmi_json_kind)j->type) {
    case LLMI_JSON_NULL:
        return llmi_jinja_none;
    case LLMI_JSON_TRUE:
    case LLMI_JSON_FALSE:
        return llmi_jinja_of_bool(j->type == LLMI_JSON_TRUE);
    case LLMI_JSON_NUMBER:
        return from_number(r, j);
    case LLMI_JSON_STRING:
        return given_string(r, llmi_json_text(j), trusted);
    default:
        break;
    }
    if (!llmi_jinja_run_enter(r)) return llmi_jinja_undefined;
    llmi_jinja_value v = j->type == LLMI_JSON_ARRAY ? from_array(r, j, trusted) : from_object(r, j, trusted);
    llmi_jinja_run_leave(r);
    return v;
}

llmi_jinja_value llmi_jinja_read_json(llmi_jinja_run *r, const llmi_jinja_str *s) {
    const llmi_json *j;
    size_t held = r->json.n_held;
    r->json.max_bytes = held + r->memory;
    if (!llmi_jinja_run_scan(r, s->n)) return llmi_jinja_undefined;
    llm_status status = llmi_json_parse(&j, &r->json, (llm_span){s->p, s->n}, "from_json", LLMI_JSON_PYTHON);
    if (!llmi_jinja_run_hold(r, r->json.n_held - held)) return llmi_jinja_undefined;
    if (status != LLM_OK) {
        llmi_jinja_run_fail(r, status, "%s", llm_last_error());
        return llmi_jinja_undefined;
    }
    int32_t outer = r->message;
    if (s->n_marks) r->message = s->marks[0].message;
    llmi_jinja_value v = llmi_jinja_from_json(r, j, s->n_marks == 0);
    r->message = outer;
    return v;
}

static bool is_listed(const char *const *names, const llmi_json *name) {
    for (; names && *names; names++)
        if (llmi_json_equals(name, *names)) return true;
    return false;
}

static llmi_jinja_value from_messages(llmi_jinja_run *r, const llmi_json *messages) {
    llmi_jinja_list *l = llmi_jinja_list_new(r, messages->n);
    for (size_t i = 0; i < messages->n && LLMI_JINJA_OK(r); i++) {
        r->message = (int32_t)i;
        llmi_jinja_list_add(r, l, llmi_jinja_from_json(r, &messages->items[i], false));
    }
    r->message = -1;
    return llmi_jinja_of_list(l, LLMI_V_LIST);
}

llmi_jinja_dict *llmi_jinja_from_context(llmi_jinja_run *r, const llmi_json *context, const char *const *trusted) {
    size_t n = llmi_json_count(context);
    r->message = -1;
    llmi_jinja_dict *d = llmi_jinja_dict_new(r, (uint32_t)n);
    for (size_t i = 0; i < n && d && LLMI_JINJA_OK(r); i++) {
        const llmi_json_member *m = &context->members[i];
        bool messages = llmi_json_equals(&m->key, "messages") && llmi_json_is(&m->value, LLMI_JSON_ARRAY);
        llmi_jinja_value value =
            messages ? from_messages(r, &m->value) : llmi_jinja_from_json(r, &m->value, is_listed(trusted, &m->key));
        llmi_jinja_dict_append(r, d, llmi_jinja_of_str(llmi_jinja_str_over(r, m->key.text, m->key.n)), value);
    }
    return LLMI_JINJA_OK(r) ? d : NULL;
}
