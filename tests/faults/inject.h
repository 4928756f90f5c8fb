/* SPDX-License-Identifier: MIT */
#ifndef INJECT_H
#define INJECT_H

/*
 * Make a chosen call of the library's to libc fail. The linker (--wrap) puts the functions of inject.c where those of
 * libc were, so everything that the library imports and that can fail passes through here; what else it imports is in
 * cannot_fail, with the reason. complete.py compares both lists with what libkeyshm.so really imports.
 *
 * The wrappers also count what the library holds, so that a leak on an error path is seen at once.
 */

#include <stdbool.h>
#include <stddef.h>

/* A call that can fail. One function can have several kinds: what follows from a failure depends on what was asked. */
enum fault_kind {
    FAULT_CALLOC,
    FAULT_REALLOCARRAY,
    FAULT_ACCESS,
    FAULT_OPEN_UNNAMED,
    FAULT_OPEN_FILE,
    FAULT_OPEN_PROC,
    FAULT_OPENAT,
    FAULT_FOPEN,
    FAULT_FSCANF,
    FAULT_FCLOSE,
    FAULT_READ,
    FAULT_CLOSE,
    FAULT_MEMFD,
    FAULT_SHM_OPEN,
    FAULT_SHM_UNLINK,
    FAULT_DUP,
    FAULT_SEAL,
    FAULT_FCHMOD,
    FAULT_FCHOWN,
    FAULT_FLOCK,
    FAULT_FALLOCATE,
    FAULT_MMAP_SEGMENT,
    FAULT_MMAP_LOCAL,
    FAULT_NO_DUMP,
    FAULT_WIPE_ON_FORK,
    FAULT_MLOCK,
    FAULT_FSTAT,
    FAULT_LSTAT,
    FAULT_STAT_NAMESPACE,
    FAULT_PIDFD,
    FAULT_NAMESPACE,
    FAULT_READLINK,
    FAULT_FSTATAT,
    FAULT_LINKAT,
    FAULT_RENAMEAT,
    FAULT_UNLINKAT,
    FAULT_OPENDIR,
    FAULT_READDIR,
    FAULT_CLOSEDIR,
    FAULT_KILL,
    FAULT_MUTEXATTR_INIT,
    FAULT_MUTEX_INIT,
    FAULT_MUTEX_LOCK,
    FAULT_MUTEX_TRYLOCK,
    FAULT_WRITE,
    FAULT_ROBUST_LIST,
    FAULT_KINDS,
};

#define FAULT_ERRORS_MAX 12

struct fault {
    const char *function;         /* as the library imports it */
    const char *what;             /* which of its calls; NULL: all */
    const char *manual;           /* where its errors are listed */
    int errors[FAULT_ERRORS_MAX]; /* up to the first 0 */
    bool is_optional;             /* the library need not make this call */
};

extern const struct fault faults[FAULT_KINDS];

struct reliable_function {
    const char *function, *reason;
};

extern const struct reliable_function cannot_fail[];
extern const size_t cannot_fail_count;

/* ---- injecting ---- */

enum fault_mode {
    FAULT_ONCE,   /* only the n-th call of the kind fails */
    FAULT_ALWAYS, /* and each one after it */
    FAULT_MODES,
};

/* Once, before all else. */
void inject_prepare(void);

/* From inject_begin() to inject_end() calls are counted, and the `nth` of `kind`, from 1 on, fails; 0: none does.
 * Children that are forked between count too. */
void inject_begin(enum fault_kind kind, int error, enum fault_mode mode, unsigned nth);
void inject_end(void);
bool inject_has_failed(void);                /* was there an n-th call? */
unsigned inject_calls(enum fault_kind kind); /* how many of a kind there were */

/* What this system does not have: each call of the kind fails, whether calls are counted or not. 0: it has it. */
void inject_without(enum fault_kind kind, int error);

/* ---- holding the mutex ---- */

enum hold_at {
    HOLD_NOT,
    HOLD_BEFORE_RECORD, /* the mutex is taken; the pool's record does not name the owner yet */
    HOLD_AFTER_RECORD,
};

/* From now on, when this process has taken a pool's mutex: write a byte to `ready_fd`, and stop there for ever. */
void inject_hold(enum hold_at at, int ready_fd);

/* ---- what is held ---- */

struct held {
    long allocations, descriptors, directories, mappings;
};

extern struct held held_now;

#endif
