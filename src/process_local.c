/* SPDX-License-Identifier: MIT */
#include "process_local.h"

#include <stddef.h>
#include <sys/mman.h>

struct process_local *process_local_new(void)
{
    void *bytes = mmap(NULL, sizeof(struct process_local), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    /* Linux 4.14 and later. Without it a child would use its parent's row and turns. */
    if (madvise(bytes, sizeof(struct process_local), MADV_WIPEONFORK) != 0) {
        munmap(bytes, sizeof(struct process_local));
        return NULL;
    }
    return bytes;
}

void process_local_free(struct process_local *local_or_null)
{
    if (local_or_null != NULL)
        munmap(local_or_null, sizeof(*local_or_null));
}
