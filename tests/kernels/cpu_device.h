// A device with a stream and threads, and the cache of some sequences, for tests of the CPU back end.
#ifndef TEST_KERNELS_CPU_DEVICE_H
#define TEST_KERNELS_CPU_DEVICE_H

#include "kernels/host.h"
#include "kernels/operations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

extern "C" {
#include "base/alloc.h"
#include "base/workers.h"
#include "kernels/backends.h"
#include "kernels/common.h"
#include "kernels/cpu/features.h"
#include "kernels/cpu/kernels.h"
#include "kernels/quant/half.h"
}

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;

inline llm_view view(const Floats &x, int64_t rows, int64_t cols, int64_t stride = 0) {
    return {const_cast<float *>(x.data()), rows, cols, stride ? stride : cols};
}

inline Floats gaussian(std::mt19937 &random, size_t n, float size = 1.0f) {
    std::normal_distribution<float> normal(0, size);
    Floats x(n);
    for (float &v : x) v = normal(random);
    return x;
}

// Bits, so that NaN equals itself and -0 differs from 0.
inline std::vector<uint32_t> bits(const Floats &x) {
    std::vector<uint32_t> b(x.size());
    if (!x.empty()) memcpy(b.data(), x.data(), x.size() * sizeof(float));
    return b;
}

inline void *test_alloc(void *, size_t n_bytes, size_t alignment) {
    return aligned_alloc(alignment, (n_bytes + alignment - 1) / alignment * alignment);
}

struct Device : Operations {
    Host host;
    llm_allocator allocator{nullptr, test_alloc, [](void *, void *ptr, size_t) { free(ptr); }};
    llmi_workers *workers = nullptr;
    int32_t stop_flag = 0;

    explicit Device(const llm_backend *backend, int32_t mask = 0, int32_t n_threads = 1) : host(mask) {
        EXPECT_EQ(llmi_workers_create(&workers, &allocator, n_threads), LLM_OK);
        EXPECT_EQ(backend->open(&device, &host.host), LLM_OK);
        pool = llmi_workers_pool(workers);
        stop = &stop_flag;
    }
    ~Device() {
        device->ops->close(device);
        llmi_workers_destroy(workers);
        EXPECT_EQ(host.live_bytes, 0u);
    }
    Device(const Device &) = delete;

    llm_weight *put(const Floats &x) {
        llm_tensor t{};
        t.name = "w", t.data = x.data(), t.n_bytes = x.size() * 4, t.rows = 1, t.cols = (int64_t)x.size();
        llm_weight *w = nullptr;
        size_t private_bytes;
        EXPECT_EQ(device->ops->weight_put(&w, &private_bytes, device, &t), LLM_OK);
        return w;
    }
    void drop(llm_weight *w) { device->ops->weight_free(device, w); }

    llm_stream *open(Program &program) {
        llm_stream *s = nullptr;
        llm_stream_options o = options(program.sealed());
        size_t n_bytes = 0, before = host.live_bytes;
        EXPECT_EQ(device->ops->stream_bytes(&n_bytes, device, &o), LLM_OK);
        EXPECT_EQ(device->ops->stream_create(&s, device, &o), LLM_OK) << host.text;
        EXPECT_EQ(host.live_bytes - before, n_bytes) << "the estimate";
        return s;
    }

    void ok() { EXPECT_EQ(sync(), LLM_OK) << host.text; }
    void fails(llm_status status, const char *words) {
        EXPECT_EQ(sync(), status);
        EXPECT_EQ(host.status, status);
        EXPECT_NE(host.text.find(words), std::string::npos) << host.text;
        ok(); // told once
    }
};

// What this machine can run of portable C, AVX2, AVX-512, NEON and everything.
inline std::vector<int32_t> masks() {
    std::vector<int32_t> all;
    for (int32_t mask :
         {0, (int32_t)LLM_CPU_AVX2, LLM_CPU_AVX2 | LLM_CPU_AVX512, (int32_t)LLM_CPU_NEON, (int32_t)LLM_CPU_ALL}) {
        int32_t bits = llmk_features_limit(llmk_features_detect(), mask);
        if (std::find(all.begin(), all.end(), bits) == all.end()) all.push_back(bits);
    }
    return all;
}

inline std::string mask_name(const ::testing::TestParamInfo<int32_t> &info) {
    char text[80];
    llmk_features_describe(text, sizeof text, info.param);
    std::string name;
    for (const char *c = text; *c; c++)
        if (isalnum((unsigned char)*c)) name += *c;
    return name;
}

// The cache of some sequences on one device, which from now on computes with it.
struct Cache {
    Device &d;
    llm_state_desc desc;
    int32_t page_tokens, n_pages = 0, max_pages = 1;
    llm_state *state = nullptr;
    std::vector<Ints> pages; // of each sequence

    // Pages are dealt to the sequences in an order that `seed` chooses.
    Cache(Device &device, llm_state_desc what, int32_t n_layers, int32_t tokens, const Ints &lengths, uint32_t seed)
        : d(device), desc(what), page_tokens(tokens) {
        Ints order;
        for (int32_t n : lengths) {
            int32_t n_own = (n + page_tokens - 1) / page_tokens;
            pages.push_back(Ints(n_own));
            max_pages = std::max(max_pages, n_own);
            n_pages += n_own;
        }
        for (int32_t i = 0; i < n_pages; i++) order.push_back(i);
        std::shuffle(order.begin(), order.end(), std::mt19937(seed));
        size_t next = 0;
        for (Ints &list : pages)
            for (int32_t &page : list) page = order[next++];
        Program program;
        program.states = d.states = std::vector<llm_state_desc>(n_layers, desc);
        program.limits.page_tokens = d.page_tokens = page_tokens;
        size_t n_bytes = 0, before = d.host.live_bytes;
        EXPECT_EQ(d.device->ops->state_bytes(&n_bytes, d.device, program.sealed(), 0, n_pages), LLM_OK);
        EXPECT_EQ(d.device->ops->state_create(&state, d.device, program.sealed(), 0, n_pages), LLM_OK) << d.host.text;
        EXPECT_EQ(d.host.live_bytes - before, n_bytes) << "the estimate";
    }
    ~Cache() { d.device->ops->state_free(d.device, state); }
    Cache(const Cache &) = delete;

    int64_t width() const { return (int64_t)desc.n_heads * desc.k_dim; }
};

// The rows of one step: positions first..first+n-1 of some sequences.
struct Step {
    struct Run {
        int32_t seq, first, n;
    };
    std::vector<Run> runs;
    Ints positions, row_seq, seq_rows{0}, pages;
    llm_state_table table{};
    llm_step step{};

    Step(const Cache &cache, std::vector<Run> what) : runs(std::move(what)) {
        for (size_t i = 0; i < runs.size(); i++) {
            for (int32_t p = 0; p < runs[i].n; p++) {
                positions.push_back(runs[i].first + p);
                row_seq.push_back((int32_t)i);
            }
            seq_rows.push_back((int32_t)positions.size());
            Ints row = cache.pages[runs[i].seq];
            row.resize(cache.max_pages, -1);
            pages.insert(pages.end(), row.begin(), row.end());
        }
        table = {cache.state, pages.data(), cache.max_pages};
        step.struct_size = sizeof step;
        step.rows[LLM_ROWS_STEP] = (int32_t)positions.size();
        step.seqs = (int32_t)runs.size();
        step.positions = positions.data();
        step.row_seq = row_seq.data();
        step.seq_rows = seq_rows.data();
        step.tables = &table;
    }
    Step(const Step &) = delete;

    int32_t n_rows() const { return (int32_t)positions.size(); }

    // The rows of this step out of x[seq], which holds a row of `width` for each position.
    Floats pick(const std::vector<Floats> &x, int64_t width) const {
        Floats rows;
        for (const Run &r : runs)
            rows.insert(rows.end(), x[r.seq].begin() + r.first * width, x[r.seq].begin() + (r.first + r.n) * width);
        return rows;
    }
};

#endif
