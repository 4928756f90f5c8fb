/* SPDX-License-Identifier: MIT */
#include "own.h"

#include <stddef.h>
#include <sys/mman.h>

struct own *own_new(void)
{
    void *bytes = mmap(NULL, sizeof(struct own), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    /* Linux 4.14 and later. Without it, a child would take itself for its parent. */
    if (madvise(bytes, sizeof(struct own), MADV_WIPEONFORK) != 0) {
        munmap(bytes, sizeof(struct own));
        return NULL;
    }
    return bytes;
}

void own_free(struct own *own_or_null)
{
    if (own_or_null != NULL)
        munmap(own_or_null, sizeof(*own_or_null));
}
