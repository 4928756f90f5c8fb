/* SPDX-License-Identifier: MIT */
#include "expected.h"

#include <errno.h>
#include <string.h>

/* For every call, and every error, unless an exception says otherwise. */
static const struct expected by_kind[FAULT_KINDS] = {
    [FAULT_CALLOC] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_REALLOCARRAY] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_OPEN_FILE] = {OUTCOME_RETURNED, 0, NULL},
    /* What /proc does not tell is not known. */
    [FAULT_OPEN_PROC] = {OUTCOME_SAME, 0, NULL},
    [FAULT_READ] = {OUTCOME_SAME, 0, NULL},
    [FAULT_STAT_NAMESPACE] = {OUTCOME_SAME, 0, NULL},
    [FAULT_SYSCONF] = {OUTCOME_SAME, 0, NULL},
    [FAULT_KILL] = {OUTCOME_SAME, 0, NULL},
    /* It is closed all the same. */
    [FAULT_CLOSE] = {OUTCOME_SAME, 0, NULL},
    [FAULT_CLOSEDIR] = {OUTCOME_SAME, 0, NULL},
    [FAULT_MEMFD] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_SHM_OPEN] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_SHM_UNLINK] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_DUP] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_SEAL] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_FCHMOD] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_FALLOCATE] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MMAP_SEGMENT] = {OUTCOME_RETURNED, 0, NULL},
    /* A process that can remember nothing claims each turn by itself, and is not listed. */
    [FAULT_MMAP_LOCAL] = {OUTCOME_SAME, 0, NULL},
    [FAULT_WIPE_ON_FORK] = {OUTCOME_SAME, 0, NULL},
    [FAULT_NO_DUMP] = {OUTCOME_SAME, 0, "core files may contain keys"},
    [FAULT_MLOCK] = {OUTCOME_SAME, 0, "keys may be swapped out"},
    [FAULT_FSTAT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_LSTAT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_FSTATAT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_LINKAT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_OPENDIR] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_READDIR] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MUTEXATTR_INIT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MUTEX_INIT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MUTEX_LOCK] = {OUTCOME_RETURNED, 0, "cannot take the mutex"},
    [FAULT_MUTEX_TRYLOCK] = {OUTCOME_RETURNED, 0, "cannot take the mutex"},
    [FAULT_FPRINTF] = {OUTCOME_SAME, 0, NULL},
    [FAULT_ROBUST_LIST] = {OUTCOME_SAME, 0, "robust"},
};

#define ANY_CLASS UINT32_MAX
#define ANY_ERROR 0
#define ANY_CALL 0
#define ONCE (1U << FAULT_ONCE)
#define ALWAYS (1U << FAULT_ALWAYS)

/* The first that fits counts. */
static const struct exception {
    enum fault_kind kind;
    unsigned classes;
    int error;
    unsigned modes;
    unsigned nth; /* ANY_CALL: whichever */
    struct expected expected;
} exceptions[] = {
    /* Interrupted, it begins anew; but not for ever. */
    {FAULT_FALLOCATE, ANY_CLASS, EINTR, ONCE, ANY_CALL, {OUTCOME_SAME, 0, NULL}},
    /* Where the caller's namespace cannot be known, the mutex is not touched. Later it is only asked for the log. */
    {FAULT_STAT_NAMESPACE,
     CALL_MEMBERSHIP,
     ANY_ERROR,
     ONCE | ALWAYS,
     1,
     {OUTCOME_VALUE, -EXDEV, "another PID namespace"}},
    /* A pool has to be of use to who has made it. */
    {FAULT_STAT_NAMESPACE, CALL_CREATES, ANY_ERROR, ONCE | ALWAYS, ANY_CALL, {OUTCOME_EITHER, 0, NULL}},
    /* A name that leads nowhere is what was asked for. */
    {FAULT_LSTAT, ANY_CLASS, ENOENT, ONCE | ALWAYS, ANY_CALL, {OUTCOME_VALUE, 1, NULL}},
    /* It has gone since the directory was read. */
    {FAULT_FSTATAT, ANY_CLASS, ENOENT, ONCE | ALWAYS, ANY_CALL, {OUTCOME_SAME, 0, NULL}},
    /* It is waited for in slices. */
    {FAULT_MUTEX_LOCK, ANY_CLASS, ETIMEDOUT, ONCE, ANY_CALL, {OUTCOME_SAME, 0, NULL}},
    {FAULT_MUTEX_LOCK, ANY_CLASS, ETIMEDOUT, ALWAYS, ANY_CALL, {OUTCOME_RETURNED, 0, "the mutex is held by"}},
    {FAULT_MUTEX_LOCK, ANY_CLASS, EOWNERDEAD, ONCE | ALWAYS, ANY_CALL, {OUTCOME_SAME, 0, "recovered"}},
    {FAULT_MUTEX_TRYLOCK, ANY_CLASS, EBUSY, ONCE | ALWAYS, ANY_CALL, {OUTCOME_VALUE, -ETIMEDOUT, "the mutex is held by"}},
};

struct expected expected_of(const struct call *call, enum fault_kind kind, int error, enum fault_mode mode, unsigned nth)
{
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        const struct exception *exception = &exceptions[i];
        if (exception->kind == kind && (exception->classes & call->class) != 0 &&
            (exception->error == ANY_ERROR || exception->error == error) &&
            (exception->nth == ANY_CALL || exception->nth == nth) && (exception->modes & 1U << mode) != 0)
            return exception->expected;
    }
    return by_kind[kind];
}

/* ---- what is known to be wrong ---- */

static const struct defect {
    enum fault_kind kind;
    unsigned classes;
    const char *function; /* NULL: all */
    int error;
    const char *what;
} defects[] = {
    {FAULT_STAT_NAMESPACE, CALL_CREATES, NULL, ANY_ERROR, "the new pool never takes a key: -EXDEV"},
};

const char *defect_of(const struct call *call, enum fault_kind kind, int error)
{
    for (size_t i = 0; i < sizeof(defects) / sizeof(defects[0]); i++)
        if (defects[i].kind == kind && (defects[i].classes & call->class) != 0 &&
            (defects[i].function == NULL || strcmp(defects[i].function, call->function) == 0) &&
            (defects[i].error == ANY_ERROR || defects[i].error == error))
            return defects[i].what;
    return NULL;
}
