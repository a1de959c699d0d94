/* config.json of a Hugging Face directory: its members by path, the family it names, the hyper-parameters. */
#include "base/alloc.h"
#include "fuzz/weights.h"
#include "model/arch.h"

static void read_hparams(const llmi_weights *w, const llm_allocator *a) {
    const llmi_arch *arch;
    llmi_error_clear();
    llm_status status = llmi_arch_of(&arch, w);
    if (status == LLM_OK) {
        llmi_hparams *hp = llmi_alloc(a, arch->hparams_bytes);
        void *layer = llmi_alloc(a, arch->layer_bytes);
        status = hp && layer ? llmi_hparams_read(hp, arch, w) : LLM_E_MEMORY;
        if (status == LLM_OK && (hp->n_layers < 1 || hp->n_layers > LLMI_MAX_LAYERS)) abort();
        for (int32_t i = 0; status == LLM_OK && i < hp->n_layers; i++) status = arch->set_layer(layer, hp, i, w);
        llmi_free(a, layer, arch->layer_bytes);
        llmi_free(a, hp, arch->hparams_bytes);
        if (status == LLM_E_MEMORY) return;
    }
    if (status != LLM_OK && !llm_last_error()[0]) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_memory m;
    llmi_contents c;
    llmi_weights *w = NULL;
    fuzz_memory_init(&m, n);
    llmi_weights_contents_init(&c, &m.allocator);
    c.format = LLMI_FORMAT_SAFETENSORS;
    if (llmi_hf_parse_config(&c, (llm_span){(const char *)data, n}) == LLM_OK)
        llmi_weights_from_contents(&w, &c);
    else
        llmi_weights_contents_free(&c);
    if (w) {
        fuzz_look_at_metas(w);
        read_hparams(w, &m.allocator);
        llmi_weights_unref(w);
    }
    fuzz_memory_check(&m);
    return 0;
}
