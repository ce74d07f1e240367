/* `Key` and `Rng`, as in plugins/sdk-python/wellhead/keys.py. */
#include "../sdk-c/wellhead/random.h"
#include "python.h"

typedef struct Key {
    PyObject head;
    wh_key key;
} Key;

typedef struct Rng {
    PyObject head;
    wh_rng rng;
} Rng;

/* One draw of each index from one on. */
typedef struct Draws {
    PyObject head;
    wh_key key;
    uint64_t index, number;
    bool ended;
} Draws;

static PyTypeObject *key_type, *rng_type, *draws_type;

/* The low 64 bits of a number, as Python's own arithmetic has it under a mask. */
static bool word(PyObject *value, uint64_t *word)
{
    *word = PyLong_AsUnsignedLongLongMask(value);
    return *word != UINT64_MAX || !PyErr_Occurred();
}

static bool takes(const char *what, Py_ssize_t count, Py_ssize_t least, Py_ssize_t most)
{
    if (least <= count && count <= most)
        return true;
    PyErr_Format(PyExc_TypeError, "%s has no form with %zd values", what, count);
    return false;
}

static uint64_t drawn(wh_key key, uint64_t index, uint64_t number)
{
    return wh_mix(wh_hash(key, index) + (number + 1) * WH_GAMMA);
}

static PyObject *key_made(PyTypeObject *type, wh_key value)
{
    Key *key = (Key *)PyType_GenericAlloc(type, 0);
    if (key)
        key->key = value;
    return (PyObject *)key;
}

static PyObject *key_new(PyTypeObject *type, PyObject *values, PyObject *names)
{
    (void)names;
    uint64_t value;
    if (!takes("Key", PyTuple_Size(values), 1, 1) || !word(PyTuple_GetItem(values, 0), &value))
        return NULL;
    return key_made(type, (wh_key){value});
}

static PyObject *key_for(PyObject *type, PyObject *seed, uint64_t stream, PyObject *purpose)
{
    Py_ssize_t length;
    uint64_t mixed;
    if (!word(seed, &mixed))
        return NULL;
    const char *name = PyUnicode_AsUTF8AndSize(purpose, &length);
    return name ? key_made((PyTypeObject *)type, wh_key_named(mixed, stream, name, (size_t)length)) : NULL;
}

static PyObject *key_stream(PyObject *type, PyObject *const *values, Py_ssize_t count)
{
    uint64_t stream;
    if (!takes("Key.stream", count, 3, 3) || !word(values[1], &stream))
        return NULL;
    return key_for(type, values[0], stream, values[2]);
}

static PyObject *key_shared(PyObject *type, PyObject *const *values, Py_ssize_t count)
{
    return takes("Key.shared", count, 2, 2) ? key_for(type, values[0], WH_ALL_STREAMS, values[1]) : NULL;
}

static PyObject *key_at(PyObject *self, PyObject *index)
{
    uint64_t at;
    Rng *made = word(index, &at) ? (Rng *)PyType_GenericAlloc(rng_type, 0) : NULL;
    if (made)
        made->rng = wh_at(((Key *)self)->key, at);
    return (PyObject *)made;
}

/* An index, and which of its draws. */
static bool place(const char *what, PyObject *const *values, Py_ssize_t count, uint64_t *index, uint64_t *number)
{
    *number = 0;
    return takes(what, count, 1, 2) && word(values[0], index) && (count == 1 || word(values[1], number));
}

static PyObject *key_draw(PyObject *self, PyObject *const *values, Py_ssize_t count)
{
    uint64_t index, number;
    if (!place("draw", values, count, &index, &number))
        return NULL;
    return PyLong_FromUnsignedLongLong(drawn(((Key *)self)->key, index, number));
}

static PyObject *key_draws(PyObject *self, PyObject *const *values, Py_ssize_t count)
{
    uint64_t index, number;
    Draws *made = NULL;
    if (place("draws", values, count, &index, &number))
        made = (Draws *)PyType_GenericAlloc(draws_type, 0);
    if (made) {
        made->key = ((Key *)self)->key;
        made->index = index;
        made->number = number;
    }
    return (PyObject *)made;
}

static PyObject *draws_next(PyObject *self)
{
    Draws *draws = (Draws *)self;
    if (draws->ended)
        return NULL;
    uint64_t value = drawn(draws->key, draws->index, draws->number);
    draws->ended = ++draws->index == 0;
    return PyLong_FromUnsignedLongLong(value);
}

static PyObject *key_hash(PyObject *self, PyObject *index)
{
    uint64_t at;
    return word(index, &at) ? PyLong_FromUnsignedLongLong(wh_hash(((Key *)self)->key, at)) : NULL;
}

/* A `random.Random` with that seed. By its name, since a component puts another class there. */
static PyObject *seeded(uint64_t seed)
{
    PyObject *module = PyImport_ImportModule("random"), *class = NULL, *value = NULL, *made = NULL;
    if (module)
        class = PyObject_GetAttrString(module, "Random");
    if (class)
        value = PyLong_FromUnsignedLongLong(seed);
    if (value)
        made = PyObject_CallFunctionObjArgs(class, value, NULL);
    Py_DecRef(value);
    Py_DecRef(class);
    Py_DecRef(module);
    return made;
}

static PyObject *key_random(PyObject *self, PyObject *index)
{
    uint64_t at;
    return word(index, &at) ? seeded(drawn(((Key *)self)->key, at, 0)) : NULL;
}

static PyObject *rng_new(PyTypeObject *type, PyObject *values, PyObject *names)
{
    (void)names;
    uint64_t state;
    if (!takes("Rng", PyTuple_Size(values), 1, 1) || !word(PyTuple_GetItem(values, 0), &state))
        return NULL;
    Rng *made = (Rng *)PyType_GenericAlloc(type, 0);
    if (made)
        made->rng = (wh_rng){state};
    return (PyObject *)made;
}

static PyObject *rng_next(PyObject *self, PyObject *none)
{
    (void)none;
    return PyLong_FromUnsignedLongLong(wh_next(&((Rng *)self)->rng));
}

/* As Python reckons it, with whatever number. */
static PyObject *scaled(uint64_t random, PyObject *n)
{
    PyObject *value = PyLong_FromUnsignedLongLong(random), *bits = PyLong_FromLong(32), *product = NULL, *made = NULL;
    if (value && bits)
        product = PyNumber_Multiply(value, n);
    if (product)
        made = PyNumber_Rshift(product, bits);
    Py_DecRef(product);
    Py_DecRef(bits);
    Py_DecRef(value);
    return made;
}

static PyObject *rng_below(PyObject *self, PyObject *n)
{
    int overflow = 1;
    long long bound = is_a(n, &PyLong_Type) ? PyLong_AsLongLongAndOverflow(n, &overflow) : 0;
    uint64_t random = wh_next(&((Rng *)self)->rng) >> 32;
    if (overflow || bound < 0 || bound > UINT32_MAX)
        return scaled(random, n);
    return PyLong_FromUnsignedLongLong(random * (uint64_t)bound >> 32);
}

static PyObject *rng_chance(PyObject *self, PyObject *share)
{
    uint64_t random = wh_next(&((Rng *)self)->rng) >> 32;
    if (is_a(share, &PyLong_Type)) {
        int overflow;
        long long bound = PyLong_AsLongLongAndOverflow(share, &overflow);
        return PyBool_FromLong(overflow ? overflow > 0 : (long long)random < bound);
    }
    PyObject *value = PyLong_FromUnsignedLongLong(random);
    int less = value ? PyObject_RichCompareBool(value, share, Py_LT) : -1;
    Py_DecRef(value);
    return less < 0 ? NULL : PyBool_FromLong(less);
}

static PyObject *rng_random(PyObject *self, PyObject *none)
{
    (void)none;
    return seeded(wh_next(&((Rng *)self)->rng));
}

static PyMethodDef key_methods[] = {
    METHOD("stream", key_stream, METH_FASTCALL | METH_CLASS, "For what one stream alone sees."),
    METHOD("shared", key_shared, METH_FASTCALL | METH_CLASS, "For what all streams see alike."),
    METHOD("at", key_at, METH_O, "The draws of an index, which is at least 0."),
    METHOD("draw", key_draw, METH_FASTCALL, "One draw of an index, the first or a later one."),
    METHOD("draws", key_draws, METH_FASTCALL, "One draw of an index, of the next one, and so on."),
    METHOD("hash", key_hash, METH_O, "One number for an index."),
    METHOD("random", key_random, METH_O, "A generator of the standard library, seeded for an index."),
    {0},
};
static PyMethodDef rng_methods[] = {
    METHOD("next", rng_next, METH_NOARGS, "The next 64 random bits."),
    METHOD("below", rng_below, METH_O, "A number in range(n), from one draw."),
    METHOD("chance", rng_chance, METH_O, "Whether something happens whose probability is share of 2**32."),
    METHOD("random", rng_random, METH_NOARGS, "A generator of the standard library, seeded with the next draw."),
    {0},
};
static PyType_Slot key_slots[] = {{Py_tp_new, key_new}, {Py_tp_methods, key_methods}, {0}};
static PyType_Slot rng_slots[] = {{Py_tp_new, rng_new}, {Py_tp_methods, rng_methods}, {0}};
static PyType_Slot draws_slots[] = {{Py_tp_iter, PyObject_SelfIter}, {Py_tp_iternext, draws_next}, {0}};
static PyType_Spec key_spec = {"wellhead.keys.Key", sizeof(Key), 0, 0, key_slots};
static PyType_Spec rng_spec = {"wellhead.keys.Rng", sizeof(Rng), 0, 0, rng_slots};
static PyType_Spec draws_spec = {"wellhead.keys.Draws", sizeof(Draws), 0, 0, draws_slots};
