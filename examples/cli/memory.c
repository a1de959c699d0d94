/* Memory of one run: freed at its end, so that no subcommand has to. */
#include "cli.h"

#include <stddef.h>
#include <stdlib.h>

typedef struct cli_block {
    struct cli_block *next;
    max_align_t data[];
} cli_block;

void *cli_alloc(cli *c, size_t n, size_t size) {
    size_t n_bytes;
    cli_block *block = NULL;
    if (!__builtin_mul_overflow(n, size, &n_bytes) && !__builtin_add_overflow(n_bytes, sizeof *block, &n_bytes))
        block = calloc(1, n_bytes);
    if (!block) {
        fprintf(stderr, "%s: out of memory\n", cli_program);
        exit(CLI_FAILURE);
    }
    block->next = c->blocks;
    c->blocks = block;
    return block->data;
}

void cli_free_all(cli *c) {
    while (c->blocks) {
        cli_block *block = c->blocks;
        c->blocks = block->next;
        free(block);
    }
}
