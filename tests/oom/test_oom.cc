// Every public call, with every allocation failing in turn: the status is clean, nothing leaks, the
// objects can be used afterwards, and what succeeds is what it would have been.
#include <functional>

#include "failing.h"
#include "unit/api/api.h"

namespace {

class Oom : public testing::Test {
  protected:
    void SetUp() override {
        llm_runtime_options o;
        llm_runtime_options_init(&o);
        o.allocator = &failing.allocator;
        o.n_threads = 2;
        llm_runtime *rt = nullptr;
        OK(llm_runtime_create(&rt, &o));
        runtime.reset(rt);
    }
    void TearDown() override {
        engine.reset();
        model.reset();
        runtime.reset();
        EXPECT_EQ(0, failing.n_alive());
        EXPECT_EQ(0, failing.n_bytes());
    }
    void open() {
        llm_model *m = nullptr;
        OK(llm_model_load(&m, runtime.get(), stories_gguf.c_str(), nullptr));
        model.reset(m);
        engine = make_engine(m, 64, 2);
        ASSERT_NE(nullptr, engine);
        tokenizer = llm_model_get_tokenizer(m);
    }

    // call answers a status and keeps nothing. It is tried with allocation 0, 1, 2 ... failing, alone and with
    // all that follow, until it no longer makes that many. after: what must hold between the tries.
    void each_failure(const char *what, const std::function<llm_status()> &call,
                      const std::function<void()> &after = {}) {
        SCOPED_TRACE(what);
        failing.arm(-1);
        ASSERT_EQ(LLM_OK, call()) << llm_last_error();
        long n_failed = 0;
        for (bool all : {false, true}) {
            bool reached = true;
            for (long n = 0; reached && n < 20000; n++) {
                long alive = failing.n_alive();
                failing.arm(n, all);
                llm_status status = call();
                reached = failing.n_calls() > n;
                failing.arm(-1);
                n_failed += status != LLM_OK;
                if (status != LLM_OK) {
                    EXPECT_EQ(LLM_E_MEMORY, status) << llm_last_error();
                    EXPECT_EQ(alive, failing.n_alive()) << llm_last_error();
                    EXPECT_STRNE("", llm_last_error());
                }
                if (after) after();
                if (HasFailure()) FAIL() << what << ": allocation " << n << (all ? " and all after it" : "");
            }
        }
        EXPECT_GT(n_failed, 0) << "the call allocates";
    }

    Failing failing;
    Runtime runtime;
    Model model;
    Engine engine;
    const llm_tokenizer *tokenizer = nullptr;
};

TEST_F(Oom, Runtime) {
    each_failure("llm_runtime_create", [&] {
        llm_runtime_options o;
        llm_runtime_options_init(&o);
        o.allocator = &failing.allocator;
        o.plugin_dir = "/nonexistent";
        llm_runtime *rt = nullptr;
        llm_status status = llm_runtime_create(&rt, &o);
        EXPECT_EQ(status == LLM_OK, rt != nullptr);
        llm_runtime_unref(rt);
        return status;
    });
    each_failure("llm_runtime_device_get", [&] {
        llm_runtime_options o;
        llm_runtime_options_init(&o);
        o.allocator = &failing.allocator;
        llm_runtime *rt = nullptr;
        llm_status status = llm_runtime_create(&rt, &o);
        for (int32_t i = 0; status == LLM_OK && i < llm_runtime_device_count(rt); i++) {
            llm_device_info info = {};
            info.struct_size = sizeof info;
            status = llm_runtime_device_get(&info, rt, i);
        }
        llm_runtime_unref(rt);
        return status;
    });
}

TEST_F(Oom, Load) {
    for (const std::string &path : {stories_gguf, stories_hf})
        for (int32_t use_mmap : {1, 0})
            each_failure("llm_model_load", [&] {
                llm_model_options o;
                llm_model_options_init(&o);
                o.use_mmap = use_mmap;
                llm_model *m = nullptr;
                llm_status status = llm_model_load(&m, runtime.get(), path.c_str(), &o);
                EXPECT_EQ(status == LLM_OK, m != nullptr);
                llm_model_unref(m);
                return status;
            });
}

TEST_F(Oom, Tokenizers) {
    for (const std::string &path : {stories_gguf, stories_hf})
        each_failure("llm_tokenizer_load", [&] {
            llm_tokenizer *t = nullptr;
            llm_status status = llm_tokenizer_load(&t, runtime.get(), path.c_str());
            EXPECT_EQ(status == LLM_OK, t != nullptr);
            llm_tokenizer_unref(t);
            return status;
        });
    open();
    std::string text = "Once upon a time, caf\xC3\xA9 \xF0\x9F\x98\x80 </s>";
    std::vector<llm_token> expected = encode(tokenizer, text, 3);
    each_failure("llm_tokenizer_encode", [&] {
        std::vector<llm_token> ids(100);
        size_t n = 0;
        llm_status status = llm_tokenizer_encode(&n, tokenizer, text.data(), text.size(), 3, ids.data(), ids.size());
        ids.resize(n);
        if (status == LLM_OK) {
            EXPECT_EQ(expected, ids);
        }
        return status;
    });
    each_failure("llm_tokenizer_decode", [&] {
        char out[200];
        size_t n = 0;
        return llm_tokenizer_decode(&n, tokenizer, expected.data(), expected.size(), 0, out, sizeof out);
    });
}

// A push that failed may be tried again: no byte is lost or doubled.
TEST_F(Oom, Decoder) {
    open();
    std::vector<llm_token> ids = encode(tokenizer, "Once caf\xC3\xA9 \xF0\x9F\x98\x80 upon", 0);
    std::string expected = decode(tokenizer, ids, 0);
    for (long fail = 0; fail < 60; fail++) {
        long alive = failing.n_alive();
        failing.arm(fail);
        llm_decoder *d = nullptr;
        while (llm_decoder_create(&d, tokenizer, 0) != LLM_OK) EXPECT_EQ(nullptr, d);
        std::string text;
        llm_span piece;
        for (llm_token id : ids) {
            llm_status status;
            while ((status = llm_decoder_push(&piece, d, id)) != LLM_OK) EXPECT_EQ(LLM_E_MEMORY, status);
            text += str(piece);
        }
        while (llm_decoder_finish(&piece, d) != LLM_OK) {
        }
        EXPECT_EQ(expected, text + str(piece)) << fail;
        llm_decoder_destroy(d);
        failing.arm(-1);
        EXPECT_EQ(alive, failing.n_alive());
    }
}

TEST_F(Oom, Engine) {
    open();
    llm_engine_options o;
    llm_engine_options_init(&o);
    o.n_ctx = 32;
    o.n_threads = 2;
    each_failure("llm_engine_create", [&] {
        llm_engine *e = nullptr;
        llm_status status = llm_engine_create(&e, model.get(), &o);
        EXPECT_EQ(status == LLM_OK, e != nullptr);
        llm_engine_destroy(e);
        return status;
    });
}

struct EveryOption {
    llm_span stops[2] = {{"never", 5}, {"named", 5}};
    llm_token stop_tokens[2] = {7, 8};
    llm_logit_bias bias[1] = {{9, -1}};
    llm_generate_options o = generate_options(24);
    EveryOption() {
        o.n = 2;
        o.temperature = 0.5f;
        o.top_k = 40;
        o.top_p = 0.9f;
        o.min_p = 0.01f;
        o.typical_p = 0.95f;
        o.repetition_penalty = 1.1f;
        o.presence_penalty = 0.1f;
        o.frequency_penalty = 0.1f;
        o.seed = 5;
        o.n_logprobs = 3;
        o.stop_strings = stops;
        o.n_stop_strings = 2;
        o.stop_tokens = stop_tokens;
        o.n_stop_tokens = 2;
        o.logit_bias = bias;
        o.n_logit_bias = 1;
    }
};

TEST_F(Oom, Generate) {
    open();
    EveryOption every;
    llm_result *first = nullptr;
    OK(llm_generate(&first, engine.get(), "Once upon a time", LLM_NTS, &every.o, nullptr, nullptr));
    std::string expected = text_of(first);
    llm_result_unref(first);
    each_failure("llm_generate", [&] {
        llm_result *r = nullptr;
        llm_status status = llm_generate(
            &r, engine.get(), "Once upon a time", LLM_NTS, &every.o, [](void *, const llm_event *) { return 0; },
            nullptr);
        EXPECT_EQ(status == LLM_OK, r != nullptr);
        if (r) {
            EXPECT_EQ(expected, text_of(r));
        }
        llm_result_unref(r);
        return status;
    });
}

// Polling: a failed llm_request_next loses no event, and each completion has its end.
TEST_F(Oom, RequestEvents) {
    open();
    EveryOption every;
    int n_failed = 0;
    for (long fail = 0; fail < 60; fail++) {
        SCOPED_TRACE(fail);
        long alive = failing.n_alive();
        failing.arm(fail);
        llm_request *request = nullptr;
        llm_status status = llm_request_submit(&request, engine.get(), "Once upon a time", LLM_NTS, &every.o);
        EXPECT_EQ(status == LLM_OK, request != nullptr);
        std::string text[2];
        int32_t n_ends = 0;
        while (request && n_ends < 2) {
            ASSERT_EQ(LLM_OK, llm_engine_step(nullptr, engine.get()));
            llm_event e;
            int32_t got;
            while ((got = llm_request_next(&e, request)) != 0) {
                if (got < 0) {
                    EXPECT_EQ(LLM_E_MEMORY, got);
                    continue;
                }
                text[e.index] += str(e.text);
                n_ends += e.finish != LLM_FINISH_NONE;
                if (e.token == LLM_TOKEN_NONE) continue;
                float logprob;
                const llm_token_logprob *top;
                size_t n_top;
                llm_status had = llm_request_logprob(&logprob, &top, &n_top, request, e.index, e.n_tokens - 1);
                EXPECT_TRUE(had == LLM_OK || had == LLM_E_MEMORY);
            }
        }
        failing.arm(-1);
        if (request) {
            llm_result *r = nullptr;
            EXPECT_EQ(LLM_OK, llm_request_result(&r, request));
            for (int32_t i = 0; i < 2; i++) EXPECT_EQ(text_of(r, i), text[i]);
            bool failed = finish_of(r, 0) == LLM_FINISH_ERROR || finish_of(r, 1) == LLM_FINISH_ERROR;
            EXPECT_EQ(failed ? LLM_E_MEMORY : LLM_OK, llm_request_status(request));
            n_failed += failed;
            llm_result_unref(r);
        }
        llm_request_destroy(request);
        EXPECT_EQ(alive, failing.n_alive());
    }
    EXPECT_GT(n_failed, 0) << "some failures come while it runs";
}

TEST_F(Oom, ScoreAndEmbed) {
    open();
    llm_score_item items[] = {
        {{"Once upon", 9}, {" a time", 7}}, {{"Once upon", 9}, {" a dog", 6}}, {{"", 0}, {"The", 3}}};
    llm_generate_options o = generate_options();
    o.n_logprobs = 2;
    each_failure("llm_score", [&] {
        llm_result *r = nullptr;
        llm_status status = llm_score(&r, engine.get(), items, 3, &o);
        EXPECT_EQ(status == LLM_OK, r != nullptr);
        llm_result_unref(r);
        return status;
    });
    llm_span texts[] = {{"a dog", 5}, {"a cat ran", 9}};
    float rows[2 * 64];
    each_failure("llm_embed", [&] { return llm_embed(rows, engine.get(), texts, 2, LLM_POOL_MEAN, 1); });
}

TEST_F(Oom, Sequences) {
    open();
    std::vector<llm_token> ids = encode(tokenizer, "Once upon a time", 1);
    std::vector<float> logits(512), forked(512);
    each_failure("llm_sequence_*", [&] {
        llm_sequence *s = nullptr, *f = nullptr;
        llm_status status = llm_sequence_create(&s, engine.get());
        if (status == LLM_OK) status = llm_sequence_eval(s, ids.data(), ids.size(), logits.data(), 1);
        if (status == LLM_OK) status = llm_sequence_fork(&f, s);
        if (status == LLM_OK) status = llm_sequence_rewind(f, 2);
        if (status == LLM_OK) status = llm_sequence_eval(f, ids.data() + 2, ids.size() - 2, forked.data(), 1);
        if (status == LLM_OK) {
            EXPECT_EQ(forked, logits);
        }
        llm_sequence_destroy(s);
        llm_sequence_destroy(f);
        return status;
    });
}

TEST_F(Oom, Quantize) {
    Folder folder;
    std::string out = folder.path + "/out.gguf";
    for (const std::string &path : {stories_gguf, stories_hf})
        each_failure(
            "llm_quantize",
            [&] { return llm_quantize(runtime.get(), path.c_str(), out.c_str(), LLM_DTYPE_Q8_0, nullptr); },
            [&] {
                size_t n = 0;
                for (auto &entry : std::filesystem::directory_iterator(folder.path)) n += entry.exists();
                EXPECT_LE(n, 1u) << "a temporary file is left";
            });
}

const char *const shots = "{\"question\":\"Is ice hot?\",\"answer\":\"no\",\"rationale\":\"It is cold.\"}\n"
                          "{\"question\":\"Is fire hot?\",\"answer\":\"yes\",\"rationale\":\"It burns.\"}";

TEST_F(Oom, Templates) {
    open();
    const char *context =
        R"({"messages": [{"role": "user", "content": "a </s> b"}, {"role": "assistant", "content": "c"}]})";
    llm_template *kept = nullptr;
    each_failure("llm_template_parse and llm_template_render", [&] {
        llm_template *t = nullptr;
        llm_rendering *r = nullptr;
        llm_status status =
            llm_template_parse(&t, runtime.get(), "{% for m in messages %}{{ m | tojson }}{% endfor %}", LLM_NTS);
        if (status == LLM_OK) status = llm_template_render(&r, t, context, LLM_NTS, nullptr);
        EXPECT_EQ(status == LLM_OK, r != nullptr);
        llm_rendering_destroy(r);
        llm_template_unref(t);
        return status;
    });
    OK(llm_template_parse(&kept, runtime.get(),
                          "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}</s>{% endfor %}",
                          LLM_NTS));
    std::vector<llm_token> expected;
    each_failure("llm_chat_apply", [&] {
        llm_rendering *r = nullptr;
        const llm_token *ids = nullptr;
        size_t n = 0;
        llm_status status = llm_chat_apply(&r, model.get(), kept, context, LLM_NTS, nullptr);
        if (status == LLM_OK) {
            EXPECT_EQ(LLM_OK, llm_rendering_tokens(&ids, &n, r));
            if (expected.empty()) expected.assign(ids, ids + n);
            EXPECT_EQ(expected, std::vector<llm_token>(ids, ids + n));
        }
        llm_rendering_destroy(r);
        return status;
    });
    llm_template_unref(kept);
}

TEST_F(Oom, Grammars) {
    open();
    llm_span choices[] = {{"yes", 3}, {"no", 2}};
    auto make = [&](llm_grammar **g, int kind) {
        switch (kind) {
        case 0:
            return llm_grammar_from_gbnf(g, tokenizer, "root ::= [a-c]{1,3} \"x\"?", LLM_NTS);
        case 1:
            return llm_grammar_from_regex(g, tokenizer, "(ab|c)+d", LLM_NTS);
        case 2:
            return llm_grammar_from_choices(g, tokenizer, choices, 2);
        default:
            return llm_grammar_from_json_schema(
                g, tokenizer, R"({"type": "array", "items": {"enum": [1, "a"]}, "maxItems": 2})", LLM_NTS);
        }
    };
    for (int kind = 0; kind < 4; kind++) {
        std::string expected;
        each_failure("a grammar and a text that follows it", [&] {
            llm_grammar *g = nullptr;
            llm_result *r = nullptr;
            llm_generate_options o = generate_options(12);
            llm_status status = make(&g, kind);
            o.grammar = g;
            if (status == LLM_OK) status = llm_generate(&r, engine.get(), "Once", LLM_NTS, &o, nullptr, nullptr);
            if (status == LLM_OK) {
                if (expected.empty()) expected = text_of(r);
                EXPECT_EQ(expected, text_of(r));
            }
            llm_result_unref(r);
            llm_grammar_unref(g);
            return status;
        });
    }
}

TEST_F(Oom, Prompts) {
    open();
    llm_prompt_options o;
    llm_prompt_options_init(&o);
    o.instruction = "Answer.";
    o.variables = "{\"x\":1}";
    auto make = [&](llm_prompt **p) {
        llm_status status = llm_prompt_create(p, runtime.get(), &o);
        if (status == LLM_OK) status = llm_prompt_add_examples(*p, shots, LLM_NTS, LLM_EXAMPLES_AUTO);
        if (status == LLM_OK)
            status = llm_prompt_add_examples(*p, "question,answer\n\"a, b\",c\n", LLM_NTS, LLM_EXAMPLES_AUTO);
        return status;
    };
    for (const char *select : {"random", "balanced", "bm25", "knn", "mmr"})
        each_failure(select, [&] {
            llm_prompt *p = nullptr;
            llm_filled *f = nullptr;
            llm_fill_options fo;
            llm_fill_options_init(&fo);
            fo.select = select;
            fo.budget = 60;
            llm_status status = make(&p);
            if (status == LLM_OK)
                status = llm_prompt_fill(&f, p, engine.get(), "{\"question\":\"Is it?\"}", LLM_NTS, &fo);
            EXPECT_EQ(status == LLM_OK, f != nullptr);
            llm_filled_destroy(f);
            llm_prompt_unref(p);
            return status;
        });
    // One prompt, used again after each failure.
    llm_prompt *kept = nullptr;
    OK(make(&kept));
    std::string expected;
    each_failure("llm_prompt_fill", [&] {
        llm_filled *f = nullptr;
        llm_span text = {};
        llm_status status = llm_prompt_fill(&f, kept, nullptr, "{\"question\":\"Is it?\"}", LLM_NTS, nullptr);
        if (status == LLM_OK) {
            EXPECT_EQ(LLM_OK, llm_filled_json(&text, f));
            if (expected.empty()) expected = str(text);
            EXPECT_EQ(expected, str(text));
        }
        llm_filled_destroy(f);
        return status;
    });
    llm_prompt_unref(kept);
}

TEST_F(Oom, Ask) {
    open();
    engine = make_engine(model.get(), 128, 4);
    llm_prompt *p = nullptr;
    OK(llm_prompt_create(&p, runtime.get(), nullptr));
    OK(llm_prompt_add_examples(p, shots, LLM_NTS, LLM_EXAMPLES_AUTO));
    llm_generate_options g = generate_options(3);
    g.temperature = 1;
    for (const char *cot : {"none", "zero", "least_to_most", "tree"}) {
        llm_ask_options o;
        llm_ask_options_init(&o);
        o.cot = cot;
        o.extract = "regex:[a-z]+";
        o.n_samples = 2;
        o.answer_tokens = o.step_tokens = 2;
        o.n_thoughts = 2;
        o.depth = strcmp(cot, "tree") == 0 ? 2 : 1;
        o.judge = "verdict";
        each_failure(cot, [&] {
            llm_answer *a = nullptr;
            llm_status status = llm_ask(&a, engine.get(), p, "{\"question\":\"Is it?\"}", LLM_NTS, nullptr, &o, &g);
            EXPECT_EQ(status == LLM_OK, a != nullptr);
            llm_answer_destroy(a);
            return status;
        });
    }
    llm_prompt_unref(p);
}

} // namespace
