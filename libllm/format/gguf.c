/* GGUF versions 2 and 3, little-endian (docs/gguf.md of the format's authors):
 *   "GGUF", u32 version, u64 n_tensors, u64 n_meta,
 *   n_meta times    { string key, u32 type, value },
 *   n_tensors times { string name, u32 n_dims, u64 shape[n_dims], u32 dtype, u64 offset },
 *   padding to general.alignment, tensor data.
 * A string is { u64 length, bytes }, an array { u32 type, u64 count, elements }. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"
#include "base/text.h"
#include "format/contents.h"
#include "format/dtype_size.h"
#include "format/ranges.h"

enum {
    MIN_META_BYTES = 8 + 1 + 4 + 1,       /* key of one byte, value of one */
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 4 + 8, /* name of one byte, no dimension */
    MAX_KEY_BYTES = 65535,
    MAX_TENSOR_NAME_BYTES = 1024,
    DEFAULT_ALIGNMENT = 32,
    MIN_ALIGNMENT = 8,
    MAX_ALIGNMENT = 1 << 20,
};

typedef struct cursor {
    const char *data;
    size_t size, at;
} cursor;

static size_t left(const cursor *c) {
    return c->size - c->at;
}

static llm_status ends_early(const cursor *c, uint64_t need, const char *what) {
    return llmi_error(LLM_E_FORMAT,
                      "the file ends too early: %s at byte %zu needs %" PRIu64 " bytes, %zu are left: truncated?", what,
                      c->at, need, left(c));
}

static llm_status take(void *out, cursor *c, size_t n, const char *what) {
    if (n > left(c)) return ends_early(c, n, what);
    memcpy(out, c->data + c->at, n);
    c->at += n;
    return LLM_OK;
}

static llm_status skip(cursor *c, uint64_t n, const char *what) {
    if (n > left(c)) return ends_early(c, n, what);
    c->at += (size_t)n;
    return LLM_OK;
}

static llm_status read_string(llm_span *out, cursor *c, const char *what) {
    uint64_t n = 0;
    llm_status status = take(&n, c, sizeof n, what);
    if (status != LLM_OK) return status;
    *out = (llm_span){c->data + c->at, (size_t)n};
    return skip(c, n, what);
}

/* A key or tensor name: later code looks it up by C strings. */
static llm_status read_name(llm_span *out, cursor *c, size_t max, const char *what) {
    llm_status status = read_string(out, c, what);
    if (status != LLM_OK) return status;
    if (out->len == 0 || out->len > max)
        return llmi_error(LLM_E_FORMAT, "%s before byte %zu has %zu bytes, expected 1..%zu", what, c->at, out->len,
                          max);
    if (memchr(out->ptr, 0, out->len))
        return llmi_error(LLM_E_FORMAT, "%s \"%s\" holds a NUL byte", what, LLMI_QUOTE(out->ptr, out->len));
    return LLM_OK;
}

/* ---- metadata ---- */

static llm_status skip_strings(cursor *c, uint64_t n) {
    if (n > left(c) / 8)
        return llmi_error(LLM_E_FORMAT, "%" PRIu64 " strings at byte %zu, %zu bytes are left: truncated?", n, c->at,
                          left(c));
    for (uint64_t i = 0; i < n; i++) {
        llm_span s;
        llm_status status = read_string(&s, c, "a string of an array");
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

static llm_status check_bools(const char *data, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (data[i] & ~1)
            return llmi_error(LLM_E_FORMAT, "a boolean is %d, expected 0 or 1", (int)(unsigned char)data[i]);
    return LLM_OK;
}

static llm_status skip_scalars(cursor *c, int64_t type, uint64_t n) {
    size_t size = llmi_meta_type_size(type), n_bytes;
    if (n > left(c) / size || !llmi_mul(&n_bytes, (size_t)n, size))
        return llmi_error(LLM_E_FORMAT, "%" PRIu64 " values of type %s at byte %zu, %zu bytes are left: truncated?", n,
                          llmi_meta_type_name(type), c->at, left(c));
    const char *data = c->data + c->at;
    c->at += n_bytes;
    return type == LLMI_META_BOOL ? check_bools(data, n_bytes) : LLM_OK;
}

static llm_status skip_array(cursor *c) {
    uint32_t type = 0;
    uint64_t n = 0;
    llm_status status = take(&type, c, sizeof type, "the type of an array");
    if (status == LLM_OK) status = take(&n, c, sizeof n, "the length of an array");
    if (status != LLM_OK) return status;
    if (type == LLMI_META_STRING) return skip_strings(c, n);
    if (type == LLMI_META_ARRAY) return llmi_error(LLM_E_UNSUPPORTED, "an array of arrays");
    if (llmi_meta_type_size(type)) return skip_scalars(c, type, n);
    return llmi_error(LLM_E_FORMAT, "array elements of type %" PRIu32 ", expected 0..%d", type, LLMI_META_F64);
}

static llm_status skip_value(cursor *c, uint32_t type) {
    llm_span s;
    if (type == LLMI_META_STRING) return read_string(&s, c, "a string");
    if (type == LLMI_META_ARRAY) return skip_array(c);
    if (llmi_meta_type_size(type)) return skip_scalars(c, type, 1);
    return llmi_error(LLM_E_FORMAT, "value type %" PRIu32 ", expected 0..%d", type, LLMI_META_F64);
}

static llm_status read_metas(llmi_contents *out, cursor *c, uint64_t n) {
    if (n > left(c) / MIN_META_BYTES || n > INT32_MAX)
        return llmi_error(LLM_E_FORMAT, "metadata count is %" PRIu64 ", but %zu bytes are left in the file", n,
                          left(c));
    for (uint64_t i = 0; i < n; i++) {
        llmi_meta m = {0};
        uint32_t type = 0;
        llm_status status = read_name(&m.key, c, MAX_KEY_BYTES, "a key");
        if (status != LLM_OK) return status;
        status = take(&type, c, sizeof type, "a value type");
        size_t begin = c->at;
        if (status == LLM_OK) status = skip_value(c, type);
        if (status != LLM_OK) return llmi_error_in(status, "key \"%s\"", LLMI_QUOTE(m.key.ptr, m.key.len));
        m.type = (int32_t)type;
        m.data = c->data + begin;
        m.n_bytes = c->at - begin;
        if (!llmi_buf_push(&out->metas, m)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

static llm_status read_alignment(size_t *out, const llmi_meta *metas, size_t n) {
    *out = DEFAULT_ALIGNMENT;
    for (size_t i = 0; i < n; i++) {
        int64_t value;
        const llmi_meta *m = &metas[i];
        if (m->key.len != 17 || memcmp(m->key.ptr, "general.alignment", 17) != 0) continue;
        if (!llmi_meta_integer(&value, m))
            return llmi_error(LLM_E_FORMAT, "key \"general.alignment\" is of type %s, expected an integer",
                              llmi_meta_type_name(m->type));
        if (value < MIN_ALIGNMENT || value > MAX_ALIGNMENT || (value & (value - 1)))
            return llmi_error(LLM_E_FORMAT,
                              "key \"general.alignment\" is %" PRId64 ", expected a power of two in %d..%d", value,
                              MIN_ALIGNMENT, MAX_ALIGNMENT);
        *out = (size_t)value;
    }
    return LLM_OK;
}

/* ---- tensors ---- */

/* A tensor as the file states it; nothing of it is proved but its own encoding. */
typedef struct info {
    uint64_t shape[4], offset;
    uint32_t n_dims, dtype;
} info;

static llm_status read_info(info *out, cursor *c) {
    *out = (info){.shape = {1, 1, 1, 1}};
    llm_status status = take(&out->n_dims, c, sizeof out->n_dims, "a number of dimensions");
    if (status != LLM_OK) return status;
    if (out->n_dims > 4) return llmi_error(LLM_E_FORMAT, "%" PRIu32 " dimensions, expected 0..4", out->n_dims);
    status = take(out->shape, c, out->n_dims * sizeof out->shape[0], "a shape");
    if (status == LLM_OK) status = take(&out->dtype, c, sizeof out->dtype, "a data type");
    if (status == LLM_OK) status = take(&out->offset, c, sizeof out->offset, "an offset");
    return status;
}

/* Shape and data type to a checked number of bytes. */
static llm_status measure(llmi_tensor *t, const info *in) {
    const llmi_dtype_size *d = llmi_dtype_size_get(in->dtype);
    if (!d) return llmi_error(LLM_E_UNSUPPORTED, "data type number %" PRIu32 " is not supported", in->dtype);
    int64_t n = 1;
    for (uint32_t i = 0; i < 4; i++) {
        if (in->shape[i] > INT64_MAX)
            return llmi_error(LLM_E_FORMAT, "dimension %" PRIu32 " is %" PRIu64 ", expected at most %" PRId64, i,
                              in->shape[i], INT64_MAX);
        t->shape[i] = (int64_t)in->shape[i];
        if (!llmi_mul_i64(&n, n, t->shape[i]))
            return llmi_error(LLM_E_FORMAT,
                              "the product of its dimensions is too large (dimension %" PRIu32 " is %" PRIu64 ")", i,
                              in->shape[i]);
    }
    if (t->shape[0] % d->block_elems)
        return llmi_error(LLM_E_FORMAT, "rows of %" PRId64 " elements, %s needs a multiple of %d", t->shape[0], d->name,
                          d->block_elems);
    if (!llmi_mul(&t->n_bytes, (size_t)(n / d->block_elems), (size_t)d->block_bytes))
        return llmi_error(LLM_E_FORMAT, "%" PRId64 " elements of %s are too large", n, d->name);
    t->n_dims = (int32_t)in->n_dims;
    t->dtype = d->dtype;
    return LLM_OK;
}

/* Until the data section is known, data holds the offset in it. */
static llm_status read_tensor(llmi_tensor *t, size_t *offset, cursor *c, size_t alignment) {
    info in;
    llm_status status = read_name(&t->name, c, MAX_TENSOR_NAME_BYTES, "a tensor name");
    if (status != LLM_OK) return status;
    status = read_info(&in, c);
    if (status == LLM_OK) status = measure(t, &in);
    if (status == LLM_OK && (in.offset % alignment || in.offset > SIZE_MAX))
        status = llmi_error(LLM_E_FORMAT, "offset %" PRIu64 ", expected a multiple of the alignment %zu", in.offset,
                            alignment);
    if (status != LLM_OK) return llmi_error_in(status, "tensor \"%s\"", LLMI_QUOTE(t->name.ptr, t->name.len));
    *offset = (size_t)in.offset;
    return LLM_OK;
}

/* Proves that tensor data is inside the data section. */
static llm_status place(llmi_tensor *t, llmi_range *range, const char *section, size_t section_bytes) {
    size_t end;
    if (!llmi_add(&end, range->begin, t->n_bytes) || end > section_bytes)
        return llmi_error(LLM_E_FORMAT,
                          "tensor \"%s\": %zu bytes at offset %zu, but the file holds %zu bytes of tensor data: "
                          "truncated?",
                          LLMI_QUOTE(t->name.ptr, t->name.len), t->n_bytes, range->begin, section_bytes);
    t->data = section + range->begin;
    range->end = end;
    return LLM_OK;
}

static llm_status check_overlap(const llmi_tensor *tensors, llmi_range *ranges, size_t n) {
    llmi_ranges_sort(ranges, n);
    for (size_t i = 1; i < n; i++) {
        if (ranges[i].begin >= ranges[i - 1].end) continue;
        const llmi_tensor *x = &tensors[ranges[i - 1].index], *y = &tensors[ranges[i].index];
        return llmi_error(LLM_E_FORMAT, "tensors \"%s\" and \"%s\" overlap at offset %zu",
                          LLMI_QUOTE(x->name.ptr, x->name.len), LLMI_QUOTE(y->name.ptr, y->name.len), ranges[i].begin);
    }
    return LLM_OK;
}

/* ranges [n] is scratch. */
static llm_status read_tensors(llmi_contents *out, cursor *c, llmi_range *ranges, size_t n, size_t alignment) {
    size_t first = llmi_buf_count(&out->tensors, llmi_tensor), begin;
    for (size_t i = 0; i < n; i++) {
        llmi_tensor t = {0};
        ranges[i].index = (int32_t)i;
        llm_status status = read_tensor(&t, &ranges[i].begin, c, alignment);
        if (status != LLM_OK) return status;
        if (!llmi_buf_push(&out->tensors, t)) return LLM_E_MEMORY;
    }
    if (!llmi_align_up(&begin, c->at, alignment) || begin > c->size) begin = c->size;
    llmi_tensor *tensors = (llmi_tensor *)(void *)out->tensors.data + first;
    for (size_t i = 0; i < n; i++) {
        llm_status status = place(&tensors[i], &ranges[i], c->data + begin, c->size - begin);
        if (status != LLM_OK) return status;
    }
    return check_overlap(tensors, ranges, n);
}

/* ---- the file ---- */

typedef struct header {
    uint32_t version;
    uint64_t n_tensors, n_meta;
} header;

static llm_status read_header(header *out, cursor *c) {
    if (c->size < 4 || memcmp(c->data, "GGUF", 4) != 0) return llmi_hints_refuse(c->data, c->size, "a GGUF file");
    c->at = 4;
    llm_status status = take(&out->version, c, sizeof out->version, "the version");
    if (status != LLM_OK) return status;
    if (out->version && (out->version & 0xffff) == 0)
        return llmi_error(LLM_E_UNSUPPORTED, "a big-endian GGUF file; only little-endian ones are read");
    if (out->version != 2 && out->version != 3)
        return llmi_error(LLM_E_UNSUPPORTED, "GGUF version %" PRIu32 ", expected 2 or 3", out->version);
    status = take(&out->n_tensors, c, sizeof out->n_tensors, "the number of tensors");
    if (status == LLM_OK) status = take(&out->n_meta, c, sizeof out->n_meta, "the metadata count");
    return status;
}

llm_status llmi_gguf_parse(llmi_contents *out, const char *data, size_t n, bool metadata_only) {
    cursor c = {data, n, 0};
    header h = {0};
    size_t alignment = 0, first_meta = llmi_buf_count(&out->metas, llmi_meta);
    llm_status status = read_header(&h, &c);
    if (status == LLM_OK) status = read_metas(out, &c, h.n_meta);
    if (status != LLM_OK) return status;
    const llmi_meta *metas = (const llmi_meta *)(const void *)out->metas.data;
    if (metas) metas += first_meta;
    status = read_alignment(&alignment, metas, (size_t)h.n_meta);
    if (status != LLM_OK || metadata_only) return status;

    if (h.n_tensors > left(&c) / MIN_TENSOR_BYTES || h.n_tensors > INT32_MAX)
        return llmi_error(LLM_E_FORMAT, "number of tensors is %" PRIu64 ", but %zu bytes are left in the file",
                          h.n_tensors, left(&c));
    size_t n_tensors = (size_t)h.n_tensors;
    if (n_tensors == 0) return LLM_OK;
    llmi_range *ranges = llmi_alloc_array(out->a, n_tensors, sizeof *ranges);
    if (!ranges) return LLM_E_MEMORY;
    status = read_tensors(out, &c, ranges, n_tensors, alignment);
    llmi_free(out->a, ranges, n_tensors * sizeof *ranges);
    return status;
}
