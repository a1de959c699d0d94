#include "cpu/weight.h"

#include <stdatomic.h>

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
    if (w->packed) llmk_give(device->host, w->memory, memory_bytes(w));
    llmk_give(device->host, w, w->n_bytes);
}

const float *llmk_weight_vector(const llm_weight *w) {
    return w->vector;
}

bool llmk_weight_is_vector(const llm_weight *w, int64_t n) {
    return w->rows == 1 && w->cols == n;
}

/* ---- packing ---- */

enum { TASK_BYTES = 1 << 20 }; /* of the file's form */

typedef struct packing {
    const llm_weight *w;
    uint8_t *packed;
    const llmk_mapping *mapping;
    int64_t task_strips;
} packing;

static void pack_strips(void *arg, int32_t index) {
    const packing *p = arg;
    const llm_weight *w = p->w;
    int64_t first = index * p->task_strips, end = first + p->task_strips;
    end = end < llmk_weight_strips(w) ? end : llmk_weight_strips(w);
    for (int64_t s = first; s < end; s++) {
        uint8_t *strip = p->packed + (size_t)s * w->strip_bytes;
        llmk_planes planes = llmk_layout_planes(w->layout, strip, w->cols, 0);
        const uint8_t *rows = w->data + (size_t)(s * LLMK_STRIP) * w->row_bytes;
        llmk_layout_pack(w->layout, &planes, rows, w->row_bytes, llmk_weight_strip_rows(w, s), 0, w->cols);
    }
    int64_t last_row = end * LLMK_STRIP < w->rows ? end * LLMK_STRIP : w->rows;
    size_t from = (size_t)(first * LLMK_STRIP) * w->row_bytes;
    llmk_mapping_release(p->mapping, w->data + from, (size_t)last_row * w->row_bytes - from);
}

static llm_status pack(llm_device *device, llm_weight *w, const llm_pool *pool, llmk_mapping *mapping) {
    size_t file_bytes = (size_t)w->rows * w->row_bytes;
    uint8_t *memory = llmk_take(device->host, memory_bytes(w)), *packed = memory;
    if (!memory) return LLM_E_MEMORY;
    if (w->packed_bytes >= LARGE_PAGE) {
        packed += -(uintptr_t)memory % LARGE_PAGE;
        llmk_mapping_want_large(packed, w->packed_bytes / LARGE_PAGE * LARGE_PAGE);
    }
    if (!llmk_mapping_holds(mapping, w->data, file_bytes)) *mapping = llmk_mapping_find(w->data, file_bytes);
    packing p = {w, packed, mapping, 1 + TASK_BYTES / (LLMK_STRIP * (int64_t)w->row_bytes + 1)};
    int32_t n_tasks = (int32_t)((llmk_weight_strips(w) + p.task_strips - 1) / p.task_strips);
    if (pool)
        pool->run(pool->user, n_tasks, pack_strips, &p);
    else
        for (int32_t i = 0; i < n_tasks; i++) pack_strips(&p, i);
    llmk_mapping_release(mapping, w->data, file_bytes); /* the pages between two tasks */
    w->memory = memory;
    w->packed = packed;
    return LLM_OK;
}

llm_status llmk_weights_prepare(llm_device *device, const llm_pool *pool) {
    llmk_cpu_device *d = llmk_cpu_device_of(device);
    llm_status status = LLM_OK;
    llmk_mapping mapping = {0, 0};
    pthread_mutex_lock(&d->lock);
    for (llm_weight *w = d->weights; w && status == LLM_OK; w = w->next)
        if (w->packed_bytes && !w->packed) status = pack(device, w, pool, &mapping);
    pthread_mutex_unlock(&d->lock);
    return status;
}

/* ---- rows ---- */

void llmk_embed(llm_stream *stream, llm_view out, const llm_weight *w, const int32_t *ids) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    if (!llmk_cpu_start(s, out.cols == w->cols, "embed: widths differ")) return;
    for (int64_t r = 0; r < out.rows; r++) {
        if (!llmk_cpu_start(s, ids[r] >= 0 && ids[r] < w->rows, "embed: id outside the table")) return;
        w->type->dequantize(llmk_row(out, r), w->data + (size_t)ids[r] * w->row_bytes, w->cols);
    }
}
