/* llm_prompt_fill: a question and the examples that go with it as text, conversation and ids. */
#include <string.h>

#include "api/check.h"
#include "api/options.h"
#include "api/rendering.h"
#include "base/alloc.h"
#include "base/text.h"
#include "prompt/prompt.h"
#include "prompt/selectors.h"
#include "runtime/runtime.h"
#include "serve/engine.h"

/* ---- one filling ---- */

typedef struct filling {
    llm_prompt *p;
    llm_engine *e;
    const llmi_json *fields;
    const llm_fill_options *o;
    llm_template *tmpl; /* reference; NULL: plain text */
    llm_filled *f;
} filling;

static llm_status add_text(filling *x, int32_t format, const llmi_json *fields) {
    llmi_buf *text = &x->f->text;
    if (text->len && !llmi_buf_append(text, x->p->separator.data, x->p->separator.len)) return LLM_E_MEMORY;
    return llmi_prompt_render(text, x->p, format, fields, x->o->rationales != 0);
}

/* The value of a text that outlives the prompt. */
static llmi_json literal(const char *text) {
    return (llmi_json){.type = LLMI_JSON_STRING, .n = (uint32_t)strlen(text), .text = text};
}

/* {"role": role, "content": the format's text} */
static llm_status add_turn(filling *x, llmi_buf *turns, const char *role, int32_t format, const llmi_json *fields) {
    llmi_json_doc *doc = &x->f->doc;
    llmi_buf text;
    llmi_buf_init(&text, doc->a);
    llm_status status = llmi_prompt_render(&text, x->p, format, fields, x->o->rationales != 0);
    llm_span content = {text.len ? text.data : "", text.len};
    const llmi_json *said = status == LLM_OK ? llmi_json_new_string(doc, content) : NULL;
    llmi_buf_free(&text);
    if (status != LLM_OK) return status;
    if (!said) return doc->status;
    const llmi_json_member members[] = {{literal("role"), literal(role)}, {literal("content"), *said}};
    const llmi_json *turn = llmi_json_new_object(doc, members, 2);
    if (!turn) return doc->status;
    return llmi_buf_push(turns, *turn) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status of_example(llm_status status, int32_t index) {
    return status == LLM_OK ? LLM_OK : llmi_error_in(status, "example %d", index);
}

static llm_status of_question(llm_status status) {
    return status == LLM_OK ? LLM_OK : llmi_error_in(status, "the question");
}

static size_t n_shots(const filling *x) {
    return llmi_buf_count(&x->f->shots, llm_shot);
}

static int32_t shot_at(const filling *x, size_t i) {
    return llmi_buf_at(&x->f->shots, llm_shot, i).index;
}

static llm_status write_text(filling *x) {
    llm_status status = LLM_OK;
    if (x->p->formats[LLMI_FORMAT_INSTRUCTION]) status = of_question(add_text(x, LLMI_FORMAT_INSTRUCTION, x->fields));
    for (size_t i = 0; i < n_shots(x) && status == LLM_OK; i++) {
        int32_t index = shot_at(x, i);
        status = of_example(add_text(x, LLMI_FORMAT_EXAMPLE, llmi_prompt_example(x->p, (size_t)index)), index);
    }
    return status == LLM_OK ? of_question(add_text(x, LLMI_FORMAT_QUERY, x->fields)) : status;
}

static llm_status add_turns(filling *x, llmi_buf *turns) {
    llm_status status = LLM_OK;
    if (x->p->formats[LLMI_FORMAT_INSTRUCTION])
        status = of_question(add_turn(x, turns, "system", LLMI_FORMAT_INSTRUCTION, x->fields));
    for (size_t i = 0; i < n_shots(x) && status == LLM_OK; i++) {
        const llmi_json *example = llmi_prompt_example(x->p, (size_t)shot_at(x, i));
        status = add_turn(x, turns, "user", LLMI_FORMAT_USER, example);
        if (status == LLM_OK) status = add_turn(x, turns, "assistant", LLMI_FORMAT_ASSISTANT, example);
        status = of_example(status, shot_at(x, i));
    }
    return status == LLM_OK ? of_question(add_turn(x, turns, "user", LLMI_FORMAT_USER, x->fields)) : status;
}

/* The context of a chat template. */
static bool write_messages(llm_filled *f) {
    llmi_json_writer w = llmi_json_writer_to(&f->messages);
    llmi_json_begin(&w, '{');
    llmi_json_key(&w, "messages");
    llmi_json_put_value(&w, f->turns);
    llmi_json_key(&w, "add_generation_prompt");
    llmi_json_put_bool(&w, true);
    llmi_json_end(&w, '}');
    return !w.failed;
}

static llm_status encode(filling *x) {
    llm_filled *f = x->f;
    f->is_chat = x->tmpl != NULL;
    if (!x->e) return LLM_OK;
    if (!x->tmpl)
        return llmi_serve_encode(&f->tokens, x->e, (llm_span){f->text.data, f->text.len}, LLM_ENCODE_ADD_SPECIAL);
    llm_rendering *r;
    llm_template_options fixed = llmi_template_defaults;
    fixed.now = 0; /* the same prompt on any day */
    llm_status status = llm_chat_apply(&r, x->e->model, x->tmpl, f->messages.data, f->messages.len, &fixed);
    if (status != LLM_OK) return status;
    bool ok = llmi_buf_append(&f->tokens, r->tokens.data, r->tokens.len);
    llm_rendering_destroy(r);
    return ok ? LLM_OK : LLM_E_MEMORY;
}

static llm_status write_turns(filling *x) {
    llm_filled *f = x->f;
    llmi_buf turns;
    llmi_buf_init(&turns, f->text.a);
    llm_status status = add_turns(x, &turns);
    if (status == LLM_OK) {
        f->turns =
            llmi_json_new_array(&f->doc, (const llmi_json *)(void *)turns.data, llmi_buf_count(&turns, llmi_json));
        if (!f->turns) status = f->doc.status;
    }
    llmi_buf_free(&turns);
    return status == LLM_OK && !write_messages(f) ? LLM_E_MEMORY : status;
}

/* Of the form that the model is not given, a hole is an error only for who asks for it. */
static llm_status set_aside(llmi_error_copy *kept, llm_status status, bool given) {
    if (given || status != LLM_E_NOT_FOUND) return status;
    llmi_error_save(kept, status);
    llmi_error_clear();
    return LLM_OK;
}

/* Everything from the shots that f lists. */
static llm_status compose(filling *x) {
    llm_filled *f = x->f;
    bool chat = x->tmpl || (!x->e && x->o->chat == 1);
    f->text.len = f->messages.len = f->tokens.len = 0;
    f->turns = &llmi_json_null;
    f->no_text.status = f->no_turns.status = LLM_OK;
    llmi_json_doc_free(&f->doc);
    llm_status status = set_aside(&f->no_text, write_text(x), !chat);
    if (f->no_text.status != LLM_OK) f->text.len = 0;
    if (status == LLM_OK) status = set_aside(&f->no_turns, write_turns(x), chat);
    return status == LLM_OK ? encode(x) : status;
}

/* ---- choosing ---- */

static bool is_order(const filling *x, const char *name) {
    return strcmp(x->o->order, name) == 0;
}

static llm_status check_order(const filling *x) {
    static const char *const names[] = {"best_last", "best_first", "random", "given"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (is_order(x, names[i])) return LLM_OK;
    return llmi_error(LLM_E_ARGUMENT,
                      "llm_fill_options: order is \"%s\", expected best_last, best_first, random or given",
                      LLMI_QUOTE(x->o->order, strlen(x->o->order)));
}

/* f's shots from the ranks that were taken, best first. */
static llm_status arrange(filling *x, const llmi_buf *ranked, const llmi_buf *taken) {
    size_t n = llmi_buf_count(taken, size_t);
    const llm_allocator *a = ranked->a;
    llmi_ranked *places = llmi_alloc_array(a, n, sizeof *places);
    if (!places) return LLM_E_MEMORY;
    bool last = is_order(x, "best_last"), given = is_order(x, "given"), ok = true;
    for (size_t i = 0; i < n; i++) {
        size_t rank = llmi_buf_at(taken, size_t, i), index = llmi_buf_at(ranked, llmi_ranked, rank).index;
        places[i] = (llmi_ranked){rank, given ? -(double)index : last ? (double)rank : 0};
    }
    if (is_order(x, "random")) llmi_selectors_shuffle(places, n, x->o->seed, LLMI_DRAW_ORDER);
    if (last || given) llmi_selectors_sort(places, n);
    x->f->shots.len = 0;
    for (size_t i = 0; i < n && ok; i++) {
        llmi_ranked r = llmi_buf_at(ranked, llmi_ranked, places[i].index);
        llm_shot shot = {(int32_t)r.index, (int32_t)places[i].index, r.score};
        ok = llmi_buf_push(&x->f->shots, shot);
    }
    llmi_free(a, places, n * sizeof *places);
    return ok ? compose(x) : LLM_E_MEMORY;
}

static bool fits(const filling *x) {
    return !x->o->budget || llmi_buf_count(&x->f->tokens, llm_token) <= (size_t)x->o->budget;
}

enum { MAX_MISSES = 64 }; /* in a row: a long list costs no more for what does not fit */

/* Takes ranks one by one while the prompt fits. */
static llm_status take(filling *x, const llmi_buf *ranked, llmi_buf *taken) {
    size_t n = llmi_buf_count(ranked, llmi_ranked);
    llm_status status = LLM_OK;
    bool fresh = false; /* f is composed of what is taken */
    int n_misses = 0;
    if (x->o->budget) {
        status = arrange(x, ranked, taken);
        if (status == LLM_OK && !fits(x))
            return llmi_error(LLM_E_LIMIT, "the question alone has %zu tokens, the budget is %d",
                              llmi_buf_count(&x->f->tokens, llm_token), x->o->budget);
        fresh = true;
    }
    for (size_t rank = 0; rank < n && status == LLM_OK && llmi_buf_count(taken, size_t) < (size_t)x->o->k; rank++) {
        if (!llmi_buf_push(taken, rank)) return LLM_E_MEMORY;
        fresh = x->o->budget != 0;
        if (!fresh) continue;
        status = arrange(x, ranked, taken);
        if (status != LLM_OK) break;
        n_misses = fits(x) ? 0 : n_misses + 1;
        if (!n_misses) continue;
        taken->len -= sizeof rank;
        fresh = false;
        if (n_misses == MAX_MISSES) break;
    }
    return status == LLM_OK && !fresh ? arrange(x, ranked, taken) : status;
}

static llm_status choose(filling *x) {
    const llm_allocator *a = x->f->text.a;
    llmi_buf key, ranked, taken;
    llmi_buf_init(&key, a);
    llmi_buf_init(&ranked, a);
    llmi_buf_init(&taken, a);
    llm_status status = of_question(llmi_prompt_render(&key, x->p, LLMI_FORMAT_USER, x->fields, false));
    llm_span text = {key.len ? key.data : "", key.len};
    if (status == LLM_OK) status = llmi_prompt_rank(&ranked, &x->f->n_leaks, x->p, x->e, text, x->o);
    if (status == LLM_OK) status = take(x, &ranked, &taken);
    llmi_buf_free(&key);
    llmi_buf_free(&ranked);
    llmi_buf_free(&taken);
    return status;
}

/* ---- the call ---- */

static llm_status find_template(filling *x) {
    if (!x->e || !x->o->chat) return LLM_OK;
    llm_status status = llm_template_of_model(&x->tmpl, x->e->model, NULL);
    if (status != LLM_E_NOT_FOUND || x->o->chat == 1) return status;
    llmi_error_clear();
    return LLM_OK;
}

static llm_status filled_create(llm_filled **out, llm_runtime *rt) {
    const llm_allocator *a = llmi_runtime_allocator(rt);
    llm_filled *f = llmi_alloc_zero(a, sizeof *f);
    if (!f) return LLM_E_MEMORY;
    f->runtime = llm_runtime_ref(rt);
    llmi_json_doc_init(&f->doc, a, 0);
    llmi_buf_init(&f->text, a);
    llmi_buf_init(&f->messages, a);
    llmi_buf_init(&f->json, a);
    llmi_buf_init(&f->tokens, a);
    llmi_buf_init(&f->shots, a);
    *out = f;
    return LLM_OK;
}

llm_status llmi_prompt_fill(llm_filled **out, llm_prompt *p, llm_engine *e, const llmi_json *fields,
                            const llm_fill_options *o) {
    filling x = {.p = p, .e = e, .fields = fields, .o = o};
    llm_status status = check_order(&x);
    if (status == LLM_OK && o->budget && !e)
        status =
            llmi_error(LLM_E_ARGUMENT, "llm_fill_options: budget is %d, which needs an engine, found NULL", o->budget);
    if (status == LLM_OK && o->seed == LLM_SEED_RANDOM)
        status = llmi_error(LLM_E_ARGUMENT, "llm_fill_options: seed is LLM_SEED_RANDOM, expected a number: the same "
                                            "arguments fill a prompt the same way");
    if (status == LLM_OK) status = llmi_prompt_use(p);
    if (status == LLM_OK) status = filled_create(&x.f, p->runtime);
    if (status == LLM_OK) status = find_template(&x);
    if (status == LLM_OK) status = choose(&x);
    if (status == LLM_OK) {
        llmi_json_writer w = llmi_json_writer_to(&x.f->json);
        llmi_prompt_filled_write(&w, x.f);
        if (w.failed) status = LLM_E_MEMORY;
    }
    llm_template_unref(x.tmpl);
    if (status != LLM_OK) {
        llm_filled_destroy(x.f);
        return status;
    }
    *out = x.f;
    return LLM_OK;
}

LLM_API llm_status llm_prompt_fill(llm_filled **out, llm_prompt *prompt, llm_engine *engine, const char *query,
                                   size_t n_bytes, const llm_fill_options *options) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(prompt);
    LLMI_TEXT(query, n_bytes);
    llm_fill_options o;
    llmi_json_doc doc;
    const llmi_json *fields;
    llmi_json_doc_init(&doc, llmi_runtime_allocator(prompt->runtime), 0);
    llm_status status = llmi_options_get(&o, "fill", options);
    llmi_option_fill_texts("fill", &o);
    if (status == LLM_OK) status = llmi_prompt_fields(&fields, &doc, query ? query : "", n_bytes);
    if (status == LLM_OK) status = llmi_prompt_fill(out, prompt, engine, fields, &o);
    llmi_json_doc_free(&doc);
    return status;
}

/* ---- what it gave ---- */

LLM_API void llm_filled_destroy(llm_filled *filled) {
    if (!filled) return;
    llm_runtime *rt = filled->runtime;
    llmi_buf_free(&filled->text);
    llmi_buf_free(&filled->messages);
    llmi_buf_free(&filled->json);
    llmi_buf_free(&filled->tokens);
    llmi_buf_free(&filled->shots);
    llmi_json_doc_free(&filled->doc);
    llmi_free(llmi_runtime_allocator(rt), filled, sizeof *filled);
    llm_runtime_unref(rt);
}

static llm_status give(llm_span *out, const llmi_error_copy *missing, const llmi_buf *text) {
    if (missing && missing->status != LLM_OK) return llmi_error_restore(missing);
    *out = (llm_span){text->len ? text->data : "", text->len};
    return LLM_OK;
}

LLM_API llm_status llm_filled_text(llm_span *out, const llm_filled *filled) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(filled);
    return give(out, &filled->no_text, &filled->text);
}

LLM_API llm_status llm_filled_messages(llm_span *out, const llm_filled *filled) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(filled);
    return give(out, &filled->no_turns, &filled->messages);
}

LLM_API llm_status llm_filled_json(llm_span *out, const llm_filled *filled) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(filled);
    return give(out, NULL, &filled->json);
}

LLM_API llm_status llm_filled_tokens(const llm_token **out, size_t *n_tokens, int32_t *is_chat,
                                     const llm_filled *filled) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(n_tokens);
    LLMI_NOT_NULL(filled);
    *out = (const llm_token *)(const void *)filled->tokens.data;
    *n_tokens = llmi_buf_count(&filled->tokens, llm_token);
    if (is_chat) *is_chat = filled->is_chat;
    return LLM_OK;
}

LLM_API int32_t llm_filled_shot_count(const llm_filled *filled) {
    llmi_error_clear();
    return filled ? (int32_t)llmi_buf_count(&filled->shots, llm_shot) : 0;
}

LLM_API llm_status llm_filled_shot(llm_shot *out, const llm_filled *filled, int32_t index) {
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    LLMI_NOT_NULL(filled);
    int32_t n = (int32_t)llmi_buf_count(&filled->shots, llm_shot);
    if (index < 0 || index >= n)
        return llmi_error(LLM_E_ARGUMENT, "llm_filled_shot: index is %d, expected 0..%d", index, n - 1);
    *out = llmi_buf_at(&filled->shots, llm_shot, index);
    return LLM_OK;
}

static void write_shots(llmi_json_writer *w, const llm_filled *f) {
    llmi_json_begin(w, '[');
    for (size_t i = 0; i < llmi_buf_count(&f->shots, llm_shot); i++) {
        llm_shot s = llmi_buf_at(&f->shots, llm_shot, i);
        llmi_json_begin(w, '{');
        llmi_json_key(w, "index");
        llmi_json_put_int(w, s.index);
        llmi_json_key(w, "rank");
        llmi_json_put_int(w, s.rank);
        llmi_json_key(w, "score");
        llmi_json_put_double(w, s.score);
        llmi_json_end(w, '}');
    }
    llmi_json_end(w, ']');
}

void llmi_prompt_filled_write(llmi_json_writer *w, const llm_filled *f) {
    llmi_json_begin(w, '{');
    llmi_json_key(w, "text");
    if (f->no_text.status == LLM_OK)
        llmi_json_put_string(w, (llm_span){f->text.data, f->text.len});
    else
        llmi_json_put_null(w);
    llmi_json_key(w, "messages");
    llmi_json_put_value(w, f->turns);
    llmi_json_key(w, "chat");
    llmi_json_put_bool(w, f->is_chat);
    llmi_json_key(w, "n_tokens");
    llmi_json_put_int(w, (int64_t)llmi_buf_count(&f->tokens, llm_token));
    llmi_json_key(w, "n_leaks");
    llmi_json_put_int(w, f->n_leaks);
    llmi_json_key(w, "shots");
    write_shots(w, f);
    llmi_json_end(w, '}');
}
