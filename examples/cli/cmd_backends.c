/* llm backends: what computes here, and why something does not. */
#include "cli.h"

static int run(cli *c) {
    int rc = cli_expect_args(c, 0, 0);
    if (!rc) rc = cli_open_runtime(c);
    if (rc) return rc;
    json_t *list = json_array();
    int32_t n = llm_runtime_device_count(c->runtime);
    for (int32_t i = 0; i < n; i++) {
        llm_device_info info = {.struct_size = sizeof info};
        llm_status status = llm_runtime_device_get(&info, c->runtime, i);
        if (status) {
            json_decref(list);
            return cli_fail(c, status);
        }
        if (!c->json)
            printf("%-10s %-12s %s\n", info.name, info.usable ? "usable" : "not usable",
                   info.usable ? info.description : info.reason);
        json_array_append_new(list, json_pack("{s:s,s:b,s:s,s:s}", "name", info.name, "usable", info.usable,
                                              "description", info.description, "reason", info.reason));
    }
    if (c->json) return cli_print_json(c, json_pack("{s:o}", "backends", list));
    json_decref(list);
    return CLI_OK;
}

const cli_command cmd_backends = {
    .name = "backends",
    .synopsis = "[--json]",
    .summary = "List what can compute here, and why something cannot",
    .groups = "runtime",
    .run = run,
};
