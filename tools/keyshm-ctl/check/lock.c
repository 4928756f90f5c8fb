/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyshm.h"

/* Behind the end of every segment. The library locks no part of a segment with fcntl(2). */
#define LOCKED_BYTE ((off_t)1 << 62)
_Static_assert(sizeof(off_t) == 8, "LOCKED_BYTE");

#define PATH_SIZE (sizeof("/dev/shm/keyshm.4294967295..") + KEYSHM_LAYOUT_NAME_MAX + KEYSHM_PROVIDER_MAX)

/* As the parent user namespace has it, which is in the name: keyshm(7). */
static unsigned uid_outside(uid_t inside)
{
    unsigned first_inside, first_outside, count, outside = inside;
    FILE *map = fopen("/proc/self/uid_map", "re");
    while (map != NULL && fscanf(map, "%u %u %u", &first_inside, &first_outside, &count) == 3)
        if (inside >= first_inside && inside - first_inside < count)
            outside = first_outside + (inside - first_inside);
    if (map != NULL)
        fclose(map);
    return outside;
}

static int open_segment(uid_t owner, const char *provider)
{
    char path[PATH_SIZE];
    struct stat file;
    snprintf(path, sizeof(path), "/dev/shm/keyshm.%u.%s.%s", uid_outside(owner), keyshm_layout_name(), provider);
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == owner)
        return fd;
    close(fd);
    return -EACCES;
}

int check_lock(uid_t owner, const char *provider, int *ret_fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKED_BYTE, .l_len = 1};
    int fd = open_segment(owner, provider);
    if (fd < 0)
        return fd;
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        int error = errno;
        close(fd);
        return error == EAGAIN || error == EACCES ? -EBUSY : -error;
    }
    *ret_fd = fd;
    return 0;
}
