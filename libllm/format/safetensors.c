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
#include "format/dtype_size.h"
#include "format/ranges.h"

enum { MAX_HEADER_BYTES = 100000000, MAX_NAME_BYTES = 1024 };

/* A tensor of the header; begin and end count from the data's first byte. */
typedef struct entry {
    llmi_tensor t;
    size_t begin, end;
} entry;

static const struct {
    const char *name;
    llm_dtype dtype;
} dtypes[] = {{"F32", LLM_DTYPE_F32}, {"F16", LLM_DTYPE_F16}, {"BF16", LLM_DTYPE_BF16}};

static llm_status read_dtype(llmi_tensor *t, const json_t *object) {
    llm_span name;
    llm_status status = llmi_old_json_get_string(&name, object, "dtype", "header");
    if (status != LLM_OK) return status;
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (name.len != strlen(dtypes[i].name) || memcmp(name.ptr, dtypes[i].name, name.len) != 0) continue;
        t->dtype = dtypes[i].dtype;
        return LLM_OK;
    }
    return llmi_error(LLM_E_UNSUPPORTED, "data type \"%s\" is not supported, expected F32, F16 or BF16",
                      LLMI_QUOTE(name.ptr, name.len));
}

/* The file gives the slowest dimension first. */
static llm_status read_shape(llmi_tensor *t, const json_t *object) {
    const json_t *shape = json_object_get(object, "shape");
    size_t n = json_array_size(shape);
    int64_t product = 1;
    if (!json_is_array(shape)) return llmi_error(LLM_E_FORMAT, "\"shape\" is missing or no array");
    if (n > 4) return llmi_error(LLM_E_UNSUPPORTED, "%zu dimensions, expected 0..4", n);
    for (size_t i = 0; i < 4; i++) t->shape[i] = 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(shape, i);
        int64_t size = json_integer_value(v);
        if (!json_is_integer(v) || size < 0)
            return llmi_error(LLM_E_FORMAT, "dimension %zu of \"shape\" is no integer from 0", i);
        t->shape[n - 1 - i] = size;
        if (!llmi_mul_i64(&product, product, size))
            return llmi_error(LLM_E_FORMAT, "the product of its dimensions is too large (dimension %zu is %" PRId64 ")",
                              i, size);
    }
    t->n_dims = (int32_t)n;
    const llmi_dtype_size *d = llmi_dtype_size_get(t->dtype);
    if (!llmi_mul(&t->n_bytes, (size_t)product, (size_t)d->block_bytes))
        return llmi_error(LLM_E_FORMAT, "%" PRId64 " elements of %s are too large", product, d->name);
    return LLM_OK;
}

static llm_status read_offsets(entry *e, const json_t *object, size_t data_bytes) {
    const json_t *offsets = json_object_get(object, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return llmi_error(LLM_E_FORMAT, "\"data_offsets\" is missing or no pair of integers");
    int64_t begin = json_integer_value(first), end = json_integer_value(last);
    if (begin < 0 || end < begin || (uint64_t)end > data_bytes)
        return llmi_error(LLM_E_FORMAT,
                          "\"data_offsets\" are %" PRId64 " and %" PRId64 ", but the file holds %zu bytes of data: "
                          "truncated?",
                          begin, end, data_bytes);
    if ((size_t)(end - begin) != e->t.n_bytes)
        return llmi_error(LLM_E_FORMAT, "\"data_offsets\" span %" PRId64 " bytes, shape and dtype need %zu",
                          end - begin, e->t.n_bytes);
    e->begin = (size_t)begin;
    e->end = (size_t)end;
    return LLM_OK;
}

static llm_status read_entry(entry *e, const json_t *object, const char *data, size_t data_bytes, size_t data_begin) {
    if (!json_is_object(object)) return llmi_error(LLM_E_FORMAT, "its description is no JSON object");
    llm_status status = read_dtype(&e->t, object);
    if (status == LLM_OK) status = read_shape(&e->t, object);
    if (status == LLM_OK) status = read_offsets(e, object, data_bytes);
    if (status != LLM_OK) return status;
    size_t elem_bytes = (size_t)llmi_dtype_size_get(e->t.dtype)->block_bytes;
    if ((data_begin + e->begin) % elem_bytes)
        return llmi_error(LLM_E_UNSUPPORTED,
                          "its data begin at byte %zu, which is no multiple of the element size %zu: save the file "
                          "again with a current safetensors",
                          data_begin + e->begin, elem_bytes);
    e->t.data = data + e->begin;
    return LLM_OK;
}

static llm_status check_metadata(const json_t *object) {
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return llmi_error(LLM_E_FORMAT, "\"__metadata__\" is no JSON object");
    json_object_foreach((json_t *)object, key, value) if (!json_is_string(value)) return llmi_error(
        LLM_E_FORMAT, "\"__metadata__\": the value of \"%s\" is no string", LLMI_QUOTE(key, strlen(key)));
    return LLM_OK;
}

/* Fills entries and ranges, one for each tensor of the header; *n receives how many. */
static llm_status read_entries(entry *entries, llmi_range *ranges, size_t *n, json_t *header, const char *data,
                               size_t data_bytes, size_t data_begin) {
    *n = 0;
    for (void *it = json_object_iter(header); it; it = json_object_iter_next(header, it)) {
        llm_span name = {json_object_iter_key(it), json_object_iter_key_len(it)};
        const json_t *object = json_object_iter_value(it);
        if (strcmp(name.ptr, "__metadata__") == 0) {
            llm_status status = check_metadata(object);
            if (status != LLM_OK) return status;
            continue;
        }
        if (name.len == 0 || name.len > MAX_NAME_BYTES)
            return llmi_error(LLM_E_FORMAT, "a tensor name has %zu bytes, expected 1..%d", name.len, MAX_NAME_BYTES);
        entry *e = &entries[*n];
        *e = (entry){.t.name = name};
        llm_status status = read_entry(e, object, data, data_bytes, data_begin);
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

/* Names move to the pool of keys: only their lengths are known until it stands still. */
static llm_status append(llmi_contents *c, const entry *entries, const llmi_range *ranges, size_t n) {
    for (size_t i = 0; i < n; i++) {
        llmi_tensor t = entries[ranges[i].index].t;
        if (!llmi_buf_append(&c->keys, t.name.ptr, t.name.len)) return LLM_E_MEMORY;
        t.name.ptr = NULL;
        if (!llmi_buf_push(&c->tensors, t)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

static llm_status take_header(llmi_contents *c, json_t *header, const char *data, size_t data_bytes,
                              size_t data_begin) {
    if (!json_is_object(header)) return llmi_error(LLM_E_FORMAT, "the header is no JSON object");
    size_t n_max = json_object_size(header), n;
    if (n_max > INT32_MAX) return llmi_error(LLM_E_LIMIT, "%zu tensors are too many", n_max);
    entry *entries = llmi_alloc_array(c->a, n_max, sizeof *entries);
    llmi_range *ranges = llmi_alloc_array(c->a, n_max, sizeof *ranges);
    llm_status status = LLM_E_MEMORY;
    if (entries && ranges) {
        status = read_entries(entries, ranges, &n, header, data, data_bytes, data_begin);
        if (status == LLM_OK) status = check_cover(entries, ranges, n, data_bytes);
        if (status == LLM_OK) status = append(c, entries, ranges, n);
    }
    if (entries) llmi_free(c->a, entries, n_max * sizeof *entries);
    if (ranges) llmi_free(c->a, ranges, n_max * sizeof *ranges);
    return status;
}

llm_status llmi_safetensors_parse(llmi_contents *c, const char *data, size_t n) {
    uint64_t header_bytes = 0;
    json_t *header;
    if (n >= 8) memcpy(&header_bytes, data, 8);
    if (n < 10 || data[8] != '{') return llmi_hints_refuse(data, n, "a safetensors file");
    if (header_bytes > MAX_HEADER_BYTES || header_bytes > n - 8)
        return llmi_error(LLM_E_FORMAT, "the header has %" PRIu64 " bytes, expected at most %zu: truncated?",
                          header_bytes, n - 8 < MAX_HEADER_BYTES ? n - 8 : (size_t)MAX_HEADER_BYTES);
    llm_status status = llmi_old_json_parse(&header, data + 8, (size_t)header_bytes, "header");
    if (status != LLM_OK) return status;
    size_t begin = 8 + (size_t)header_bytes;
    status = take_header(c, header, data + begin, n - begin, begin);
    json_decref(header);
    return status;
}
