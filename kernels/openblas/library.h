/* OpenBLAS itself, loaded when the first device is opened. Its constructor starts a thread for each core, prints and
 * raises SIGINT if it cannot, and loops forever if it finds no address space. */
#ifndef LLMK_OPENBLAS_LIBRARY_H
#define LLMK_OPENBLAS_LIBRARY_H

#include <cblas.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct llmk_openblas {
    void (*sgemm)(OPENBLAS_CONST enum CBLAS_ORDER, OPENBLAS_CONST enum CBLAS_TRANSPOSE,
                  OPENBLAS_CONST enum CBLAS_TRANSPOSE, OPENBLAS_CONST blasint, OPENBLAS_CONST blasint,
                  OPENBLAS_CONST blasint, OPENBLAS_CONST float, OPENBLAS_CONST float *, OPENBLAS_CONST blasint,
                  OPENBLAS_CONST float *, OPENBLAS_CONST blasint, OPENBLAS_CONST float, float *,
                  OPENBLAS_CONST blasint);
    void (*set_num_threads)(int);
    char *(*get_corename)(void);
    char *(*get_config)(void);
    void *(*memory_alloc)(int); /* a buffer of one calling thread; NULL in a build that hides it */
    void (*memory_free)(void *);
} llmk_openblas;

/* Whether it is installed and its constructor could run; otherwise false, and why. Does not load it. */
bool llmk_openblas_is_safe(char *why, size_t capacity);

/* Loads it in a way that makes it start no threads, and never unloads it. */
bool llmk_openblas_open(llmk_openblas *out, char *why, size_t capacity);

/* Allocates in advance the buffers of n threads that will multiply at the same time, since OpenBLAS reports no failure
 * to get one. They are never freed. */
bool llmk_openblas_reserve(const llmk_openblas *b, int n_threads, char *why, size_t capacity);

#endif
