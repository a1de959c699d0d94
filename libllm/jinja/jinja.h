/* Jinja templates: parsed once into a small program that any thread may run any number of times.
 *
 *   source -> lexer.c -> parser.c -> instructions -> vm.c -> text
 *
 * A template is untrusted. It sees plain values only, and everything it can consume has a limit. The language is that
 * of Jinja2 (https://jinja.palletsprojects.com/en/stable/templates/) as chat templates use it: trim_blocks and
 * lstrip_blocks on, no autoescape, no include, import or inheritance; plus raise_exception, strftime_now, from_json,
 * tojson without HTML escapes, break, continue and generation. */
#ifndef LLMI_JINJA_JINJA_H
#define LLMI_JINJA_JINJA_H

#include <stdbool.h>

#include <llm/status.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/option_table.h"

typedef struct llmi_jinja_template llmi_jinja_template;

typedef struct llmi_jinja_limits {
    int64_t max_steps; /* instructions, plus one for each 64 bytes that they process */
    size_t max_output_bytes;
    size_t max_memory_bytes; /* of values that live during a rendering */
    size_t held_bytes;       /* of those, what the context holds already */
    int32_t max_depth;       /* of calls, loops and nested values */
} llmi_jinja_limits;

/* Those of the public options; what a context holds is the caller's to add. */
llmi_jinja_limits llmi_jinja_limits_of(const llm_template_options *options);

enum { LLMI_JINJA_MAX_BYTES = 4 << 20 };

/* Parses n bytes of UTF-8. On success *out holds one reference. `what` (static, or NULL) names the template in errors:
 * LLM_E_FORMAT with "WHAT, line L, column C: ...", LLM_E_UNSUPPORTED, LLM_E_LIMIT, LLM_E_MEMORY. */
llm_status llmi_jinja_parse(llmi_jinja_template **out, const llm_allocator *a, const char *source, size_t n,
                            const char *what);
llmi_jinja_template *llmi_jinja_template_ref(llmi_jinja_template *t);
void llmi_jinja_template_unref(llmi_jinja_template *t);

/* Where a piece of the output came from. Pieces follow each other without holes. */
typedef struct llmi_jinja_piece {
    size_t begin, end; /* bytes of the output */
    int32_t line;      /* of the template, from 1 */
    int32_t message;   /* index in messages of the value that was printed; -1: no message */
    bool given;        /* text of the context, not of the template: never holds special tokens */
    bool generation;   /* inside a generation block */
} llmi_jinja_piece;

typedef struct llmi_jinja_rendering {
    const llmi_json *context; /* object: every variable */
    const char *const
        *trusted; /* names of variables whose text counts as the template's own; NULL-terminated or NULL */
    int64_t now;  /* seconds since 1970 in local time, for strftime_now */
    bool has_now; /* false: the template may not ask for the time */
    const llmi_jinja_limits *limits; /* NULL: those of llmi_template_defaults */
} llmi_jinja_rendering;

/* Appends the text to `out` and, unless NULL, llmi_jinja_piece elements to `pieces`. Errors: LLM_E_ARGUMENT if the
 * template refuses the context by raise_exception, LLM_E_FORMAT if it cannot be computed, LLM_E_LIMIT,
 * LLM_E_MEMORY; the text begins with "WHAT, line L, column C: ". Nothing is appended then. Any thread. */
llm_status llmi_jinja_render(llmi_buf *out, llmi_buf *pieces, const llmi_jinja_template *t,
                             const llmi_jinja_rendering *how);

#endif
