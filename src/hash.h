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

/* Each bit of the number changes about half of the others (SplitMix64, but for its last step). */
static inline uint64_t hash_mix(uint64_t number)
{
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
}

#endif
