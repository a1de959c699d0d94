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

enum {
    PART_BYTES = 1 << 17, /* of the weights that an item of a product reads */
    MIN_PARTS = 16,       /* parts that a matrix is cut into if it has that many groups of strips */
};

/* By the shape alone. */
static void cut(llm_weight *w) {
    int64_t n_strips = llmk_weight_strips(w);
    int64_t most = PART_BYTES / (int64_t)(w->strip_bytes + 1), even = n_strips / MIN_PARTS;
    int64_t n = (most < even ? most : even) / LLMK_GROUP * LLMK_GROUP;
    w->part_strips = n > LLMK_GROUP ? n : LLMK_GROUP;
    w->n_parts = (n_strips + w->part_strips - 1) / w->part_strips;
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
    llm_weight shape = {
        .data = t->data,
        .type = type,
        .layout = layout,
        .pack = layout->widen ? layout->widen : llmk_cpu_device_of(device)->k.pack[layout->index],
        .rows = t->rows,
        .cols = t->cols,
        .row_bytes = row_bytes,
        .strip_bytes = llmk_layout_strip_bytes(layout, t->cols),
    };
    bool vector = t->rows == 1, packs = !vector && !t->in_place;
    cut(&shape);
    size_t vector_bytes = vector ? sizeof(float) : 0, packed_bytes = packs ? shape.strip_bytes : 0;
    bool fits = llmk_multiply(&vector_bytes, t->cols) && llmk_multiply(&packed_bytes, llmk_weight_strips(&shape));
    packs = packs && packed_bytes > 0;
    shape.n_bytes = sizeof shape;
    fits = fits && llmk_add_size(&shape.n_bytes, packs ? llmk_packing_bytes(shape.n_parts) : vector_bytes);
    if (!fits) return llmk_error(host, LLM_E_MEMORY, "tensor %s: larger than the address space", t->name);
    llm_weight *w = llmk_take(host, shape.n_bytes);
    if (!w) return LLM_E_MEMORY;
    *w = shape;
    if (packs) {
        w->packing = (llmk_packing *)(void *)w->vector; /* a matrix has no vector */
        llmk_packing_init(w->packing, packed_bytes, w->n_parts);
    }
    if (vector) type->dequantize(w->vector, w->data, w->cols);
    list_add(llmk_cpu_device_of(device), w);
    *private_bytes = vector_bytes + packed_bytes;
    *out = w;
    return LLM_OK;
}

void llmk_weight_free(llm_device *device, llm_weight *w) {
    if (!w) return;
    list_remove(llmk_cpu_device_of(device), w);
    llmk_packing_free(device->host, w->packing);
    llmk_give(device->host, w, w->n_bytes);
}

const float *llmk_weight_vector(const llm_weight *w) {
    return w->vector;
}

llmk_shape llmk_weight_shape(const llm_weight *w) {
    return (llmk_shape){w->rows, w->cols};
}

/* ---- rows ---- */

void llmk_embed(llm_stream *stream, const llm_op *op, const llm_step *step) {
    llmk_cpu_stream *s = llmk_cpu_stream_of(stream);
    llm_view out = llm_step_view(step, op->out[0]);
    const llm_weight *w = op->w[0];
    for (int64_t r = 0; r < out.rows; r++) {
        int32_t id = step->tokens[r];
        if (!llmk_cpu_start(s, id >= 0 && id < w->rows, "EMBED: id outside the table")) return;
        w->type->dequantize(llm_view_row(out, r), w->data + (size_t)id * w->row_bytes, w->cols);
        llmk_packing_row_was_read(w);
    }
}
