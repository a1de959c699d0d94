/* llm ask: a question with examples, reasoning and votes. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* By the file's name where that says it, else by what is in it. */
static int32_t format_of(const char *path) {
    static const struct {
        const char *ending;
        int32_t format;
    } known[] = {{".tsv", LLM_EXAMPLES_TSV}, {".jsonl", LLM_EXAMPLES_JSONL}}; /* .json may be lines, .csv have tabs */
    size_t n = strlen(path);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        size_t n_ending = strlen(known[i].ending);
        if (n > n_ending && strcasecmp(path + n - n_ending, known[i].ending) == 0) return known[i].format;
    }
    return LLM_EXAMPLES_AUTO;
}

static int add_shots(llm_prompt *prompt, cli *c) {
    const char *path = cli_get(c, "shots");
    llm_span text;
    if (!path) return CLI_OK;
    int rc = cli_read_file(&text, c, path);
    if (rc) return rc;
    llm_status status = llm_prompt_add_examples(prompt, text.ptr, text.len, format_of(path));
    return status ? cli_error(c, status, "%s: %s", path, llm_last_error()) : CLI_OK;
}

/* The question's fields: an object as it is, any other text as "question". The text is malloc's. */
static char *make_query(llm_span text) {
    json_t *given = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
    json_t *query =
        json_is_object(given) ? json_incref(given) : json_pack("{s:o}", "question", cli_json_text(text.ptr, text.len));
    char *out = query ? json_dumps(query, JSON_COMPACT) : NULL;
    json_decref(query);
    json_decref(given);
    return out;
}

static int print_json(cli *c, const llm_answer *answer) {
    llm_span text;
    llm_status status = llm_answer_json(&text, answer);
    if (status) return cli_fail(c, status);
    printf("%.*s\n", (int)text.len, text.ptr);
    return CLI_OK;
}

static void print_sample(const llm_answer *answer, int32_t index) {
    static const char *const stages[] = {"answer", "reasoning", "decompose", "step"};
    llm_sample s = {.struct_size = sizeof s};
    if (llm_answer_sample(&s, answer, index)) return;
    printf("%d\t%s\t%d\t%.3f\t%s\t", index, stages[s.stage], s.parent, s.logprob, llm_finish_name(s.finish));
    cli_print_escaped(stdout, s.answer);
    putchar('\t');
    cli_print_escaped(stdout, s.text);
    putchar('\n');
}

static int print_text(cli *c, const llm_answer *answer) {
    llm_span text;
    if (cli_get(c, "verbose")) {
        llm_filled_text(&text, llm_answer_filled(answer));
        fprintf(stderr, "%.*s\n", (int)text.len, text.ptr);
        printf("sample\tstage\tparent\tlogprob\tfinish\tanswer\ttext\n");
        for (int32_t i = 0; i < llm_answer_sample_count(answer); i++) print_sample(answer, i);
        for (int32_t i = 0; i < llm_answer_vote_count(answer); i++) {
            llm_vote vote;
            if (llm_answer_vote(&vote, answer, i)) break;
            printf("%d of %d votes\t%.*s\n", vote.n_votes, c->ask_options.n_samples, (int)vote.answer.len,
                   vote.answer.ptr);
        }
    }
    llm_status status = llm_answer_text(&text, answer);
    if (status) return cli_fail(c, status);
    printf("%.*s\n", (int)text.len, text.ptr);
    return CLI_OK;
}

static void report_cuts(const cli *c, const llm_answer *answer) {
    for (int32_t i = 0; i < llm_answer_sample_count(answer); i++) {
        llm_sample s = {.struct_size = sizeof s};
        if (llm_answer_sample(&s, answer, i) || s.stage != LLM_STAGE_ANSWER) continue;
        cli_report_cut(c, s.text, s.finish);
    }
}

static int ask(cli *c, llm_prompt *prompt, llm_span question) {
    llm_answer *answer = NULL;
    char *query = make_query(question);
    if (!query) return cli_error(c, LLM_E_MEMORY, "out of memory");
    cli_progress_begin("asking");
    llm_status status =
        llm_ask(&answer, c->engine, prompt, query, LLM_NTS, &c->fill_options, &c->ask_options, &c->generate_options);
    cli_progress_end();
    free(query);
    if (status) return cli_fail(c, status);
    int rc = c->json ? print_json(c, answer) : print_text(c, answer);
    if (!rc) report_cuts(c, answer);
    llm_answer_destroy(answer);
    return rc;
}

static int run(cli *c) {
    llm_prompt *prompt = NULL;
    llm_span question;
    int rc = cli_expect_args(c, 1, 2);
    if (!rc) rc = cli_get_text(&question, c, c->n_args > 1 ? c->args[1] : NULL, "question");
    if (cli_get(c, "plain")) c->fill_options.chat = 0;
    if (!rc) rc = cli_open_engine(c, c->args[0]);
    if (rc) return rc;
    llm_status status = llm_prompt_create(&prompt, c->runtime, &c->prompt_options);
    rc = status ? cli_fail(c, status) : add_shots(prompt, c);
    llm_grammar *grammar = NULL;
    if (!rc) rc = cli_get_grammar(&grammar, c);
    c->generate_options.grammar = grammar;
    if (!rc) rc = ask(c, prompt, question);
    llm_grammar_unref(grammar);
    llm_prompt_unref(prompt);
    return rc;
}

static const cli_option options[] = {
    {0, "shots", "FILE", "examples: JSON lines, a JSON array, CSV or TSV; - for standard input"},
    {0, "plain", NULL, "as plain text, also if the model has a chat template"},
    {0, "grammar", "FILE", "the answer follows a grammar in GBNF, from a file or as it is"},
    {0, "schema", "FILE",
     "the answer is JSON that is valid under a JSON Schema, from a file or as it is; also --json-schema"},
    {0, "regex", "RE", "the answer matches a regular expression"},
    {0, "choices", "A,B", "the answer is one of these"},
    {'v', "verbose", NULL, "print the prompt, every sample and the votes"},
    {0, NULL, NULL, NULL},
};

const cli_command cmd_ask = {
    .name = "ask",
    .synopsis = "MODEL (QUESTION | <FILE) [OPTIONS]",
    .summary = "Answer a question, with examples, reasoning and votes",
    .details = "QUESTION is a text, or a JSON object of the fields that the formats read; -, or none: standard input.\n"
               "Examples have the fields "
               "question, answer and, for --cot few, rationale, unless the formats say otherwise.\n"
               "--samples 9 --temperature 0.8: nine answers are drawn and the most frequent one wins.\n"
               "--json: {\"answer\",\"votes\",\"samples\",\"usage\",\"prompt\"}; answer null: none was found",
    .options = options,
    .groups = "fill ask prompt generate engine model runtime",
    .defaults = "max_tokens=256",
    .model_at = 1,
    .run = run,
};
