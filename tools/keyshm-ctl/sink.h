/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_SINK_H
#define KEYSHM_CTL_SINK_H

/* A buffered output that may have keys in it. Not stdio: its buffers cannot be wiped. */

#include <stddef.h>

struct sink {
    int fd;
    int error; /* 0, or the negative errno of the first write(2) that failed */
    size_t length;
    char bytes[16384];
};

void sink_begin(struct sink *sink, int fd);

/* `user` is the sink: as json_dump_callback(3) wants it. Returns 0, or -1 once there was an error. */
int sink_write(const char *bytes, size_t count, void *user);

/* Write what is left, and wipe all. Returns the error. */
int sink_end(struct sink *sink);

#endif
