/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>

/* Marks, of a Key and of a Pool. The two differ in where the key comes from: it is the object, or the first argument. */

/* One kind of mark. */
struct mark_kind {
    enum keyshm_status status;
    enum keyshm_reason reason; /* if none is given */
    bool has_duration;         /* as the argument after the key */
    bool is_of_model;          /* if no model is given, it is about that for which the key was leased */
    struct signature signature;
};

static const struct mark_kind rate_limited = {
    KEYSHM_RATE_LIMITED,
    KEYSHM_REASON_RATE_LIMIT,
    true,
    true,
    {"rate_limited", 1, 2, {"key", "retry_after", "model", "scope", "reason", "stamp"}},
};
static const struct mark_kind quota_exceeded = {
    KEYSHM_QUOTA_EXCEEDED,
    KEYSHM_REASON_QUOTA,
    true,
    false,
    {"quota_exceeded", 1, 2, {"key", "reset", "model", "scope", "reason", "stamp"}},
};
static const struct mark_kind invalid = {
    KEYSHM_INVALID,
    KEYSHM_REASON_AUTHENTICATION,
    false,
    false,
    {"invalid", 1, 1, {"key", "model", "scope", "reason", "stamp"}},
};
static const struct mark_kind available = {
    KEYSHM_AVAILABLE, KEYSHM_REASON_NONE, false, false, {"available", 1, 1, {"key", "model", "scope", "reason", "stamp"}},
};

static const char *const scopes[] = {"key", "group", NULL};

enum { MARK_MODEL, MARK_SCOPE, MARK_REASON, MARK_STAMP };

static bool is_given(PyObject *value)
{
    return value != NULL && value != Py_None;
}

/* `values` are those after the key and the duration. */
static int read_mark(pool_object *self, keyshm_pool *pool, const struct subject *subject, PyObject *const *values,
                     struct keyshm_mark *mark)
{
    int scope = KEYSHM_SCOPE_KEY;
    if (model_from(self, pool, values[MARK_MODEL], mark->model, &mark->model) < 0 ||
        (is_given(values[MARK_SCOPE]) && choice_from(values[MARK_SCOPE], "scope", scopes, &scope) < 0) ||
        (is_given(values[MARK_REASON]) && reason_from(values[MARK_REASON], &mark->reason) < 0))
        return -1;
    mark->scope = (enum keyshm_scope)scope;
    mark->stamp = subject->stamp;
    return is_given(values[MARK_STAMP]) ? unsigned_from(values[MARK_STAMP], "stamp", &mark->stamp) : 0;
}

/* `values` as in the signature, the key first. */
static PyObject *make_mark(pool_object *self, keyshm_pool *pool, const struct mark_kind *kind, PyObject **values)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    struct subject subject;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    mark.status = kind->status;
    mark.reason = kind->reason;
    mark.model = kind->is_of_model ? subject.model : 0;
    if (kind->has_duration &&
        duration_from(self->state, values[1], kind->signature.names[1], KEYSHM_NO_RETRY_AFTER, &mark.duration_ms) < 0)
        return NULL;
    if (read_mark(self, pool, &subject, values + (kind->has_duration ? 2 : 1), &mark) < 0)
        return NULL;
    return none_or_error(self->state, keyshm_mark(pool, subject.id, &mark));
}

static PyObject *mark_of_pool(PyObject *self, const struct mark_kind *kind, PyObject *const *arguments, Py_ssize_t count,
                              PyObject *names)
{
    pool_object *object = (pool_object *)self;
    PyObject *values[8], *result = NULL;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    if (take_arguments(&kind->signature, arguments, count, names, values) == 0)
        result = make_mark(object, pool, kind, values);
    pool_leave(object);
    return result;
}

/* The same without its first name. */
static struct signature after_the_key(const struct signature *signature)
{
    struct signature after = {signature->function, 0, signature->positional - 1, {NULL}};
    for (unsigned i = 1; i < sizeof(after.names) / sizeof(after.names[0]); i++)
        after.names[i - 1] = signature->names[i];
    return after;
}

static PyObject *mark_of_key(PyObject *self, const struct mark_kind *kind, PyObject *const *arguments, Py_ssize_t count,
                             PyObject *names)
{
    pool_object *object = ((key_object *)self)->pool;
    struct signature signature = after_the_key(&kind->signature);
    PyObject *values[9] = {self}, *result = NULL;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    if (take_arguments(&signature, arguments, count, names, values + 1) == 0)
        result = make_mark(object, pool, kind, values);
    pool_leave(object);
    return result;
}

METHOD(pool_rate_limited)
{
    return mark_of_pool(self, &rate_limited, arguments, count, names);
}

METHOD(pool_quota_exceeded)
{
    return mark_of_pool(self, &quota_exceeded, arguments, count, names);
}

METHOD(pool_invalid)
{
    return mark_of_pool(self, &invalid, arguments, count, names);
}

METHOD(pool_available)
{
    return mark_of_pool(self, &available, arguments, count, names);
}

METHOD(key_rate_limited)
{
    return mark_of_key(self, &rate_limited, arguments, count, names);
}

METHOD(key_quota_exceeded)
{
    return mark_of_key(self, &quota_exceeded, arguments, count, names);
}

METHOD(key_invalid)
{
    return mark_of_key(self, &invalid, arguments, count, names);
}

METHOD(key_available)
{
    return mark_of_key(self, &available, arguments, count, names);
}

/* ---- success ---- */

static PyObject *success(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    struct keyshm_pick pick;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    subject_as_pick(&subject, &pick);
    return none_or_error(self->state, keyshm_success(pool, &pick));
}

METHOD(pool_success)
{
    static const struct signature signature = {"success", 1, 1, {"key"}};
    return pool_call(self, &signature, arguments, count, names, success);
}

NO_ARGUMENTS(key_success)
{
    return pool_success((PyObject *)((key_object *)self)->pool, &self, 1, NULL);
}

/* ---- by hand ---- */

static PyObject *pause_key(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    return none_or_error(self->state, keyshm_pause(pool, subject.id));
}

METHOD(pool_pause)
{
    static const struct signature signature = {"pause", 1, 1, {"key"}};
    return pool_call(self, &signature, arguments, count, names, pause_key);
}

static PyObject *resume_key(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    struct subject subject;
    if (subject_from(self, pool, values[0], &subject) < 0)
        return NULL;
    return none_or_error(self->state, keyshm_resume(pool, subject.id));
}

METHOD(pool_resume)
{
    static const struct signature signature = {"resume", 1, 1, {"key"}};
    return pool_call(self, &signature, arguments, count, names, resume_key);
}

#define STATUSES_BY_DEFAULT (1u << KEYSHM_RATE_LIMITED | 1u << KEYSHM_QUOTA_EXCEEDED)

static int statuses_from(PyObject *value, unsigned *ret_mask)
{
    PyObject *iterator = PyObject_GetIter(value), *item;
    enum keyshm_status status;
    *ret_mask = 0;
    while (iterator != NULL && (item = PyIter_Next(iterator)) != NULL) {
        int r = status_from(item, &status);
        Py_DECREF(item);
        if (r < 0)
            break;
        *ret_mask |= 1u << status;
    }
    Py_XDECREF(iterator);
    return PyErr_Occurred() == NULL ? 0 : -1;
}

static PyObject *mark_all_available(pool_object *self, keyshm_pool *pool, PyObject **values)
{
    unsigned mask = STATUSES_BY_DEFAULT;
    if (is_given(values[0]) && statuses_from(values[0], &mask) < 0)
        return NULL;
    int r = keyshm_mark_all_available(pool, mask);
    return r >= 0 ? PyLong_FromLong(r) : raise_error(self->state, r, NULL);
}

METHOD(pool_mark_all_available)
{
    static const struct signature signature = {"mark_all_available", 0, 1, {"statuses"}};
    return pool_call(self, &signature, arguments, count, names, mark_all_available);
}
