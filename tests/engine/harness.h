/* A tiny model, an engine on it, and jobs whose sinks write down what they are told. */
#ifndef TEST_ENGINE_HARNESS_H
#define TEST_ENGINE_HARNESS_H

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "counting.h"
#include "unit/model/files.h"

extern "C" {
#include "base/status.h"
#include "engine/engine.h"
}

using Tokens = std::vector<llm_token>;

inline Gguf engine_gguf(int32_t n_ctx_train = 512) {
    Gguf g = tiny_gguf();
    g.set_int("llama.context_length", n_ctx_train);
    return g;
}

/* What the layers of a tiny model see. */
enum Seen { SEES_ALL, SEES_WINDOW, SEES_BOTH /* all in the first layer, the window in the second */ };

inline const char *seen_name(Seen seen) {
    return seen == SEES_ALL ? "all" : seen == SEES_WINDOW ? "window" : "both";
}

/* The weights of a golden model, with a window of its own. */
inline std::string seen_files(const Folder &folder, Seen seen, int32_t window, int32_t n_ctx_train) {
    std::string from = LLM_SOURCE_DIR "/tests/golden/data/qwen3-window/", config;
    std::ifstream in(from + "config.json");
    std::getline(in, config, '\0');
    auto set = [&](const std::string &name, const std::string &value) {
        size_t at = config.find("\"" + name + "\": ");
        ASSERT_NE(std::string::npos, at) << name;
        at += name.size() + 4;
        config.replace(at, config.find_first_of("\n", at) - at, value + ",");
    };
    const char *one = seen == SEES_WINDOW ? "sliding_attention" : "full_attention";
    const char *two = seen == SEES_ALL ? "full_attention" : "sliding_attention";
    config.erase(config.find(" \"layer_types\""),
                 config.find("]", config.find("layer_types")) + 3 - config.find(" \"layer_types\""));
    config.insert(2, std::string(" \"layer_types\": [\"") + one + "\", \"" + two + "\"],\n");
    set("sliding_window", std::to_string(window));
    set("max_position_embeddings", std::to_string(n_ctx_train));
    folder.write("config.json", config);
    std::filesystem::copy_file(from + "model.safetensors", folder.path + "/model.safetensors",
                               std::filesystem::copy_options::overwrite_existing);
    return folder.path;
}

/* Made-up ids of the tiny model's 32. */
inline Tokens made_tokens(size_t n, uint32_t seed) {
    Tokens tokens;
    uint32_t state = seed * 2654435761u + 12345;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        tokens.push_back((llm_token)(state >> 27));
    }
    return tokens;
}

/* A runtime and a model in it. */
class Model {
  public:
    explicit Model(const std::string &backend = "reference", const Gguf &g = engine_gguf(),
                   const llm_allocator *a = nullptr) {
        open(folder.write("m.gguf", g.encode()), backend, a);
    }
    Model(const std::string &path, const std::string &backend) { open(path, backend, nullptr); }
    Model(Seen seen, int32_t window, const std::string &backend = "reference", const llm_allocator *a = nullptr,
          int32_t n_ctx_train = 512) {
        open(seen_files(folder, seen, window, n_ctx_train), backend, a);
    }
    ~Model() {
        llmi_model_unref(m);
        llm_runtime_unref(rt);
    }
    Model(const Model &) = delete;
    llm_model *m = nullptr;
    llm_runtime *rt = nullptr;

  private:
    void open(const std::string &path, const std::string &backend, const llm_allocator *a) {
        llm_runtime_options ro = llmi_runtime_defaults;
        ro.plugin_dir = LLM_PLUGIN_DIR;
        ro.allocator = a;
        EXPECT_EQ(LLM_OK, llm_runtime_create(&rt, &ro)) << llm_last_error();
        llm_model_options mo = llmi_model_defaults;
        mo.backend = backend.c_str();
        EXPECT_EQ(LLM_OK, llmi_model_load(&m, rt, path.c_str(), &mo)) << llm_last_error();
    }
    Folder folder;
};

inline llm_engine_options options(int32_t n_ctx = 256, int32_t n_seqs = 8, int32_t n_batch = 64,
                                  int64_t n_kv_tokens = 0) {
    llm_engine_options o = {};
    o.struct_size = sizeof o;
    o.n_ctx = n_ctx;
    o.n_seqs = n_seqs;
    o.n_batch = n_batch;
    o.kv_dtype = LLM_DTYPE_AUTO;
    o.prefix_cache = 1;
    o.n_kv_tokens = n_kv_tokens;
    o.n_threads = 2;
    return o;
}

class Engine {
  public:
    explicit Engine(const Model &model, const llm_engine_options &o = options()) {
        llm_engine_options resolved = {};
        EXPECT_EQ(LLM_OK, llmi_engine_resolve(&resolved, model.m, &o)) << llm_last_error();
        EXPECT_EQ(LLM_OK, llmi_engine_create(&e, model.m, &resolved)) << llm_last_error();
    }
    ~Engine() { llmi_engine_unref(e); }
    Engine(const Engine &) = delete;

    int32_t step() {
        int32_t n = -1;
        EXPECT_EQ(LLM_OK, llmi_engine_step(&n, e)) << llm_last_error();
        return n;
    }
    /* Steps until nothing is left; how many steps. */
    int run(int most = 100000) {
        int n = 0;
        while (step() > 0)
            if (++n > most) {
                ADD_FAILURE() << "still active after " << n << " steps";
                break;
            }
        return n + 1;
    }
    llmi_engine *e = nullptr;
};

struct Completion {
    Tokens tokens;
    std::vector<float> logprobs;
    std::vector<std::vector<llm_token_logprob>> tops;
    int32_t finish = LLM_FINISH_NONE;
    int n_finished = 0;
    llm_status error = LLM_OK;
    std::string error_text;
    bool operator==(const Completion &o) const {
        return tokens == o.tokens && logprobs == o.logprobs && finish == o.finish;
    }
};

/* A job and its sink. */
class Job {
  public:
    Job() {
        d.kind = LLMI_JOB_GENERATE;
        d.n = 1;
        d.max_tokens = 8;
        d.n_logprobs = -1;
        d.sampling = {0, 0, 1, 0, 1, 1, 0, 0, 64, 1, nullptr, 0};
    }
    explicit Job(Tokens prompt_, int32_t max_tokens = 8, int32_t n = 1) : Job() {
        prompt = std::move(prompt_);
        d.max_tokens = max_tokens;
        d.n = n;
    }
    ~Job() { llmi_job_destroy(job); }
    Job(const Job &) = delete;

    llm_status submit(Engine &engine) {
        static const llmi_sink sink = {on_token, on_hidden, on_finish};
        d.prompt = prompt.data();
        d.n_prompt = prompt.size();
        d.sink = &sink;
        d.sink_user = this;
        out.assign((size_t)(d.n < 1 || d.kind != LLMI_JOB_GENERATE ? 1 : d.n), {});
        return llmi_job_submit(&job, engine.e, &d);
    }
    Job &go(Engine &engine) {
        EXPECT_EQ(LLM_OK, submit(engine)) << llm_last_error();
        return *this;
    }
    void destroy() {
        llmi_job_destroy(job);
        job = nullptr;
    }
    llmi_job_stats stats() const {
        llmi_job_stats s;
        llmi_job_stats_get(&s, job);
        return s;
    }

    Tokens prompt;
    llmi_job_desc d = {};
    llmi_job *job = nullptr;
    std::vector<Completion> out;
    std::vector<std::vector<float>> hidden;
    size_t n_embd = 16;
    std::function<int32_t(int32_t index, llm_token token)> on; /* may end a completion */

  private:
    static int32_t on_token(void *user, int32_t index, llm_token token, float logprob, const llm_token_logprob *top,
                            int32_t n_top) {
        Job *j = static_cast<Job *>(user);
        Completion &c = j->out.at((size_t)index);
        EXPECT_EQ(0, c.n_finished);
        c.tokens.push_back(token);
        c.logprobs.push_back(logprob);
        c.tops.emplace_back(top, top + n_top);
        return j->on ? j->on(index, token) : LLM_FINISH_NONE;
    }
    static void on_hidden(void *user, int32_t row, const float *values) {
        Job *j = static_cast<Job *>(user);
        EXPECT_EQ((size_t)row, j->hidden.size());
        j->hidden.emplace_back(values, values + j->n_embd);
    }
    static void on_finish(void *user, int32_t index, int32_t finish, const llmi_error_copy *error) {
        Completion &c = static_cast<Job *>(user)->out.at((size_t)index);
        c.n_finished++;
        c.finish = finish;
        EXPECT_EQ(finish == LLM_FINISH_ERROR, error != nullptr);
        if (error) c.error = error->status, c.error_text = error->text;
    }
};

/* What a request answers when it is alone in an engine of its own that keeps nothing. */
inline std::vector<Completion> alone(const Model &model, const Job &like, int32_t n_ctx = 256, int32_t n_batch = 64) {
    llm_engine_options o = options(n_ctx, 8, n_batch, 8 * (int64_t)n_ctx);
    o.prefix_cache = 0;
    o.n_threads = 1;
    Engine engine(model, o);
    Job job;
    job.prompt = like.prompt;
    job.d = like.d;
    job.go(engine);
    engine.run();
    return job.out;
}

/* Back ends that can be used here. */
inline std::vector<std::string> backends() {
    std::vector<std::string> names;
    llm_runtime *rt = nullptr;
    EXPECT_EQ(LLM_OK, llm_runtime_create(&rt, nullptr));
    for (const char *name : {"reference", "cpu"}) {
        llm_device *device = nullptr;
        if (llmi_runtime_open_device(&device, rt, name, LLM_ACTIVATIONS_AUTO) != LLM_OK) continue;
        names.push_back(name);
        device->ops->close(device);
    }
    llm_runtime_unref(rt);
    return names;
}

#endif
