/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>

/* What exists: keys, their notes, groups and models. These calls may wait for the pool's mutex, so they release the GIL. */

static PyObject *id_or_error(pool_object *self, int r, keyshm_id id, const char *subject)
{
    return r >= 0 ? PyLong_FromUnsignedLongLong(id) : raise_error(self->state, r, subject);
}

/* ---- keys ---- */

static PyObject *add_key(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    PyObject *holder;
    keyshm_id group, id = 0;
    int r, exist_ok = values[2] != NULL ? PyObject_IsTrue(values[2]) : 0;
    if (exist_ok < 0 || group_from(self, pool, values[1], &group) < 0)
        return NULL;
    const char *key = text_from(values[0], "key", &holder);
    if (key == NULL)
        return NULL;
    WITHOUT_GIL(r = keyshm_add_to_group(pool, key, group, &id));
    Py_DECREF(holder);
    if (r == -EEXIST && !exist_ok)
        return raise_key_exists(self->state, id);
    return id_or_error(self, r == -EEXIST ? 0 : r, id, NULL);
}

METHOD(pool_add)
{
    static const struct signature signature = {"add", 1, 2, {"key", "group", "exist_ok"}};
    return pool_call(self, &signature, arguments, count, names, add_key);
}

static PyObject *remove_key(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    int r;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    WITHOUT_GIL(r = keyshm_remove(pool, subject.id));
    return none_or_error(self->state, r);
}

METHOD(pool_remove)
{
    static const struct signature signature = {"remove", 1, 1, {"key"}};
    return pool_call(self, &signature, arguments, count, names, remove_key);
}

static PyObject *find_key(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(subject.id);
}

METHOD(pool_find)
{
    static const struct signature signature = {"find", 1, 1, {"key"}};
    return pool_call(self, &signature, arguments, count, names, find_key);
}

/* The keys of a list, as C has them, and what holds them. */
struct key_list {
    size_t count;
    const char **keys;
    PyObject **holders;
};

static void key_list_free(struct key_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        Py_DECREF(list->holders[i]);
    PyMem_Free(list->keys);
    PyMem_Free(list->holders);
}

static int key_list_read(PyObject *keys, struct key_list *list)
{
    size_t count = (size_t)PyList_Size(keys);
    list->count = 0;
    list->keys = PyMem_Calloc(count + 1, sizeof(char *));
    list->holders = PyMem_Calloc(count + 1, sizeof(PyObject *));
    if (list->keys == NULL || list->holders == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (; list->count < count; list->count++) {
        size_t i = list->count;
        list->keys[i] = text_from(PyList_GetItem(keys, (Py_ssize_t)i), "a key", &list->holders[i]);
        if (list->keys[i] == NULL)
            return -1;
    }
    return 0;
}

static PyObject *replaced_record(pool_object *self, int r, const struct keyshm_replaced *replaced)
{
    char which[64];
    PyOS_snprintf(which, sizeof(which), "key number %zu of the list", replaced->invalid + 1);
    if (r < 0)
        return raise_error(self->state, r, r == -EINVAL ? which : NULL);
    return module_record("Replaced", Py_BuildValue("(nnn)", (Py_ssize_t)replaced->kept, (Py_ssize_t)replaced->added,
                                                   (Py_ssize_t)replaced->removed));
}

static PyObject *replace_keys(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    struct key_list list = {0};
    keyshm_id group;
    PyObject *keys, *result = NULL;
    int r;
    if (PyUnicode_Check(values[0]) || PyBytes_Check(values[0])) {
        PyErr_SetString(PyExc_TypeError, "keys must be a list of keys, not one");
        return NULL;
    }
    if (group_from(self, pool, values[1], &group) < 0 || (keys = PySequence_List(values[0])) == NULL)
        return NULL;
    if (key_list_read(keys, &list) == 0) {
        WITHOUT_GIL(r = keyshm_replace_group_keys(pool, group, list.keys, list.count, &replaced));
        result = replaced_record(self, r, &replaced);
    }
    key_list_free(&list);
    Py_DECREF(keys);
    return result;
}

METHOD(pool_replace_keys)
{
    static const struct signature signature = {"replace_keys", 1, 1, {"keys", "group"}};
    return pool_call(self, &signature, arguments, count, names, replace_keys);
}

/* ---- priorities, weights ---- */

typedef int order_fn(keyshm_pool *pool, keyshm_id key, unsigned number);

static PyObject *set_order(pool_object *self, keyshm_pool *pool, PyObject **values, order_fn *set, const char *name)
{
    struct subject subject;
    uint64_t number;
    int r;
    if (subject_from(self, pool, values[0], &subject) < 0 || unsigned_from(values[1], name, &number) < 0)
        return NULL;
    WITHOUT_GIL(r = set(pool, subject.id, number <= UINT32_MAX ? (unsigned)number : UINT32_MAX));
    return none_or_error(self->state, r);
}

static PyObject *set_priority(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    return set_order(self, pool, values, keyshm_set_priority, "priority");
}

METHOD(pool_set_priority)
{
    static const struct signature signature = {"set_priority", 2, 2, {"key", "priority"}};
    return pool_call(self, &signature, arguments, count, names, set_priority);
}

static PyObject *set_weight(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    return set_order(self, pool, values, keyshm_set_weight, "weight");
}

METHOD(pool_set_weight)
{
    static const struct signature signature = {"set_weight", 2, 2, {"key", "weight"}};
    return pool_call(self, &signature, arguments, count, names, set_weight);
}

/* ---- notes ---- */

static int set_note(keyshm_pool *pool, keyshm_id id, PyObject *name, PyObject *value)
{
    PyObject *name_holder, *value_holder = NULL;
    const char *c_name = text_from(name, "name", &name_holder), *c_value = NULL;
    int r = 1;
    if (c_name != NULL && value != Py_None)
        c_value = text_from(value, "value", &value_holder);
    if (c_name != NULL && (value == Py_None || c_value != NULL))
        WITHOUT_GIL(r = keyshm_set_metadata(pool, id, c_name, c_value));
    Py_XDECREF(value_holder);
    Py_XDECREF(name_holder);
    return r;
}

static PyObject *set_metadata(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    int r = set_note(pool, subject.id, values[1], values[2]);
    return r != 1 ? none_or_error(self->state, r) : NULL;
}

METHOD(pool_set_metadata)
{
    static const struct signature signature = {"set_metadata", 3, 3, {"key", "name", "value"}};
    return pool_call(self, &signature, arguments, count, names, set_metadata);
}

static PyObject *get_metadata(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    char buffer[KEYSHM_METADATA_VALUE_MAX + 1];
    PyObject *holder;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    const char *name = text_from(values[1], "name", &holder);
    int r = name != NULL ? keyshm_get_metadata(pool, subject.id, name, buffer, sizeof(buffer)) : 0;
    PyObject *result = NULL;
    if (name != NULL)
        result = r >= 0 ? text_to(buffer, (size_t)r) : raise_error(self->state, r, name);
    Py_XDECREF(holder);
    return result;
}

METHOD(pool_get_metadata)
{
    static const struct signature signature = {"get_metadata", 2, 2, {"key", "name"}};
    return pool_call(self, &signature, arguments, count, names, get_metadata);
}

/* ---- groups and models ---- */

static PyObject *group(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    PyObject *holder, *result;
    keyshm_id id = 0;
    int r;
    const char *name = text_from(values[0], "name", &holder);
    if (name == NULL)
        return NULL;
    WITHOUT_GIL(r = keyshm_group(pool, name, &id));
    result = id_or_error(self, r, id, name);
    Py_DECREF(holder);
    return result;
}

METHOD(pool_group)
{
    static const struct signature signature = {"group", 1, 1, {"name"}};
    return pool_call(self, &signature, arguments, count, names, group);
}

static PyObject *find_group(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    keyshm_id id;
    return group_from(self, pool, values[0], &id) == 0 ? PyLong_FromUnsignedLongLong(id) : NULL;
}

METHOD(pool_find_group)
{
    static const struct signature signature = {"find_group", 1, 1, {"name"}};
    return pool_call(self, &signature, arguments, count, names, find_group);
}

static PyObject *set_group(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    keyshm_id id;
    int r;
    if (subject_from(self, pool, values[0], &subject) < 0 || group_from(self, pool, values[1], &id) < 0)
        return NULL;
    WITHOUT_GIL(r = keyshm_set_group(pool, subject.id, id));
    return none_or_error(self->state, r);
}

METHOD(pool_set_group)
{
    static const struct signature signature = {"set_group", 2, 2, {"key", "group"}};
    return pool_call(self, &signature, arguments, count, names, set_group);
}

static PyObject *remove_group(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    keyshm_id id;
    int r;
    if (group_from(self, pool, values[0], &id) < 0)
        return NULL;
    WITHOUT_GIL(r = keyshm_remove_group(pool, id));
    return none_or_error(self->state, r);
}

METHOD(pool_remove_group)
{
    static const struct signature signature = {"remove_group", 1, 1, {"group"}};
    return pool_call(self, &signature, arguments, count, names, remove_group);
}

static PyObject *model(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    PyObject *holder, *result;
    unsigned number = 0;
    int r;
    const char *name = text_from(values[0], "name", &holder);
    if (name == NULL)
        return NULL;
    WITHOUT_GIL(r = keyshm_model(pool, name, &number));
    result = id_or_error(self, r, number, name);
    Py_DECREF(holder);
    return result;
}

METHOD(pool_model)
{
    static const struct signature signature = {"model", 1, 1, {"name"}};
    return pool_call(self, &signature, arguments, count, names, model);
}

static PyObject *repair(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    int r;
    WITHOUT_GIL(r = keyshm_repair(pool));
    return none_or_error(self->state, r);
}

METHOD(pool_repair)
{
    static const struct signature signature = {"repair", 0, 0, {NULL}};
    return pool_call(self, &signature, arguments, count, names, repair);
}
