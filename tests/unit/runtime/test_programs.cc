// Random programs of every operation, on values that are slices of wider rows, run step by step on each back end beside
// the reference, which repeats every operation from the same inputs (runtime/check.h).
#include <gtest/gtest.h>
#include <llm/sys/interpret.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "kernels/dtype.h"

extern "C" {
#include "base/status.h"
#include "base/workers.h"
#include "runtime/runtime.h"
}

namespace {

constexpr int32_t n_vocab = 50, n_freq = 8, page_tokens = 16, n_pages = 12, max_seqs = 3, max_rows = 24;

// The workspace: buffers of rows of one kind, wider than the values in them.
struct Buffer {
    int64_t offset;
    int32_t width, rows;
};

class RandomProgram {
  public:
    llm_program program{};
    std::vector<float> content; // of the workspace before a step

    RandomProgram(llm_device *device, bool all_types, uint32_t seed) : d(device), types(all_types), random(seed) {
        for (int32_t rows : {LLM_ROWS_STEP, LLM_ROWS_STEP, LLM_ROWS_STEP, LLM_ROWS_STEP, LLM_ROWS_STEP, LLM_ROWS_STEP,
                             LLM_ROWS_STEP, LLM_ROWS_OUT, LLM_ROWS_OUT}) {
            int32_t width = 512 + below(64);
            buffers.push_back({static_cast<int64_t>(content.size() * sizeof(float)), width, rows});
            content.resize(content.size() + static_cast<size_t>(max_rows * width));
        }
        for (int32_t i = 0, n = 1 + below(3); i < n; i++) {
            int32_t dim = one_of({8, 16, 24, 40, 64}), heads = 1 + below(3);
            llm_dtype dtype = types && below(2) ? LLM_DTYPE_F16 : LLM_DTYPE_F32;
            states.push_back({LLM_STATE_PAGED, 0, heads, dim, dim, dtype, 0});
        }
        for (int32_t i = 0; i < 12; i++)
            (this->*kinds[static_cast<size_t>(below(static_cast<int32_t>(kinds.size())))])();
        program.struct_size = sizeof program;
        program.op_size = sizeof(llm_op);
        program.ops = ops.data();
        program.n_ops = static_cast<int32_t>(ops.size());
        program.states = states.data();
        program.n_states = static_cast<int32_t>(states.size());
        program.n_groups = 1;
        program.limits = {{max_rows, max_rows, max_rows}, max_seqs, page_tokens, LLM_DTYPE_F32};
        program.workspace_bytes = content.size() * sizeof(float);
    }
    ~RandomProgram() {
        for (llm_weight *w : weights) d->ops->weight_free(d, w);
    }
    RandomProgram(const RandomProgram &) = delete;

    void fill() {
        for (float &x : content) x = normal(random);
    }
    int32_t below(int32_t n) { return static_cast<int32_t>(random() % static_cast<uint32_t>(n)); }

  private:
    using Kind = void (RandomProgram::*)();
    static const std::vector<Kind> kinds;

    int32_t one_of(std::initializer_list<int32_t> values) {
        return values.begin()[below(static_cast<int32_t>(values.size()))];
    }

    // A slice of a buffer that is not among `used`, which it joins.
    llm_value slice(int32_t rows, int32_t cols, std::vector<size_t> &used) {
        for (;;) {
            size_t i = static_cast<size_t>(below(static_cast<int32_t>(buffers.size())));
            const Buffer &b = buffers[i];
            if (b.rows != rows || std::count(used.begin(), used.end(), i)) continue;
            used.push_back(i);
            return {b.offset + 4 * below(b.width - cols + 1), cols, b.width, rows};
        }
    }
    llm_op &add(int32_t kind) {
        ops.emplace_back();
        ops.back().kind = kind;
        ops.back().layer = static_cast<int32_t>(ops.size()) - 1;
        return ops.back();
    }

    const llm_weight *put(const llmk_dtype *type, int64_t rows, int64_t cols, float size) {
        std::vector<float> x(static_cast<size_t>(rows * cols));
        for (float &v : x) v = size * normal(random);
        size_t n_bytes = static_cast<size_t>(rows * cols / type->block_elems * type->block_bytes);
        data.emplace_back(n_bytes / sizeof(uint64_t) + 1);
        type->quantize(data.back().data(), x.data(), rows * cols);
        llm_tensor tensor = {"w", data.back().data(), n_bytes, rows, cols, type->dtype, below(2)};
        llm_weight *w = nullptr;
        size_t private_bytes = 0;
        EXPECT_EQ(LLM_OK, d->ops->weight_put(&w, &private_bytes, d, &tensor)) << llm_last_error();
        weights.push_back(w);
        return w;
    }
    const llm_weight *matrix(int64_t rows, int32_t cols, float size) {
        const llmk_dtype *type = llmk_dtype_get(LLM_DTYPE_F32);
        while (types) {
            type = llmk_dtype_at(below(64));
            if (type && cols % type->block_elems == 0) break;
        }
        return put(type, rows, cols, size);
    }
    const llm_weight *vector(int32_t cols) { return put(llmk_dtype_get(LLM_DTYPE_F32), 1, cols, 1); }

    void embed() {
        std::vector<size_t> used;
        int32_t cols = one_of({32, 96, 256});
        llm_value out = slice(LLM_ROWS_STEP, cols, used);
        const llm_weight *w = matrix(n_vocab, cols, 1);
        llm_op &op = add(LLM_OP_EMBED);
        op.out[0] = out;
        op.w[0] = w;
    }
    llm_value normed(llm_value x, int32_t group) {
        const llm_weight *w = below(2) ? vector(group ? group : x.cols) : nullptr;
        llm_op &op = add(LLM_OP_NORM);
        op.in[0] = op.out[0] = x;
        op.w[0] = w;
        op.u.norm = {group, 1e-5f};
        return x;
    }
    void norm() {
        std::vector<size_t> used;
        int32_t heads = 1 + below(4), group = one_of({1, 7, 16, 33, 64}),
                rows = below(4) ? LLM_ROWS_STEP : LLM_ROWS_OUT;
        llm_value x = normed(slice(rows, heads * group, used), below(2) ? group : 0);
        if (below(2)) ops.back().out[0] = slice(rows, x.cols, used);
    }
    void linear() {
        std::vector<size_t> used;
        int32_t rows = below(3), cols = one_of({32, 64, 256, 512}), n = rows == LLM_ROWS_STEP ? 1 + below(4) : 1;
        llm_op op{};
        op.in[0] = slice(rows == LLM_ROWS_STEP ? rows : LLM_ROWS_OUT, cols, used);
        op.in[0].rows = rows;
        op.u.linear.n = n;
        for (int32_t i = 0; i < n; i++) {
            int32_t n_out = 17 + below(100);
            op.out[i] = slice(rows == LLM_ROWS_STEP ? rows : LLM_ROWS_OUT, n_out, used);
            op.out[i].rows = rows;
            op.w[2 * i] = matrix(n_out, cols, 1 / std::sqrt(static_cast<float>(cols)));
            op.w[2 * i + 1] = below(2) ? vector(n_out) : nullptr;
            op.u.linear.accumulate |= static_cast<uint32_t>(below(2)) << i;
        }
        llm_op &added = add(LLM_OP_LINEAR);
        op.kind = added.kind, op.layer = added.layer;
        added = op;
    }
    void act() {
        std::vector<size_t> used;
        int32_t cols = 1 + below(300);
        llm_value gate = normed(slice(LLM_ROWS_STEP, cols, used), 0), up = slice(LLM_ROWS_STEP, cols, used);
        llm_value out = below(2) ? gate : below(2) ? up : slice(LLM_ROWS_STEP, cols, used);
        llm_op &op = add(LLM_OP_ACT);
        op.in[0] = gate;
        op.in[1] = up;
        op.out[0] = out;
        op.u.act = {below(LLM_N_ACTS)};
    }
    void rope() {
        std::vector<size_t> used;
        int32_t head_dim = 2 * n_freq + below(20);
        llm_value turns = slice(LLM_ROWS_STEP, 2 * n_freq, used);
        llm_value x = slice(LLM_ROWS_STEP, head_dim * (1 + below(5)), used);
        const llm_weight *inv_freq = put(llmk_dtype_get(LLM_DTYPE_F32), 1, n_freq, 0.2f);
        llm_op &angles = add(LLM_OP_ANGLES);
        angles.out[0] = turns;
        angles.w[0] = inv_freq;
        angles.u.angles = {1 + 0.1f * static_cast<float>(below(3))};
        llm_op &op = add(LLM_OP_ROPE);
        op.in[0] = op.out[0] = x;
        op.in[1] = turns;
        op.u.rope = {head_dim, below(LLM_N_ROPE_STYLES)};
    }
    // Normalized first, so that no score is so large that its last bit decides.
    void attend() {
        std::vector<size_t> used;
        int32_t state = below(static_cast<int32_t>(states.size()));
        const llm_state_desc &s = states[static_cast<size_t>(state)];
        int32_t n_heads = s.n_heads * (1 + below(2));
        llm_value k = normed(slice(LLM_ROWS_STEP, s.n_heads * s.k_dim, used), s.k_dim);
        llm_value v = normed(slice(LLM_ROWS_STEP, s.n_heads * s.v_dim, used), 0);
        llm_value q = normed(slice(LLM_ROWS_STEP, n_heads * s.k_dim, used), s.k_dim);
        llm_value out = below(2) ? q : slice(LLM_ROWS_STEP, n_heads * s.v_dim, used);
        llm_op &write = add(LLM_OP_KV_WRITE);
        write.in[0] = k;
        write.in[1] = v;
        write.u.kv_write = {state};
        llm_op &op = add(LLM_OP_ATTEND);
        op.in[0] = q;
        op.out[0] = out;
        op.u.attend = {state, n_heads, one_of({0, 0, 1, 5, 20}), 1 / std::sqrt(static_cast<float>(s.k_dim))};
    }
    void gather() {
        std::vector<size_t> used;
        int32_t cols = 1 + below(512);
        llm_op &op = add(LLM_OP_GATHER);
        op.in[0] = slice(LLM_ROWS_STEP, cols, used);
        op.out[0] = slice(LLM_ROWS_OUT, cols, used);
    }

    llm_device *d;
    bool types; // all of them, else F32 alone
    std::mt19937 random;
    std::normal_distribution<float> normal{0, 1};
    std::vector<Buffer> buffers;
    std::vector<llm_op> ops;
    std::vector<llm_state_desc> states;
    std::deque<std::vector<uint64_t>> data;
    std::vector<llm_weight *> weights;
};

const std::vector<RandomProgram::Kind> RandomProgram::kinds = {
    &RandomProgram::embed, &RandomProgram::norm,   &RandomProgram::linear, &RandomProgram::linear, &RandomProgram::act,
    &RandomProgram::rope,  &RandomProgram::attend, &RandomProgram::attend, &RandomProgram::gather,
};

// Rows of some sequences, in order: a[i] rows of sequence i after those it had.
struct Rows {
    std::vector<int32_t> tokens, positions, row_seq, seq_rows{0}, out_rows, pages;
    llm_state_table table{};
    llm_step step{};
};

// A program on a device, for several steps of some sequences.
class Steps {
  public:
    Steps(llm_device *device, const llm_pool *pool, RandomProgram &what) : d(device), p(what) {
        llm_stream_options options = {};
        options.struct_size = sizeof options;
        options.program = &p.program;
        options.pool = pool;
        if (d->ops->weights_prepare) check(d->ops->weights_prepare(d, pool));
        check(d->ops->stream_create(&s, d, &options));
        check(d->ops->state_create(&state, d, &p.program, 0, n_pages));
        check(d->ops->mem_alloc(&workspace, d, p.program.workspace_bytes));
    }
    ~Steps() {
        d->ops->mem_free(d, workspace, p.program.workspace_bytes);
        d->ops->state_free(d, state);
        d->ops->stream_destroy(s);
    }

    // In two ranges of operations.
    llm_status step(const std::vector<int32_t> &more) {
        Rows r;
        for (int32_t q = 0; q < max_seqs; q++) {
            for (int32_t i = 0; i < more[static_cast<size_t>(q)]; i++) {
                r.tokens.push_back(p.below(n_vocab));
                r.positions.push_back(done[q]++);
                r.row_seq.push_back(q);
            }
            r.seq_rows.push_back(static_cast<int32_t>(r.positions.size()));
            for (int32_t i = 0; i < n_pages / max_seqs; i++) r.pages.push_back((q + max_seqs * i) * 5 % n_pages);
        }
        int32_t n = static_cast<int32_t>(r.tokens.size());
        for (int32_t i = 0; i < n; i++)
            if (p.below(2)) r.out_rows.push_back(i);
        r.table = {state, r.pages.data(), n_pages / max_seqs};
        r.step.struct_size = sizeof r.step;
        r.step.rows[LLM_ROWS_STEP] = n;
        r.step.rows[LLM_ROWS_OUT] = static_cast<int32_t>(r.out_rows.size());
        r.step.rows[LLM_ROWS_LOGITS] = r.step.rows[LLM_ROWS_OUT] / 2;
        r.step.seqs = max_seqs;
        r.step.tokens = r.tokens.data();
        r.step.positions = r.positions.data();
        r.step.row_seq = r.row_seq.data();
        r.step.seq_rows = r.seq_rows.data();
        r.step.out_rows = r.out_rows.data();
        r.step.tables = &r.table;
        r.step.workspace = static_cast<char *>(workspace);
        int32_t cut = p.below(p.program.n_ops);
        p.fill();
        s->ops->upload(s, workspace, p.content.data(), p.program.workspace_bytes);
        s->ops->run(s, &r.step, 0, cut);
        s->ops->run(s, &r.step, cut, p.program.n_ops - cut);
        return s->ops->sync(s);
    }

  private:
    static void check(llm_status status) { ASSERT_EQ(LLM_OK, status) << llm_last_error(); }

    llm_device *d;
    RandomProgram &p;
    llm_stream *s = nullptr;
    llm_state *state = nullptr;
    void *workspace = nullptr;
    int32_t done[max_seqs] = {0};
};

struct Backend {
    const char *name, *plugin_dir;
    int32_t cpu_mask;
    bool all_types;
};

void PrintTo(const Backend &b, std::ostream *out) {
    *out << b.name << " mask " << b.cpu_mask;
}

class Programs : public ::testing::TestWithParam<Backend> {};

TEST_P(Programs, AreComputedAsByTheReference) {
    llm_runtime_options o = llmi_runtime_defaults;
    o.plugin_dir = GetParam().plugin_dir;
    o.cpu_mask = GetParam().cpu_mask;
    llm_runtime *rt = nullptr;
    ASSERT_EQ(LLM_OK, llm_runtime_create(&rt, &o));
    llmi_workers *workers = nullptr;
    ASSERT_EQ(LLM_OK, llmi_workers_create(&workers, llmi_runtime_allocator(rt), 2));
    for (uint32_t seed = 0; seed < 40; seed++) {
        llm_device *d = nullptr;
        ASSERT_EQ(LLM_OK, llmi_runtime_open_device(&d, rt, GetParam().name, LLM_ACTIVATIONS_AUTO)) << llm_last_error();
        {
            RandomProgram program(d, GetParam().all_types, seed);
            Steps run(d, llmi_workers_pool(workers), program);
            for (const std::vector<int32_t> &more :
                 {std::vector<int32_t>{17, 3, 0}, {1, 1, 1}, {0, 1, 20}, {1, 1, 1}, {0, 0, 1}, {1, 2, 1}})
                ASSERT_EQ(LLM_OK, run.step(more)) << "seed " << seed << ": " << llm_last_error();
        }
        d->ops->close(d);
    }
    llmi_workers_destroy(workers);
    llm_runtime_unref(rt);
}

INSTANTIATE_TEST_SUITE_P(Backends, Programs,
                         ::testing::Values(Backend{"checked-cpu", nullptr, LLM_CPU_ALL, true},
                                           Backend{"checked-cpu", nullptr, 0, true},
                                           Backend{"checked-cpu", nullptr, LLM_CPU_AVX2 | LLM_CPU_AVX512, true},
                                           Backend{"checked-cpu", nullptr, LLM_CPU_AVX2, true},
#ifdef LLM_OPENBLAS_DIR
                                           Backend{"checked-openblas", LLM_OPENBLAS_DIR, LLM_CPU_ALL, true},
#endif
                                           Backend{"checked-tiny", LLM_PLUGIN_DIR, 0, false}));

} // namespace
