/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include <sys/mman.h>

struct turns *turns_new(void)
{
    void *bytes = mmap(NULL, sizeof(struct turns), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return NULL;
    /* Linux 4.14 and later. Without it, a child would go through its parent's turns once more. */
    if (madvise(bytes, sizeof(struct turns), MADV_WIPEONFORK) != 0) {
        munmap(bytes, sizeof(struct turns));
        return NULL;
    }
    return bytes;
}

void turns_free(struct turns *turns_or_null)
{
    if (turns_or_null != NULL)
        munmap(turns_or_null, sizeof(*turns_or_null));
}
