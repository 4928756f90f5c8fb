/* SPDX-License-Identifier: MIT */
#include "process_local.h"

#include <stddef.h>
#include <sys/mman.h>

static size_t size_for(uint32_t models)
{
    return sizeof(struct process_local) + models * sizeof(struct process_rotation);
}

struct process_local *process_local_new(uint32_t models)
{
    void *bytes = mmap(NULL, size_for(models), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    /* Linux 4.14 and later. Without it a child would use its parent's row and turns. */
    if (madvise(bytes, size_for(models), MADV_WIPEONFORK) != 0) {
        munmap(bytes, size_for(models));
        return NULL;
    }
    return bytes;
}

void process_local_free(struct process_local *local_or_null, uint32_t models)
{
    if (local_or_null != NULL)
        munmap(local_or_null, size_for(models));
}
