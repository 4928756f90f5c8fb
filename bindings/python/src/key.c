/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <string.h>

/* A picked key, and a lease, which is one that is to be given back. The secret is in the object itself, and wiped with it. */

static size_t secret_length(key_object *self)
{
    return (size_t)Py_SIZE(self) - 1;
}

PyObject *key_new(pool_object *pool, const struct keyshm_pick *pick, bool is_lease)
{
    PyTypeObject *type = (PyTypeObject *)(is_lease ? pool->state->lease_type : pool->state->key_type);
    key_object *self = type != NULL ? PyObject_NewVar(key_object, type, (Py_ssize_t)pick->key_length + 1) : NULL;
    if (self == NULL)
        return module_is_gone(pool->state) ? NULL : PyErr_NoMemory();
    self->pool = (pool_object *)Py_NewRef((PyObject *)pool);
    self->id = pick->id;
    self->stamp = pick->stamp;
    self->benched_ms = pick->benched_ms;
    self->model = pick->model;
    atomic_init(&self->is_held, false);
    memcpy(self->secret, pick->key, pick->key_length + 1);
    return (PyObject *)self;
}

void key_dealloc(PyObject *object)
{
    key_object *self = (key_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    if (atomic_load_explicit(&self->is_held, memory_order_relaxed))
        lease_forgotten(self);
    explicit_bzero(self->secret, secret_length(self));
    Py_DECREF(self->pool);
    PyObject_Free(self);
    Py_DECREF(type);
}

bool key_check(const struct module_state *state, PyObject *value)
{
    PyObject *type = (PyObject *)Py_TYPE(value);
    return type == state->key_type || type == state->lease_type;
}

/* ---- what it says ---- */

PyObject *key_get_secret(PyObject *object, void *closure)
{
    key_object *self = (key_object *)object;
    return text_to(self->secret, secret_length(self));
}

PyObject *key_get_id(PyObject *object, void *closure)
{
    key_object *self = (key_object *)object;
    return PyLong_FromUnsignedLongLong(self->id);
}

PyObject *key_get_stamp(PyObject *object, void *closure)
{
    key_object *self = (key_object *)object;
    return PyLong_FromUnsignedLongLong(self->stamp);
}

PyObject *key_get_pool(PyObject *object, void *closure)
{
    key_object *self = (key_object *)object;
    return Py_NewRef((PyObject *)self->pool);
}

PyObject *key_get_benched(PyObject *object, void *closure)
{
    key_object *self = (key_object *)object;
    return PyFloat_FromDouble((double)self->benched_ms / 1000);
}

PyObject *key_get_model(PyObject *object, void *closure)
{
    key_object *self = (key_object *)object;
    char name[KEYSHM_NAME_MAX + 1];
    keyshm_pool *pool = self->model != 0 ? pool_enter(self->pool) : NULL;
    if (pool == NULL)
        return self->model == 0 ? Py_NewRef(Py_None) : NULL;
    int r = keyshm_model_name(pool, self->model, name, sizeof(name));
    pool_leave(self->pool);
    return r >= 0 ? text_to(name, (size_t)r) : raise_error(self->pool->state, r, NULL);
}

/* The library alone knows how a key is masked, and does so for the keys of a pool: for any other it is only an ellipsis. */
static void mask(key_object *self, char ret_masked[KEYSHM_MASKED_SIZE])
{
    struct keyshm_key_snapshot state;
    keyshm_pool *pool = pool_enter(self->pool);
    int r = -1;
    if (pool != NULL) {
        r = keyshm_inspect(pool, self->id, 0, sizeof(state), &state);
        pool_leave(self->pool);
    } else {
        PyErr_Clear();
    }
    memcpy(ret_masked, r == 0 ? state.masked_key : "\xe2\x80\xa6", r == 0 ? KEYSHM_MASKED_SIZE : 4);
}

PyObject *key_get_masked(PyObject *object, void *closure)
{
    key_object *self = (key_object *)object;
    char masked[KEYSHM_MASKED_SIZE];
    mask(self, masked);
    return PyUnicode_DecodeUTF8(masked, (Py_ssize_t)strlen(masked), "replace");
}

PyObject *key_str(PyObject *self)
{
    return key_get_masked(self, NULL);
}

PyObject *key_repr(PyObject *self)
{
    PyObject *masked = key_str(self), *text = NULL;
    key_object *key = (key_object *)self;
    bool is_lease = (PyObject *)Py_TYPE(self) == key->pool->state->lease_type;
    if (masked != NULL)
        text = PyUnicode_FromFormat("<keyshm.%s %U of %s>", is_lease ? "Lease" : "Key", masked, key->pool->name);
    Py_XDECREF(masked);
    return text;
}

PyObject *key_compare(PyObject *self, PyObject *other, int operation)
{
    struct module_state *state = ((key_object *)self)->pool->state;
    if (!key_check(state, other) || (operation != Py_EQ && operation != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    const key_object *a = (key_object *)self, *b = (key_object *)other;
    bool is_same = a->id == b->id && strcmp(a->secret, b->secret) == 0 && strcmp(a->pool->name, b->pool->name) == 0;
    return PyBool_FromLong(is_same == (operation == Py_EQ));
}

Py_hash_t key_hash(PyObject *self)
{
    Py_hash_t hash = (Py_hash_t)((key_object *)self)->id;
    return hash != -1 ? hash : -2;
}
