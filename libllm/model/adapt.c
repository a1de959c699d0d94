#include "model/adapt.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "dtype.h"
#include "model/arch.h"

typedef struct copy {
    void *data;
    size_t n_bytes;
} copy;

/* A matrix as lines of `width` elements, a vector as lines of one. */
typedef struct form {
    const llmi_tensor *t;
    const char *name;
    const llmk_dtype *dtype; /* NULL: one that nothing reads */
    bool vector;
    int64_t width, n_lines, count;
    int64_t first, n, period; /* lines first .. first + n - 1 of every `period` lines of the tensor */
    int64_t n_source;         /* lines of the tensor */
    bool transposed, plus_one;
} form;

size_t llmi_adapt_bytes(const llmi_buf *copies) {
    size_t n_bytes = 0;
    for (size_t i = 0; i < llmi_buf_count(copies, copy); i++) n_bytes += llmi_buf_at(copies, copy, i).n_bytes;
    return n_bytes;
}

void llmi_adapt_free(llmi_buf *copies) {
    for (size_t i = 0; i < llmi_buf_count(copies, copy); i++)
        llmi_free(copies->a, llmi_buf_at(copies, copy, i).data, llmi_buf_at(copies, copy, i).n_bytes);
    llmi_buf_free(copies);
}

/* ---- what is to be done ---- */

static llm_status get_slice(form *f, const void *hparams, const llmi_slice *slice) {
    f->first = slice->first.at ? llmi_rows_dim(hparams, slice->first) : 0;
    f->n = llmi_rows_dim(hparams, slice->n);
    f->period = llmi_rows_dim(hparams, slice->period);
    if (f->n >= 1 && f->n_lines % f->n == 0 && f->first >= 0 && f->first + f->n <= f->period) return LLM_OK;
    return llmi_error(LLM_E_FORMAT, "tensor \"%s\": %lld rows are not made of rows %lld..%lld of every %lld", f->name,
                      (long long)f->n_lines, (long long)f->first, (long long)(f->first + f->n - 1),
                      (long long)f->period);
}

static llm_status get_form(form *f, const llm_model *m, const llmi_weight_row *row) {
    bool hf = llmi_weights_format(m->weights) != LLMI_FORMAT_GGUF;
    int64_t rows = llmi_rows_dim(m->hparams, row->rows), cols = llmi_rows_dim(m->hparams, row->cols);
    f->dtype = llmk_dtype_get(f->t->dtype);
    f->vector = !row->rows.at;
    f->count = llmi_rows_dim(m->hparams, row->count);
    f->width = f->vector ? 1 : cols;
    f->n_lines = f->vector ? cols : rows * f->count;
    f->transposed = hf && row->flags & LLMI_TRANSPOSED;
    f->plus_one = hf && row->flags & LLMI_PLUS_ONE;
    f->n = f->period = f->n_lines;
    if (f->n_lines < 1 || f->width < 1 || f->count < 1)
        return llmi_error(LLM_E_FORMAT, "tensor \"%s\": the hyper-parameters leave it %lld rows of %lld elements",
                          f->name, (long long)rows * f->count, (long long)cols);
    bool sliced = row->slice.period.at && (hf || !(row->flags & LLMI_GGUF_APART));
    llm_status status = sliced ? get_slice(f, m->hparams, &row->slice) : LLM_OK;
    if (status == LLM_OK) f->n_source = f->n_lines / f->n * f->period;
    return status;
}

static llm_status check_shape(const form *f) {
    const int64_t *got = f->t->shape;
    int64_t shape[4] = {f->width, f->n_source / f->count, f->count, 1};
    if (f->vector || f->transposed) {
        shape[0] = f->n_source;
        shape[1] = f->width;
    }
    if (memcmp(got, shape, sizeof shape) == 0) return LLM_OK;
    char stacked[32] = "";
    if (f->count > 1) llmi_format(stacked, sizeof stacked, ", %lld", (long long)f->count);
    return llmi_error(LLM_E_FORMAT, "tensor \"%s\" has shape [%lld, %lld, %lld, %lld], expected [%lld, %lld%s]",
                      f->name, (long long)got[0], (long long)got[1], (long long)got[2], (long long)got[3],
                      (long long)shape[0], (long long)shape[1], stacked);
}

/* ---- doing it ---- */

static size_t line_bytes(const form *f) {
    return (size_t)(f->width / f->dtype->block_elems) * (size_t)f->dtype->block_bytes;
}

/* Line i of what is bound, among those of the tensor. */
static int64_t source_of(const form *f, int64_t i) {
    return i / f->n * f->period + f->first + i % f->n;
}

static void gather(char *dst, const form *f) {
    size_t n = line_bytes(f);
    const char *src = f->t->data;
    for (int64_t i = 0; i < f->n_lines; i++) memcpy(dst + (size_t)i * n, src + (size_t)source_of(f, i) * n, n);
}

/* In strips of lines, so that neither side jumps from page to page. */
static void transpose(char *dst, const form *f) {
    enum { STRIP = 64 };
    size_t size = (size_t)f->dtype->block_bytes;
    const char *src = f->t->data;
    for (int64_t begin = 0; begin < f->n_lines; begin += STRIP) {
        int64_t end = begin + STRIP < f->n_lines ? begin + STRIP : f->n_lines;
        for (int64_t c = 0; c < f->width; c++)
            for (int64_t i = begin; i < end; i++)
                memcpy(dst + (size_t)(i * f->width + c) * size,
                       src + (size_t)(c * f->n_source + source_of(f, i)) * size, size);
    }
}

static void *new_copy(llmi_buf *copies, size_t n_bytes) {
    copy c = {llmi_alloc(copies->a, n_bytes), n_bytes};
    if (c.data && !llmi_buf_push(copies, c)) {
        llmi_free(copies->a, c.data, n_bytes);
        return NULL;
    }
    return c.data;
}

static llm_status make_copy(llmi_tensor *out, llmi_buf *copies, const form *f) {
    out->n_bytes = (size_t)f->n_lines * line_bytes(f);
    char *data = new_copy(copies, out->n_bytes);
    if (!data) return LLM_E_MEMORY;
    if (f->transposed)
        transpose(data, f);
    else
        gather(data, f);
    out->data = data;
    if (!f->plus_one) return LLM_OK;

    int64_t n = f->n_lines * f->width;
    out->n_bytes = (size_t)n * sizeof(float);
    float *values = new_copy(copies, out->n_bytes);
    if (!values) return LLM_E_MEMORY;
    f->dtype->dequantize(values, data, n);
    for (int64_t i = 0; i < n; i++) values[i] += 1;
    out->data = values;
    out->dtype = LLM_DTYPE_F32;
    return LLM_OK;
}

/* Only whole lines of blocks can be taken apart. */
static llm_status check_blocks(const form *f) {
    int32_t block = f->dtype ? f->dtype->block_elems : 0;
    bool by_elements = f->vector || f->transposed || f->plus_one;
    if (block && (by_elements ? block == 1 : f->width % block == 0)) return LLM_OK;
    return llmi_error(LLM_E_UNSUPPORTED, "tensor \"%s\" is of type %s: its elements cannot be taken apart", f->name,
                      f->dtype ? f->dtype->name : "that nothing reads");
}

static llm_status adapt(llmi_tensor *out, llmi_buf *copies, const form *f) {
    llm_status status = check_shape(f);
    *out = *f->t;
    if (status != LLM_OK) return status;
    out->n_dims = f->vector ? 1 : 2;
    memcpy(out->shape, (int64_t[]){f->vector ? f->n_lines : f->width, f->vector ? 1 : f->n_lines, 1, 1},
           sizeof out->shape);
    bool in_place = !f->transposed && !f->plus_one && f->n == f->n_lines;
    if (in_place && f->n == f->n_source) return LLM_OK;
    status = check_blocks(f);
    if (status != LLM_OK || !in_place) return status == LLM_OK ? make_copy(out, copies, f) : status;
    out->data = (const char *)f->t->data + (size_t)f->first * line_bytes(f);
    out->n_bytes = (size_t)f->n_lines * line_bytes(f);
    return LLM_OK;
}

llm_status llmi_adapt_to_bind(llmi_tensor *out, llmi_buf *copies, const llm_model *m, const llmi_weight_row *row,
                              const llmi_tensor *t, const char *name) {
    form f = {.t = t, .name = name};
    llm_status status = get_form(&f, m, row);
    return status == LLM_OK ? adapt(out, copies, &f) : status;
}

llm_status llmi_adapt_to_gguf(llmi_tensor *out, llmi_buf *copies, const llm_model *m, const llmi_weight_row *row,
                              const llmi_tensor *t, const char *name) {
    form f = {.t = t, .name = name};
    llm_status status = get_form(&f, m, row);
    if (status != LLM_OK) return status;
    if (!(row->flags & LLMI_GGUF_APART)) {
        f.first = 0;
        f.n = f.period = f.n_lines = f.n_source;
    }
    status = adapt(out, copies, &f);
    out->n_dims = out->n_dims == 2 && f.count > 1 ? 3 : out->n_dims;
    if (out->n_dims == 3) {
        out->shape[1] /= f.count;
        out->shape[2] = f.count;
    }
    return status;
}
