/* SPDX-License-Identifier: MIT */
#ifndef IMAGE_H
#define IMAGE_H

/*
 * Shared by the fuzzers: the bytes of a sound pool with keys in every state, groups and models, and how an input
 * damages them. An input is a list of patches: an offset of 2 bytes (little-endian), 1 byte whose low 4 bits are a
 * length, and that number of bytes.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool.h"

size_t image_bytes(void);

/* The sound bytes with the patches applied, except to the mutex, which belongs to the C library. */
void image_make(unsigned char *bytes, const uint8_t *input, size_t input_bytes);

/* An attachment to the segment at `bytes`, made when the segment was still sound. */
struct keyshm_pool image_pool_in(unsigned char *bytes);

/* Make every call that takes no lock, with ids of the pool and with ids it never had. The first makes the calls that any
 * attachment allows, the second those that need a writable one. */
void image_read(keyshm_pool *pool);
void image_write(keyshm_pool *pool);

/* As libFuzzer declares it. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

#endif
