/* SPDX-License-Identifier: MIT */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "lock.h"
#include "log.h"
#include "process.h"
#include "process_local.h"
#include "segment_name.h"
#include "workers.h"

/* Of a call that has failed, in a form that compilers also believe to be negative. */
static int negative_errno(void)
{
    return errno > 0 ? -errno : -EIO;
}

/* A program that has closed its standard error would get the segment as number 2, and its next message would end up in
 * the pool. Takes over `fd`, which may be negative for an error that errno tells. */
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

static void detach_bytes(void *bytes, size_t size)
{
    if (bytes != NULL)
        munmap(bytes, size);
}

/* NULL, and errno, when it cannot be mapped. */
static void *map(int fd, uint64_t size, bool readonly)
{
    if (size > SIZE_MAX) {
        errno = EFBIG;
        return NULL;
    }
    void *bytes = mmap(NULL, (size_t)size, readonly ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return bytes != MAP_FAILED ? bytes : NULL;
}

/* Keep the keys out of core files and of swap, where the system lets us. */
static void protect(void *bytes, size_t size, bool readonly, const char *provider)
{
    if (madvise(bytes, size, MADV_DONTDUMP) != 0)
        log_message(KEYSHM_LOG_WARNING, "%s: core files may contain keys: madvise: %s", provider, strerrordesc_np(errno));
    /* An observer leaves the pages as it found them. */
    if (!readonly && mlock(bytes, size) != 0)
        log_message(KEYSHM_LOG_WARNING, "%s: keys may be swapped out: cannot lock %zu bytes of memory: %s", provider,
                    size, strerrordesc_np(errno));
}

/* Takes over the mapping, also when it fails. */
static int make_pool(struct keyshm_pool **ret_pool, void *bytes, const struct layout_settings *settings,
                     const struct stat *file, bool readonly)
{
    struct keyshm_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        detach_bytes(bytes, settings->segment_bytes);
        return -ENOMEM;
    }
    unsigned char *base = bytes;
    pool->header = bytes;
    pool->words = (_Atomic uint64_t *)(void *)(base + settings->words_offset);
    pool->ready = (_Atomic uint64_t *)(void *)(base + settings->ready_offset);
    pool->index = (_Atomic uint32_t *)(void *)(base + settings->index_offset);
    pool->slots = base + settings->slots_offset;
    pool->settings = *settings;
    pool->readonly = readonly;
    pool->events = (struct layout_event *)(void *)(base + settings->events_offset);
    pool->workers = (struct layout_worker *)(void *)(base + settings->workers_offset);
    pool->local = readonly ? NULL : process_local_new();
    pool->owner = file->st_uid;
    pool->device = file->st_dev;
    pool->inode = file->st_ino;
    protect(bytes, settings->segment_bytes, readonly, settings->provider);
    if (!readonly)
        workers_enter(pool);
    *ret_pool = pool;
    return 0;
}

void segment_detach(struct keyshm_pool *pool)
{
    workers_leave(pool);
    detach_bytes(pool->header, pool->settings.segment_bytes);
    process_local_free(pool->local);
    free(pool);
}

/* ---- its name ---- */

#define PATH_SIZE (sizeof(SEGMENT_NAME_DIRECTORY) + SEGMENT_NAME_SIZE)

static void make_path(char path[PATH_SIZE], uid_t owner, const char *provider)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name_make(name, owner, provider);
    snprintf(path, PATH_SIZE, "%s%s", SEGMENT_NAME_DIRECTORY, name);
}

int segment_is_replaced(const struct keyshm_pool *pool)
{
    char path[PATH_SIZE];
    struct stat found;
    if (!pool->named)
        return 0;
    make_path(path, pool->owner, pool->settings.provider);
    /* Not stat(2): attaching follows no symbolic link either. */
    if (lstat(path, &found) != 0)
        return errno == ENOENT ? 1 : negative_errno();
    /* The number cannot have been given to another file: our mapping keeps this one alive. */
    if (found.st_dev != pool->device || found.st_ino != pool->inode)
        return 1;
    return (uint64_t)found.st_size < pool->settings.segment_bytes ? -EBADMSG : 0;
}

/* ---- creating ---- */

static void make_settings(struct layout_settings *settings, const char *provider, const struct keyshm_options *options)
{
    memset(settings, 0, sizeof(*settings));
    layout_compute(settings, options->capacity, options->key_max);
    settings->default_cooldown_ms = options->default_cooldown_ms;
    settings->lock_timeout_ms = options->lock_timeout_ms;
    settings->created_unix_ms = clock_unix_ms();
    settings->created_monotonic_ms = (int64_t)clock_now_ms();
    settings->pid_namespace = process_pid_namespace();
    settings->creator_pid = (uint32_t)getpid();
    settings->creator_uid = geteuid();
    process_own_name(settings->creator_name);
    memcpy(settings->provider, provider, strlen(provider));
}

static int initialise(struct layout_header *header, const struct layout_settings *settings)
{
    /* All else begins as zero, and means it: free slots, no ready bits, an empty index, a sweep that is due. */
    header->version = LAYOUT_VERSION;
    header->header_bytes = LAYOUT_HEADER_BYTES;
    header->stamp = layout_stamp(lock_mutex_bytes(), lock_word_offset());
    header->settings = *settings;
    header->settings_checksum = layout_checksum(settings);
    int r = lock_init(header);
    if (r == 0)
        memcpy(header->magic, LAYOUT_MAGIC, sizeof(header->magic));
    return r;
}

/* Interrupted, it begins anew; a program with a fast timer must not keep it from ever ending. */
#define RESERVE_TRIES_MAX 100

static int reserve(int fd, uint64_t size)
{
    struct rlimit limit;
    int error = EINTR;
    /* Asked for more than this, the kernel does not only refuse but sends SIGXFSZ, which kills. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur)
        return -EFBIG;
    for (int i = 0; i < RESERVE_TRIES_MAX && error == EINTR; i++)
        error = posix_fallocate(fd, 0, (off_t)size);
    return -error;
}

/* An unnamed file of `size` bytes that are really there: a full file system says so here, and not by SIGBUS later. */
static int make_file(const char *provider, uint64_t size, bool named)
{
    int fd = off_standard_streams(named ? open(SEGMENT_NAME_DIRECTORY, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
                                        : memfd_create(provider, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd < 0)
        return negative_errno();
    int r = fchmod(fd, 0600) == 0 ? 0 : negative_errno(); /* whatever the umask, and the mode a memfd is born with */
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

/* link(2) of an unnamed file, as open(2) shows it under O_TMPFILE: of several, one succeeds. */
static int give_name(int fd, const char *provider)
{
    char from[32], to[PATH_SIZE];
    snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    make_path(to, geteuid(), provider);
    return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0 ? 0 : negative_errno();
}

static int create_in(int fd, struct keyshm_pool **ret_pool, const struct layout_settings *settings, bool named)
{
    struct keyshm_pool *pool;
    struct stat file;
    void *bytes = map(fd, settings->segment_bytes, false);
    if (bytes == NULL || fstat(fd, &file) != 0) {
        int error = negative_errno();
        detach_bytes(bytes, settings->segment_bytes);
        return error;
    }
    int r = initialise(bytes, settings);
    if (r < 0) {
        detach_bytes(bytes, settings->segment_bytes);
        return r;
    }
    r = make_pool(&pool, bytes, settings, &file, false);
    if (r < 0)
        return r;
    pool->named = named;
    if (named && (r = give_name(fd, settings->provider)) < 0) {
        segment_detach(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

int segment_create(struct keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options, bool named)
{
    struct layout_settings settings;
    make_settings(&settings, provider, options);
    int fd = make_file(provider, settings.segment_bytes, named), r = fd;
    if (fd >= 0) {
        r = create_in(fd, ret_pool, &settings, named);
        close(fd);
    }
    if (r < 0)
        log_message(KEYSHM_LOG_WARNING, "%s: cannot create a pool of %llu bytes: %s", provider,
                    (unsigned long long)settings.segment_bytes, keyshm_strerror(r));
    else
        log_message(KEYSHM_LOG_INFO, "%s: created a pool for %u keys (%llu bytes)", provider, settings.capacity,
                    (unsigned long long)settings.segment_bytes);
    return r;
}

/* ---- attaching ---- */

static int refuse(const char *provider, int error, const char *reason)
{
    log_message(KEYSHM_LOG_WARNING, "%s: refused to attach: %s", provider, reason);
    return error;
}

/* Is it one to trust? */
static int check_file(int fd, uid_t owner, const char *provider, struct stat *ret_file)
{
    if (fstat(fd, ret_file) != 0)
        return negative_errno();
    if (!S_ISREG(ret_file->st_mode))
        return refuse(provider, -EBADMSG, "not a regular file");
    if (ret_file->st_uid != owner)
        return refuse(provider, -EACCES, "the segment belongs to another user");
    if ((ret_file->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return refuse(provider, -EACCES, "the segment is open to group or others");
    if (ret_file->st_nlink > 1)
        return refuse(provider, -EACCES, "the segment has more than one name");
    if (ret_file->st_nlink == 0)
        return refuse(provider, -ENOENT, "the pool was just unlinked");
    if (ret_file->st_size < (off_t)LAYOUT_HEADER_BYTES)
        return refuse(provider, -EBADMSG, "the segment is shorter than its header");
    return 0;
}

static bool settings_are_sane(const struct layout_settings *settings)
{
    struct layout_settings expected = *settings;
    if (settings->capacity < 1 || settings->capacity > KEYSHM_CAPACITY_MAX || settings->key_max < 1 ||
        settings->key_max > KEYSHM_KEY_MAX)
        return false;
    layout_compute(&expected, settings->capacity, settings->key_max);
    return memcmp(settings, &expected, sizeof(expected)) == 0 && settings->default_cooldown_ms >= 0 &&
           settings->default_cooldown_ms <= KEYSHM_DURATION_MAX_MS && settings->lock_timeout_ms >= 1 &&
           settings->lock_timeout_ms <= KEYSHM_LOCK_TIMEOUT_MAX_MS && settings->created_unix_ms >= 0 &&
           settings->created_monotonic_ms >= 0 &&
           memchr(settings->creator_name, '\0', sizeof(settings->creator_name)) != NULL &&
           memchr(settings->provider, '\0', sizeof(settings->provider)) != NULL;
}

/* The copy that was checked is the copy that is used: the segment can change under us, and then does no harm. */
static int check_header(const struct layout_header *header, uint64_t size, const char *provider,
                        struct layout_settings *ret_settings)
{
    if (memcmp(header->magic, LAYOUT_MAGIC, sizeof(header->magic)) != 0)
        return refuse(provider, -EBADMSG, "not a keyshm segment");
    if (header->version != LAYOUT_VERSION)
        return refuse(provider, -EPROTO, "made by another version of keyshm");
    if (header->header_bytes != LAYOUT_HEADER_BYTES ||
        header->stamp != layout_stamp(lock_mutex_bytes(), lock_word_offset()))
        return refuse(provider, -EPROTO, "made by a build with another layout (word size, libc)");
    *ret_settings = header->settings;
    if (header->settings_checksum != layout_checksum(ret_settings) || !settings_are_sane(ret_settings))
        return refuse(provider, -EBADMSG, "the header is damaged");
    if (ret_settings->segment_bytes != size)
        return refuse(provider, -EBADMSG, "the segment is not as long as its header says");
    if (strcmp(ret_settings->provider, provider) != 0)
        return refuse(provider, -EBADMSG, "the segment is another provider's, renamed");
    return 0;
}

bool segment_is_intact(const struct keyshm_pool *pool)
{
    const struct layout_header *header = pool->header;
    return memcmp(header->magic, LAYOUT_MAGIC, sizeof(header->magic)) == 0 && header->version == LAYOUT_VERSION &&
           header->header_bytes == LAYOUT_HEADER_BYTES &&
           header->stamp == layout_stamp(lock_mutex_bytes(), lock_word_offset()) &&
           header->settings_checksum == layout_checksum(&pool->settings) &&
           memcmp(&header->settings, &pool->settings, sizeof(pool->settings)) == 0;
}

static int attach_to(int fd, struct keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly)
{
    struct layout_settings settings;
    struct stat file;
    int r = check_file(fd, owner, provider, &file);
    if (r < 0)
        return r;
    void *bytes = map(fd, (uint64_t)file.st_size, readonly);
    if (bytes == NULL)
        return negative_errno();
    r = check_header(bytes, (uint64_t)file.st_size, provider, &settings);
    if (r < 0) {
        detach_bytes(bytes, (size_t)file.st_size);
        return r;
    }
    r = make_pool(ret_pool, bytes, &settings, &file, readonly);
    if (r == 0)
        (*ret_pool)->named = true;
    return r;
}

int segment_attach(struct keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name_make(name, owner, provider);
    if (owner != geteuid() && geteuid() != 0)
        return refuse(provider, -EACCES, "the pool is another user's");
    /* O_NONBLOCK: somebody may have put a FIFO there, and opening that would wait. */
    int fd = off_standard_streams(shm_open(name, (readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK, 0));
    if (fd < 0)
        return refuse(provider, negative_errno(), errno == ENOENT ? "there is no such pool" : strerrordesc_np(errno));
    int r = attach_to(fd, ret_pool, owner, provider, readonly);
    close(fd);
    if (r == 0)
        log_message(KEYSHM_LOG_DEBUG, "%s: attached%s", provider, readonly ? " read-only" : "");
    return r;
}
