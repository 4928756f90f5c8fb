/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>
#include <string.h>

/* Every exception, once: its name, the built-in class that it also is, the errors that it stands for, what it says. */
struct kind {
    const char *name;
    PyObject **other_base; /* or NULL */
    int errors[2];
    const char *attribute; /* that it has besides, None where it is not set; or NULL */
    const char *message;   /* NULL: keyshm_strerror() */
    const char *doc;
};

static const struct kind kinds[ERROR_KIND_COUNT] = {
    [ERROR_BASE] = {"keyshm.Error", NULL, {0}, NULL, NULL, "An error of keyshm. `errno` says which."},
    [ERROR_EXHAUSTED] =
        {"keyshm.Exhausted",
         NULL,
         {EAGAIN},
         "retry_in",
         "no key is available",
         "No key is available now. `retry_in` is the time in seconds until one is, or None if that is not known."},
    [ERROR_EMPTY] = {"keyshm.Empty", NULL, {ENOKEY}, NULL, "the pool has no key", "The pool has no key."},
    [ERROR_NOT_FOUND] = {"keyshm.NotFound",
                         &PyExc_FileNotFoundError,
                         {ENOENT},
                         NULL,
                         "there is none of this name",
                         "There is no such pool, key, group, model or note."},
    [ERROR_EXISTS] = {"keyshm.Exists",
                      &PyExc_FileExistsError,
                      {EEXIST},
                      "id",
                      "it exists already",
                      "The pool or the key exists already. Of a key, `id` is its id."},
    [ERROR_STALE] = {"keyshm.Stale",
                     &PyExc_LookupError,
                     {ESTALE},
                     NULL,
                     "it is not, or no longer, in the pool",
                     "The key or group is not, or no longer, in the pool; or the lease was given or taken back before."},
    [ERROR_LOCK_TIMEOUT] = {"keyshm.LockTimeout",
                            &PyExc_TimeoutError,
                            {ETIMEDOUT},
                            NULL,
                            "another process holds the pool's mutex",
                            "Another process held the pool's mutex for too long."},
    [ERROR_WRONG_LAYOUT] = {"keyshm.WrongLayout",
                            NULL,
                            {EPROTO},
                            NULL,
                            "it was made by another version of keyshm",
                            "The pool was made by another version of keyshm."},
    [ERROR_DAMAGED] = {"keyshm.Damaged",
                       NULL,
                       {EBADMSG},
                       NULL,
                       "it is no pool of keyshm, or damaged",
                       "The segment is no pool of keyshm, or damaged."},
    [ERROR_READ_ONLY] =
        {"keyshm.ReadOnly", NULL, {EROFS}, NULL, "it was attached read-only", "The pool was attached read-only."},
    [ERROR_INVALID_ARGUMENT] = {"keyshm.InvalidArgument",
                                &PyExc_ValueError,
                                {EINVAL},
                                NULL,
                                NULL,
                                "An argument is outside its range. It was checked before anything changed."},
    [ERROR_ACCESS_DENIED] =
        {"keyshm.AccessDenied", &PyExc_PermissionError, {EACCES, EPERM}, NULL, NULL, "The pool is another user's."},
};

static PyObject *bases_of(const struct module_state *state, enum error_kind kind)
{
    PyObject *first = kind == ERROR_BASE ? PyExc_OSError : state->exceptions[ERROR_BASE];
    return kinds[kind].other_base != NULL ? PyTuple_Pack(2, first, *kinds[kind].other_base) : PyTuple_Pack(1, first);
}

static int add_kind(PyObject *module, struct module_state *state, enum error_kind kind)
{
    PyObject *bases = bases_of(state, kind);
    PyObject *members = bases != NULL ? PyDict_New() : NULL;
    if (members != NULL && kinds[kind].attribute != NULL &&
        PyDict_SetItemString(members, kinds[kind].attribute, Py_None) < 0)
        Py_CLEAR(members);
    PyObject *type =
        members != NULL ? PyErr_NewExceptionWithDoc(kinds[kind].name, kinds[kind].doc, bases, members) : NULL;
    Py_XDECREF(bases);
    Py_XDECREF(members);
    state->exceptions[kind] = type;
    return type != NULL ? PyModule_AddObjectRef(module, kinds[kind].name + sizeof("keyshm.") - 1, type) : -1;
}

int errors_add(PyObject *module, struct module_state *state)
{
    for (int kind = 0; kind < ERROR_KIND_COUNT; kind++) {
        if (add_kind(module, state, (enum error_kind)kind) < 0)
            return -1;
    }
    return 0;
}

static enum error_kind kind_of(int error)
{
    for (int kind = ERROR_BASE + 1; kind < ERROR_KIND_COUNT; kind++) {
        if (error == kinds[kind].errors[0] || error == kinds[kind].errors[1])
            return (enum error_kind)kind;
    }
    return ERROR_BASE;
}

static const char *message_of(enum error_kind kind, int error)
{
    if (error == EOPNOTSUPP)
        return "only keys with a cap on requests in flight are left: use lease()";
    if (error == EINVAL)
        return "an argument is not valid";
    return kinds[kind].message != NULL ? kinds[kind].message : keyshm_strerror(error);
}

/* Of a refused argument the log says which it is and why: "openai: refused: the key has a space at an end". */
static const char *refusal(const char *message)
{
    static const char marker[] = "refused: ";
    const char *found = strstr(message, marker);
    return found != NULL ? found + sizeof(marker) - 1 : NULL;
}

static PyObject *make(struct module_state *state, int error, const char *subject)
{
    enum error_kind kind = kind_of(error);
    const char *message = message_of(kind, error);
    char logged[LOG_MESSAGE_SIZE];
    if (kind == ERROR_INVALID_ARGUMENT && log_last_message(state, logged) && refusal(logged) != NULL)
        message = refusal(logged);
    return subject != NULL ? PyObject_CallFunction(state->exceptions[kind], "iss", error, message, subject)
                           : PyObject_CallFunction(state->exceptions[kind], "is", error, message);
}

static PyObject *raise_made(PyObject *exception)
{
    if (exception != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_XDECREF(exception);
    return NULL;
}

PyObject *raise_error(struct module_state *state, int r, const char *subject)
{
    return r == -ENOMEM ? PyErr_NoMemory() : raise_made(make(state, -r, subject));
}

static PyObject *raise_with(PyObject *exception, const char *name, PyObject *value)
{
    if (exception != NULL && (value == NULL || PyObject_SetAttrString(exception, name, value) < 0))
        Py_CLEAR(exception);
    Py_XDECREF(value);
    return raise_made(exception);
}

PyObject *raise_exhausted(struct module_state *state, int64_t retry_in_ms)
{
    return raise_with(make(state, EAGAIN, NULL), "retry_in", seconds_from(retry_in_ms));
}

PyObject *raise_key_exists(struct module_state *state, keyshm_id id)
{
    return raise_with(make(state, EEXIST, NULL), "id", PyLong_FromUnsignedLongLong(id));
}

PyObject *none_or_error(struct module_state *state, int r)
{
    PyObject *result = r < 0 ? raise_error(state, r, NULL) : Py_NewRef(Py_None);
    log_flush(state);
    return result;
}
