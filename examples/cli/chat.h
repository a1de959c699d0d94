/* The conversation of llm chat: its messages, its commands, its answers. */
#ifndef CHAT_H
#define CHAT_H

#include "cli.h"
#include "editor.h"

typedef struct chat {
    cli *c;
    editor *editor;
    llm_template *tmpl;
    json_t *messages;   /* an array of {"role", "content"} */
    int is_interactive; /* faults are told and the conversation goes on; else they end the run */
    int leaving;
    int n_interrupts; /* Ctrl-C since the last message */
    char *path;       /* cli_alloc's: where the conversation was loaded from or saved to last; NULL: nowhere */
    uint64_t seed;    /* of the first answer */
    uint64_t n_draws; /* answers drawn since: each has another seed */
    int32_t n_ctx;
    int32_t n_tokens;      /* of the conversation at the end of the last answer */
    llm_result_stats last; /* of the last answer; n_prompt_tokens 0: there is none */
    int leading;           /* nothing of this answer was printed yet */
} chat;

/* ---- cmd_chat.c ---- */
void chat_note(const chat *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What is wrong with what the user typed. Answers what the run goes on with: 0, or the exit code. */
int chat_complain(chat *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
json_t *chat_message(const char *role, llm_span text); /* {"role", "content"} */
void chat_add(chat *t, const char *role, llm_span text);
const char *chat_role(const chat *t, size_t index); /* of a message; "" beyond the last */
size_t chat_count_turns(const chat *t);             /* questions */
void chat_set_seed(chat *t, uint64_t seed);         /* LLM_SEED_RANDOM: draws one */

/* ---- chat_answer.c ---- */
int chat_answer(chat *t);                  /* the last message, which is the user's; takes it back if it cannot */
size_t chat_drop(chat *t, size_t n_turns); /* the oldest questions with their answers; how many went */
int chat_count_tokens(size_t *n, chat *t); /* of the conversation as the template writes it */

/* ---- chat_commands.c ---- */
int chat_command(chat *t, const char *line); /* a line that begins with '/' */

/* ---- chat_file.c ---- */
int chat_save(chat *t, const char *path);
int chat_load(chat *t, const char *path);

#endif
