// The OpenBLAS plug-in, opened as the loader opens it, against the reference back end.
#include "kernels/backends.h"
#include "kernels/matrix.h"
#include "kernels/operations.h"
#include "sanitized.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace {

llm_host make_host(int32_t activations = LLM_ACTIVATIONS_AUTO) {
    llm_host host{};
    host.activations = activations;
    host.struct_size = sizeof host;
    host.cpu_mask = LLM_CPU_ALL;
    host.alloc = [](void *, size_t n_bytes, size_t alignment) {
        return aligned_alloc(alignment, (n_bytes + alignment - 1) / alignment * alignment);
    };
    host.free = [](void *, void *ptr, size_t) { free(ptr); };
    host.log = [](void *, int32_t, const char *) {};
    host.set_error = [](void *, llm_status, const char *text) { ADD_FAILURE() << text; };
    return host;
}

const llm_backend *plugin() {
    void *handle = dlopen(LLM_OPENBLAS, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return nullptr;
    auto entry = (llm_backend_entry_fn)dlsym(handle, LLM_BACKEND_ENTRY);
    return entry ? entry() : nullptr;
}

struct Product {
    Matrix &w;
    int64_t rows;
    bool in_place;
    int32_t activations;
};

Floats run(const llm_backend *backend, const Product &c, Floats x, const Floats &bias, Floats out, bool accumulate) {
    llm_host host = make_host(c.activations);
    llm_device *d = nullptr;
    llm_weight *w = nullptr, *b = nullptr;
    size_t n;
    EXPECT_EQ(backend->open(&d, &host), LLM_OK);
    llm_tensor matrix = {"w", c.w.data(), c.w.n_bytes, c.w.rows, c.w.cols, c.w.type->dtype, c.in_place};
    llm_tensor vector = {"b", bias.data(), bias.size() * 4, 1, c.w.rows, LLM_DTYPE_F32, 0};
    EXPECT_EQ(d->ops->weight_put(&w, &n, d, &matrix), LLM_OK);
    EXPECT_EQ(d->ops->weight_put(&b, &n, d, &vector), LLM_OK);
    if (d->ops->weights_prepare) {
        EXPECT_EQ(d->ops->weights_prepare(d, nullptr), LLM_OK);
    }
    Operations operations;
    operations.device = d;
    Floats other = out;
    std::vector<Operations::Product> products;
    for (Floats *to : {&out, &other}) products.push_back({w, b, {to->data(), c.rows, c.w.rows, c.w.rows}, accumulate});
    operations.linear({x.data(), c.rows, c.w.cols, (int64_t)x.size() / c.rows}, products);
    EXPECT_EQ(operations.sync(), LLM_OK);
    EXPECT_EQ(out, other);
    d->ops->weight_free(d, w);
    d->ops->weight_free(d, b);
    d->ops->close(d);
    return out;
}

} // namespace

// Of the process: mapped files, threads.
bool is_mapped(const char *name) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find(name) != std::string::npos) return true;
    return false;
}

size_t n_threads() {
    size_t n = 0;
    for (auto &entry : std::filesystem::directory_iterator("/proc/self/task")) n += entry.exists();
    return n;
}

// In a child, where no thread can be made or no room is left: an answer, where OpenBLAS would end or hang the process.
// Before the tests that open it, because it stays open.
TEST(OpenBlas, WhereItCouldNotStartItSaysSo) {
    struct {
        int resource;
        rlim_t limit;
        const char *says;
    } rows[] = {{RLIMIT_NPROC, 1, "no thread"}, {RLIMIT_AS, 150 << 20, "address space"}};
    for (auto &row : rows) {
        if (SANITIZED && row.resource == RLIMIT_AS) continue; /* sanitizers need their address space */
        pid_t child = fork();
        if (child == 0) {
            const llm_backend *backend = plugin();
            llm_host host = make_host();
            host.set_error = [](void *, llm_status, const char *) {};
            char text[256] = "";
            llm_device *d = nullptr;
            rlimit limit = {row.limit, row.limit};
            if (row.resource == RLIMIT_NPROC && geteuid() == 0 && setuid(65534) != 0) _exit(2);
            setrlimit(row.resource, &limit);
            bool refused = backend->probe(&host, text, sizeof text) != LLM_OK;
            bool told = strstr(text, row.says) != nullptr;
            _exit(refused && told && backend->open(&d, &host) == LLM_E_DEVICE && !d ? 0 : 1);
        }
        int code = -1;
        waitpid(child, &code, 0);
        EXPECT_EQ(0, code) << row.says;
    }
}

// Describing opens nothing; opening starts no thread and says which kernels it got.
TEST(OpenBlas, IsOpenedWithTheFirstDeviceAndStartsNoThread) {
    const llm_backend *backend = plugin();
    ASSERT_NE(backend, nullptr) << dlerror();
    EXPECT_EQ(backend->abi, LLM_BACKEND_ABI);
    EXPECT_STREQ(backend->name, "openblas");
    llm_host host = make_host();
    std::string log;
    host.user = &log;
    host.log = [](void *user, int32_t, const char *text) { *static_cast<std::string *>(user) += text; };
    char text[256] = "";
    EXPECT_EQ(backend->probe(&host, text, sizeof text), LLM_OK) << text;
    EXPECT_NE(strstr(text, "OpenBLAS"), nullptr);
    EXPECT_LT(strlen(text), sizeof text - 1) << "cut off: " << text;
    EXPECT_FALSE(is_mapped("libopenblas"));
    cpu_set_t before, after;
    ASSERT_EQ(0, sched_getaffinity(0, sizeof before, &before));
    llm_device *d = nullptr;
    ASSERT_EQ(backend->open(&d, &host), LLM_OK);
    EXPECT_TRUE(is_mapped("libopenblas"));
    EXPECT_NE(log.find("kernels"), std::string::npos) << log;
    EXPECT_EQ(1u, n_threads());
    ASSERT_EQ(0, sched_getaffinity(0, sizeof after, &after));
    EXPECT_TRUE(CPU_EQUAL(&before, &after)) << "the thread runs where it ran";
    d->ops->close(d);
}

TEST(OpenBlas, MultipliesAsTheReferenceDoes) {
    const llm_backend *backend = plugin();
    ASSERT_NE(backend, nullptr);
    std::mt19937 random{5};
    std::normal_distribution<float> normal;
    auto gaussian = [&](size_t n) {
        Floats x(n);
        for (float &v : x) v = normal(random);
        return x;
    };
    auto check = [&](const Product &c, bool accumulate) {
        Matrix &m = c.w;
        Floats x = gaussian((size_t)(c.rows * (m.cols + 3))), bias = gaussian((size_t)m.rows);
        Floats out = gaussian((size_t)(c.rows * m.rows)), w = m.dequantize(), reach = reach_of(m);
        Floats got = run(backend, c, x, bias, out, accumulate);
        Floats expected = run(llmk_ref_backend(), c, x, bias, out, accumulate);
        // What is left to the CPU's kernels is bounded as theirs; the sum of sgemm is one of F32.
        int32_t kind = product_of(m.type->dtype, LLM_CPU_ALL, c.activations).x;
        for (size_t i = 0; i < got.size(); i++) {
            size_t r = i / (size_t)m.rows, o = i % (size_t)m.rows;
            double bound = bound_of(m, w, reach, &x[r * (size_t)(m.cols + 3)], (int64_t)o, kind);
            double ends = std::fabs(bias[o]) + (accumulate ? std::fabs(out[i]) : 0.0) + std::fabs(expected[i]);
            ASSERT_NEAR(got[i], expected[i], bound + (double)(m.cols + 4) * std::ldexp(ends, -24))
                << m.type->name << " " << c.rows << " rows of " << m.cols << ", activations " << c.activations;
        }
    };
    for (llm_dtype dtype : {LLM_DTYPE_F32, LLM_DTYPE_F16, LLM_DTYPE_BF16, LLM_DTYPE_Q8_0, LLM_DTYPE_Q4_K})
        for (int64_t n_out : {5, 130})
            for (int64_t n_in : {32, 352, 512}) {
                if (n_in % llmk_dtype_get(dtype)->block_elems) continue;
                Matrix m(llmk_dtype_get(dtype), n_out, n_in, 0);
                m.quantize(gaussian((size_t)(n_out * n_in)));
                for (int64_t rows : {3, 32, 77})
                    for (bool in_place : {false, true})
                        for (int32_t activations : {LLM_ACTIVATIONS_AUTO, LLM_ACTIVATIONS_F32, LLM_ACTIVATIONS_BF16}) {
                            if (activations == LLM_ACTIVATIONS_BF16 && dtype != LLM_DTYPE_BF16) continue;
                            bool accumulate = in_place == (n_out == 5);
                            ASSERT_NO_FATAL_FAILURE(check({m, rows, in_place, activations}, accumulate));
                        }
            }
}
