/* Loads a model and runs steps on it the way the engine does, without the engine. */
#ifndef TEST_MODEL_RUNNER_H
#define TEST_MODEL_RUNNER_H

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

extern "C" {
#include "base/status.h"
#include "base/workers.h"
#include "model/arch.h"
}

inline llm_runtime *runtime_with_plugins() {
    llm_runtime_options o = llmi_runtime_defaults;
    o.plugin_dir = LLM_PLUGIN_DIR;
    llm_runtime *rt = nullptr;
    EXPECT_EQ(LLM_OK, llm_runtime_create(&rt, &o)) << llm_last_error();
    return rt;
}

inline llm_status load(llm_model **out, llm_runtime *rt, const std::string &path, const char *backend) {
    llm_model_options o = llmi_model_defaults;
    o.backend = backend;
    return llmi_model_load(out, rt, path.c_str(), &o);
}

/* One sequence with a cache of its own. */
class Runner {
  public:
    Runner(const llm_model *model, int32_t max_rows, int32_t max_tokens, llm_dtype kv_dtype = LLM_DTYPE_F32)
        : m(model) {
        const llmi_hparams &hp = m->hp;
        pages = (max_tokens + page_tokens - 1) / page_tokens;
        check(llmi_workers_create(&workers, llmi_runtime_allocator(m->runtime), 2));
        llm_kv_desc desc = {hp.n_layers, hp.n_kv_heads, hp.head_dim, page_tokens, pages, kv_dtype};
        check(m->device->ops->kv_create(&kv, m->device, &desc));
        llm_stream_options options = {};
        options.pool = llmi_workers_pool(workers);
        options.max_rows = max_rows;
        options.max_cols = std::max({hp.n_embd, hp.n_heads * hp.head_dim, hp.n_ff});
        options.max_seqs = 1;
        options.max_heads = hp.n_heads;
        check(m->device->ops->stream_create(&stream, m->device, &options));
        llm_limits limits = {{max_rows, max_rows, max_rows}};
        llmi_model_record(&program, m, &limits, nullptr);
        ops.resize((size_t)program.n_ops);
        llmi_model_record(&program, m, &limits, ops.data());
        check(m->device->ops->mem_alloc(&workspace, m->device, program.workspace_bytes));
        ints_bytes = sizeof(int32_t) * (size_t)(4 * max_rows + 2 + pages);
        check(m->device->ops->mem_alloc(&ints, m->device, ints_bytes));
    }
    ~Runner() {
        m->device->ops->mem_free(m->device, ints, ints_bytes);
        m->device->ops->mem_free(m->device, workspace, program.workspace_bytes);
        m->device->ops->stream_destroy(stream);
        m->device->ops->kv_free(m->device, kv);
        llmi_workers_destroy(workers);
    }

    /* Appends tokens; returns the logits after each of them, one row after the other. */
    std::vector<float> append(const std::vector<int32_t> &tokens) {
        int32_t n = (int32_t)tokens.size();
        std::vector<int32_t> host;
        auto place = [&](const std::vector<int32_t> &values) {
            const int32_t *at = static_cast<const int32_t *>(ints) + host.size();
            host.insert(host.end(), values.begin(), values.end());
            return at;
        };
        std::vector<int32_t> positions, zeros((size_t)n, 0), all, table;
        for (int32_t i = 0; i < n; i++) positions.push_back(n_past + i);
        for (int32_t i = 0; i < n; i++) all.push_back(i);
        for (int32_t i = 0; i < pages; i++) table.push_back(pages - 1 - i);
        llm_batch batch = {};
        batch.n_rows = n;
        batch.n_seqs = 1;
        batch.max_pages = pages;
        batch.tokens = place(tokens);
        batch.positions = place(positions);
        batch.row_seq = place(zeros);
        batch.seq_rows = place({0, n});
        batch.page_table = place(table);
        llmi_step step = {};
        step.s = stream;
        step.batch = &batch;
        step.kv = kv;
        step.workspace = static_cast<char *>(workspace);
        step.out_rows = place(all);
        step.n_out = step.n_logits = n;
        EXPECT_LE(host.size() * 4, ints_bytes);
        stream->ops->upload(stream, ints, host.data(), host.size() * sizeof(int32_t));
        llmi_program_run(&program, &step);
        std::vector<float> logits((size_t)n * (size_t)m->hp.n_vocab);
        stream->ops->download(stream, logits.data(), llmi_step_view(&step, program.logits).data,
                              logits.size() * sizeof(float));
        hidden.resize((size_t)n * (size_t)m->hp.n_embd);
        stream->ops->download(stream, hidden.data(), llmi_step_view(&step, program.hidden).data,
                              hidden.size() * sizeof(float));
        check(stream->ops->sync(stream));
        n_past += n;
        return logits;
    }

    /* The same, a token at a time. */
    std::vector<float> append_singly(const std::vector<int32_t> &tokens) {
        std::vector<float> all;
        for (int32_t token : tokens) {
            std::vector<float> row = append({token});
            all.insert(all.end(), row.begin(), row.end());
        }
        return all;
    }

    std::vector<float> hidden; /* of the last append: the states after the output norm */

  private:
    static constexpr int32_t page_tokens = 4;
    static void check(llm_status status) { ASSERT_EQ(LLM_OK, status) << llm_last_error(); }

    const llm_model *m;
    int32_t pages = 0, n_past = 0;
    llmi_workers *workers = nullptr;
    llm_kv *kv = nullptr;
    llm_stream *stream = nullptr;
    llm_program program = {};
    std::vector<llm_op> ops;
    void *workspace = nullptr;
    void *ints = nullptr;
    size_t ints_bytes = 0;
};

#endif
