/* SPDX-License-Identifier: MIT */
#ifndef SEGMENT_COPY_H
#define SEGMENT_COPY_H

/* A pool's bytes, as its file has them. Copied by system calls of the test's own, which are neither counted nor failed.
 */

#include <stddef.h>

#define SEGMENT_COPY_BYTES_MAX (512 * 1024)

struct segment_copy {
    size_t size;
    unsigned char bytes[SEGMENT_COPY_BYTES_MAX];
};

void segment_copy_read(struct segment_copy *ret_copy, const char *provider);

/* The bytes in which the two differ become those of `to`, in another pool of the same options, while nobody uses it. */
void segment_copy_change(const char *provider, const struct segment_copy *from, const struct segment_copy *to);

#endif
