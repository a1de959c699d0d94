#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "counting.h"

extern "C" {
#include "base/alloc.h"
#include "base/status.h"
#include "runtime/runtime.h"
}

namespace {

llm_runtime_options with_plugins() {
    llm_runtime_options o = llmi_runtime_defaults;
    o.plugin_dir = LLM_PLUGIN_DIR;
    return o;
}

class Plugins : public ::testing::Test {
  protected:
    llm_runtime *rt = nullptr;
    void SetUp() override {
        llm_runtime_options o = with_plugins();
        ASSERT_EQ(LLM_OK, llm_runtime_create(&rt, &o));
    }
    void TearDown() override { llm_runtime_unref(rt); }

    /* Status of opening `name`; the text is in llm_last_error(). */
    llm_status open(const char *name) {
        llm_device *device = nullptr;
        llm_status status = llmi_runtime_open_device(&device, rt, name, LLM_ACTIVATIONS_AUTO);
        if (status == LLM_OK) device->ops->close(device);
        return status;
    }
};

TEST(Runtime, DefaultsGiveAtLeastOneThread) {
    llm_runtime *rt = nullptr;
    ASSERT_EQ(LLM_OK, llm_runtime_create(&rt, nullptr));
    EXPECT_GE(llmi_runtime_threads(rt), 1);
    EXPECT_EQ(rt, llm_runtime_ref(rt));
    llm_runtime_unref(rt);
    llm_runtime_unref(rt);
}

TEST(Runtime, OptionsOutOfRangeAreNamed) {
    struct {
        int32_t llm_runtime_options::*member;
        int32_t value;
        const char *name;
    } rows[] = {
        {&llm_runtime_options::log_level, -1, "log_level is -1"},
        {&llm_runtime_options::log_level, 5, "log_level is 5"},
        {&llm_runtime_options::n_threads, -1, "n_threads is -1"},
        {&llm_runtime_options::n_threads, 1025, "n_threads is 1025"},
        {&llm_runtime_options::cpu_mask, -2, "cpu_mask is -2"},
    };
    for (auto &row : rows) {
        llm_runtime_options o = llmi_runtime_defaults;
        o.*row.member = row.value;
        llm_runtime *rt = reinterpret_cast<llm_runtime *>(1);
        EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_create(&rt, &o));
        EXPECT_EQ(nullptr, rt);
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.name)) << llm_last_error();
    }
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_create(nullptr, nullptr));
}

TEST(Runtime, IncompleteAllocatorIsRefused) {
    llm_allocator half = llmi_default_allocator;
    half.free = nullptr;
    llm_runtime_options o = llmi_runtime_defaults;
    o.allocator = &half;
    llm_runtime *rt;
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_create(&rt, &o));
}

TEST(Runtime, PluginDirIsCopied) {
    std::string dir = LLM_PLUGIN_DIR;
    llm_runtime_options o = llmi_runtime_defaults;
    o.plugin_dir = dir.c_str();
    llm_runtime *rt;
    ASSERT_EQ(LLM_OK, llm_runtime_create(&rt, &o));
    std::fill(dir.begin(), dir.end(), 'x');
    llm_device *device = nullptr;
    EXPECT_EQ(LLM_OK, llmi_runtime_open_device(&device, rt, "tiny", LLM_ACTIVATIONS_AUTO)) << llm_last_error();
    if (device) device->ops->close(device);
    llm_runtime_unref(rt);
}

TEST(Runtime, EveryAllocationMayFail) {
    for (int fail_at = 0;; fail_at++) {
        ASSERT_LT(fail_at, 100);
        Counting counting;
        counting.fail_at = fail_at;
        llm_runtime_options o = with_plugins();
        o.allocator = &counting.allocator;
        llm_runtime *rt = nullptr;
        llm_device *device = nullptr;
        llm_status status = llm_runtime_create(&rt, &o);
        if (status == LLM_OK) status = llmi_runtime_open_device(&device, rt, "checked-tiny", LLM_ACTIVATIONS_AUTO);
        if (device) device->ops->close(device);
        llm_runtime_unref(rt);
        EXPECT_EQ(0, counting.alive) << "allocation " << fail_at;
        if (status == LLM_OK && counting.n <= fail_at) break;
        EXPECT_EQ(LLM_E_MEMORY, status) << "allocation " << fail_at << ": " << llm_last_error();
    }
}

// Such a promise is believed only of a back end that makes it.
TEST_F(Plugins, F32ActivationsAreRefusedWhereTheyAreNotPromised) {
    for (const char *name : {"tiny", "checked-tiny"}) {
        llm_device *device = nullptr;
        EXPECT_EQ(LLM_E_UNSUPPORTED, llmi_runtime_open_device(&device, rt, name, LLM_ACTIVATIONS_F32));
        EXPECT_STREQ("back end \"tiny\" does not promise F32 activations: use \"cpu\", or activation_dtype auto",
                     llm_last_error());
        EXPECT_EQ(nullptr, device);
    }
    for (const char *name : {"reference", "cpu", "checked-cpu"}) {
        llm_device *device = nullptr;
        ASSERT_EQ(LLM_OK, llmi_runtime_open_device(&device, rt, name, LLM_ACTIVATIONS_F32)) << llm_last_error();
        device->ops->close(device);
    }
}

TEST_F(Plugins, AllListedBackEndsAreDescribed) {
    std::vector<std::string> names;
    for (int32_t i = 0; i < llm_runtime_device_count(rt); i++) {
        llm_device_info info = {};
        info.struct_size = sizeof info;
        ASSERT_EQ(LLM_OK, llm_runtime_device_get(&info, rt, i)) << llm_last_error();
        EXPECT_STREQ("", llm_last_error());
        names.push_back(info.name);
        if (info.usable) {
            EXPECT_STRNE("", info.description) << info.name;
            EXPECT_STREQ("", info.reason) << info.name;
        } else {
            EXPECT_STRNE("", info.reason) << info.name;
        }
    }
    EXPECT_EQ((std::vector<std::string>{"cpu", "reference", "openblas"}), names);
}

TEST_F(Plugins, DescriptionsStayWhereTheyAre) {
    llm_device_info first = {}, second = {};
    first.struct_size = second.struct_size = sizeof first;
    ASSERT_EQ(LLM_OK, llm_runtime_device_get(&first, rt, 2));
    ASSERT_EQ(LLM_OK, llm_runtime_device_get(&second, rt, 2));
    EXPECT_EQ(first.reason, second.reason);
    EXPECT_EQ(first.name, second.name);
}

TEST_F(Plugins, DeviceGetChecksItsArguments) {
    llm_device_info info = {};
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_device_get(&info, rt, 0)); /* struct_size 0 */
    info.struct_size = sizeof info;
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_device_get(&info, rt, -1));
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_device_get(&info, rt, llm_runtime_device_count(rt)));
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_device_get(&info, nullptr, 0));
    EXPECT_EQ(LLM_E_ARGUMENT, llm_runtime_device_get(nullptr, rt, 0));
}

TEST_F(Plugins, BuiltInAndPluggedInDevicesOpen) {
    for (const char *name : {"cpu", "reference", "tiny", "checked-cpu", "checked-tiny"})
        EXPECT_EQ(LLM_OK, open(name)) << name << ": " << llm_last_error();
    EXPECT_EQ(LLM_OK, open(nullptr));
}

TEST_F(Plugins, EachFaultSaysWhy) {
    struct {
        const char *name;
        llm_status status;
        const char *text;
    } rows[] = {
        {"abi", LLM_E_VERSION, "interface 999, expected 2"},
        {"size", LLM_E_VERSION, "llm_backend has 8 bytes"},
        {"probe-missing", LLM_E_DEVICE, "probe or open is missing"},
        {"refuses", LLM_E_DEVICE, "needs a flux capacitor"},
        {"no-device", LLM_E_DEVICE, "open gave no device"},
        {"no-entry", LLM_E_DEVICE, "has no llm_backend_entry()"},
        {"nothing", LLM_E_DEVICE, "returned nothing"},
        {"open-fails", LLM_E_DEVICE, "the driver is asleep"},
        {"garbage", LLM_E_DEVICE, "cannot be opened"},
        {"checked-refuses", LLM_E_DEVICE, "needs a flux capacitor"},
    };
    for (auto &row : rows) {
        EXPECT_EQ(row.status, open(row.name)) << row.name << ": " << llm_last_error();
        EXPECT_NE(nullptr, strstr(llm_last_error(), row.text)) << row.name << ": " << llm_last_error();
    }
}

TEST_F(Plugins, UnknownNameListsTheKnownOnes) {
    EXPECT_EQ(LLM_E_NOT_FOUND, open("gpu9000"));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "cpu, reference, openblas")) << llm_last_error();
    EXPECT_NE(nullptr, strstr(llm_last_error(), "libllm-gpu9000.so")) << llm_last_error();
}

TEST_F(Plugins, NamesThatCouldLeaveTheFolderAreRefused) {
    for (const char *name : {"", "../tiny", "a/b", "Tiny", "tiny.so", "t y", "t\nq"})
        EXPECT_EQ(LLM_E_ARGUMENT, open(name)) << name;
    EXPECT_EQ(LLM_E_ARGUMENT, open(std::string(64, 'a').c_str()));
    EXPECT_EQ(LLM_E_NOT_FOUND, open(std::string(63, 'a').c_str()));
}

TEST(Runtime, MissingPluginIsAnUnusableDeviceWithAReason) {
    llm_runtime_options o = llmi_runtime_defaults;
    o.plugin_dir = "/nonexistent";
    llm_runtime *rt;
    ASSERT_EQ(LLM_OK, llm_runtime_create(&rt, &o));
    llm_device_info info = {};
    info.struct_size = sizeof info;
    ASSERT_EQ(LLM_OK, llm_runtime_device_get(&info, rt, 2));
    EXPECT_EQ(0, info.usable);
    EXPECT_NE(nullptr, strstr(info.reason, "/nonexistent/libllm-openblas.so")) << info.reason;
    llm_device *device;
    EXPECT_EQ(LLM_E_DEVICE, llmi_runtime_open_device(&device, rt, "openblas", LLM_ACTIVATIONS_AUTO));
    EXPECT_NE(nullptr, strstr(llm_last_error(), "/nonexistent/libllm-openblas.so")) << llm_last_error();
    llm_runtime_unref(rt);
}

TEST_F(Plugins, ManyThreadsMayLookAtOnce) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; t++)
        threads.emplace_back([this] {
            for (int32_t i = 0; i < llm_runtime_device_count(rt); i++) {
                llm_device_info info = {};
                info.struct_size = sizeof info;
                EXPECT_EQ(LLM_OK, llm_runtime_device_get(&info, rt, i));
            }
            EXPECT_EQ(LLM_OK, open("tiny"));
        });
    for (auto &thread : threads) thread.join();
}

/* ---- the checking device ---- */

float norm_first(llm_runtime *rt, const char *name, llm_status *status) {
    llm_device *d = nullptr;
    *status = llmi_runtime_open_device(&d, rt, name, LLM_ACTIVATIONS_AUTO);
    if (*status != LLM_OK) return 0;
    llm_op op = {};
    op.kind = LLM_OP_NORM;
    op.layer = 3;
    op.in[0] = op.out[0] = {0, 4, 4, LLM_ROWS_STEP};
    llm_program program = {};
    program.op_size = sizeof op;
    program.ops = &op;
    program.n_ops = 1;
    program.limits.rows[LLM_ROWS_STEP] = 2;
    llm_stream_options options = {};
    options.program = &program;
    llm_stream *s = nullptr;
    float values[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int32_t zeros[3] = {0, 0, 0};
    program.workspace_bytes = sizeof values;
    *status = d->ops->stream_create(&s, d, &options);
    void *memory = nullptr;
    if (*status == LLM_OK) *status = d->ops->mem_alloc(&memory, d, sizeof values);
    if (*status == LLM_OK) {
        llm_step step = {};
        step.rows[LLM_ROWS_STEP] = 2;
        step.tokens = step.positions = step.row_seq = step.seq_rows = zeros;
        step.workspace = static_cast<char *>(memory);
        s->ops->upload(s, memory, values, sizeof values);
        s->ops->run(s, &step, 0, 1);
        s->ops->download(s, values, memory, sizeof values);
        *status = s->ops->sync(s);
        llmi_error_copy copy;
        llmi_error_save(&copy, *status);
        EXPECT_EQ(LLM_OK, s->ops->sync(s)) << "a failure is reported once";
        if (*status != LLM_OK) llmi_error_restore(&copy);
    }
    if (memory) d->ops->mem_free(d, memory, sizeof values);
    if (s) d->ops->stream_destroy(s);
    d->ops->close(d);
    return values[0];
}

TEST_F(Plugins, CheckedDeviceAgreesWithACorrectOne) {
    llm_status status;
    EXPECT_NEAR(1 / std::sqrt(7.5f), norm_first(rt, "checked-tiny", &status), 1e-6f);
    EXPECT_EQ(LLM_OK, status) << llm_last_error();
}

TEST(Traced, ComputesTheSameAndTellsTheTimeOfEachOperation) {
    std::vector<std::string> lines;
    llm_runtime_options o = with_plugins();
    o.log_level = LLM_LOG_INFO;
    o.log_user = &lines;
    o.log = [](void *user, int32_t, const char *text) {
        static_cast<std::vector<std::string> *>(user)->push_back(text);
    };
    llm_runtime *rt = nullptr;
    ASSERT_EQ(LLM_OK, llm_runtime_create(&rt, &o));
    llm_status status, plain_status;
    float plain = norm_first(rt, "tiny", &plain_status);
    EXPECT_EQ(plain, norm_first(rt, "traced-tiny", &status));
    EXPECT_EQ(LLM_OK, status) << llm_last_error();
    ASSERT_EQ(10u, lines.size()); // head, kinds, outside, layers 0 to 3, all, share, rate
    EXPECT_EQ("trace of prompts: 1 steps, milliseconds by layer and operation", lines[0]);
    EXPECT_NE(std::string::npos, lines[1].find("EMBED      NORM    LINEAR"));
    EXPECT_EQ(0u, lines[2].find("       -     0.000     0.000"));
    EXPECT_EQ(0u, lines[6].find("       3 "));
    EXPECT_EQ(0u, lines[7].find("     all "));
    EXPECT_NE(std::string::npos, lines[8].find("   100.0 %")) << "NORM took all of it";
    llm_runtime_unref(rt);
}

TEST_F(Plugins, CheckedDeviceFindsAWrongOne) {
    llm_status status;
    norm_first(rt, "checked-tiny-wrong", &status);
    EXPECT_EQ(LLM_E_NUMERIC, status);
    EXPECT_NE(nullptr, strstr(llm_last_error(), "NORM of layer 3: row 0, column 0")) << llm_last_error();
}

} // namespace
