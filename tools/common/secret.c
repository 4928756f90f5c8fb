/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void secret_free(void *block)
{
    if (block != NULL)
        explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

void secret_wipe_json(void)
{
    json_set_alloc_funcs(malloc, secret_free);
}

void secret_output_begin(struct secret_output *output, int fd)
{
    output->fd = fd;
    output->error = 0;
    output->length = 0;
}

static void flush(struct secret_output *output)
{
    size_t written = 0;
    while (written < output->length && output->error == 0) {
        ssize_t count = write(output->fd, output->bytes + written, output->length - written);
        if (count >= 0)
            written += (size_t)count;
        else if (errno != EINTR)
            output->error = -errno;
    }
    output->length = 0;
}

int secret_output_write(const char *bytes, size_t count, void *user)
{
    struct secret_output *output = user;
    while (count > 0 && output->error == 0) {
        size_t room = sizeof(output->bytes) - output->length;
        size_t part = count < room ? count : room;
        memcpy(output->bytes + output->length, bytes, part);
        output->length += part;
        bytes += part;
        count -= part;
        if (output->length == sizeof(output->bytes))
            flush(output);
    }
    return output->error == 0 ? 0 : -1;
}

int secret_output_end(struct secret_output *output)
{
    flush(output);
    int error = output->error;
    explicit_bzero(output->bytes, sizeof(output->bytes));
    return error;
}
