/* SPDX-License-Identifier: MIT */

/* Whole pools: create, destroy. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd.h"
#include "report.h"
#include "user.h"

static enum exit_status report_settings(const char *provider, keyshm_pool *pool, const struct keyshm_options *options)
{
    return report(provider,
                  json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "capacity", (json_int_t)options->capacity,
                            "key_max", (json_int_t)options->key_max, "default_cooldown_ms",
                            (json_int_t)options->default_cooldown_ms, "groups_max", (json_int_t)options->groups_max,
                            "models_max", (json_int_t)options->models_max, "in_flight_max",
                            (json_int_t)options->in_flight_max, "group_in_flight_max",
                            (json_int_t)options->group_in_flight_max, "provider_rules", keyshm_provider_rules(pool)));
}

enum exit_status cmd_create(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {EEXIST, EXIT_REFUSED, "there is one already", "see it with: keyshm-stat", true},
        {EACCES, EXIT_NO_POOL, "this user may not create files in /dev/shm", NULL, false},
        {ENOENT, EXIT_REFUSED, "there is no shared-memory file system on /dev/shm", NULL, false},
        {ENOSPC, EXIT_REFUSED, "the shared-memory file system is too full for it",
         "choose a smaller --capacity or --key-max, or see what is in it with: ls -l /dev/shm", false},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    struct keyshm_options options = arguments->create;
    keyshm_pool *pool;
    options.owner = user_of_pools() == geteuid() ? KEYSHM_OWNER_CALLER : user_of_pools();
    int r = keyshm_create(&pool, arguments->pool, &options);
    if (r < 0)
        return fail(arguments->pool, r, failures);
    enum exit_status status = arguments->json ? report_settings(arguments->pool, pool, &options) : EXIT_FINE;
    keyshm_close(pool);
    return status;
}

/* ---- destroy ---- */

/* keyshm(7) describes the name of a segment. Its uid is the one that the parent user namespace has. */
#define SEGMENT_NAME_FORMAT "/keyshm.%u.%s.%s"
#define SEGMENT_NAME_SIZE (sizeof("/keyshm.4294967295..") + KEYSHM_LAYOUT_NAME_MAX + KEYSHM_PROVIDER_MAX)

static unsigned uid_in_parent_namespace(uid_t uid)
{
    unsigned first, parent_first, count, in_parent = uid;
    FILE *map = fopen("/proc/self/uid_map", "re");
    while (map != NULL && fscanf(map, "%u %u %u", &first, &parent_first, &count) == 3)
        if (uid >= first && uid - first < count)
            in_parent = parent_first + (uid - first);
    if (map != NULL)
        fclose(map);
    return in_parent;
}

/* One of another layout, which the library lists but does not unlink. */
static int unlink_listed(const char *provider, const char *layout)
{
    char name[SEGMENT_NAME_SIZE];
    snprintf(name, sizeof(name), SEGMENT_NAME_FORMAT, uid_in_parent_namespace(user_of_pools()), layout, provider);
    return shm_unlink(name) == 0 ? 0 : -errno;
}

/* -EINVAL: this cannot be a pool's name. */
static int unlink_of_layout(const char *provider, const char *layout)
{
    keyshm_pool *pool;
    if (user_has_layout(provider, layout))
        return unlink_listed(provider, layout);
    int r = keyshm_attach_readonly_user(&pool, user_of_pools(), provider);
    if (r == 0)
        keyshm_close(pool);
    return r == -EINVAL ? r : -ENOENT;
}

enum exit_status cmd_destroy(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {ENOENT, EXIT_NO_POOL, "there is no such pool", "see those of this user with: keyshm-stat", false},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    static const struct failure failures_of_layout[] = {
        {ENOENT, EXIT_NO_POOL, "there is no such pool of that layout", "see those of this user with: keyshm-stat", false},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    bool is_of_another = arguments->layout != NULL && strcmp(arguments->layout, keyshm_layout_name()) != 0;
    int r = is_of_another ? unlink_of_layout(arguments->pool, arguments->layout)
                          : keyshm_unlink_user(user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, is_of_another ? failures_of_layout : failures);
    return arguments->json ? report(arguments->pool, json_object()) : EXIT_FINE;
}
