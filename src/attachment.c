/* SPDX-License-Identifier: MIT */
#include "attachment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "lock.h"
#include "log.h"
#include "process.h"
#include "process_local.h"
#include "segment.h"
#include "workers.h"

/* The layout of this library, the mutex of its libc included; found once for each attachment. */
struct own_layout {
    uint32_t mutex_word_offset;
    uint64_t stamp;
};

static int find_own_layout(struct own_layout *ret_layout)
{
    uint32_t offset;
    int r = lock_find_word(&offset);
    if (r == 0)
        *ret_layout = (struct own_layout){offset, layout_stamp(lock_mutex_bytes(), offset)};
    return r;
}

/* Takes over the mapping, also when it fails. */
static int make_pool(struct keyshm_pool **ret_pool, void *bytes, const struct layout_settings *settings,
                     const struct own_layout *layout, const struct stat *file, bool readonly)
{
    struct keyshm_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        segment_unmap(bytes, settings->segment_bytes);
        return -ENOMEM;
    }
    unsigned char *base = bytes;
    pool->header = bytes;
    pool->words = (_Atomic uint64_t *)(void *)(base + settings->words_offset);
    pool->ready = (_Atomic uint64_t *)(void *)(base + settings->ready_offset);
    pool->index = (_Atomic uint32_t *)(void *)(base + settings->index_offset);
    pool->slots = base + settings->slots_offset;
    pool->events = (struct layout_event *)(void *)(base + settings->events_offset);
    pool->workers = (struct layout_worker *)(void *)(base + settings->workers_offset);
    pool->settings = *settings;
    pool->stamp = layout->stamp;
    pool->mutex_word_offset = layout->mutex_word_offset;
    pool->readonly = readonly;
    pool->local = readonly ? NULL : process_local_new();
    pool->owner = file->st_uid;
    pool->device = file->st_dev;
    pool->inode = file->st_ino;
    segment_protect(bytes, settings->segment_bytes, readonly, settings->provider);
    if (!readonly)
        workers_enter(pool);
    *ret_pool = pool;
    return 0;
}

void attachment_close(struct keyshm_pool *pool)
{
    workers_leave(pool);
    segment_unmap(pool->header, pool->settings.segment_bytes);
    process_local_free(pool->local);
    free(pool);
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

/* All else starts as zero, and means it: free slots, no ready bits, an empty index, a sweep that is due. */
static int initialise(struct layout_header *header, const struct layout_settings *settings,
                      const struct own_layout *layout)
{
    header->version = LAYOUT_VERSION;
    header->header_bytes = LAYOUT_HEADER_BYTES;
    header->stamp = layout->stamp;
    header->settings = *settings;
    header->settings_checksum = layout_checksum(settings);
    int r = lock_init(header);
    if (r == 0)
        memcpy(header->magic, LAYOUT_MAGIC, sizeof(header->magic));
    return r;
}

static int create_in(int fd, struct keyshm_pool **ret_pool, const struct layout_settings *settings, bool named)
{
    struct own_layout layout;
    struct keyshm_pool *pool;
    struct stat file;
    void *bytes;
    int r = find_own_layout(&layout);
    if (r == 0)
        r = fstat(fd, &file) == 0 ? 0 : -errno;
    if (r == 0)
        r = segment_map(fd, settings->segment_bytes, false, &bytes);
    if (r < 0)
        return r;
    r = initialise(bytes, settings, &layout);
    if (r < 0) {
        segment_unmap(bytes, settings->segment_bytes);
        return r;
    }
    r = make_pool(&pool, bytes, settings, &layout, &file, false);
    if (r < 0)
        return r;
    pool->named = named;
    if (named && (r = segment_link(fd, settings->provider)) < 0) {
        attachment_close(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

static void log_creation(const struct layout_settings *settings, int r)
{
    const char *provider = settings->provider;
    unsigned long long bytes = settings->segment_bytes;
    if (r < 0) {
        log_message(KEYSHM_LOG_WARNING, "%s: cannot create a pool of %llu bytes: %s", provider, bytes,
                    keyshm_strerror(r));
        return;
    }
    log_message(KEYSHM_LOG_INFO, "%s: created a pool for %u keys (%llu bytes)", provider, settings->capacity, bytes);
    if (!lock_is_robust())
        log_message(
            KEYSHM_LOG_WARNING,
            "%s: robust mutexes do not work on this system: after a process is killed in the middle of a membership"
            " change, all later ones time out",
            provider);
}

int attachment_create(struct keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options,
                      bool named)
{
    struct layout_settings settings;
    make_settings(&settings, provider, options);
    int fd = segment_make_file(provider, settings.segment_bytes, named), r = fd;
    if (fd >= 0) {
        r = create_in(fd, ret_pool, &settings, named);
        close(fd);
    }
    log_creation(&settings, r);
    return r;
}

/* ---- attaching ---- */

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

/* The copy that was checked is the copy that is used: the segment may change meanwhile, and then does no harm. */
static int check_header(const struct layout_header *header, uint64_t size, const char *provider,
                        const struct own_layout *layout, struct layout_settings *ret_settings)
{
    if (memcmp(header->magic, LAYOUT_MAGIC, sizeof(header->magic)) != 0)
        return segment_refuse(provider, -EBADMSG, "not a keyshm segment");
    if (header->version != LAYOUT_VERSION)
        return segment_refuse(provider, -EPROTO, "made by another version of keyshm");
    if (header->header_bytes != LAYOUT_HEADER_BYTES || header->stamp != layout->stamp)
        return segment_refuse(provider, -EPROTO, "made by a build with another layout (word size, libc)");
    *ret_settings = header->settings;
    if (header->settings_checksum != layout_checksum(ret_settings) || !settings_are_sane(ret_settings))
        return segment_refuse(provider, -EBADMSG, "the header is damaged");
    if (ret_settings->segment_bytes != size)
        return segment_refuse(provider, -EBADMSG, "the segment is not as long as its header says");
    if (strcmp(ret_settings->provider, provider) != 0)
        return segment_refuse(provider, -EBADMSG, "the segment is another provider's, renamed");
    return 0;
}

static int attach_to(int fd, struct keyshm_pool **ret_pool, const struct stat *file, const char *provider, bool readonly)
{
    struct own_layout layout;
    struct layout_settings settings;
    uint64_t size = (uint64_t)file->st_size;
    void *bytes;
    int r = find_own_layout(&layout);
    if (r == 0)
        r = segment_map(fd, size, readonly, &bytes);
    if (r < 0)
        return r;
    r = check_header(bytes, size, provider, &layout, &settings);
    if (r < 0) {
        segment_unmap(bytes, size);
        return r;
    }
    r = make_pool(ret_pool, bytes, &settings, &layout, file, readonly);
    if (r == 0)
        (*ret_pool)->named = true;
    return r;
}

int attachment_open(struct keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly)
{
    struct stat file;
    int fd = segment_open(owner, provider, readonly, &file);
    if (fd < 0)
        return fd;
    int r = attach_to(fd, ret_pool, &file, provider, readonly);
    close(fd);
    if (r == 0)
        log_message(KEYSHM_LOG_DEBUG, "%s: attached%s", provider, readonly ? " read-only" : "");
    return r;
}
