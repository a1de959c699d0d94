/* Metadata values: typed reading and rendering as text. */
#include <inttypes.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [LLMI_META_U8] = {"u8", 1},       [LLMI_META_I8] = {"i8", 1},     [LLMI_META_U16] = {"u16", 2},
    [LLMI_META_I16] = {"i16", 2},     [LLMI_META_U32] = {"u32", 4},   [LLMI_META_I32] = {"i32", 4},
    [LLMI_META_F32] = {"f32", 4},     [LLMI_META_BOOL] = {"bool", 1}, [LLMI_META_STRING] = {"string", 0},
    [LLMI_META_ARRAY] = {"array", 0}, [LLMI_META_U64] = {"u64", 8},   [LLMI_META_I64] = {"i64", 8},
    [LLMI_META_F64] = {"f64", 8},
};

enum { N_META_TYPES = sizeof types / sizeof types[0] };

size_t llmi_meta_type_size(int64_t type) {
    return type >= 0 && type < N_META_TYPES ? types[type].size : 0;
}

const char *llmi_meta_type_name(int64_t type) {
    return type >= 0 && type < N_META_TYPES ? types[type].name : "null";
}

/* The bytes of a scalar, which may be unaligned. */
typedef union scalar {
    uint8_t u8;
    int8_t i8;
    uint16_t u16;
    int16_t i16;
    uint32_t u32;
    int32_t i32;
    float f32;
    uint64_t u64;
    int64_t i64;
    double f64;
} scalar;

static scalar load(const llmi_meta *m) {
    scalar s = {0};
    memcpy(&s, m->data, llmi_meta_type_size(m->type));
    return s;
}

bool llmi_meta_integer(int64_t *out, const llmi_meta *m) {
    if (m->json) {
        *out = 0;
        return llmi_json_is_integer(m->json) && llmi_json_int64(out, m->json);
    }
    scalar s = load(m);
    switch (m->type) {
    case LLMI_META_U8:
        *out = s.u8;
        return true;
    case LLMI_META_I8:
        *out = s.i8;
        return true;
    case LLMI_META_U16:
        *out = s.u16;
        return true;
    case LLMI_META_I16:
        *out = s.i16;
        return true;
    case LLMI_META_U32:
        *out = s.u32;
        return true;
    case LLMI_META_I32:
        *out = s.i32;
        return true;
    case LLMI_META_U64:
        *out = (int64_t)s.u64;
        return s.u64 <= INT64_MAX;
    case LLMI_META_I64:
        *out = s.i64;
        return true;
    default:
        return false;
    }
}

bool llmi_meta_number(double *out, const llmi_meta *m) {
    int64_t n;
    if (m->json) {
        *out = llmi_json_double(m->json);
        return llmi_json_is(m->json, LLMI_JSON_NUMBER);
    }
    if (m->type == LLMI_META_F32)
        *out = (double)load(m).f32;
    else if (m->type == LLMI_META_F64)
        *out = load(m).f64;
    else if (m->type == LLMI_META_U64)
        *out = (double)load(m).u64;
    else if (llmi_meta_integer(&n, m))
        *out = (double)n;
    else
        return false;
    return true;
}

bool llmi_meta_bool(bool *out, const llmi_meta *m) {
    int64_t n;
    if (m->type == LLMI_META_BOOL) {
        *out = m->json ? llmi_json_is(m->json, LLMI_JSON_TRUE) : load(m).u8 != 0;
        return true;
    }
    if (m->json || !llmi_meta_integer(&n, m) || (n != 0 && n != 1)) return false;
    *out = n != 0;
    return true;
}

bool llmi_meta_string(llm_span *out, const llmi_meta *m) {
    if (m->type != LLMI_META_STRING) return false;
    *out = m->json ? llmi_json_text(m->json) : (llm_span){(const char *)m->data + 8, m->n_bytes - 8};
    return true;
}

bool llmi_meta_array_of(llmi_meta_array *out, const llmi_meta *m) {
    uint32_t type;
    uint64_t n;
    if (m->type != LLMI_META_ARRAY || m->json) return false;
    memcpy(&type, m->data, 4);
    memcpy(&n, (const char *)m->data + 4, 8);
    *out = (llmi_meta_array){(int32_t)type, (size_t)n, (const char *)m->data + 12, m->n_bytes - 12};
    return true;
}

static llmi_meta element(const llmi_meta_array *array, size_t index) {
    size_t size = llmi_meta_type_size(array->type);
    return (llmi_meta){.type = array->type, .data = (const char *)array->data + index * size, .n_bytes = size};
}

bool llmi_meta_array_integer(int64_t *out, const llmi_meta_array *array, size_t index) {
    llmi_meta m = element(array, index);
    return llmi_meta_integer(out, &m);
}

bool llmi_meta_array_number(double *out, const llmi_meta_array *array, size_t index) {
    llmi_meta m = element(array, index);
    return llmi_meta_number(out, &m);
}

/* ---- text ---- */

static bool render_number(llmi_buf *texts, const llmi_meta *m) {
    char number[LLMI_NUMBER_BYTES];
    int64_t n;
    double x = 0;
    if (llmi_meta_integer(&n, m)) return llmi_buf_printf(texts, "%" PRId64, n);
    if (m->type == LLMI_META_U64) return llmi_buf_printf(texts, "%" PRIu64, load(m).u64);
    if (m->type == LLMI_META_F32) return llmi_buf_printf(texts, "%s", llmi_number_f32(number, load(m).f32));
    llmi_meta_number(&x, m);
    return llmi_buf_printf(texts, "%s", llmi_number(number, x));
}

static bool render_array(llmi_buf *texts, const llmi_meta *m) {
    llmi_meta_array array;
    if (llmi_meta_array_of(&array, m))
        return llmi_buf_printf(texts, "[%zu values of %s]", array.n, llmi_meta_type_name(array.type));
    return llmi_buf_printf(texts, "[%zu values]", llmi_json_count(m->json));
}

static bool render(llmi_buf *texts, const llmi_meta *m) {
    bool truth;
    if (m->type < 0) return llmi_buf_printf(texts, "null");
    if (llmi_json_is(m->json, LLMI_JSON_NUMBER)) return llmi_buf_append(texts, m->json->text, m->json->n);
    if (m->type == LLMI_META_ARRAY) return render_array(texts, m);
    if (m->type == LLMI_META_BOOL && llmi_meta_bool(&truth, m)) return llmi_buf_printf(texts, truth ? "true" : "false");
    return render_number(texts, m);
}

/* The pool moves while it grows, so the pointers are set when it is whole. */
llm_status llmi_meta_render(llmi_contents *c) {
    size_t n = llmi_buf_count(&c->metas, llmi_meta), at = 0;
    llmi_meta *metas = (llmi_meta *)(void *)c->metas.data;
    for (size_t i = 0; i < n; i++) {
        if (llmi_meta_string(&metas[i].text, &metas[i])) continue;
        size_t begin = c->texts.len;
        if (!render(&c->texts, &metas[i])) return LLM_E_MEMORY;
        metas[i].text.len = c->texts.len - begin;
    }
    for (size_t i = 0; i < n; i++) {
        if (metas[i].type == LLMI_META_STRING) continue;
        metas[i].text.ptr = c->texts.data + at;
        at += metas[i].text.len;
    }
    return LLM_OK;
}

const llmi_meta *llmi_meta_search(const llmi_contents *c, const char *key) {
    size_t n = llmi_buf_count(&c->metas, llmi_meta), n_key = strlen(key);
    for (size_t i = 0; i < n; i++) {
        const llmi_meta *m = &llmi_buf_at(&c->metas, llmi_meta, i);
        if (m->key.len == n_key && memcmp(m->key.ptr, key, n_key) == 0) return m;
    }
    return NULL;
}
