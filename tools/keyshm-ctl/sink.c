/* SPDX-License-Identifier: MIT */
#include "sink.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void sink_begin(struct sink *sink, int fd)
{
    sink->fd = fd;
    sink->error = 0;
    sink->length = 0;
}

static void flush(struct sink *sink)
{
    size_t written = 0;
    while (written < sink->length && sink->error == 0) {
        ssize_t count = write(sink->fd, sink->bytes + written, sink->length - written);
        if (count >= 0)
            written += (size_t)count;
        else if (errno != EINTR)
            sink->error = -errno;
    }
    sink->length = 0;
}

int sink_write(const char *bytes, size_t count, void *user)
{
    struct sink *sink = user;
    while (count > 0 && sink->error == 0) {
        size_t room = sizeof(sink->bytes) - sink->length;
        size_t part = count < room ? count : room;
        memcpy(sink->bytes + sink->length, bytes, part);
        sink->length += part;
        bytes += part;
        count -= part;
        if (sink->length == sizeof(sink->bytes))
            flush(sink);
    }
    return sink->error == 0 ? 0 : -1;
}

int sink_end(struct sink *sink)
{
    flush(sink);
    int error = sink->error;
    explicit_bzero(sink->bytes, sizeof(sink->bytes));
    return error;
}
