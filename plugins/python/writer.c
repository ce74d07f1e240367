/* The function that a class's records are written by, as in plugins/sdk-python/wellhead/writing.py. */
#include "text.h"

typedef enum kind { TEXT = 't', TIME = 'i', DECIMALS = 'd', ANY = 'a' } kind;

typedef struct field {
    PyObject *name;
    /* What stands in front of the value: `{"name":`, or `,"name":`. */
    PyObject *lead;
    const char *lead_text;
    size_t lead_length;
    kind kind;
    unsigned decimals;
} field;

typedef struct Writer {
    PyObject head;
    /* The same function of Python's, which says what is wrong. */
    PyObject *longhand;
    Py_ssize_t count;
    field *fields;
} Writer;

static PyTypeObject *writer_type;

/* A class with more fields is left to Python. */
#define FIELDS 64

static void writer_freed(PyObject *self)
{
    Writer *writer = (Writer *)self;
    PyObject *type = (PyObject *)self->ob_type;
    for (Py_ssize_t i = 0; i < writer->count; i++) {
        Py_DecRef(writer->fields[i].name);
        Py_DecRef(writer->fields[i].lead);
    }
    PyMem_Free(writer->fields);
    Py_DecRef(writer->longhand);
    PyObject_Free(self);
    Py_DecRef(type);
}

static bool put_time_or_text(text *text, PyObject *value)
{
    if (is_a(value, &PyUnicode_Type))
        return put_text(text, value);
    return text_byte(text, '"') && put_time(text, value) && text_byte(text, '"');
}

static bool write_field(text *text, const field *field, PyObject *value)
{
    if (!text_add(text, field->lead_text, field->lead_length))
        return false;
    switch (field->kind) {
    case TEXT:
        return is_a(value, &PyUnicode_Type) && put_text(text, value);
    case TIME:
        return put_time_or_text(text, value);
    case DECIMALS:
        return put_fixed(text, value, field->decimals);
    default:
        return json_value(text, value, 0);
    }
}

/* Values that are given by name, each in its field's place. */
static bool arrange(const Writer *writer, PyObject *const *values, Py_ssize_t count, PyObject *names,
                    PyObject **arranged)
{
    Py_ssize_t named = PyTuple_Size(names);
    if (count + named != writer->count)
        return false;
    for (Py_ssize_t i = 0; i < writer->count; i++)
        arranged[i] = i < count ? values[i] : NULL;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GetItem(names, i);
        Py_ssize_t at = count;
        while (at < writer->count && PyUnicode_Compare(writer->fields[at].name, name))
            at++;
        if (at == writer->count || arranged[at])
            return false;
        arranged[at] = values[count + i];
    }
    return true;
}

static PyObject *write(PyObject *self, PyObject *const *values, Py_ssize_t count, PyObject *names)
{
    const Writer *writer = (Writer *)self;
    PyObject *by_name[FIELDS], *const *arranged = values;
    size_t begin = scratch.length;
    Py_ssize_t i = 0;
    if (names && arrange(writer, values, count, names, by_name))
        arranged = by_name;
    if (names ? arranged == by_name : count == writer->count)
        while (i < writer->count && write_field(&scratch, &writer->fields[i], arranged[i]))
            i++;
    if (i == writer->count && text_byte(&scratch, '}'))
        return taken(begin);
    scratch.length = begin;
    PyErr_Clear();
    return PyObject_Vectorcall(writer->longhand, values, (size_t)count, names);
}

static PyMethodDef write_method = METHOD("write", write, METH_FASTCALL | METH_KEYWORDS,
                                         "A record's JSON, from the values of its fields.");

/* A field of `(name, lead, kind, decimals)`. */
static bool field_of(PyObject *given, field *field)
{
    Py_ssize_t lead, kind;
    field->name = held(PyTuple_GetItem(given, 0));
    field->lead = held(PyTuple_GetItem(given, 1));
    field->lead_text = PyUnicode_AsUTF8AndSize(field->lead, &lead);
    const char *letter = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(given, 2), &kind);
    long decimals = PyLong_AsLong(PyTuple_GetItem(given, 3));
    if (!field->lead_text || !letter || PyErr_Occurred())
        return false;
    field->lead_length = (size_t)lead;
    field->kind = (enum kind)*letter;
    field->decimals = decimals < 0 || decimals > 9 ? 10 : (unsigned)decimals;
    return true;
}

/* `writer(fields, longhand)`: a function, or None where there are too many fields. */
static PyObject *writer_made(PyObject *module, PyObject *const *values, Py_ssize_t count)
{
    (void)module;
    if (!takes("writer", count, 2, 2))
        return NULL;
    Py_ssize_t fields = PyTuple_Size(values[0]);
    if (fields < 0 || fields > FIELDS)
        return fields < 0 ? NULL : held(Py_None);
    Writer *writer = (Writer *)PyType_GenericAlloc(writer_type, 0);
    if (!writer)
        return NULL;
    writer->longhand = held(values[1]);
    writer->fields = PyMem_Realloc(NULL, (size_t)fields * sizeof(field) + 1);
    bool made = writer->fields || (PyErr_NoMemory(), false);
    for (Py_ssize_t i = 0; made && i < fields; i++) {
        made = field_of(PyTuple_GetItem(values[0], i), &writer->fields[i]);
        writer->count = i + 1;
    }
    PyObject *function = made ? PyCFunction_NewEx(&write_method, (PyObject *)writer, NULL) : NULL;
    Py_DecRef((PyObject *)writer);
    return function;
}

static PyType_Slot writer_slots[] = {{Py_tp_dealloc, writer_freed}, {0}};
static PyType_Spec writer_spec = {"wellhead.writing.Writer", sizeof(Writer), 0, 0, writer_slots};

