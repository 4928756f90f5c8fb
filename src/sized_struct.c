/* SPDX-License-Identifier: MIT */
#include "sized_struct.h"

#include <errno.h>
#include <string.h>

#include "refuse.h"

int sized_struct_read(const struct keyshm_pool *pool_or_null, const void *from, void *to, size_t known_size)
{
    size_t size;
    const unsigned char *bytes = from;
    memcpy(&size, from, sizeof(size));
    if (size < sizeof(size) || size > 4096)
        return refuse_call(pool_or_null, -EINVAL, "a struct without its size");
    for (size_t i = known_size; i < size; i++)
        if (bytes[i] != 0)
            return refuse_call(pool_or_null, -E2BIG, "a struct of a later version");
    memcpy(to, from, size < known_size ? size : known_size);
    return 0;
}

void sized_struct_give(const void *known, size_t known_size, void *ret)
{
    size_t size, from = sizeof(size);
    memcpy(&size, ret, sizeof(size));
    size = size < known_size ? size : known_size;
    if (size > from)
        memcpy((unsigned char *)ret + from, (const unsigned char *)known + from, size - from);
}
