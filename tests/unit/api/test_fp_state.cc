// What the library computes does not depend on the floating-point state of the thread that calls it, and that state is
// the same after each call.
#include <cfenv>
#include <fstream>
#include <functional>
#include <map>

#include "api.h"

extern "C" {
#include "base/fp_scope.h"
}

namespace {

const char *const reasoner = LLM_SOURCE_DIR "/examples/models/tiny-reasoner.gguf";

struct State {
    const char *name;
    std::function<void()> enter;
};

std::vector<State> states() {
    std::vector<State> all = {{"upward", [] { fesetround(FE_UPWARD); }},
                              {"downward", [] { fesetround(FE_DOWNWARD); }},
                              {"towards zero", [] { fesetround(FE_TOWARDZERO); }}};
    auto control = [](uint64_t set, uint64_t clear) {
        llmi_fp_state s = llmi_fp_get();
        s.control = (s.control | set) & ~clear;
        llmi_fp_set(s);
    };
#if defined(__x86_64__)
    all.push_back({"denormals are zero", [=] { control(0x8040, 0); }});
    all.push_back({"traps", [=] { control(0, 0x1f80); }});
#elif defined(__aarch64__)
    all.push_back({"denormals are zero", [=] { control(1u << 24, 0); }});
#endif
    return all;
}

class FpState : public testing::Test {
  protected:
    const llmi_fp_state normal = llmi_fp_get();
    std::map<std::string, std::string> found; // what each part of the tour computed, bit by bit

    void TearDown() override { llmi_fp_set(normal); }

    template <class T> void keep(const std::string &what, const T *values, size_t n) {
        found[what].append(reinterpret_cast<const char *>(values), n * sizeof(T));
    }

    // A call in a state; what follows it here is in the normal one.
    template <class F> void in(const State &state, F call) {
        state.enter();
        llmi_fp_state before = llmi_fp_get();
        llm_status status = call();
        llmi_fp_state after = llmi_fp_get();
        llmi_fp_set(normal);
        EXPECT_EQ(LLM_OK, status) << llm_last_error();
        EXPECT_TRUE(llmi_fp_same(before, after)) << state.name << ": the state was changed";
    }

    void keep_result(const std::string &what, llm_result *r) {
        Result owner(r);
        for (int32_t i = 0; r && i < llm_result_count(r); i++) {
            std::string text = text_of(r, i);
            std::vector<float> logprobs = logprobs_of(r, i);
            keep(what, text.data(), text.size());
            keep(what, logprobs.data(), logprobs.size());
        }
    }

    void run_model(const State &state, const std::string &path, const std::string &what) {
        llm_model *loaded = nullptr;
        llm_engine *e = nullptr;
        llm_runtime_options ro;
        llm_runtime_options_init(&ro);
        ro.n_threads = 2; // the other one is made inside llm_engine_create
        llm_runtime *rt = nullptr;
        OK(llm_runtime_create(&rt, &ro));
        Runtime runtime(rt);
        in(state, [&] { return llm_model_load(&loaded, rt, path.c_str(), nullptr); });
        Model model(loaded);
        llm_engine_options eo;
        llm_engine_options_init(&eo);
        eo.n_ctx = 128;
        eo.n_batch = 64;
        in(state, [&] { return llm_engine_create(&e, loaded, &eo); });
        Engine engine(e);
        llm_model_info info = {};
        info.struct_size = sizeof info;
        OK(llm_model_get_info(&info, loaded));

        const std::string text = "Q: Tom has 34 apples, buys 8 and gives 5. How many has he? A:";
        std::vector<llm_token> ids(200);
        size_t n = 0;
        in(state, [&] {
            return llm_tokenizer_encode(&n, llm_model_get_tokenizer(loaded), text.data(), text.size(),
                                        LLM_ENCODE_ADD_SPECIAL, ids.data(), ids.size());
        });
        keep(what + " ids", ids.data(), n);
        std::vector<float> logits(n * static_cast<size_t>(info.n_vocab));
        llm_sequence *s = nullptr;
        in(state, [&] { return llm_sequence_create(&s, e); });
        in(state, [&] { return llm_sequence_eval(s, ids.data(), n, logits.data(), n); });
        llm_sequence_destroy(s);
        keep(what + " logits", logits.data(), logits.size());

        llm_generate_options o = generate_options(8);
        o.temperature = 0.8f;
        o.top_p = 0.9f;
        o.min_p = 0.01f;
        o.n = 3;
        o.seed = 7;
        o.n_logprobs = 2;
        o.repetition_penalty = 1.1f;
        llm_result *r = nullptr;
        in(state, [&] { return llm_generate(&r, e, text.data(), text.size(), &o, nullptr, nullptr); });
        keep_result(what + " text", r);
        llm_score_item item = {span(text), {" 37", 3}};
        in(state, [&] { return llm_score(&r, e, &item, 1, nullptr); });
        keep_result(what + " score", r);
        std::vector<float> row(static_cast<size_t>(info.n_embd));
        llm_span one = span(text);
        in(state, [&] { return llm_embed(row.data(), e, &one, 1, LLM_POOL_MEAN, 1); });
        keep(what + " embedding", row.data(), row.size());
    }

    void quantize(const State &state) {
        Folder folder;
        std::string path = folder.path + "/out.gguf";
        for (llm_dtype dtype : {LLM_DTYPE_Q4_0, LLM_DTYPE_Q3_K}) {
            in(state, [&] { return llm_quantize(nullptr, reasoner, path.c_str(), dtype, nullptr); });
            std::ifstream f(path, std::ios::binary);
            std::string bytes(std::istreambuf_iterator<char>(f), {});
            keep(std::string("bytes of ") + llm_dtype_name(dtype), bytes.data(), bytes.size());
            if (dtype == LLM_DTYPE_Q4_0) run_model(state, path, "Q4_0");
        }
    }

    void read_and_write(const State &state) {
        llm_generate_options o = generate_options(1);
        in(state, [&] { return llm_option_set(&o, "generate", "temperature", "0.1"); });
        keep("option", &o.temperature, 1);
        const std::string source =
            "{{ 0.1 + 0.2 }} {{ 1.0 / 3 }} {{ (2 / 3)|round(3) }} {{ '0.3'|float * 3 }} {{ x }} {{ x|tojson }}";
        const std::string context = "{\"x\": 0.30000000000000004}";
        llm_template *t = nullptr;
        llm_rendering *r = nullptr;
        in(state, [&] { return llm_template_parse(&t, nullptr, source.data(), source.size()); });
        in(state, [&] { return llm_template_render(&r, t, context.data(), context.size(), nullptr); });
        llm_span text = {};
        OK(llm_rendering_text(&text, r));
        keep("template", text.ptr, text.len);
        llm_rendering_destroy(r);
        llm_template_unref(t);
    }

    std::map<std::string, std::string> tour(const State &state) {
        found.clear();
        run_model(state, reasoner, "file");
        quantize(state);
        read_and_write(state);
        return found;
    }
};

TEST_F(FpState, OfTheCallerChangesNothingAndIsNotChanged) {
    auto expected = tour({"default", [] {}});
    EXPECT_EQ(14u, expected.size());
    for (const State &state : states())
        for (auto &[what, bytes] : tour(state)) EXPECT_TRUE(expected[what] == bytes) << what << " with " << state.name;
}

} // namespace
