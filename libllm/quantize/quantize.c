/* llm_quantize: a model in another data type, as a GGUF file. */
#include <llm/quantize.h>
#include <string.h>

#include "api/check.h"
#include "api/load_model.h"
#include "api/options.h"
#include "base/text.h"
#include "dtype.h"
#include "quantize/convert.h"

typedef struct job {
    llm_runtime *rt;
    const char *in;
    const llm_allocator *a;
    const llm_quantize_options *o;
    llmi_plan plan;
    llmi_gguf_writer writer;
    llmi_writer out;
    size_t n_done;
} job;

static llm_status report(void *user, size_t n_bytes) {
    job *j = user;
    j->n_done += n_bytes;
    double done = j->plan.n_bytes ? (double)j->n_done / (double)j->plan.n_bytes : 0;
    if (!j->o->progress || j->o->progress(j->o->progress_user, done < 1 ? done : 1) >= 0) return LLM_OK;
    return llmi_error(LLM_E_CALLBACK, "the progress callback stopped at %.0f %%", done * 100);
}

/* general.file_type: most tensors are of this type (docs/gguf.md of ggml). */
static llm_status put_file_type(llmi_gguf_writer *w, llm_dtype dtype) {
    static const struct {
        llm_dtype dtype;
        uint32_t file_type;
    } table[] = {
        {LLM_DTYPE_F32, 0},   {LLM_DTYPE_F16, 1},   {LLM_DTYPE_Q4_0, 2},  {LLM_DTYPE_Q4_1, 3},  {LLM_DTYPE_Q8_0, 7},
        {LLM_DTYPE_Q5_0, 8},  {LLM_DTYPE_Q5_1, 9},  {LLM_DTYPE_Q2_K, 10}, {LLM_DTYPE_Q3_K, 11}, {LLM_DTYPE_Q4_K, 14},
        {LLM_DTYPE_Q5_K, 16}, {LLM_DTYPE_Q6_K, 18}, {LLM_DTYPE_BF16, 32},
    };
    llm_status status = llmi_gguf_put_u32(w, "general.quantization_version", 2);
    for (size_t i = 0; i < sizeof table / sizeof table[0] && status == LLM_OK; i++)
        if (table[i].dtype == dtype) return llmi_gguf_put_u32(w, "general.file_type", table[i].file_type);
    return status;
}

static llmi_plan_tensor *tensor_at(const job *j, size_t index) {
    return &llmi_buf_at(&j->plan.tensors, llmi_plan_tensor, index);
}

static llm_status write_data(job *j, const llm_pool *pool) {
    llmi_converter c = {.a = j->a, .pool = pool, .out = &j->out, .path = j->in, .written = report, .user = j};
    size_t n = llmi_buf_count(&j->plan.tensors, llmi_plan_tensor);
    llm_status status = LLM_OK;
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        status = llmi_convert(&c, tensor_at(j, i));
        if (status == LLM_OK) status = llmi_gguf_pad(&j->out);
    }
    return status;
}

/* The file that is read stays what it is until the new one is whole, but replacing it is rarely meant. */
static llm_status check_output(const job *j, const llmi_weights *in) {
    if (!j->out.replaces || !llmi_weights_reads(in, j->out.id)) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT, "llm_quantize: %s is a file of the model that is read, expected another name",
                      LLMI_QUOTE(j->out.path, strlen(j->out.path)));
}

static llm_status write_file(job *j) {
    llmi_workers *workers;
    size_t n = llmi_buf_count(&j->plan.tensors, llmi_plan_tensor);
    llm_status status = put_file_type(&j->writer, j->plan.dtype);
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        const llmi_plan_tensor *t = tensor_at(j, i);
        status = llmi_gguf_put_tensor(&j->writer, t->name, t->source.n_dims, t->source.shape, t->dtype, t->n_bytes);
    }
    if (status == LLM_OK) status = llmi_workers_create(&workers, j->a, llmi_runtime_threads(j->rt));
    if (status != LLM_OK) return status;
    status = llmi_gguf_write_header(&j->writer, &j->out);
    if (status == LLM_OK) status = write_data(j, llmi_workers_pool(workers));
    if (status == LLM_OK) status = llmi_writer_commit(&j->out);
    llmi_workers_destroy(workers);
    return status;
}

/* Loading checks every shape; the reference back end only borrows the bytes. */
static llm_status from_directory(job *j) {
    llm_model_options options = llmi_model_defaults;
    llm_model *m;
    options.backend = "reference";
    options.pack_weights = 0;
    llm_status status = llmi_api_load_model(&m, j->rt, j->in, &options);
    if (status != LLM_OK) return status;
    status = llmi_plan_hf(&j->plan, &j->writer, m);
    if (status != LLM_OK) status = llmi_error_in(status, "%s", LLMI_QUOTE(j->in, strlen(j->in)));
    if (status == LLM_OK) status = check_output(j, m->weights);
    if (status == LLM_OK) status = write_file(j);
    llmi_model_unref(m);
    return status;
}

static llm_status from_gguf(job *j) {
    llmi_weights *w;
    llmi_weights_options how = {.use_mmap = true};
    llm_status status = llmi_weights_open(&w, j->a, j->in, &how);
    if (status != LLM_OK) return status;
    status = llmi_plan_gguf(&j->plan, &j->writer, w);
    if (status != LLM_OK) status = llmi_error_in(status, "%s", LLMI_QUOTE(j->in, strlen(j->in)));
    if (status == LLM_OK) status = check_output(j, w);
    if (status == LLM_OK) status = write_file(j);
    llmi_weights_unref(w);
    return status;
}

/* The output is opened first: what cannot be written is said before anything is read. */
static llm_status convert(job *j, const char *out_path) {
    int is_dir = llmi_file_is_dir(j->in);
    if (is_dir < 0) return is_dir;
    llm_status status = llmi_writer_open(&j->out, j->a, out_path);
    if (status != LLM_OK) return status;
    status = is_dir ? from_directory(j) : from_gguf(j);
    llmi_writer_discard(&j->out);
    return status;
}

LLM_API llm_status llm_quantize(llm_runtime *runtime, const char *in, const char *out_path, llm_dtype dtype,
                                const llm_quantize_options *options) {
    LLMI_FP_SCOPE();
    llm_quantize_options o;
    llmi_error_clear();
    LLMI_NOT_NULL(in);
    LLMI_NOT_NULL(out_path);
    if (!llmk_dtype_get(dtype))
        return llmi_error(LLM_E_ARGUMENT, "llm_quantize: dtype is %d, expected one that llm_dtype_name() knows", dtype);
    llm_status status = llmi_options_get(&o, "quantize", options);
    if (status != LLM_OK) return status;
    job j = {.in = in, .o = &o};
    status = llmi_runtime_acquire(&j.rt, runtime);
    if (status != LLM_OK) return status;
    j.a = llmi_runtime_allocator(j.rt);
    llmi_plan_init(&j.plan, j.a, dtype, o.output_dtype);
    llmi_gguf_writer_init(&j.writer, j.a);
    status = convert(&j, out_path);
    llmi_plan_free(&j.plan);
    llmi_gguf_writer_free(&j.writer);
    llm_runtime_unref(j.rt);
    if (status == LLM_OK) llmi_error_clear();
    return status;
}
