#define _GNU_SOURCE /* dladdr1, sched_setaffinity */

#include "library.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* LLMK_OPENBLAS_SONAME: as the linker found it when this was built. */

enum {
    MAX_CPUS = 8192,
    MAX_THREADS = 1024,
};

/* OpenBLAS 0.3.21 maps 128 MiB for each thread that multiplies, and its file takes 40. */
static const size_t buffer_bytes = (size_t)129 << 20, library_bytes = (size_t)64 << 20;

/* ---- before it is opened ---- */

/* Where the loader would find it for this plug-in (RUNPATH, LD_LIBRARY_PATH, the system's folders), but for relative
 * folders: after chdir() those may be anybody's. */
static bool find_file(char path[PATH_MAX]) {
    struct link_map *self;
    Dl_info info;
    union {
        Dl_serinfo head;
        char bytes[8192];
    } list;
    strcpy(path, LLMK_OPENBLAS_SONAME);
    if (!dladdr1((const void *)llmk_openblas_open, &info, (void **)&self, RTLD_DL_LINKMAP) ||
        dlinfo(self, RTLD_DI_SERINFOSIZE, &list.head) != 0 || list.head.dls_size > sizeof list ||
        dlinfo(self, RTLD_DI_SERINFO, &list.head) != 0)
        return true; /* unknown: opening will tell */
    const Dl_serpath *folders = list.head.dls_serpath;
    for (unsigned i = 0; i < list.head.dls_cnt; i++) {
        int n = snprintf(path, PATH_MAX, "%s/" LLMK_OPENBLAS_SONAME, folders[i].dls_name);
        if (*path == '/' && n < PATH_MAX && access(path, R_OK) == 0) return true;
    }
    return false;
}

static void *nothing(void *arg) {
    return arg;
}

static bool can_make_threads(void) {
    pthread_t t;
    if (pthread_create(&t, NULL, nothing, NULL) != 0) return false;
    pthread_join(t, NULL);
    return true;
}

static bool has_address_space(size_t n_bytes) {
    void *room = mmap(NULL, n_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return false;
    munmap(room, n_bytes);
    return true;
}

static bool no_space(size_t n_bytes, char *why, size_t capacity) {
    snprintf(why, capacity, "OpenBLAS needs %zu MiB of address space, which the system refuses (ulimit -v)",
             n_bytes >> 20);
    return false;
}

bool llmk_openblas_is_safe(char *why, size_t capacity) {
    size_t n_bytes = library_bytes + buffer_bytes;
    char path[PATH_MAX];
    if (!find_file(path)) {
        snprintf(why, capacity, LLMK_OPENBLAS_SONAME " is not installed");
        return false;
    }
    if (!can_make_threads()) {
        snprintf(why, capacity,
                 "the system gives no thread (ulimit -u, a limit of tasks), where OpenBLAS may end the process");
        return false;
    }
    return has_address_space(n_bytes) || no_space(n_bytes, why, capacity);
}

/* ---- opening ---- */

static bool find(void *out, size_t n_bytes, void *library, const char *name) {
    void *symbol = dlsym(library, name);
    memcpy(out, &symbol, n_bytes);
    return symbol != NULL;
}

#define FIND(member, name) find(&out->member, sizeof out->member, library, name)

static bool find_all(llmk_openblas *out, void *library) {
    if (!FIND(memory_alloc, "blas_memory_alloc") || !FIND(memory_free, "blas_memory_free")) out->memory_alloc = NULL;
    return FIND(sgemm, "cblas_sgemm") && FIND(set_num_threads, "openblas_set_num_threads") &&
           FIND(get_corename, "openblas_get_corename") && FIND(get_config, "openblas_get_config");
}

/* The constructor counts the processors that its thread may run on, and starts one thread fewer. */
static void *open_on_one_cpu(const char *path) {
    union {
        cpu_set_t set;
        char bytes[MAX_CPUS / 8];
    } before, one = {0};
    size_t cpu = 0, n_bytes = sizeof before;
    if (sched_getaffinity(0, n_bytes, &before.set) != 0) return NULL;
    while (cpu < MAX_CPUS && !CPU_ISSET_S(cpu, n_bytes, &before.set)) cpu++;
    CPU_SET_S(cpu, n_bytes, &one.set);
    if (sched_setaffinity(0, n_bytes, &one.set) != 0) return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    sched_setaffinity(0, n_bytes, &before.set);
    return library;
}

bool llmk_openblas_open(llmk_openblas *out, char *why, size_t capacity) {
    char path[PATH_MAX];
    if (!llmk_openblas_is_safe(why, capacity) || !find_file(path)) return false;
    void *library = open_on_one_cpu(path);
    if (!library) {
        const char *reason = dlerror();
        snprintf(why, capacity, "%s",
                 reason ? reason : "the thread may not be bound to one processor to open OpenBLAS");
        return false;
    }
    bool complete = find_all(out, library);
    dlclose(library); /* never unloaded: its threads and buffers might not survive that */
    if (!complete) snprintf(why, capacity, LLMK_OPENBLAS_SONAME " lacks a function of OpenBLAS");
    return complete;
}

bool llmk_openblas_reserve(const llmk_openblas *b, int n_threads, char *why, size_t capacity) {
    void *buffers[MAX_THREADS];
    if (!b->memory_alloc) return true;
    if (n_threads > MAX_THREADS) n_threads = MAX_THREADS;
    if (!has_address_space((size_t)n_threads * buffer_bytes))
        return no_space((size_t)n_threads * buffer_bytes, why, capacity);
    for (int i = 0; i < n_threads; i++) buffers[i] = b->memory_alloc(0);
    for (int i = 0; i < n_threads; i++) b->memory_free(buffers[i]);
    return true;
}
