/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PYTHON_MODULE_H
#define KEYSHM_PYTHON_MODULE_H

/*
 * keyshm for Python: what the files of the extension share.
 *
 * Nothing is static: what a module needs is in its state, so that each interpreter of a process has its own. What may differ
 * between a process and a child that it forks is in `local`, which a child finds all zero.
 */

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <keyshm-http.h>
#include <keyshm.h>

/* ---- the module (module.c) ---- */

enum error_kind {
    ERROR_BASE,
    ERROR_EXHAUSTED,
    ERROR_EMPTY,
    ERROR_NOT_FOUND,
    ERROR_EXISTS,
    ERROR_STALE,
    ERROR_LOCK_TIMEOUT,
    ERROR_WRONG_LAYOUT,
    ERROR_DAMAGED,
    ERROR_READ_ONLY,
    ERROR_INVALID_ARGUMENT,
    ERROR_ACCESS_DENIED,
    ERROR_KIND_COUNT,
};

struct key_object;
struct log_ring;

struct module_state {
    PyObject *pool_type, *key_type, *lease_type;
    PyObject *exceptions[ERROR_KIND_COUNT];
    PyObject *timedelta;
    struct local *local;
    struct key_object *held; /* the leases that were taken and not given back, the latest first */
#ifdef Py_GIL_DISABLED
    PyMutex held_lock; /* of the list */
#endif
    bool owns_log;   /* keyshm_set_log() was called for this module */
    bool is_exiting; /* the interpreter is: nothing is logged any more */
};

/* The garbage collector has taken the module apart, at the end of the interpreter: nothing can be made any more. */
bool module_is_gone(const struct module_state *state);

/* A function of one of the package's own Python files. */
PyObject *module_function(const char *file, const char *name);

/* An instance of a record in keyshm/_records.py; steals `values`, a tuple, which may be NULL with an exception. */
PyObject *module_record(const char *name, PyObject *values_or_null);

/* ---- this process (local.c) ---- */

/* Of this process alone: all zero in a child (MADV_WIPEONFORK, madvise(2)), so that it neither gives back its parent's leases
 * nor logs its parent's messages a second time. */
struct local *local_new(void);
void local_free(struct local *local);
uint32_t local_pid(struct local *local);
struct log_ring *local_log(struct local *local);

/* ---- the log (log.c) ---- */

#define LOG_SLOTS 64
#define LOG_MESSAGE_SIZE 512

struct log_ring {
    _Atomic bool is_delivering; /* a thread of this process calls the logger */
    _Atomic unsigned waiting;   /* messages */
    _Atomic unsigned lost;      /* there was no room for */
    _Atomic uint64_t sequence;  /* of the last one */
    struct log_slot {
        _Atomic int state; /* of enum log_slot_state in log.c */
        int level;
        pthread_t thread; /* that caused it */
        uint64_t sequence;
        char message[LOG_MESSAGE_SIZE];
    } slots[LOG_SLOTS];
};

int log_start(struct module_state *state, PyObject *level_or_none);
void log_stop(struct module_state *state);
void log_deliver(struct module_state *state); /* keeps an exception that is set */

/* The last message of this thread that was not delivered yet, which says more than an errno; false: there is none. */
bool log_last_message(struct module_state *state, char ret_message[LOG_MESSAGE_SIZE]);

/* After a call that may have caused messages. */
static inline void log_flush(struct module_state *state)
{
    if (atomic_load_explicit(&local_log(state->local)->waiting, memory_order_relaxed) != 0)
        log_deliver(state);
}

/* ---- errors (errors.c) ---- */

int errors_add(PyObject *module, struct module_state *state);

/* Sets the exception of a negative errno value, and returns NULL. `subject`, which may be NULL, is shown with it. */
PyObject *raise_error(struct module_state *state, int r, const char *subject);

/* -EAGAIN: with the time until it may be tried again. */
PyObject *raise_exhausted(struct module_state *state, int64_t retry_in_ms);

/* -EEXIST of a key: with its id. */
PyObject *raise_key_exists(struct module_state *state, keyshm_id id);

/* None for 0, or the exception. */
PyObject *none_or_error(struct module_state *state, int r);

/* ---- arguments and values (convert.c) ---- */

struct signature {
    const char *function;
    unsigned required;   /* the first so many */
    unsigned positional; /* the first so many need no name */
    const char *names[8];
};

/* The arguments in the order of the names, NULL for what is not given; borrowed. -1 with an exception. */
int take_arguments(const struct signature *signature, PyObject *const *arguments, Py_ssize_t count, PyObject *names,
                   PyObject **ret_values);

/* Seconds, as a number or a timedelta; `missing` for NULL and None. Infinity is KEYSHM_UNTIL_MARKED. -1 with an exception. */
int duration_from(struct module_state *state, PyObject *value_or_null, const char *name, int64_t missing,
                  int64_t *ret_ms);

/* Milliseconds as seconds; None for a negative value, infinity for KEYSHM_UNTIL_MARKED. */
PyObject *seconds_from(int64_t ms);

/* The bytes of a str or bytes; whatever holds them is *ret_owner, to be given to Py_DECREF() (or Py_XDECREF()). A str has bytes
 * that are not UTF-8 as surrogates, as os.fsencode() has it. NULL with an exception; no text has a NUL. */
const char *text_from(PyObject *value, const char *name, PyObject **ret_owner);
PyObject *text_to(const char *text, size_t length);
PyObject *text_or_none(const char *text); /* None for "" and NULL */

int unsigned_from(PyObject *value, const char *name, uint64_t *ret_value);

/* The number of one of the names, of which the last is NULL. */
int choice_from(PyObject *value, const char *name, const char *const *choices, int *ret_choice);
int status_from(PyObject *value, enum keyshm_status *ret_status);
int reason_from(PyObject *value, enum keyshm_reason *ret_reason);

/* ---- pools (pool.c) ---- */

typedef struct pool_object {
    PyObject_HEAD struct module_state *state; /* of the module, which the type keeps alive */
    keyshm_pool *pool;
    _Atomic long calls;       /* under way, and 1 as long as it is open */
    _Atomic bool is_closed;   /* for all further calls */
    _Atomic bool models_full; /* the pool has no room for another model */
    bool is_read_only;
    char name[KEYSHM_PROVIDER_MAX + 1];
} pool_object;

void pool_dealloc(PyObject *self);
PyObject *pool_repr(PyObject *self);

/* Every call is between these two, so that close() does not take the pool away from another thread. NULL with an exception. With
 * the GIL no other thread comes between a load and a store. */
keyshm_pool *pool_raise_closed(pool_object *self);
void pool_close_now(pool_object *self);

static inline keyshm_pool *pool_enter(pool_object *self)
{
    if (atomic_load_explicit(&self->is_closed, memory_order_relaxed))
        return pool_raise_closed(self);
#ifdef Py_GIL_DISABLED
    long calls = atomic_load(&self->calls);
    do {
        if (calls == 0)
            return pool_raise_closed(self);
    } while (!atomic_compare_exchange_weak(&self->calls, &calls, calls + 1));
#else
    atomic_store_explicit(&self->calls, atomic_load_explicit(&self->calls, memory_order_relaxed) + 1,
                          memory_order_relaxed);
#endif
    return self->pool;
}

static inline void pool_leave(pool_object *self)
{
#ifdef Py_GIL_DISABLED
    if (atomic_fetch_sub(&self->calls, 1) == 1)
        pool_close_now(self);
#else
    long calls = atomic_load_explicit(&self->calls, memory_order_relaxed) - 1;
    atomic_store_explicit(&self->calls, calls, memory_order_relaxed);
    if (calls == 0)
        pool_close_now(self);
#endif
}

/* What a call is about. */
struct subject {
    keyshm_id id;
    uint64_t stamp; /* 0: not known */
    unsigned model; /* that it was picked for */
};

/* Of a Key, an id, or a key itself. The last is looked up. -1 with an exception. */
int subject_from(pool_object *self, keyshm_pool *pool, PyObject *value, struct subject *ret_subject);

/* The pick that it answers, without the key. Not the whole struct: writing 4 KiB takes as long as two picks. */
void subject_as_pick(const struct subject *subject, struct keyshm_pick *ret_pick);

/* A model's number, of its name, which is made known to the pool, or its number; `missing` for NULL and None. */
int model_from(pool_object *self, keyshm_pool *pool, PyObject *value_or_null, unsigned missing, unsigned *ret_model);

/* The same, but a name that the pool does not know is NotFound. */
int known_model_from(pool_object *self, keyshm_pool *pool, PyObject *value_or_null, unsigned *ret_model);

/* A group's id, of its name or its id; 0 for NULL and None. */
int group_from(pool_object *self, keyshm_pool *pool, PyObject *value_or_null, keyshm_id *ret_group);

/* One call of a pool: takes the arguments, and calls `body` between pool_enter() and pool_leave(). */
typedef PyObject *body_fn(pool_object *self, keyshm_pool *pool, PyObject **values);
PyObject *pool_call(PyObject *self, const struct signature *signature, PyObject *const *arguments, Py_ssize_t count,
                    PyObject *names, body_fn *body);

/* ---- keys and leases (key.c, lease.c) ---- */

typedef struct key_object {
    PyObject_VAR_HEAD /* of the bytes of the secret, with its NUL */
        pool_object *pool;
    keyshm_id id;
    uint64_t stamp;
    int64_t benched_ms;
    unsigned model;
    /* Of a lease: */
    uint32_t pid;         /* of the process that took it */
    _Atomic bool is_held; /* it is in the module's list, and was not given back */
    bool is_settled;
    uint64_t token[8];
    struct key_object *newer, *older;
    char secret[];
} key_object;

PyObject *key_new(pool_object *pool, const struct keyshm_pick *pick, bool is_lease);

/* Whether it is a Key or a Lease. */
bool key_check(const struct module_state *state, PyObject *value);

/* In a key's dealloc: a lease that nobody gave back. */
void lease_forgotten(key_object *self);
void lease_begin(key_object *self, const struct keyshm_lease *lease);
PyObject *leases_return_all(struct module_state *state);

void key_dealloc(PyObject *object);
PyObject *key_str(PyObject *self);
PyObject *key_repr(PyObject *self);
PyObject *key_compare(PyObject *self, PyObject *other, int operation);
Py_hash_t key_hash(PyObject *self);

/* ---- the methods, of which types.c has the table ---- */

/* Py_mod_exec of module.c calls it. */
int types_add(PyObject *module, struct module_state *state);

#define METHOD(name) PyObject *name(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names)
#define GETTER(name) PyObject *name(PyObject *self, void *closure)
#define NO_ARGUMENTS(name) PyObject *name(PyObject *self, PyObject *ignored)

METHOD(pool_open);
METHOD(pool_create);
METHOD(pool_attach);
METHOD(pool_anonymous);
NO_ARGUMENTS(pool_close);
NO_ARGUMENTS(pool_enter_with);
METHOD(pool_exit_with);
NO_ARGUMENTS(not_pickled);
NO_ARGUMENTS(pool_next);
NO_ARGUMENTS(pool_next_secret);
METHOD(pool_get);
NO_ARGUMENTS(pool_next_available_in);
METHOD(pool_lease);
METHOD(pool_alease);
METHOD(pool_wait_hint);
METHOD(pool_add);
METHOD(pool_remove);
METHOD(pool_find);
METHOD(pool_replace_keys);
METHOD(pool_set_priority);
METHOD(pool_set_weight);
METHOD(pool_set_metadata);
METHOD(pool_get_metadata);
METHOD(pool_group);
METHOD(pool_find_group);
METHOD(pool_set_group);
METHOD(pool_remove_group);
METHOD(pool_model);
METHOD(pool_repair);
METHOD(pool_rate_limited);
METHOD(pool_quota_exceeded);
METHOD(pool_invalid);
METHOD(pool_available);
METHOD(pool_success);
METHOD(pool_report);
METHOD(pool_pause);
METHOD(pool_resume);
METHOD(pool_mark_all_available);
METHOD(pool_set_policy);
METHOD(pool_set_limits);
METHOD(pool_clear_limits);
METHOD(pool_get_limits);
METHOD(pool_observe);
METHOD(pool_states);
METHOD(pool_inspect);
METHOD(pool_groups);
METHOD(pool_models);
METHOD(pool_info);
METHOD(pool_available_count);
METHOD(pool_is_available);
METHOD(pool_reset_expired_cooldowns);
METHOD(pool_workers);
METHOD(pool_leases);
METHOD(pool_reap);
METHOD(pool_set_worker_name);
NO_ARGUMENTS(pool_after_fork);
METHOD(pool_events);
METHOD(pool_verify);
METHOD(key_rate_limited);
METHOD(key_quota_exceeded);
METHOD(key_invalid);
METHOD(key_available);
NO_ARGUMENTS(key_success);
METHOD(key_report);
NO_ARGUMENTS(lease_enter);
METHOD(lease_exit);
NO_ARGUMENTS(lease_release);
NO_ARGUMENTS(lease_cancel);
METHOD(lease_settle);
GETTER(pool_get_name);
GETTER(pool_get_closed);
GETTER(pool_get_read_only);
GETTER(pool_get_rules);
GETTER(pool_get_is_replaced);
GETTER(pool_get_policy);
int pool_set_policy_whole(PyObject *self, PyObject *value, void *closure);
GETTER(pool_limits);
int pool_set_limits_whole(PyObject *self, PyObject *value, void *closure);
GETTER(key_get_secret);
GETTER(key_get_id);
GETTER(key_get_masked);
GETTER(key_get_model);
GETTER(key_get_pool);
GETTER(key_get_stamp);
GETTER(key_get_benched);
GETTER(lease_get_is_held);
METHOD(module_open);
METHOD(module_unlink);
NO_ARGUMENTS(module_pools);
METHOD(module_judge);
METHOD(module_set_log_level);
NO_ARGUMENTS(module_at_exit);
/* For what may wait, or take long. */
#define WITHOUT_GIL(statement)            \
    do {                                  \
        Py_BEGIN_ALLOW_THREADS statement; \
        Py_END_ALLOW_THREADS              \
    } while (0)

/* A function of three arguments and keywords as PyMethodDef has it. */
#define AS_METHOD(function) ((PyCFunction)(void (*)(void))(function))

#endif
