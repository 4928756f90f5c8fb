/* SPDX-License-Identifier: MIT */
#include "attachment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lock.h"
#include "log.h"
#include "policy.h"
#include "pool_clock.h"
#include "process.h"
#include "process_local.h"
#include "rotation.h"
#include "segment.h"
#include "workers.h"

/* The layout of this library, the mutex of its libc included; found once for each attachment. */
struct library_layout {
    uint32_t mutex_word_offset;
    uint64_t stamp;
};

static int find_layout(struct library_layout *ret_layout)
{
    uint32_t offset;
    int r = lock_find_word(&offset);
    if (r < 0)
        return r;
    *ret_layout = (struct library_layout){offset, layout_stamp(lock_mutex_bytes(), offset)};
    return 0;
}

/* ---- at exit(3) ---- */

/* The attachments of this process that are listed among the workers, so that it can say at its end that it has not been
 * killed. Those that find no room here are listed as if it had been. A child inherits them. */
#define LISTED_MAX 64
static _Atomic(struct keyshm_pool *) listed[LISTED_MAX];

static void list(struct keyshm_pool *pool)
{
    for (int i = 0; i < LISTED_MAX; i++) {
        struct keyshm_pool *none = NULL;
        if (atomic_compare_exchange_strong(&listed[i], &none, pool))
            return;
    }
}

/* False when the end of the process has come first, in another thread, and is using it. */
static bool unlist(struct keyshm_pool *pool)
{
    if (pool->was_ended)
        return false;
    for (int i = 0; i < LISTED_MAX; i++) {
        struct keyshm_pool *expected = pool;
        if (atomic_compare_exchange_strong(&listed[i], &expected, NULL))
            return true;
    }
    return !pool->was_ended;
}

__attribute__((destructor)) static void leave_all(void)
{
    for (int i = 0; i < LISTED_MAX; i++) {
        struct keyshm_pool *pool = atomic_exchange(&listed[i], NULL);
        if (pool == NULL)
            continue;
        pool->was_ended = true;
        rotation_leave_all(pool);
        workers_leave(pool);
    }
}

/* ---- an attachment ---- */

static struct keyshm_pool *allocate(unsigned char *base, const struct layout_settings *settings,
                                    const struct library_layout *layout, bool readonly)
{
    struct keyshm_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->header = (struct layout_header *)(void *)base;
    pool->words = (_Atomic uint64_t *)(void *)(base + settings->words_offset);
    pool->histories = (struct layout_history *)(void *)(base + settings->histories_offset);
    pool->limit_refs = (_Atomic uint32_t *)(void *)(base + settings->limit_refs_offset);
    pool->usages = (struct layout_usage *)(void *)(base + settings->usages_offset);
    pool->observed = (struct layout_observed *)(void *)(base + settings->observed_offset);
    pool->places = (struct layout_places *)(void *)(base + settings->places_offset);
    pool->cells = (_Atomic uint64_t *)(void *)(base + settings->cells_offset);
    pool->notes = (struct layout_note *)(void *)(base + settings->notes_offset);
    pool->limits = (struct layout_limits *)(void *)(base + settings->limits_offset);
    pool->key_groups = settings->groups_max > 0 ? (_Atomic uint32_t *)(void *)(base + settings->key_groups_offset) : NULL;
    pool->ready = (_Atomic uint64_t *)(void *)(base + settings->ready_offset);
    pool->planes = (_Atomic uint64_t *)(void *)(base + settings->planes_offset);
    pool->due = (_Atomic uint64_t *)(void *)(base + settings->due_offset);
    pool->groups = (struct layout_group *)(void *)(base + settings->groups_offset);
    pool->index = (_Atomic uint32_t *)(void *)(base + settings->index_offset);
    pool->slots = base + settings->slots_offset;
    pool->events = (struct layout_event *)(void *)(base + settings->events_offset);
    pool->workers = (struct layout_worker *)(void *)(base + settings->workers_offset);
    pool->waiting = (_Atomic uint32_t *)(void *)(base + settings->waiting_offset);
    pool->settings = *settings;
    pool->stamp = layout->stamp;
    pool->mutex_word_offset = layout->mutex_word_offset;
    pool->coarse_lag_ms = (uint32_t)clock_coarse_lag_ms();
    pool->readonly = readonly;
    pool->local = readonly ? NULL : process_local_new(1 + settings->models_max);
    pool->fd = -1;
    return pool;
}

/* Takes over the mapping, also when it fails. */
static int make_pool(struct keyshm_pool **ret_pool, void *bytes, const struct layout_settings *settings,
                     const struct library_layout *layout, bool readonly)
{
    struct keyshm_pool *pool = allocate(bytes, settings, layout, readonly);
    if (pool == NULL) {
        segment_unmap(bytes, settings->segment_bytes);
        return -ENOMEM;
    }
    segment_protect(bytes, settings->segment_bytes, readonly, settings->provider);
    if (!readonly) {
        pool_clock_look(pool);
        workers_enter_attached(pool, pool_now_ms(pool));
        list(pool);
    }
    *ret_pool = pool;
    return 0;
}

/* From now on the descriptor is the pool's. */
static void give_file(struct keyshm_pool *pool, int fd, const struct stat *file, const char *name)
{
    pool->named = true;
    pool->fd = fd;
    pool->device = file->st_dev;
    pool->inode = file->st_ino;
    memcpy(pool->name, name, strlen(name) + 1);
}

void attachment_close(struct keyshm_pool *pool)
{
    if (!pool->readonly && !unlist(pool))
        return;
    rotation_leave_all(pool);
    workers_leave(pool);
    segment_close(pool);
    segment_unmap(pool->header, pool->settings.segment_bytes);
    process_local_free(pool->local, 1 + pool->settings.models_max);
    free(pool);
}

/* ---- creating ---- */

static void make_settings(struct layout_settings *settings, const char *provider, const struct keyshm_options *options)
{
    memset(settings, 0, sizeof(*settings));
    settings->capacity = options->capacity;
    settings->key_max = options->key_max;
    settings->worker_rows = options->workers_max;
    settings->groups_max = options->groups_max;
    settings->models_max = options->models_max;
    settings->in_flight_max = options->in_flight_max;
    settings->group_in_flight_max = options->group_in_flight_max;
    layout_compute(settings);
    settings->lock_timeout_ms = options->lock_timeout_ms;
    settings->created_unix_us = clock_unix_us();
    settings->epoch_boot_us = clock_boot_us() - POOL_CLOCK_BEGIN_US;
    settings->pid_namespace = process_pid_namespace();
    settings->creator_pid = (uint32_t)getpid();
    settings->creator_uid = geteuid();
    process_own_name(settings->creator_name);
    memcpy(settings->provider, provider, strlen(provider));
    const char *rules = options->provider_rules != NULL ? options->provider_rules : provider;
    memcpy(settings->provider_rules, rules, strlen(rules));
}

/* All else starts as zero, and means it: free slots, no ready bits, an empty index, blocks that are due. */
static int initialise(struct layout_header *header, const struct layout_settings *settings,
                      const struct library_layout *layout, const struct keyshm_options *options)
{
    header->version = LAYOUT_VERSION;
    header->header_bytes = LAYOUT_HEADER_BYTES;
    header->stamp = layout->stamp;
    header->settings = *settings;
    header->settings_checksum = layout_checksum(settings);
    header->pool_minus_monotonic_ms = pool_clock_minus_monotonic_ms(clock_boot_us() - settings->epoch_boot_us);
    struct keyshm_policy policy = policy_default;
    policy.cooldown_ms = options->default_cooldown_ms;
    policy_store(header, &policy);
    int r = lock_init(header);
    if (r == 0)
        memcpy(header->magic, LAYOUT_MAGIC, sizeof(header->magic));
    return r;
}

static int create_in(int fd, struct keyshm_pool **ret_pool, const struct layout_settings *settings,
                     const struct keyshm_options *options)
{
    struct library_layout layout;
    void *bytes;
    int r = find_layout(&layout);
    if (r < 0)
        return r;
    r = segment_map(fd, settings->segment_bytes, false, &bytes);
    if (r < 0)
        return r;
    r = initialise(bytes, settings, &layout, options);
    if (r < 0) {
        segment_unmap(bytes, settings->segment_bytes);
        return r;
    }
    return make_pool(ret_pool, bytes, settings, &layout, false);
}

static int publish(struct keyshm_pool *pool, struct segment_file *file, uid_t owner)
{
    char name[SEGMENT_NAME_SIZE];
    struct stat status;
    segment_name_make(name, owner, pool->settings.provider);
    int r = fstat(file->fd, &status) == 0 ? segment_publish(file, name) : -errno;
    if (r == 0)
        give_file(pool, file->fd, &status, name);
    return r;
}

static int create(struct keyshm_pool **ret_pool, const struct layout_settings *settings,
                  const struct keyshm_options *options, bool named)
{
    struct segment_file file;
    struct keyshm_pool *pool;
    uid_t owner = options->owner;
    int r = segment_make_file(&file, owner, settings->provider, settings->segment_bytes, named);
    if (r < 0)
        return r;
    r = create_in(file.fd, &pool, settings, options);
    if (r == 0 && named && (r = publish(pool, &file, owner)) < 0)
        attachment_close(pool);
    if (r < 0)
        segment_discard(&file);
    if (r < 0 || !named)
        close(file.fd);
    if (r < 0)
        return r;
    if (pool->local != NULL)
        atomic_store_explicit(&pool->local->has_created, true, memory_order_relaxed);
    if (named)
        segment_name_warn_of_others(owner, settings->provider);
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
    int r = create(ret_pool, &settings, options, named);
    log_creation(&settings, r);
    return r;
}

/* ---- attaching ---- */

static bool settings_are_sane(const struct layout_settings *settings)
{
    struct layout_settings expected = *settings;
    if (settings->capacity < 1 || settings->capacity > KEYSHM_CAPACITY_MAX || settings->key_max < 1 ||
        settings->key_max > KEYSHM_KEY_MAX || settings->worker_rows < 1 || settings->worker_rows > KEYSHM_WORKERS_MAX ||
        settings->groups_max > KEYSHM_GROUPS_MAX || settings->models_max > KEYSHM_MODELS_MAX ||
        settings->in_flight_max > KEYSHM_IN_FLIGHT_MAX || settings->group_in_flight_max > KEYSHM_GROUP_IN_FLIGHT_MAX)
        return false;
    layout_compute(&expected);
    return memcmp(settings, &expected, sizeof(expected)) == 0 && settings->lock_timeout_ms >= 1 &&
           settings->lock_timeout_ms <= KEYSHM_LOCK_TIMEOUT_MAX_MS && settings->created_unix_us <= (uint64_t)INT64_MAX &&
           memchr(settings->creator_name, '\0', sizeof(settings->creator_name)) != NULL &&
           memchr(settings->provider, '\0', sizeof(settings->provider)) != NULL &&
           segment_name_is_valid(settings->provider_rules);
}

/* The copy that was checked is the copy that is used: the segment may change meanwhile, and then does no harm. */
static int check_header(const struct layout_header *header, uint64_t size, const char *provider,
                        const struct library_layout *layout, struct layout_settings *ret_settings)
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
    struct library_layout layout;
    struct layout_settings settings = {.capacity = 0}; /* what is no header is refused before they are read */
    uint64_t size = (uint64_t)file->st_size;
    void *bytes;
    int r = find_layout(&layout);
    if (r < 0)
        return r;
    r = segment_map(fd, size, readonly, &bytes);
    if (r < 0)
        return r;
    r = check_header(bytes, size, provider, &layout, &settings);
    if (r < 0) {
        segment_unmap(bytes, size);
        return r;
    }
    return make_pool(ret_pool, bytes, &settings, &layout, readonly);
}

int attachment_attach(struct keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly)
{
    char name[SEGMENT_NAME_SIZE];
    struct stat file;
    segment_name_make(name, owner, provider);
    int fd = segment_open(owner, name, provider, readonly, &file);
    if (fd < 0)
        return fd;
    int r = attach_to(fd, ret_pool, &file, provider, readonly);
    if (r < 0) {
        close(fd);
        return r;
    }
    give_file(*ret_pool, fd, &file, name);
    log_message(KEYSHM_LOG_DEBUG, "%s: attached%s", provider, readonly ? " read-only" : "");
    return 0;
}

/* Pools that are unlinked and created all the time. */
#define OPEN_TRIES_MAX 100

int attachment_open(struct keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options)
{
    int r = -ENOENT;
    for (int i = 0; i < OPEN_TRIES_MAX; i++) {
        r = attachment_attach(ret_pool, options->owner, provider, false);
        if (r == -ENOENT)
            r = attachment_create(ret_pool, provider, options, true);
        if (r != -EEXIST)
            return r;
    }
    return -EBUSY;
}
