// A host allocator that counts, and fails the n-th allocation.
#pragma once

#include <llm/llm.h>

#include <atomic>
#include <cstdlib>

class Failing {
  public:
    Failing() { allocator = {this, alloc, release}; }

    // From now on, allocation n (counted from 0) fails; all = true: each after it too. n -1: none.
    void arm(long n, bool all = false) {
        count = 0;
        fail_at = n;
        fail_all = all;
    }
    long n_calls() const { return count; }
    long n_alive() const { return alive; }
    long n_bytes() const { return bytes; }

    llm_allocator allocator;

  private:
    static void *alloc(void *user, size_t n_bytes, size_t alignment) {
        auto *f = static_cast<Failing *>(user);
        long n = f->count++, at = f->fail_at;
        if (at >= 0 && (n == at || (f->fail_all && n > at))) return nullptr;
        void *ptr = nullptr;
        if (posix_memalign(&ptr, alignment < sizeof(void *) ? sizeof(void *) : alignment, n_bytes)) return nullptr;
        f->alive++;
        f->bytes += static_cast<long>(n_bytes);
        return ptr;
    }
    static void release(void *user, void *ptr, size_t n_bytes) {
        auto *f = static_cast<Failing *>(user);
        f->alive--;
        f->bytes -= static_cast<long>(n_bytes); // a wrong size shows in the sum
        std::free(ptr);
    }

    std::atomic<long> count{0}, alive{0}, bytes{0};
    std::atomic<long> fail_at{-1};
    std::atomic<bool> fail_all{false};
};
