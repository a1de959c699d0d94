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

static PyTypeObject *array_type, *ids_type;

/* A new array of n_rows x n_columns (n_columns -1: one dimension) whose rows are n_columns * step_bytes apart. owner
 * NULL: takes over data. */
static PyObject *array_make(PyTypeObject *type, PyObject *owner, const void *data, const char *format,
                            Py_ssize_t item_bytes, Py_ssize_t n_rows, Py_ssize_t n_columns, Py_ssize_t step_bytes) {
    static int nothing;
    array *a = PyObject_New(array, type);
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
    return (PyObject *)a;
}

/* A memoryview of one. */
static PyObject *array_view(PyObject *owner, const void *data, const char *format, Py_ssize_t item_bytes,
                            Py_ssize_t n_rows, Py_ssize_t n_columns, Py_ssize_t step_bytes) {
    PyObject *made = array_make(array_type, owner, data, format, item_bytes, n_rows, n_columns, step_bytes);
    PyObject *view = made ? PyMemoryView_FromObject(made) : NULL;
    Py_XDECREF(made);
    return view;
}

/* ---- token ids: an array that prints, compares, adds and iterates as a list does ---- */

static PyObject *ids_make(PyObject *owner, const llm_token *ids, Py_ssize_t n, Py_ssize_t step_bytes) {
    return array_make(ids_type, owner, ids, "i", sizeof *ids, n, -1, step_bytes);
}

static PyObject *array_ids(PyObject *owner, const llm_token *ids, size_t n) {
    return ids_make(owner, ids, (Py_ssize_t)n, sizeof *ids);
}

static Py_ssize_t ids_length(PyObject *self) {
    return ((array *)self)->shape[0];
}

static const char *ids_at(const array *a, Py_ssize_t i) {
    return (const char *)a->data + a->strides[0] * i;
}

static PyObject *ids_item(PyObject *self, Py_ssize_t i) {
    llm_token id;
    if (i < 0 || i >= ids_length(self)) {
        PyErr_Format(PyExc_IndexError, "index %zd of %zd token ids", i, ids_length(self));
        return NULL;
    }
    memcpy(&id, ids_at((array *)self, i), sizeof id);
    return PyLong_FromLong(id);
}

/* A slice shares the memory. */
static PyObject *ids_subscript(PyObject *self, PyObject *index) {
    Py_ssize_t start, stop, step, n = ids_length(self);
    if (!PySlice_Check(index)) {
        Py_ssize_t i = PyNumber_AsSsize_t(index, PyExc_IndexError);
        return i == -1 && PyErr_Occurred() ? NULL : ids_item(self, i < 0 ? i + n : i);
    }
    if (PySlice_Unpack(index, &start, &stop, &step)) return NULL;
    n = PySlice_AdjustIndices(n, &start, &stop, step);
    array *a = (array *)self;
    return ids_make(self, (const llm_token *)(const void *)ids_at(a, n ? start : 0), n, a->strides[0] * step);
}

static PyObject *ids_list(PyObject *self, PyObject *unused) {
    (void)unused;
    return PySequence_List(self);
}

static PyObject *ids_repr(PyObject *self) {
    PyObject *list = PySequence_List(self), *text = list ? PyObject_Repr(list) : NULL;
    Py_XDECREF(list);
    return text;
}

/* Whether something may be the other side of == and +. */
static int ids_meet(PyObject *other) {
    return PyList_Check(other) || PyTuple_Check(other) || Py_IS_TYPE(other, ids_type);
}

static PyObject *ids_compare(PyObject *self, PyObject *other, int operation) {
    if ((operation != Py_EQ && operation != Py_NE) || !(ids_meet(other) || PyMemoryView_Check(other)))
        Py_RETURN_NOTIMPLEMENTED;
    PyObject *left = PySequence_List(self), *right = left ? PySequence_List(other) : NULL;
    PyObject *answer = right ? PyObject_RichCompare(left, right, operation) : NULL;
    Py_XDECREF(left);
    Py_XDECREF(right);
    return answer;
}

static PyObject *ids_add(PyObject *left, PyObject *right) {
    if (!ids_meet(left) || !ids_meet(right)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *sum = PySequence_List(left), *whole = sum ? PySequence_InPlaceConcat(sum, right) : NULL;
    Py_XDECREF(sum);
    return whole;
}

/* What it has not itself (shape, format, tobytes, ...) a view of it has. */
static PyObject *ids_attribute(PyObject *self, PyObject *name) {
    PyObject *found = PyObject_GenericGetAttr(self, name);
    if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
    PyObject *kind, *value, *trace, *view;
    PyErr_Fetch(&kind, &value, &trace);
    view = PyMemoryView_FromObject(self);
    found = view ? PyObject_GetAttr(view, name) : NULL;
    Py_XDECREF(view);
    if (found) {
        Py_XDECREF(kind);
        Py_XDECREF(value);
        Py_XDECREF(trace);
    } else {
        PyErr_Restore(kind, value, trace);
    }
    return found;
}

static PyObject *ids_index(PyObject *self, PyObject *id) {
    Py_ssize_t i = PySequence_Index(self, id);
    return i < 0 ? NULL : PyLong_FromSsize_t(i);
}

static PyObject *ids_count(PyObject *self, PyObject *id) {
    Py_ssize_t n = PySequence_Count(self, id);
    return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

/* Pickled and copied as a list: the memory stays in this process. */
static PyObject *ids_reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    return Py_BuildValue("(O(N))", &PyList_Type, PySequence_List(self));
}

static int array_init(PyObject *module) {
    static PyType_Slot slots[] = {{Py_bf_getbuffer, (void *)array_get}, {Py_tp_dealloc, (void *)array_free}, {0, NULL}};
    static PyType_Spec spec = {"libllm.native.array", sizeof(array), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    static PyMethodDef methods[] = {
        {"tolist", ids_list, METH_NOARGS, "The ids as a list of int."},
        {"index", ids_index, METH_O, "Where an id is first; ValueError if it is not there."},
        {"count", ids_count, METH_O, "How often an id is there."},
        {"__reduce__", ids_reduce, METH_NOARGS, "A list of them."},
        {NULL, NULL, 0, NULL}};
    static PyType_Slot ids_slots[] = {
        {Py_tp_doc,
         (void *)"Token ids, int32 [n]: prints, compares, adds and iterates as a list of int does. A view of "
                 "the library's memory, which memoryview() and numpy.asarray() do not copy."},
        {Py_bf_getbuffer, (void *)array_get},
        {Py_tp_dealloc, (void *)array_free},
        {Py_tp_repr, (void *)ids_repr},
        {Py_tp_hash, (void *)PyObject_HashNotImplemented},
        {Py_tp_richcompare, (void *)ids_compare},
        {Py_tp_getattro, (void *)ids_attribute},
        {Py_tp_methods, methods},
        {Py_sq_length, (void *)ids_length},
        {Py_sq_item, (void *)ids_item},
        {Py_mp_length, (void *)ids_length},
        {Py_mp_subscript, (void *)ids_subscript},
        {Py_nb_add, (void *)ids_add},
        {0, NULL}};
    static PyType_Spec ids_spec = {"libllm.TokenIds", sizeof(array), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_SEQUENCE,
                                   ids_slots};
    array_type = (PyTypeObject *)PyType_FromSpec(&spec);
    ids_type = (PyTypeObject *)PyType_FromSpec(&ids_spec);
    return array_type && ids_type ? PyModule_AddObjectRef(module, "TokenIds", (PyObject *)ids_type) : -1;
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
