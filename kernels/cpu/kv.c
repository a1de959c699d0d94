#include "cpu/kv.h"

#include <string.h>

#include "common.h"
#include "cpu/cpu.h"

static llm_status layout(llm_kv *kv, const llm_host *host, const llm_kv_desc *desc) {
    llm_status status = llmk_kv_check(host, desc);
    if (status < 0) return status;
    *kv = (llm_kv){.desc = *desc};
    size_t n = desc->dtype == LLM_DTYPE_F32 ? 4 : 2;
    bool fits = llmk_multiply(&n, desc->head_dim);
    kv->row_bytes = n;
    fits = fits && llmk_multiply(&n, desc->page_tokens);
    kv->half_bytes = n;
    fits = fits && llmk_multiply(&n, 2) && llmk_multiply(&n, desc->n_kv_heads);
    kv->page_bytes = n;
    fits = fits && llmk_multiply(&n, desc->n_pages);
    kv->layer_bytes = n;
    fits = fits && llmk_multiply(&n, desc->n_layers);
    kv->n_bytes = n;
    return fits ? LLM_OK : llmk_error(host, LLM_E_MEMORY, "KV cache: beyond the address space");
}

llm_status llmk_kv_bytes(size_t *out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv kv;
    llm_status status = layout(&kv, device->host, desc);
    *out = status < 0 ? 0 : kv.n_bytes;
    return status;
}

llm_status llmk_kv_create(llm_kv **out, llm_device *device, const llm_kv_desc *desc) {
    llm_kv plan;
    *out = NULL;
    llm_status status = layout(&plan, device->host, desc);
    if (status < 0) return status;
    llm_kv *kv = llmk_take(device->host, sizeof *kv);
    if (!kv) return LLM_E_MEMORY;
    *kv = plan;
    kv->data = llmk_take_large(device->host, kv->n_bytes);
    if (!kv->data) {
        llmk_give(device->host, kv, sizeof *kv);
        return LLM_E_MEMORY;
    }
    *out = kv;
    return LLM_OK;
}

void llmk_kv_free(llm_device *device, llm_kv *kv) {
    if (!kv) return;
    llmk_give(device->host, kv->data, kv->n_bytes);
    llmk_give(device->host, kv, sizeof *kv);
}
