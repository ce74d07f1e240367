/* Records of a batch while they are made, as in plugins/sdk-python/wellhead/rows.py. */
#include "text.h"

/* A batch ends early once its payload is this long: more would cost memory and gain nothing. */
#define FULL (1 << 20)

/* Channel and operation of a record as numbers, by what was set on `out`. */
typedef struct mark {
    PyObject *channel, *operation;
    uint8_t numbers[2];
} mark;
#define MARKS 8

/* What a record has besides its bytes, in the order of `out_names`. */
enum { KEY, CHANNEL, OPERATION, ENDED, OUT_SLOTS };
static const char *const out_names[OUT_SLOTS] = {"key", "channel", "operation", "ended"};

typedef struct Rows {
    PyObject head;
    text payload, keys;
    /* A number for each record; the last three only from where one isn't 0. */
    text ends, key_ends, channels, operations;
    uint32_t count;
    /* Whose attributes lie where, in words of an object's memory. */
    size_t slots[OUT_SLOTS];
    mark marks[MARKS];
    unsigned marked;
} Rows;

static PyTypeObject *rows_type;
static PyObject *no_key, *zero;
static PyObject *name_encoded, *name_odd, *name_mark, *name_too_many;

/* In which word of an object an attribute with a slot lies: CPython doesn't say, so that something is put there. */
static bool find_slot(PyObject *out, size_t words, const char *name, size_t *slot)
{
    PyObject *before = PyObject_GetAttrString(out, name), *probe = before ? PyList_New(0) : NULL;
    bool found = false;
    if (probe && PyObject_SetAttrString(out, name, probe) == 0) {
        for (*slot = sizeof(PyObject) / sizeof(PyObject *); !found && *slot < words; *slot += !found)
            found = ((PyObject **)out)[*slot] == probe;
        found = PyObject_SetAttrString(out, name, before) == 0 && found;
    }
    Py_DecRef(before);
    Py_DecRef(probe);
    if (!found && !PyErr_Occurred())
        PyErr_Format(PyExc_AttributeError, "%s has no slot", name);
    return found;
}

static PyObject *rows_new(PyTypeObject *type, PyObject *values, PyObject *names)
{
    (void)names;
    if (!takes("Rows", PyTuple_Size(values), 1, 1))
        return NULL;
    PyObject *out = PyTuple_GetItem(values, 0);
    PyObject *basic = PyObject_GetAttrString((PyObject *)out->ob_type, "__basicsize__");
    long size = basic ? PyLong_AsLong(basic) : -1;
    Py_DecRef(basic);
    Rows *rows = size < 0 ? NULL : (Rows *)PyType_GenericAlloc(type, 0);
    for (int i = 0; rows && i < OUT_SLOTS; i++) {
        if (!find_slot(out, (size_t)size / sizeof(PyObject *), out_names[i], &rows->slots[i])) {
            Py_DecRef((PyObject *)rows);
            return NULL;
        }
    }
    return (PyObject *)rows;
}

static void forget_marks(Rows *rows)
{
    for (unsigned i = 0; i < rows->marked; i++) {
        Py_DecRef(rows->marks[i].channel);
        Py_DecRef(rows->marks[i].operation);
    }
    rows->marked = 0;
}

static void rows_freed(PyObject *self)
{
    Rows *rows = (Rows *)self;
    PyObject *type = (PyObject *)self->ob_type;
    text *texts[] = {&rows->payload, &rows->keys, &rows->ends, &rows->key_ends, &rows->channels, &rows->operations};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        PyMem_Free(texts[i]->data);
    forget_marks(rows);
    PyObject_Free(self);
    Py_DecRef(type);
}

static PyObject **slot(const Rows *rows, PyObject *out, int which)
{
    return &((PyObject **)out)[rows->slots[which]];
}

/* What an attribute of `out` has, which may have been deleted. Borrowed. */
static PyObject *attribute(const Rows *rows, PyObject *out, int which)
{
    PyObject *value = *slot(rows, out, which);
    if (!value)
        PyErr_SetString(PyExc_AttributeError, out_names[which]);
    return value;
}

static void reset(const Rows *rows, PyObject *out, int which, PyObject *to)
{
    PyObject **at = slot(rows, out, which), *before = *at;
    *at = held(to);
    Py_DecRef(before);
}

/* `value` for each record up to `count` that has none yet. */
static bool pad(text *column, uint32_t count, size_t width, uint32_t value)
{
    size_t end = count * width;
    uint8_t *at = text_room(column, end > column->length ? end - column->length : 0);
    for (; at && column->length < end; column->length += width)
        memcpy(column->data + column->length, &value, width);
    return at != NULL;
}

/* Text or bytes as they are; what is neither, or can't be encoded, is refused by Python. */
static bool put_bytes(text *text, PyObject *value, PyObject *help, const char *path)
{
    Py_ssize_t length;
    char *bytes;
    if (is_a(value, &PyUnicode_Type)) {
        const char *from = PyUnicode_AsUTF8AndSize(value, &length);
        if (from)
            return text_add(text, from, (size_t)length);
        PyErr_Clear();
    }
    if (is_a(value, &PyBytes_Type))
        return PyBytes_AsStringAndSize(value, &bytes, &length) == 0 && text_add(text, bytes, (size_t)length);
    PyObject *where = PyUnicode_FromStringAndSize(path, (Py_ssize_t)strlen(path));
    PyObject *made = where ? PyObject_CallMethodObjArgs(help, name_encoded, value, where, NULL) : NULL;
    bool put = made && PyBytes_AsStringAndSize(made, &bytes, &length) == 0 && text_add(text, bytes, (size_t)length);
    Py_DecRef(where);
    Py_DecRef(made);
    return put;
}

static bool put_record(Rows *rows, PyObject *data, PyObject *help)
{
    size_t begin = rows->payload.length;
    if (is_a(data, &PyUnicode_Type) || is_a(data, &PyBytes_Type))
        return put_bytes(&rows->payload, data, help, "");
    if (is_a(data, &PyDict_Type)) {
        if (json_value(&rows->payload, data, 0))
            return true;
        rows->payload.length = begin;
        PyErr_Clear();
    }
    PyObject *made = PyObject_CallMethodObjArgs(help, name_odd, data, NULL);
    bool put = made && put_bytes(&rows->payload, made, help, "");
    Py_DecRef(made);
    return put;
}

/* Channel and operation as numbers. They are kept by identity: of what isn't the same object, Python is asked. */
static bool mark_of(Rows *rows, PyObject *channel, PyObject *operation, bool keyed, PyObject *help, uint8_t numbers[2])
{
    for (unsigned i = 0; i < rows->marked; i++) {
        const mark *mark = &rows->marks[i];
        if (mark->channel == channel && mark->operation == operation && (keyed || !mark->numbers[1])) {
            memcpy(numbers, mark->numbers, 2);
            return true;
        }
    }
    PyObject *made = PyObject_CallMethodObjArgs(help, name_mark, channel, operation, keyed ? Py_True : Py_False, NULL);
    long both = made ? PyLong_AsLong(made) : -1;
    Py_DecRef(made);
    if (both < 0)
        return false;
    numbers[0] = (uint8_t)both;
    numbers[1] = (uint8_t)(both >> 8);
    if (rows->marked == MARKS)
        forget_marks(rows);
    rows->marks[rows->marked++] = (mark){held(channel), held(operation), {numbers[0], numbers[1]}};
    return true;
}

/* One for this record, in a column that only has what comes before the last that isn't 0. */
static bool put_number(text *column, uint32_t count, uint8_t number)
{
    return !number || (pad(column, count, 1, 0) && pad(column, count + 1, 1, number));
}

static bool put_mark(Rows *rows, PyObject *out, bool keyed, PyObject *help)
{
    PyObject *channel = attribute(rows, out, CHANNEL), *operation = attribute(rows, out, OPERATION);
    if (channel == zero && operation == zero)
        return true;
    uint8_t numbers[2];
    if (!channel || !operation || !mark_of(rows, channel, operation, keyed, help, numbers))
        return false;
    reset(rows, out, CHANNEL, zero);
    reset(rows, out, OPERATION, zero);
    return put_number(&rows->channels, rows->count, numbers[0]) &&
           put_number(&rows->operations, rows->count, numbers[1]);
}

/* The record's key, if the record is there at all. `*given`: whether there is one. */
static bool put_key(Rows *rows, PyObject *out, PyObject *help, bool there, bool *given)
{
    PyObject *key = attribute(rows, out, KEY);
    size_t begin = rows->keys.length;
    if (key == no_key)
        return true;
    /* Held, since the attribute is set again. */
    Py_IncRef(key);
    bool put = key && (key == Py_None || put_bytes(&rows->keys, key, help, "out.key"));
    Py_DecRef(key);
    if (!put)
        return false;
    reset(rows, out, KEY, no_key);
    *given = rows->keys.length > begin;
    uint32_t end = (uint32_t)rows->keys.length;
    if (*given && there)
        return pad(&rows->key_ends, rows->count, 4, (uint32_t)begin) && pad(&rows->key_ends, rows->count + 1, 4, end);
    rows->keys.length = begin;
    return true;
}

static bool put(Rows *rows, PyObject *data, PyObject *out, PyObject *help)
{
    size_t begin = rows->payload.length;
    bool keyed = false;
    if (!put_record(rows, data, help) || !put_key(rows, out, help, rows->payload.length > begin, &keyed) ||
        !put_mark(rows, out, keyed, help))
        return false;
    return pad(&rows->ends, rows->count + 1, 4, (uint32_t)rows->payload.length);
}

/* Forgets what a record has left that isn't counted. */
static void cut(text *column, uint32_t count, size_t width)
{
    if (column->length > count * width)
        column->length = count * width;
}

/* What ends a batch before its times. */
typedef enum next { MORE, NO_MORE, FAILED } next;

static next add(Rows *rows, PyObject *data, PyObject *out, PyObject *help)
{
    PyObject *end = attribute(rows, out, ENDED);
    int ended = end == Py_False ? 0 : end ? PyObject_IsTrue(end) : -1;
    if (ended)
        return ended < 0 ? FAILED : NO_MORE;
    size_t payload = rows->payload.length, keys = rows->keys.length;
    if (WH_LIKELY(put(rows, data, out, help))) {
        rows->count++;
        return MORE;
    }
    rows->payload.length = payload;
    rows->keys.length = keys;
    cut(&rows->key_ends, rows->count, 4);
    cut(&rows->channels, rows->count, 1);
    cut(&rows->operations, rows->count, 1);
    return FAILED;
}

/* The next record, or why there is none. */
static next step(Rows *rows, PyObject *records, PyObject *out, PyObject *help, Py_ssize_t times)
{
    PyObject *data = PyIter_Next(records);
    if (!data)
        return PyErr_Occurred() ? FAILED : NO_MORE;
    next what = FAILED;
    if ((Py_ssize_t)rows->count < times)
        what = add(rows, data, out, help);
    else
        Py_DecRef(PyObject_CallMethodObjArgs(help, name_too_many, NULL));
    Py_DecRef(data);
    return what;
}

/* `fill(records, out, left, help)`: goes through an iterator of records, each of which belongs to one of the times that
 * are `left`. Where it raises, those before are there. */
static PyObject *rows_fill(PyObject *self, PyObject *const *values, Py_ssize_t count)
{
    Rows *rows = (Rows *)self;
    Py_ssize_t times = takes("fill", count, 4, 4) ? PyList_Size(values[2]) : -1;
    PyObject *records = times < 0 ? NULL : PyObject_GetIter(values[0]);
    if (!records)
        return NULL;
    next what;
    while ((what = step(rows, records, values[1], values[3], times)) == MORE) {
        /* The generator goes on behind its `yield`, and finds no more times. */
        if (rows->payload.length >= FULL && PyList_SetSlice(values[2], rows->count, times, NULL)) {
            what = FAILED;
            break;
        }
    }
    Py_DecRef(records);
    return what == FAILED ? NULL : held(Py_None);
}

static PyObject *bytes_of(text *column)
{
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)column->data, (Py_ssize_t)column->length);
    text_clear(column);
    return bytes;
}

static PyObject *numbers_of(text *column, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        uint32_t value;
        memcpy(&value, column->data + 4 * i, 4);
        PyObject *number = PyLong_FromUnsignedLong(value);
        if (!number || PyList_SetItem(list, (Py_ssize_t)i, number)) {
            Py_DecRef(list);
            list = NULL;
        }
    }
    text_clear(column);
    return list;
}

/* `count()`: how many records there are. */
static PyObject *rows_count(PyObject *self, PyObject *none)
{
    (void)none;
    return PyLong_FromUnsignedLong(((Rows *)self)->count);
}

/* `take()`: payload, ends, keys, key ends, channels, operations; then there are none. */
static PyObject *rows_take(PyObject *self, PyObject *none)
{
    (void)none;
    Rows *rows = (Rows *)self;
    uint32_t count = rows->count;
    size_t keyed = rows->keys.length ? count : 0;
    if (!pad(&rows->key_ends, (uint32_t)keyed, 4, (uint32_t)rows->keys.length) ||
        (rows->channels.length && !pad(&rows->channels, count, 1, 0)) ||
        (rows->operations.length && !pad(&rows->operations, count, 1, 0)))
        return NULL;
    rows->count = 0;
    PyObject *parts[] = {
        bytes_of(&rows->payload), numbers_of(&rows->ends, count),      bytes_of(&rows->keys),
        numbers_of(&rows->key_ends, keyed), bytes_of(&rows->channels), bytes_of(&rows->operations),
    };
    const Py_ssize_t size = sizeof parts / sizeof *parts;
    PyObject *all = PyTuple_New(size);
    for (Py_ssize_t i = 0; i < size; i++) {
        if (all && parts[i]) {
            PyTuple_SetItem(all, i, parts[i]);
        } else {
            Py_DecRef(parts[i]);
            Py_DecRef(all);
            all = NULL;
        }
    }
    return all;
}

static PyMethodDef rows_methods[] = {
    METHOD("fill", rows_fill, METH_FASTCALL, "Goes through an iterator of records."),
    METHOD("count", rows_count, METH_NOARGS, "How many records there are."),
    METHOD("take", rows_take, METH_NOARGS, "The batch; then there are none."),
    {0},
};
static PyType_Slot rows_slots[] = {
    {Py_tp_new, rows_new}, {Py_tp_dealloc, rows_freed}, {Py_tp_methods, rows_methods}, {0}};
static PyType_Spec rows_spec = {"wellhead.rows.Rows", sizeof(Rows), 0, 0, rows_slots};
