/* A tour of the whole interface, in steps that each keep nothing. */
#ifndef TESTS_TOUR_H
#define TESTS_TOUR_H

#include <stdint.h>

#include <llm/llm.h>

typedef struct tour {
    const char *folder; /* a Hugging Face directory that tour_prepare made; what is written goes there, too */
    char json[512], out[512];
    llm_runtime *runtime;
    llm_model *model;
    llm_engine *engine;
    const llm_tokenizer *tokenizer;
    uint64_t sum; /* of everything that the step gave: the same each time */
} tour;

typedef struct tour_step {
    const char *name;
    llm_status (*run)(tour *t);
} tour_step;

extern const tour_step tour_steps[]; /* ends with a name of NULL */

/* The files of the Hugging Face directory. Before the first tour_open; 0 or -1. */
int tour_prepare(tour *t, const char *folder, const char *source_dir);
/* Runtime, model, engine; in the process that runs the steps. */
llm_status tour_open(tour *t, const char *source_dir);
void tour_close(tour *t);

#endif
