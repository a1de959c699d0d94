/* One answer of a conversation. Each submits all of it, as the model's template writes it; the engine's prefix cache
 * already holds everything but the last message. */
#include <stdlib.h>
#include <string.h>

#include "chat.h"

/* ---- the conversation as tokens ---- */

static int render(llm_rendering **out, const llm_token **ids, size_t *n, chat *t) {
    cli *c = t->c;
    json_t *context = json_pack("{s:O,s:b}", "messages", t->messages, "add_generation_prompt", 1);
    char *text = context ? json_dumps(context, JSON_COMPACT) : NULL;
    json_decref(context);
    if (!text) return cli_error(c, LLM_E_MEMORY, "out of memory");
    llm_status status = llm_chat_apply(out, c->model, t->tmpl, text, LLM_NTS, NULL);
    if (!status) status = llm_rendering_tokens(ids, n, *out);
    free(text);
    return status ? cli_fail(c, status) : CLI_OK;
}

int chat_count_tokens(size_t *n, chat *t) {
    llm_rendering *rendering = NULL;
    const llm_token *ids;
    int rc = render(&rendering, &ids, n, t);
    llm_rendering_destroy(rendering);
    return rc;
}

/* ---- a context that is full ---- */

size_t chat_drop(chat *t, size_t n_turns) {
    size_t first = strcmp(chat_role(t, 0), "system") == 0, n_dropped = 0;
    while (n_dropped < n_turns && json_array_size(t->messages) > first) {
        do json_array_remove(t->messages, first);
        while (json_array_size(t->messages) > first && strcmp(chat_role(t, first), "user") != 0);
        n_dropped++;
    }
    return n_dropped;
}

/* Drops turns until a quarter of the context is free for the answer, but never the last one. If that one alone does not
 * fit, nothing is dropped. */
static int make_room(chat *t) {
    size_t most = (size_t)t->n_ctx - (size_t)t->n_ctx / 4, n_tokens, n_dropped = 0;
    json_t *before = json_copy(t->messages);
    int rc = before ? chat_count_tokens(&n_tokens, t) : CLI_FAILURE;
    while (!rc && n_tokens > most && chat_count_turns(t) > 1) {
        n_dropped += chat_drop(t, 1);
        rc = chat_count_tokens(&n_tokens, t);
    }
    if (rc || n_tokens >= (size_t)t->n_ctx) {
        json_decref(t->messages);
        t->messages = json_incref(before);
    } else {
        chat_note(t, "(oldest turns dropped: %zu; %zu of %d tokens remain)", n_dropped, n_tokens, t->n_ctx);
    }
    json_decref(before);
    return rc;
}

/* Before the context is quite full: an answer wants room too. */
static int offer_room(chat *t, size_t n_tokens) {
    char question[160];
    if (!t->is_interactive || n_tokens <= (size_t)t->n_ctx - (size_t)t->n_ctx / 16 || chat_count_turns(t) < 2) return 0;
    snprintf(question, sizeof question,
             "The context is full (%zu of %d tokens). Drop the oldest turns to make room? [Y/n] ", n_tokens, t->n_ctx);
    return editor_ask(t->editor, question, 1) && make_room(t) == CLI_OK;
}

/* ---- the answer ---- */

/* The blank between "Assistant:" and the answer belongs to the format, not to the answer. */
static llm_span without_blank(llm_span text) {
    while (text.len && text.ptr[0] == ' ') text = (llm_span){text.ptr + 1, text.len - 1};
    return text;
}

static void print_event(void *user, const llm_event *event) {
    chat *t = user;
    llm_span text = t->leading ? without_blank(event->text) : event->text;
    if (text.len == 0) return;
    t->leading = 0;
    fwrite(text.ptr, 1, text.len, stdout);
    fflush(stdout);
}

static void tell_finish(chat *t, int32_t finish) {
    if (finish == LLM_FINISH_LENGTH)
        chat_note(t, "(cut at %d tokens; %s allows more)", t->c->generate_options.max_tokens,
                  t->is_interactive ? "/set max-tokens N" : "--max-tokens");
    if (finish == LLM_FINISH_CANCELLED)
        chat_note(t, t->is_interactive ? "(interrupted; Ctrl-C again leaves)" : "interrupted");
    if (finish == LLM_FINISH_CONTEXT)
        chat_note(t, "(cut: the context is full, %d tokens; /drop forgets the oldest turns)", t->n_ctx);
    t->n_interrupts = finish == LLM_FINISH_CANCELLED;
}

static int keep_answer(chat *t, llm_request *request) {
    llm_result *result = NULL;
    llm_span text;
    int32_t finish = LLM_FINISH_NONE;
    t->last = (llm_result_stats){.struct_size = sizeof t->last};
    llm_status status = llm_request_result(&result, request);
    if (!status) status = llm_result_text(&text, result, 0);
    if (!status) status = llm_result_finish(&finish, result, 0);
    if (!status) status = llm_result_get_stats(&t->last, result);
    if (status) return cli_fail(t->c, status);
    if (!t->c->json) putchar('\n');
    t->n_tokens = t->last.n_prompt_tokens + t->last.n_tokens;
    chat_add(t, "assistant", without_blank(text));
    llm_result_unref(result);
    tell_finish(t, finish);
    return finish == LLM_FINISH_CANCELLED && !t->is_interactive ? CLI_FAILURE : CLI_OK;
}

/* Another seed for each answer, so that a question that is asked again may be answered otherwise. */
static uint64_t next_seed(chat *t) {
    uint64_t seed = t->seed + t->n_draws++;
    return seed == LLM_SEED_RANDOM ? 0 : seed;
}

static int submit(llm_request **out, size_t *n_new, chat *t) {
    cli *c = t->c;
    llm_rendering *rendering = NULL;
    const llm_token *ids;
    size_t n;
    llm_status status = LLM_OK;
    int rc = render(&rendering, &ids, &n, t);
    if (!rc && offer_room(t, n)) {
        llm_rendering_destroy(rendering);
        rendering = NULL;
        rc = render(&rendering, &ids, &n, t);
    }
    c->generate_options.seed = next_seed(t);
    if (!rc) status = llm_request_submit_tokens(out, c->engine, ids, n, &c->generate_options);
    if (status) rc = cli_fail(c, status);
    *n_new = rc ? 0 : n > (size_t)t->n_tokens ? n - (size_t)t->n_tokens : n;
    llm_rendering_destroy(rendering);
    return rc;
}

int chat_answer(chat *t) {
    llm_request *request = NULL;
    size_t n_new;
    t->leading = 1;
    int rc = submit(&request, &n_new, t);
    if (!rc) rc = cli_run_request(t->c, request, n_new, t->c->json ? NULL : print_event, t);
    if (!rc) rc = keep_answer(t, request);
    llm_request_destroy(request);
    if (!rc || !t->is_interactive) return rc;
    /* It was said why; another question may go on. */
    if (strcmp(chat_role(t, json_array_size(t->messages) - 1), "user") == 0)
        json_array_remove(t->messages, json_array_size(t->messages) - 1);
    return CLI_OK;
}
