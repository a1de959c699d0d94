#include "cpu/weight.h"

#include "common.h"
#include "cpu/cpu.h"

/* ---- putting ---- */

static void list_add(llmk_cpu_device *d, llm_weight *w) {
    pthread_mutex_lock(&d->lock);
    w->next = d->weights;
    w->link = &d->weights;
    if (w->next) w->next->link = &w->next;
    d->weights = w;
    pthread_mutex_unlock(&d->lock);
}

static void list_remove(llmk_cpu_device *d, llm_weight *w) {
    pthread_mutex_lock(&d->lock);
    *w->link = w->next;
    if (w->next) w->next->link = w->link;
    pthread_mutex_unlock(&d->lock);
}

llm_status llmk_weight_put(llm_weight **out, size_t *private_bytes, llm_device *device, const llm_tensor *t) {
    const llm_host *host = device->host;
    const llmk_dtype *type;
    size_t row_bytes;
    *out = NULL;
    *private_bytes = 0;
    llm_status status = llmk_tensor_check(host, t, &type, &row_bytes);
    if (status < 0) return status;
    const llmk_layout *layout = llmk_layout_get(t->dtype);
    bool vector = t->rows == 1;
    size_t n_bytes = sizeof(llm_weight), vector_bytes = vector ? sizeof(float) : 0;
    size_t packed_bytes = vector || t->in_place ? 0 : llmk_layout_strip_bytes(layout, t->cols);
    bool fits = llmk_multiply(&vector_bytes, t->cols) && llmk_add_size(&n_bytes, vector_bytes) &&
                llmk_multiply(&packed_bytes, (t->rows + LLMK_STRIP - 1) / LLMK_STRIP);
    if (!fits) return llmk_error(host, LLM_E_MEMORY, "tensor %s: larger than the address space", t->name);
    llm_weight *w = llmk_take(host, n_bytes);
    if (!w) return LLM_E_MEMORY;
    *w = (llm_weight){
        .data = t->data,
        .type = type,
        .layout = layout,
        .pack = layout->widen ? layout->widen : llmk_cpu_device_of(device)->k.pack[layout->index],
        .rows = t->rows,
        .cols = t->cols,
        .row_bytes = row_bytes,
        .strip_bytes = llmk_layout_strip_bytes(layout, t->cols),
        .packed_bytes = packed_bytes,
        .n_bytes = n_bytes,
    };
    llmk_linear_cut(w);
    if (vector) type->dequantize(w->vector, w->data, w->cols);
    list_add(llmk_cpu_device_of(device), w);
    *private_bytes = vector_bytes + packed_bytes;
    *out = w;
    return LLM_OK;
}

/* Large copies begin with a large page. What is left before them is never touched. */
enum { LARGE_PAGE = 2 << 20 };

static size_t memory_bytes(const llm_weight *w) {
    return w->packed_bytes + (w->packed_bytes >= LARGE_PAGE ? LARGE_PAGE : 0);
}

void llmk_weight_free(llm_device *device, llm_weight *w) {
    if (!w) return;
    list_remove(llmk_cpu_device_of(device), w);
    if (w->memory) llmk_give(device->host, w->memory, memory_bytes(w));
    llmk_give(device->host, w, w->n_bytes);
}

const float *llmk_weight_vector(const llm_weight *w) {
    return w->vector;
}

llmk_shape llmk_weight_shape(const llm_weight *w) {
    return (llmk_shape){w->rows, w->cols};
}

/* ---- packing ---- */

/* The first pass over a model computes from the file's bytes, so that the first token comes soon; copies are
 * made in the passes after it, a share in each, so that no token comes late. */
enum { FIRST_USE = 2, N_SHARES = 4 };

static llm_status prepare(llm_device *device, llm_weight *w, int32_t share, const llmk_mapping *near) {
    size_t file_bytes = (size_t)w->rows * w->row_bytes;
    w->memory = llmk_take(device->host, memory_bytes(w));
    if (!w->memory) return LLM_E_MEMORY;
    w->copy = w->memory;
    if (w->packed_bytes >= LARGE_PAGE) {
        w->copy += -(uintptr_t)w->memory % LARGE_PAGE;
        llmk_mapping_want_large(w->copy, w->packed_bytes / LARGE_PAGE * LARGE_PAGE);
    }
    w->mapping = llmk_mapping_holds(near, w->data, file_bytes) ? *near : llmk_mapping_find(w->data, file_bytes);
    atomic_store(&w->uses, FIRST_USE + share);
    return LLM_OK;
}

llm_status llmk_weights_prepare(llm_device *device, const llm_pool *pool) {
    llmk_cpu_device *d = llmk_cpu_device_of(device);
    llm_status status = LLM_OK;
    llmk_mapping near = {0, 0};
    int32_t i = 0;
    pthread_mutex_lock(&d->lock);
    for (llm_weight *w = d->weights; w && status == LLM_OK; w = w->next)
        if (w->packed_bytes && !w->memory) {
            status = prepare(device, w, i++ % N_SHARES, &near);
            near = w->mapping;
        }
    pthread_mutex_unlock(&d->lock);
    return status;
}

/* To operations a weight is constant but for its copy, which changes no value. */
static llm_weight *changing(const llm_weight *w) {
    return (llm_weight *)w;
}

bool llmk_weight_claim(const llm_weight *w) {
    return atomic_load(&w->uses) > 0 && atomic_fetch_sub(&changing(w)->uses, 1) == 1;
}

void llmk_weight_made(const llm_weight *w, bool whole) {
    if (!whole) {
        atomic_store(&changing(w)->uses, 1);
        return;
    }
    llmk_mapping_release(&w->mapping, w->data, (size_t)w->rows * w->row_bytes);
    atomic_store_explicit(&changing(w)->packed, true, memory_order_release);
}

void llmk_weight_want(const llm_weight *w, int64_t strip, int64_t end) {
    int64_t row = strip * LLMK_STRIP, last = (end + 1) * LLMK_STRIP;
    last = last < w->rows ? last : w->rows;
    llmk_mapping_want(&w->mapping, w->data + (size_t)row * w->row_bytes, (size_t)(last - row) * w->row_bytes);
}

enum { RELEASE_BYTES = 1 << 20 }; /* each call interrupts the other threads */

void llmk_weight_release(const llm_weight *w, int64_t strip, int64_t end) {
    size_t strip_bytes = LLMK_STRIP * w->row_bytes;
    size_t from = (size_t)strip * strip_bytes / RELEASE_BYTES, to = (size_t)end * strip_bytes / RELEASE_BYTES;
    if (from < to) llmk_mapping_release(&w->mapping, w->data + from * RELEASE_BYTES, (to - from) * RELEASE_BYTES);
}

/* ---- rows ---- */

enum { ROWS_KEPT = 16 };

/* Each row of a table brings 64 KiB of the file with it, or as much as the system keeps in a piece. Where a copy of it
 * is in memory already, as of a head that shares it, these do not pile up. */
static void give_back_rows(const llm_weight *w) {
    bool copied = atomic_load_explicit(&w->packed, memory_order_relaxed);
    if (copied && atomic_fetch_add(&changing(w)->rows_read, 1) % ROWS_KEPT == ROWS_KEPT - 1)
        llmk_mapping_release(&w->mapping, w->data, (size_t)w->rows * w->row_bytes);
}

void llmk_embed(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    llm_view out = llm_step_view(step, op->out[0]);
    const llm_weight *w = op->w[0];
    for (int64_t r = 0; r < out.rows; r++) {
        int32_t id = step->tokens[r];
        if (!llmk_cpu_start(s, id >= 0 && id < w->rows, "EMBED: id outside the table")) return;
        w->type->dequantize(llmk_row(out, r), w->data + (size_t)id * w->row_bytes, w->cols);
        give_back_rows(w);
    }
}
