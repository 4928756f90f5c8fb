/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <stdlib.h>
#include <string.h>

/*
 * Messages go to the logger "keyshm" of the logging module.
 *
 * The library calls back in the thread that caused a message: perhaps one that does not hold the GIL, that Python does not know,
 * in a child that was just forked, or while the interpreter ends. In none of these may Python be called. So the callback only
 * puts the message into a ring, without a lock and without waiting, and the extension's calls deliver what is there when they
 * come back to Python. The ring is in memory that a forked child finds empty, so no message is logged by two processes, and a
 * thread that was writing at the time of the fork has left nothing behind.
 */

enum log_slot_state { SLOT_FREE, SLOT_BEING_WRITTEN, SLOT_FULL };

/* In a thread of its own choice, with or without the GIL. */
static void receive(enum keyshm_log_level level, const char *message, void *user)
{
    struct log_ring *ring = user;
    for (unsigned i = 0; i < LOG_SLOTS; i++) {
        struct log_slot *slot = &ring->slots[i];
        int expected = SLOT_FREE;
        if (!atomic_compare_exchange_strong(&slot->state, &expected, SLOT_BEING_WRITTEN))
            continue;
        slot->level = (int)level;
        slot->thread = pthread_self();
        slot->sequence = atomic_fetch_add(&ring->sequence, 1);
        strncpy(slot->message, message, sizeof(slot->message) - 1);
        slot->message[sizeof(slot->message) - 1] = '\0';
        atomic_store_explicit(&slot->state, SLOT_FULL, memory_order_release); /* take_first() acquires it */
        atomic_fetch_add(&ring->waiting, 1);
        return;
    }
    atomic_fetch_add(&ring->lost, 1);
}

/* The numbers of the logging module. */
static int level_of(int level)
{
    switch (level) {
    case KEYSHM_LOG_ERROR:
        return 40;
    case KEYSHM_LOG_WARNING:
        return 30;
    case KEYSHM_LOG_INFO:
        return 20;
    default:
        return 10;
    }
}

/* Warnings always: they say which argument was refused and why, and so do the exceptions (errors.c). */
static enum keyshm_log_level least_of(long level)
{
    return level <= 10 ? KEYSHM_LOG_DEBUG : level <= 20 ? KEYSHM_LOG_INFO : KEYSHM_LOG_WARNING;
}

static bool take_first(struct log_ring *ring, struct log_slot *ret_slot)
{
    struct log_slot *first = NULL;
    for (unsigned i = 0; i < LOG_SLOTS; i++) {
        struct log_slot *slot = &ring->slots[i];
        /* Acquired from receive(). */
        if (atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_FULL &&
            (first == NULL || slot->sequence < first->sequence))
            first = slot;
    }
    if (first == NULL)
        return false;
    ret_slot->level = first->level;
    memcpy(ret_slot->message, first->message, sizeof(first->message));
    atomic_fetch_sub(&ring->waiting, 1);
    atomic_store_explicit(&first->state, SLOT_FREE, memory_order_release);
    return true;
}

bool log_last_message(struct module_state *state, char ret_message[LOG_MESSAGE_SIZE])
{
    struct log_ring *ring = local_log(state->local);
    const struct log_slot *last = NULL;
    for (unsigned i = 0; i < LOG_SLOTS; i++) {
        struct log_slot *slot = &ring->slots[i];
        /* Acquired from receive(). */
        if (atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_FULL &&
            pthread_equal(slot->thread, pthread_self()) && (last == NULL || slot->sequence > last->sequence))
            last = slot;
    }
    if (last != NULL)
        memcpy(ret_message, last->message, sizeof(last->message));
    return last != NULL;
}

static PyObject *logger(void)
{
    PyObject *logging = PyImport_ImportModule("logging");
    PyObject *found = logging != NULL ? PyObject_CallMethod(logging, "getLogger", "s", "keyshm") : NULL;
    Py_XDECREF(logging);
    return found;
}

static void log_one(PyObject *to, int level, const char *message)
{
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    PyObject *result = text != NULL ? PyObject_CallMethod(to, "log", "isO", level_of(level), "%s", text) : NULL;
    if (result == NULL)
        PyErr_WriteUnraisable(to);
    Py_XDECREF(result);
    Py_XDECREF(text);
}

/* At most as many as there is room for, so that a handler that causes messages does not keep it busy for ever. */
static void deliver_to(PyObject *to, struct log_ring *ring)
{
    struct log_slot slot;
    for (unsigned i = 0; i < LOG_SLOTS && take_first(ring, &slot); i++)
        log_one(to, slot.level, slot.message);
    unsigned lost = atomic_exchange(&ring->lost, 0);
    if (lost != 0) {
        char message[64];
        PyOS_snprintf(message, sizeof(message), "%u messages were lost: too many at once", lost);
        log_one(to, KEYSHM_LOG_WARNING, message);
    }
}

void log_deliver(struct module_state *state)
{
    PyObject *type, *value, *traceback;
    struct log_ring *ring = local_log(state->local);
    if (state->is_exiting || atomic_exchange(&ring->is_delivering, true))
        return;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *to = logger();
    if (to != NULL)
        deliver_to(to, ring);
    else
        PyErr_WriteUnraisable(NULL);
    Py_XDECREF(to);
    PyErr_Restore(type, value, traceback);
    atomic_store(&ring->is_delivering, false);
}

/* There is one callback for the process, which the main interpreter has. */
static bool is_main_interpreter(void)
{
    return PyInterpreterState_GetID(PyInterpreterState_Get()) == 0;
}

static int effective_level(long *ret_level)
{
    PyObject *to = logger();
    PyObject *level = to != NULL ? PyObject_CallMethod(to, "getEffectiveLevel", NULL) : NULL;
    *ret_level = level != NULL ? PyLong_AsLong(level) : -1;
    Py_XDECREF(level);
    Py_XDECREF(to);
    return PyErr_Occurred() != NULL ? -1 : 0;
}

/* As every library does: a program that sets no logging up is told by exceptions, not on standard error. */
static int add_null_handler(void)
{
    PyObject *to = logger();
    PyObject *make = to != NULL ? module_function("logging", "NullHandler") : NULL;
    PyObject *handler = make != NULL ? PyObject_CallNoArgs(make) : NULL;
    PyObject *result = handler != NULL ? PyObject_CallMethod(to, "addHandler", "O", handler) : NULL;
    int r = result != NULL ? 0 : -1;
    Py_XDECREF(result);
    Py_XDECREF(handler);
    Py_XDECREF(make);
    Py_XDECREF(to);
    return r;
}

int log_start(struct module_state *state, PyObject *level_or_none)
{
    long level;
    /* Who sets the variable wants the messages on standard error, as of every other program. */
    if (!is_main_interpreter() || (level_or_none == Py_None && secure_getenv("KEYSHM_LOG") != NULL))
        return 0;
    if (level_or_none == Py_None) {
        if (effective_level(&level) < 0)
            return -1;
    } else {
        level = PyLong_AsLong(level_or_none);
        if (level == -1 && PyErr_Occurred() != NULL)
            return -1;
    }
    if (!state->owns_log && add_null_handler() < 0)
        return -1;
    keyshm_set_log(receive, local_log(state->local), least_of(level));
    state->owns_log = true;
    return 0;
}

/* Another thread may be in receive(): what it writes to stays (module.c). */
void log_stop(struct module_state *state)
{
    if (state->owns_log)
        keyshm_set_log(NULL, NULL, KEYSHM_LOG_ERROR);
}
