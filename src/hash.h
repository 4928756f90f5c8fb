/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HASH_H
#define KEYSHM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bits (RFC 9923): detects damage and difference, not forgery. */
static inline uint64_t hash_bytes(const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
