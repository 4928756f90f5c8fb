/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
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

static void make_path(char path[PATH_SIZE], const char *name)
{
    snprintf(path, PATH_SIZE, "%s%s", SEGMENT_NAME_DIRECTORY, name);
}

/* linkat(2) of an unnamed file, as open(2) shows it under O_TMPFILE: of several callers, one succeeds. */
static int link_unnamed(int fd, const char *path)
{
    char from[32];
    snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? 0 : negative_errno();
}

int segment_publish(struct segment_file *file, const char *name)
{
    char path[PATH_SIZE], temporary[PATH_SIZE];
    make_path(path, name);
    if (file->temporary_name[0] == '\0')
        return link_unnamed(file->fd, path);
    make_path(temporary, file->temporary_name);
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
        return negative_errno();
    file->temporary_name[0] = '\0';
    return 0;
}

void segment_discard(const struct segment_file *file)
{
    char path[PATH_SIZE];
    if (file->temporary_name[0] == '\0')
        return;
    make_path(path, file->temporary_name);
    unlink(path);
}

/* Is the descriptor still that of the attached file? */
static bool has_file(const struct keyshm_pool *pool, struct stat *ret_file)
{
    return pool->fd >= 0 && fstat(pool->fd, ret_file) == 0 && ret_file->st_dev == pool->device &&
           ret_file->st_ino == pool->inode;
}

void segment_close(const struct keyshm_pool *pool)
{
    struct stat file;
    if (has_file(pool, &file))
        close(pool->fd);
}

static int check_size(const struct keyshm_pool *pool, const struct stat *file)
{
    return (uint64_t)file->st_size < pool->settings.segment_bytes ? -EBADMSG : 0;
}

int segment_is_replaced(const struct keyshm_pool *pool)
{
    char path[PATH_SIZE];
    struct stat own, found;
    if (!pool->named)
        return 0;
    bool has_own = has_file(pool, &own);
    if (has_own && own.st_nlink == 0)
        return 1;
    make_path(path, pool->name);
    /* Not stat(2): attaching does not follow symbolic links either. Another device is another file system: from here,
     * the name of the attached file cannot be seen. */
    if (lstat(path, &found) != 0 || found.st_dev != pool->device)
        return has_own ? check_size(pool, &own) : 0;
    /* The number cannot have been given to another file: our mapping keeps this one alive. */
    return found.st_ino != pool->inode ? 1 : check_size(pool, &found);
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

#define TEMPORARY_PREFIX "keyshm-new."
#define TEMPORARY_TRIES_MAX 100

/* Temporary files of this user whose makers were killed: those that live hold a lock (flock(2)). */
static void remove_abandoned(void)
{
    const struct dirent *entry;
    struct stat file;
    DIR *directory = opendir(SEGMENT_NAME_DIRECTORY);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0)
            continue;
        int fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &file) == 0 && file.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
        if (fd >= 0)
            close(fd);
    }
    if (directory != NULL)
        closedir(directory);
}

/* A file with a temporary name, which is not that of a pool, locked. The descriptor, or -1 with errno. */
static int try_temporary(struct segment_file *file)
{
    char path[PATH_SIZE];
    struct stat opened;
    snprintf(file->temporary_name, sizeof(file->temporary_name), "/" TEMPORARY_PREFIX "%d.%llu", (int)getpid(),
             (unsigned long long)clock_monotonic_us());
    make_path(path, file->temporary_name);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fd;
    bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &opened) == 0;
    if (is_locked && opened.st_nlink > 0)
        return fd;
    /* Without a link, another process has taken it for abandoned before it was locked. */
    int error = is_locked ? EAGAIN : errno;
    unlink(path);
    close(fd);
    errno = error;
    return -1;
}

/* Where there are no unnamed files. */
static int open_temporary(struct segment_file *file)
{
    int fd = -1;
    remove_abandoned();
    errno = EAGAIN;
    for (int i = 0; i < TEMPORARY_TRIES_MAX && fd < 0 && (errno == EAGAIN || errno == EEXIST); i++)
        fd = try_temporary(file);
    if (fd < 0)
        file->temporary_name[0] = '\0';
    return fd;
}

/* Can an unnamed file be given a name? linkat(2) wants /proc for that. */
static int open_named(struct segment_file *file)
{
    if (access("/proc/self/fd", X_OK) != 0)
        return open_temporary(file);
    int fd = open(SEGMENT_NAME_DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    /* EISDIR: from a kernel that does not know O_TMPFILE (open(2)). */
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL || errno == ENOENT))
        fd = open_temporary(file);
    return fd;
}

/* The pages are allocated now: a full file system is an error here, and not SIGBUS later. */
static int prepare_file(int fd, uid_t owner, uint64_t size, bool named)
{
    if (fchmod(fd, 0600) != 0) /* whatever the umask, and the mode that a memfd starts with */
        return negative_errno();
    if (owner != geteuid() && fchown(fd, owner, (gid_t)-1) != 0)
        return negative_errno();
    int r = reserve(fd, size);
    if (r == 0 && !named && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        r = negative_errno();
    return r;
}

int segment_make_file(struct segment_file *ret_file, uid_t owner, const char *provider, uint64_t size, bool named)
{
    struct segment_file file = {.fd = -1, .temporary_name = ""};
    file.fd = off_standard_streams(named ? open_named(&file) : memfd_create(provider, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    int r = file.fd >= 0 ? prepare_file(file.fd, owner, size, named) : negative_errno();
    if (r < 0) {
        segment_discard(&file);
        if (file.fd >= 0)
            close(file.fd);
        return r;
    }
    *ret_file = file;
    return 0;
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

int segment_open(uid_t owner, const char *name, const char *provider, bool readonly, struct stat *ret_file)
{
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
