/* SPDX-License-Identifier: MIT */
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE (S_IRUSR | S_IWUSR)

static int open_directory_of(const char *path, const char *name)
{
    char *directory = name != path ? strndup(path, (size_t)(name - path)) : strdup(".");
    if (directory == NULL)
        return -ENOMEM;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : fd;
    free(directory);
    return r;
}

static int begin_in(struct new_file *file)
{
    struct stat existing;
    if (fstatat(file->directory, file->name, &existing, AT_SYMLINK_NOFOLLOW) == 0)
        return -EEXIST;
    if (errno != ENOENT)
        return -errno;
    file->fd = openat(file->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
    if (file->fd < 0)
        return errno == EISDIR ? -EOPNOTSUPP : -errno; /* that is what a kernel says that does not know of them */
    return fchmod(file->fd, MODE) < 0 ? -errno : 0;    /* whatever the umask */
}

int new_file_begin(struct new_file *file, const char *path)
{
    const char *slash = strrchr(path, '/');
    *file = (struct new_file){.fd = -1, .directory = -1, .name = slash != NULL ? slash + 1 : path};
    if (file->name[0] == '\0')
        return -EISDIR;
    file->directory = open_directory_of(path, file->name);
    if (file->directory < 0)
        return file->directory;
    int r = begin_in(file);
    if (r < 0)
        new_file_end(file);
    return r;
}

int new_file_finish(const struct new_file *file)
{
    char path[32];
    if (fsync(file->fd) < 0)
        return -errno;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
    /* Neither follows nor replaces what may be there by now. */
    if (linkat(AT_FDCWD, path, file->directory, file->name, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    if (fsync(file->directory) == 0 || errno == EINVAL)
        return 0;
    int error = -errno;
    unlinkat(file->directory, file->name, 0);
    return error;
}

void new_file_end(const struct new_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    if (file->directory >= 0)
        close(file->directory);
}
