#include "tour.h"

#include <stdio.h>
#include <string.h>

static char model_path[512];

/* ---- the sum of what came out (FNV-1a) ---- */

static void add(tour *t, const void *bytes, size_t n) {
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++) t->sum = (t->sum ^ b[i]) * 1099511628211u;
}

static void add_span(tour *t, llm_span s) {
    add(t, s.ptr, s.len);
}

/* ---- files ---- */

static int copy_file(const tour *t, const char *source_dir, const char *path) {
    char from[1024], to[1024], bytes[65536];
    const char *name = strrchr(path, '/') + 1;
    snprintf(from, sizeof from, "%s/tests/%s", source_dir, path);
    snprintf(to, sizeof to, "%s/%s", t->folder, name);
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    size_t n = in && out ? fread(bytes, 1, sizeof bytes, in) : 0;
    int ok = n > 0 && n < sizeof bytes && fwrite(bytes, 1, n, out) == n;
    if (in) fclose(in);
    if (out) ok = fclose(out) == 0 && ok;
    return ok ? 0 : -1;
}

int tour_prepare(tour *t, const char *folder, const char *source_dir) {
    static const char *const files[] = {"golden/data/llama/config.json", "golden/data/llama/model.safetensors",
                                        "faults/hf/tokenizer.json", "faults/hf/tokenizer_config.json"};
    t->folder = folder;
    snprintf(t->json, sizeof t->json, "%s/tests/faults/tokenizer.json", source_dir);
    snprintf(t->out, sizeof t->out, "%s/out.gguf", folder);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (copy_file(t, source_dir, files[i]) != 0) return -1;
    return 0;
}

llm_status tour_open(tour *t, const char *source_dir) {
    llm_runtime_options r;
    llm_engine_options e;
    llm_runtime_options_init(&r);
    llm_engine_options_init(&e);
    r.n_threads = 2;
    e.n_ctx = 256;
    e.n_seqs = 4;
    snprintf(model_path, sizeof model_path, "%s/examples/models/tiny-reasoner.gguf", source_dir);
    llm_status status = llm_runtime_create(&t->runtime, &r);
    if (status == LLM_OK) status = llm_model_load(&t->model, t->runtime, model_path, NULL);
    if (status == LLM_OK) status = llm_engine_create(&t->engine, t->model, &e);
    if (status == LLM_OK) t->tokenizer = llm_model_get_tokenizer(t->model);
    return status;
}

void tour_close(tour *t) {
    llm_engine_destroy(t->engine);
    llm_model_unref(t->model);
    llm_runtime_unref(t->runtime);
}

/* ---- the steps ---- */

static llm_status devices(tour *t) {
    llm_runtime *rt = NULL;
    llm_runtime_options o;
    llm_runtime_options_init(&o);
    llm_status status = llm_runtime_create(&rt, &o);
    for (int32_t i = 0; status == LLM_OK && i < llm_runtime_device_count(rt); i++) {
        llm_device_info info = {.struct_size = sizeof info};
        status = llm_runtime_device_get(&info, rt, i); /* what is usable may depend on what failed: not summed */
    }
    llm_runtime_unref(rt);
    return status;
}

static llm_status load(tour *t, const char *path, int32_t use_mmap) {
    llm_model *m = NULL;
    llm_model_options o;
    llm_model_options_init(&o);
    o.use_mmap = use_mmap;
    llm_status status = llm_model_load(&m, t->runtime, path, &o);
    for (int32_t i = 0; m && i < llm_model_meta_count(m); i++) {
        llm_span key, value;
        llm_model_get_meta(&key, &value, m, i);
        add_span(t, key);
        add_span(t, value);
    }
    llm_model_unref(m);
    return status;
}

static llm_status load_gguf(tour *t) {
    return load(t, model_path, 1);
}

static llm_status load_gguf_read(tour *t) {
    return load(t, model_path, 0);
}

static llm_status load_hf(tour *t) {
    return load(t, t->folder, 1);
}

static llm_status load_hf_read(tour *t) {
    return load(t, t->folder, 0);
}

static const char text[] =
    "If 12 caf\xC3\xA9s have 345 cups, the   rest is \xE2\x82\xAC 7.\n\nQ: \xF0\x9F\x98\x80 the end?";

static llm_status encode_decode(tour *t, const llm_tokenizer *tokenizer) {
    llm_token ids[200];
    char back[400];
    size_t n = 0, n_back = 0;
    llm_decoder *d = NULL;
    llm_span piece;
    llm_status status = llm_tokenizer_encode(&n, tokenizer, text, LLM_NTS, 3, ids, 200);
    if (status == LLM_OK) add(t, ids, n * sizeof *ids);
    if (status == LLM_OK) status = llm_tokenizer_decode(&n_back, tokenizer, ids, n, 0, back, sizeof back);
    if (status == LLM_OK) add(t, back, n_back);
    if (status == LLM_OK) status = llm_decoder_create(&d, tokenizer, 0);
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        status = llm_decoder_push(&piece, d, ids[i]);
        if (status == LLM_OK) add_span(t, piece);
    }
    llm_decoder_destroy(d);
    return status;
}

static llm_status tokenize(tour *t) {
    return encode_decode(t, t->tokenizer);
}

static llm_status tokenizer(tour *t, const char *path) {
    llm_tokenizer *made = NULL;
    llm_status status = llm_tokenizer_load(&made, t->runtime, path);
    if (status == LLM_OK) status = encode_decode(t, made);
    llm_tokenizer_unref(made);
    return status;
}

static llm_status tokenizer_json_file(tour *t) {
    return tokenizer(t, t->json);
}

static llm_status tokenizer_gguf(tour *t) {
    return tokenizer(t, model_path);
}

static const char source[] =
    "{%- macro say(m, n=2) %}{{ m.role|upper ~ ': ' ~ m.content|trim|replace('a', 'b')|title }}{{ n * 3 // 2 }}{% "
    "endmacro %}"
    "{% set ns = namespace(i=0) %}{% for m in messages if m.content is string %}{% set ns.i = ns.i + 1 %}{{ say(m) }}"
    "{{ m|tojson(indent=2) }}{{ '%s|%05.1f' % (m.role, 1.5) }}{{ loop.index ~ loop.last }}{% endfor %}"
    "{{ ns.i }}{{ [3, 1, 2]|sort|join(',') }}{{ {'b': 1, 'a': 2}|dictsort }}{{ strftime_now('%Y-%m-%d') }}"
    "{{ 'a-b'.split('-') }}{{ '12'|int + '1.5'|float }}{{ range(5)|list|map('string')|join }}{{ messages|length }}"
    "{{ 'x'.startswith('x') }}{{ 'caf\xC3\xA9'|capitalize }}{{ messages|selectattr('role', 'equalto', "
    "'user')|list|tojson }}";

static const char context[] = "{\"messages\":[{\"role\":\"user\",\"content\":\" a </s> caf\\u00e9 "
                              "\"},{\"role\":\"assistant\",\"content\":\"c\"}],"
                              "\"tools\":null,\"n\":1234567890123456789,\"x\":1.25e-3}";

static llm_status template(tour *t) {
    llm_template *made = NULL;
    llm_rendering *r = NULL;
    llm_template_options o;
    llm_span out;
    llm_template_options_init(&o);
    o.now = 86400;
    llm_status status = llm_template_parse(&made, t->runtime, source, LLM_NTS);
    if (status == LLM_OK) status = llm_template_render(&r, made, context, LLM_NTS, &o);
    if (status == LLM_OK && llm_rendering_text(&out, r) == LLM_OK) add_span(t, out);
    llm_rendering_destroy(r);
    llm_template_unref(made);
    return status;
}

static llm_status chat(tour *t) {
    llm_rendering *r = NULL;
    const llm_token *ids;
    size_t n;
    llm_status status = llm_chat_apply(&r, t->model, NULL, context, LLM_NTS, NULL);
    if (status == LLM_OK && llm_rendering_tokens(&ids, &n, r) == LLM_OK) add(t, ids, n * sizeof *ids);
    llm_rendering_destroy(r);
    return status;
}

/* Takes the grammar. */
static llm_status follow(tour *t, llm_status status, llm_grammar *g) {
    llm_result *r = NULL;
    llm_generate_options o;
    llm_span out;
    llm_generate_options_init(&o);
    o.max_tokens = 6;
    o.grammar = g;
    if (status == LLM_OK) status = llm_generate(&r, t->engine, "Once", LLM_NTS, &o, NULL, NULL);
    if (status == LLM_OK && llm_result_text(&out, r, 0) == LLM_OK) add_span(t, out);
    llm_result_unref(r);
    llm_grammar_unref(g);
    return status;
}

static llm_status schema(tour *t) {
    static const char json[] =
        "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"minLen"
        "gth\":1,\"maxLength\":8},\"url\":{\"type\":\"string\",\"format\":\"uri\",\"maxLength\":60},\"n\":{\""
        "type\":\"integer\",\"minimum\":-5,\"maximum\":1200},\"x\":{\"allOf\":[{\"type\":\"number\"},{\"minim"
        "um\":0}]},\"list\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/e\"},\"maxItems\":3,\"uniqueIte"
        "ms\":true},\"pair\":{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"},{\"const\":\"a\\u00e9\""
        "}],\"items\":false},\"one\":{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"a\"}"
        "},\"required\":[\"k\"]},{\"type\":\"object\",\"properties\":{\"k\":{\"const\":\"b\"}},\"required\":["
        "\"k\"]}]},\"map\":{\"type\":\"object\",\"propertyNames\":{\"enum\":[\"p\",\"q\"]},\"additionalProper"
        "ties\":{\"type\":\"boolean\"},\"maxProperties\":2},\"d\":{\"type\":\"string\",\"format\":\"date\"}},"
        "\"required\":[\"name\",\"n\"],\"additionalProperties\":false,\"$defs\":{\"e\":{\"enum\":[1,\"a\",nul"
        "l]}}}";
    llm_grammar *g = NULL;
    llm_status status = llm_grammar_from_json_schema(&g, t->tokenizer, json, LLM_NTS);
    return follow(t, status, g);
}

static llm_status gbnf(tour *t) {
    llm_grammar *g = NULL;
    llm_status status =
        llm_grammar_from_gbnf(&g, t->tokenizer, "root ::= x{1,3} (\"b\" | x)*\nx ::= [a-c] | \"d\"?", LLM_NTS);
    return follow(t, status, g);
}

static llm_status regex(tour *t) {
    llm_grammar *g = NULL;
    llm_status status = llm_grammar_from_regex(&g, t->tokenizer, "(ab|c\\d{2,4})+[^x-z]?", LLM_NTS);
    return follow(t, status, g);
}

static llm_status choices(tour *t) {
    llm_span list[] = {{"yes", 3}, {"no", 2}, {"perhaps", 7}};
    llm_grammar *g = NULL;
    llm_status status = llm_grammar_from_choices(&g, t->tokenizer, list, 3);
    return follow(t, status, g);
}

static int32_t on_event(void *user, const llm_event *event) {
    return 0;
}

static llm_status generate(tour *t) {
    llm_span stops[] = {{"never", 5}, {"named", 5}};
    llm_token stop_token = 7;
    llm_logit_bias bias = {9, -1};
    llm_generate_options o;
    llm_result *r = NULL;
    llm_span out;
    llm_generate_options_init(&o);
    o.max_tokens = 8;
    o.n = 2;
    o.temperature = 0.5f;
    o.top_k = 40;
    o.top_p = 0.9f;
    o.repetition_penalty = 1.1f;
    o.seed = 5;
    o.n_logprobs = 2;
    o.stop_strings = stops;
    o.n_stop_strings = 2;
    o.stop_tokens = &stop_token;
    o.n_stop_tokens = 1;
    o.logit_bias = &bias;
    o.n_logit_bias = 1;
    llm_status status = llm_generate(&r, t->engine, text, LLM_NTS, &o, on_event, NULL);
    for (int32_t i = 0; status == LLM_OK && i < 2; i++)
        if (llm_result_text(&out, r, i) == LLM_OK) add_span(t, out);
    llm_result_unref(r);
    return status;
}

static llm_status score(tour *t) {
    llm_score_item items[] = {{{"Once upon", 9}, {" a time", 7}}, {{"Once upon", 9}, {" a dog", 6}}};
    llm_result *r = NULL;
    const float *p;
    size_t n;
    llm_status status = llm_score(&r, t->engine, items, 2, NULL);
    for (int32_t i = 0; status == LLM_OK && i < 2; i++)
        if (llm_result_logprobs(&p, &n, r, i) == LLM_OK) add(t, p, n * sizeof *p);
    llm_result_unref(r);
    return status;
}

static llm_status embed(tour *t) {
    llm_span texts[] = {{"a dog", 5}, {"a cat ran", 9}};
    float rows[2 * 256];
    llm_status status = llm_embed(rows, t->engine, texts, 2, LLM_POOL_MEAN, 1);
    if (status == LLM_OK) add(t, rows, sizeof rows);
    return status;
}

static llm_status sequence(tour *t) {
    llm_sequence *s = NULL, *f = NULL;
    llm_token ids[] = {5, 6, 7, 8};
    static float logits[2048];
    llm_status status = llm_sequence_create(&s, t->engine);
    if (status == LLM_OK) status = llm_sequence_eval(s, ids, 4, logits, 1);
    if (status == LLM_OK) status = llm_sequence_fork(&f, s);
    if (status == LLM_OK) status = llm_sequence_rewind(f, 2);
    if (status == LLM_OK) status = llm_sequence_eval(f, ids + 2, 2, logits, 1);
    if (status == LLM_OK) add(t, logits, sizeof logits);
    llm_sequence_destroy(f);
    llm_sequence_destroy(s);
    return status;
}

static llm_status make_engine(tour *t) {
    llm_engine *e = NULL;
    llm_engine_options o;
    llm_engine_options_init(&o);
    o.n_ctx = 32;
    o.n_threads = 3;
    llm_status status = llm_engine_create(&e, t->model, &o);
    llm_engine_destroy(e);
    return status;
}

/* Takes the prompt. */
static llm_status make_prompt(llm_prompt **out, tour *t) {
    llm_prompt_options o;
    llm_prompt_options_init(&o);
    o.instruction = "Answer.";
    o.variables = "{\"x\":1}";
    llm_status status = llm_prompt_create(out, t->runtime, &o);
    if (status == LLM_OK)
        status =
            llm_prompt_add_examples(*out,
                                    "{\"question\":\"Is ice hot?\",\"answer\":\"no\",\"rationale\":\"It is cold.\"}\n"
                                    "{\"question\":\"Is fire hot?\",\"answer\":\"yes\",\"rationale\":\"It burns.\"}",
                                    LLM_NTS, LLM_EXAMPLES_AUTO);
    if (status == LLM_OK)
        status = llm_prompt_add_examples(*out, "question,answer\n\"a, b\",c\n", LLM_NTS, LLM_EXAMPLES_AUTO);
    return status;
}

static llm_status fill(tour *t, const char *select) {
    llm_prompt *p = NULL;
    llm_filled *f = NULL;
    llm_fill_options o;
    llm_span out;
    llm_fill_options_init(&o);
    o.select = select;
    o.budget = 60;
    llm_status status = make_prompt(&p, t);
    if (status == LLM_OK) status = llm_prompt_fill(&f, p, t->engine, "{\"question\":\"Is it?\"}", LLM_NTS, &o);
    if (status == LLM_OK) status = llm_filled_json(&out, f);
    if (status == LLM_OK) add_span(t, out);
    llm_filled_destroy(f);
    llm_prompt_unref(p);
    return status;
}

static llm_status fill_bm25(tour *t) {
    return fill(t, "bm25");
}

static llm_status fill_mmr(tour *t) {
    return fill(t, "mmr");
}

static llm_status ask(tour *t, const char *cot) {
    llm_prompt *p = NULL;
    llm_answer *a = NULL;
    llm_ask_options o;
    llm_generate_options g;
    llm_span out;
    llm_ask_options_init(&o);
    llm_generate_options_init(&g);
    g.max_tokens = 3;
    o.cot = cot;
    o.extract = "regex:[a-z]+";
    o.n_samples = 2;
    o.answer_tokens = o.step_tokens = 2;
    o.n_thoughts = 2;
    o.depth = 1;
    llm_status status = make_prompt(&p, t);
    if (status == LLM_OK) status = llm_ask(&a, t->engine, p, "{\"question\":\"Is it?\"}", LLM_NTS, NULL, &o, &g);
    if (status == LLM_OK) status = llm_answer_json(&out, a);
    if (status == LLM_OK) add_span(t, out);
    llm_answer_destroy(a);
    llm_prompt_unref(p);
    return status;
}

static llm_status ask_once(tour *t) {
    return ask(t, "zero");
}

static llm_status ask_tree(tour *t) {
    return ask(t, "tree");
}

static llm_status extract(tour *t) {
    static const char *const how[] = {"number", "letter", "letter:ABCD", "regex:a(b+)", "json:x", "after:is"};
    char out[100];
    llm_status status = LLM_OK;
    for (size_t i = 0; i < sizeof how / sizeof how[0] && status == LLM_OK; i++) {
        size_t n = 0;
        status = llm_extract(&n, how[i], "abb is \\boxed{12}, (B) {\"x\": [1, 2.5]}", LLM_NTS, out, sizeof out);
        if (status == LLM_E_NOT_FOUND) status = LLM_OK;
        add(t, out, n);
    }
    size_t n = 0;
    if (status == LLM_OK) status = llm_normalize(&n, " \xEF\xBC\xA1 caf\x65\xCC\x81. ", LLM_NTS, out, sizeof out);
    if (status == LLM_OK) add(t, out, n);
    return status;
}

static llm_status quantize_gguf(tour *t) {
    return llm_quantize(t->runtime, model_path, t->out, LLM_DTYPE_F16, NULL);
}

static llm_status quantize_hf(tour *t) {
    return llm_quantize(t->runtime, t->folder, t->out, LLM_DTYPE_Q8_0, NULL);
}

const tour_step tour_steps[] = {
    {"devices", devices},
    {"load gguf", load_gguf},
    {"load gguf, read", load_gguf_read},
    {"load hf", load_hf},
    {"load hf, read", load_hf_read},
    {"tokenizer of gguf", tokenizer_gguf},
    {"tokenizer.json", tokenizer_json_file},
    {"tokenize", tokenize},
    {"template", template},
    {"chat", chat},
    {"schema", schema},
    {"gbnf", gbnf},
    {"regex", regex},
    {"choices", choices},
    {"generate", generate},
    {"score", score},
    {"embed", embed},
    {"sequence", sequence},
    {"engine", make_engine},
    {"fill bm25", fill_bm25},
    {"fill mmr", fill_mmr},
    {"ask", ask_once},
    {"ask tree", ask_tree},
    {"extract", extract},
    {"quantize gguf", quantize_gguf},
    {"quantize hf", quantize_hf},
    {0},
};
