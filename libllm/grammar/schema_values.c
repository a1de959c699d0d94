#include "grammar/schema_values.h"

#include <string.h>

#include "base/json_doc.h"

static uint64_t mix(uint64_t h, uint64_t x) {
    h = (h ^ x) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t hash_number(const llmi_json *v) {
    llmi_json_decimal d;
    if (!llmi_json_decimal_of(&d, v) || !d.n_digits) return 1;
    uint64_t h = mix(d.negative, (uint64_t)d.exponent);
    for (const char *c = d.first; c < d.end; c++)
        if (*c != '.') h = mix(h, (uint64_t)*c);
    return h;
}

/* As deep as a document may be. An object's members count in any order. */
static uint64_t hash_of(llmi_schema *s, const llmi_json *v) {
    uint64_t h = mix(v->type, 7);
    if (!llmi_schema_pay(s, 1 + (v->type >= LLMI_JSON_NUMBER ? v->n / 16 : 0))) return h;
    if (v->type == LLMI_JSON_NUMBER) return hash_number(v);
    if (v->type == LLMI_JSON_STRING)
        for (size_t i = 0; i < v->n; i++) h = mix(h, (unsigned char)v->text[i]);
    if (v->type == LLMI_JSON_ARRAY)
        for (size_t i = 0; i < v->n; i++) h = mix(h, hash_of(s, v->items + i));
    if (v->type == LLMI_JSON_OBJECT)
        for (size_t i = 0; i < v->n; i++) h += mix(hash_of(s, &v->members[i].key), hash_of(s, &v->members[i].value));
    return h;
}

void llmi_schema_values_init(llmi_schema_values *v, llmi_schema *s) {
    v->s = s;
    llmi_buf_init(&v->items, s->ir.a);
    llmi_buf_init(&v->slots, s->ir.a);
}

void llmi_schema_values_free(llmi_schema_values *v) {
    llmi_buf_free(&v->items);
    llmi_buf_free(&v->slots);
}

static int32_t *slot_of(llmi_schema_values *v, const llmi_json *value, uint64_t hash) {
    size_t mask = llmi_buf_count(&v->slots, int32_t) - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        int32_t *slot = &llmi_buf_at(&v->slots, int32_t, i);
        if (*slot < 0 || !llmi_schema_pay(v->s, 1)) return slot;
        const llmi_schema_value *item = &llmi_buf_at(&v->items, llmi_schema_value, *slot);
        if (!value || item->hash != hash) continue;
        if (llmi_schema_same(v->s, item->value, value)) return slot;
    }
}

static bool grow(llmi_schema_values *v) {
    size_t n = llmi_buf_count(&v->items, llmi_schema_value), n_slots = llmi_buf_count(&v->slots, int32_t);
    if (2 * (n + 1) < n_slots) return true;
    n_slots = n_slots ? 2 * n_slots : 16;
    v->slots.len = 0;
    if (!llmi_buf_reserve(&v->slots, n_slots * sizeof(int32_t))) return false;
    memset(v->slots.data, 0xff, v->slots.len = n_slots * sizeof(int32_t));
    for (size_t i = 0; i < n; i++) *slot_of(v, NULL, llmi_buf_at(&v->items, llmi_schema_value, i).hash) = (int32_t)i;
    return true;
}

llmi_schema_value *llmi_schema_values_add(llmi_schema_values *v, const llmi_json *value, int32_t mark) {
    llmi_schema_value item = {value, hash_of(v->s, value), mark};
    if (llmi_schema_failed(v->s)) return NULL;
    if (!grow(v)) {
        llmi_schema_no_memory(v->s);
        return NULL;
    }
    int32_t *slot = slot_of(v, value, item.hash);
    if (llmi_schema_failed(v->s)) return NULL;
    if (*slot < 0) {
        int32_t n = (int32_t)llmi_buf_count(&v->items, llmi_schema_value);
        if (!llmi_buf_push(&v->items, item)) {
            llmi_schema_no_memory(v->s);
            return NULL;
        }
        *slot = n;
    }
    return &llmi_buf_at(&v->items, llmi_schema_value, *slot);
}

llmi_schema_value *llmi_schema_values_find(llmi_schema_values *v, const llmi_json *value) {
    uint64_t hash = hash_of(v->s, value);
    if (!v->slots.len || llmi_schema_failed(v->s)) return NULL;
    int32_t *slot = slot_of(v, value, hash);
    return *slot < 0 || llmi_schema_failed(v->s) ? NULL : &llmi_buf_at(&v->items, llmi_schema_value, *slot);
}
