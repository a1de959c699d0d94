#include <gtest/gtest.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "counting.h"
#include "sanitized.h"

extern "C" {
#include "base/status.h"
#include "base/workers.h"
}

namespace {

class Pool {
  public:
    explicit Pool(int n_threads) {
        EXPECT_EQ(LLM_OK, llmi_workers_create(&w, &llmi_default_allocator, n_threads)) << llm_last_error();
        pool = llmi_workers_pool(w);
    }
    ~Pool() { llmi_workers_destroy(w); }
    void run(int n_tasks, void (*task)(void *, int32_t), void *arg) { pool->run(pool->user, n_tasks, task, arg); }
    llmi_workers *w = nullptr;
    const llm_pool *pool = nullptr;
};

struct Counts {
    explicit Counts(size_t n) : each(n) {}
    std::vector<std::atomic<int>> each;
    static void task(void *arg, int32_t i) { static_cast<Counts *>(arg)->each[(size_t)i]++; }
};

TEST(Workers, EachTaskRunsExactlyOnceBeforeTheLoopReturns) {
    for (int n_threads : {1, 2, 3, 8}) {
        Pool p(n_threads);
        EXPECT_EQ(n_threads, p.pool->n_threads);
        for (int n_tasks : {0, 1, 2, 3, 7, 100, 1000}) {
            Counts counts((size_t)n_tasks);
            p.run(n_tasks, Counts::task, &counts);
            for (auto &c : counts.each) ASSERT_EQ(1, c.load());
        }
    }
}

TEST(Workers, ManyShortLoopsInARow) { /* helpers arrive late, early, asleep */
    Pool p(4);
    long sum = 0, want = 0;
    for (int round = 0; round < 20000; round++) {
        int n = 1 + round % 9;
        std::atomic<long> here{0};
        p.run(
            n, [](void *arg, int32_t i) { *static_cast<std::atomic<long> *>(arg) += i + 1; }, &here);
        sum += here;
        want += (long)n * (n + 1) / 2;
        if (round % 2000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_EQ(want, sum);
}

TEST(Workers, ResultsOfTasksAreVisibleToTheCaller) {
    Pool p(4);
    std::vector<int> plain(512);
    for (int round = 1; round < 300; round++) {
        p.run(
            512, [](void *arg, int32_t i) { (*static_cast<std::vector<int> *>(arg))[(size_t)i] += i; }, &plain);
        for (int i = 0; i < 512; i++) ASSERT_EQ(round * i, plain[(size_t)i]);
    }
}

TEST(Workers, MoreThanOneThreadTakesPart) {
    Pool p(2);
    struct Seen {
        std::atomic<int> inside{0}, most{0};
    } seen;
    for (int attempt = 0; attempt < 50 && seen.most < 2; attempt++)
        p.run(
            2,
            [](void *arg, int32_t) {
                auto *s = static_cast<Seen *>(arg);
                int now = ++s->inside;
                if (now > s->most) s->most = now;
                for (int i = 0; i < 100 && s->most < 2; i++) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                s->inside--;
            },
            &seen);
    EXPECT_EQ(2, seen.most.load());
}

TEST(Workers, PoolsOfDifferentThreadsDoNotMeet) {
    std::vector<std::thread> hosts;
    for (int h = 0; h < 4; h++)
        hosts.emplace_back([] {
            for (int round = 0; round < 20; round++) {
                Pool p(3);
                Counts counts(50);
                for (int i = 0; i < 20; i++) p.run(50, Counts::task, &counts);
                for (auto &c : counts.each) EXPECT_EQ(20, c.load());
            }
        });
    for (auto &t : hosts) t.join();
}

std::set<std::string> threads() {
    std::set<std::string> ids;
    for (auto &entry : std::filesystem::directory_iterator("/proc/self/task")) ids.insert(entry.path().filename());
    return ids;
}

/* Of all threads but some: whether each sleeps, and how often they were put on or off a core. */
bool others_sleep(long *n_switches, const std::set<std::string> &but) {
    bool sleep = true;
    *n_switches = 0;
    for (auto &entry : std::filesystem::directory_iterator("/proc/self/task")) {
        if (but.count(entry.path().filename())) continue;
        std::ifstream status(entry.path() / "status");
        for (std::string line; std::getline(status, line);) {
            long n = 0;
            if (line.rfind("State:", 0) == 0) sleep = sleep && line.find('S', 6) != std::string::npos;
            if (sscanf(line.c_str(), "voluntary_ctxt_switches: %ld", &n) == 1 ||
                sscanf(line.c_str(), "nonvoluntary_ctxt_switches: %ld", &n) == 1)
                *n_switches += n;
        }
    }
    return sleep;
}

/* They give up waiting for work after a while, and then none wakes by itself. */
TEST(Workers, IdleHelpersSleep) {
    std::thread([] {}).join(); /* with the first one a sanitizer may begin its own, which wakes ten times a second */
    const std::set<std::string> not_helpers = threads();
    Pool p(8);
    Counts counts(100);
    p.run(100, Counts::task, &counts);
    long before = 0, after = -1;
    for (int i = 0; before != after; i++) { /* one that is seen asleep may only have waited for a lock */
        ASSERT_LT(i, 100);
        bool asleep = others_sleep(&before, not_helpers);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        if (!others_sleep(&after, not_helpers) || !asleep) after = -1;
    }
    p.run(100, Counts::task, &counts);
    for (auto &c : counts.each) EXPECT_EQ(2, c.load());
}

std::atomic<int> n_signals{0}, n_foreign{0};
pthread_t host_thread;

void on_signal(int) {
    n_signals++;
    if (!pthread_equal(pthread_self(), host_thread)) n_foreign++;
}

TEST(Workers, SignalsStayWithTheHost) {
    host_thread = pthread_self();
    struct sigaction action = {}, before = {};
    action.sa_handler = on_signal;
    sigaction(SIGUSR1, &action, &before);
    sigset_t mask_before = {}, mask_after = {};
    pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
    {
        Pool p(6);
        pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
        for (int i = 1; i < 32; i++)
            EXPECT_EQ(sigismember(&mask_before, i), sigismember(&mask_after, i)) << "the host's own mask";
        Counts counts(8);
        for (int i = 0; i < 50; i++) {
            kill(getpid(), SIGUSR1);
            p.run(8, Counts::task, &counts);
        }
        for (auto &c : counts.each) EXPECT_EQ(50, c.load());
    }
    sigaction(SIGUSR1, &before, nullptr);
    EXPECT_GT(n_signals.load(), 0);
    EXPECT_EQ(0, n_foreign.load());
}

long status_number(const char *format) {
    long n = 0;
    FILE *f = fopen("/proc/self/status", "r");
    for (char line[256]; f && fgets(line, sizeof line, f);) sscanf(line, format, &n);
    if (f) fclose(f);
    return n;
}

long n_threads_alive() {
    return status_number("Threads: %ld");
}

TEST(Workers, NoThreadIsLeftBehind) {
    Pool(2).run(0, Counts::task, nullptr); /* with the first thread the thread sanitizer starts one of its own */
    long before = n_threads_alive();
    for (int i = 0; i < 50; i++) Pool(5).run(0, Counts::task, nullptr);
    EXPECT_EQ(before, n_threads_alive());
}

TEST(Workers, RangeAndMemoryAreChecked) {
    llmi_workers *w;
    for (int n : {0, -1, 1025}) {
        EXPECT_EQ(LLM_E_ARGUMENT, llmi_workers_create(&w, &llmi_default_allocator, n));
        EXPECT_EQ(nullptr, w);
        EXPECT_NE(nullptr, strstr(llm_last_error(), "expected 1..1024")) << llm_last_error();
    }
    for (int fail_at = 0; fail_at < 2; fail_at++) {
        Counting counting;
        counting.fail_at = fail_at;
        EXPECT_EQ(LLM_E_MEMORY, llmi_workers_create(&w, &counting.allocator, 4));
        EXPECT_EQ(nullptr, w);
        EXPECT_EQ(0, counting.alive);
    }
    llmi_workers_destroy(nullptr);
}

TEST(Workers, RefusedThreadsAreAnErrorWithoutALeak) {
    if (SANITIZED) GTEST_SKIP() << "sanitizers need their address space";
    rlimit before, none = {};
    getrlimit(RLIMIT_AS, &before);
    long threads = n_threads_alive();
    none = before;
    none.rlim_cur = (rlim_t)status_number("VmSize: %ld kB") * 1024 + (32 << 20); /* 32 KiB for each of 1023 */
    Counting counting;
    llmi_workers *w = nullptr;
    ASSERT_EQ(0, setrlimit(RLIMIT_AS, &none));
    llm_status status = llmi_workers_create(&w, &counting.allocator, 1024);
    setrlimit(RLIMIT_AS, &before);
    EXPECT_EQ(LLM_E_MEMORY, status);
    EXPECT_NE(nullptr, strstr(llm_last_error(), "1024 were asked for")) << llm_last_error();
    EXPECT_EQ(0, counting.alive);
    EXPECT_EQ(threads, n_threads_alive());
}

TEST(Cores, FollowAffinity) {
    cpu_set_t before, one;
    ASSERT_EQ(0, sched_getaffinity(0, sizeof before, &before));
    int all = llmi_cores_usable();
    EXPECT_GE(all, 1);
    EXPECT_LE(all, CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &before) && CPU_COUNT(&one) == 0) CPU_SET(i, &one);
    sched_setaffinity(0, sizeof one, &one);
    EXPECT_EQ(1, llmi_cores_usable());
    sched_setaffinity(0, sizeof before, &before);
    EXPECT_EQ(all, llmi_cores_usable());
}

} // namespace
