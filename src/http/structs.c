/* SPDX-License-Identifier: MIT */
#include "structs.h"

#include <errno.h>
#include <string.h>

/* Over a struct with the defaults. Both begin with the size. */
static int read_sized(const void *from, void *to, size_t known_size)
{
    size_t size;
    if (from == NULL)
        return -EINVAL;
    memcpy(&size, from, sizeof(size));
    if (size < sizeof(size))
        return -EINVAL;
    const char *bytes = from;
    for (size_t i = known_size; i < size; i++) {
        if (bytes[i] != 0)
            return -E2BIG;
    }
    memcpy(to, from, size < known_size ? size : known_size);
    return 0;
}

int response_read(const struct keyshm_http_response *response, struct keyshm_http_response *ret_response)
{
    static const struct keyshm_http_response defaults = KEYSHM_HTTP_RESPONSE_INIT;
    *ret_response = defaults;
    return read_sized(response, ret_response, sizeof(*ret_response));
}

int verdict_read(const struct keyshm_http_verdict *verdict, struct keyshm_http_verdict *ret_verdict)
{
    static const struct keyshm_http_verdict defaults = KEYSHM_HTTP_VERDICT_INIT;
    *ret_verdict = defaults;
    return read_sized(verdict, ret_verdict, sizeof(*ret_verdict));
}

int verdict_check(const struct keyshm_http_verdict *verdict)
{
    return verdict->size < sizeof(verdict->size) ? -EINVAL : 0;
}

void verdict_give(const struct keyshm_http_verdict *verdict, struct keyshm_http_verdict *ret_verdict)
{
    size_t size = ret_verdict->size;
    if (verdict_is_known(ret_verdict)) {
        *ret_verdict = *verdict;
        return;
    }
    memcpy(ret_verdict, verdict, size < sizeof(*verdict) ? size : sizeof(*verdict));
    ret_verdict->size = size;
}

/* What the library does not know of a caller's struct becomes zero. */
static void fill(void *to, size_t size, const void *defaults, size_t known_size)
{
    memset(to, 0, size);
    memcpy(to, defaults, size < known_size ? size : known_size);
    if (size >= sizeof(size))
        memcpy(to, &size, sizeof(size));
}

void keyshm_http_response_init(struct keyshm_http_response *response, size_t size)
{
    static const struct keyshm_http_response defaults = KEYSHM_HTTP_RESPONSE_INIT;
    fill(response, size, &defaults, sizeof(defaults));
}

void keyshm_http_verdict_init(struct keyshm_http_verdict *verdict, size_t size)
{
    static const struct keyshm_http_verdict defaults = KEYSHM_HTTP_VERDICT_INIT;
    fill(verdict, size, &defaults, sizeof(defaults));
}
