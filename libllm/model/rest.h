/* The tensors of a file that no row of its family binds. */
#ifndef LLMI_MODEL_REST_H
#define LLMI_MODEL_REST_H

#include "model/model.h"

/* Refuses a file with a weight that its family should compute and does not: without it every result would be wrong.
 * What cannot change a result (tables that are computed anyway, towers of images, layers beyond the last) is skipped,
 * with a line in the log. */
llm_status llmi_rest_check(const llm_model *m);

#endif
