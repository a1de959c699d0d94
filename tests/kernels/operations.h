// A device's operations as functions of the test's own matrices. The workspace of the programs is all memory: a value's
// offset is its address.
#ifndef TEST_KERNELS_OPERATIONS_H
#define TEST_KERNELS_OPERATIONS_H

#include <llm/sys/interpret.h>

#include <algorithm>
#include <cstdint>
#include <vector>

// Operations in order, the rows that they are run on, and the states that they use.
struct Program {
    static char *base() { return reinterpret_cast<char *>(64); }

    std::vector<llm_op> ops;
    std::vector<llm_state_desc> states;
    llm_limits limits{};
    llm_step step{};
    llm_program program{};

    Program() { step.workspace = base(); }

    llm_value value(llm_view v, int32_t rows = LLM_ROWS_STEP) {
        step.rows[rows] = static_cast<int32_t>(v.rows);
        limits.rows[rows] = std::max(limits.rows[rows], step.rows[rows]);
        return {v.data ? reinterpret_cast<char *>(v.data) - base() : 0, static_cast<int32_t>(v.cols),
                static_cast<int32_t>(v.stride), rows};
    }

    // Valid until this changes.
    const llm_program *sealed() {
        program.struct_size = sizeof program;
        program.op_size = sizeof(llm_op);
        program.ops = ops.data();
        program.n_ops = static_cast<int32_t>(ops.size());
        program.states = states.data();
        program.n_states = static_cast<int32_t>(states.size());
        program.n_groups = states.empty() ? 0 : 1;
        program.limits = limits;
        program.workspace_bytes = SIZE_MAX;
        return &program;
    }

    llm_op &add(int32_t kind) {
        ops.emplace_back();
        ops.back().kind = kind;
        ops.back().layer = -1;
        return ops.back();
    }
    void embed(llm_view out, const llm_weight *w, const int32_t *ids) {
        llm_value y = value(out);
        llm_op &op = add(LLM_OP_EMBED);
        op.out[0] = y;
        op.w[0] = w;
        step.tokens = ids;
    }
    void norm(llm_view out, llm_view x, const llm_weight *w, float eps, int32_t group = 0) {
        llm_op &op = add(LLM_OP_NORM);
        op.in[0] = value(x);
        op.out[0] = value(out);
        op.w[0] = w;
        op.u.norm = {group, eps};
    }
    void angles(llm_view out, const int32_t *positions, const llm_weight *inv_freq, float scale) {
        llm_op &op = add(LLM_OP_ANGLES);
        op.out[0] = value(out);
        op.w[0] = inv_freq;
        op.u.angles = {scale};
        step.positions = positions;
    }
    void rope(llm_view x, llm_view angles, int32_t head_dim, int32_t style) {
        llm_op &op = add(LLM_OP_ROPE);
        op.in[0] = op.out[0] = value(x);
        op.in[1] = value(angles);
        op.u.rope = {head_dim, style};
    }
    void act(llm_view out, llm_view gate, llm_view up, int32_t kind) {
        llm_op &op = add(LLM_OP_ACT);
        op.in[0] = value(gate);
        op.in[1] = value(up);
        op.out[0] = value(out);
        op.u.act = {kind};
    }
    void gather(llm_view out, llm_view x, const int32_t *rows) {
        llm_op &op = add(LLM_OP_GATHER);
        op.in[0] = value(x);
        op.out[0] = value(out, LLM_ROWS_OUT);
        step.out_rows = rows;
    }

    struct Product {
        const llm_weight *w = nullptr, *bias = nullptr;
        llm_view out{};
        bool accumulate = false;
    };
    void linear(llm_view x, const std::vector<Product> &products) {
        llm_op &op = add(LLM_OP_LINEAR);
        op.in[0] = value(x);
        op.u.linear = {static_cast<int32_t>(products.size()), 0};
        for (size_t i = 0; i < products.size() && i < LLM_MAX_PRODUCTS; i++) {
            op.out[i] = value(products[i].out);
            op.w[2 * i] = products[i].w;
            op.w[2 * i + 1] = products[i].bias;
            op.u.linear.accumulate |= static_cast<uint32_t>(products[i].accumulate) << i;
        }
    }

    // Of a step over paged states: its rows and pages.
    void on(const llm_step &of_step) {
        char *workspace = step.workspace;
        step = of_step;
        step.workspace = workspace;
    }
    void kv_write(int32_t state, llm_view k, llm_view v) {
        llm_op &op = add(LLM_OP_KV_WRITE);
        op.in[0] = value(k);
        op.in[1] = value(v);
        op.u.kv_write = {state};
    }
    void attend(llm_view q, llm_view out, llm_attend_args args) {
        llm_op &op = add(LLM_OP_ATTEND);
        op.in[0] = value(q);
        op.out[0] = value(out);
        op.u.attend = args;
    }
};

// Runs each operation as it is called, as a program of its own. As a stream it keeps the first failure, and does
// nothing more, until sync tells it.
class Operations {
  public:
    using Product = Program::Product;

    llm_device *device = nullptr;
    const llm_pool *pool = nullptr;
    const int32_t *stop = nullptr;
    std::vector<llm_state_desc> states; // of later operations, with
    int32_t page_tokens = 0;

    llm_stream_options options(const llm_program *program) const {
        llm_stream_options o{};
        o.struct_size = sizeof o;
        o.program = program;
        o.pool = pool;
        o.stop = stop;
        return o;
    }

    void run(Program &p) {
        p.states = states;
        p.limits.page_tokens = page_tokens;
        llm_stream_options o = options(p.sealed());
        with_stream(o, [&](llm_stream *s) { s->ops->run(s, &p.step, 0, o.program->n_ops); });
    }
    llm_status sync() {
        llm_status status = failure_;
        failure_ = LLM_OK;
        return status;
    }

    template <class... Args> void embed(Args... args) { one(&Program::embed, args...); }
    void norm(llm_view out, llm_view x, const llm_weight *w, float eps, int32_t group = 0) {
        one(&Program::norm, out, x, w, eps, group);
    }
    template <class... Args> void angles(Args... args) { one(&Program::angles, args...); }
    template <class... Args> void rope(Args... args) { one(&Program::rope, args...); }
    template <class... Args> void act(Args... args) { one(&Program::act, args...); }
    template <class... Args> void gather(Args... args) { one(&Program::gather, args...); }
    void linear(llm_view x, const std::vector<Product> &products) {
        Program p;
        p.linear(x, products);
        run(p);
    }
    void kv_write(int32_t state, llm_view k, llm_view v, const llm_step &step) {
        Program p;
        p.on(step);
        p.kv_write(state, k, v);
        run(p);
    }
    void attend(llm_view q, llm_view out, llm_attend_args args, const llm_step &step) {
        Program p;
        p.on(step);
        p.attend(q, out, args);
        run(p);
    }
    void copy_page(llm_state *state, int32_t dst, int32_t src, int32_t n_tokens) {
        Program p;
        llm_stream_options o = options(p.sealed());
        with_stream(o, [&](llm_stream *s) { s->ops->state_copy(s, state, dst, src, n_tokens); });
    }

  private:
    template <class... Parameters, class... Args> void one(void (Program::*record)(Parameters...), Args... args) {
        Program p;
        (p.*record)(args...);
        run(p);
    }
    template <class Body> void with_stream(const llm_stream_options &o, const Body &body) {
        llm_stream *s = nullptr;
        if (failure_ != LLM_OK) return;
        failure_ = device->ops->stream_create(&s, device, &o);
        if (failure_ != LLM_OK) return;
        body(s);
        failure_ = s->ops->sync(s);
        device->ops->stream_destroy(s);
    }

    llm_status failure_ = LLM_OK;
};

#endif
