/* SPDX-License-Identifier: MIT */
#ifndef IMAGE_H
#define IMAGE_H

/*
 * What the fuzzers share: the bytes of a good pool, in every state a key can have, and the way in which an input damages
 * them. An input is a list of patches: 2 bytes of offset (little-endian), 1 byte of which the low 4 bits are a length,
 * and as many bytes.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool.h"

size_t image_bytes(void);

/* The good bytes, but for the patches; never those of the mutex, which belongs to the C library. */
void image_make(unsigned char *bytes, const uint8_t *input, size_t input_bytes);

/* The attachment of one whose segment lies at `bytes`: checked when it was still good. */
struct keyshm_pool image_pool_in(unsigned char *bytes);

/* Every call that takes no lock, with the ids that the pool had, and some it never had. The two kinds: what any
 * attachment can do, and what a writable one can. */
void image_read(keyshm_pool *pool);
void image_write(keyshm_pool *pool);

/* As libFuzzer declares it. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

#endif
