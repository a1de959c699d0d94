/* How llm_ask asks: directly, in two stages (zero-shot chain of thought: Kojima et al., 2022), and in steps:
 * least-to-most (Zhou et al., 2022) and tree of thoughts (Yao et al., 2023). Several samples of a strategy vote
 * (self-consistency: Wang et al., 2022; reason.c counts). */
#include "prompt/strategies.h"

#include <math.h>
#include <string.h>

#include "api/check.h"
#include "base/alloc.h"
#include "prompt/selectors.h"
#include "serve/jobs.h"

/* ---- strategies of one or two stages ---- */

llm_status llmi_strategy_at_once(llmi_ask *x) {
    llmi_branch b = {.parent = -1, .n = x->o->n_samples};
    llmi_reason_round run = {.stage = LLM_STAGE_ANSWER, .votes = true, .g = &x->g};
    size_t first;
    llmi_buf_init(&b.ids, x->a);
    llm_status status = llmi_reason_begin(&b.ids, x, "");
    if (status == LLM_OK) status = llmi_reason_run(&first, x, &b, 1, &run);
    llmi_buf_free(&b.ids);
    return status;
}

/* Samples of reasoning that have not come to an answer: each is asked for it. */
static llm_status ask_for_answers(llmi_ask *x, llmi_branch *b, size_t first, size_t n) {
    llm_generate_options g = x->g;
    g.max_tokens = x->o->answer_tokens;
    g.temperature = 0;
    llmi_reason_round run = {.stage = LLM_STAGE_ANSWER, .votes = true, .g = &g};
    llm_status status = LLM_OK;
    size_t n_branches = 0, begin;
    for (size_t i = first; i < first + n && status == LLM_OK; i++) {
        const llmi_sample *s = llmi_sample_at(x->out, i);
        if (s->has_answer || s->finish == LLM_FINISH_CANCELLED) continue;
        b[n_branches] = (llmi_branch){.parent = (int32_t)i, .n = 1};
        llmi_buf_init(&b[n_branches].ids, x->a);
        status = llmi_reason_follow(&b[n_branches++].ids, x, i, ' ', x->answer_text);
    }
    if (status == LLM_OK && n_branches) status = llmi_reason_run(&begin, x, b, n_branches, &run);
    for (size_t i = 0; i < n_branches; i++) llmi_buf_free(&b[i].ids);
    return status;
}

llm_status llmi_strategy_in_two_stages(llmi_ask *x) {
    llmi_branch b = {.parent = -1, .n = x->o->n_samples};
    llm_generate_options g = x->g;
    g.grammar = NULL; /* that of the answer: then it is always asked for */
    llmi_reason_round run = {.stage = LLM_STAGE_REASONING, .votes = !x->g.grammar, .needs_mark = true, .g = &g};
    size_t first;
    bool decided = false;
    llmi_buf_init(&b.ids, x->a);
    llm_status status = llmi_reason_begin(&b.ids, x, x->o->think_text);
    if (status == LLM_OK) status = llmi_reason_run(&first, x, &b, 1, &run);
    llmi_buf_free(&b.ids);
    if (status == LLM_OK) status = llmi_reason_count(&decided, x);
    if (status != LLM_OK || (decided && x->o->early_stop)) return status;
    size_t n = llmi_buf_count(&x->out->samples, llmi_sample) - first;
    llmi_branch *more = llmi_alloc_array(x->a, n, sizeof *more);
    if (!more) return LLM_E_MEMORY;
    status = ask_for_answers(x, more, first, n);
    llmi_free(x->a, more, n * sizeof *more);
    return status;
}

/* ---- steps ---- */

static const llm_span line_end = {"\n", 1};

/* The user's options for one step: to the end of a line. */
static llm_status step_options(llm_generate_options *g, llmi_buf *stops, const llmi_ask *x) {
    *g = x->g;
    g->grammar = NULL; /* that of the answer */
    g->max_tokens = x->o->step_tokens;
    stops->len = 0;
    if (!llmi_buf_push(stops, line_end) ||
        !llmi_buf_append(stops, x->g.stop_strings, x->g.n_stop_strings * sizeof line_end))
        return LLM_E_MEMORY;
    g->stop_strings = (const llm_span *)(const void *)stops->data;
    g->n_stop_strings = llmi_buf_count(stops, llm_span);
    return LLM_OK;
}

/* ---- least to most ---- */

/* The next line with something in it, without what lists put before: "1.", "-", "*". */
static llm_span next_line(llm_span *rest) {
    while (rest->len) {
        const char *end = memchr(rest->ptr, '\n', rest->len);
        llm_span line = {rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len};
        size_t used = line.len + (end != NULL);
        *rest = (llm_span){rest->ptr + used, rest->len - used};
        while (line.len && strchr(" \t\r-*.)\"0123456789", line.ptr[0]) && line.ptr[0])
            line = (llm_span){line.ptr + 1, line.len - 1};
        while (line.len && strchr(" \t\r\"", line.ptr[line.len - 1])) line.len--;
        if (line.len) return line;
    }
    return (llm_span){0};
}

/* Answers one simpler question after sample *at, which becomes the new one. */
static llm_status solve(llmi_ask *x, size_t *at, llm_span question) {
    llm_generate_options g;
    llmi_buf stops, text;
    llmi_branch b = {.parent = (int32_t)*at, .n = 1};
    llmi_reason_round run = {.stage = LLM_STAGE_STEP, .g = &g};
    llmi_buf_init(&stops, x->a);
    llmi_buf_init(&text, x->a);
    llmi_buf_init(&b.ids, x->a);
    llm_status status = step_options(&g, &stops, x);
    if (status == LLM_OK && (!llmi_buf_append(&text, "Q: ", 3) || !llmi_buf_append(&text, question.ptr, question.len) ||
                             !llmi_buf_append(&text, "\nA:", 3)))
        status = LLM_E_MEMORY;
    if (status == LLM_OK) status = llmi_reason_follow(&b.ids, x, *at, '\n', (llm_span){text.data, text.len});
    if (status == LLM_OK) status = llmi_reason_run(at, x, &b, 1, &run);
    llmi_buf_free(&b.ids);
    llmi_buf_free(&text);
    llmi_buf_free(&stops);
    return status;
}

static llm_status decompose(size_t *at, llmi_ask *x) {
    llm_generate_options g = x->g;
    llmi_branch b = {.parent = -1, .n = 1};
    llmi_reason_round run = {.stage = LLM_STAGE_DECOMPOSE, .g = &g};
    g.max_tokens = x->o->step_tokens;
    g.grammar = NULL;
    llmi_buf_init(&b.ids, x->a);
    llm_status status = llmi_reason_begin(&b.ids, x, x->o->decompose_text);
    if (status == LLM_OK) status = llmi_reason_run(at, x, &b, 1, &run);
    llmi_buf_free(&b.ids);
    return status;
}

llm_status llmi_strategy_least_to_most(llmi_ask *x) {
    size_t at;
    llm_status status = decompose(&at, x);
    if (status != LLM_OK) return status;
    /* The sample's bytes stay where they are when the list of samples grows. */
    const llmi_buf *list = &llmi_sample_at(x->out, at)->text;
    llm_span rest = {list->data, list->len};
    for (int32_t i = 0; i < x->o->depth && status == LLM_OK; i++) {
        llm_span question = next_line(&rest);
        if (!question.len) break;
        status = solve(x, &at, question);
    }
    return status == LLM_OK ? llmi_reason_conclude(x, at, x->o->n_samples) : status;
}

/* ---- tree of thoughts ---- */

/* A line of thought: ends with a sample. */
typedef struct thought {
    size_t sample;
    double logprob; /* of all its steps */
    size_t n_tokens;
    double score;
    bool ended; /* the model ended it, or the answer is there */
} thought;

typedef struct tree {
    llmi_ask *x;
    llmi_buf kept, grown; /* thought */
    llmi_buf branches;    /* llmi_branch */
} tree;

static void clear_branches(tree *t) {
    for (size_t i = 0; i < llmi_buf_count(&t->branches, llmi_branch); i++)
        llmi_buf_free(&llmi_buf_at(&t->branches, llmi_branch, i).ids);
    t->branches.len = 0;
}

static llm_status add_branch(tree *t, int32_t parent) {
    llmi_branch b = {.parent = parent, .n = t->x->o->n_thoughts};
    llmi_buf_init(&b.ids, t->x->a);
    llm_status status = parent < 0 ? llmi_reason_begin(&b.ids, t->x, t->x->o->think_text)
                                   : llmi_reason_follow(&b.ids, t->x, (size_t)parent, '\n', (llm_span){"", 0});
    if (status == LLM_OK && !llmi_buf_push(&t->branches, b)) status = LLM_E_MEMORY;
    if (status != LLM_OK) llmi_buf_free(&b.ids);
    return status;
}

/* Whether an earlier sibling said the same. */
static bool is_double(const llmi_ask *x, size_t first, size_t i) {
    const llmi_sample *s = llmi_sample_at(x->out, i);
    for (size_t k = first; k < i; k++) {
        const llmi_sample *other = llmi_sample_at(x->out, k);
        if (other->parent == s->parent && other->text.len == s->text.len &&
            (!s->text.len || memcmp(other->text.data, s->text.data, s->text.len) == 0))
            return true;
    }
    return false;
}

static const thought *find_parent(const tree *t, int32_t sample) {
    for (size_t i = 0; i < llmi_buf_count(&t->kept, thought) && sample >= 0; i++)
        if (llmi_buf_at(&t->kept, thought, i).sample == (size_t)sample) return &llmi_buf_at(&t->kept, thought, i);
    return NULL;
}

/* The new samples as thoughts, beside those that have ended. */
static llm_status collect(tree *t, size_t first) {
    llmi_ask *x = t->x;
    t->grown.len = 0;
    for (size_t i = 0; i < llmi_buf_count(&t->kept, thought); i++) {
        thought old = llmi_buf_at(&t->kept, thought, i);
        if (old.ended && !llmi_buf_push(&t->grown, old)) return LLM_E_MEMORY;
    }
    for (size_t i = first; i < llmi_buf_count(&x->out->samples, llmi_sample); i++) {
        const llmi_sample *s = llmi_sample_at(x->out, i);
        const thought *parent = find_parent(t, s->parent);
        llm_span text = {s->text.data, s->text.len};
        bool answered = s->text.len && llmi_extract_marker_after(&x->answer_mark, text).ptr;
        thought new = {
            .sample = i,
            .logprob = (parent ? parent->logprob : 0) + s->logprob,
            .n_tokens = (parent ? parent->n_tokens : 0) + llmi_buf_count(&s->tokens, llm_token),
            .ended = answered || s->finish == LLM_FINISH_EOS || s->finish == LLM_FINISH_CONTEXT || !s->text.len,
        };
        new.score = new.n_tokens ? new.logprob / (double)new.n_tokens : -INFINITY;
        if (!is_double(x, first, i) && !llmi_buf_push(&t->grown, new)) return LLM_E_MEMORY;
    }
    return LLM_OK;
}

/* ---- the model's own verdict ---- */

static const llm_span VERDICTS[2] = {{" yes", 4}, {" no", 3}};

static llm_status add_verdict(void *user, size_t item, llm_token token, float logprob, const llm_token_logprob *top,
                              int32_t n_top) {
    tree *t = user;
    thought *judged = &llmi_buf_at(&t->grown, thought, item / 2);
    judged->score += item % 2 ? -(double)logprob : (double)logprob;
    return LLM_OK;
}

static llm_status add_question(tree *t, llmi_jobs *jobs, const thought *judged) {
    llm_span ask = {t->x->o->judge_text, strlen(t->x->o->judge_text)};
    size_t begin = llmi_buf_count(&jobs->ids, llm_token), n_shared = 0;
    for (size_t k = 0; k < 2; k++) {
        size_t from = llmi_buf_count(&jobs->ids, llm_token);
        llm_status status = LLM_OK;
        if (k && !llmi_buf_reserve(&jobs->ids, n_shared * sizeof(llm_token))) return LLM_E_MEMORY;
        if (k)
            llmi_buf_append(&jobs->ids, jobs->ids.data + begin * sizeof(llm_token), n_shared * sizeof(llm_token));
        else
            status = llmi_reason_follow(&jobs->ids, t->x, judged->sample, '\n', ask);
        n_shared = llmi_buf_count(&jobs->ids, llm_token) - from;
        if (status == LLM_OK) status = llmi_reason_append(&jobs->ids, t->x, VERDICTS[k]);
        if (status == LLM_OK) status = llmi_jobs_add(jobs, from, n_shared);
        if (status != LLM_OK) return status;
    }
    return LLM_OK;
}

/* Scores become log p(yes) - log p(no). */
static llm_status judge(tree *t) {
    llmi_jobs jobs;
    llm_status status = llmi_serve_begin(t->x->engine, "llm_ask");
    if (status != LLM_OK) return status;
    llmi_jobs_init(&jobs, t->x->engine, LLMI_JOB_SCORE);
    jobs.token = add_verdict;
    jobs.user = t;
    for (size_t i = 0; i < llmi_buf_count(&t->grown, thought) && status == LLM_OK; i++) {
        llmi_buf_at(&t->grown, thought, i).score = 0;
        status = add_question(t, &jobs, &llmi_buf_at(&t->grown, thought, i));
    }
    if (status == LLM_OK) status = llmi_jobs_run(&jobs);
    llmi_serve_end(t->x->engine);
    llm_result_stats *sum = &t->x->out->stats;
    sum->n_prompt_tokens += jobs.stats.n_prompt_tokens;
    sum->n_cached_tokens += jobs.stats.n_cached_tokens;
    sum->n_tokens += jobs.stats.n_tokens;
    sum->prompt_ms += jobs.stats.prompt_ms;
    llmi_jobs_free(&jobs);
    return status;
}

/* ---- level by level ---- */

/* The best of grown become kept. */
static llm_status keep_best(tree *t) {
    size_t n = llmi_buf_count(&t->grown, thought), breadth = (size_t)t->x->o->breadth;
    llmi_ranked *r = llmi_alloc_array(t->x->a, n, sizeof *r);
    if (!r) return LLM_E_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const thought *g = &llmi_buf_at(&t->grown, thought, i);
        llmi_sample_at(t->x->out, g->sample)->score = g->score;
        r[i] = (llmi_ranked){i, g->score};
    }
    llmi_selectors_sort(r, n);
    t->kept.len = 0;
    bool ok = true;
    for (size_t i = 0; i < n && i < breadth && ok; i++)
        ok = llmi_buf_push(&t->kept, llmi_buf_at(&t->grown, thought, r[i].index));
    llmi_free(t->x->a, r, n * sizeof *r);
    return ok ? LLM_OK : LLM_E_MEMORY;
}

/* One more step after everything that is kept; *grew says whether there was anything to continue. */
static llm_status grow(tree *t, bool *grew, const llmi_reason_round *run) {
    llm_status status = LLM_OK;
    size_t n = llmi_buf_count(&t->kept, thought), first;
    if (!n) status = add_branch(t, -1);
    for (size_t i = 0; i < n && status == LLM_OK; i++) {
        const thought *kept = &llmi_buf_at(&t->kept, thought, i);
        if (!kept->ended) status = add_branch(t, (int32_t)kept->sample);
    }
    size_t n_branches = llmi_buf_count(&t->branches, llmi_branch);
    *grew = n_branches > 0;
    if (status == LLM_OK && *grew) {
        status = llmi_reason_run(&first, t->x, (const llmi_branch *)(const void *)t->branches.data, n_branches, run);
        if (status == LLM_OK) status = collect(t, first);
        if (status == LLM_OK && strcmp(t->x->o->judge, "verdict") == 0) status = judge(t);
        if (status == LLM_OK) status = keep_best(t);
    }
    clear_branches(t);
    return status;
}

llm_status llmi_strategy_tree_of_thoughts(llmi_ask *x) {
    tree t = {.x = x};
    llm_generate_options g;
    llmi_reason_round run = {.stage = LLM_STAGE_STEP, .g = &g};
    llmi_buf stops;
    llmi_buf_init(&stops, x->a);
    llmi_buf_init(&t.kept, x->a);
    llmi_buf_init(&t.grown, x->a);
    llmi_buf_init(&t.branches, x->a);
    llm_status status = step_options(&g, &stops, x);
    bool grew = true;
    for (int32_t d = 0; d < x->o->depth && grew && status == LLM_OK; d++) status = grow(&t, &grew, &run);
    if (status == LLM_OK) status = llmi_reason_conclude(x, llmi_buf_at(&t.kept, thought, 0).sample, x->o->n_samples);
    llmi_buf_free(&t.kept);
    llmi_buf_free(&t.grown);
    llmi_buf_free(&t.branches);
    llmi_buf_free(&stops);
    return status;
}
