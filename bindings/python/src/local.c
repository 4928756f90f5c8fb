/* SPDX-License-Identifier: MIT */
#include "module.h"

#include <sys/mman.h>
#include <unistd.h>

struct local {
    _Atomic uint32_t pid; /* 0: not read yet */
    struct log_ring log;
};

static bool is_wiped_on_fork(struct local *local)
{
    return madvise(local, sizeof(*local), MADV_WIPEONFORK) == 0;
}

struct local *local_new(void)
{
    void *memory = mmap(NULL, sizeof(struct local), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        PyErr_NoMemory();
        return NULL;
    }
    if (!is_wiped_on_fork(memory)) {
        munmap(memory, sizeof(struct local));
        PyErr_SetString(PyExc_ImportError, "keyshm needs MADV_WIPEONFORK, of Linux 4.14 and later");
        return NULL;
    }
    return memory;
}

void local_free(struct local *local)
{
    if (local != NULL)
        munmap(local, sizeof(*local));
}

uint32_t local_pid(struct local *local)
{
    uint32_t pid = atomic_load_explicit(&local->pid, memory_order_relaxed);
    if (pid == 0) {
        pid = (uint32_t)getpid();
        atomic_store_explicit(&local->pid, pid, memory_order_relaxed);
    }
    return pid;
}

struct log_ring *local_log(struct local *local)
{
    return &local->log;
}
