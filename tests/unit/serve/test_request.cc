// Requests as llm/engine.h promises them: events, stop strings, ends, results.
#include <atomic>
#include <thread>

#include "unit/api/api.h"

namespace {

struct Event {
    int32_t index, token, finish, n_tokens;
    std::string text;
};

Event copy(const llm_event &e) {
    return {e.index, e.token, e.finish, e.n_tokens, str(e.text)};
}

int32_t collect(void *user, const llm_event *e) {
    static_cast<std::vector<Event> *>(user)->push_back(copy(*e));
    return 0;
}

std::string joined(const std::vector<Event> &events, int32_t index = 0) {
    std::string text;
    for (const Event &e : events)
        if (e.index == index) text += e.text;
    return text;
}

/* One event for each token, in order, and one that ends each completion. */
void expect_order(const std::vector<Event> &events, const llm_result *r) {
    for (int32_t i = 0; i < llm_result_count(r); i++) {
        std::vector<llm_token> ids;
        int32_t n_ends = 0;
        for (const Event &e : events) {
            if (e.index != i) continue;
            EXPECT_EQ(0, n_ends) << "nothing comes after the end";
            if (e.token != LLM_TOKEN_NONE) ids.push_back(e.token);
            EXPECT_EQ(ids.size(), static_cast<size_t>(e.n_tokens));
            n_ends += e.finish != LLM_FINISH_NONE;
            if (e.finish) {
                EXPECT_EQ(finish_of(r, i), e.finish);
            }
        }
        EXPECT_EQ(1, n_ends);
        EXPECT_EQ(tokens_of(r, i), ids);
        EXPECT_EQ(text_of(r, i), joined(events, i));
    }
}

TEST_F(Stories, CallbackAndPollingTellTheSame) {
    std::vector<Event> called, polled;
    llm_generate_options o = generate_options(40);
    Result a = generate(o, collect, &called);
    expect_order(called, a.get());
    llm_request *request = nullptr;
    OK(llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    Request owner(request);
    for (int32_t n_active = 1; n_active;) {
        OK(llm_engine_step(&n_active, engine.get()));
        llm_event e;
        while (llm_request_next(&e, request) == 1) polled.push_back(copy(e));
    }
    EXPECT_EQ(1, llm_request_done(request));
    llm_result *r = nullptr;
    OK(llm_request_result(&r, request));
    Result b(r);
    expect_order(polled, r);
    EXPECT_EQ(text_of(a.get()), text_of(r));
    EXPECT_EQ(0u, text_of(r).find(story));
    ASSERT_EQ(called.size(), polled.size());
    for (size_t i = 0; i < called.size(); i++) EXPECT_EQ(called[i].text, polled[i].text);
}

TEST_F(Stories, LogProbabilitiesAreThereWithEachToken) {
    llm_generate_options o = generate_options(12);
    o.n_logprobs = 3;
    o.n = 2;
    o.temperature = 1;
    llm_request *request = nullptr;
    OK(llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    Request owner(request);
    float logprob = 0;
    const llm_token_logprob *top = nullptr;
    size_t n_top = 0;
    EXPECT_EQ(LLM_E_ARGUMENT, llm_request_logprob(&logprob, &top, &n_top, request, 0, 0)) << "no token yet";
    std::vector<float> found[2];
    std::vector<llm_token> best[2];
    for (int32_t n_active = 1; n_active;) {
        OK(llm_engine_step(&n_active, engine.get()));
        llm_event e;
        while (llm_request_next(&e, request) == 1) {
            if (e.token == LLM_TOKEN_NONE) continue;
            OK(llm_request_logprob(&logprob, &top, &n_top, request, e.index, e.n_tokens - 1));
            ASSERT_EQ(3u, n_top);
            found[e.index].push_back(logprob);
            for (size_t k = 0; k < n_top; k++) best[e.index].push_back(top[k].token);
        }
    }
    llm_result *r = nullptr;
    OK(llm_request_result(&r, request));
    Result result(r);
    for (int32_t i = 0; i < 2; i++) {
        const float *logprobs = nullptr;
        size_t n = 0, m = 0;
        OK(llm_result_logprobs(&logprobs, &n, r, i));
        EXPECT_EQ(std::vector<float>(logprobs, logprobs + n), found[i]);
        OK(llm_result_top(&top, &n, &m, r, i));
        for (size_t k = 0; k < n * m; k++) EXPECT_EQ(top[k].token, best[i][k]);
    }
    EXPECT_EQ(LLM_E_ARGUMENT, llm_request_logprob(&logprob, &top, &n_top, request, 2, 0));
    EXPECT_EQ(LLM_E_ARGUMENT, llm_request_logprob(&logprob, &top, &n_top, request, 0, 1000));
    EXPECT_EQ(LLM_E_ARGUMENT, llm_request_logprob(&logprob, &top, &n_top, request, 0, -1));
    o.n_logprobs = -1;
    llm_request *without = nullptr;
    OK(llm_request_submit(&without, engine.get(), prompt, LLM_NTS, &o));
    Request other(without);
    EXPECT_EQ(LLM_E_STATE, llm_request_logprob(&logprob, &top, &n_top, without, 0, 0));
}

TEST_F(Stories, EventsWaitUntilTheyAreTaken) {
    llm_generate_options o = generate_options(10);
    llm_request *request = nullptr;
    OK(llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    Request owner(request);
    llm_result *r = nullptr;
    llm_event e;
    EXPECT_EQ(0, llm_request_next(&e, request));
    EXPECT_EQ(0, llm_request_done(request));
    FAILS(LLM_E_STATE, "1 of 1 completions have not ended", llm_request_result(&r, request));
    for (int32_t n_active = 1; n_active;) OK(llm_engine_step(&n_active, engine.get()));
    std::vector<Event> events;
    while (llm_request_next(&e, request) == 1) events.push_back(copy(e));
    EXPECT_EQ(0, llm_request_next(&e, request));
    EXPECT_EQ(11u, events.size());
    OK(llm_request_result(&r, request));
    Result result(r);
    expect_order(events, r);
    llm_result *again = nullptr;
    OK(llm_request_result(&again, request));
    EXPECT_EQ(r, again);
    llm_result_unref(again);
}

/* ---- ends ---- */

/* Every part of the story as a stop string: the text ends before its first place. */
TEST_F(Stories, StopStringsAreNeverEmittedAlsoWhenTheyStraddleTokens) {
    std::string whole = text_of(generate(generate_options(30)).get());
    for (size_t begin = 0; begin < 24; begin++) {
        for (size_t n : {1, 2, 5, 11}) {
            std::string stop = whole.substr(begin, n);
            llm_span spans[] = {{"never", 5}, span(stop)};
            llm_generate_options o = generate_options(30);
            o.stop_strings = spans;
            o.n_stop_strings = 2;
            std::vector<Event> events;
            Result r = generate(o, collect, &events);
            EXPECT_EQ(whole.substr(0, whole.find(stop)), text_of(r.get())) << stop;
            EXPECT_EQ(LLM_FINISH_STOP, finish_of(r.get()));
            expect_order(events, r.get());
        }
    }
}

TEST_F(Stories, HeldBackTextComesWhenItCannotBecomeAStopString) {
    std::string whole = text_of(generate(generate_options(30)).get());
    std::string stop = whole.substr(2, 18) + "#"; /* begins like the story, and never ends */
    llm_span span_of = span(stop);
    llm_generate_options o = generate_options(30);
    o.stop_strings = &span_of;
    o.n_stop_strings = 1;
    std::vector<Event> events;
    Result r = generate(o, collect, &events);
    EXPECT_EQ(whole, text_of(r.get()));
    EXPECT_EQ(whole, joined(events));
    EXPECT_EQ(LLM_FINISH_LENGTH, finish_of(r.get()));
    std::string at_end = whole.substr(whole.size() - 3) + "#"; /* the last tokens may still become it */
    span_of = span(at_end);
    events.clear();
    r = generate(o, collect, &events);
    EXPECT_EQ(whole, joined(events));
    EXPECT_FALSE(events.back().text.empty());
}

TEST_F(Stories, StopTokensAndEosAreNoPartOfTheCompletion) {
    std::vector<llm_token> ids = tokens_of(generate(generate_options(10)).get());
    llm_generate_options o = generate_options(10);
    o.stop_tokens = &ids[4];
    o.n_stop_tokens = 1;
    Result r = generate(o);
    EXPECT_EQ(std::vector<llm_token>(ids.begin(), ids.begin() + 4), tokens_of(r.get()));
    EXPECT_EQ(LLM_FINISH_STOP, finish_of(r.get()));
    llm_logit_bias eos = {2, 1000};
    o = generate_options(10);
    o.logit_bias = &eos;
    o.n_logit_bias = 1;
    r = generate(o);
    EXPECT_EQ(0u, tokens_of(r.get()).size());
    EXPECT_EQ(LLM_FINISH_EOS, finish_of(r.get()));
    o.ignore_eos = 1;
    r = generate(o);
    EXPECT_EQ(std::vector<llm_token>(10, 2), tokens_of(r.get()));
    EXPECT_EQ(LLM_FINISH_LENGTH, finish_of(r.get()));
    EXPECT_EQ("", text_of(r.get())) << "special tokens have no text";
}

TEST_F(Stories, MarksReadAsCharactersAreWarnedOfAndBosComesOnce) {
    llm_generate_options o = generate_options(1);
    auto run = [&](const char *text) {
        llm_result *result = nullptr;
        EXPECT_EQ(LLM_OK, llm_generate(&result, engine.get(), text, LLM_NTS, &o, nullptr, nullptr));
        return Result(result);
    };
    auto prompt_tokens = [](const Result &r) {
        llm_result_stats stats = {};
        stats.struct_size = sizeof stats;
        EXPECT_EQ(LLM_OK, llm_result_get_stats(&stats, r.get()));
        return stats.n_prompt_tokens;
    };
    auto warning = [](const Result &r) {
        llm_span text = {};
        EXPECT_EQ(LLM_OK, llm_result_warning(&text, r.get()));
        return str(text);
    };
    Result plain = run("Once"), marked = run("<s>Once</s>");
    EXPECT_EQ("", warning(plain));
    EXPECT_NE(std::string::npos, warning(marked).find("\"<s>\", which is read as characters")) << warning(marked);
    EXPECT_NE(std::string::npos, warning(marked).find("parse_special"));
    o.parse_special = 1;
    Result again = run("<s>Once");
    EXPECT_EQ("", warning(again));
    EXPECT_EQ(prompt_tokens(plain), prompt_tokens(again));
}

TEST_F(Stories, LengthAndContextAreEnds) {
    Result r = generate(generate_options(0));
    EXPECT_EQ(0u, tokens_of(r.get()).size());
    EXPECT_EQ(LLM_FINISH_LENGTH, finish_of(r.get()));
    Engine small = make_engine(model.get(), 16);
    llm_generate_options o = generate_options(-1);
    llm_result *result = nullptr;
    OK(llm_generate(&result, small.get(), prompt, LLM_NTS, &o, nullptr, nullptr));
    EXPECT_EQ(LLM_FINISH_CONTEXT, finish_of(result));
    EXPECT_EQ(11u, tokens_of(result).size());
    llm_result_unref(result);
    std::string longer(400, 'x');
    llm_request *request = nullptr;
    for (int32_t n : {0, 1, 100000}) { // what fills the context does not cut the prompt
        o.max_tokens = n;
        FAILS(LLM_E_LIMIT, "the context holds 16 (engine option n_ctx; the model was trained for 512)",
              llm_generate(&result, small.get(), longer.data(), longer.size(), &o, nullptr, nullptr));
        FAILS(LLM_E_LIMIT, "n_ctx", llm_request_submit(&request, small.get(), longer.data(), longer.size(), &o));
        EXPECT_EQ(nullptr, result);
        EXPECT_EQ(nullptr, request);
    }
    OK(llm_generate(&result, small.get(), prompt, LLM_NTS, &o, nullptr, nullptr));
    llm_result_stats stats = {};
    stats.struct_size = sizeof stats;
    OK(llm_result_get_stats(&stats, result));
    EXPECT_EQ(5, stats.n_prompt_tokens);
    llm_result_unref(result);
}

// Sequences hold the cache, so that a prompt which would fit has no room now.
TEST_F(Stories, WithoutRoomInTheCacheARequestFails) {
    llm_engine_options eo;
    llm_engine_options_init(&eo);
    eo.n_ctx = eo.n_kv_tokens = 32;
    llm_engine *e = nullptr;
    OK(llm_engine_create(&e, model.get(), &eo));
    Engine small(e);
    llm_sequence *sequence = nullptr;
    std::vector<llm_token> ids(30, 400);
    OK(llm_sequence_create(&sequence, e));
    OK(llm_sequence_eval(sequence, ids.data(), ids.size(), nullptr, 0));
    llm_generate_options o = generate_options(3);
    llm_result *result = nullptr;
    FAILS(LLM_E_LIMIT, "no room for 5 tokens", llm_generate(&result, e, prompt, LLM_NTS, &o, nullptr, nullptr));
    llm_sequence_destroy(sequence);
    OK(llm_generate(&result, e, prompt, LLM_NTS, &o, nullptr, nullptr));
    EXPECT_EQ(3u, tokens_of(result).size());
    llm_result_unref(result);
}

TEST_F(Stories, ThePositiveAnswerOfACallbackCancelsTheNegativeFails) {
    struct State {
        int left, answer, calls;
    };
    llm_event_fn stop = [](void *user, const llm_event *) {
        auto *s = static_cast<State *>(user);
        s->calls++;
        return s->left-- > 0 ? 0 : s->answer;
    };
    State s = {3, 1, 0};
    Result r = generate(generate_options(50), stop, &s);
    EXPECT_EQ(LLM_FINISH_CANCELLED, finish_of(r.get()));
    EXPECT_EQ(4u, tokens_of(r.get()).size());
    EXPECT_EQ(5, s.calls) << "the end is told";
    s = {3, -7, 0};
    llm_generate_options o = generate_options(50);
    llm_result *none = nullptr;
    FAILS(LLM_E_CALLBACK, "negative", llm_generate(&none, engine.get(), prompt, LLM_NTS, &o, stop, &s));
    EXPECT_EQ(nullptr, none);
    EXPECT_EQ(4, s.calls) << "it is not called again";
    EXPECT_EQ(0u, text_of(generate(generate_options(40)).get()).find(story)) << "the engine is as before";
}

TEST_F(Stories, ACallbackMayNotStep) {
    struct State {
        llm_engine *engine;
        llm_status status;
    } s = {engine.get(), LLM_OK};
    generate(
        generate_options(2),
        [](void *user, const llm_event *) {
            auto *state = static_cast<State *>(user);
            state->status = llm_engine_step(nullptr, state->engine);
            return 0;
        },
        &s);
    EXPECT_EQ(LLM_E_BUSY, s.status);
}

/* ---- several completions, log-probabilities, stats ---- */

TEST_F(Stories, CompletionsDifferAndDependOnTheSeedAlone) {
    llm_generate_options o = generate_options(20);
    o.n = 4;
    o.temperature = 1;
    o.seed = 11;
    std::vector<Event> events;
    Result a = generate(o, collect, &events), b = generate(o);
    ASSERT_EQ(4, llm_result_count(a.get()));
    expect_order(events, a.get());
    for (int32_t i = 0; i < 4; i++) EXPECT_EQ(tokens_of(a.get(), i), tokens_of(b.get(), i));
    EXPECT_NE(tokens_of(a.get(), 0), tokens_of(a.get(), 1));
}

TEST_F(Stories, LogprobsComeWithAlternatives) {
    llm_generate_options o = generate_options(6);
    o.n_logprobs = 3;
    Result r = generate(o);
    std::vector<llm_token> ids = tokens_of(r.get());
    std::vector<float> values = logprobs_of(r.get());
    const llm_token_logprob *top = nullptr;
    size_t n = 0, n_top = 0;
    OK(llm_result_top(&top, &n, &n_top, r.get(), 0));
    ASSERT_EQ(6u, values.size());
    ASSERT_EQ(6u, n);
    ASSERT_EQ(3u, n_top);
    for (size_t i = 0; i < n; i++) {
        EXPECT_EQ(ids[i], top[3 * i].token);
        EXPECT_EQ(values[i], top[3 * i].logprob);
        EXPECT_GE(top[3 * i].logprob, top[3 * i + 1].logprob);
    }
    o.n_logprobs = -1;
    r = generate(o);
    EXPECT_EQ(0u, logprobs_of(r.get()).size());
    OK(llm_result_top(&top, &n, &n_top, r.get(), 0));
    EXPECT_EQ(nullptr, top);
    EXPECT_EQ(0u, n + n_top);
}

TEST_F(Stories, StatsCountTokens) {
    llm_result_stats stats = {};
    stats.struct_size = sizeof stats;
    Result r = generate(generate_options(12));
    OK(llm_result_get_stats(&stats, r.get()));
    EXPECT_EQ(5, stats.n_prompt_tokens);
    EXPECT_EQ(0, stats.n_cached_tokens);
    EXPECT_EQ(12, stats.n_tokens);
    EXPECT_GE(stats.queue_ms, 0);
    EXPECT_GT(stats.prompt_ms, 0);
    EXPECT_GT(stats.decode_ms, 0);
    EXPECT_EQ(text_of(r.get()), text_of(generate(generate_options(12)).get())) << "warm cache, same text";
}

/* ---- life ---- */

TEST_F(Stories, AResultOutlivesRequestAndEngine) {
    Result r = generate(generate_options(40));
    engine.reset();
    model.reset();
    EXPECT_EQ(0u, text_of(r.get()).find(story));
}

TEST_F(Stories, DestroyingTheEngineEndsItsRequests) {
    llm_generate_options o = generate_options(100);
    llm_request *request = nullptr;
    OK(llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    Request owner(request);
    OK(llm_engine_step(nullptr, engine.get()));
    OK(llm_engine_step(nullptr, engine.get()));
    engine.reset();
    EXPECT_EQ(1, llm_request_done(request));
    llm_result *r = nullptr;
    OK(llm_request_result(&r, request));
    EXPECT_EQ(LLM_FINISH_CANCELLED, finish_of(r));
    llm_result_unref(r);
    llm_event e;
    int32_t last = LLM_FINISH_NONE;
    while (llm_request_next(&e, request) == 1) last = e.finish;
    EXPECT_EQ(LLM_FINISH_CANCELLED, last);
}

TEST_F(Stories, ARequestMayGoWhileItRuns) {
    llm_generate_options o = generate_options(100);
    llm_request *request = nullptr;
    OK(llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    OK(llm_engine_step(nullptr, engine.get()));
    llm_request_destroy(request);
    int32_t n_active = -1;
    OK(llm_engine_step(&n_active, engine.get()));
    EXPECT_EQ(0, n_active);
    EXPECT_EQ(0u, text_of(generate(generate_options(40)).get()).find(story));
}

TEST_F(Stories, AnotherThreadSubmitsPollsAndCancels) {
    std::atomic<bool> stop{false};
    std::thread stepper([&] {
        while (!stop) llm_engine_step(nullptr, engine.get());
    });
    std::string text;
    llm_generate_options o = generate_options(30);
    llm_request *request = nullptr;
    ASSERT_EQ(LLM_OK, llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    for (bool ended = false; !ended;) {
        llm_event e;
        while (llm_request_next(&e, request) == 1) {
            text += str(e.text);
            ended = e.finish != LLM_FINISH_NONE;
        }
    }
    llm_result *r = nullptr;
    EXPECT_EQ(LLM_OK, llm_request_result(&r, request));
    EXPECT_EQ(text, text_of(r));
    llm_result_unref(r);
    llm_request_destroy(request);
    o.max_tokens = -1;
    ASSERT_EQ(LLM_OK, llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    llm_request_cancel(request);
    while (!llm_request_done(request)) std::this_thread::yield();
    llm_request_destroy(request);
    stop = true;
    stepper.join();
}

/* ---- what is refused ---- */

TEST_F(Stories, OptionsOutsideTheirRangeAreRefusedWithNameAndRange) {
    struct {
        const char *words;
        void (*edit)(llm_generate_options &);
    } rows[] = {
        {"temperature is -1", [](llm_generate_options &o) { o.temperature = -1; }},
        {"temperature is nan", [](llm_generate_options &o) { o.temperature = __builtin_nanf(""); }},
        {"top_p is 1.5, expected above 0 and at most 1", [](llm_generate_options &o) { o.top_p = 1.5f; }},
        {"top_p is 0,", [](llm_generate_options &o) { o.top_p = 0; }},
        {"min_p is 2, expected 0..1", [](llm_generate_options &o) { o.min_p = 2; }},
        {"top_k is -1", [](llm_generate_options &o) { o.top_k = -1; }},
        {"repetition_penalty is 0", [](llm_generate_options &o) { o.repetition_penalty = 0; }},
        {"presence_penalty is inf", [](llm_generate_options &o) { o.presence_penalty = __builtin_inff(); }},
        {"penalty_window is -2", [](llm_generate_options &o) { o.penalty_window = -2; }},
        {"max_tokens is -2", [](llm_generate_options &o) { o.max_tokens = -2; }},
        {"n is 0", [](llm_generate_options &o) { o.n = 0; }},
        {"n is 9 completions, expected 1..8", [](llm_generate_options &o) { o.n = 9; }},
        {"n_logprobs is 513, expected at most 512", [](llm_generate_options &o) { o.n_logprobs = 513; }},
        {"ignore_eos is 2, expected 1 or 0", [](llm_generate_options &o) { o.ignore_eos = 2; }},
        {"a list is NULL", [](llm_generate_options &o) { o.n_stop_tokens = 1; }},
        {"a list is NULL", [](llm_generate_options &o) { o.n_logit_bias = 1; }},
        {"a list is NULL", [](llm_generate_options &o) { o.n_stop_strings = 1; }},
        {"struct_size is 0", [](llm_generate_options &o) { o.struct_size = 0; }},
    };
    for (auto &row : rows) {
        llm_generate_options o = generate_options();
        row.edit(o);
        llm_request *request = nullptr;
        FAILS(LLM_E_ARGUMENT, row.words, llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
        EXPECT_EQ(nullptr, request);
        FAILS(LLM_E_ARGUMENT, row.words, llm_generate(nullptr, engine.get(), prompt, LLM_NTS, &o, nullptr, nullptr));
    }
}

TEST_F(Stories, ListsWithBadElementsAreRefused) {
    llm_generate_options o = generate_options();
    llm_span empty = {"", 0};
    llm_token beyond = 512;
    llm_logit_bias bias = {-1, 1};
    llm_request *request = nullptr;
    o.stop_strings = &empty;
    o.n_stop_strings = 1;
    FAILS(LLM_E_ARGUMENT, "stop string 0 is empty", llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    o = generate_options();
    o.stop_tokens = &beyond;
    o.n_stop_tokens = 1;
    FAILS(LLM_E_ARGUMENT, "stop token 0 is 512", llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    o = generate_options();
    o.logit_bias = &bias;
    o.n_logit_bias = 1;
    FAILS(LLM_E_ARGUMENT, "-1", llm_request_submit(&request, engine.get(), prompt, LLM_NTS, &o));
    FAILS(LLM_E_ARGUMENT, "512", llm_request_submit_tokens(&request, engine.get(), &beyond, 1, nullptr));
    FAILS(LLM_E_ARGUMENT, "", llm_request_submit_tokens(&request, engine.get(), nullptr, 0, nullptr));
}

TEST_F(Stories, EngineOptionsAreBounded) {
    struct {
        const char *words;
        void (*edit)(llm_engine_options &);
    } rows[] = {
        {"n_ctx is -1", [](llm_engine_options &o) { o.n_ctx = -1; }},
        {"n_ctx is 16777217, expected 1..16777216, or 0", [](llm_engine_options &o) { o.n_ctx = 16777217; }},
        {"n_seqs is 0", [](llm_engine_options &o) { o.n_seqs = 0; }},
        {"n_batch is 65537", [](llm_engine_options &o) { o.n_batch = 65537; }},
        {"kv_dtype is 2, expected auto, F32 or F16", [](llm_engine_options &o) { o.kv_dtype = LLM_DTYPE_Q4_0; }},
        {"n_threads is 1025", [](llm_engine_options &o) { o.n_threads = 1025; }},
        {"n_kv_tokens is -1", [](llm_engine_options &o) { o.n_kv_tokens = -1; }},
    };
    for (auto &row : rows) {
        llm_engine_options o;
        llm_engine_options_init(&o);
        row.edit(o);
        llm_engine *e = nullptr;
        FAILS(LLM_E_ARGUMENT, row.words, llm_engine_create(&e, model.get(), &o));
        llm_engine_memory memory = {};
        memory.struct_size = sizeof memory;
        FAILS(LLM_E_ARGUMENT, row.words, llm_engine_estimate(&memory, model.get(), &o));
    }
}

TEST_F(Stories, TheEstimateAddsUp) {
    llm_engine_memory memory = {};
    memory.struct_size = sizeof memory;
    OK(llm_engine_estimate(&memory, model.get(), nullptr));
    EXPECT_EQ(512, memory.n_ctx);
    EXPECT_EQ(1024, memory.n_kv_tokens);
    EXPECT_GT(memory.kv_bytes, 0);
    EXPECT_EQ(memory.total_bytes, memory.kv_bytes + memory.workspace_bytes + memory.weight_bytes);
}

} // namespace
