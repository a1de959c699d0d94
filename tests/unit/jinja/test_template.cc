/* Jinja templates against Jinja2 itself, and what no template may do. */
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "shared_data.h"

extern "C" {
#include "base/alloc.h"
#include "base/json.h"
#include "base/status.h"
#include "jinja/jinja.h"
}

namespace {

/* 2026-01-15 12:00:00, the clock of the shared cases. */
constexpr int64_t NOON = 1768478400;

/* Failures of a table that are shown. */
const size_t SHOWN = getenv("LLM_TEST_ALL") ? SIZE_MAX : 20;

std::string slurp(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Json {
    llmi_json_doc doc;
    const llmi_json *j = nullptr;
    explicit Json(const std::string &text) {
        llmi_json_doc_init(&doc, &llmi_default_allocator, 0);
        if (llmi_json_parse(&j, &doc, {text.data(), text.size()}, "test", LLMI_JSON_PYTHON) != LLM_OK)
            ADD_FAILURE() << llm_last_error();
    }
    Json(const Json &) = delete;
    ~Json() { llmi_json_doc_free(&doc); }
    const llmi_json *operator[](const char *key) const { return llmi_json_get(j, key); }
};

std::string text_of(const llmi_json *j) {
    llm_span text = llmi_json_text(j);
    return text.ptr ? std::string(text.ptr, text.len) : "";
}

bool is_true(const llmi_json *j) {
    return llmi_json_is(j, LLMI_JSON_TRUE);
}

struct Outcome {
    llm_status status;
    std::string text, error;
    std::vector<llmi_jinja_piece> pieces;
};

struct Template {
    llmi_jinja_template *t = nullptr;
    llm_status status;
    std::string error;

    explicit Template(const std::string &source, const llm_allocator *a = &llmi_default_allocator,
                      const char *what = nullptr) {
        llmi_error_clear();
        status = llmi_jinja_parse(&t, a, source.data(), source.size(), what);
        if (status != LLM_OK) error = llm_last_error();
    }
    Template(const Template &) = delete;
    ~Template() { llmi_jinja_template_unref(t); }

    Outcome render(const llmi_json *context, const llmi_jinja_limits *limits = nullptr,
                   const llm_allocator *a = &llmi_default_allocator) const {
        if (!t) return {status, "", error, {}};
        llmi_buf out, pieces;
        llmi_buf_init(&out, a);
        llmi_buf_init(&pieces, a);
        llmi_jinja_rendering how = {};
        how.context = context;
        how.now = NOON;
        how.has_now = true;
        how.limits = limits;
        llmi_error_clear();
        Outcome o = {llmi_jinja_render(&out, &pieces, t, &how), "", "", {}};
        if (o.status != LLM_OK) o.error = llm_last_error();
        o.text.assign(out.data ? out.data : "", out.len);
        for (size_t i = 0; i < llmi_buf_count(&pieces, llmi_jinja_piece); i++)
            o.pieces.push_back(llmi_buf_at(&pieces, llmi_jinja_piece, i));
        llmi_buf_free(&out);
        llmi_buf_free(&pieces);
        return o;
    }
};

Outcome render(const std::string &source, const std::string &context = "{}",
               const llmi_jinja_limits *limits = nullptr) {
    Json j(context);
    return Template(source).render(j.j, limits);
}

TEST(Template, RendersAsJinja2) {
    Json file(slurp(LLM_SOURCE_DIR "/tests/unit/jinja/template_cases.json"));
    const llmi_json *cases = file["cases"];
    size_t i = 0;
    for (; i < llmi_json_count(cases); i++) {
        const llmi_json *one = llmi_json_item(cases, i);
        std::string source = text_of(llmi_json_get(one, "template"));
        const llmi_json *expected = llmi_json_get(one, "expected");
        Outcome o = Template(source).render(file["context"]);
        if (expected) {
            EXPECT_EQ(o.status, LLM_OK) << source << "\n" << o.error;
            EXPECT_EQ(o.text, text_of(expected)) << source;
        } else {
            EXPECT_NE(o.status, LLM_OK) << source << " should fail with " << text_of(llmi_json_get(one, "error"));
            EXPECT_NE(o.error, "") << source;
        }
    }
    EXPECT_EQ(i, 428u);
}

/* Whole chat templates over conversations, by transformers itself. */
TEST(Template, RendersChatsAsTransformersDoes) {
    Json file(slurp(LLM_SOURCE_DIR "/tests/unit/jinja/chat_cases.json"));
    const llmi_json *cases = file["cases"];
    size_t n_refused = 0;
    for (size_t i = 0; i < llmi_json_count(cases); i++) {
        const llmi_json *one = llmi_json_item(cases, i), *expected = llmi_json_get(one, "expected");
        std::string name = text_of(llmi_json_get(one, "template"));
        SCOPED_TRACE(name + ": " + text_of(llmi_json_get(one, "name")));
        Outcome o =
            Template(text_of(llmi_json_get(file["templates"], name.c_str()))).render(llmi_json_get(one, "context"));
        if (expected) {
            EXPECT_EQ(o.status, LLM_OK) << o.error;
            EXPECT_EQ(o.text, text_of(expected));
        } else {
            EXPECT_NE(o.status, LLM_OK);
            n_refused++;
        }
        std::string error = text_of(llmi_json_get(one, "error"));
        if (error.find("must alternate") != std::string::npos) {
            EXPECT_NE(o.error.find(error), std::string::npos) << o.error;
        }
    }
    EXPECT_EQ(llmi_json_count(cases), 50u);
    EXPECT_EQ(n_refused, 4u);
}

/* Each filter, test, method and function of Jinja2 over many shapes of arguments. */
TEST(Template, EveryBuiltInDoesAsJinja2) {
    Json file(slurp(LLM_SOURCE_DIR "/tests/unit/jinja/template_sweep.json"));
    size_t n = 0, n_wrong = 0;
    for (size_t t = 0; t < llmi_json_count(file.j); t++) {
        const llmi_json *table = &file.j->members[t].value, *receivers = llmi_json_get(table, "receivers");
        const llmi_json *rows = llmi_json_get(table, "rows");
        for (size_t i = 0; i < llmi_json_count(rows); i++) {
            const llmi_json *row = llmi_json_item(rows, i);
            for (size_t k = 0; k < llmi_json_count(receivers); k++, n++) {
                std::string receiver = text_of(llmi_json_item(receivers, k)), call = text_of(llmi_json_item(row, 0));
                call = receiver.empty() ? "{{ " + call + " }}" : "{% set v = " + receiver + " %}{{ v" + call + " }}";
                const llmi_json *expected = llmi_json_item(row, k + 1); /* null or beyond the end: an error */
                bool fails = !llmi_json_is(expected, LLMI_JSON_STRING);
                Outcome o = render(call);
                bool right =
                    fails ? o.status != LLM_OK && o.error != "" : o.status == LLM_OK && o.text == text_of(expected);
                if (right || n_wrong++ > SHOWN) continue;
                ADD_FAILURE() << call << "\n  got:      " << o.text << o.error
                              << "\n  expected: " << (fails ? "an error" : text_of(expected));
            }
        }
    }
    EXPECT_EQ(n_wrong, 0u) << "of " << n;
    EXPECT_GT(n, 100000u);
}

TEST(Template, RendersEveryChatTemplateOfTheSharedCases) {
    std::string folder = LLM_SHARED_DATA "/templates/";
    NEEDS_SHARED(folder, "Template.RendersChatsAsTransformersDoes");
    int n_text = 0, n_agreed = 0, n_refused = 0, n_failed = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder + "cases")) {
        std::ifstream lines(entry.path());
        for (std::string line; std::getline(lines, line);) {
            Json one(line);
            std::string where = text_of(one["template"]) + ", " + text_of(one["case"]);
            Outcome o = Template(slurp(folder + text_of(one["template"]))).render(one["context"]);
            if (one["expected"]) {
                ASSERT_EQ(o.status, LLM_OK) << where << ": " << o.error;
                ASSERT_EQ(o.text, text_of(one["expected"])) << where;
                n_text++;
                n_agreed += is_true(one["second_implementation_agrees"]);
            } else if (is_true(one["strict"])) {
                ASSERT_EQ(o.status, LLM_E_ARGUMENT) << where;
                ASSERT_NE(o.error.find(text_of(one["expected_error"])), std::string::npos) << where << ": " << o.error;
                n_refused++;
            } else {
                ASSERT_NE(o.status, LLM_OK) << where;
                n_failed++;
            }
        }
    }
    EXPECT_EQ(n_text, 1207);
    EXPECT_EQ(n_agreed, 1066);
    EXPECT_EQ(n_refused, 156);
    EXPECT_EQ(n_failed, 155);
}

TEST(Template, ErrorsNameLineAndColumn) {
    EXPECT_EQ(Template("a\nb {{ 1 + }}").error.substr(0, 19), "line 2, column 10: ");
    EXPECT_EQ(Template("é {% nosuch %}").error.substr(0, 18), "line 1, column 6: ");
    EXPECT_EQ(render("x\n\n  {{ y.z }}").error, "line 3, column 8: 'y' is undefined");
    EXPECT_EQ(render("{{ raise_exception('no ' ~ 1) }}").error, "line 1, column 19: no 1");
    EXPECT_EQ(render("{{ raise_exception('no') }}").status, LLM_E_ARGUMENT);
    EXPECT_EQ(Template("{{ }}", &llmi_default_allocator, "chat template").error.substr(0, 32),
              "chat template, line 1, column 4:");
}

TEST(Template, AnEscapeBeyondUnicodeStandsForItself) {
    EXPECT_EQ(render(R"({{ '\U0001F600\Ue5555555\UFFFFFFFF\ud800' }})").text,
              "\xF0\x9F\x98\x80\\Ue5555555\\UFFFFFFFF\\ud800");
}

TEST(Template, EveryBudgetEndsInAnError) {
    llmi_jinja_limits few = llmi_jinja_limits_of(&llmi_template_defaults);
    few.max_steps = 1000;
    EXPECT_EQ(render("{% for i in range(99999) %}x{% endfor %}", "{}", &few).status, LLM_E_LIMIT);
    llmi_jinja_limits small = llmi_jinja_limits_of(&llmi_template_defaults);
    small.max_output_bytes = 100;
    EXPECT_EQ(render("{% for i in range(101) %}x{% endfor %}", "{}", &small).status, LLM_E_LIMIT);
    EXPECT_EQ(render("{% for i in range(100) %}x{% endfor %}", "{}", &small).status, LLM_OK);
    small = llmi_jinja_limits_of(&llmi_template_defaults);
    small.max_memory_bytes = 100000;
    EXPECT_EQ(render("{% set ns = namespace(x='ab') %}{% for i in range(40) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
                     "{}", &small)
                  .status,
              LLM_E_LIMIT);
    const char *bombs[] = {
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set ns = namespace(x='ab') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
        "{{ 'x' * 999999999999 }}",
        "{{ [0] * 999999999999 }}",
        "{{ 'x'.center(99999999999) }}",
        "{{ 'x'.zfill(99999999999) }}",
        "{{ 'a\nb' | indent(99999999999) }}",
        "{{ range(10 ** 12) }}",
        "{{ 'x' | center(9999999999) }}",
        "{{ 9 ** 9 ** 9 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ (range(99999) | list | string) * 99 }}",
        "{{ '%99999999s' % 'x' * 9999 }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}",
        "{% set ns = namespace(l=[]) %}{% for i in range(999) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l == ns.l }}",
    };
    for (const char *bomb : bombs) {
        Outcome o = render(bomb);
        EXPECT_EQ(o.status, LLM_E_LIMIT) << bomb << ": " << o.error;
    }
}

/* The steps that a rendering takes: the least budget with which it does not fail for want of steps. */
int64_t steps_of(const std::string &source, const llmi_json *context) {
    Template t(source);
    int64_t low = 0, high = 1 << 30;
    while (low + 1 < high) {
        llmi_jinja_limits limits = llmi_jinja_limits_of(&llmi_template_defaults);
        limits.max_steps = low + (high - low) / 2;
        limits.max_output_bytes = limits.max_memory_bytes = SIZE_MAX / 4;
        (t.render(context, &limits).status == LLM_E_LIMIT ? low : high) = limits.max_steps;
    }
    return high;
}

TEST(Template, WorkIsPaidForByTheByte) {
    const char *calls[] = {"{{ s | length }}",
                           "{{ s == t }}",
                           "{{ s.startswith(t) }}",
                           "{{ s.rfind('ab' * 9) }}",
                           "{{ 'z' in s }}",
                           "{{ s.rsplit('ab', 1) | length }}",
                           "{{ s.strip('a') | length }}",
                           "{{ s.strip('\u00e9a') | length }}",
                           "{{ s | truncate(9) }}",
                           "{{ s.replace('z', 'y') | length }}",
                           "{{ s.rpartition('zz') | length }}",
                           "{{ s.count('aa') }}",
                           "{{ s | wordcount }}",
                           "{{ s | upper | length }}",
                           "{{ s | tojson | length }}",
                           "{{ s < t }}",
                           "{{ {s: 1}[t] }}"};
    for (const char *call : calls) {
        int64_t taken[2];
        for (int i = 0; i < 2; i++) {
            std::string text(20000 << (3 * i), 'a');
            Json context("{\"s\": \"" + text + "\", \"t\": \"" + text + "\"}");
            taken[i] = steps_of(call, context.j);
        }
        int64_t more = taken[1] - taken[0], bytes = 20000 * 7;
        EXPECT_GE(more, bytes / 70) << call; /* 64 bytes a step, at most */
        EXPECT_LE(more, bytes * 3) << call;  /* linear: eight times the text is not 64 times the steps */
    }
}

/* Counts what an allocator has handed out at most. */
struct Peak {
    llm_allocator a;
    size_t held = 0, most = 0;
    Peak() {
        a = {this,
             [](void *user, size_t n, size_t alignment) -> void * {
                 auto *p = static_cast<Peak *>(user);
                 p->held += n;
                 p->most = std::max(p->most, p->held);
                 return llmi_default_allocator.alloc(nullptr, n, alignment);
             },
             [](void *user, void *p, size_t n) {
                 static_cast<Peak *>(user)->held -= n;
                 llmi_default_allocator.free(nullptr, p, n);
             }};
    }
};

TEST(Template, MemoryStaysWithinItsBudget) {
    const char *fat[] = {
        "{{ range(100000) | list | tojson(indent=100) }}",
        "{{ 'x' * 15000000 ~ 'y' }}",
        "{{ {'a': [1]} | tojson(indent=1000000000) }}",
        "{{ ('%1000000000d' % 5) | length }}",
        "{{ '{:1000000000}'.format(5) | length }}",
        "{{ 'x'.center(1000000000) }}",
        "{{ 'a\nb' | indent(1000000000) }}",
        "{{ [0] * 900000000 }}",
        "{% for c in s %}{{ c }}-{% endfor %}",
        "{{ s | map('string') | join('-') }}{{ s.replace('', '-') }}",
        "{% set ns = namespace(x=s) %}{% for i in range(30) %}{% set ns.x = ns.x ~ '-' ~ ns.x %}{% endfor %}",
        "{{ s | wordwrap(1) }}",
        "{{ ('[' * 100000) | from_json }}",
    };
    Json context("{\"s\": \"" + std::string(200000, 'x') + "\"}");
    for (const char *source : fat) {
        Peak peak;
        llmi_jinja_limits limits = llmi_jinja_limits_of(&llmi_template_defaults);
        limits.max_memory_bytes = 4 << 20;
        limits.max_output_bytes = 1 << 20;
        Template t(source, &peak.a);
        peak.most = peak.held;
        t.render(context.j, &limits, &peak.a);
        EXPECT_LE(peak.most, (4u << 20) + 6 * (1u << 20)) << source; /* the output is beside it, and is copied */
    }
}

TEST(Template, DeepNestingIsRefusedNotRecursedInto) {
    for (const char *open : {"(", "[", "{{ {'a':", "-", "not ", "{% if x %}", "{% for x in y %}", "x["}) {
        std::string source = open[0] == '{' ? "" : "{{ ";
        for (int i = 0; i < 100000; i++) source += open;
        EXPECT_NE(Template(source).status, LLM_OK) << open;
    }
    std::string chain = "{{ 1";
    for (int i = 0; i < 20000; i++) chain += " + 1";
    EXPECT_EQ(render(chain + " }}").text, "20001");
    std::string path = "{{ a";
    for (int i = 0; i < 20000; i++) path += ".a";
    EXPECT_EQ(Template(path + " }}").status, LLM_OK);
}

TEST(Template, TheCallersStackMayBeSmall) {
    std::string nested = "{{ " + std::string(20, '(') + "1" + std::string(20, ')') + " }}", blocks, ends;
    for (int i = 0; i < 30; i++) blocks += i % 2 ? "{% for a, (b, c) in [] %}" : "{% if 1 %}";
    for (int i = 30; i-- > 0;) ends += i % 2 ? "{% endfor %}" : "{% endif %}";
    nested += blocks + ends + "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{{ n }}{% endmacro %}{{ m(100) }}" +
              "{% set ns = namespace(l=[1.5]) %}{% for i in range(120) %}{% set ns.l = [ns.l] %}{% endfor %}" +
              "{{ ns.l }}{{ ns.l | tojson }}{{ '{:.300f}'.format(0.1) }}{{ 'x' | int }}";
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    struct Task {
        std::string source;
        Outcome outcome;
    } task = {nested, {}};
    pthread_t thread;
    ASSERT_EQ(pthread_create(
                  &thread, &attributes,
                  [](void *arg) -> void * {
                      auto *t = static_cast<Task *>(arg);
                      t->outcome = render(t->source);
                      return nullptr;
                  },
                  &task),
              0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    EXPECT_EQ(task.outcome.status, LLM_OK) << task.outcome.error;
}

/* "T" template's own text, "G" given by the context. */
std::string origins(const Outcome &o) {
    std::string out;
    size_t end = 0;
    for (const llmi_jinja_piece &p : o.pieces) {
        EXPECT_EQ(p.begin, end);
        end = p.end;
        out.append(p.end - p.begin, p.given ? 'G' : 'T');
    }
    EXPECT_EQ(end, o.text.size());
    return out;
}

TEST(Template, KnowsWhichTextWasGiven) {
    const char *context =
        R"({"messages": [{"role": "user", "content": " ab|cd "}], "x": "<e>", "tools": [{"n": "q"}]})";
    struct {
        const char *source, *text, *origin;
    } cases[] = {
        {"<{{ x }}>", "<<e>>", "TGGGT"},
        {"{{ '[' + x + ']' }}", "[<e>]", "TGGGT"},
        {"{{ ('[' ~ x ~ ']')[1:-2] }}", "<e", "GG"},
        {"{{ messages[0].content | trim }}.", "ab|cd.", "GGGGGT"},
        {"{{ messages[0].content.split('|')[1] | upper }}", "CD ", "GGG"},
        {"{{ x.replace('e', 'im_end') }}", "<im_end>", "GTTTTTTG"},
        {"{{ '<' ~ messages[0].role ~ '>' }}", "<user>", "TTTTTT"},
        {"{{ tools[0] | tojson }}", "{\"n\": \"q\"}", "TGGGTTGGGT"},
        {"{% macro m(a) %}({{ a }}){% endmacro %}{{ m(x) }}", "(<e>)", "TGGGT"},
        {"{% set y %}a{{ x }}b{% endset %}{{ y[1:] }}", "<e>b", "GGGT"},
        {"{% for c in x %}{{ c }}-{% endfor %}", "<-e->-", "GTGTGT"},
        {"{{ [x, 'a'] | join('+') }}", "<e>+a", "GGGTT"},
        {"{{ '%s!' % x }}{{ '{}!'.format(x) }}", "<e>!<e>!", "GGGTGGGT"},
        {"{% filter upper %}a{{ x }}{% endfilter %}", "A<E>", "GGGG"},
    };
    for (auto &c : cases) {
        Outcome o = render(c.source, context);
        EXPECT_EQ(o.text, c.text) << c.source << o.error;
        EXPECT_EQ(origins(o), c.origin) << c.source;
    }
}

TEST(Template, KnowsLineAndMessageOfEachPiece) {
    Outcome o = render("a\n{% for m in messages %}\n<{{ m.content }}>\n{% endfor %}\n"
                       "{% generation %}\ng\n{% endgeneration %}\n",
                       R"({"messages": [{"content": "x"}, {"content": "y"}]})");
    ASSERT_EQ(o.text, "a\n<x>\n<y>\ng\n");
    std::string lines, messages, generation;
    for (const llmi_jinja_piece &p : o.pieces)
        for (size_t i = p.begin; i < p.end; i++) {
            lines += static_cast<char>('0' + p.line);
            messages += p.message < 0 ? '.' : static_cast<char>('0' + p.message);
            generation += p.generation ? 'g' : '.';
        }
    EXPECT_EQ(lines, "113333333366"
              /* the text behind "<" begins on line 2, where its tag ends */
              )
        << lines;
    EXPECT_EQ(messages, "...0...1....");
    EXPECT_EQ(generation, "..........gg");
}

TEST(Template, AnyThreadMayRenderOneTemplate) {
    Template t("{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{% endfor %}");
    Json context(R"({"messages": [{"role": "user", "content": " hi "}, {"role": "assistant", "content": "ho"}]})");
    std::vector<std::thread> threads;
    std::vector<std::string> texts(8);
    for (auto &text : texts)
        threads.emplace_back([&] {
            for (int i = 0; i < 200; i++) text = t.render(context.j).text;
        });
    for (auto &thread : threads) thread.join();
    for (auto &text : texts) EXPECT_EQ(text, "<|user|>hi<|assistant|>ho");
}

/* Fails the n-th allocation. */
struct Failing {
    llm_allocator a;
    int64_t left, live = 0;
    explicit Failing(int64_t n) : left(n) {
        a = {this,
             [](void *user, size_t n_bytes, size_t alignment) -> void * {
                 auto *f = static_cast<Failing *>(user);
                 if (f->left-- == 0) return nullptr;
                 f->live++;
                 return llmi_default_allocator.alloc(nullptr, n_bytes, alignment);
             },
             [](void *user, void *p, size_t n_bytes) {
                 static_cast<Failing *>(user)->live--;
                 llmi_default_allocator.free(nullptr, p, n_bytes);
             }};
    }
};

TEST(Template, SurvivesEveryFailedAllocation) {
    std::string source =
        "{% macro m(a, b='x') %}{{ caller() }}{{ a }}{% endmacro %}{% for p in people | sort(attribute='n') if p.n %}"
        "{% set y %}{{ p.n }}-{{ loop.index }}{% endset %}{% call m(y) %}é{{ y.split('-') }}{% endcall %}"
        "{% endfor %}{{ people | tojson(indent=2) }}{{ u | upper | replace('A', 'bb') }}{{ '%s' % u }}";
    Json context(R"({"people": [{"n": "b"}, {"n": "a"}, {"n": ""}], "u": "abc é"})");
    std::string whole = Template(source).render(context.j).text;
    ASSERT_NE(whole, "");
    int n = 0;
    for (bool done = false; !done && n < 10000; n++) {
        Failing f(n);
        {
            Template t(source, &f.a);
            Outcome o = t.render(context.j, nullptr, &f.a);
            done = o.status == LLM_OK;
            if (done) {
                EXPECT_EQ(o.text, whole);
                EXPECT_GE(f.left, 0);
            } else {
                EXPECT_EQ(o.status, LLM_E_MEMORY) << n;
            }
        }
        EXPECT_EQ(f.live, 0) << n;
    }
    EXPECT_GT(n, 50);
}

} // namespace
