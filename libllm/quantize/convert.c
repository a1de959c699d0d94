#include "quantize/convert.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"
#include "base/text.h"
#include "dtype.h"

/* Elements of a piece: enough to keep all threads busy, little enough to stay in memory anywhere. */
enum { PIECE_ELEMS = 1 << 20, PIECE_BYTES = 4 << 20 };

/* Rows first..first+n-1 of a tensor, on their way. */
typedef struct rows_chunk {
    const llmi_plan_tensor *t;
    const llmk_dtype *from, *to;
    int64_t n_rows, cols, first;
    char *source;  /* [rows of the piece] as stored: copied from the file, which may shrink under a mapping */
    float *values; /* the same, [rows of the piece, cols] */
    char *bytes;   /* the same in the new type */
    int32_t lost;  /* set by any thread: a row could not be read */
} rows_chunk;

static size_t row_bytes(const llmk_dtype *d, int64_t cols) {
    return (size_t)(cols / d->block_elems) * (size_t)d->block_bytes;
}

/* Where row `row` of the new file is in the source. Of a head's rows in adjacent order, 2 i + j is row i of half j. */
static int64_t source_row(const rows_chunk *p, int64_t row) {
    if (!p->t->n_heads) return row;
    int64_t n = p->n_rows / p->t->n_heads, head = row / n, k = row % n;
    return head * n + k % 2 * (n / 2) + k / 2;
}

static void convert_row(void *arg, int32_t index) {
    rows_chunk *p = arg;
    size_t n = row_bytes(p->from, p->cols);
    char *source = p->source + (size_t)index * n;
    float *values = p->values + index * p->cols;
    const char *stored = p->t->source.data;
    if (!llmi_file_copy(source, stored + (size_t)source_row(p, p->first + index) * n, n)) {
        __atomic_store_n(&p->lost, 1, __ATOMIC_RELAXED);
        return;
    }
    p->from->dequantize(values, source, p->cols);
    p->to->quantize(p->bytes + (size_t)index * row_bytes(p->to, p->cols), values, p->cols);
}

static llm_status put(const llmi_converter *c, const void *bytes, size_t n) {
    llm_status status = llmi_writer_put(c->out, bytes, n);
    return status == LLM_OK ? c->written(c->user, n) : status;
}

static llm_status lost(const llmi_converter *c, const llmi_plan_tensor *t) {
    return llmi_error(LLM_E_IO, "%s: became shorter while tensor \"%s\" was read", LLMI_QUOTE(c->path, strlen(c->path)),
                      LLMI_QUOTE(t->name, strlen(t->name)));
}

static llm_status copy(const llmi_converter *c, const llmi_plan_tensor *t) {
    llm_status status = LLM_OK;
    const char *bytes = t->source.data;
    char *room = llmi_alloc(c->a, PIECE_BYTES);
    if (!room) return LLM_E_MEMORY;
    for (size_t at = 0; at < t->source.n_bytes && status == LLM_OK; at += PIECE_BYTES) {
        size_t left = t->source.n_bytes - at, n = left < PIECE_BYTES ? left : PIECE_BYTES;
        status = llmi_file_copy(room, bytes + at, n) ? put(c, room, n) : lost(c, t);
    }
    llmi_free(c->a, room, PIECE_BYTES);
    return status;
}

static llm_status convert_pieces(const llmi_converter *c, rows_chunk *p, int64_t rows_at_once) {
    llm_status status = LLM_OK;
    for (p->first = 0; p->first < p->n_rows && status == LLM_OK; p->first += rows_at_once) {
        int64_t left = p->n_rows - p->first, n = left < rows_at_once ? left : rows_at_once;
        c->pool->run(c->pool->user, (int32_t)n, convert_row, p);
        if (p->lost) return lost(c, p->t);
        status = put(c, p->bytes, (size_t)n * row_bytes(p->to, p->cols));
    }
    return status;
}

/* A vector whose elements change places counts as rows of one element. */
static void set_shape(rows_chunk *p) {
    const llmi_tensor *t = &p->t->source;
    int64_t n_elems = (int64_t)(t->n_bytes / (size_t)p->from->block_bytes) * p->from->block_elems;
    p->cols = t->n_dims < 2 && p->t->n_heads ? 1 : t->shape[0];
    p->n_rows = p->cols ? n_elems / p->cols : 0;
}

llm_status llmi_convert(const llmi_converter *c, const llmi_plan_tensor *t) {
    rows_chunk p = {.t = t, .from = llmk_dtype_get(t->source.dtype), .to = llmk_dtype_get(t->dtype)};
    if (t->source.dtype == t->dtype && !t->n_heads) return copy(c, t);
    set_shape(&p);
    if (!p.n_rows) return LLM_OK;
    int64_t n = PIECE_ELEMS / p.cols;
    if (n < 1) n = 1;
    if (n > p.n_rows) n = p.n_rows;
    size_t n_elems, n_source, n_bytes, values_bytes;
    if (!llmi_mul(&n_elems, (size_t)n, (size_t)p.cols) || !llmi_mul(&values_bytes, n_elems, sizeof(float)) ||
        !llmi_mul(&n_source, (size_t)n, row_bytes(p.from, p.cols)) ||
        !llmi_mul(&n_bytes, (size_t)n, row_bytes(p.to, p.cols)))
        return llmi_error(LLM_E_LIMIT, "tensor \"%s\": a row of %lld elements is too long", t->name, (long long)p.cols);
    p.source = llmi_alloc(c->a, n_source);
    p.values = llmi_alloc(c->a, values_bytes);
    p.bytes = llmi_alloc(c->a, n_bytes);
    llm_status status = p.source && p.values && p.bytes ? convert_pieces(c, &p, n) : LLM_E_MEMORY;
    llmi_free(c->a, p.source, n_source);
    llmi_free(c->a, p.values, values_bytes);
    llmi_free(c->a, p.bytes, n_bytes);
    return status;
}
