/* Texts as vectors: the cosine between each text and the first one. */
#include <llm/llm.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 3 };
#define SPAN(text)                                                                                                     \
    { text, sizeof(text) - 1 }
static const llm_span texts[N] = {
    SPAN("The little girl played with her dog in the park."),
    SPAN("A small girl ran in the park with a dog."),
    SPAN("One, two, three, four, five, six, seven."),
};

static llm_status run(llm_engine *engine, const llm_model *model) {
    llm_model_info info = {.struct_size = sizeof info};
    llm_status status = llm_model_get_info(&info, model);
    if (status) return status;
    size_t dim = (size_t)info.n_embd;
    float *rows = malloc(N * dim * sizeof *rows);
    if (!rows) return LLM_E_MEMORY;
    status = llm_embed(rows, engine, texts, N, LLM_POOL_MEAN, 1); /* of length 1: the dot product is the cosine */
    for (int i = 0; i < N && !status; i++) {
        double cosine = 0;
        for (size_t k = 0; k < dim; k++) cosine += (double)rows[k] * (double)rows[(size_t)i * dim + k];
        printf("%6.3f  %s\n", cosine, texts[i].ptr);
    }
    free(rows);
    return status;
}

int main(int argc, char **argv) {
    llm_model *model = NULL;
    llm_engine *engine = NULL;
    llm_status status = llm_model_load(&model, NULL, argc > 1 ? argv[1] : "model.gguf", NULL);
    if (!status) status = llm_engine_create(&engine, model, NULL);
    if (!status) status = run(engine, model);
    if (status) fprintf(stderr, "%s\n", llm_last_error());
    llm_engine_destroy(engine);
    llm_model_unref(model);
    return status != LLM_OK;
}
