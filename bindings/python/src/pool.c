/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

/* Pools: how they are opened and closed, and what names a key, a group or a model in every call. */

/* ---- options ---- */

/* Each option of a new pool, once. */
static const struct option {
    const char *name;
    size_t offset;
    enum { OPTION_UNSIGNED, OPTION_DURATION, OPTION_OWNER, OPTION_TEXT } kind;
} pool_options[] = {
    {"capacity", offsetof(struct keyshm_options, capacity), OPTION_UNSIGNED},
    {"key_max", offsetof(struct keyshm_options, key_max), OPTION_UNSIGNED},
    {"default_cooldown", offsetof(struct keyshm_options, default_cooldown_ms), OPTION_DURATION},
    {"lock_timeout", offsetof(struct keyshm_options, lock_timeout_ms), OPTION_DURATION},
    {"owner", offsetof(struct keyshm_options, owner), OPTION_OWNER},
    {"workers_max", offsetof(struct keyshm_options, workers_max), OPTION_UNSIGNED},
    {"groups_max", offsetof(struct keyshm_options, groups_max), OPTION_UNSIGNED},
    {"models_max", offsetof(struct keyshm_options, models_max), OPTION_UNSIGNED},
    {"in_flight_max", offsetof(struct keyshm_options, in_flight_max), OPTION_UNSIGNED},
    {"group_in_flight_max", offsetof(struct keyshm_options, group_in_flight_max), OPTION_UNSIGNED},
    {"provider_rules", offsetof(struct keyshm_options, provider_rules), OPTION_TEXT},
};
#define POOL_OPTION_COUNT (sizeof(pool_options) / sizeof(pool_options[0]))

static int owner_by_name(const char *name, uid_t *ret_owner)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || found == NULL) {
        PyErr_Format(PyExc_ValueError, "there is no user %s", name);
        return -1;
    }
    *ret_owner = entry.pw_uid;
    return 0;
}

/* A user's number or name. */
static int owner_from(PyObject *value, uid_t *ret_owner)
{
    PyObject *holder;
    uint64_t number;
    if (PyUnicode_Check(value)) {
        const char *name = text_from(value, "owner", &holder);
        int r = name != NULL ? owner_by_name(name, ret_owner) : -1;
        Py_XDECREF(holder);
        return r;
    }
    if (unsigned_from(value, "owner", &number) < 0)
        return -1;
    if (number >= UINT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "owner is no user");
        return -1;
    }
    *ret_owner = (uid_t)number;
    return 0;
}

/* 0 is a default in none but workers_max, but a number of more than 32 bits must not become a smaller one. */
static int set_unsigned(PyObject *value, const char *name, unsigned *ret_value)
{
    uint64_t number;
    if (unsigned_from(value, name, &number) < 0)
        return -1;
    *ret_value = number <= UINT32_MAX ? (unsigned)number : UINT32_MAX;
    return 0;
}

/* *ret_text keeps the text that an option points to. */
static int set_option(struct module_state *state, struct keyshm_options *options, const struct option *option,
                      PyObject *value, PyObject **ret_text)
{
    void *field = (char *)options + option->offset;
    switch (option->kind) {
    case OPTION_UNSIGNED:
        return set_unsigned(value, option->name, field);
    case OPTION_DURATION:
        return duration_from(state, value, option->name, *(int64_t *)field, field);
    case OPTION_OWNER:
        return owner_from(value, field);
    default:
        return (options->provider_rules = text_from(value, option->name, ret_text)) != NULL ? 0 : -1;
    }
}

static const struct option *find_option(PyObject *name)
{
    for (size_t i = 0; i < POOL_OPTION_COUNT; i++) {
        if (PyUnicode_CompareWithASCIIString(name, pool_options[i].name) == 0)
            return &pool_options[i];
    }
    PyErr_Format(PyExc_TypeError, "there is no option '%U'", name);
    return NULL;
}

static int read_options(struct module_state *state, PyObject *const *values, PyObject *names,
                        struct keyshm_options *options, PyObject **ret_text)
{
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_Size(names); i++) {
        const struct option *option = find_option(PyTuple_GetItem(names, i));
        if (option == NULL || (values[i] != Py_None && set_option(state, options, option, values[i], ret_text) < 0))
            return -1;
    }
    /* Until marked is 0 there, as in the policy. */
    if (options->default_cooldown_ms == KEYSHM_UNTIL_MARKED)
        options->default_cooldown_ms = 0;
    return 0;
}

/* ---- opening ---- */

static PyObject *pool_new(struct module_state *state, keyshm_pool *pool, const char *name, bool is_read_only)
{
    bool is_gone = module_is_gone(state);
    pool_object *self = is_gone ? NULL : PyObject_New(pool_object, (PyTypeObject *)state->pool_type);
    if (self == NULL) {
        keyshm_close(pool);
        return NULL;
    }
    self->state = state;
    self->pool = pool;
    self->is_read_only = is_read_only;
    atomic_init(&self->calls, 1);
    atomic_init(&self->is_closed, false);
    atomic_init(&self->models_full, false);
    PyOS_snprintf(self->name, sizeof(self->name), "%s", name);
    return (PyObject *)self;
}

typedef int make_fn(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options);

static PyObject *make_pool(struct module_state *state, make_fn *make, const char *name,
                           const struct keyshm_options *options)
{
    keyshm_pool *pool = NULL;
    int r;
    WITHOUT_GIL(r = make(&pool, name, options));
    PyObject *made = r == 0 ? pool_new(state, pool, name, false) : raise_error(state, r, name);
    log_flush(state);
    return made;
}

/* fn(name, **options) */
static PyObject *make_with_options(struct module_state *state, make_fn *make, const char *function,
                                   PyObject *const *arguments, Py_ssize_t count, PyObject *names)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    PyObject *holder, *text = NULL, *made = NULL;
    if (count != 1) {
        PyErr_Format(PyExc_TypeError, "%s() takes one positional argument, the name (%zd given)", function, count);
        return NULL;
    }
    const char *name = text_from(arguments[0], "name", &holder);
    if (name != NULL && log_start(state, Py_None) == 0 && read_options(state, arguments + 1, names, &options, &text) == 0)
        made = make_pool(state, make, name, &options);
    Py_XDECREF(text);
    Py_XDECREF(holder);
    return made;
}

/* The class methods get the type, of which the module's state is known. */
static struct module_state *state_of_type(PyObject *type)
{
    return PyType_GetModuleState((PyTypeObject *)type);
}

METHOD(pool_open)
{
    return make_with_options(state_of_type(self), keyshm_open, "open", arguments, count, names);
}

METHOD(pool_create)
{
    return make_with_options(state_of_type(self), keyshm_create, "create", arguments, count, names);
}

METHOD(pool_anonymous)
{
    return make_with_options(state_of_type(self), keyshm_create_anonymous, "anonymous", arguments, count, names);
}

METHOD(module_open)
{
    struct module_state *state = PyModule_GetState(self);
    return make_with_options(state, keyshm_open, "open", arguments, count, names);
}

static int attach(const char *name, bool is_read_only, const uid_t *owner_or_null, keyshm_pool **ret_pool)
{
    if (owner_or_null == NULL)
        return is_read_only ? keyshm_attach_readonly(ret_pool, name) : keyshm_attach(ret_pool, name);
    return is_read_only ? keyshm_attach_readonly_user(ret_pool, *owner_or_null, name)
                        : keyshm_attach_user(ret_pool, *owner_or_null, name);
}

static PyObject *attach_named(struct module_state *state, const char *name, bool is_read_only, const uid_t *owner_or_null)
{
    keyshm_pool *pool = NULL;
    int r;
    WITHOUT_GIL(r = attach(name, is_read_only, owner_or_null, &pool));
    PyObject *made = r == 0 ? pool_new(state, pool, name, is_read_only) : raise_error(state, r, name);
    log_flush(state);
    return made;
}

METHOD(pool_attach)
{
    static const struct signature signature = {"attach", 1, 1, {"name", "owner", "read_only"}};
    struct module_state *state = state_of_type(self);
    PyObject *values[3], *holder, *made = NULL;
    uid_t owner = 0;
    if (take_arguments(&signature, arguments, count, names, values) < 0)
        return NULL;
    bool has_owner = values[1] != NULL && values[1] != Py_None;
    int is_read_only = values[2] != NULL ? PyObject_IsTrue(values[2]) : 0;
    if (is_read_only < 0 || (has_owner && owner_from(values[1], &owner) < 0) || log_start(state, Py_None) < 0)
        return NULL;
    const char *name = text_from(values[0], "name", &holder);
    if (name != NULL)
        made = attach_named(state, name, is_read_only != 0, has_owner ? &owner : NULL);
    Py_XDECREF(holder);
    return made;
}

/* unlink(name, *, owner=None) */
METHOD(module_unlink)
{
    static const struct signature signature = {"unlink", 1, 1, {"name", "owner"}};
    struct module_state *state = PyModule_GetState(self);
    PyObject *values[2], *holder, *result = NULL;
    uid_t owner = 0;
    if (take_arguments(&signature, arguments, count, names, values) < 0)
        return NULL;
    bool has_owner = values[1] != NULL && values[1] != Py_None;
    if (has_owner && owner_from(values[1], &owner) < 0)
        return NULL;
    const char *name = text_from(values[0], "name", &holder);
    if (name != NULL) {
        int r = has_owner ? keyshm_unlink_user(owner, name) : keyshm_unlink(name);
        result = r == 0 ? Py_NewRef(Py_None) : raise_error(state, r, name);
        log_flush(state);
    }
    Py_XDECREF(holder);
    return result;
}

/* ---- closing ---- */

keyshm_pool *pool_raise_closed(pool_object *self)
{
    PyErr_Format(PyExc_ValueError, "the pool %s is closed", self->name);
    return NULL;
}

void pool_close_now(pool_object *self)
{
    keyshm_close(self->pool);
    self->pool = NULL;
}

NO_ARGUMENTS(pool_close)
{
    pool_object *pool = (pool_object *)self;
    if (!atomic_exchange(&pool->is_closed, true))
        pool_leave(pool);
    log_flush(pool->state);
    Py_RETURN_NONE;
}

void pool_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    pool_object *pool = (pool_object *)self;
    if (!atomic_load(&pool->is_closed))
        keyshm_close(pool->pool);
    PyObject_Free(self);
    Py_DECREF(type);
}

NO_ARGUMENTS(pool_enter_with)
{
    pool_object *pool = (pool_object *)self;
    return atomic_load(&pool->is_closed) ? (PyObject *)pool_raise_closed(pool) : Py_NewRef(self);
}

METHOD(pool_exit_with)
{
    return pool_close(self, NULL);
}

PyObject *pool_repr(PyObject *self)
{
    pool_object *pool = (pool_object *)self;
    const char *closed = atomic_load(&pool->is_closed) ? " (closed)" : pool->is_read_only ? " (read-only)" : "";
    return PyUnicode_FromFormat("<keyshm.Pool %s%s>", pool->name, closed);
}

/* A pickle of a key would hold the secret, and one of a pool would be another attachment, or none where it is anonymous. */
NO_ARGUMENTS(not_pickled)
{
    PyErr_SetString(PyExc_TypeError,
                    "pools and keys cannot be pickled: attach to the pool by its name in the other process, or "
                    "inherit it by fork, and send the id of a key");
    return NULL;
}

GETTER(pool_get_name)
{
    return PyUnicode_FromString(((pool_object *)self)->name);
}

GETTER(pool_get_closed)
{
    return PyBool_FromLong(atomic_load(&((pool_object *)self)->is_closed));
}

GETTER(pool_get_read_only)
{
    return PyBool_FromLong(((pool_object *)self)->is_read_only);
}

GETTER(pool_get_rules)
{
    pool_object *object = (pool_object *)self;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    PyObject *rules = PyUnicode_FromString(keyshm_provider_rules(pool));
    pool_leave(object);
    return rules;
}

GETTER(pool_get_is_replaced)
{
    pool_object *object = (pool_object *)self;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    int r = keyshm_is_replaced(pool);
    pool_leave(object);
    return r >= 0 ? PyBool_FromLong(r) : raise_error(object->state, r, object->name);
}

/* ---- what a call is about ---- */

PyObject *pool_call(PyObject *self, const struct signature *signature, PyObject *const *arguments, Py_ssize_t count,
                    PyObject *names, body_fn *body)
{
    pool_object *object = (pool_object *)self;
    PyObject *values[sizeof(signature->names) / sizeof(signature->names[0])], *result = NULL;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    if (take_arguments(signature, arguments, count, names, values) == 0)
        result = body(object, pool, values);
    log_flush(object->state);
    pool_leave(object);
    return result;
}

/* A key of another Pool is another attachment's, of this pool or not: the secret tells. */
static int subject_of_key(pool_object *self, keyshm_pool *pool, const key_object *key, struct subject *ret_subject)
{
    ret_subject->id = key->id;
    ret_subject->stamp = key->stamp;
    ret_subject->model = key->model;
    if (key->pool == self)
        return 0;
    ret_subject->stamp = 0;
    ret_subject->model = 0;
    int r = keyshm_find(pool, key->secret, &ret_subject->id);
    return r == 0 ? 0 : (raise_error(self->state, r, NULL), -1);
}

static int subject_of_secret(pool_object *self, keyshm_pool *pool, PyObject *value, struct subject *ret_subject)
{
    PyObject *holder;
    const char *secret = text_from(value, "key", &holder);
    int r = secret != NULL ? keyshm_find(pool, secret, &ret_subject->id) : 0;
    Py_XDECREF(holder);
    if (r < 0)
        raise_error(self->state, r, NULL);
    return secret != NULL && r == 0 ? 0 : -1;
}

void subject_as_pick(const struct subject *subject, struct keyshm_pick *ret_pick)
{
    memset(ret_pick, 0, offsetof(struct keyshm_pick, key) + 1);
    ret_pick->id = subject->id;
    ret_pick->stamp = subject->stamp;
    ret_pick->model = subject->model;
}

int subject_from(pool_object *self, keyshm_pool *pool, PyObject *value, struct subject *ret_subject)
{
    *ret_subject = (struct subject){0};
    if (key_check(self->state, value))
        return subject_of_key(self, pool, (const key_object *)value, ret_subject);
    if (PyUnicode_Check(value) || PyBytes_Check(value))
        return subject_of_secret(self, pool, value, ret_subject);
    if (PyLong_Check(value) && !PyBool_Check(value))
        return unsigned_from(value, "the id", &ret_subject->id);
    PyErr_SetString(PyExc_TypeError, "a key must be a Key, an id, or the key itself as a str");
    return -1;
}

/* ---- models and groups ---- */

static int warn_models_full(pool_object *self)
{
    if (atomic_exchange(&self->models_full, true))
        return 0;
    return PyErr_WarnFormat(PyExc_RuntimeWarning, 2,
                            "the pool %s has no room for another model: what is not known counts as any model (option "
                            "models_max)",
                            self->name);
}

/* The pool is asked first, without a lock; only a name that is new to it may wait for the mutex. */
static int model_by_name(pool_object *self, keyshm_pool *pool, const char *name, bool makes, unsigned *ret_model)
{
    int r = keyshm_find_model(pool, name, ret_model);
    if (r != -ENOENT || !makes) {
        if (r < 0)
            raise_error(self->state, r, r == -ENOENT ? name : "model");
        return r < 0 ? -1 : 0;
    }
    *ret_model = 0;
    if (self->is_read_only || atomic_load(&self->models_full))
        return 0;
    WITHOUT_GIL(r = keyshm_model(pool, name, ret_model));
    if (r == -ENOSPC)
        return warn_models_full(self);
    if (r < 0)
        raise_error(self->state, r, name);
    log_flush(self->state);
    return r < 0 ? -1 : 0;
}

static int model_number(PyObject *value, unsigned *ret_model)
{
    uint64_t number;
    if (unsigned_from(value, "model", &number) < 0)
        return -1;
    *ret_model = number <= UINT32_MAX ? (unsigned)number : UINT32_MAX; /* which no pool has */
    return 0;
}

static int model_of(pool_object *self, keyshm_pool *pool, PyObject *value, bool makes, unsigned *ret_model)
{
    PyObject *holder;
    if (PyLong_Check(value))
        return model_number(value, ret_model);
    const char *name = text_from(value, "model", &holder);
    int r = name != NULL ? model_by_name(self, pool, name, makes, ret_model) : -1;
    Py_XDECREF(holder);
    return r;
}

int model_from(pool_object *self, keyshm_pool *pool, PyObject *value_or_null, unsigned missing, unsigned *ret_model)
{
    *ret_model = missing;
    return value_or_null == NULL || value_or_null == Py_None ? 0 : model_of(self, pool, value_or_null, true, ret_model);
}

int known_model_from(pool_object *self, keyshm_pool *pool, PyObject *value_or_null, unsigned *ret_model)
{
    *ret_model = 0;
    return value_or_null == NULL || value_or_null == Py_None ? 0 : model_of(self, pool, value_or_null, false, ret_model);
}

int group_from(pool_object *self, keyshm_pool *pool, PyObject *value_or_null, keyshm_id *ret_group)
{
    PyObject *holder;
    *ret_group = 0;
    if (value_or_null == NULL || value_or_null == Py_None)
        return 0;
    if (PyLong_Check(value_or_null))
        return unsigned_from(value_or_null, "group", ret_group);
    const char *name = text_from(value_or_null, "group", &holder);
    int r = name != NULL ? keyshm_find_group(pool, name, ret_group) : 0;
    if (r < 0)
        raise_error(self->state, r, name);
    Py_XDECREF(holder);
    return name != NULL && r == 0 ? 0 : -1;
}
