/* The part of CPython's stable ABI that is used here, written out, since a build for WebAssembly has no headers of
 * CPython's: https://docs.python.org/3/c-api/stable.html. Names and meanings are CPython's. */
#ifndef WELLHEAD_PYTHON_H
#define WELLHEAD_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef intptr_t Py_ssize_t;
typedef struct PyTypeObject PyTypeObject;

/* What every object begins with. */
typedef struct PyObject {
    Py_ssize_t ob_refcnt;
    PyTypeObject *ob_type;
} PyObject;

/* Functions and methods. */
typedef PyObject *(*PyCFunction)(PyObject *self, PyObject *argument);
typedef PyObject *(*PyCFunctionFast)(PyObject *self, PyObject *const *values, Py_ssize_t count);
typedef PyObject *(*PyCFunctionFastWithKeywords)(PyObject *self, PyObject *const *values, Py_ssize_t count,
                                                 PyObject *names);
typedef struct PyMethodDef {
    const char *ml_name;
    PyCFunction ml_meth;
    int ml_flags;
    const char *ml_doc;
} PyMethodDef;
enum { METH_KEYWORDS = 2, METH_NOARGS = 4, METH_O = 8, METH_CLASS = 16, METH_FASTCALL = 128 };

/* A function of another kind than the table's, which its flags say. */
#define METHOD(name, function, flags, doc) {name, (PyCFunction)(void (*)(void))(function), flags, doc}

/* Modules and types. */
typedef struct PyModuleDef {
    struct {
        PyObject head;
        void *init;
        Py_ssize_t index;
        PyObject *copy;
    } base;
    const char *m_name, *m_doc;
    Py_ssize_t m_size;
    PyMethodDef *m_methods;
    void *m_slots, *m_traverse, *m_clear, *m_free;
} PyModuleDef;
typedef struct PyType_Slot {
    int slot;
    void *pfunc;
} PyType_Slot;
typedef struct PyType_Spec {
    const char *name;
    int basicsize, itemsize;
    unsigned flags;
    PyType_Slot *slots;
} PyType_Spec;
enum { Py_tp_dealloc = 52, Py_tp_iter = 62, Py_tp_iternext = 63, Py_tp_methods = 64, Py_tp_new = 65 };
enum { PYTHON_API_VERSION = 1013, Py_LT = 0, Py_DTSF_ADD_DOT_0 = 2 };

PyObject *PyModule_Create2(PyModuleDef *definition, int version);
int PyModule_AddObjectRef(PyObject *module, const char *name, PyObject *value);
int PyModule_AddIntConstant(PyObject *module, const char *name, long value);
PyObject *PyType_FromSpec(PyType_Spec *spec);
PyObject *PyType_GenericAlloc(PyTypeObject *type, Py_ssize_t items);
PyObject *PyCFunction_NewEx(PyMethodDef *definition, PyObject *self, PyObject *module);
PyObject *PyImport_ImportModule(const char *name);

/* Objects. */
void Py_IncRef(PyObject *object);
void Py_DecRef(PyObject *object);
PyObject *PyObject_GetAttr(PyObject *object, PyObject *name);
PyObject *PyObject_GetAttrString(PyObject *object, const char *name);
int PyObject_SetAttrString(PyObject *object, const char *name, PyObject *value);
PyObject *PyObject_Repr(PyObject *object);
int PyObject_IsTrue(PyObject *object);
int PyObject_RichCompareBool(PyObject *one, PyObject *other, int operation);
PyObject *PyObject_SelfIter(PyObject *object);
PyObject *PyObject_GetIter(PyObject *object);
PyObject *PyIter_Next(PyObject *iterator);
PyObject *PyObject_Vectorcall(PyObject *callable, PyObject *const *values, size_t count, PyObject *names);
PyObject *PyObject_CallFunctionObjArgs(PyObject *callable, ...);
PyObject *PyObject_CallMethodObjArgs(PyObject *object, PyObject *name, ...);
void PyObject_Free(void *memory);
void *PyMem_Realloc(void *memory, size_t size);
void PyMem_Free(void *memory);

/* Exceptions. */
extern PyObject *PyExc_AttributeError, *PyExc_TypeError;
PyObject *PyErr_Occurred(void);
void PyErr_Clear(void);
PyObject *PyErr_NoMemory(void);
void PyErr_SetString(PyObject *exception, const char *message);
PyObject *PyErr_Format(PyObject *exception, const char *format, ...);

/* Values. */
extern PyTypeObject PyLong_Type, PyFloat_Type, PyUnicode_Type, PyBytes_Type, PyDict_Type, PyList_Type, PyTuple_Type;
extern PyObject _Py_NoneStruct, _Py_TrueStruct, _Py_FalseStruct;
#define Py_None (&_Py_NoneStruct)
#define Py_True (&_Py_TrueStruct)
#define Py_False (&_Py_FalseStruct)
PyObject *PyBool_FromLong(long value);
PyObject *PyLong_FromLong(long value);
PyObject *PyLong_FromUnsignedLong(unsigned long value);
PyObject *PyLong_FromUnsignedLongLong(unsigned long long value);
long PyLong_AsLong(PyObject *value);
long long PyLong_AsLongLongAndOverflow(PyObject *value, int *overflow);
unsigned long long PyLong_AsUnsignedLongLongMask(PyObject *value);
PyObject *PyNumber_Multiply(PyObject *one, PyObject *other);
PyObject *PyNumber_Rshift(PyObject *value, PyObject *bits);
double PyFloat_AsDouble(PyObject *value);
char *PyOS_double_to_string(double value, char format, int precision, int flags, int *type);
PyObject *PyUnicode_FromStringAndSize(const char *text, Py_ssize_t size);
PyObject *PyUnicode_InternFromString(const char *text);
const char *PyUnicode_AsUTF8AndSize(PyObject *text, Py_ssize_t *size);
int PyUnicode_Compare(PyObject *one, PyObject *other);
PyObject *PyBytes_FromStringAndSize(const char *bytes, Py_ssize_t size);
int PyBytes_AsStringAndSize(PyObject *bytes, char **data, Py_ssize_t *size);
PyObject *PyList_New(Py_ssize_t size);
Py_ssize_t PyList_Size(PyObject *list);
PyObject *PyList_GetItem(PyObject *list, Py_ssize_t place);
int PyList_SetItem(PyObject *list, Py_ssize_t place, PyObject *value);
int PyList_SetSlice(PyObject *list, Py_ssize_t from, Py_ssize_t to, PyObject *values);
PyObject *PyTuple_New(Py_ssize_t size);
Py_ssize_t PyTuple_Size(PyObject *tuple);
PyObject *PyTuple_GetItem(PyObject *tuple, Py_ssize_t place);
int PyTuple_SetItem(PyObject *tuple, Py_ssize_t place, PyObject *value);
PyObject *PyDict_New(void);
Py_ssize_t PyDict_Size(PyObject *dict);
void PyDict_Clear(PyObject *dict);
PyObject *PyDict_GetItemWithError(PyObject *dict, PyObject *key);
int PyDict_SetItem(PyObject *dict, PyObject *key, PyObject *value);
int PyDict_Next(PyObject *dict, Py_ssize_t *place, PyObject **key, PyObject **value);

static inline bool is_a(PyObject *object, PyTypeObject *type)
{
    return object->ob_type == type;
}

static inline PyObject *held(PyObject *object)
{
    Py_IncRef(object);
    return object;
}

#endif
