/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "names.h"
#include "segment_name.h"

/* The error of a call that has failed, in a form that compilers also believe to be negative. */
static int negative_errno(void)
{
    return errno > 0 ? -errno : -EIO;
}

/* A program that has closed its standard error would get the segment as descriptor 2, and its next message would end up
 * in the pool. Takes over `fd`; a negative one is passed through, with errno. */
static int off_standard_streams(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = errno;
    close(fd);
    errno = error;
    return moved;
}

/* ---- mapping ---- */

int segment_map(int fd, uint64_t size, bool readonly, void **ret_bytes)
{
    if (size > SIZE_MAX)
        return -EFBIG;
    void *bytes = mmap(NULL, (size_t)size, readonly ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return negative_errno();
    *ret_bytes = bytes;
    return 0;
}

void segment_unmap(void *bytes, uint64_t size)
{
    munmap(bytes, (size_t)size);
}

void segment_protect(void *bytes, uint64_t size, bool readonly, const char *provider)
{
    if (madvise(bytes, (size_t)size, MADV_DONTDUMP) != 0)
        log_message(KEYSHM_LOG_WARNING, "%s: core files may contain keys: madvise: %s", provider,
                    errno_description(errno));
    /* An observer leaves the pages as it found them. */
    if (!readonly && mlock(bytes, (size_t)size) != 0)
        log_message(KEYSHM_LOG_WARNING, "%s: keys may be swapped out: cannot lock %llu bytes of memory: %s", provider,
                    (unsigned long long)size, errno_description(errno));
}

/* ---- its name ---- */

#define PATH_SIZE (sizeof(SEGMENT_NAME_DIRECTORY) + SEGMENT_NAME_SIZE)

static void make_path(char path[PATH_SIZE], uid_t owner, const char *provider)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name_make(name, owner, provider);
    snprintf(path, PATH_SIZE, "%s%s", SEGMENT_NAME_DIRECTORY, name);
}

/* linkat(2) of an unnamed file, as open(2) shows it under O_TMPFILE: of several callers, one succeeds. */
int segment_link(int fd, const char *provider)
{
    char from[32], to[PATH_SIZE];
    snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    make_path(to, geteuid(), provider);
    return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0 ? 0 : negative_errno();
}

int segment_is_replaced(const struct keyshm_pool *pool)
{
    char path[PATH_SIZE];
    struct stat found;
    if (!pool->named)
        return 0;
    make_path(path, pool->owner, pool->settings.provider);
    /* Not stat(2): attaching does not follow symbolic links either. */
    if (lstat(path, &found) != 0)
        return errno == ENOENT ? 1 : negative_errno();
    /* The number cannot have been given to another file: our mapping keeps this one alive. */
    if (found.st_dev != pool->device || found.st_ino != pool->inode)
        return 1;
    return (uint64_t)found.st_size < pool->settings.segment_bytes ? -EBADMSG : 0;
}

/* ---- making a file ---- */

/* posix_fallocate(3) starts over when it is interrupted; a program with a fast timer must not keep it from ever ending.
 */
#define RESERVE_TRIES_MAX 100

static int reserve(int fd, uint64_t size)
{
    struct rlimit limit;
    int error = EINTR;
    /* Beyond this limit the kernel does not only refuse but sends SIGXFSZ, which kills. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
        return -EFBIG;
    for (int i = 0; i < RESERVE_TRIES_MAX && error == EINTR; i++)
        error = posix_fallocate(fd, 0, (off_t)size);
    return -error;
}

/* The pages are allocated now: a full file system is an error here, and not SIGBUS later. */
int segment_make_file(const char *provider, uint64_t size, bool named)
{
    int fd = off_standard_streams(named ? open(SEGMENT_NAME_DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                                        : memfd_create(provider, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0)
        return negative_errno();
    int r = fchmod(fd, 0600) == 0 ? 0 : negative_errno(); /* whatever the umask, and the mode that a memfd starts with */
    if (r == 0)
        r = reserve(fd, size);
    if (r == 0 && !named && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        r = negative_errno();
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* ---- opening one ---- */

int segment_refuse(const char *provider, int error, const char *reason)
{
    log_message(KEYSHM_LOG_WARNING, "%s: refused to attach: %s", provider, reason);
    return error;
}

/* Can the file be trusted? */
static int check_file(int fd, uid_t owner, const char *provider, struct stat *ret_file)
{
    if (fstat(fd, ret_file) != 0)
        return negative_errno();
    if (!S_ISREG(ret_file->st_mode))
        return segment_refuse(provider, -EBADMSG, "not a regular file");
    if (ret_file->st_uid != owner)
        return segment_refuse(provider, -EACCES, "the segment belongs to another user");
    if ((ret_file->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return segment_refuse(provider, -EACCES, "the segment is open to group or others");
    if (ret_file->st_nlink > 1)
        return segment_refuse(provider, -EACCES, "the segment has more than one name");
    if (ret_file->st_nlink == 0)
        return segment_refuse(provider, -ENOENT, "the pool was just unlinked");
    if (ret_file->st_size < (off_t)LAYOUT_HEADER_BYTES)
        return segment_refuse(provider, -EBADMSG, "the segment is shorter than its header");
    return 0;
}

int segment_open(uid_t owner, const char *provider, bool readonly, struct stat *ret_file)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name_make(name, owner, provider);
    if (owner != geteuid() && geteuid() != 0)
        return segment_refuse(provider, -EACCES, "the pool is another user's");
    /* O_NONBLOCK: somebody may have put a FIFO there, and opening that would wait. */
    int fd = off_standard_streams(shm_open(name, (readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK, 0));
    if (fd < 0)
        return segment_refuse(provider, negative_errno(),
                              errno == ENOENT ? "there is no such pool" : errno_description(errno));
    int r = check_file(fd, owner, provider, ret_file);
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}
