/* llm: libllm as a command. Finds the subcommand, parses its arguments, runs it. */
#include "cli.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const cli_command *const cli_commands[] = {
#define COMMAND(name) &cmd_##name,
#include "commands.def"
#undef COMMAND
    NULL,
};

const char *cli_program = "llm";

static void print_overview(FILE *file) {
    fprintf(file, "libllm %s: run language models\n\nusage: %s COMMAND [ARGUMENTS]\n\n", llm_version_text(),
            cli_program);
    for (const cli_command *const *row = cli_commands; *row; row++)
        fprintf(file, "  %-12s %s\n", (*row)->name, (*row)->summary);
    fprintf(file,
            "\nMODEL is a GGUF file or a Hugging Face directory. Every command takes --json: one JSON object on\n"
            "standard output; messages go to standard error. Exit code: 0 success, 1 failure, 2 wrong usage.\n"
            "'%s help COMMAND' tells more.\n",
            cli_program);
}

static const cli_command *find_command(cli *c, const char *name) {
    const char *names[32];
    size_t n = 0;
    for (const cli_command *const *row = cli_commands; *row; row++) {
        if (strcmp((*row)->name, name) == 0) return *row;
        names[n++] = (*row)->name;
    }
    if (strchr(name, '/') || strchr(name, '.') || access(name, F_OK) == 0) {
        cli_usage(c, "'%s' is no command: expected %s generate, chat, info, ... and then the model", name, cli_program);
        return NULL;
    }
    const char *nearest = cli_nearest(name, names, n);
    cli_usage(c, "unknown command '%s'%s%s%s", name, nearest ? "; did you mean '" : "", nearest ? nearest : "",
              nearest ? "'?" : "");
    return NULL;
}

static int print_help(cli *c, const char *name) {
    const cli_command *command = name ? find_command(c, name) : NULL;
    if (name && !command) return CLI_USAGE;
    if (command)
        cli_print_help(stdout, command);
    else
        print_overview(stdout);
    return CLI_OK;
}

static int run(cli *c, int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) name = "version";
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return print_help(c, argc > 2 ? argv[2] : NULL);
    c->command = find_command(c, name);
    if (!c->command) return CLI_USAGE;
    int wants_help = 0;
    int rc = cli_parse(c, argc - 1, argv + 1, &wants_help);
    if (rc) return rc;
    if (wants_help) return print_help(c, name);
    return c->command->run(c);
}

/* A descriptor 0..2 that is closed would be given to the next file that is opened, a model that is written, say. What
 * takes its place fails when it is read or written. */
static void hold_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) _exit(CLI_FAILURE);
}

int main(int argc, char **argv) {
    cli c = {0};
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    if (argc > 0 && argv[0][0]) cli_program = slash ? slash + 1 : argv[0];
    hold_descriptors();
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0) c.json = 1;
    int rc = run(&c, argc, argv);
    cli_close(&c);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "%s: cannot write standard output\n", cli_program);
        rc = rc ? rc : CLI_FAILURE;
    }
    return rc;
}
