#include "cpu/packing.h"

#include <limits.h>

#include "common.h"
#include "cpu/cpu.h"
#include "cpu/weight.h"

/* Passes between the preparation and the first share, and number of shares. */
enum { FIRST_PASS = 2, N_SHARES = 4 };

size_t llmk_packing_bytes(int64_t n_parts) {
    size_t n = sizeof(llmk_packing);
    return llmk_add_size(&n, (size_t)n_parts) && llmk_add_size(&n, -n % sizeof(double)) ? n : SIZE_MAX;
}

void llmk_packing_init(llmk_packing *p, size_t n_bytes, int64_t n_parts) {
    *p = (llmk_packing){.n_bytes = n_bytes, .first_pass = LLONG_MAX, .n_left = n_parts};
    for (int64_t i = 0; i < n_parts; i++) atomic_init(&p->states[i], LLMK_PART_TODO);
}

/* ---- memory ---- */

/* Large copies begin at a huge page. The memory before that is never touched. */
enum { LARGE_PAGE = 2 << 20 };

static size_t memory_bytes(const llmk_packing *p) {
    return p->n_bytes + (p->n_bytes >= LARGE_PAGE ? LARGE_PAGE : 0);
}

void llmk_packing_free(const llm_host *host, llmk_packing *p) {
    if (p && p->memory) llmk_give(host, p->memory, memory_bytes(p));
}

static size_t file_bytes(const llm_weight *w) {
    return (size_t)w->rows * w->row_bytes;
}

static llm_status prepare(llm_device *device, const llm_weight *w, int64_t first_pass, const llmk_mapping *near) {
    llmk_packing *p = w->packing;
    p->memory = llmk_take(device->host, memory_bytes(p));
    if (!p->memory) return LLM_E_MEMORY;
    p->copy = p->memory;
    if (p->n_bytes >= LARGE_PAGE) {
        p->copy += -(uintptr_t)p->memory % LARGE_PAGE;
        llmk_mapping_want_large(p->copy, p->n_bytes / LARGE_PAGE * LARGE_PAGE);
    }
    p->mapping = llmk_mapping_holds(near, w->data, file_bytes(w)) ? *near : llmk_mapping_find(w->data, file_bytes(w));
    atomic_store_explicit(&p->first_pass, first_pass, memory_order_release);
    return LLM_OK;
}

llm_status llmk_weights_prepare(llm_device *device, const llm_pool *pool) {
    llmk_cpu_device *d = llmk_cpu_device_of(device);
    llm_status status = LLM_OK;
    llmk_mapping near = {0, 0};
    int32_t i = 0;
    pthread_mutex_lock(&d->lock);
    int64_t first = atomic_load(&d->n_passes) + FIRST_PASS;
    for (const llm_weight *w = d->weights; w && status == LLM_OK; w = w->next)
        if (w->packing && !w->packing->memory) {
            status = prepare(device, w, first + i++ % N_SHARES, &near);
            near = w->packing->mapping;
        }
    pthread_mutex_unlock(&d->lock);
    return status;
}

/* ---- building ---- */

bool llmk_packing_try_begin(llmk_packing *p, int64_t part, int64_t pass) {
    unsigned char expected = LLMK_PART_TODO;
    if (!p || pass < atomic_load_explicit(&p->first_pass, memory_order_acquire)) return false;
    return atomic_compare_exchange_strong(&p->states[part], &expected, LLMK_PART_BUSY);
}

enum { RELEASE_BYTES = 1 << 20 }; /* each call interrupts the other threads */

static void release(const llm_weight *w, int64_t part) {
    size_t strip_bytes = LLMK_STRIP * w->row_bytes;
    size_t from = (size_t)(part * w->part_strips) * strip_bytes / RELEASE_BYTES;
    size_t to = (size_t)llmk_weight_part_end(w, part) * strip_bytes / RELEASE_BYTES;
    if (from < to)
        llmk_mapping_release(&w->packing->mapping, w->data + from * RELEASE_BYTES, (to - from) * RELEASE_BYTES);
}

void llmk_packing_finish(const llm_weight *w, int64_t part) {
    llmk_packing *p = w->packing;
    atomic_store_explicit(&p->states[part], LLMK_PART_DONE, memory_order_release);
    release(w, part);
    if (atomic_fetch_sub(&p->n_left, 1) == 1) llmk_mapping_release(&p->mapping, w->data, file_bytes(w));
}

/* ---- the file's pages ---- */

void llmk_packing_want(const llm_weight *w, int64_t part) {
    int64_t row = part * w->part_strips * LLMK_STRIP, last = (llmk_weight_part_end(w, part) + 1) * LLMK_STRIP;
    last = last < w->rows ? last : w->rows;
    if (w->packing)
        llmk_mapping_want(&w->packing->mapping, w->data + (size_t)row * w->row_bytes,
                          (size_t)(last - row) * w->row_bytes);
}

enum { ROWS_KEPT = 16 };

void llmk_packing_row_was_read(const llm_weight *w) {
    llmk_packing *p = w->packing;
    bool done = p && atomic_load_explicit(&p->n_left, memory_order_relaxed) == 0;
    if (done && atomic_fetch_add(&p->n_rows, 1) % ROWS_KEPT == ROWS_KEPT - 1)
        llmk_mapping_release(&p->mapping, w->data, file_bytes(w));
}
