#include "runtime/runtime.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/options.h"
#include "base/text.h"
#include "base/workers.h"
#include "runtime/check.h"
#include "runtime/loader.h"
#include "runtime/trace.h"

enum { N_ACTIVATIONS = LLM_ACTIVATIONS_BF16 + 1 };

struct llm_runtime {
    _Atomic int32_t n_refs;
    llm_allocator allocator;
    llmi_log log;
    int32_t n_threads;
    bool use_jit;
    char *plugin_dir;              /* NULL: beside libllm */
    llm_host hosts[N_ACTIVATIONS]; /* equal but for `activations`; a device keeps a pointer to its own */
    /* Back ends found so far. Only grows, so that readers need no lock. */
    _Atomic(llmi_backend *) backends;
};

/* ---- what back ends are lent ---- */

static void *host_alloc(void *user, size_t n_bytes, size_t alignment) {
    const llm_runtime *rt = user;
    return rt->allocator.alloc(rt->allocator.user, n_bytes, alignment);
}

static void host_free(void *user, void *ptr, size_t n_bytes) {
    const llm_runtime *rt = user;
    if (ptr) rt->allocator.free(rt->allocator.user, ptr, n_bytes);
}

static void host_log(void *user, int32_t level, const char *text) {
    const llm_runtime *rt = user;
    llmi_log_write(&rt->log, level, "%s", text);
}

static void host_set_error(void *user, llm_status status, const char *text) {
    llmi_error(status, "%s", text);
}

/* ---- life ---- */

static llm_status check_options(const llm_runtime_options *o) {
    llm_status status = llmi_option_check("runtime", o);
    if (status != LLM_OK) return status;
    if (o->allocator && (!o->allocator->alloc || !o->allocator->free))
        return llmi_error(LLM_E_ARGUMENT, "allocator: alloc or free is NULL");
    if (o->plugin_dir && !*o->plugin_dir)
        return llmi_error(LLM_E_ARGUMENT, "plugin_dir is empty, expected a folder or NULL");
    return LLM_OK;
}

static void runtime_free(llm_runtime *rt) {
    llm_allocator a = rt->allocator;
    for (llmi_backend *b = atomic_load(&rt->backends), *next; b; b = next) {
        next = b->next;
        llmi_loader_close(b, &a);
    }
    if (rt->plugin_dir) llmi_free(&a, rt->plugin_dir, strlen(rt->plugin_dir) + 1);
    llmi_free(&a, rt, sizeof *rt);
}

/* Relative to where the process is now: after chdir() it would be another folder's code. */
static llm_status take_plugin_dir(llm_runtime *rt, const char *dir) {
    char here[PATH_MAX] = "";
    if (*dir != '/' && !getcwd(here, sizeof here))
        return llmi_error(LLM_E_IO,
                          "plugin_dir \"%s\": the working directory is unknown (errno %d), give an absolute path",
                          LLMI_QUOTE(dir, strlen(dir)), errno);
    size_t n = strlen(here) + (*here != 0) + strlen(dir);
    rt->plugin_dir = llmi_alloc(&rt->allocator, n + 1);
    if (!rt->plugin_dir) return LLM_E_MEMORY;
    llmi_format(rt->plugin_dir, n + 1, "%s%s%s", here, *here ? "/" : "", dir);
    return LLM_OK;
}

LLM_API llm_status llm_runtime_create(llm_runtime **out, const llm_runtime_options *options) {
    llmi_error_clear();
    if (!out) return llmi_error(LLM_E_ARGUMENT, "llm_runtime_create: out is NULL");
    *out = NULL;
    llm_runtime_options o = llmi_runtime_defaults;
    llm_status status =
        llmi_options_read(&o, sizeof o, options, LLMI_UPTO(llm_runtime_options, plugin_dir), "llm_runtime_options");
    if (status == LLM_OK) status = check_options(&o);
    if (status != LLM_OK) return status;

    const llm_allocator *a = o.allocator ? o.allocator : &llmi_default_allocator;
    llm_runtime *rt = llmi_alloc_zero(a, sizeof *rt);
    if (!rt) return LLM_E_MEMORY;
    atomic_init(&rt->n_refs, 1);
    atomic_init(&rt->backends, NULL);
    rt->allocator = *a;
    rt->log = (llmi_log){.fn = o.log, .user = o.log_user, .level = o.log_level};
    rt->n_threads = o.n_threads ? o.n_threads : llmi_cores_usable();
    rt->use_jit = o.use_jit != 0;
    for (int32_t i = 0; i < N_ACTIVATIONS; i++)
        rt->hosts[i] = (llm_host){
            .struct_size = sizeof rt->hosts[i],
            .cpu_mask = o.cpu_mask,
            .user = rt,
            .alloc = host_alloc,
            .free = host_free,
            .log = host_log,
            .set_error = host_set_error,
            .activations = i,
        };
    if (o.plugin_dir) status = take_plugin_dir(rt, o.plugin_dir);
    if (status == LLM_OK)
        *out = rt;
    else
        runtime_free(rt);
    return status;
}

LLM_API llm_runtime *llm_runtime_ref(llm_runtime *runtime) {
    if (runtime) atomic_fetch_add_explicit(&runtime->n_refs, 1, memory_order_relaxed);
    return runtime;
}

LLM_API void llm_runtime_unref(llm_runtime *runtime) {
    if (runtime && atomic_fetch_sub_explicit(&runtime->n_refs, 1, memory_order_acq_rel) == 1) runtime_free(runtime);
}

llm_status llmi_runtime_acquire(llm_runtime **out, llm_runtime *rt) {
    *out = llm_runtime_ref(rt);
    return rt ? LLM_OK : llm_runtime_create(out, NULL);
}

const llm_allocator *llmi_runtime_allocator(const llm_runtime *rt) {
    return &rt->allocator;
}

const llmi_log *llmi_runtime_log(const llm_runtime *rt) {
    return &rt->log;
}

int32_t llmi_runtime_threads(const llm_runtime *rt) {
    return rt->n_threads;
}

bool llmi_runtime_use_jit(const llm_runtime *rt) {
    return rt->use_jit;
}

/* ---- back ends ---- */

static llmi_backend *find_loaded(const llm_runtime *rt, const char *name) {
    llmi_backend *b = atomic_load_explicit(&rt->backends, memory_order_acquire);
    while (b && strcmp(b->name, name) != 0) b = b->next;
    return b;
}

/* Two threads may load the same plug-in at the same time: both entries are kept, and equal. */
static void keep(llm_runtime *rt, llmi_backend *b) {
    b->next = atomic_load(&rt->backends);
    while (!atomic_compare_exchange_weak(&rt->backends, &b->next, b)) {
    }
}

static llm_status no_such_backend(const char *name, const char *reason) {
    char known[128] = "";
    size_t n = 0;
    for (int32_t i = 0; llmi_loader_name(i) && n < sizeof known; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", llmi_loader_name(i));
    return llmi_error(LLM_E_NOT_FOUND, "there is no back end \"%s\": known are %s; as a plug-in: %s", name, known,
                      reason);
}

/* Looks up `name` and caches the result. Listed names are cached even if unusable; others only if usable, so that
 * arbitrary input cannot grow the table. *out stays NULL if no back end has that name. */
static llm_status get_backend(llmi_backend **out, llm_runtime *rt, const char *name) {
    *out = find_loaded(rt, name);
    if (*out) return LLM_OK;
    llmi_backend *b;
    llm_status status = llmi_loader_open(&b, &rt->hosts[LLM_ACTIVATIONS_AUTO], &rt->allocator, rt->plugin_dir, name);
    if (status != LLM_OK) return status;
    if (b->failure.status != LLM_OK && !llmi_loader_is_listed(name)) {
        status = b->failure.status == LLM_E_NOT_FOUND ? no_such_backend(name, b->failure.text)
                                                      : llmi_error_restore(&b->failure);
        llmi_loader_close(b, &rt->allocator);
        return status;
    }
    keep(rt, b);
    *out = b;
    return LLM_OK;
}

static llm_status check_device(const llm_device *d, const llm_backend *b) {
    const llm_device_ops *ops = d ? d->ops : NULL;
    if (!ops) return llmi_error(LLM_E_DEVICE, "back end \"%s\": open gave no device", b->name);
    if (ops->struct_size < sizeof *ops)
        return llmi_error(LLM_E_VERSION, "back end \"%s\": llm_device_ops has %u bytes, expected at least %zu", b->name,
                          ops->struct_size, sizeof *ops);
    return LLM_OK;
}

static bool has_flag(const llm_backend *b, uint32_t flag) {
    return b->struct_size >= LLMI_UPTO(llm_backend, flags) && b->flags & flag;
}

static llm_status open_device(llm_device **out, llm_runtime *rt, const char *name, int32_t activations) {
    llmi_backend *b;
    llm_status status = get_backend(&b, rt, name);
    if (status != LLM_OK) return status;
    if (b->failure.status != LLM_OK) {
        llmi_error_restore(&b->failure);
        status = b->failure.status == LLM_E_NOT_FOUND ? LLM_E_DEVICE : b->failure.status;
        return llmi_error_in(status, "back end \"%s\" cannot be used here", name);
    }
    if (activations == LLM_ACTIVATIONS_F32 && !has_flag(b->backend, LLM_BACKEND_ACTIVATIONS))
        return llmi_error(LLM_E_UNSUPPORTED,
                          "back end \"%s\" does not promise F32 activations: use \"cpu\", or activation_dtype auto",
                          name);
    llm_device *device = NULL;
    status = b->backend->open(&device, &rt->hosts[activations]);
    if (status != LLM_OK) return llmi_error_in(status, "back end \"%s\"", name);
    status = check_device(device, b->backend);
    if (status != LLM_OK) return status;
    llmi_log_write(&rt->log, LLM_LOG_DEBUG, "back end %s: %s", name, b->description);
    *out = device;
    return LLM_OK;
}

static llm_status open_checked(llm_device **out, llm_runtime *rt, const char *name, int32_t activations) {
    llm_device *tested = NULL, *reference = NULL;
    llm_status status = open_device(&tested, rt, name, activations);
    if (status != LLM_OK) return status;
    status = open_device(&reference, rt, "reference", activations);
    if (status == LLM_OK) return llmi_check_open(out, tested, reference);
    tested->ops->close(tested);
    return status;
}

static llm_status open_traced(llm_device **out, llm_runtime *rt, const char *name, int32_t activations) {
    llm_device *traced = NULL;
    llm_status status = open_device(&traced, rt, name, activations);
    return status == LLM_OK ? llmi_trace_open(out, traced) : status;
}

llm_status llmi_runtime_open_device(llm_device **out, llm_runtime *rt, const char *name, int32_t activations) {
    static const struct {
        const char *prefix;
        llm_status (*open)(llm_device **out, llm_runtime *rt, const char *name, int32_t activations);
    } wrappers[] = {{"checked-", open_checked}, {"traced-", open_traced}};
    *out = NULL;
    if (!name) name = llmi_option_text("model", "backend");
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
        size_t n = strlen(wrappers[i].prefix);
        if (strncmp(name, wrappers[i].prefix, n) == 0) return wrappers[i].open(out, rt, name + n, activations);
    }
    return open_device(out, rt, name, activations);
}

LLM_API int32_t llm_runtime_device_count(const llm_runtime *runtime) {
    int32_t n = 0;
    llmi_error_clear();
    while (llmi_loader_name(n)) n++;
    return n;
}

LLM_API llm_status llm_runtime_device_get(llm_device_info *out, const llm_runtime *runtime, int32_t index) {
    llmi_error_clear();
    if (!out || !runtime) return llmi_error(LLM_E_ARGUMENT, "llm_runtime_device_get: out or runtime is NULL");
    if (out->struct_size < LLMI_UPTO(llm_device_info, reason))
        return llmi_error(LLM_E_ARGUMENT, "llm_device_info: struct_size is %u, expected %zu", out->struct_size,
                          sizeof *out);
    const char *name = llmi_loader_name(index);
    if (!name)
        return llmi_error(LLM_E_ARGUMENT, "back end %d, expected 0..%d", index, llm_runtime_device_count(runtime) - 1);
    llmi_backend *b;
    /* Only the list of what was found grows, as if it had been there from the start. */
    llm_status status = get_backend(&b, (llm_runtime *)runtime, name);
    if (status != LLM_OK) return status;
    out->usable = b->failure.status == LLM_OK;
    out->name = b->name;
    out->description = b->description;
    out->reason = out->usable ? "" : b->failure.text;
    return LLM_OK;
}
