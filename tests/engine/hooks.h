/* Puts functions of the test before a device's operations: to look at a step's rows, to cancel in the
 * middle of one, to let it fail. One at a time; made before the engine and gone after it. */
#ifndef TEST_ENGINE_HOOKS_H
#define TEST_ENGINE_HOOKS_H

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

    std::function<void(const llm_batch &)> on_kv_write; /* once a layer */
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
        h->stream.kv_write = kv_write;
        h->stream.kv_copy = kv_copy;
        h->stream.sync = sync;
        (*out)->ops = &h->stream;
        return status;
    }
    static void kv_write(llm_stream *s, llm_kv *kv, int32_t layer, llm_view k, llm_view v, const llm_batch *b) {
        Hooks *h = current();
        if (layer == 0) {
            h->n_steps++;
            h->n_rows += b->n_rows;
            h->max_rows = std::max(h->max_rows, b->n_rows);
            h->max_seqs = std::max(h->max_seqs, b->n_seqs);
        }
        if (h->on_kv_write) h->on_kv_write(*b);
        h->ops->kv_write(s, kv, layer, k, v, b);
    }
    static void kv_copy(llm_stream *s, llm_kv *kv, int32_t dst, int32_t src, int32_t n) {
        Hooks *h = current();
        h->n_copies++;
        if (h->on_copy) h->on_copy();
        h->ops->kv_copy(s, kv, dst, src, n);
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
    llm_stream_ops stream = {};
};

#endif
