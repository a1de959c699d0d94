#include <stdio.h>
#include <string.h>

#include "backends.h"
#include "cpu/cpu.h"
#include "cpu/features.h"

/* ---- memory ---- */

static llm_status mem_alloc(void **out, llm_device *device, size_t n_bytes) {
    *out = llmk_take_large(device->host, n_bytes);
    return *out ? LLM_OK : LLM_E_MEMORY;
}

static void mem_free(llm_device *device, void *ptr, size_t n_bytes) {
    llmk_give(device->host, ptr, n_bytes);
}

static void copy(llm_stream *stream, void *dst, const void *src, size_t n_bytes) {
    if (llmk_cpu_go_on(llmk_cpu_stream_of(stream)) && n_bytes) memmove(dst, src, n_bytes);
}

/* ---- streams ---- */

enum { ALIGNMENT = 64 };

typedef struct stream_layout {
    llmk_limits limits;
    size_t linear, attention, n_bytes; /* offsets of the scratch memories; all of it */
} stream_layout;

static bool append(size_t *end, size_t *at, size_t n_bytes) {
    *at = *end;
    return llmk_add_size(end, n_bytes) && llmk_add_size(end, -*end % ALIGNMENT);
}

static llm_status stream_plan(stream_layout *out, llm_device *device, const llm_stream_options *o) {
    llmk_cpu_device *d = llmk_cpu_device_of(device);
    llm_status status = llmk_program_check(device->host, o->program, d->ops, llmk_weight_shape);
    if (status < 0) return status;
    llmk_widths widths = llmk_program_widths(o->program);
    size_t self;
    *out = (stream_layout){.limits = {widths.rows, widths.cols, llmk_cpu_threads(o->pool)}};
    bool fits = append(&out->n_bytes, &self, sizeof(llmk_cpu_stream)) &&
                append(&out->n_bytes, &out->linear, d->linear_scratch_bytes(&d->k, &out->limits)) &&
                append(&out->n_bytes, &out->attention, llmk_attention_scratch_bytes(&d->k, &out->limits));
    if (!fits) return llmk_error(device->host, LLM_E_MEMORY, "stream: scratch memory beyond the address space");
    return LLM_OK;
}

static llm_status stream_bytes(size_t *out, llm_device *device, const llm_stream_options *options) {
    stream_layout layout;
    llm_status status = stream_plan(&layout, device, options);
    *out = status < 0 ? 0 : layout.n_bytes;
    return status;
}

static void run(llm_stream *stream, const llm_step *step, int32_t first, int32_t n) {
    llmk_cpu_device *d = llmk_cpu_device_of(stream->device);
    if (first == 0) atomic_fetch_add_explicit(&d->n_passes, 1, memory_order_relaxed);
    llm_interpret(d->ops, llmk_cpu_stream_of(stream)->program, stream, step, first, n);
}

static const llm_stream_ops stream_ops = {
    .struct_size = sizeof stream_ops,
    .upload = copy,
    .download = copy,
    .sync = llmk_cpu_sync,
    .run = run,
    .state_copy = llmk_state_copy,
};

static llm_status stream_create(llm_stream **out, llm_device *device, const llm_stream_options *options) {
    stream_layout layout;
    *out = NULL;
    llm_status status = stream_plan(&layout, device, options);
    if (status < 0) return status;
    uint8_t *block = llmk_take_large(device->host, layout.n_bytes);
    if (!block) return LLM_E_MEMORY;
    llmk_cpu_stream *s = (llmk_cpu_stream *)(void *)block;
    *s = (llmk_cpu_stream){
        .base = {&stream_ops, device},
        .program = options->program,
        .k = &llmk_cpu_device_of(device)->k,
        .pool = options->pool,
        .stop = options->stop,
        .limits = layout.limits,
        .linear_scratch = block + layout.linear,
        .attention_scratch = block + layout.attention,
        .n_bytes = layout.n_bytes,
    };
    *out = &s->base;
    return LLM_OK;
}

static void stream_destroy(llm_stream *stream) {
    if (stream) llmk_give(stream->device->host, stream, llmk_cpu_stream_of(stream)->n_bytes);
}

/* ---- device ---- */

static void close_device(llm_device *device) {
    if (!device) return;
    pthread_mutex_destroy(&llmk_cpu_device_of(device)->lock);
    llmk_give(device->host, device, sizeof(llmk_cpu_device));
}

static const llm_device_ops device_ops = {
    .struct_size = sizeof device_ops,
    .mem_alloc = mem_alloc,
    .mem_free = mem_free,
    .weight_put = llmk_weight_put,
    .weight_free = llmk_weight_free,
    .state_bytes = llmk_state_bytes,
    .state_create = llmk_state_create,
    .state_free = llmk_state_free,
    .stream_bytes = stream_bytes,
    .stream_create = stream_create,
    .stream_destroy = stream_destroy,
    .close = close_device,
    .weights_prepare = llmk_weights_prepare,
};

static const llm_op_fn operations[LLM_N_OPS] = {
    [LLM_OP_EMBED] = llmk_embed,   [LLM_OP_NORM] = llmk_norm,         [LLM_OP_LINEAR] = llmk_linear,
    [LLM_OP_ACT] = llmk_act,       [LLM_OP_ANGLES] = llmk_angles,     [LLM_OP_ROPE] = llmk_rope,
    [LLM_OP_ATTEND] = llmk_attend, [LLM_OP_KV_WRITE] = llmk_kv_write, [LLM_OP_GATHER] = llmk_gather,
};

llm_status llmk_cpu_open(llm_device **out, const llm_host *host) {
    llmk_cpu_device *d = llmk_take(host, sizeof *d);
    *out = NULL;
    if (!d) return LLM_E_MEMORY;
    *d = (llmk_cpu_device){
        .base = {&d->device_ops, host},
        .device_ops = device_ops,
        .linear_scratch_bytes = llmk_linear_scratch_bytes,
    };
    memcpy(d->ops, operations, sizeof operations);
    llmk_kernels_init(&d->k, host->cpu_mask, llmk_activations(host));
    pthread_mutex_init(&d->lock, NULL);
    *out = &d->base;
    return LLM_OK;
}

static llm_status probe(const llm_host *host, char *text, size_t capacity) {
    llmk_features_describe(text, capacity, llmk_features_limit(llmk_features_detect(), host->cpu_mask));
    return LLM_OK;
}

const llm_backend *llmk_cpu_backend(void) {
    static const llm_backend backend = {
        .struct_size = sizeof backend,
        .abi = LLM_BACKEND_ABI,
        .name = "cpu",
        .probe = probe,
        .open = llmk_cpu_open,
        .flags = LLM_BACKEND_ACTIVATIONS,
    };
    return &backend;
}
