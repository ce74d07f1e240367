/* `_wellhead`: what costs in an interpreter, for plugins/sdk-python in a component: draws, JSON, the loop over a batch.
 *
 * The SDK has all of it in Python, too, and gives the same bytes without. CPython's own part of a component finds this
 * as an extension module; plugins/build.sh compiles it. */
#include "keys.c"
#include "json.c"
#include "writer.c"
#include "rows.c"
#include "../sdk-c/wellhead/clock.c"

/* Of what is between this and the SDK: wellhead/native.py asks for the same. */
#define VERSION 1

/* `rfc3339(time)`; what isn't whole nanoseconds since the epoch is left to Python, for which it is None. */
static PyObject *rfc3339(PyObject *module, PyObject *time)
{
    (void)module;
    size_t begin = scratch.length;
    if (put_time(&scratch, time))
        return taken(begin);
    scratch.length = begin;
    return PyErr_Occurred() ? NULL : held(Py_None);
}

static PyMethodDef functions[] = {
    METHOD("json", json_begin, METH_FASTCALL, "Takes what values.py has for to_json."),
    METHOD("to_json", to_json, METH_O, "A value as compact JSON."),
    METHOD("rfc3339", rfc3339, METH_O, "Nanoseconds since the epoch as text."),
    METHOD("writer", writer_made, METH_FASTCALL, "A function that writes a class's records."),
    {0},
};
static PyModuleDef definition = {.m_name = "_wellhead", .m_size = -1, .m_methods = functions};

static bool add_type(PyObject *module, const char *name, PyType_Spec *spec, PyTypeObject **type)
{
    *type = (PyTypeObject *)PyType_FromSpec(spec);
    return *type && PyModule_AddObjectRef(module, name, (PyObject *)*type) == 0;
}

static bool add_name(const char *text, PyObject **name)
{
    *name = PyUnicode_InternFromString(text);
    return *name != NULL;
}

static bool filled(PyObject *module)
{
    zero = PyLong_FromLong(0);
    shapes = PyDict_New();
    return zero && shapes && add_name("", &no_key) && add_name("value", &name_value) &&
           add_name("decimals", &name_decimals) && add_name("encoded", &name_encoded) && add_name("odd", &name_odd) &&
           add_name("mark", &name_mark) && add_name("too_many", &name_too_many) &&
           add_type(module, "Key", &key_spec, &key_type) && add_type(module, "Rng", &rng_spec, &rng_type) &&
           add_type(module, "Draws", &draws_spec, &draws_type) &&
           add_type(module, "Writer", &writer_spec, &writer_type) && add_type(module, "Rows", &rows_spec, &rows_type) &&
           PyModule_AddIntConstant(module, "VERSION", VERSION) == 0;
}

__attribute__((visibility("default"))) PyObject *PyInit__wellhead(void)
{
    PyObject *module = PyModule_Create2(&definition, PYTHON_API_VERSION);
    if (module && !filled(module)) {
        Py_DecRef(module);
        module = NULL;
    }
    return module;
}
