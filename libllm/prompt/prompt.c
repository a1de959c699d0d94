/* Prompts: the object that llm_prompt_fill fills. */
#include "prompt/prompt.h"

#include <string.h>

#include "api/check.h"
#include "api/options.h"
#include "base/alloc.h"
#include "base/text.h"
#include "prompt/example_reader.h"
#include "prompt/extract.h"
#include "prompt/format_variables.h"
#include "runtime/runtime.h"

#define RATIONALE "{% if rationale %}{{ rationale }} The answer is {{ answer }}.{% else %}{{ answer }}{% endif %}"

enum { LIST_BYTES = 160 }; /* of names in an error */

static const char *const FORMAT_NAMES[LLMI_N_FORMATS] = {"instruction", "example_format", "query_format", "user_format",
                                                         "assistant_format"};

/* ---- making ---- */

static const llm_allocator *memory_of(const llm_prompt *p) {
    return llmi_runtime_allocator(p->runtime);
}

static void prompt_free(llm_prompt *p) {
    llm_runtime *rt = p->runtime;
    const llm_allocator *a = memory_of(p);
    for (int i = 0; i < LLMI_N_FORMATS; i++)
        if (p->formats[i]) llmi_jinja_template_unref(p->formats[i]);
    llmi_buf *const bufs[] = {&p->separator, &p->query_prefix, &p->label_field, &p->rationale_field,
                              &p->examples,  &p->keys,         &p->folded,      &p->ends};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_free(bufs[i]);
    for (int i = 0; i < LLMI_N_FORMATS; i++) {
        llmi_buf_free(&p->sources[i]);
        llmi_buf_free(&p->shown[i]);
    }
    for (llmi_vectors *v = p->vectors, *next; v; v = next) {
        next = v->next;
        llm_model_unref(v->model);
        llmi_free(a, v, v->n_bytes);
    }
    llmi_json_doc_free(&p->doc);
    pthread_mutex_destroy(&p->lock);
    llmi_free(a, p, sizeof *p);
    llm_runtime_unref(rt);
}

static llm_status parse_format(llm_prompt *p, int32_t format, const char *source) {
    if (!source) return LLM_OK;
    llmi_buf *kept = &p->sources[format];
    llm_status status = llmi_jinja_parse(&p->formats[format], memory_of(p), source, strlen(source), NULL);
    if (status != LLM_OK) return llmi_error_in(status, "%s", FORMAT_NAMES[format]);
    bool ok = llmi_buf_append(kept, source, strlen(source)) &&
              llmi_prompt_format_variables(&p->shown[format], (llm_span){kept->len ? kept->data : "", kept->len});
    return ok ? LLM_OK : LLM_E_MEMORY;
}

static const char *given(const char *text) {
    return text && *text ? text : NULL;
}

static llm_status parse_formats(llm_prompt *p, const llm_prompt_options *o) {
    const char *query = given(o->query_format), *user = given(o->user_format);
    const char *sources[LLMI_N_FORMATS] = {
        given(o->instruction),
        given(o->example_format) ? o->example_format : "Q: {{ question }}\nA: " RATIONALE,
        query ? query : "Q: {{ question }}\nA:",
        user    ? user
        : query ? query
                : "{{ question }}",
        given(o->assistant_format) ? o->assistant_format : RATIONALE,
    };
    llm_status status = LLM_OK;
    for (int32_t i = 0; i < LLMI_N_FORMATS && status == LLM_OK; i++) status = parse_format(p, i, sources[i]);
    if (status != LLM_OK) return status;
    const char *format = sources[LLMI_FORMAT_QUERY];
    return llmi_buf_append(&p->query_prefix, format, strcspn(format, "{")) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status read_object(const llmi_json **out, llmi_json_doc *doc, llm_span text, const char *what) {
    llm_status status = llmi_json_parse(out, doc, text, what, 0);
    if (status != LLM_OK || llmi_json_is(*out, LLMI_JSON_OBJECT)) return status;
    return llmi_error(LLM_E_FORMAT, "%s: found %s, expected a JSON object", what, llmi_json_type_name(*out));
}

llm_status llmi_prompt_fields(const llmi_json **out, llmi_json_doc *doc, const char *query, size_t n_bytes) {
    return read_object(out, doc, (llm_span){query, n_bytes}, "query");
}

static llm_status setup(llm_prompt *p, const llm_prompt_options *o) {
    const char *separator = o->separator ? o->separator : "\n\n";
    if (!llmi_buf_append(&p->separator, separator, strlen(separator)) ||
        !llmi_buf_append(&p->label_field, o->label_field, strlen(o->label_field) + 1) ||
        !llmi_buf_append(&p->rationale_field, o->rationale_field, strlen(o->rationale_field) + 1))
        return LLM_E_MEMORY;
    const char *variables = given(o->variables) ? o->variables : "{}";
    llm_status status = read_object(&p->variables, &p->doc, (llm_span){variables, strlen(variables)}, "variables");
    return status == LLM_OK ? parse_formats(p, o) : status;
}

static llm_status create(llm_prompt **out, llm_runtime *rt, const llm_prompt_options *o) {
    const llm_allocator *a = llmi_runtime_allocator(rt);
    llm_prompt *p = llmi_alloc_zero(a, sizeof *p);
    if (!p) return LLM_E_MEMORY;
    p->runtime = llm_runtime_ref(rt);
    atomic_init(&p->n_refs, 1);
    atomic_init(&p->in_use, false);
    pthread_mutex_init(&p->lock, NULL);
    llmi_buf *const bufs[] = {&p->separator, &p->query_prefix, &p->label_field, &p->rationale_field,
                              &p->examples,  &p->keys,         &p->folded,      &p->ends};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) llmi_buf_init(bufs[i], a);
    for (int i = 0; i < LLMI_N_FORMATS; i++) {
        llmi_buf_init(&p->sources[i], a);
        llmi_buf_init(&p->shown[i], a);
    }
    llmi_json_doc_init(&p->doc, a, 0);
    llm_status status = setup(p, o);
    if (status != LLM_OK) {
        prompt_free(p);
        return status;
    }
    *out = p;
    return LLM_OK;
}

LLM_API llm_status llm_prompt_create(llm_prompt **out, llm_runtime *runtime, const llm_prompt_options *options) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(out);
    *out = NULL;
    llm_prompt_options o;
    llm_runtime *rt;
    llm_status status = llmi_options_get(&o, "prompt", options);
    if (status == LLM_OK) status = llmi_runtime_acquire(&rt, runtime);
    if (status != LLM_OK) return status;
    llmi_option_fill_texts("prompt", &o);
    status = create(out, rt, &o);
    llm_runtime_unref(rt);
    return status;
}

LLM_API llm_prompt *llm_prompt_ref(llm_prompt *prompt) {
    if (prompt) atomic_fetch_add_explicit(&prompt->n_refs, 1, memory_order_relaxed);
    return prompt;
}

LLM_API void llm_prompt_unref(llm_prompt *prompt) {
    if (prompt && atomic_fetch_sub_explicit(&prompt->n_refs, 1, memory_order_acq_rel) == 1) prompt_free(prompt);
}

/* ---- examples ---- */

LLM_API llm_status llm_prompt_add_examples(llm_prompt *prompt, const char *text, size_t n_bytes, int32_t format) {
    LLMI_FP_SCOPE();
    llmi_error_clear();
    LLMI_NOT_NULL(prompt);
    LLMI_TEXT(text, n_bytes);
    if (atomic_load(&prompt->in_use))
        return llmi_error(LLM_E_STATE, "llm_prompt_add_examples: the prompt is in use and can no longer change");
    return llmi_prompt_read_examples(&prompt->examples, &prompt->doc, text ? text : "", n_bytes, format);
}

LLM_API int32_t llm_prompt_example_count(const llm_prompt *prompt) {
    llmi_error_clear();
    return prompt ? (int32_t)llmi_prompt_n_examples(prompt) : 0;
}

/* ---- formats ---- */

/* Variables, and over them the fields. */
static const llmi_json *make_context(llmi_json_doc *doc, const llm_prompt *p, const llmi_json *fields,
                                     bool rationales) {
    llmi_buf members;
    llmi_buf_init(&members, doc->a);
    bool ok = llmi_buf_append(&members, p->variables->members, p->variables->n * sizeof(llmi_json_member)) &&
              llmi_buf_append(&members, fields->members, fields->n * sizeof(llmi_json_member));
    if (!ok) doc->status = LLM_E_MEMORY;
    const llmi_json *context = ok ? llmi_json_new_object(doc, (const llmi_json_member *)(void *)members.data,
                                                         llmi_buf_count(&members, llmi_json_member))
                                  : NULL;
    llmi_buf_free(&members);
    return context && !rationales ? llmi_json_without(doc, context, p->rationale_field.data) : context;
}

/* "a, b, c" of what get() gives for 0..n-1, cut where it becomes long. */
static const char *list_names(char out[LIST_BYTES], llm_span (*get)(const void *from, size_t i), const void *from,
                              size_t n) {
    size_t len = 0;
    out[0] = 0;
    for (size_t i = 0; i < n && len < LIST_BYTES - 1; i++) {
        llm_span name = get(from, i);
        len += llmi_format(out + len, LIST_BYTES - len, "%s%s", i ? ", " : "", LLMI_QUOTE(name.ptr, name.len));
    }
    return n ? out : "none";
}

static llm_span name_at(const void *names, size_t i) {
    return llmi_buf_at((const llmi_buf *)names, llm_span, i);
}

static llm_span key_at(const void *object, size_t i) {
    return llmi_json_text(&((const llmi_json *)object)->members[i].key);
}

static bool has_field(const llm_prompt *p, const llmi_json *fields, llm_span name, bool rationales) {
    llm_span rationale = {p->rationale_field.data, p->rationale_field.len - 1};
    bool hidden = !rationales && name.len == rationale.len && memcmp(name.ptr, rationale.ptr, name.len) == 0;
    return !hidden && (llmi_json_find(fields, name) || llmi_json_find(p->variables, name));
}

llm_status llmi_prompt_check(const llm_prompt *p, int32_t format, const llmi_json *fields, bool rationales) {
    char shown[LIST_BYTES], found[LIST_BYTES];
    const llmi_buf *names = &p->shown[format];
    size_t n = llmi_buf_count(names, llm_span);
    for (size_t i = 0; i < n; i++) {
        llm_span name = name_at(names, i);
        if (has_field(p, fields, name, rationales)) continue;
        bool hidden = llmi_json_find(fields, name) != NULL;
        return llmi_error(
            LLM_E_NOT_FOUND, "%s shows the field \"%s\", %s: it shows %s; the fields are %s", FORMAT_NAMES[format],
            LLMI_QUOTE(name.ptr, name.len), hidden ? "which only shows with rationales" : "which is not there",
            list_names(shown, name_at, names, n), list_names(found, key_at, fields, llmi_json_count(fields)));
    }
    return LLM_OK;
}

llm_status llmi_prompt_render(llmi_buf *out, const llm_prompt *p, int32_t format, const llmi_json *fields,
                              bool rationales) {
    llm_status checked = llmi_prompt_check(p, format, fields, rationales);
    if (checked != LLM_OK) return checked;
    llmi_json_doc doc;
    llmi_json_doc_init(&doc, out->a, 0);
    const llmi_json *context = make_context(&doc, p, fields, rationales);
    llm_status status = context ? LLM_OK : doc.status;
    if (status == LLM_OK)
        status = llmi_jinja_render(out, NULL, p->formats[format], &(llmi_jinja_rendering){.context = context});
    llmi_json_doc_free(&doc);
    return status == LLM_OK ? LLM_OK : llmi_error_in(status, "%s", FORMAT_NAMES[format]);
}

/* ---- keys ---- */

static llm_status add_key(llm_prompt *p, const llmi_json *example) {
    size_t begin = p->keys.len;
    llm_status status = llmi_prompt_render(&p->keys, p, LLMI_FORMAT_USER, example, false);
    if (status != LLM_OK) return status;
    if (!llmi_extract_fold(&p->folded, p->keys.len > begin ? p->keys.data + begin : "", p->keys.len - begin))
        return LLM_E_MEMORY;
    llmi_key_ends ends = {p->keys.len, p->folded.len};
    return llmi_buf_push(&p->ends, ends) ? LLM_OK : LLM_E_MEMORY;
}

static llm_status make_keys(llm_prompt *p) {
    llm_status status = LLM_OK;
    for (size_t i = 0; i < llmi_prompt_n_examples(p) && status == LLM_OK; i++) {
        status = add_key(p, llmi_prompt_example(p, i));
        if (status != LLM_OK) llmi_error_in(status, "example %zu", i);
    }
    p->has_keys = status == LLM_OK;
    if (status != LLM_OK) p->keys.len = p->folded.len = p->ends.len = 0;
    return status;
}

llm_status llmi_prompt_use(llm_prompt *p) {
    atomic_store(&p->in_use, true);
    pthread_mutex_lock(&p->lock);
    llm_status status = p->has_keys ? LLM_OK : make_keys(p);
    pthread_mutex_unlock(&p->lock);
    return status;
}

llm_span llmi_prompt_key(const llm_prompt *p, size_t i) {
    size_t begin = i ? llmi_buf_at(&p->ends, llmi_key_ends, i - 1).key : 0;
    size_t end = llmi_buf_at(&p->ends, llmi_key_ends, i).key;
    return (llm_span){end > begin ? p->keys.data + begin : "", end - begin};
}

llm_span llmi_prompt_folded(const llm_prompt *p, size_t i) {
    size_t begin = i ? llmi_buf_at(&p->ends, llmi_key_ends, i - 1).folded : 0;
    size_t end = llmi_buf_at(&p->ends, llmi_key_ends, i).folded;
    return (llm_span){end > begin ? p->folded.data + begin : "", end - begin};
}
