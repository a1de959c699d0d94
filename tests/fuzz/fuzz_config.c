/* config.json of a Hugging Face directory: its members by path, the family it names, the hyper-parameters. */
#include "fuzz/weights.h"
#include "model/hparams.h"

enum { MAX_LAYERS = 1024 };

static void read_hparams(const llmi_weights *w) {
    const llmi_arch *arch;
    llmi_hparams hp;
    static int32_t windows[MAX_LAYERS];
    llmi_error_clear();
    llm_status status = llmi_arch_of(&arch, w);
    if (status == LLM_OK) status = llmi_hparams_read(&hp, arch, w);
    if (status == LLM_OK) {
        if (hp.n_layers < 1 || hp.n_layers > MAX_LAYERS || hp.n_heads % hp.n_kv_heads) abort();
        status = llmi_hparams_windows(windows, &hp, w);
    }
    if (status != LLM_OK && !llm_last_error()[0]) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    fuzz_memory m;
    llmi_contents c;
    llmi_weights *w = NULL;
    fuzz_memory_init(&m, n);
    llmi_contents_init(&c, &m.allocator);
    c.format = LLMI_FORMAT_SAFETENSORS;
    if (llmi_hf_parse_config(&c, (llm_span){(const char *)data, n}) == LLM_OK)
        llmi_weights_from_contents(&w, &c);
    else
        llmi_contents_free(&c);
    if (w) {
        fuzz_look_at_metas(w);
        read_hparams(w);
        llmi_weights_unref(w);
    }
    fuzz_memory_check(&m);
    return 0;
}
