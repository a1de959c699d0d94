// A host that counts what is allocated, fills it with NaN and can refuse the n-th allocation.
#ifndef TEST_KERNELS_HOST_H
#define TEST_KERNELS_HOST_H

#include <llm/sys/backend.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

struct Host {
    llm_host host{};
    std::atomic<size_t> live_bytes{0}; // streams of several threads may take memory
    std::atomic<int> n_allocs{0};
    int refuse_at = -1;
    llm_status status = LLM_OK;
    std::string text;

    explicit Host(int32_t cpu_mask = 0) {
        host.struct_size = sizeof host;
        host.cpu_mask = cpu_mask;
        host.user = this;
        host.alloc = [](void *user, size_t n_bytes, size_t alignment) -> void * {
            Host *h = (Host *)user;
            if (h->n_allocs++ == h->refuse_at) return nullptr;
            h->live_bytes += n_bytes;
            size_t whole = (n_bytes + alignment - 1) / alignment * alignment;
            return memset(aligned_alloc(alignment, whole), 0xff, whole);
        };
        host.free = [](void *user, void *ptr, size_t n_bytes) {
            ((Host *)user)->live_bytes -= n_bytes;
            free(ptr);
        };
        host.log = [](void *, int32_t, const char *) {};
        host.set_error = [](void *user, llm_status what, const char *detail) {
            ((Host *)user)->status = what;
            ((Host *)user)->text = detail;
        };
    }
    Host(const Host &) = delete;
};

#endif
