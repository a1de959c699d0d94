/* Templates: the public calls of llm/prompt.h that need no tokenizer. */
#include <string.h>
#include <time.h>

#include "api/check.h"
#include "api/options.h"
#include "api/rendering.h"
#include "base/alloc.h"
#include "base/text.h"
#include "model/model.h"
#include "runtime/runtime.h"

/* ---- life ---- */

static llm_status create(llm_template **out, llm_runtime *rt, const char *source, size_t n) {
    const llm_allocator *a = llmi_runtime_allocator(rt);
    llm_template *t = llmi_alloc_zero(a, sizeof *t);
    if (!t) return LLM_E_MEMORY;
    llm_status status = llmi_jinja_parse(&t->inner, a, source, n, "chat template");
    if (status != LLM_OK) {
        llmi_free(a, t, sizeof *t);
        return status;
    }
    atomic_init(&t->n_refs, 1);
    t->runtime = llm_runtime_ref(rt);
    *out = t;
    return LLM_OK;
}

LLM_API llm_status llm_template_parse(llm_template **out, llm_runtime *runtime, const char *source, size_t n_bytes) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_TEXT(source, n_bytes);
    llm_runtime *rt;
    llm_status status = llmi_runtime_acquire(&rt, runtime);
    if (status != LLM_OK) return status;
    status = create(out, rt, source, n_bytes);
    llm_runtime_unref(rt);
    return status;
}

LLM_API llm_template *llm_template_ref(llm_template *tmpl) {
    if (tmpl) atomic_fetch_add_explicit(&tmpl->n_refs, 1, memory_order_relaxed);
    return tmpl;
}

LLM_API void llm_template_unref(llm_template *tmpl) {
    if (!tmpl || atomic_fetch_sub_explicit(&tmpl->n_refs, 1, memory_order_acq_rel) != 1) return;
    llm_runtime *rt = tmpl->runtime;
    llmi_jinja_template_unref(tmpl->inner);
    llmi_free(llmi_runtime_allocator(rt), tmpl, sizeof *tmpl);
    llm_runtime_unref(rt);
}

/* ---- of a model ---- */

#define KEY         "tokenizer.chat_template"
#define JINJA_FILE  "chat_template.jinja"
#define CONFIG_FILE "tokenizer_config.json"

/* What the files offer, for the message that one is missing. */
static llm_status not_found(const char *name, const llmi_buf *names) {
    return llmi_error(LLM_E_NOT_FOUND, "the model has no chat template%s%s%s; it has %.*s", name ? " \"" : "",
                      name ? name : "", name ? "\"" : "", names->len ? (int)names->len : 4,
                      names->len ? names->data : "none");
}

static bool add_name(llmi_buf *names, const char *name, size_t n) {
    return (!names->len || llmi_buf_append(names, ", ", 2)) && llmi_buf_append(names, "\"", 1) &&
           llmi_buf_append(names, name, n) && llmi_buf_append(names, "\"", 1);
}

/* GGUF: KEY, and KEY.NAME for variants. */
static llm_status find_in_gguf(llm_span *out, llmi_buf *names, const llmi_weights *w, const char *name) {
    size_t n_key = sizeof KEY - 1;
    for (int32_t i = 0; i < llmi_weights_meta_count(w); i++) {
        llm_span key, value;
        llmi_weights_meta_at(&key, &value, w, i);
        if (key.len < n_key || memcmp(key.ptr, KEY, n_key) != 0) continue;
        bool variant = key.len > n_key + 1 && key.ptr[n_key] == '.';
        if (!variant && key.len != n_key) continue;
        const char *found = variant ? key.ptr + n_key + 1 : "default";
        size_t n = variant ? key.len - n_key - 1 : strlen(found);
        if (name ? strlen(name) == n && memcmp(name, found, n) == 0 : !variant) *out = value;
        if (!add_name(names, found, n)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

/* One of several templates, with its name. */
static llm_status offer(llm_span *out, llmi_buf *names, const llmi_json *found, const llmi_json *text,
                        const char *name) {
    if (!llmi_json_is(found, LLMI_JSON_STRING) || !llmi_json_is(text, LLMI_JSON_STRING))
        return llmi_error(LLM_E_FORMAT, CONFIG_FILE ": an entry of chat_template has no \"name\" and \"template\"");
    if (llmi_json_equals(found, name ? name : "default")) *out = llmi_json_text(text);
    return add_name(names, found->text, found->n) ? LLM_OK : LLM_E_MEMORY;
}

/* tokenizer_config.json: a string, a list of {"name", "template"}, or an object {name: template}. */
static llm_status find_in_config(llm_span *out, llmi_buf *names, const llmi_json *config, const char *name) {
    const llmi_json *t = llmi_json_get(config, "chat_template");
    if (llmi_json_is(t, LLMI_JSON_STRING)) {
        if (!name || strcmp(name, "default") == 0) *out = llmi_json_text(t);
        return add_name(names, "default", 7) ? LLM_OK : LLM_E_MEMORY;
    }
    llm_status status = LLM_OK;
    bool object = llmi_json_is(t, LLMI_JSON_OBJECT);
    for (size_t i = 0; i < llmi_json_count(t) && status == LLM_OK; i++) {
        const llmi_json *one = llmi_json_item(t, i);
        const llmi_json *found = object ? &t->members[i].key : llmi_json_get(one, "name");
        const llmi_json *text = object ? &t->members[i].value : llmi_json_get(one, "template");
        status = offer(out, names, found, text, name);
    }
    return status;
}

/* doc holds the bytes that *out points to. */
static llm_status find_in_folder(llm_span *out, llmi_json_doc *doc, llmi_buf *names, llmi_weights *w,
                                 const char *name) {
    llm_span text;
    const llmi_json *config;
    llm_status status = llmi_weights_side_file(&text, w, JINJA_FILE);
    if (status == LLM_OK) {
        if (!name || strcmp(name, "default") == 0) *out = text;
        if (!add_name(names, "default", 7)) return LLM_E_MEMORY;
        if (out->ptr) return LLM_OK;
    } else if (status != LLM_E_NOT_FOUND) {
        return status;
    }
    status = llmi_weights_side_file(&text, w, CONFIG_FILE);
    if (status != LLM_OK) return status == LLM_E_NOT_FOUND ? LLM_OK : status;
    status = llmi_json_parse(&config, doc, text, CONFIG_FILE, LLMI_JSON_PYTHON);
    return status == LLM_OK ? find_in_config(out, names, config, name) : status;
}

LLM_API llm_status llm_template_of_model(llm_template **out, const llm_model *model, const char *name) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(model);
    llm_span source = {0};
    llmi_json_doc doc;
    llmi_buf names;
    llmi_json_doc_init(&doc, llmi_runtime_allocator(model->runtime), 0);
    llmi_buf_init(&names, llmi_runtime_allocator(model->runtime));
    bool gguf = llmi_weights_format(model->weights) == LLMI_FORMAT_GGUF;
    llm_status status = gguf ? find_in_gguf(&source, &names, model->weights, name)
                             : find_in_folder(&source, &doc, &names, model->weights, name);
    if (status == LLM_OK) llmi_error_clear(); /* of files that need not be there */
    if (status == LLM_OK && !source.ptr) status = not_found(name, &names);
    if (status == LLM_OK) {
        status = create(out, model->runtime, source.ptr, source.len);
        if (status != LLM_OK) llmi_error_in(status, "%s", llmi_weights_path(model->weights));
    }
    llmi_buf_free(&names);
    llmi_json_doc_free(&doc);
    return status;
}

/* ---- rendering ---- */

llm_status llmi_template_context_read(llmi_template_context *out, const llm_allocator *a, const char *json,
                                      size_t n_bytes, const llm_template_options *options) {
    llm_span text = {json, n_bytes};
    *out = (llmi_template_context){.options = options};
    llmi_json_doc_init(&out->doc, a, (size_t)options->max_memory_bytes);
    llm_status status = llmi_json_parse(&out->variables, &out->doc, text, "context", LLMI_JSON_PYTHON);
    if (status != LLM_OK || llmi_json_is(out->variables, LLMI_JSON_OBJECT)) return status;
    return llmi_error(LLM_E_FORMAT, "context: the JSON value is %s, expected an object",
                      llmi_json_type_name(out->variables));
}

/* The clock's local time as seconds since 1970, as if it had no zone. */
static int64_t local_now(void) {
    time_t now = time(NULL);
    struct tm local;
    if (!localtime_r(&now, &local)) return (int64_t)now;
    return (int64_t)now + local.tm_gmtoff;
}

llm_status llmi_template_run(llm_rendering *out, const llm_template *t, const llmi_template_context *context,
                             const char *const *trusted) {
    const llm_template_options *o = context->options;
    llmi_jinja_limits limits = llmi_jinja_limits_of(o);
    limits.held_bytes = context->doc.n_held;
    llmi_jinja_rendering how = {
        .context = context->variables,
        .trusted = trusted,
        .now = o->now == LLM_NOW_CLOCK ? local_now() : o->now,
        .has_now = true,
        .limits = &limits,
    };
    llm_status status = llmi_jinja_render(&out->text, &out->pieces, t->inner, &how);
    return status == LLM_OK && o->continue_final_message ? llmi_rendering_continue(out, context->variables) : status;
}

LLM_API llm_status llm_template_render(llm_rendering **out, const llm_template *tmpl, const char *context,
                                       size_t n_bytes, const llm_template_options *options) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    LLMI_NOT_NULL(tmpl);
    LLMI_TEXT(context, n_bytes);
    llm_template_options o;
    llmi_template_context variables = {0};
    llm_rendering *r = NULL;
    llm_status status = llmi_options_get(&o, "template", options);
    if (status != LLM_OK) return status;
    status = llmi_template_context_read(&variables, llmi_runtime_allocator(tmpl->runtime), context, n_bytes, &o);
    if (status == LLM_OK) status = llmi_rendering_create(&r, tmpl->runtime);
    if (status == LLM_OK) status = llmi_template_run(r, tmpl, &variables, NULL);
    llmi_json_doc_free(&variables.doc);
    if (status != LLM_OK) {
        llm_rendering_destroy(r);
        return status;
    }
    *out = r;
    return LLM_OK;
}
