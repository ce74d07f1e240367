/* Values as JSON, as plugins/sdk-python/wellhead/values.py writes them.
 *
 * What isn't plain is left to Python: a function here that gives false has either set an exception or come to
 * something that it has no form for, and the whole value is written by Python then, which knows what to say. */
#include "text.h"

/* As deep as this, and no further. */
#define DEEPEST 64

/* Of values.py: the class of decimals, a function that names a class's fields (or gives None), and the whole way. */
static PyTypeObject *fixed_type;
static PyObject *shape_of, *in_python;
/* Names of fields by class; beyond so many, classes are made while it runs, and all are forgotten. */
static PyObject *shapes;
#define SHAPES 1024
static PyObject *name_value, *name_decimals;
/* Where values are written; whoever writes begins behind what is there, and leaves nothing. */
static text scratch;

static bool json_value(text *text, PyObject *value, int depth);

static bool put_text(text *text, PyObject *value)
{
    Py_ssize_t length;
    const char *from = PyUnicode_AsUTF8AndSize(value, &length);
    return from && text_string(text, from, (size_t)length);
}

/* A string of Python's as it is. */
static bool put_plain(text *text, PyObject *value)
{
    Py_ssize_t length;
    const char *from = value ? PyUnicode_AsUTF8AndSize(value, &length) : NULL;
    return from && text_add(text, from, (size_t)length);
}

static bool put_int(text *text, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    wh_writer writer;
    if (overflow) {
        PyObject *digits = PyObject_Repr(value);
        bool put = put_plain(text, digits);
        Py_DecRef(digits);
        return put;
    }
    if (!text_open(text, &writer))
        return false;
    wh_i64(&writer, number);
    text_close(text, &writer);
    return true;
}

/* The digits of `repr`. */
static bool put_float(text *text, PyObject *value)
{
    double number = PyFloat_AsDouble(value);
    if (number - number != 0.0)
        return false;
    char *digits = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    bool put = digits && text_add(text, digits, strlen(digits));
    PyMem_Free(digits);
    return put;
}

/* A whole number in units of 10**-decimals. */
static bool put_fixed(text *text, PyObject *value, unsigned decimals)
{
    int overflow;
    wh_writer writer;
    if (!is_a(value, &PyLong_Type) || decimals > 9)
        return false;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || !text_open(text, &writer))
        return false;
    if (decimals)
        wh_fixed(&writer, decimals, number);
    else
        wh_i64(&writer, number);
    text_close(text, &writer);
    return true;
}

static bool put_fixed_object(text *text, PyObject *value)
{
    PyObject *units = PyObject_GetAttr(value, name_value), *decimals = PyObject_GetAttr(value, name_decimals);
    long places = decimals && is_a(decimals, &PyLong_Type) ? PyLong_AsLong(decimals) : -1;
    bool put = units && places >= 0 && put_fixed(text, units, (unsigned)places);
    Py_DecRef(units);
    Py_DecRef(decimals);
    return put;
}

/* Nanoseconds since the epoch, without quotes. */
static bool put_time(text *text, PyObject *value)
{
    int overflow;
    wh_writer writer;
    if (!is_a(value, &PyLong_Type))
        return false;
    long long time = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow || time < 0 || !text_open(text, &writer))
        return false;
    wh_time_text(&writer, (uint64_t)time);
    text_close(text, &writer);
    return true;
}

static bool put_field(text *text, bool first, PyObject *name, PyObject *value, int depth)
{
    return text_byte(text, first ? '{' : ',') && is_a(name, &PyUnicode_Type) && put_text(text, name) &&
           text_byte(text, ':') && json_value(text, value, depth);
}

static bool put_dict(text *text, PyObject *dict, int depth)
{
    PyObject *name, *value;
    Py_ssize_t place = 0;
    bool first = true;
    while (PyDict_Next(dict, &place, &name, &value)) {
        /* What a value runs may change the dict. */
        Py_IncRef(name);
        Py_IncRef(value);
        bool put = put_field(text, first, name, value, depth);
        Py_DecRef(name);
        Py_DecRef(value);
        if (!put)
            return false;
        first = false;
    }
    return (!first || text_byte(text, '{')) && text_byte(text, '}');
}

static bool put_items(text *text, PyObject *items, bool list, int depth)
{
    if (!text_byte(text, '['))
        return false;
    for (Py_ssize_t i = 0; i < (list ? PyList_Size(items) : PyTuple_Size(items)); i++) {
        PyObject *item = held(list ? PyList_GetItem(items, i) : PyTuple_GetItem(items, i));
        bool put = (i == 0 || text_byte(text, ',')) && json_value(text, item, depth);
        Py_DecRef(item);
        if (!put)
            return false;
    }
    return text_byte(text, ']');
}

/* An object's fields by their names. */
static bool put_fields(text *text, PyObject *value, PyObject *names, int depth)
{
    Py_ssize_t count = PyTuple_Size(names);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GetItem(names, i), *field = PyObject_GetAttr(value, name);
        bool put = field && put_field(text, i == 0, name, field, depth);
        Py_DecRef(field);
        if (!put)
            return false;
    }
    return (count || text_byte(text, '{')) && text_byte(text, '}');
}

/* The names of a class's fields, or None. Borrowed. */
static PyObject *shape(PyObject *type)
{
    PyObject *known = PyDict_GetItemWithError(shapes, type);
    if (known || PyErr_Occurred())
        return known;
    if (PyDict_Size(shapes) >= SHAPES)
        PyDict_Clear(shapes);
    PyObject *made = PyObject_CallFunctionObjArgs(shape_of, type, NULL);
    bool kept = made && PyDict_SetItem(shapes, type, made) == 0;
    Py_DecRef(made);
    return kept ? PyDict_GetItemWithError(shapes, type) : NULL;
}

/* A value of another class than the plain ones: of one with fields, or by the way of Python. */
static bool put_other(text *text, PyObject *value, int depth)
{
    PyObject *names = held(shape((PyObject *)value->ob_type));
    bool put = false;
    if (names && is_a(names, &PyTuple_Type)) {
        put = put_fields(text, value, names, depth);
    } else if (names) {
        PyObject *made = PyObject_CallFunctionObjArgs(in_python, value, NULL);
        put = put_plain(text, made);
        Py_DecRef(made);
    }
    Py_DecRef(names);
    return put;
}

static bool json_value(text *text, PyObject *value, int depth)
{
    PyTypeObject *type = value->ob_type;
    if (type == &PyUnicode_Type)
        return put_text(text, value);
    if (type == &PyLong_Type)
        return put_int(text, value);
    if (type == &PyFloat_Type)
        return put_float(text, value);
    if (type == fixed_type)
        return put_fixed_object(text, value);
    if (value == Py_None)
        return text_add(text, "null", 4);
    if (value == Py_True)
        return text_add(text, "true", 4);
    if (value == Py_False)
        return text_add(text, "false", 5);
    if (depth == DEEPEST)
        return false;
    if (type == &PyDict_Type)
        return put_dict(text, value, depth + 1);
    if (type == &PyList_Type || type == &PyTuple_Type)
        return put_items(text, value, type == &PyList_Type, depth + 1);
    return put_other(text, value, depth + 1);
}

/* What was written from `begin` on as a string of Python's, and that place is free again. */
static PyObject *taken(size_t begin)
{
    size_t length = scratch.length - begin;
    PyObject *made = PyUnicode_FromStringAndSize((const char *)scratch.data + begin, (Py_ssize_t)length);
    scratch.length = begin;
    if (!begin)
        text_clear(&scratch);
    return made;
}

static PyObject *to_json(PyObject *module, PyObject *value)
{
    (void)module;
    size_t begin = scratch.length;
    if (json_value(&scratch, value, 0))
        return taken(begin);
    scratch.length = begin;
    PyErr_Clear();
    return PyObject_CallFunctionObjArgs(in_python, value, NULL);
}

/* `json(fixed, shape, whole)`: what values.py has for it. */
static PyObject *json_begin(PyObject *module, PyObject *const *values, Py_ssize_t count)
{
    (void)module;
    if (!takes("json", count, 3, 3))
        return NULL;
    fixed_type = (PyTypeObject *)held(values[0]);
    shape_of = held(values[1]);
    in_python = held(values[2]);
    return held(Py_None);
}
