/* SPDX-License-Identifier: MIT */
#include "segment_copy.h"

#include <sys/syscall.h>

#include "expect.h"
#include "segment_name.h"

static int open_segment(const char *provider, int flags)
{
    char name[SEGMENT_NAME_SIZE], path[sizeof(SEGMENT_NAME_DIRECTORY) + SEGMENT_NAME_SIZE];
    segment_name_make(name, geteuid(), provider);
    snprintf(path, sizeof(path), "%s%s", SEGMENT_NAME_DIRECTORY, name);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC);
    EXPECT(fd >= 0);
    return fd;
}

void segment_copy_read(struct segment_copy *ret_copy, const char *provider)
{
    int fd = open_segment(provider, O_RDONLY);
    long size = syscall(SYS_read, fd, ret_copy->bytes, sizeof(ret_copy->bytes));
    EXPECT(size > 0 && (size_t)size < sizeof(ret_copy->bytes));
    EXPECT_EQ(syscall(SYS_close, fd), 0);
    ret_copy->size = (size_t)size;
}

void segment_copy_change(const char *provider, const struct segment_copy *from, const struct segment_copy *to)
{
    int fd = open_segment(provider, O_WRONLY);
    EXPECT_EQ(from->size, to->size);
    for (size_t i = 0; i < from->size; i++)
        if (from->bytes[i] != to->bytes[i])
            EXPECT_EQ(syscall(SYS_pwrite64, fd, &to->bytes[i], (size_t)1, (off_t)i), 1);
    EXPECT_EQ(syscall(SYS_close, fd), 0);
}
