/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Leases: taken with the GIL, which is released to wait only; and given back in the process that took them. */

/* ---- the list of those that are held ---- */

#ifdef Py_GIL_DISABLED
#define LIST_LOCK(state) PyMutex_Lock(&(state)->held_lock)
#define LIST_UNLOCK(state) PyMutex_Unlock(&(state)->held_lock)
#else
#define LIST_LOCK(state) ((void)(state))
#define LIST_UNLOCK(state) ((void)(state))
#endif

static void list_add(struct module_state *state, key_object *lease)
{
    LIST_LOCK(state);
    lease->newer = NULL;
    lease->older = state->held;
    if (state->held != NULL)
        state->held->newer = lease;
    state->held = lease;
    LIST_UNLOCK(state);
}

static void list_remove(struct module_state *state, key_object *lease)
{
    LIST_LOCK(state);
    if (lease->newer != NULL)
        lease->newer->older = lease->older;
    else
        state->held = lease->older;
    if (lease->older != NULL)
        lease->older->newer = lease->newer;
    LIST_UNLOCK(state);
}

void lease_begin(key_object *self, const struct keyshm_lease *lease)
{
    memcpy(self->token, lease->token, sizeof(self->token));
    self->pid = local_pid(self->pool->state->local);
    self->is_settled = false;
    atomic_store_explicit(&self->is_held, true, memory_order_relaxed);
    list_add(self->pool->state, self);
}

/* ---- taking ---- */

/* So long may a signal go unnoticed that comes before the thread sleeps, or to another thread. */
#define SLICE_MS 100

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One piece of the wait. 1: an exception was raised meanwhile, as by Ctrl-C. */
static int wait_slice(keyshm_pool *pool, const struct keyshm_request *request, struct keyshm_lease *ret_lease)
{
    int r;
    WITHOUT_GIL(r = keyshm_acquire(pool, request, ret_lease));
    if (PyErr_CheckSignals() == 0)
        return r;
    if (r == 0)
        keyshm_cancel(pool, ret_lease);
    return 1;
}

static int wait_for_lease(keyshm_pool *pool, const struct keyshm_request *request, struct keyshm_lease *ret_lease)
{
    struct keyshm_request slice = *request;
    bool is_endless = request->wait_ms == KEYSHM_UNTIL_MARKED;
    int64_t end_ms = is_endless ? 0 : now_ms() + 1 + request->wait_ms; /* this millisecond has begun before */
    for (;;) {
        int64_t left_ms = is_endless ? SLICE_MS + 1 : end_ms - now_ms();
        bool is_last = left_ms <= SLICE_MS;
        slice.wait_ms = !is_last ? SLICE_MS : left_ms > 0 ? left_ms : 0;
        slice.flags = is_last ? request->flags : 0;
        int r = wait_slice(pool, &slice, ret_lease);
        if (r != -EINTR && (r != -EAGAIN || is_last))
            return r;
    }
}

/* 1: an exception is set. */
static int acquire(keyshm_pool *pool, const struct keyshm_request *request, struct keyshm_lease *ret_lease)
{
    if (request->wait_ms == 0)
        return keyshm_acquire(pool, request, ret_lease);
    struct keyshm_request at_once = *request;
    at_once.wait_ms = 0;
    at_once.flags = 0;
    int r = keyshm_acquire(pool, &at_once, ret_lease);
    return r == -EAGAIN ? wait_for_lease(pool, request, ret_lease) : r;
}

/* Text is hashed, by FNV-1a, which is the same in each process and each version; Python's own hash() is not. */
static int affinity_from(PyObject *value, uint64_t *ret_affinity)
{
    PyObject *holder;
    if (value == NULL || value == Py_None)
        return 0;
    if (PyLong_Check(value)) {
        *ret_affinity = PyLong_AsUnsignedLongLongMask(value);
        return *ret_affinity == UINT64_MAX && PyErr_Occurred() != NULL ? -1 : 0;
    }
    const char *text = text_from(value, "affinity", &holder);
    if (text == NULL)
        return -1;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *byte = text; *byte != '\0'; byte++)
        hash = (hash ^ (unsigned char)*byte) * UINT64_C(0x100000001b3);
    *ret_affinity = hash != 0 ? hash : 1;
    Py_DECREF(holder);
    return 0;
}

static int flags_from(PyObject *soonest, unsigned *ret_flags)
{
    int is_wanted = soonest != NULL ? PyObject_IsTrue(soonest) : 0;
    *ret_flags = is_wanted > 0 ? KEYSHM_SOONEST : 0;
    return is_wanted < 0 ? -1 : 0;
}

enum { REQUEST_MODEL, REQUEST_TOKENS, REQUEST_AFFINITY, REQUEST_WAIT, REQUEST_SOONEST, REQUEST_COUNT };

static int read_request(pool_object *self, keyshm_pool *pool, PyObject *const *values, struct keyshm_request *request)
{
    struct module_state *state = self->state;
    if (model_from(self, pool, values[REQUEST_MODEL], 0, &request->model) < 0 ||
        affinity_from(values[REQUEST_AFFINITY], &request->affinity) < 0 ||
        duration_from(state, values[REQUEST_WAIT], "wait", 0, &request->wait_ms) < 0)
        return -1;
    if (values[REQUEST_TOKENS] != NULL && values[REQUEST_TOKENS] != Py_None &&
        unsigned_from(values[REQUEST_TOKENS], "tokens", &request->tokens) < 0)
        return -1;
    return flags_from(values[REQUEST_SOONEST], &request->flags);
}

static PyObject *lease_of(pool_object *self, keyshm_pool *pool, const struct keyshm_request *request)
{
    struct keyshm_lease lease;
    int r = acquire(pool, request, &lease);
    if (r != 0) {
        if (r == -EAGAIN)
            raise_exhausted(self->state, keyshm_wait_hint_ms(pool, request));
        else if (r < 0)
            raise_error(self->state, r, NULL);
        log_flush(self->state);
        return NULL;
    }
    key_object *made = (key_object *)key_new(self, &lease.pick, true);
    explicit_bzero(lease.pick.key, lease.pick.key_length);
    if (made != NULL)
        lease_begin(made, &lease);
    else
        keyshm_cancel(pool, &lease);
    return (PyObject *)made;
}

METHOD(pool_lease)
{
    static const struct signature signature = {"lease", 0, 0, {"model", "tokens", "affinity", "wait", "soonest"}};
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    pool_object *object = (pool_object *)self;
    PyObject *values[REQUEST_COUNT], *lease = NULL;
    bool is_plain = count == 0 && names == NULL;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    if (is_plain || (take_arguments(&signature, arguments, count, names, values) == 0 &&
                     read_request(object, pool, values, &request) == 0))
        lease = lease_of(object, pool, &request);
    pool_leave(object);
    return lease;
}

/* wait_hint(*, model=None, tokens=0) */
METHOD(pool_wait_hint)
{
    static const struct signature signature = {"wait_hint", 0, 0, {"model", "tokens"}};
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    pool_object *object = (pool_object *)self;
    PyObject *values[REQUEST_COUNT] = {NULL}, *hint = NULL;
    keyshm_pool *pool = pool_enter(object);
    if (pool == NULL)
        return NULL;
    if (take_arguments(&signature, arguments, count, names, values) == 0 &&
        read_request(object, pool, values, &request) == 0) {
        int64_t ms = keyshm_wait_hint_ms(pool, &request);
        hint = ms < -1 ? raise_error(object->state, (int)ms, NULL) : seconds_from(ms);
    }
    pool_leave(object);
    return hint;
}

/* The part that waits is asyncio's: keyshm/_waiting.py. */
METHOD(pool_alease)
{
    PyObject *function = module_function("keyshm._waiting", "Acquisition"), *result = NULL;
    PyObject *positional = PyTuple_Pack(1, self), *keywords = PyDict_New();
    if (count != 0)
        PyErr_SetString(PyExc_TypeError, "alease() takes no positional arguments");
    int r = function != NULL && positional != NULL && keywords != NULL && count == 0 ? 0 : -1;
    for (Py_ssize_t i = 0; r == 0 && names != NULL && i < PyTuple_Size(names); i++)
        r = PyDict_SetItem(keywords, PyTuple_GetItem(names, i), arguments[i]);
    if (r == 0)
        result = PyObject_Call(function, positional, keywords);
    Py_XDECREF(keywords);
    Py_XDECREF(positional);
    Py_XDECREF(function);
    return result;
}

/* ---- giving back ---- */

typedef int end_fn(keyshm_pool *pool, struct keyshm_lease *lease);

/* What the library reads of a lease, without its key. */
static void whole_lease(const key_object *self, struct keyshm_lease *ret_lease)
{
    struct subject subject = {.id = self->id, .stamp = self->stamp, .model = self->model};
    memcpy(ret_lease->token, self->token, sizeof(self->token));
    subject_as_pick(&subject, &ret_lease->pick);
}

/* 1: it is not held, or not by this process: a child that was forked in a `with` leaves it to its parent. */
static int end_lease(key_object *self, end_fn *end)
{
    struct keyshm_lease lease;
    struct module_state *state = self->pool->state;
    if (!atomic_exchange_explicit(&self->is_held, false, memory_order_relaxed))
        return 1;
    list_remove(state, self);
    if (self->pid != local_pid(state->local))
        return 1;
    if (atomic_load_explicit(&self->pool->is_closed, memory_order_relaxed))
        return -ESTALE; /* keyshm_close() has given it back */
    keyshm_pool *pool = pool_enter(self->pool);
    whole_lease(self, &lease);
    int r = end(pool, &lease);
    pool_leave(self->pool);
    return r;
}

static PyObject *true_if_ended(key_object *self, int r)
{
    PyObject *result = r < 0 && r != -ESTALE ? raise_error(self->pool->state, r, NULL) : PyBool_FromLong(r == 0);
    log_flush(self->pool->state);
    return result;
}

NO_ARGUMENTS(lease_release)
{
    return true_if_ended((key_object *)self, end_lease((key_object *)self, keyshm_release));
}

NO_ARGUMENTS(lease_cancel)
{
    key_object *lease = (key_object *)self;
    if (atomic_load(&lease->is_held) && lease->is_settled)
        return raise_error(lease->pool->state, -EALREADY, NULL);
    return true_if_ended(lease, end_lease(lease, keyshm_cancel));
}

NO_ARGUMENTS(lease_enter)
{
    return Py_NewRef(self);
}

/* That it was taken back meanwhile must not hide the exception of the block. */
METHOD(lease_exit)
{
    key_object *lease = (key_object *)self;
    end_lease(lease, keyshm_release);
    log_flush(lease->pool->state);
    Py_RETURN_FALSE;
}

static int settle(key_object *self, keyshm_pool *pool, uint64_t tokens)
{
    struct keyshm_lease lease;
    if (!atomic_load(&self->is_held) || self->pid != local_pid(self->pool->state->local))
        return -ESTALE;
    whole_lease(self, &lease);
    int r = keyshm_settle(pool, &lease, tokens);
    if (r == 0)
        memcpy(self->token, lease.token, sizeof(self->token));
    self->is_settled |= r == 0;
    return r;
}

METHOD(lease_settle)
{
    static const struct signature signature = {"settle", 1, 1, {"tokens"}};
    key_object *lease = (key_object *)self;
    PyObject *values[1], *result = NULL;
    uint64_t tokens;
    keyshm_pool *pool = pool_enter(lease->pool);
    if (pool == NULL)
        return NULL;
    if (take_arguments(&signature, arguments, count, names, values) == 0 &&
        unsigned_from(values[0], "tokens", &tokens) == 0)
        result = none_or_error(lease->pool->state, settle(lease, pool, tokens));
    pool_leave(lease->pool);
    return result;
}

GETTER(lease_get_is_held)
{
    key_object *lease = (key_object *)self;
    return PyBool_FromLong(atomic_load(&lease->is_held) && lease->pid == local_pid(lease->pool->state->local));
}

/* In a dealloc: an exception that is under way stays, and one that the warning raises is only shown. */
void lease_forgotten(key_object *self)
{
    PyObject *type, *value, *traceback;
    bool is_of_parent = self->pid != local_pid(self->pool->state->local);
    end_lease(self, keyshm_release);
    if (is_of_parent)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_WarnFormat(PyExc_ResourceWarning, 1, "a lease of a key of the pool %s was not given back",
                         self->pool->name) < 0)
        PyErr_WriteUnraisable(NULL);
    PyErr_Restore(type, value, traceback);
}

/* At the end of the interpreter: module.c. */
PyObject *leases_return_all(struct module_state *state)
{
    while (state->held != NULL)
        end_lease(state->held, keyshm_release);
    Py_RETURN_NONE;
}
