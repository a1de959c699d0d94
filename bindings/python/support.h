/* What the Python wrapper needs beside SWIG's: arrays that lie in the library's memory, texts and ids of any Python
 * kind, statuses as exceptions. Included once, by the generated file. */
#ifndef LLM_PYTHON_SUPPORT_H
#define LLM_PYTHON_SUPPORT_H

#include <Python.h>
#include <limits.h>
#include <llm/llm.h>
#include <stdlib.h>
#include <string.h>

/* ---- arrays ---- */

/* Exports one or two dimensions of a native type through the buffer protocol. */
typedef struct array {
    PyObject_HEAD PyObject *owner; /* whose memory it is, read-only; NULL: its own, freed with it */
    void *data;
    const char *format;
    int n_dims;
    Py_ssize_t item_bytes, shape[2], strides[2];
} array;

static int array_get(PyObject *object, Py_buffer *view, int flags) {
    array *a = (array *)object;
    int contiguous = a->strides[a->n_dims - 1] == a->item_bytes;
    if ((flags & PyBUF_WRITABLE) && a->owner) {
        PyErr_SetString(PyExc_BufferError, "the array belongs to a result, which never changes");
        return -1;
    }
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES && !contiguous) {
        PyErr_SetString(PyExc_BufferError, "the array has strides");
        return -1;
    }
    *view = (Py_buffer){.buf = a->data,
                        .obj = Py_NewRef(object),
                        .len = a->item_bytes * a->shape[0] * (a->n_dims > 1 ? a->shape[1] : 1),
                        .readonly = a->owner != NULL,
                        .itemsize = a->item_bytes,
                        .format = flags & PyBUF_FORMAT ? (char *)(uintptr_t)a->format : NULL,
                        .ndim = a->n_dims,
                        .shape = flags & PyBUF_ND ? a->shape : NULL,
                        .strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? a->strides : NULL};
    return 0;
}

static void array_free(PyObject *object) {
    array *a = (array *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (!a->owner) free(a->data);
    Py_XDECREF(a->owner);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyTypeObject *array_type;

static int array_init(void) {
    static PyType_Slot slots[] = {{Py_bf_getbuffer, (void *)array_get}, {Py_tp_dealloc, (void *)array_free}, {0, NULL}};
    static PyType_Spec spec = {"libllm.native.array", sizeof(array), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    array_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return array_type ? 0 : -1;
}

/* A memoryview of n_rows x n_columns (n_columns -1: one dimension) whose rows are row_bytes apart. Takes over data if
 * owner is NULL. */
static PyObject *array_view(PyObject *owner, const void *data, const char *format, Py_ssize_t item_bytes,
                            Py_ssize_t n_rows, Py_ssize_t n_columns, Py_ssize_t step_bytes) {
    static int nothing;
    array *a = PyObject_New(array, array_type);
    if (!a) {
        if (!owner) free((void *)(uintptr_t)data);
        return NULL;
    }
    a->owner = owner ? Py_NewRef(owner) : !data ? Py_NewRef(Py_None) : NULL;
    a->data = data ? (void *)(uintptr_t)data : &nothing;
    a->format = format;
    a->item_bytes = item_bytes;
    a->n_dims = n_columns < 0 ? 1 : 2;
    a->shape[0] = n_rows;
    a->shape[1] = n_columns;
    a->strides[a->n_dims - 1] = step_bytes;
    if (a->n_dims == 2) a->strides[0] = n_columns * step_bytes;
    PyObject *view = PyMemoryView_FromObject((PyObject *)a);
    Py_DECREF(a);
    return view;
}

static PyObject *array_ids(PyObject *owner, const llm_token *ids, size_t n) {
    return array_view(owner, ids, "i", sizeof *ids, (Py_ssize_t)n, -1, sizeof *ids);
}

static PyObject *array_floats(PyObject *owner, const float *values, size_t n) {
    return array_view(owner, values, "f", sizeof *values, (Py_ssize_t)n, -1, sizeof *values);
}

/* ---- statuses ---- */

/* Raises what libllm.errors makes of a status. Always -1. */
static int raise_status(llm_status status, const char *text) {
    PyObject *module = PyImport_ImportModule("libllm.errors");
    PyObject *error = module ? PyObject_CallMethod(module, "of_status", "isss", (int)status, llm_status_name(status),
                                                   llm_status_text(status), text)
                             : NULL;
    if (error) PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    Py_XDECREF(module);
    return -1;
}

/* ---- texts ---- */

/* Says what a UnicodeEncodeError is about. */
static void explain_surrogate(void) {
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyErr_NormalizeException(&kind, &value, &trace);
    if (value && PyErr_GivenExceptionMatches(value, PyExc_UnicodeEncodeError))
        PyUnicodeEncodeError_SetReason(value, "the text has a lone surrogate there, which is half of a character");
    PyErr_Restore(kind, value, trace);
}

/* The bytes of a str (UTF-8), of bytes, or of a bytearray. *keep is a new reference to what holds them:
 * they stay as they are while another thread runs. */
static int text_of(PyObject *object, PyObject **keep, llm_span *span) {
    Py_ssize_t n = 0;
    if (PyUnicode_Check(object)) {
        *keep = Py_NewRef(object);
        span->ptr = PyUnicode_AsUTF8AndSize(object, &n);
        if (!span->ptr) explain_surrogate();
    } else if (PyBytes_Check(object) || PyByteArray_Check(object)) {
        *keep = PyBytes_FromObject(object);
        char *bytes = NULL;
        if (*keep && PyBytes_AsStringAndSize(*keep, &bytes, &n)) bytes = NULL;
        span->ptr = bytes;
    } else {
        span->ptr = NULL;
        PyErr_Format(PyExc_TypeError, "a text is str or bytes, not %.200s", Py_TYPE(object)->tp_name);
    }
    span->len = (size_t)n;
    return span->ptr ? 0 : -1;
}

/* The same ending in NUL, so without one inside; None is NULL. */
static int name_of(PyObject *object, PyObject **keep, const char **name) {
    llm_span span = {NULL, 0};
    *name = NULL;
    if (object == Py_None) return 0;
    if (PyObject_CheckBuffer(object) && !PyBytes_Check(object)) {
        PyErr_Format(PyExc_TypeError, "a name is str or bytes, not %.200s", Py_TYPE(object)->tp_name);
        return -1;
    }
    if (text_of(object, keep, &span)) return -1;
    if (memchr(span.ptr, 0, span.len)) {
        PyErr_SetString(PyExc_ValueError, "the text has a NUL character inside");
        return -1;
    }
    *name = span.ptr;
    return 0;
}

/* Malformed bytes, which a vocabulary or a file may hold, come out as U+FFFD. */
static PyObject *text_from(llm_span span) {
    if (!span.ptr) return Py_NewRef(Py_None);
    return PyUnicode_DecodeUTF8(span.ptr, (Py_ssize_t)span.len, "replace");
}

/* Texts of a sequence. *keep holds everything they lie in; *spans is malloc'ed. n_of each item: 1 for texts, 2 for
 * pairs of texts, laid out one after the other. */
static int texts_of(PyObject *object, int n_each, PyObject **keep, llm_span **spans, size_t *n) {
    if (PyUnicode_Check(object) || PyObject_CheckBuffer(object)) {
        PyErr_Format(PyExc_TypeError, "a sequence of texts is expected, not %.200s", Py_TYPE(object)->tp_name);
        return -1;
    }
    PyObject *items = PySequence_Tuple(object);
    *keep = items ? PyList_New(0) : NULL;
    *n = items ? (size_t)PyTuple_GET_SIZE(items) : 0;
    *spans = *keep ? calloc(*n * (size_t)n_each + 1, sizeof **spans) : NULL;
    int ok = *keep && *spans;
    for (size_t i = 0; ok && i < *n; i++) {
        PyObject *item = PyTuple_GET_ITEM(items, (Py_ssize_t)i);
        int is_text = PyUnicode_Check(item) || PyObject_CheckBuffer(item);
        PyObject *parts = n_each == 1 ? PyTuple_Pack(1, item) : is_text ? NULL : PySequence_Tuple(item);
        ok = parts && PyTuple_GET_SIZE(parts) == n_each;
        if (!ok && !PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "item %zu is not a pair of texts", i);
        for (int j = 0; ok && j < n_each; j++) {
            PyObject *held = NULL;
            ok = !text_of(PyTuple_GET_ITEM(parts, j), &held, *spans + i * (size_t)n_each + (size_t)j) &&
                 !PyList_Append(*keep, held);
            Py_XDECREF(held);
        }
        Py_XDECREF(parts);
    }
    Py_XDECREF(items);
    if (!ok && !PyErr_Occurred()) PyErr_NoMemory();
    return ok ? 0 : -1;
}

/* ---- ids ---- */

static int id_of(PyObject *object, llm_token *id) {
    int overflow = 0;
    PyObject *index = PyNumber_Index(object);
    long value = index ? PyLong_AsLongAndOverflow(index, &overflow) : -1;
    Py_XDECREF(index);
    if (value == -1 && PyErr_Occurred()) return -1;
    if (overflow || value < INT32_MIN || value > INT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "token id %R is outside 32 bits", object);
        return -1;
    }
    *id = (llm_token)value;
    return 0;
}

/* Copies a one-dimensional buffer of 32- or 64-bit integers; 1 if it is one. */
static int ids_of_buffer(PyObject *object, llm_token **ids, size_t *n) {
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FORMAT | PyBUF_STRIDES)) return -1;
    const char *format = view.format ? view.format : "B";
    format += *format == '@' || *format == '=' || *format == '<';
    int fits =
        view.ndim == 1 && strlen(format) == 1 && strchr("ilq", *format) && (view.itemsize == 4 || view.itemsize == 8);
    if (!fits) PyErr_SetString(PyExc_TypeError, "ids are one row of 32- or 64-bit integers");
    *n = fits ? (size_t)view.shape[0] : 0;
    *ids = fits ? malloc((*n + 1) * sizeof **ids) : NULL;
    if (fits && !*ids) PyErr_NoMemory();
    int ok = *ids != NULL;
    for (size_t i = 0; ok && i < *n; i++) {
        const char *at = (const char *)view.buf + view.strides[0] * (Py_ssize_t)i;
        int64_t wide = 0;
        int32_t narrow = 0;
        memcpy(view.itemsize == 8 ? (void *)&wide : (void *)&narrow, at, (size_t)view.itemsize);
        if (view.itemsize == 4) wide = narrow;
        (*ids)[i] = (llm_token)wide;
        if (wide != (llm_token)wide) {
            PyErr_Format(PyExc_OverflowError, "token id %lld is outside 32 bits", (long long)wide);
            ok = 0;
        }
    }
    PyBuffer_Release(&view);
    return ok ? 0 : -1;
}

/* Ids of a buffer or of a sequence of integers, copied into *ids (malloc'ed, also on failure). */
static int ids_of(PyObject *object, llm_token **ids, size_t *n) {
    *ids = NULL;
    *n = 0;
    if (PyObject_CheckBuffer(object)) return ids_of_buffer(object, ids, n);
    PyObject *items = PyUnicode_Check(object) ? NULL : PySequence_Tuple(object);
    if (!items) {
        PyErr_Format(PyExc_TypeError, "ids are a buffer or a sequence of integers, not %.200s",
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    *n = (size_t)PyTuple_GET_SIZE(items);
    *ids = malloc((*n + 1) * sizeof **ids);
    int ok = *ids != NULL;
    if (!ok) PyErr_NoMemory();
    for (size_t i = 0; ok && i < *n; i++) ok = !id_of(PyTuple_GET_ITEM(items, (Py_ssize_t)i), *ids + i);
    Py_DECREF(items);
    return ok ? 0 : -1;
}

/* {id: bias} as an array (malloc'ed). */
static int biases_of(PyObject *object, llm_logit_bias **biases, size_t *n) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    if (!PyDict_Check(object)) {
        PyErr_Format(PyExc_TypeError, "logit_bias is a dict of id and number, not %.200s", Py_TYPE(object)->tp_name);
        return -1;
    }
    PyObject *copy = PyDict_Copy(object); /* an __index__ or __float__ may change the other */
    *biases = copy ? malloc(((size_t)PyDict_Size(copy) + 1) * sizeof **biases) : NULL;
    int ok = *biases != NULL;
    if (!ok && !PyErr_Occurred()) PyErr_NoMemory();
    for (*n = 0; ok && PyDict_Next(copy, &at, &key, &value); ++*n) {
        (*biases)[*n].bias = (float)PyFloat_AsDouble(value);
        ok = !PyErr_Occurred() && !id_of(key, &(*biases)[*n].token);
    }
    Py_XDECREF(copy);
    return ok ? 0 : -1;
}

/* ---- callbacks ---- */

/* llm_progress_fn over a Python callable, which answers a number or None. */
static int32_t call_progress(void *user, double done) {
    if (!user) return 0;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *answer = PyObject_CallFunction((PyObject *)user, "d", done);
    long value = !answer ? -1 : PyLong_Check(answer) ? PyLong_AsLong(answer) : 0;
    if (PyErr_Occurred()) PyErr_WriteUnraisable((PyObject *)user);
    Py_XDECREF(answer);
    PyGILState_Release(gil);
    return value < 0 ? -1 : 0;
}

/* llm_log_fn: to the callable libllm.errors.log. */
static void call_log(void *user, int32_t level, const char *text) {
    if (!Py_IsInitialized()) return;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *kind, *value, *trace;
    PyErr_Fetch(&kind, &value, &trace);
    PyObject *module = PyImport_ImportModule("libllm.errors");
    PyObject *answer = module ? PyObject_CallMethod(module, "log", "is", (int)level, text) : NULL;
    if (!answer) PyErr_Clear();
    Py_XDECREF(answer);
    Py_XDECREF(module);
    PyErr_Restore(kind, value, trace);
    PyGILState_Release(gil);
}

#endif
