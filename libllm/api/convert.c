#include "api/convert.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/status.h"
#include "dtype.h"

/* Elements of a piece: enough to keep all threads busy, little enough to stay in memory anywhere. */
enum { PIECE_ELEMS = 1 << 20, PIECE_BYTES = 16 << 20 };

/* Rows first..first+n-1 of a tensor, on their way. */
typedef struct piece {
    const llmi_plan_tensor *t;
    const llmk_dtype *from, *to;
    int64_t n_rows, cols, first;
    float *values; /* [rows of the piece, cols] */
    char *bytes;   /* the same in the new type */
} piece;

static size_t row_bytes(const llmk_dtype *d, int64_t cols) {
    return (size_t)(cols / d->block_elems) * (size_t)d->block_bytes;
}

/* Where row `row` of the new file lies in the source. Of a head's rows in adjacent order, 2 i + j is
 * row i of half j. */
static int64_t source_row(const piece *p, int64_t row) {
    if (!p->t->n_heads) return row;
    int64_t n = p->n_rows / p->t->n_heads, head = row / n, k = row % n;
    return head * n + k % 2 * (n / 2) + k / 2;
}

static void convert_row(void *arg, int32_t index) {
    const piece *p = arg;
    const char *src = p->t->source.data;
    float *values = p->values + index * p->cols;
    p->from->dequantize(values, src + (size_t)source_row(p, p->first + index) * row_bytes(p->from, p->cols), p->cols);
    p->to->quantize(p->bytes + (size_t)index * row_bytes(p->to, p->cols), values, p->cols);
}

static llm_status put(const llmi_converter *c, const void *bytes, size_t n) {
    llm_status status = llmi_writer_put(c->out, bytes, n);
    return status == LLM_OK ? c->written(c->user, n) : status;
}

static llm_status copy(const llmi_converter *c, const llmi_plan_tensor *t) {
    llm_status status = LLM_OK;
    const char *bytes = t->source.data;
    for (size_t at = 0; at < t->source.n_bytes && status == LLM_OK; at += PIECE_BYTES) {
        size_t left = t->source.n_bytes - at;
        status = put(c, bytes + at, left < PIECE_BYTES ? left : PIECE_BYTES);
    }
    return status;
}

static llm_status convert_pieces(const llmi_converter *c, piece *p, int64_t rows_at_once) {
    llm_status status = LLM_OK;
    for (p->first = 0; p->first < p->n_rows && status == LLM_OK; p->first += rows_at_once) {
        int64_t left = p->n_rows - p->first, n = left < rows_at_once ? left : rows_at_once;
        c->pool->run(c->pool->user, (int32_t)n, convert_row, p);
        status = put(c, p->bytes, (size_t)n * row_bytes(p->to, p->cols));
    }
    return status;
}

/* A vector whose elements change places counts as rows of one element. */
static void set_shape(piece *p) {
    const llmi_tensor *t = &p->t->source;
    int64_t n_elems = (int64_t)(t->n_bytes / (size_t)p->from->block_bytes) * p->from->block_elems;
    p->cols = t->n_dims < 2 && p->t->n_heads ? 1 : t->shape[0];
    p->n_rows = p->cols ? n_elems / p->cols : 0;
}

llm_status llmi_convert(const llmi_converter *c, const llmi_plan_tensor *t) {
    piece p = {.t = t, .from = llmk_dtype_get(t->source.dtype), .to = llmk_dtype_get(t->dtype)};
    if (t->source.dtype == t->dtype && !t->n_heads) return copy(c, t);
    set_shape(&p);
    if (!p.n_rows) return LLM_OK;
    int64_t n = PIECE_ELEMS / p.cols;
    if (n < 1) n = 1;
    if (n > p.n_rows) n = p.n_rows;
    size_t n_elems, n_bytes, values_bytes;
    if (!llmi_mul(&n_elems, (size_t)n, (size_t)p.cols) || !llmi_mul(&values_bytes, n_elems, sizeof(float)) ||
        !llmi_mul(&n_bytes, (size_t)n, row_bytes(p.to, p.cols)))
        return llmi_error(LLM_E_LIMIT, "tensor \"%s\": a row of %lld elements is too long", t->name, (long long)p.cols);
    p.values = llmi_alloc(c->a, values_bytes);
    p.bytes = llmi_alloc(c->a, n_bytes);
    llm_status status = p.values && p.bytes ? convert_pieces(c, &p, n) : LLM_E_MEMORY;
    llmi_free(c->a, p.values, values_bytes);
    llmi_free(c->a, p.bytes, n_bytes);
    return status;
}
