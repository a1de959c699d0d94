/* Loads a model and runs steps on it the way the engine does, without the engine. */
#ifndef TEST_MODEL_RUNNER_H
#define TEST_MODEL_RUNNER_H

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <llm/sys/interpret.h>

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
        pages = (max_tokens + page_tokens - 1) / page_tokens;
        check(llmi_workers_create(&workers, llmi_runtime_allocator(m->runtime), 2));
        llm_limits limits = {{max_rows, max_rows, max_rows}, 1, page_tokens, kv_dtype};
        llmi_program_record(&program, m, &limits, nullptr);
        memory.resize(llmi_program_bytes(&program) / sizeof memory[0]);
        llmi_program_record(&program, m, &limits, memory.data());
        llm_stream_options options = {};
        options.struct_size = sizeof options;
        options.program = &program;
        options.pool = llmi_workers_pool(workers);
        states.resize((size_t)program.n_groups);
        for (int32_t i = 0; i < program.n_groups; i++)
            check(m->device->ops->state_create(&states[(size_t)i], m->device, &program, i, pages));
        check(m->device->ops->stream_create(&stream, m->device, &options));
        check(m->device->ops->mem_alloc(&workspace, m->device, program.workspace_bytes));
        ints_bytes = sizeof(int32_t) * (size_t)(4 * max_rows + 2 + pages);
        check(m->device->ops->mem_alloc(&ints, m->device, ints_bytes));
    }
    ~Runner() {
        m->device->ops->mem_free(m->device, ints, ints_bytes);
        m->device->ops->mem_free(m->device, workspace, program.workspace_bytes);
        m->device->ops->stream_destroy(stream);
        for (llm_state *state : states) m->device->ops->state_free(m->device, state);
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
        const int32_t *placed = place(table);
        std::vector<llm_state_table> tables;
        for (llm_state *state : states) tables.push_back({state, placed, pages});
        llm_step step = {};
        step.struct_size = sizeof step;
        for (int32_t &rows : step.rows) rows = n;
        step.seqs = 1;
        step.tokens = place(tokens);
        step.positions = place(positions);
        step.row_seq = place(zeros);
        step.seq_rows = place({0, n});
        step.out_rows = place(all);
        step.tables = tables.data();
        step.workspace = static_cast<char *>(workspace);
        EXPECT_LE(host.size() * 4, ints_bytes);
        stream->ops->upload(stream, ints, host.data(), host.size() * sizeof(int32_t));
        stream->ops->run(stream, &step, 0, program.n_ops);
        std::vector<float> logits((size_t)n * (size_t)m->hp.n_vocab);
        stream->ops->download(stream, logits.data(), llm_step_view(&step, program.logits).data,
                              logits.size() * sizeof(float));
        hidden.resize((size_t)n * (size_t)m->hp.n_embd);
        stream->ops->download(stream, hidden.data(), llm_step_view(&step, program.hidden).data,
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
    std::vector<llm_state *> states; // by group
    llm_stream *stream = nullptr;
    llm_program program = {};
    std::vector<uint64_t> memory; /* of the program */
    void *workspace = nullptr;
    void *ints = nullptr;
    size_t ints_bytes = 0;
};

#endif
