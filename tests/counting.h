/* An allocator that fails one chosen allocation and counts what is alive. */
#ifndef TEST_COUNTING_H
#define TEST_COUNTING_H

extern "C" {
#include "base/alloc.h"
}

struct Counting {
    int n = 0, alive = 0, fail_at = -1;
    llm_allocator allocator{this, alloc, release};

    static void *alloc(void *user, size_t n_bytes, size_t alignment) {
        auto *c = static_cast<Counting *>(user);
        if (c->n++ == c->fail_at) return nullptr;
        void *ptr = llmi_default_allocator.alloc(llmi_default_allocator.user, n_bytes, alignment);
        if (ptr) c->alive++;
        return ptr;
    }
    static void release(void *user, void *ptr, size_t n_bytes) {
        static_cast<Counting *>(user)->alive--;
        llmi_default_allocator.free(llmi_default_allocator.user, ptr, n_bytes);
    }
};

#endif
