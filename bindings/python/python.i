/* Python's types for those of the headers. Results come back, statuses are raised, arrays are memoryviews. */
%{
#include "python/support.h"
%}

%init %{
    if (array_init(m)) return NULL;
%}

/* None is no object, wherever something is asked of one. */
%typemap(check) SWIGTYPE *self {
    if (!$1) SWIG_exception_fail(SWIG_TypeError, "$symname: an object is expected, not None");
}

/* ---- statuses ---- */

%typemap(out) llm_status {
    if ($1 != LLM_OK) {
        raise_status($1, llm_last_error());
        SWIG_fail;
    }
    $result = SWIG_Py_Void();
}

/* ---- texts ---- */

%typemap(in) (const char *text, size_t n_bytes) (PyObject *keep = NULL, llm_span span) {
    if (text_of($input, &keep, &span)) SWIG_fail;
    $1 = ($1_ltype)(uintptr_t)span.ptr;
    $2 = span.len;
}
%typemap(freearg) (const char *text, size_t n_bytes) "Py_XDECREF(keep$argnum);"
%apply (const char *text, size_t n_bytes) {
    (const char *prompt, size_t n_bytes), (const char *source, size_t n_bytes), (const char *context, size_t n_bytes),
    (const char *query, size_t n_bytes)
};

%typemap(in) const char * (PyObject *keep = NULL, const char *name) {
    if (name_of($input, &keep, &name)) SWIG_fail;
    $1 = ($1_ltype)(uintptr_t)name;
}
%typemap(freearg) const char * "Py_XDECREF(keep$argnum);"

%typemap(in, numinputs=0) llm_span *out (llm_span span) "span = (llm_span){NULL, 0}; $1 = &span;"
%typemap(argout) llm_span *out "$result = SWIG_Python_AppendOutput($result, text_from(*$1));"
%apply llm_span *out { llm_span *key, llm_span *value };
%typemap(out) llm_span * "$result = text_from(*$1);"
%typemap(out) llm_span "$result = text_from($1);"

%typemap(in) (const llm_span *texts, size_t n_texts) (PyObject *keep = NULL, llm_span *spans = NULL) {
    if (texts_of($input, 1, &keep, &spans, &$2)) SWIG_fail;
    $1 = spans;
}
%typemap(freearg) (const llm_span *texts, size_t n_texts) {
    Py_XDECREF(keep$argnum);
    free(spans$argnum);
}
%apply (const llm_span *texts, size_t n_texts) { (const llm_span *choices, size_t n_choices) };

%typemap(in) (const llm_score_item *items, size_t n_items) (PyObject *keep = NULL, llm_span *spans = NULL) {
    if (texts_of($input, 2, &keep, &spans, &$2)) SWIG_fail;
    $1 = (llm_score_item *)spans; /* two spans each */
}
%typemap(freearg) (const llm_score_item *items, size_t n_items) {
    Py_XDECREF(keep$argnum);
    free(spans$argnum);
}

/* ---- numbers and arrays ---- */

%typemap(in) (const llm_token *tokens, size_t n_tokens) (llm_token *ids = NULL) {
    if (ids_of($input, &ids, &$2)) SWIG_fail;
    $1 = ids;
}
%typemap(freearg) (const llm_token *tokens, size_t n_tokens) "free(ids$argnum);"
%apply (const llm_token *tokens, size_t n_tokens) { (const llm_token *prompt, size_t n_tokens) };

%typemap(in) (const llm_logit_bias *bias, size_t n_bias) (llm_logit_bias *biases = NULL) {
    if (biases_of($input, &biases, &$2)) SWIG_fail;
    $1 = biases;
}
%typemap(freearg) (const llm_logit_bias *bias, size_t n_bias) "free(biases$argnum);"

%typemap(in, numinputs=0) int32_t *out (int32_t number) "number = 0; $1 = &number;"
%typemap(argout) int32_t *out "$result = SWIG_Python_AppendOutput($result, PyLong_FromLong(*$1));"
%apply int32_t *out { int32_t *n_active, int32_t *is_chat, llm_dtype *out };

/* The first argument that Python gives is the result whose memory it is. */
%typemap(in, numinputs=0) (const llm_token **out, size_t *n_tokens) (llm_token *ids, size_t n) {
    ids = NULL;
    n = 0;
    $1 = &ids;
    $2 = &n;
}
%typemap(argout) (const llm_token **out, size_t *n_tokens)
    "$result = SWIG_Python_AppendOutput($result, array_ids(swig_obj[0], *$1, *$2));"
%typemap(in, numinputs=0) (const float **out, size_t *n_tokens) (float *values, size_t n) {
    values = NULL;
    n = 0;
    $1 = &values;
    $2 = &n;
}
%typemap(argout) (const float **out, size_t *n_tokens)
    "$result = SWIG_Python_AppendOutput($result, array_floats(swig_obj[0], *$1, *$2));"
%typemap(in, numinputs=0) (const llm_token_logprob **out, size_t *n_tokens, size_t *n_top)
    (llm_token_logprob *top, size_t n, size_t m) {
    top = NULL;
    n = m = 0;
    $1 = &top;
    $2 = &n;
    $3 = &m;
}
%typemap(argout) (const llm_token_logprob **out, size_t *n_tokens, size_t *n_top) {
    Py_ssize_t rows = (Py_ssize_t)*$2, columns = (Py_ssize_t)*$3, step = sizeof **$1;
    $result = SWIG_Python_AppendOutput(
        $result, array_view(swig_obj[0], *$1 ? &(*$1)->token : NULL, "i", sizeof(llm_token), rows, columns, step));
    $result = SWIG_Python_AppendOutput(
        $result, array_view(swig_obj[0], *$1 ? &(*$1)->logprob : NULL, "f", sizeof(float), rows, columns, step));
}

%typemap(out) int64_t [ANY] {
    $result = PyTuple_New($1_dim0);
    for (int i = 0; $result && i < $1_dim0; i++) PyTuple_SET_ITEM($result, i, PyLong_FromLongLong($1[i]));
}

/* An event is a tuple: index, token, text, finish, number of tokens; None if none waits. */
%typemap(in, numinputs=0) llm_event *out (llm_event event) "$1 = &event;"
%typemap(argout) llm_event *out {
    if (result > 0)
        $result = SWIG_Python_AppendOutput(
            $result, Py_BuildValue("iiNii", (int)$1->index, (int)$1->token, text_from($1->text), (int)$1->finish,
                                   (int)$1->n_tokens));
}
%typemap(out) int32_t llm_request_next {
    if ($1 < 0) {
        raise_status($1, llm_last_error());
        SWIG_fail;
    }
    $result = SWIG_Py_Void();
}

/* ---- objects and structures that come back ---- */

%define RETURNS(name)
%typemap(in, numinputs=0) name **out (name *made) "made = NULL; $1 = &made;"
%typemap(argout) name **out
    "$result = SWIG_Python_AppendOutput($result, SWIG_NewPointerObj(*$1, $*1_descriptor, SWIG_POINTER_OWN));"
%enddef

RETURNS(llm_runtime)
RETURNS(llm_model)
RETURNS(llm_tokenizer)
RETURNS(llm_decoder)
RETURNS(llm_engine)
RETURNS(llm_request)
RETURNS(llm_result)
RETURNS(llm_sequence)
RETURNS(llm_template)
RETURNS(llm_rendering)
RETURNS(llm_grammar)
RETURNS(llm_prompt)
RETURNS(llm_filled)
RETURNS(llm_answer)

/* A borrowed tokenizer gets a reference of its own; a borrowed filled prompt keeps its answer alive. */
%typemap(out) const llm_tokenizer * {
    llm_tokenizer *owned = llm_tokenizer_ref((llm_tokenizer *)(uintptr_t)$1);
    $result = owned ? SWIG_NewPointerObj(owned, $descriptor(llm_tokenizer *), SWIG_POINTER_OWN) : SWIG_Py_Void();
}
%feature("pythonappend") llm_answer_filled "if val is not None: val.owner = answer"

%define FILLS(name, first)
%typemap(in, numinputs=0) name *out {
    $1 = calloc(1, sizeof *$1);
    if (!$1) SWIG_exception_fail(SWIG_MemoryError, "no memory");
    first
}
%typemap(argout) name *out {
    $result = SWIG_Python_AppendOutput($result, SWIG_NewPointerObj($1, $1_descriptor, SWIG_POINTER_OWN));
    $1 = NULL;
}
%typemap(freearg) name *out "free($1);"
%enddef

%define FILLS_SIZED(name)
FILLS(name, $1->struct_size = sizeof *$1;)
%enddef

FILLS_SIZED(llm_device_info)
FILLS_SIZED(llm_model_info)
FILLS_SIZED(llm_tensor_info)
FILLS_SIZED(llm_token_info)
FILLS_SIZED(llm_option_info)
FILLS_SIZED(llm_engine_memory)
FILLS_SIZED(llm_result_stats)
FILLS_SIZED(llm_sample)
FILLS(llm_origin,)
FILLS(llm_shot,)
FILLS(llm_vote,)

/* ---- callbacks ---- */

%define PROGRESS(group)
%extend llm_##group##_options {
    ~llm_##group##_options() {
        Py_XDECREF((PyObject *)$self->progress_user);
        free($self);
    }
    void set_progress(PyObject *callable) {
        PyObject *before = $self->progress_user;
        $self->progress = call_progress;
        $self->progress_user = Py_NewRef(callable);
        Py_XDECREF(before);
    }
}
%enddef

PROGRESS(model)
PROGRESS(quantize)

%extend llm_runtime_options {
    void log_to_python() { $self->log = call_log; }
}

/* ---- the interpreter's lock ---- */

/* Released while these run. */
%define UNLOCKED(call)
%exception call {
    Py_BEGIN_ALLOW_THREADS
    $action
    Py_END_ALLOW_THREADS
}
%enddef

UNLOCKED(llm_model_load)
UNLOCKED(llm_tokenizer_load)
UNLOCKED(llm_engine_estimate)
UNLOCKED(llm_engine_create)
UNLOCKED(llm_engine_step)
UNLOCKED(llm_request_submit)
UNLOCKED(llm_request_submit_tokens)
UNLOCKED(llm_score)
UNLOCKED(llm_sequence_fork)
UNLOCKED(llm_quantize)
UNLOCKED(llm_template_parse)
UNLOCKED(llm_template_of_model)
UNLOCKED(llm_template_render)
UNLOCKED(llm_chat_apply)
UNLOCKED(llm_grammar_from_gbnf)
UNLOCKED(llm_grammar_from_json_schema)
UNLOCKED(llm_grammar_from_regex)
UNLOCKED(llm_grammar_from_choices)
UNLOCKED(llm_prompt_add_examples)
UNLOCKED(llm_prompt_fill)
UNLOCKED(llm_ask)
UNLOCKED(llm_runtime::~llm_runtime)
UNLOCKED(llm_model::~llm_model)
UNLOCKED(llm_engine::~llm_engine)
UNLOCKED(llm_request::~llm_request)
UNLOCKED(llm_sequence::~llm_sequence)

/* ---- results of unknown size ---- */

/* Calls again with a larger buffer until the result fits. */
%define GROWS(call, n, buffer, capacity, expected)
%exception call {
    size_t room = (expected) + 16;
    Py_BEGIN_ALLOW_THREADS
    do {
        free(buffer);
        buffer = malloc(room * sizeof *buffer);
        capacity = room;
        if (buffer)
            $action
        else
            result = LLM_E_MEMORY;
        room = *n;
    } while (result == LLM_E_CAPACITY);
    Py_END_ALLOW_THREADS
}
%enddef

GROWS(llm_tokenizer_encode, arg1, arg6, arg7, arg4)
GROWS(llm_tokenizer_decode, arg1, arg6, arg7, 8 * arg4)
GROWS(llm_extract, arg1, arg5, arg6, arg4)
GROWS(llm_normalize, arg1, arg4, arg5, arg3)

%typemap(in, numinputs=0) size_t *n_tokens (size_t n) "n = 0; $1 = &n;"
%apply size_t *n_tokens { size_t *n_bytes, size_t *n_out };
%typemap(in, numinputs=0) (llm_token *tokens, size_t capacity) "$1 = NULL; $2 = 0;"
%typemap(argout) (llm_token *tokens, size_t capacity) {
    $result = SWIG_Python_AppendOutput($result, array_ids(NULL, $1, *arg1));
    $1 = NULL;
}
%typemap(freearg) (llm_token *tokens, size_t capacity) "free($1);"
%typemap(in, numinputs=0) (char *text, size_t capacity) "$1 = NULL; $2 = 0;"
%typemap(argout) (char *text, size_t capacity)
    "$result = SWIG_Python_AppendOutput($result, text_from((llm_span){$1, *arg1}));"
%typemap(freearg) (char *text, size_t capacity) "free($1);"
%apply (char *text, size_t capacity) { (char *out, size_t capacity) };

/* Results whose size the model knows. Rows of floats of their own. */
%typemap(in, numinputs=0) (float **out, size_t *n_rows, size_t *n_columns) (float *values = NULL, size_t n, size_t m) {
    $1 = &values;
    $2 = &n;
    $3 = &m;
    n = m = 0;
}
%typemap(argout) (float **out, size_t *n_rows, size_t *n_columns) {
    $result = SWIG_Python_AppendOutput($result, array_view(NULL, *$1, "f", sizeof **$1, (Py_ssize_t)*$2,
                                                           (Py_ssize_t)*$3, sizeof **$1));
    *$1 = NULL;
}
%typemap(freearg) (float **out, size_t *n_rows, size_t *n_columns) "free(*$1);"

UNLOCKED(embed)
UNLOCKED(sequence_eval)

%inline %{
/* llm_embed into a new array; model: the engine's. */
static llm_status embed(float **out, size_t *n_rows, size_t *n_columns, llm_engine *engine, const llm_model *model,
                        const llm_span *texts, size_t n_texts, int32_t pooling, int32_t normalize) {
    llm_model_info info = {.struct_size = sizeof info};
    llm_status status = llm_model_get_info(&info, model);
    if (status) return status;
    *n_rows = n_texts;
    *n_columns = (size_t)info.n_embd;
    *out = calloc(n_texts * *n_columns + 1, sizeof **out);
    return *out ? llm_embed(*out, engine, texts, n_texts, pooling, normalize) : LLM_E_MEMORY;
}

/* llm_sequence_eval into a new array of the last n_last rows; model: the engine's. */
static llm_status sequence_eval(float **out, size_t *n_rows, size_t *n_columns, llm_sequence *sequence,
                                const llm_model *model, const llm_token *tokens, size_t n_tokens, size_t n_last) {
    llm_model_info info = {.struct_size = sizeof info};
    llm_status status = llm_model_get_info(&info, model);
    if (status) return status;
    *n_rows = n_last <= n_tokens ? n_last : 0; /* the call refuses more */
    *n_columns = (size_t)info.n_vocab;
    *out = calloc(*n_rows * *n_columns + 1, sizeof **out);
    return *out ? llm_sequence_eval(sequence, tokens, n_tokens, n_last ? *out : NULL, n_last) : LLM_E_MEMORY;
}

/* llm_request_logprob as (log-probability, [(id, log-probability)]). */
static PyObject *request_logprob(llm_request *request, int32_t index, int32_t place) {
    const llm_token_logprob *top = NULL;
    size_t n_top = 0;
    float logprob = 0;
    llm_status status = llm_request_logprob(&logprob, &top, &n_top, request, index, place);
    if (status != LLM_OK) {
        raise_status(status, llm_last_error());
        return NULL;
    }
    PyObject *others = PyList_New((Py_ssize_t)n_top);
    for (size_t i = 0; others && i < n_top; i++) {
        PyObject *pair = Py_BuildValue("(if)", (int)top[i].token, top[i].logprob);
        if (pair)
            PyList_SET_ITEM(others, (Py_ssize_t)i, pair);
        else
            Py_CLEAR(others);
    }
    return others ? Py_BuildValue("(fN)", logprob, others) : NULL;
}

/* A copy of llm_sequence_tokens, which the sequence changes. */
static PyObject *sequence_tokens(const llm_sequence *sequence) {
    const llm_token *ids = NULL;
    size_t n = sequence ? llm_sequence_tokens(&ids, sequence) : 0;
    llm_token *copy = malloc((n + 1) * sizeof *copy);
    if (copy && n) memcpy(copy, ids, n * sizeof *copy);
    return copy ? array_ids(NULL, copy, n) : PyErr_NoMemory();
}

/* The ids of llm_answer_sample. */
static llm_status answer_sample_tokens(const llm_token **out, size_t *n_tokens, const llm_answer *answer,
                                       int32_t index) {
    llm_sample sample = {.struct_size = sizeof sample};
    llm_status status = llm_answer_sample(&sample, answer, index);
    *out = sample.tokens;
    *n_tokens = sample.n_tokens;
    return status;
}
%}
