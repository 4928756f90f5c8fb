/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

static int hex_digit(u_char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Past the next line feed; NULL: there is none. */
static const u_char *skip_line(const u_char *from, const u_char *end)
{
    const u_char *newline = memchr(from, '\n', (size_t)(end - from));
    return newline == NULL ? NULL : newline + 1;
}

/* The size of the chunk; NULL: the line is not there, or is none. */
static const u_char *read_size(const u_char *from, const u_char *end, size_t *ret_size)
{
    size_t size = 0;
    const u_char *p = from;
    for (; p < end && hex_digit(*p) >= 0; p++) {
        if (p - from > 7) /* what is held is far smaller */
            return NULL;
        size = size << 4 | (size_t)hex_digit(*p);
    }
    *ret_size = size;
    return p == from ? NULL : skip_line(p, end);
}

/* The trailers end with an empty line. */
static const u_char *skip_trailers(const u_char *from, const u_char *end)
{
    while (from != NULL && from < end) {
        if (*from == '\n')
            return from + 1;
        if (*from == '\r' && end - from >= 2 && from[1] == '\n')
            return from + 2;
        from = skip_line(from, end);
    }
    return NULL;
}

const u_char *ngx_http_keyshm_decode_chunks(const u_char *from, const u_char *end, u_char *ret_data, size_t *ret_length)
{
    size_t size = 0;
    *ret_length = 0;
    while ((from = read_size(from, end, &size)) != NULL && size > 0) {
        size_t there = ngx_min(size, (size_t)(end - from));
        ngx_memcpy(ret_data + *ret_length, from, there);
        *ret_length += there;
        from = skip_line(from + there, end);
        if (from == NULL)
            return NULL;
    }
    return from == NULL ? NULL : skip_trailers(from, end);
}
