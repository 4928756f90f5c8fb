/* SPDX-License-Identifier: MIT */

/*
 * A segment that is damaged after attaching: no call may crash, hang, or read outside it. The segment is on the heap
 * here, so that AddressSanitizer knows its exact end; a mapping ends at a page boundary.
 */

#include <stdlib.h>

#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    unsigned char *bytes = aligned_alloc(LAYOUT_LINE_BYTES, image_bytes());
    if (bytes == NULL)
        abort();
    image_make(bytes, input, input_bytes);
    struct keyshm_pool pool = image_pool_in(bytes);
    image_read(&pool);
    image_write(&pool);
    image_read(&pool);
    free(bytes);
    return 0;
}
