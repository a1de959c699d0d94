/* The budget and the memory of a rendering. */
#include <stdarg.h>

#include "base/alloc.h"
#include "base/status.h"
#include "base/text.h"
#include "jinja/code.h"
#include "jinja/value.h"

llmi_jinja_limits llmi_jinja_limits_of(const llm_template_options *o) {
    return (llmi_jinja_limits){
        .max_steps = o->max_steps,
        .max_output_bytes = (size_t)o->max_output_bytes,
        .max_memory_bytes = (size_t)o->max_memory_bytes,
        .max_depth = o->max_depth,
    };
}

struct llmi_jinja_block {
    struct llmi_jinja_block *next;
    size_t n_bytes;
    _Alignas(16) char data[];
};

enum { BLOCK_BYTES = 16 << 10 };

void llmi_jinja_run_fail(llmi_jinja_run *r, llm_status status, const char *format, ...) {
    if (r->status != LLM_OK) return;
    char text[384];
    va_list args;
    va_start(args, format);
    llmi_vformat(text, sizeof text, format, args);
    va_end(args);
    r->status = llmi_error(status, "%s%s", llmi_jinja_place_text((char[LLMI_JINJA_PLACE_BYTES]){0}, r->t, r->at), text);
}

bool llmi_jinja_run_spend(llmi_jinja_run *r, int64_t n) {
    if (n <= r->steps) {
        r->steps -= n;
        return r->status == LLM_OK;
    }
    r->steps = 0;
    llmi_jinja_run_fail(r, LLM_E_LIMIT, "the template takes more than the %lld steps it may take",
                        (long long)r->limits->max_steps);
    return false;
}

bool llmi_jinja_run_enter(llmi_jinja_run *r) {
    if (r->depth < r->limits->max_depth) {
        r->depth++;
        return true;
    }
    llmi_jinja_run_fail(r, LLM_E_LIMIT, "calls, loops or values are nested deeper than the limit of %d",
                        r->limits->max_depth);
    return false;
}

void llmi_jinja_run_leave(llmi_jinja_run *r) {
    r->depth--;
}

static void *no_memory(llmi_jinja_run *r, size_t n_bytes) {
    llmi_jinja_run_fail(r, LLM_E_LIMIT, "%zu more bytes exceed the %zu that a rendering may hold", n_bytes,
                        r->limits->max_memory_bytes);
    return NULL;
}

bool llmi_jinja_run_hold(llmi_jinja_run *r, size_t n_bytes) {
    if (n_bytes > r->memory) no_memory(r, n_bytes);
    r->memory -= n_bytes < r->memory ? n_bytes : r->memory;
    return r->status == LLM_OK;
}

void llmi_jinja_run_give_back(llmi_jinja_run *r, size_t n_bytes) {
    r->memory += n_bytes;
}

void *llmi_jinja_run_take(llmi_jinja_run *r, size_t n_bytes) {
    if (r->status != LLM_OK) return NULL;
    if (n_bytes > r->memory) return no_memory(r, n_bytes);
    n_bytes = (n_bytes + 15) & ~(size_t)15;
    if (n_bytes > r->free_bytes) {
        size_t block_bytes = n_bytes > BLOCK_BYTES / 4 ? n_bytes : BLOCK_BYTES;
        struct llmi_jinja_block *b = llmi_alloc(r->a, sizeof *b + block_bytes);
        if (!b) {
            r->status = LLM_E_MEMORY;
            return NULL;
        }
        b->n_bytes = sizeof *b + block_bytes;
        b->next = r->blocks;
        r->blocks = b;
        if (block_bytes == n_bytes) { /* a block of its own; the open one stays open */
            r->memory -= n_bytes < r->memory ? n_bytes : r->memory;
            return b->data;
        }
        r->free_at = b->data;
        r->free_bytes = block_bytes;
    }
    void *p = r->free_at;
    r->free_at += n_bytes;
    r->free_bytes -= n_bytes;
    r->memory -= n_bytes < r->memory ? n_bytes : r->memory;
    return p;
}

void llmi_jinja_run_release(llmi_jinja_run *r) {
    llmi_json_doc_free(&r->json);
    while (r->blocks) {
        struct llmi_jinja_block *b = r->blocks;
        r->blocks = b->next;
        llmi_free(r->a, b, b->n_bytes);
    }
}
