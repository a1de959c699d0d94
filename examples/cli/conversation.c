/* Contexts of chat templates: from files, and the template that stands in where a model has none. */
#define _GNU_SOURCE
#include "cli.h"

#include <string.h>
#include <time.h>

static const char PLAIN[] = "{% for m in messages %}\n{% if m.role == 'system' %}{{ m.content }}\n\n{% else %}\n"
                            "{{ m.role | capitalize }}: {{ m.content | trim }}\n\n{% endif %}{% endfor %}\n"
                            "{% if add_generation_prompt %}Assistant:{% endif %}";

int cli_get_template(llm_template **out, int *is_plain, cli *c) {
    llm_status status = llm_template_of_model(out, c->model, NULL);
    *is_plain = status == LLM_E_NOT_FOUND;
    if (*is_plain) status = llm_template_parse(out, c->runtime, PLAIN, LLM_NTS);
    return status ? cli_fail(c, status) : CLI_OK;
}

int cli_get_context(llm_span *out, cli *c) {
    const char *file = cli_get(c, "context");
    return file ? cli_read_file(out, c, file) : cli_get_text(out, c, NULL, "context");
}

int cli_get_now(llm_template_options *options, cli *c) {
    const char *now = cli_get(c, "now");
    struct tm date = {0};
    if (!now) return CLI_OK;
    const char *end = strptime(now, "%Y-%m-%dT%H:%M:%S", &date);
    if (!end || *end) return cli_usage(c, "--now is '%.40s', expected a time such as 2026-01-15T12:00:00", now);
    options->now = (int64_t)timegm(&date);
    return CLI_OK;
}
