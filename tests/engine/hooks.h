/* Puts functions of the test before a device's operations: to look at a step's rows, to cancel in the
 * middle of one, to let it fail. One at a time; made before the engine and gone after it. */
#ifndef TEST_ENGINE_HOOKS_H
#define TEST_ENGINE_HOOKS_H

#include <llm/sys/interpret.h>

#include <map>

#include "engine/harness.h"

class Hooks {
  public:
    explicit Hooks(Model &model) : device(model.m->device), real(device->ops) {
        current() = this;
        patched = *real;
        patched.stream_create = stream_create;
        device->ops = &patched;
    }
    ~Hooks() {
        device->ops = real;
        current() = nullptr;
    }
    Hooks(const Hooks &) = delete;

    std::function<void(const llm_step &)> on_kv_write; /* once a layer */
    std::function<void()> on_copy;
    std::function<llm_status()> on_sync; /* anything but LLM_OK is what sync answers */

    int n_steps = 0;
    int64_t n_rows = 0; /* computed, also by steps that were stopped */
    int32_t max_rows = 0, max_seqs = 0;
    int n_copies = 0;

  private:
    static Hooks *&current() {
        static Hooks *hooks = nullptr;
        return hooks;
    }
    static llm_status stream_create(llm_stream **out, llm_device *d, const llm_stream_options *o) {
        Hooks *h = current();
        llm_status status = h->real->stream_create(out, d, o);
        if (status != LLM_OK) return status;
        h->ops = (*out)->ops;
        h->stream = *h->ops;
        h->stream.run = run;
        h->stream.state_copy = state_copy;
        h->stream.sync = sync;
        h->programs[*out] = o->program;
        (*out)->ops = &h->stream;
        return status;
    }
    // One operation after the other.
    static void run(llm_stream *s, const llm_step *step, int32_t first, int32_t n) {
        Hooks *h = current();
        h->n_steps++;
        h->n_rows += step->rows[LLM_ROWS_STEP];
        h->max_rows = std::max(h->max_rows, step->rows[LLM_ROWS_STEP]);
        h->max_seqs = std::max(h->max_seqs, step->seqs);
        const llm_program *program = h->programs.at(s);
        for (int32_t i = first; i < first + n; i++) {
            if (llm_program_op(program, i)->kind == LLM_OP_KV_WRITE && h->on_kv_write) h->on_kv_write(*step);
            h->ops->run(s, step, i, 1);
        }
    }
    static void state_copy(llm_stream *s, llm_state *state, int32_t dst, int32_t src, int32_t n) {
        Hooks *h = current();
        h->n_copies++;
        if (h->on_copy) h->on_copy();
        h->ops->state_copy(s, state, dst, src, n);
    }
    static llm_status sync(llm_stream *s) {
        Hooks *h = current();
        llm_status status = h->ops->sync(s);
        llm_status own = h->on_sync ? h->on_sync() : LLM_OK;
        return own != LLM_OK ? own : status;
    }

    llm_device *device;
    const llm_device_ops *real;
    llm_device_ops patched = {};
    const llm_stream_ops *ops = nullptr;
    std::map<llm_stream *, const llm_program *> programs;
    llm_stream_ops stream = {};
};

#endif
