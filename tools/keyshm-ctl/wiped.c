/* SPDX-License-Identifier: MIT */
#include "wiped.h"

#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void free_wiped(void *block)
{
    if (block != NULL)
        explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

void wipe_json(void)
{
    json_set_alloc_funcs(malloc, free_wiped);
}
