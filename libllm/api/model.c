/* Models: the public calls of llm/model.h. */
#include <string.h>

#include "api/check.h"
#include "api/load_model.h"
#include "base/text.h"
#include "format/dtype_size.h"
#include "model/arch.h"

LLM_API llm_status llm_model_load(llm_model **out, llm_runtime *runtime, const char *path,
                                  const llm_model_options *options) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(path);
    return llmi_api_load_model(out, runtime, path, options);
}

LLM_API llm_model *llm_model_ref(llm_model *model) {
    return llmi_model_ref(model);
}

LLM_API void llm_model_unref(llm_model *model) {
    llmi_model_unref(model);
}

/* ---- numbers ---- */

/* The type that holds most of the bytes, the number of elements, and the bytes. */
static void sum_up(llm_model_info *info, const llm_model *m) {
    int64_t bytes_of[64] = {0}, most = 0;
    info->n_tensors = llmi_weights_tensor_count(m->weights);
    for (int32_t i = 0; i < info->n_tensors; i++) {
        const llmi_tensor *t = llmi_weights_tensor_at(m->weights, i);
        const llmi_dtype_size *size = llmi_dtype_size_get(t->dtype);
        info->n_bytes += (int64_t)t->n_bytes;
        if (!size || t->dtype >= 64) continue;
        info->n_params += (int64_t)t->n_bytes / size->block_bytes * size->block_elems;
        bytes_of[t->dtype] += (int64_t)t->n_bytes;
        if (bytes_of[t->dtype] > most) {
            most = bytes_of[t->dtype];
            info->dtype = t->dtype;
        }
    }
}

LLM_API llm_status llm_model_get_info(llm_model_info *out, const llm_model *model) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(model);
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_model_info, n_bytes), "llm_model_info");
    if (status != LLM_OK) return status;
    const llmi_hparams *hp = &model->hp;
    llm_model_info info = {
        .n_layers = hp->n_layers,
        .arch = model->arch ? model->arch->name : "",
        .format = llmi_weights_format(model->weights) == LLMI_FORMAT_GGUF ? "gguf" : "safetensors",
        .backend = model->backend ? model->backend : "",
        .n_embd = hp->n_embd,
        .n_heads = llmi_hparams_get_int(model, "attention.head_count"),
        .n_kv_heads = llmi_hparams_get_int(model, "attention.head_count_kv"),
        .head_dim = llmi_hparams_get_int(model, "attention.key_length"),
        .n_ff = llmi_hparams_get_int(model, "feed_forward_length"),
        .n_vocab = hp->n_vocab,
        .n_ctx_train = hp->n_ctx_train,
        .n_window = llmi_hparams_get_int(model, "attention.sliding_window"),
    };
    if (model->arch) sum_up(&info, model);
    llmi_api_write_out(out, &info, sizeof info);
    return LLM_OK;
}

/* ---- tensors, metadata ---- */

LLM_API llm_status llm_model_get_tensor(llm_tensor_info *out, const llm_model *model, int32_t index) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(model);
    llm_status status = llmi_api_check_out(out, LLMI_UPTO(llm_tensor_info, n_bytes), "llm_tensor_info");
    if (status != LLM_OK) return status;
    const llmi_tensor *t = llmi_weights_tensor_at(model->weights, index);
    if (!t)
        return llmi_error(LLM_E_ARGUMENT, "tensor %d, expected 0..%d", index,
                          llmi_weights_tensor_count(model->weights) - 1);
    llm_tensor_info info = {
        .dtype = t->dtype,
        .name = t->name,
        .n_dims = t->n_dims,
        .shape = {t->shape[0], t->shape[1], t->shape[2], t->shape[3]},
        .n_bytes = (int64_t)t->n_bytes,
    };
    llmi_api_write_out(out, &info, sizeof info);
    return LLM_OK;
}

LLM_API int32_t llm_model_meta_count(const llm_model *model) {
    llmi_error_clear();
    return model ? llmi_weights_meta_count(model->weights) : 0;
}

LLM_API llm_status llm_model_get_meta(llm_span *key, llm_span *value, const llm_model *model, int32_t index) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(key);
    LLMI_NOT_NULL(value);
    LLMI_NOT_NULL(model);
    int32_t n = llmi_weights_meta_count(model->weights);
    if (index < 0 || index >= n) return llmi_error(LLM_E_ARGUMENT, "metadata %d, expected 0..%d", index, n - 1);
    llmi_weights_meta_at(key, value, model->weights, index);
    return LLM_OK;
}

LLM_API llm_status llm_model_find_meta(llm_span *value, const llm_model *model, const char *key) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(value);
    LLMI_NOT_NULL(model);
    LLMI_NOT_NULL(key);
    int32_t n = llmi_weights_meta_count(model->weights);
    size_t n_key = strlen(key);
    for (int32_t i = 0; i < n; i++) {
        llm_span name, text;
        llmi_weights_meta_at(&name, &text, model->weights, i);
        if (name.len != n_key || memcmp(name.ptr, key, n_key) != 0) continue;
        *value = text;
        return LLM_OK;
    }
    return llmi_error(LLM_E_NOT_FOUND, "the model has no metadata \"%s\"", LLMI_QUOTE(key, n_key));
}

LLM_API const llm_tokenizer *llm_model_get_tokenizer(const llm_model *model) {
    llmi_error_clear();
    return model ? model->tokenizer : NULL;
}
