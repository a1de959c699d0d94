/* What the calls of make_hostile.py are made of. */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <llm/llm.h>

/* One object of each type, ready for use. */
typedef struct hostile_objects {
    llm_answer *answer;
    llm_decoder *decoder;
    llm_engine *engine;
    llm_filled *filled;
    llm_grammar *grammar;
    llm_model *model;
    llm_prompt *prompt;
    llm_rendering *rendering;
    llm_request *request;
    llm_result *result;
    llm_runtime *runtime;
    llm_sequence *sequence;
    llm_template *template;
    llm_tokenizer *tokenizer;
} hostile_objects;

extern hostile_objects have;
extern hostile_objects odd; /* the same in states in which not every call is possible */
extern const char *model_path, *out_path;
extern char *long_text;    /* 100,000 letters */
extern char room[1 << 20]; /* for what is written; aligned as anything needs */
extern void *made;         /* what a call gave; begin() sets it to something that a failure must clear */
#define question "{\"question\":\"a\",\"answer\":\"b\"}"

/* The text without its NUL, at the end of a page that nothing follows. */
const char *guard(const char *text);
void *fresh(void);                        /* zeroed room for an option structure and more */
void *sized(uint32_t n_bytes);            /* room that begins with this number: struct_size */
void *askew(const void *bytes, size_t n); /* a copy at an odd address */
const llm_token *tokens_of(int k);
const llm_span *spans_of(int k);
const llm_score_item *items_of(int k);
const llm_logit_bias *biases_of(int k);

/* Brackets a call: who is it, and is its answer in order? gives: it sets an object, NULL after a failure. */
void begin(const char *call);
void end(llm_status status, int gives);

void hostile_all(void); /* made by make_hostile.py */

#endif
