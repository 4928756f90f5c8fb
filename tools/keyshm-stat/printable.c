/* SPDX-License-Identifier: MIT */
#include "printable.h"

#include <stdbool.h>
#include <stdio.h>

void printable(const char *text, char *ret_text, size_t size)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (; *text != '\0' && used + sizeof("\\xNN") <= size; text++) {
        unsigned char byte = (unsigned char)*text;
        bool is_plain = byte >= ' ' && byte <= '~' && byte != '\\';
        char *end = ret_text + used;
        used += (size_t)(is_plain ? snprintf(end, size - used, "%c", byte) : snprintf(end, size - used, "\\x%02x", byte));
    }
}
