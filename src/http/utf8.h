/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_UTF8_H
#define KEYSHM_HTTP_UTF8_H

#include <stddef.h>

/*
 * The length of the character at the beginning of `available` (1 or more) bytes: 1 to 4, as jansson wants UTF-8 (no overlong forms,
 * no surrogates, nothing above U+10FFFF). 0: there is none. -1: it is not complete, and the bytes end there.
 */
static inline int utf8_length(const char *text, size_t available)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char first = bytes[0];
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned char second_min = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char second_max = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < length; i++) {
        if ((size_t)i == available)
            return -1;
        if (bytes[i] < (i == 1 ? second_min : 0x80) || bytes[i] > (i == 1 ? second_max : 0xbf))
            return 0;
    }
    return length;
}

#endif
