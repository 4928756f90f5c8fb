/* SPDX-License-Identifier: MIT */
#include "expected.h"

#include <errno.h>
#include <string.h>

/* For every call, and every error, unless an exception says otherwise. */
static const struct expected by_kind[FAULT_KINDS] = {
    [FAULT_CALLOC] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_REALLOCARRAY] = {OUTCOME_RETURNED, 0, NULL},
    /* A new file gets a temporary name. */
    [FAULT_ACCESS] = {OUTCOME_SAME, 0, NULL},
    [FAULT_OPEN_UNNAMED] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_OPEN_FILE] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_FLOCK] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_RENAMEAT] = {OUTCOME_RETURNED, 0, NULL},
    /* What others have left stays. */
    [FAULT_OPENAT] = {OUTCOME_SAME, 0, NULL},
    [FAULT_UNLINKAT] = {OUTCOME_SAME, 0, NULL},
    /* Without a map the number is the same outside. */
    [FAULT_FOPEN] = {OUTCOME_SAME, 0, NULL},
    [FAULT_FSCANF] = {OUTCOME_SAME, 0, NULL},
    [FAULT_FCLOSE] = {OUTCOME_SAME, 0, NULL},
    /* What /proc does not tell is not known. */
    [FAULT_OPEN_PROC] = {OUTCOME_SAME, 0, NULL},
    [FAULT_READ] = {OUTCOME_SAME, 0, NULL},
    [FAULT_READLINK] = {OUTCOME_SAME, 0, NULL},
    [FAULT_KILL] = {OUTCOME_SAME, 0, NULL},
    /* There are two ways to learn the PID namespace. */
    [FAULT_STAT_NAMESPACE] = {OUTCOME_SAME, 0, NULL},
    [FAULT_PIDFD] = {OUTCOME_SAME, 0, NULL},
    [FAULT_NAMESPACE] = {OUTCOME_SAME, 0, NULL},
    /* A fork beside a thread that attaches may be unlucky. */
    /* It is closed all the same. */
    [FAULT_CLOSE] = {OUTCOME_SAME, 0, NULL},
    [FAULT_CLOSEDIR] = {OUTCOME_SAME, 0, NULL},
    [FAULT_MEMFD] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_SHM_OPEN] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_SHM_UNLINK] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_DUP] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_SEAL] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_FCHMOD] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_FCHOWN] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_FALLOCATE] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MMAP_SEGMENT] = {OUTCOME_RETURNED, 0, NULL},
    /* A process that can remember nothing claims each turn by itself, and is not listed. */
    [FAULT_MMAP_LOCAL] = {OUTCOME_SAME, 0, NULL},
    [FAULT_WIPE_ON_FORK] = {OUTCOME_SAME, 0, NULL},
    [FAULT_NO_DUMP] = {OUTCOME_SAME, 0, "core files may contain keys"},
    [FAULT_MLOCK] = {OUTCOME_SAME, 0, "keys may be swapped out"},
    [FAULT_FSTAT] = {OUTCOME_RETURNED, 0, NULL},
    /* Then it is not seen that a pool was replaced. */
    [FAULT_LSTAT] = {OUTCOME_SAME, 0, NULL},
    [FAULT_FSTATAT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_LINKAT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_OPENDIR] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_READDIR] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MUTEXATTR_INIT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MUTEX_INIT] = {OUTCOME_RETURNED, 0, NULL},
    [FAULT_MUTEX_LOCK] = {OUTCOME_RETURNED, 0, "cannot take the mutex"},
    [FAULT_MUTEX_TRYLOCK] = {OUTCOME_RETURNED, 0, "cannot take the mutex"},
    [FAULT_WRITE] = {OUTCOME_SAME, 0, NULL},
    [FAULT_ROBUST_LIST] = {OUTCOME_SAME, 0, "robust"},
};

#define ANY_CLASS UINT32_MAX
#define ANY_ERROR 0
#define ANY_FUNCTION NULL
#define ONCE (1U << FAULT_ONCE)
#define ALWAYS (1U << FAULT_ALWAYS)

/* The first that fits counts. */
static const struct exception {
    enum fault_kind kind;
    unsigned classes;
    const char *function; /* ANY_FUNCTION: all of the classes */
    int error;
    unsigned modes;
    struct expected expected;
} exceptions[] = {
    /* Interrupted, it begins anew; but not for ever. */
    {FAULT_FALLOCATE, ANY_CLASS, ANY_FUNCTION, EINTR, ONCE, {OUTCOME_SAME, 0, NULL}},
    /* A file system without unnamed files. */
    {FAULT_OPEN_UNNAMED, ANY_CLASS, ANY_FUNCTION, EINVAL, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    {FAULT_OPEN_UNNAMED, ANY_CLASS, ANY_FUNCTION, EISDIR, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    {FAULT_OPEN_UNNAMED, ANY_CLASS, ANY_FUNCTION, ENOENT, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    {FAULT_OPEN_UNNAMED, ANY_CLASS, ANY_FUNCTION, EOPNOTSUPP, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    /* Of the own file, or of one that another process has left, which stays. */
    {FAULT_FLOCK, CALL_LISTS, ANY_FUNCTION, ANY_ERROR, ONCE, {OUTCOME_EITHER, 0, NULL}},
    {FAULT_FSTAT, CALL_LISTS, ANY_FUNCTION, ANY_ERROR, ONCE, {OUTCOME_EITHER, 0, NULL}},
    /* Another name, and another file. */
    {FAULT_OPEN_FILE, ANY_CLASS, ANY_FUNCTION, EEXIST, ONCE, {OUTCOME_SAME, 0, NULL}},
    {FAULT_FLOCK, ANY_CLASS, ANY_FUNCTION, EWOULDBLOCK, ONCE, {OUTCOME_SAME, 0, NULL}},
    /* What keyshm_open() does not find it makes, and what it cannot make, since it is there, it finds. */
    {FAULT_SHM_OPEN, ANY_CLASS, "keyshm_open", ENOENT, ONCE, {OUTCOME_SAME, 0, NULL}},
    {FAULT_SHM_OPEN, CALL_ATTACHES, "keyshm_open", ENOENT, ALWAYS, {OUTCOME_VALUE, -EBUSY, NULL}},
    {FAULT_SHM_OPEN, CALL_CREATES, "keyshm_open", ENOENT, ALWAYS, {OUTCOME_SAME, 0, NULL}},
    {FAULT_LINKAT, ANY_CLASS, "keyshm_open", EEXIST, ONCE, {OUTCOME_SAME, 0, NULL}},
    {FAULT_LINKAT, ANY_CLASS, "keyshm_open", EEXIST, ALWAYS, {OUTCOME_VALUE, -EBUSY, NULL}},
    /* Whether there are others of the name is only asked for the log. */
    {FAULT_OPENDIR, CALL_CREATES, ANY_FUNCTION, ANY_ERROR, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    {FAULT_READDIR, CALL_CREATES, ANY_FUNCTION, ANY_ERROR, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    {FAULT_REALLOCARRAY, CALL_CREATES, ANY_FUNCTION, ANY_ERROR, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    /* Without its own descriptor it does not see that the last name has gone. */
    {FAULT_FSTAT, ANY_CLASS, "keyshm_is_replaced", ANY_ERROR, ONCE | ALWAYS, {OUTCOME_VALUE, 0, NULL}},
    /* A namespace that has no number is not known. */
    {FAULT_FSTAT, ANY_CLASS, "keyshm_workers", ANY_ERROR, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    /* A descriptor that may be another file's stays open. */
    {FAULT_FSTAT, ANY_CLASS, "keyshm_close", ANY_ERROR, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    /* It has gone since the directory was read. */
    {FAULT_FSTATAT, ANY_CLASS, ANY_FUNCTION, ENOENT, ONCE | ALWAYS, {OUTCOME_SAME, 0, NULL}},
    /* Of a process that may be alive nothing is taken away. */
    {FAULT_KILL, ANY_CLASS, "keyshm_acquire", EPERM, ALWAYS, {OUTCOME_VALUE, -EAGAIN, NULL}},
    {FAULT_KILL, ANY_CLASS, "keyshm_reap", EPERM, ONCE | ALWAYS, {OUTCOME_VALUE, 0, NULL}},
    /* It is waited for in slices. */
    {FAULT_MUTEX_LOCK, ANY_CLASS, ANY_FUNCTION, ETIMEDOUT, ONCE, {OUTCOME_SAME, 0, NULL}},
    {FAULT_MUTEX_LOCK, ANY_CLASS, ANY_FUNCTION, ETIMEDOUT, ALWAYS, {OUTCOME_RETURNED, 0, "the mutex is held by"}},
    {FAULT_MUTEX_LOCK, ANY_CLASS, ANY_FUNCTION, EOWNERDEAD, ONCE | ALWAYS, {OUTCOME_SAME, 0, "recovered"}},
    {FAULT_MUTEX_TRYLOCK,
     ANY_CLASS,
     ANY_FUNCTION,
     EBUSY,
     ONCE | ALWAYS,
     {OUTCOME_VALUE, -ETIMEDOUT, "the mutex is held by"}},
};

static bool fits(const char *function_or_null, const struct call *call)
{
    return function_or_null == ANY_FUNCTION || strcmp(function_or_null, call->function) == 0;
}

struct expected expected_of(const struct call *call, enum fault_kind kind, int error, enum fault_mode mode)
{
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        const struct exception *exception = &exceptions[i];
        if (exception->kind == kind && (exception->classes & call->class) != 0 && fits(exception->function, call) &&
            (exception->error == ANY_ERROR || exception->error == error) && (exception->modes & 1U << mode) != 0)
            return exception->expected;
    }
    return by_kind[kind];
}
