/* safetensors (github.com/huggingface/safetensors, "Format"): u64 header length, a JSON object
 *   { "NAME": { "dtype": "F32", "shape": [..], "data_offsets": [begin, end] }, ..,
 *     "__metadata__": { "KEY": "TEXT", .. } }
 * and the data, which the tensors cover without a hole or an overlap. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"
#include "format/ranges.h"

enum { MAX_HEADER_BYTES = 100000000, MAX_NAME_BYTES = 1024 };

/* A tensor of the header; begin and end count from the data's first byte. */
typedef struct entry {
    llmi_tensor t;
    size_t begin, end;
} entry;

/* All types of the format; the ones that nothing reads only take room. */
static const struct {
    const char *name;
    llm_dtype dtype;
    int bits; /* of an element */
} dtypes[] = {
    {"F32", LLM_DTYPE_F32, 32},
    {"F16", LLM_DTYPE_F16, 16},
    {"BF16", LLM_DTYPE_BF16, 16},
#define OTHER(name, bits)                                                                                              \
    { name, LLMI_DTYPE_OTHER, bits }
    OTHER("BOOL", 8),
    OTHER("U8", 8),
    OTHER("I8", 8),
    OTHER("F8_E4M3", 8),
    OTHER("F8_E5M2", 8),
    OTHER("F8_E8M0", 8),
    OTHER("F8_E4M3FNUZ", 8),
    OTHER("F8_E5M2FNUZ", 8),
    OTHER("F6_E2M3", 6),
    OTHER("F6_E3M2", 6),
    OTHER("F4", 4),
    OTHER("U16", 16),
    OTHER("I16", 16),
    OTHER("U32", 32),
    OTHER("I32", 32),
    OTHER("U64", 64),
    OTHER("I64", 64),
    OTHER("F64", 64),
    OTHER("C64", 64),
#undef OTHER
};

static llm_status read_dtype(llmi_tensor *t, int *bits, const llmi_json *object) {
    llm_span name;
    llm_status status = llmi_json_get_string(&name, object, "dtype", "header");
    if (status != LLM_OK) return status;
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (name.len != strlen(dtypes[i].name) || memcmp(name.ptr, dtypes[i].name, name.len) != 0) continue;
        t->dtype = dtypes[i].dtype;
        t->other = t->dtype == LLMI_DTYPE_OTHER ? dtypes[i].name : NULL;
        *bits = dtypes[i].bits;
        return LLM_OK;
    }
    return llmi_error(LLM_E_UNSUPPORTED, "data type \"%s\" is not known, expected F32, F16 or BF16",
                      LLMI_QUOTE(name.ptr, name.len));
}

/* The file gives the slowest dimension first. More than four become one. */
static llm_status read_shape(llmi_tensor *t, int bits, const llmi_json *object) {
    const llmi_json *shape = llmi_json_get(object, "shape");
    size_t n = llmi_json_count(shape);
    int64_t product = 1, n_bits;
    if (!llmi_json_is(shape, LLMI_JSON_ARRAY))
        return llmi_error(LLM_E_FORMAT, "\"shape\" is %s, expected an array", llmi_json_type_name(shape));
    for (size_t i = 0; i < 4; i++) t->shape[i] = 1;
    for (size_t i = 0; i < n; i++) {
        int64_t size = -1;
        const llmi_json *v = llmi_json_item(shape, i);
        if (!llmi_json_is_integer(v) || !llmi_json_int64(&size, v) || size < 0)
            return llmi_error(LLM_E_FORMAT, "dimension %zu of \"shape\" is not an integer from 0", i);
        if (n <= 4) t->shape[n - 1 - i] = size;
        if (!llmi_mul_i64(&product, product, size))
            return llmi_error(LLM_E_FORMAT, "the product of its dimensions is too large (dimension %zu is %" PRId64 ")",
                              i, size);
    }
    if (n > 4) t->shape[0] = product;
    t->n_dims = n > 4 ? 1 : (int32_t)n;
    if (!llmi_mul_i64(&n_bits, product, bits) || n_bits % 8)
        return llmi_error(LLM_E_FORMAT, "%" PRId64 " elements of %d bits are too large or end within a byte", product,
                          bits);
    t->n_bytes = (size_t)(n_bits / 8);
    return LLM_OK;
}

static bool is_offset(uint64_t *out, const llmi_json *v) {
    return llmi_json_is_integer(v) && llmi_json_uint64(out, v);
}

static llm_status read_offsets(entry *e, const llmi_json *object, size_t data_bytes) {
    const llmi_json *offsets = llmi_json_get(object, "data_offsets");
    uint64_t begin, end;
    if (llmi_json_count(offsets) != 2 || !is_offset(&begin, llmi_json_item(offsets, 0)) ||
        !is_offset(&end, llmi_json_item(offsets, 1)))
        return llmi_error(LLM_E_FORMAT, "\"data_offsets\" is missing or not a pair of integers from 0");
    if (end < begin || end > data_bytes)
        return llmi_error(LLM_E_FORMAT,
                          "\"data_offsets\" are %" PRIu64 " and %" PRIu64 ", but the file holds %zu bytes of data: "
                          "truncated?",
                          begin, end, data_bytes);
    if (end - begin != e->t.n_bytes)
        return llmi_error(LLM_E_FORMAT, "\"data_offsets\" span %" PRIu64 " bytes, shape and dtype need %zu",
                          end - begin, e->t.n_bytes);
    e->begin = (size_t)begin;
    e->end = (size_t)end;
    return LLM_OK;
}

/* The format asks for no alignment, and what reads the data does not either. */
static llm_status read_entry(entry *e, const llmi_json *object, const char *data, size_t data_bytes) {
    int bits = 0;
    if (!llmi_json_is(object, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "its description is %s, expected an object", llmi_json_type_name(object));
    llm_status status = read_dtype(&e->t, &bits, object);
    if (status == LLM_OK) status = read_shape(&e->t, bits, object);
    if (status == LLM_OK) status = read_offsets(e, object, data_bytes);
    if (status == LLM_OK) e->t.data = data + e->begin;
    return status;
}

static llm_status check_metadata(const llmi_json *object) {
    if (!llmi_json_is(object, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "\"__metadata__\" is %s, expected an object", llmi_json_type_name(object));
    for (size_t i = 0; i < object->n; i++) {
        const llmi_json *key = &object->members[i].key;
        if (!llmi_json_is(&object->members[i].value, LLMI_JSON_STRING))
            return llmi_error(LLM_E_FORMAT, "\"__metadata__\": the value of \"%s\" is not a string",
                              LLMI_QUOTE(key->text, key->n));
    }
    return LLM_OK;
}

/* Fills entries and ranges, one for each tensor of the header; *n receives how many. */
static llm_status read_entries(entry *entries, llmi_range *ranges, size_t *n, const llmi_json *header, const char *data,
                               size_t data_bytes) {
    *n = 0;
    for (size_t i = 0; i < header->n; i++) {
        llm_span name = llmi_json_text(&header->members[i].key);
        const llmi_json *object = &header->members[i].value;
        if (llmi_json_equals(&header->members[i].key, "__metadata__")) {
            llm_status status = check_metadata(object);
            if (status != LLM_OK) return status;
            continue;
        }
        if (name.len == 0 || name.len > MAX_NAME_BYTES)
            return llmi_error(LLM_E_FORMAT, "a tensor name has %zu bytes, expected 1..%d", name.len, MAX_NAME_BYTES);
        entry *e = &entries[*n];
        *e = (entry){.t.name = name};
        llm_status status = read_entry(e, object, data, data_bytes);
        if (status != LLM_OK) return llmi_error_in(status, "tensor \"%s\"", LLMI_QUOTE(name.ptr, name.len));
        ranges[*n] = (llmi_range){e->begin, e->end, (int32_t)*n};
        ++*n;
    }
    return LLM_OK;
}

static llm_status check_cover(const entry *entries, llmi_range *ranges, size_t n, size_t data_bytes) {
    size_t at = 0;
    llmi_ranges_sort(ranges, n);
    for (size_t i = 0; i < n; i++) {
        llm_span name = entries[ranges[i].index].t.name;
        if (ranges[i].begin != at)
            return llmi_error(LLM_E_FORMAT, "tensor \"%s\" begins at %zu, expected %zu: %s",
                              LLMI_QUOTE(name.ptr, name.len), ranges[i].begin, at,
                              ranges[i].begin < at ? "it overlaps another" : "there is a hole before it");
        at = ranges[i].end;
    }
    if (at != data_bytes)
        return llmi_error(LLM_E_FORMAT, "the tensors cover %zu bytes, but the file holds %zu bytes of data", at,
                          data_bytes);
    return LLM_OK;
}

/* Names move to the pool of keys: only their lengths are known until it stops growing. */
static llm_status append(llmi_contents *c, const entry *entries, const llmi_range *ranges, size_t n) {
    for (size_t i = 0; i < n; i++) {
        llmi_tensor t = entries[ranges[i].index].t;
        if (!llmi_buf_append(&c->keys, t.name.ptr, t.name.len)) return LLM_E_MEMORY;
        t.name.ptr = NULL;
        if (!llmi_buf_push(&c->tensors, t)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

static llm_status take_header(llmi_contents *c, const llmi_json *header, const char *data, size_t data_bytes) {
    if (!llmi_json_is(header, LLMI_JSON_OBJECT))
        return llmi_error(LLM_E_FORMAT, "the header is %s, expected an object", llmi_json_type_name(header));
    size_t n_max = header->n, n;
    if (n_max > INT32_MAX) return llmi_error(LLM_E_LIMIT, "%zu tensors are too many", n_max);
    entry *entries = llmi_alloc_array(c->a, n_max, sizeof *entries);
    llmi_range *ranges = llmi_alloc_array(c->a, n_max, sizeof *ranges);
    llm_status status = LLM_E_MEMORY;
    if (entries && ranges) {
        status = read_entries(entries, ranges, &n, header, data, data_bytes);
        if (status == LLM_OK) status = check_cover(entries, ranges, n, data_bytes);
        if (status == LLM_OK) status = append(c, entries, ranges, n);
    }
    if (entries) llmi_free(c->a, entries, n_max * sizeof *entries);
    if (ranges) llmi_free(c->a, ranges, n_max * sizeof *ranges);
    return status;
}

llm_status llmi_safetensors_parse(llmi_contents *c, const char *data, size_t n) {
    uint64_t header_bytes = 0;
    llmi_json_doc doc;
    const llmi_json *header;
    if (n >= 8) memcpy(&header_bytes, data, 8);
    if (n < 10 || data[8] != '{') return llmi_hints_refuse(data, n, "a safetensors file");
    if (header_bytes > MAX_HEADER_BYTES || header_bytes > n - 8)
        return llmi_error(LLM_E_FORMAT, "the header has %" PRIu64 " bytes, expected at most %zu: truncated?",
                          header_bytes, n - 8 < MAX_HEADER_BYTES ? n - 8 : (size_t)MAX_HEADER_BYTES);
    size_t begin = 8 + (size_t)header_bytes;
    llmi_json_doc_init(&doc, c->a, 0);
    llm_status status = llmi_json_parse(&header, &doc, (llm_span){data + 8, (size_t)header_bytes}, "header", 0);
    if (status == LLM_OK) status = take_header(c, header, data + begin, n - begin);
    llmi_json_doc_free(&doc);
    return status;
}
