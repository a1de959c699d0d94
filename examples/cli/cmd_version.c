/* llm version: of the library that is running. */
#include "cli.h"

static int run(cli *c) {
    int rc = cli_expect_args(c, 0, 0);
    if (rc) return rc;
    if (c->json) return cli_print_json(c, json_pack("{s:s}", "version", llm_version_text()));
    printf("llm %s\n", llm_version_text());
    return CLI_OK;
}

const cli_command cmd_version = {
    .name = "version",
    .synopsis = "[--json]",
    .summary = "Show the version",
    .run = run,
};
