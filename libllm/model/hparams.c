#include "model/hparams.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "model/arch.h"

const llmi_hparam_name llmi_hparams_no_quantizer[] = {{"none", 0}, {NULL, 0}};

/* ---- names ---- */

/* The full name of alternative names[0..n-1]. */
static void full_name(llmi_hparam_key out, const llmi_hparam_source *s, const char *names, size_t n) {
    bool rope = names[0] == LLMI_ROPE_OBJECT[0];
    int rest = (int)(n - rope);
    if (s->gguf)
        snprintf(out, sizeof(llmi_hparam_key), "%.*s.%.*s", (int)s->arch.len, s->arch.ptr, rest, names);
    else
        snprintf(out, sizeof(llmi_hparam_key), "%s%s%.*s", rope ? s->rope : "", rope ? "." : "", rest, names + rope);
}

bool llmi_hparams_find(llmi_hparam_key out, const llmi_hparam_source *s, const char *names) {
    bool first = true;
    for (const char *at = names; *at;) {
        size_t n = strcspn(at, "|");
        llmi_hparam_key key;
        full_name(key, s, at, n);
        bool found = llmi_weights_has(s->w, key);
        if (first || found) memcpy(out, key, sizeof key);
        if (found) return true;
        first = false;
        at += n + (at[n] == '|');
    }
    return false;
}

/* In config.json null means "none", which integers spell 0; the getters take it for absent. */
static bool is_null(const llmi_hparam_source *s, const char *names) {
    if (s->gguf) return false;
    for (const char *name = names; *name;) {
        size_t n = strcspn(name, "|");
        llmi_hparam_key key;
        full_name(key, s, name, n);
        if (llmi_weights_is_null(s->w, key)) return true;
        name += n + (name[n] == '|');
    }
    return false;
}

static const char *names_of(const llmi_hparam_row *row, const llmi_hparam_source *s) {
    return s->gguf ? row->gguf : row->hf;
}

/* transformers 5 reads rope_scaling if it contains anything, else rope_parameters, and what either lacks from beside
 * it. An object inside is one for each kind of layer. */
static llm_status find_rope(llmi_hparam_source *s) {
    static const char *const names[] = {"rope_parameters", "rope_scaling"};
    s->rope = names[0];
    const llmi_json *config = llmi_weights_config(s->w);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const llmi_json *object = llmi_json_get(config, names[i]);
        if (!object || llmi_json_is(object, LLMI_JSON_NULL)) continue;
        if (!llmi_json_is(object, LLMI_JSON_OBJECT))
            return llmi_error(LLM_E_FORMAT, "%s is %s, expected an object or null", names[i],
                              llmi_json_type_name(object));
        if (object->n) s->rope = names[i];
    }
    const llmi_json *rope = llmi_json_get(config, s->rope);
    for (size_t i = 0; i < llmi_json_count(rope); i++) {
        const llmi_json *key = &rope->members[i].key;
        if (llmi_json_is(&rope->members[i].value, LLMI_JSON_OBJECT))
            return llmi_error(LLM_E_UNSUPPORTED,
                              "%s.%s is an object: rotary embeddings that differ from layer to layer are not "
                              "implemented",
                              s->rope, LLMI_QUOTE(key->text, key->n));
    }
    return LLM_OK;
}

/* A family that reads positions from elsewhere has no use for that object. */
static bool uses_rope(const llmi_arch *arch) {
    for (int32_t i = 0; i < arch->n_hparams; i++)
        if (arch->hparams[i].hf && strstr(arch->hparams[i].hf, LLMI_ROPE_OBJECT)) return true;
    return false;
}

/* ---- reading ---- */

static llm_status read_float(float *out, const llmi_hparam_source *s, const llmi_hparam_row *row, const char *key) {
    double value;
    int64_t integer;
    bool fraction = row->type == LLMI_HPARAM_FRACTION && s->gguf;
    if (fraction && llmi_weights_get_int(&integer, s->w, key, INT64_MIN, INT64_MAX) == LLM_OK)
        return llmi_error(LLM_E_FORMAT, "%s is %lld, of an integer type, expected a fraction", key, (long long)integer);
    llm_status status = llmi_weights_get_float(&value, s->w, key);
    if (status != LLM_OK) return status;
    if (!(value >= row->min && value <= row->max))
        return llmi_error(LLM_E_FORMAT, "%s is %g, expected %g..%g", key, value, row->min, row->max);
    *out = (float)value;
    return LLM_OK;
}

/* GGUF may state a number for each layer; what is computed has one for all. */
static llm_status read_int(int64_t *out, const llmi_hparam_source *s, const llmi_hparam_row *row, const char *key,
                           int32_t n_layers) {
    llmi_meta_array list;
    int64_t min = (int64_t)row->min, max = (int64_t)row->max;
    if (!s->gguf || llmi_weights_get_array(&list, s->w, key) != LLM_OK)
        return llmi_weights_get_int(out, s->w, key, min, max);
    for (size_t i = 0; i < list.n; i++) {
        int64_t value = 0;
        if (!llmi_meta_array_integer(&value, &list, i) || value < min || value > max)
            return llmi_error(LLM_E_FORMAT, "%s[%zu] is not an integer in %lld..%lld", key, i, (long long)min,
                              (long long)max);
        if (i && value != *out)
            return llmi_error(LLM_E_UNSUPPORTED,
                              "%s is %lld in layer 0 and %lld in layer %zu: implemented is one for all", key,
                              (long long)*out, (long long)value, i);
        *out = value;
    }
    if (list.n == (size_t)n_layers && list.n) return LLM_OK;
    return llmi_error(LLM_E_FORMAT, "%s has %zu values, expected a number or one for each of %d layers", key, list.n,
                      n_layers);
}

static llm_status read_bool(int64_t *out, const llmi_hparam_source *s, const char *key) {
    bool flag = false;
    llm_status status = llmi_weights_get_bool(&flag, s->w, key);
    *out = flag;
    return status;
}

/* "silu", or: default, linear, llama3 and yarn. */
static void list_names(char *out, size_t capacity, const llmi_hparam_name *names) {
    bool one = !names[1].name;
    size_t n = 0;
    for (int32_t i = 0; names[i].name && n < capacity; i++) {
        const char *between = i == 0 ? "" : names[i + 1].name ? ", " : " and ";
        n += llmi_format(out + n, capacity - n, one ? "%s\"%s\"" : "%s%s", between, names[i].name);
    }
}

static llm_status read_name(int64_t *out, const llmi_hparam_source *s, const llmi_hparam_row *row, const char *key) {
    llm_span text;
    char known[256] = "";
    llm_status status = llmi_weights_get_string(&text, s->w, key);
    if (status != LLM_OK) return status;
    for (const llmi_hparam_name *name = row->names; name->name; name++)
        if (llmi_span_is(text, name->name)) {
            *out = name->value;
            return LLM_OK;
        }
    list_names(known, sizeof known, row->names);
    return llmi_error(LLM_E_UNSUPPORTED, "%s is \"%.*s\", implemented %s %s", key, text.len < 64 ? (int)text.len : 64,
                      text.ptr, row->names[1].name ? "are" : "is", known);
}

static bool is_float(const llmi_hparam_row *row) {
    return row->type == LLMI_HPARAM_FLOAT || row->type == LLMI_HPARAM_FRACTION;
}

/* *out: whether the row counts in this file. */
static llm_status is_on(bool *out, const llmi_hparam_source *s, const llmi_hparam_row *row) {
    int64_t flag = 0;
    llm_status status = LLM_OK;
    if (row->only_if && !s->gguf && llmi_weights_has(s->w, row->only_if)) status = read_bool(&flag, s, row->only_if);
    *out = !row->only_if || s->gguf || flag;
    return status;
}

static llm_status read_row(void *hparams, const llmi_hparam_source *s, const llmi_hparam_row *row) {
    const char *names = names_of(row, s);
    const llmi_hparams *base = hparams;
    if (!names || row->flags & (LLMI_HPARAM_REFUSE | LLMI_HPARAM_NOT_READ)) return LLM_OK;
    void *member = (char *)hparams + row->offset;
    llmi_hparam_key key;
    bool on = false, found = llmi_hparams_find(key, s, names);
    llm_status status = is_on(&on, s, row);
    if (status != LLM_OK) return status;
    if (!found && isnan(row->fallback)) return llmi_error(LLM_E_FORMAT, "%s is missing", key);
    if (is_float(row)) {
        float value = (float)row->fallback;
        if (found) status = read_float(&value, s, row, key);
        if (!on) value = 0;
        memcpy(member, &value, sizeof value);
        return status;
    }
    bool none = row->type == LLMI_HPARAM_INT && is_null(s, names);
    int64_t value = none || isnan(row->fallback) ? 0 : (int64_t)row->fallback;
    if (found && row->type == LLMI_HPARAM_NAME) status = read_name(&value, s, row, key);
    if (found && row->type == LLMI_HPARAM_INT) status = read_int(&value, s, row, key, base->n_layers);
    int32_t narrow = on ? (int32_t)value : 0;
    memcpy(member, &narrow, sizeof narrow);
    return status;
}

/* Refused rather than computed wrongly. An absent key counts as the implemented value. */
static llm_status check_refused(const llmi_hparam_source *s, const llmi_hparam_row *row) {
    const char *names = names_of(row, s);
    llmi_hparam_key key;
    if (!(row->flags & LLMI_HPARAM_REFUSE) || !names || !llmi_hparams_find(key, s, names)) return LLM_OK;
    int64_t integer = 0;
    if (row->type == LLMI_HPARAM_NAME) return read_name(&integer, s, row, key);
    bool is_bool = row->type == LLMI_HPARAM_BOOL;
    double number = 0;
    llm_status status = is_bool ? read_bool(&integer, s, key) : llmi_weights_get_float(&number, s->w, key);
    if (status != LLM_OK) return status;
    if (is_bool && integer != (row->fallback != 0))
        return llmi_error(LLM_E_UNSUPPORTED, "%s is %s, implemented is %s", key, integer ? "true" : "false",
                          integer ? "false" : "true");
    if (!is_bool && number != row->fallback)
        return llmi_error(LLM_E_UNSUPPORTED, "%s is %g, implemented is %g", key, number, row->fallback);
    return LLM_OK;
}

llm_status llmi_hparams_read(void *out, const llmi_arch *arch, const llmi_weights *w) {
    const llmi_hparams *base = out;
    memset(out, 0, arch->hparams_bytes);
    llmi_hparam_source s = {.w = w, .gguf = llmi_weights_format(w) == LLMI_FORMAT_GGUF};
    s.rope_style = s.gguf ? arch->gguf_rope_style : arch->hf_rope_style;
    llm_status status = LLM_OK;
    if (s.gguf)
        status = llmi_weights_get_string(&s.arch, w, "general.architecture");
    else if (uses_rope(arch))
        status = find_rope(&s);
    for (int32_t i = 0; i < arch->n_hparams && status == LLM_OK; i++) status = check_refused(&s, &arch->hparams[i]);
    for (int32_t i = 0; i < arch->n_hparams && status == LLM_OK; i++) status = read_row(out, &s, &arch->hparams[i]);
    if (status == LLM_OK && arch->check) status = arch->check(out, &s);
    if (status == LLM_OK && !base->n_ctx_train)
        return llmi_error(LLM_E_FORMAT, "max_position_embeddings is null, expected 1..%d", LLMI_MAX_CTX);
    return status;
}

int32_t llmi_hparams_get_int(const llm_model *m, const char *gguf) {
    int32_t value = 0;
    for (int32_t i = 0; m->arch && i < m->arch->n_hparams; i++) {
        const llmi_hparam_row *row = &m->arch->hparams[i];
        if (row->type != LLMI_HPARAM_INT || row->flags & LLMI_HPARAM_REFUSE) continue;
        if (row->gguf && strcmp(row->gguf, gguf) == 0)
            memcpy(&value, (const char *)m->hparams + row->offset, sizeof value);
    }
    return value;
}

/* ---- writing ---- */

static llm_status write_name(llmi_gguf_writer *w, const llmi_hparam_row *row, const char *key, int32_t value) {
    for (const llmi_hparam_name *name = row->names; name->name; name++)
        if (name->value == value) return llmi_gguf_put_string(w, key, name->name, strlen(name->name));
    return LLM_OK; /* a value that no file states */
}

/* A 0 that means "none" is not written. */
static llm_status write_row(llmi_gguf_writer *w, const void *hparams, const llmi_hparam_row *row,
                            const llmi_hparam_source *s) {
    if (!row->gguf || row->flags & LLMI_HPARAM_REFUSE) return LLM_OK;
    const char *member = (const char *)hparams + row->offset;
    llmi_hparam_key key;
    int32_t integer;
    float number;
    memcpy(&integer, member, sizeof integer);
    memcpy(&number, member, sizeof number);
    full_name(key, s, row->gguf, strcspn(row->gguf, "|"));
    if (row->type == LLMI_HPARAM_NAME) return write_name(w, row, key, integer);
    if (row->fallback == 0 && (is_float(row) ? number == 0 : integer == 0)) return LLM_OK;
    if (is_float(row)) return llmi_gguf_put_f32(w, key, number);
    return llmi_gguf_put_u32(w, key, (uint32_t)integer);
}

llm_status llmi_hparams_write(llmi_gguf_writer *w, const llm_model *m) {
    const llmi_arch *arch = m->arch;
    const llm_allocator *a = llmi_runtime_allocator(m->runtime);
    const char *name = llmi_arch_gguf_name(arch);
    llmi_hparam_source s = {.gguf = true, .arch = {name, strlen(name)}};
    void *hparams = llmi_alloc(a, arch->hparams_bytes);
    if (!hparams) return LLM_E_MEMORY;
    memcpy(hparams, m->hparams, arch->hparams_bytes);
    llm_status status = arch->to_gguf ? arch->to_gguf(hparams, m) : LLM_OK;
    if (status == LLM_OK) status = llmi_gguf_put_string(w, "general.architecture", name, strlen(name));
    for (int32_t i = 0; i < arch->n_hparams && status == LLM_OK; i++)
        status = write_row(w, hparams, &arch->hparams[i], &s);
    llmi_free(a, hparams, arch->hparams_bytes);
    return status;
}
