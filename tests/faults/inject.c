/* SPDX-License-Identifier: MIT */
#include "inject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

/* ---- what can fail, and with which errors ---- */

/* Only errors that the manual page allows. EINTR stands where a signal can interrupt the call. */
const struct fault faults[FAULT_KINDS] = {
    [FAULT_CALLOC] = {"calloc", NULL, "malloc(3)", {ENOMEM}, false},
    [FAULT_REALLOCARRAY] = {"reallocarray", NULL, "malloc(3)", {ENOMEM}, false},
    [FAULT_ACCESS] = {"access", "of /proc/self/fd", "access(2)", {EACCES, ENOENT, ENOMEM}, false},
    [FAULT_OPEN_UNNAMED] = {"open64",
                            "of an unnamed file",
                            "open(2)",
                            {EACCES, EINTR, EINVAL, EISDIR, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, EOPNOTSUPP, EROFS},
                            false},
    [FAULT_OPEN_FILE] =
        {"open64", "of a new file", "open(2)", {EACCES, EEXIST, EINTR, EMFILE, ENFILE, ENOMEM, ENOSPC, EROFS}, false},
    [FAULT_OPEN_PROC] =
        {"open64", "of a file in /proc", "open(2)", {EACCES, EINTR, EMFILE, ENFILE, ENOENT, ENOMEM}, false},
    [FAULT_OPENAT] = {"openat64", NULL, "open(2)", {EACCES, EINTR, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM}, false},
    [FAULT_FOPEN] = {"fopen64", "of /proc/self/uid_map", "fopen(3)", {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM}, false},
    [FAULT_FSCANF] = {"fscanf", NULL, "fscanf(3)", {EINTR, EIO, ENOMEM}, false},
    [FAULT_FCLOSE] = {"fclose", NULL, "fclose(3)", {EINTR, EIO}, false},
    [FAULT_READ] = {"read", NULL, "read(2)", {EINTR, EIO}, false},
    [FAULT_CLOSE] = {"close", NULL, "close(2)", {EINTR, EIO}, false},
    [FAULT_MEMFD] = {"memfd_create", NULL, "memfd_create(2)", {EMFILE, ENFILE, ENOMEM}, false},
    [FAULT_SHM_OPEN] =
        {"shm_open", NULL, "shm_open(3)", {EACCES, EINTR, EINVAL, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM}, false},
    [FAULT_SHM_UNLINK] = {"shm_unlink", NULL, "shm_open(3)", {EACCES, ENOENT}, false},
    [FAULT_DUP] = {"fcntl64", "F_DUPFD_CLOEXEC", "fcntl(2)", {EINVAL, EMFILE}, false},
    [FAULT_SEAL] = {"fcntl64", "F_ADD_SEALS", "fcntl(2)", {EBUSY, EINVAL, EPERM}, false},
    [FAULT_FCHMOD] = {"fchmod", NULL, "chmod(2)", {EIO, EPERM, EROFS}, false},
    [FAULT_FCHOWN] = {"fchown", NULL, "chown(2)", {EIO, EPERM, EROFS}, true}, /* only by root */
    [FAULT_FLOCK] = {"flock", NULL, "flock(2)", {EINTR, ENOLCK, EWOULDBLOCK}, false},
    [FAULT_FALLOCATE] = {"posix_fallocate64", NULL, "fallocate(2)", {EFBIG, EINTR, EINVAL, EIO, ENODEV, ENOSPC}, false},
    [FAULT_MMAP_SEGMENT] =
        {"mmap64", "of the segment", "mmap(2)", {EACCES, EAGAIN, ENFILE, ENODEV, ENOMEM, EPERM}, false},
    [FAULT_MMAP_LOCAL] = {"mmap64", "of private memory", "mmap(2)", {EAGAIN, ENOMEM}, false},
    [FAULT_NO_DUMP] = {"madvise", "MADV_DONTDUMP", "madvise(2)", {EAGAIN, EINVAL, ENOMEM}, false},
    [FAULT_WIPE_ON_FORK] = {"madvise", "MADV_WIPEONFORK", "madvise(2)", {EAGAIN, EINVAL, ENOMEM}, false},
    [FAULT_MLOCK] = {"mlock", NULL, "mlock(2)", {EAGAIN, ENOMEM, EPERM}, false},
    [FAULT_FSTAT] = {"fstat64", NULL, "stat(2)", {ENOMEM, EOVERFLOW}, false},
    [FAULT_LSTAT] = {"lstat64", NULL, "lstat(2)", {EACCES, ELOOP, ENOENT, ENOMEM}, false},
    [FAULT_STAT_NAMESPACE] = {"stat64", "of /proc/self/ns/pid", "stat(2)", {EACCES, ENOENT, ENOMEM}, false},
    [FAULT_PIDFD] = {"syscall", "SYS_pidfd_open", "pidfd_open(2)", {EMFILE, ENFILE, ENODEV, ENOMEM, ENOSYS}, false},
    [FAULT_NAMESPACE] = {"ioctl", "PIDFD_GET_PID_NAMESPACE", "ioctl(2)", {EINVAL, ENOTTY}, false},
    [FAULT_READLINK] = {"readlink", "of /proc/self", "readlink(2)", {EACCES, ENOENT, ENOMEM}, false},
    [FAULT_FSTATAT] = {"fstatat64", NULL, "stat(2)", {EACCES, ENOENT, ENOMEM}, false},
    [FAULT_LINKAT] =
        {"linkat", NULL, "linkat(2)", {EACCES, EDQUOT, EEXIST, EIO, EMLINK, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS}, false},
    [FAULT_RENAMEAT] =
        {"renameat2", NULL, "rename(2)", {EACCES, EDQUOT, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS}, false},
    [FAULT_UNLINKAT] = {"unlinkat", NULL, "unlink(2)", {EACCES, EBUSY, ENOENT, ENOMEM, EPERM, EROFS}, false},
    [FAULT_OPENDIR] = {"opendir", NULL, "opendir(3)", {EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR}, false},
    [FAULT_READDIR] = {"readdir64", NULL, "readdir(3)", {EBADF, EOVERFLOW}, false},
    [FAULT_CLOSEDIR] = {"closedir", NULL, "closedir(3)", {EBADF}, false},
    [FAULT_KILL] = {"kill", NULL, "kill(2)", {EPERM, ESRCH}, false},
    [FAULT_MUTEXATTR_INIT] = {"pthread_mutexattr_init", NULL, "pthread_mutexattr_init(3)", {ENOMEM}, false},
    [FAULT_MUTEX_INIT] = {"pthread_mutex_init", NULL, "pthread_mutex_init(3)", {EAGAIN, ENOMEM, EPERM}, false},
    [FAULT_MUTEX_LOCK] = {"pthread_mutex_clocklock",
                          NULL,
                          "pthread_mutex_lock(3)",
                          {EDEADLK, ENOTRECOVERABLE, EOWNERDEAD, ETIMEDOUT},
                          false},
    [FAULT_MUTEX_TRYLOCK] =
        {"pthread_mutex_trylock", "after a time-out", "pthread_mutex_lock(3)", {EBUSY, ENOTRECOVERABLE}, false},
    [FAULT_WRITE] = {"write", NULL, "write(2)", {EAGAIN, EBADF, EINTR, EIO, ENOSPC}, true}, /* only with KEYSHM_LOG */
    [FAULT_ROBUST_LIST] = {"syscall", "SYS_get_robust_list", "get_robust_list(2)", {ENOSYS}, false},
};

const struct reliable_function cannot_fail[] = {
    {"__errno_location", "the address of errno"},
    {"__libc_single_threaded", "a variable"},
    {"clock_getres", "the clock exists and the pointer is good"},
    {"clock_gettime", "the clocks exist and the pointer is good"},
    {"dirfd", "the directory is open"},
    {"explicit_bzero", "memory"},
    {"free", "memory"},
    {"geteuid", "never fails (geteuid(2))"},
    {"getpid", "never fails (getpid(2))"},
    {"getrlimit64", "the resource exists and the pointer is good"},
    {"gettid", "never fails (gettid(2))"},
    {"munmap", "only a hole in a mapping can fail (ENOMEM); whole ones are unmapped"},
    {"prctl", "PR_GET_NAME: the pointer is good"},
    {"pthread_mutex_consistent", "the mutex is robust, and was just found inconsistent"},
    {"pthread_mutex_destroy", "nobody holds it"},
    {"pthread_mutex_unlock", "this thread holds it"},
    {"pthread_mutexattr_destroy", "it was initialised"},
    {"pthread_mutexattr_setpshared", "the value exists, on every Linux"},
    {"pthread_mutexattr_setrobust", "the value exists"},
    {"pthread_mutexattr_settype", "the value exists"},
    {"pthread_once", "both pointers are good"},
    {"qsort", "without memory, it sorts in place"},
    {"secure_getenv", "NULL means: not set"},
    {"snprintf", "numbers and strings only"},
    {"vsnprintf", "numbers and strings only"},
    {"strerrordesc_np", "NULL means: not known, and is looked at"},
    {"strerrorname_np", "NULL means: not known, which is an answer"},
    {"unlink", "of a temporary file: if it stays, the next creation removes it"},
    {"bcmp", "memory"},
    {"memchr", "memory"},
    {"memcmp", "memory"},
    {"memcpy", "memory"},
    {"memmove", "memory"},
    {"memset", "memory"},
    {"stpcpy", "memory"},
    {"strchr", "memory"},
    {"strcmp", "memory"},
    {"strcspn", "memory"},
    {"strlen", "memory"},
    {"strncmp", "memory"},
    {"strnlen", "memory"},
    {"strrchr", "memory"},
    {"strspn", "memory"},
    {"strstr", "memory"},
};
const size_t cannot_fail_count = sizeof(cannot_fail) / sizeof(cannot_fail[0]);

/* ---- injecting ---- */

/* Shared with children. */
static struct injection {
    bool is_on;
    enum fault_kind kind;
    int error;
    enum fault_mode mode;
    unsigned nth;
    unsigned calls[FAULT_KINDS];
    bool has_failed;
    bool has_timed_out; /* pthread_mutex_clocklock(3), last */
} * injection;

static int missing[FAULT_KINDS]; /* the error with which a kind fails always */

struct held held_now;

void inject_prepare(void)
{
    injection = expect_shared_memory(sizeof(*injection));
}

void inject_begin(enum fault_kind kind, int error, enum fault_mode mode, unsigned nth)
{
    *injection = (struct injection){.is_on = true, .kind = kind, .error = error, .mode = mode, .nth = nth};
}

void inject_end(void)
{
    injection->is_on = false;
}

bool inject_has_failed(void)
{
    return injection->has_failed;
}

unsigned inject_calls(enum fault_kind kind)
{
    return injection->calls[kind];
}

void inject_without(enum fault_kind kind, int error)
{
    missing[kind] = error;
}

/* The error with which this call has to fail; 0: it is to be made. */
static int fault_of(enum fault_kind kind)
{
    if (injection == NULL || !injection->is_on)
        return missing[kind];
    unsigned call = ++injection->calls[kind];
    bool fails = kind == injection->kind && injection->nth != 0 &&
                 (injection->mode == FAULT_ONCE ? call == injection->nth : call >= injection->nth);
    injection->has_failed |= fails;
    return fails ? injection->error : missing[kind];
}

/* The same for a function that sets errno. */
static bool fails(enum fault_kind kind)
{
    int error = fault_of(kind);
    if (error != 0)
        errno = error;
    return error != 0;
}

/* ---- memory ---- */

void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void __wrap_free(void *memory);
void __real_free(void *memory);

void *__wrap_calloc(size_t count, size_t size)
{
    void *memory = fails(FAULT_CALLOC) ? NULL : __real_calloc(count, size);
    held_now.allocations += memory != NULL;
    return memory;
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    void *memory = fails(FAULT_REALLOCARRAY) ? NULL : __real_reallocarray(old, count, size);
    held_now.allocations += old == NULL && memory != NULL;
    return memory;
}

void __wrap_free(void *memory)
{
    held_now.allocations -= memory != NULL;
    __real_free(memory);
}

/* ---- mappings ---- */

void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__real_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *address, size_t length);
int __real_munmap(void *address, size_t length);
int __wrap_madvise(void *address, size_t length, int advice);
int __real_madvise(void *address, size_t length, int advice);
int __wrap_mlock(const void *address, size_t length);
int __real_mlock(const void *address, size_t length);

void *__wrap_mmap64(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (fails((flags & MAP_ANONYMOUS) != 0 ? FAULT_MMAP_LOCAL : FAULT_MMAP_SEGMENT))
        return MAP_FAILED;
    void *bytes = __real_mmap64(address, length, protection, flags, fd, offset);
    held_now.mappings += bytes != MAP_FAILED;
    return bytes;
}

int __wrap_munmap(void *address, size_t length)
{
    int r = __real_munmap(address, length);
    held_now.mappings -= r == 0;
    return r;
}

int __wrap_madvise(void *address, size_t length, int advice)
{
    EXPECT(advice == MADV_DONTDUMP || advice == MADV_WIPEONFORK);
    return fails(advice == MADV_DONTDUMP ? FAULT_NO_DUMP : FAULT_WIPE_ON_FORK) ? -1
                                                                               : __real_madvise(address, length, advice);
}

int __wrap_mlock(const void *address, size_t length)
{
    return fails(FAULT_MLOCK) ? -1 : __real_mlock(address, length);
}

/* ---- files ---- */

int __wrap_open64(const char *path, int flags, ...);
int __real_open64(const char *path, int flags, ...);
ssize_t __wrap_read(int fd, void *buffer, size_t count);
ssize_t __real_read(int fd, void *buffer, size_t count);
int __wrap_close(int fd);
int __real_close(int fd);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_memfd_create(const char *name, unsigned flags);
int __wrap_shm_open(const char *name, int flags, mode_t mode);
int __real_shm_open(const char *name, int flags, mode_t mode);
int __wrap_shm_unlink(const char *name);
int __real_shm_unlink(const char *name);
int __wrap_fcntl64(int fd, int command, ...);
int __real_fcntl64(int fd, int command, ...);
int __wrap_fchmod(int fd, mode_t mode);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchown(int fd, uid_t owner, gid_t group);
int __real_fchown(int fd, uid_t owner, gid_t group);
int __wrap_flock(int fd, int operation);
int __real_flock(int fd, int operation);
int __wrap_access(const char *path, int mode);
int __real_access(const char *path, int mode);
int __wrap_openat64(int directory, const char *path, int flags, ...);
int __real_openat64(int directory, const char *path, int flags, ...);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t length);
int __real_posix_fallocate64(int fd, off_t offset, off_t length);
int __wrap_fstat64(int fd, struct stat *status);
int __real_fstat64(int fd, struct stat *status);
int __wrap_lstat64(const char *path, struct stat *status);
int __real_lstat64(const char *path, struct stat *status);
int __wrap_stat64(const char *path, struct stat *status);
int __real_stat64(const char *path, struct stat *status);
int __wrap_fstatat64(int directory, const char *path, struct stat *status, int flags);
int __real_fstatat64(int directory, const char *path, struct stat *status, int flags);
int __wrap_linkat(int from_directory, const char *from, int to_directory, const char *to, int flags);
int __real_linkat(int from_directory, const char *from, int to_directory, const char *to, int flags);
int __wrap_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);
int __real_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);
int __wrap_unlinkat(int directory, const char *path, int flags);
int __real_unlinkat(int directory, const char *path, int flags);

static int count_descriptor(int fd)
{
    held_now.descriptors += fd >= 0;
    return fd;
}

int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    enum fault_kind kind = (flags & O_TMPFILE) == O_TMPFILE ? FAULT_OPEN_UNNAMED : FAULT_OPEN_FILE;
    if (fails(strncmp(path, "/proc/", 6) == 0 ? FAULT_OPEN_PROC : kind))
        return -1;
    return count_descriptor(__real_open64(path, flags, mode));
}

int __wrap_openat64(int directory, const char *path, int flags, ...)
{
    EXPECT((flags & (O_CREAT | O_TMPFILE)) == 0);
    return fails(FAULT_OPENAT) ? -1 : count_descriptor(__real_openat64(directory, path, flags));
}

int __wrap_access(const char *path, int mode)
{
    return fails(FAULT_ACCESS) ? -1 : __real_access(path, mode);
}

ssize_t __wrap_read(int fd, void *buffer, size_t count)
{
    return fails(FAULT_READ) ? -1 : __real_read(fd, buffer, count);
}

int __wrap_close(int fd)
{
    int r = __real_close(fd);
    held_now.descriptors -= r == 0;
    /* Whatever the error, Linux has closed it (close(2)). */
    return fails(FAULT_CLOSE) ? -1 : r;
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    return fails(FAULT_MEMFD) ? -1 : count_descriptor(__real_memfd_create(name, flags));
}

int __wrap_shm_open(const char *name, int flags, mode_t mode)
{
    return fails(FAULT_SHM_OPEN) ? -1 : count_descriptor(__real_shm_open(name, flags, mode));
}

int __wrap_shm_unlink(const char *name)
{
    return fails(FAULT_SHM_UNLINK) ? -1 : __real_shm_unlink(name);
}

int __wrap_fcntl64(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    int argument = va_arg(arguments, int);
    va_end(arguments);
    EXPECT(command == F_DUPFD_CLOEXEC || command == F_ADD_SEALS);
    if (fails(command == F_ADD_SEALS ? FAULT_SEAL : FAULT_DUP))
        return -1;
    int r = __real_fcntl64(fd, command, argument);
    return command == F_DUPFD_CLOEXEC ? count_descriptor(r) : r;
}

int __wrap_fchmod(int fd, mode_t mode)
{
    return fails(FAULT_FCHMOD) ? -1 : __real_fchmod(fd, mode);
}

int __wrap_fchown(int fd, uid_t owner, gid_t group)
{
    return fails(FAULT_FCHOWN) ? -1 : __real_fchown(fd, owner, group);
}

int __wrap_flock(int fd, int operation)
{
    return fails(FAULT_FLOCK) ? -1 : __real_flock(fd, operation);
}

int __wrap_posix_fallocate64(int fd, off_t offset, off_t length)
{
    int error = fault_of(FAULT_FALLOCATE);
    return error != 0 ? error : __real_posix_fallocate64(fd, offset, length);
}

int __wrap_fstat64(int fd, struct stat *status)
{
    return fails(FAULT_FSTAT) ? -1 : __real_fstat64(fd, status);
}

int __wrap_lstat64(const char *path, struct stat *status)
{
    return fails(FAULT_LSTAT) ? -1 : __real_lstat64(path, status);
}

int __wrap_stat64(const char *path, struct stat *status)
{
    EXPECT(strncmp(path, "/proc/self/ns/", 14) == 0);
    return fails(FAULT_STAT_NAMESPACE) ? -1 : __real_stat64(path, status);
}

int __wrap_fstatat64(int directory, const char *path, struct stat *status, int flags)
{
    return fails(FAULT_FSTATAT) ? -1 : __real_fstatat64(directory, path, status, flags);
}

int __wrap_linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    return fails(FAULT_LINKAT) ? -1 : __real_linkat(from_directory, from, to_directory, to, flags);
}

int __wrap_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    return fails(FAULT_RENAMEAT) ? -1 : __real_renameat2(from_directory, from, to_directory, to, flags);
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
    return fails(FAULT_UNLINKAT) ? -1 : __real_unlinkat(directory, path, flags);
}

/* ---- streams ---- */

FILE *__wrap_fopen64(const char *path, const char *mode);
FILE *__real_fopen64(const char *path, const char *mode);
__attribute__((format(scanf, 2, 3))) int __wrap_fscanf(FILE *stream, const char *format, ...);
/* What the headers make of it. */
int __wrap___isoc99_fscanf(FILE *stream, const char *format, ...) __attribute__((alias("__wrap_fscanf")));
int __wrap___isoc23_fscanf(FILE *stream, const char *format, ...) __attribute__((alias("__wrap_fscanf")));
int __wrap_fclose(FILE *stream);
int __real_fclose(FILE *stream);

FILE *__wrap_fopen64(const char *path, const char *mode)
{
    FILE *stream = fails(FAULT_FOPEN) ? NULL : __real_fopen64(path, mode);
    held_now.descriptors += stream != NULL;
    return stream;
}

int __wrap_fscanf(FILE *stream, const char *format, ...)
{
    if (fails(FAULT_FSCANF))
        return EOF;
    va_list arguments;
    va_start(arguments, format);
    int r = vfscanf(stream, format, arguments);
    va_end(arguments);
    return r;
}

int __wrap_fclose(FILE *stream)
{
    int r = __real_fclose(stream);
    held_now.descriptors -= r == 0;
    return fails(FAULT_FCLOSE) ? EOF : r;
}

/* ---- directories ---- */

DIR *__wrap_opendir(const char *path);
DIR *__real_opendir(const char *path);
struct dirent *__wrap_readdir64(DIR *directory);
struct dirent *__real_readdir64(DIR *directory);
int __wrap_closedir(DIR *directory);
int __real_closedir(DIR *directory);

DIR *__wrap_opendir(const char *path)
{
    DIR *directory = fails(FAULT_OPENDIR) ? NULL : __real_opendir(path);
    held_now.directories += directory != NULL;
    return directory;
}

struct dirent *__wrap_readdir64(DIR *directory)
{
    return fails(FAULT_READDIR) ? NULL : __real_readdir64(directory);
}

int __wrap_closedir(DIR *directory)
{
    int r = __real_closedir(directory);
    held_now.directories -= r == 0;
    return fails(FAULT_CLOSEDIR) ? -1 : r;
}

/* ---- processes, and the rest ---- */

int __wrap_kill(pid_t process, int signal_number);
int __real_kill(pid_t process, int signal_number);
ssize_t __wrap_write(int fd, const void *bytes, size_t count);
ssize_t __real_write(int fd, const void *bytes, size_t count);
ssize_t __wrap_readlink(const char *path, char *buffer, size_t size);
ssize_t __real_readlink(const char *path, char *buffer, size_t size);
int __wrap_ioctl(int fd, unsigned long request, ...);
long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

int __wrap_kill(pid_t process, int signal_number)
{
    return fails(FAULT_KILL) ? -1 : __real_kill(process, signal_number);
}

/* What the library would write is not for the test's own output. */
ssize_t __wrap_write(int fd, const void *bytes, size_t count)
{
    static const char mark[] = "keyshm: ";
    if (count < sizeof(mark) - 1 || memcmp(bytes, mark, sizeof(mark) - 1) != 0)
        return __real_write(fd, bytes, count);
    return fails(FAULT_WRITE) ? -1 : (ssize_t)count;
}

ssize_t __wrap_readlink(const char *path, char *buffer, size_t size)
{
    EXPECT(strcmp(path, "/proc/self") == 0);
    return fails(FAULT_READLINK) ? -1 : __real_readlink(path, buffer, size);
}

/* As Linux 6.11 does it, whichever runs: a descriptor for the namespace. */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    (void)fd;
    EXPECT_EQ(request, _IO(0xFF, 5)); /* PIDFD_GET_PID_NAMESPACE */
    if (fails(FAULT_NAMESPACE))
        return -1;
    return count_descriptor((int)__real_syscall(SYS_openat, AT_FDCWD, "/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
}

long __wrap_syscall(long number, ...)
{
    long argument[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        argument[i] = va_arg(arguments, long);
    va_end(arguments);
    /* The test's own are others, and made outside. */
    EXPECT(number == SYS_get_robust_list || number == SYS_pidfd_open || number == SYS_futex || injection == NULL ||
           !injection->is_on);
    if ((number == SYS_get_robust_list && fails(FAULT_ROBUST_LIST)) || (number == SYS_pidfd_open && fails(FAULT_PIDFD)))
        return -1;
    long r = __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
    return number == SYS_pidfd_open ? count_descriptor((int)r) : r;
}

/* ---- the mutex ---- */

int __wrap_pthread_mutexattr_init(pthread_mutexattr_t *attributes);
int __real_pthread_mutexattr_init(pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int __wrap_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline);
int __real_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __real_clock_gettime(clockid_t clock, struct timespec *time);

static enum hold_at hold_at;
static int hold_ready_fd;
static int clock_reads_left; /* until the record has been written; 0: not in this */

void inject_hold(enum hold_at at, int ready_fd)
{
    hold_at = at;
    hold_ready_fd = ready_fd;
}

static void hold(void)
{
    EXPECT_EQ(write(hold_ready_fd, "", 1), 1);
    for (;;)
        pause();
}

int __wrap_pthread_mutexattr_init(pthread_mutexattr_t *attributes)
{
    int error = fault_of(FAULT_MUTEXATTR_INIT);
    return error != 0 ? error : __real_pthread_mutexattr_init(attributes);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    int error = fault_of(FAULT_MUTEX_INIT);
    return error != 0 ? error : __real_pthread_mutex_init(mutex, attributes);
}

int __wrap_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline)
{
    static bool is_held;
    int error = fault_of(FAULT_MUTEX_LOCK);
    if (error == 0 || error == EOWNERDEAD) {
        /* With EOWNERDEAD the caller has the mutex; so it cannot be had while a living process has it. */
        int taken = __real_pthread_mutex_clocklock(mutex, clock, deadline);
        is_held = taken == 0;
        if (error != 0 && !is_held)
            injection->has_failed = false;
        error = is_held ? error : taken;
    }
    if (injection != NULL)
        injection->has_timed_out = error == ETIMEDOUT;
    if (is_held && hold_at == HOLD_BEFORE_RECORD)
        hold();
    if (is_held && hold_at == HOLD_AFTER_RECORD)
        clock_reads_left = 2; /* the first only ends the wait */
    return error;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock_reads_left > 0 && --clock_reads_left == 0)
        hold();
    return __real_clock_gettime(clock, time);
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    /* On a mutex that only the caller knows, it cannot fail. */
    if (injection == NULL || !injection->is_on || !injection->has_timed_out)
        return __real_pthread_mutex_trylock(mutex);
    injection->has_timed_out = false;
    /* Whoever made every try time out holds it still. */
    if (injection->kind == FAULT_MUTEX_LOCK && injection->error == ETIMEDOUT && injection->has_failed &&
        injection->mode == FAULT_ALWAYS)
        return EBUSY;
    int error = fault_of(FAULT_MUTEX_TRYLOCK);
    return error != 0 ? error : __real_pthread_mutex_trylock(mutex);
}
