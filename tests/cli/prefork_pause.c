/* SPDX-License-Identifier: MIT */

/* For LD_PRELOAD: the process stops when it is about to name itself in a pool, until it is sent SIGCONT. */

#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

#include <keyshm.h>

int keyshm_set_worker_name(keyshm_pool *pool, const char *name)
{
    union {
        void *symbol;
        int (*function)(keyshm_pool *, const char *);
    } next = {dlsym(RTLD_NEXT, "keyshm_set_worker_name")};
    if (next.symbol == NULL)
        abort();
    raise(SIGSTOP);
    return next.function(pool, name);
}
