/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char name[KEYSHM_PROVIDER_MAX + 1];

static void make_name(void)
{
    snprintf(name, sizeof(name), "unit-pool.%d", getpid());
}

static void unlink_name(void)
{
    keyshm_unlink(name);
}

TestSuite(pool, .init = make_name, .fini = unlink_name);

Test(pool, is_created_attached_and_unlinked)
{
    keyshm_pool *creator, *other;
    cr_assert_eq(keyshm_attach(&other, name), -ENOENT);
    cr_assert_eq(keyshm_create(&creator, name, NULL), 0);
    cr_assert_eq(keyshm_create(&other, name, NULL), -EEXIST);
    cr_assert_eq(keyshm_attach(&other, name), 0);
    keyshm_id id, found;
    cr_assert_eq(keyshm_add(creator, key_text(1), &id), 0);
    cr_assert_eq(keyshm_find(other, key_text(1), &found), 0);
    cr_assert_eq(found, id);
    keyshm_close(other);
    keyshm_close(creator);
    cr_assert_eq(keyshm_attach(&other, name), 0, "a pool outlives its attachments");
    cr_assert_eq(keyshm_unlink(name), 0);
    cr_assert_eq(keyshm_unlink(name), -ENOENT);
    cr_assert_eq(keyshm_find(other, key_text(1), &found), 0, "an attachment outlives the name");
    keyshm_close(other);
    keyshm_close(NULL);
}

Test(pool, leaves_its_output_alone_on_failure)
{
    static char marker;
    keyshm_pool *untouched = (keyshm_pool *)(void *)&marker;
    cr_assert_eq(keyshm_attach(&untouched, name), -ENOENT);
    cr_assert_eq(keyshm_create(&untouched, "no/slash", NULL), -EINVAL);
    cr_assert_eq((void *)untouched, (void *)&marker);
}

Test(pool, is_readable_by_its_owner_alone)
{
    struct stat status;
    char path[SEGMENT_NAME_SIZE];
    mode_t old = umask(0);
    cr_assert_eq(keyshm_create(&pool, name, NULL), 0);
    umask(old);
    segment_name_make(path, geteuid(), name);
    int fd = shm_open(path, O_RDONLY, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fstat(fd, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
    cr_assert_eq(status.st_nlink, 1);
    cr_assert_geq((uint64_t)status.st_blocks * 512, (uint64_t)status.st_size, "every byte is reserved");
    close(fd);
    keyshm_close(pool);
}

Test(pool, larger_than_a_file_may_be_is_refused_without_a_signal)
{
    struct rlimit limit = {.rlim_cur = 65536, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(keyshm_create(&pool, name, NULL), -EFBIG);
    cr_assert_eq(keyshm_create_anonymous(&pool, name, NULL), -EFBIG);
    cr_assert_eq(keyshm_attach(&pool, name), -ENOENT);
}

Test(pool, anonymous_is_inherited_by_fork)
{
    create_pool();
    keyshm_id id = add_key(1);
    pid_t child = fork();
    if (child == 0)
        _exit(keyshm_mark_invalid(pool, id) == 0 ? 0 : 1);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_eq(inspect(id).status, KEYSHM_INVALID, "the child's mark is seen here");
    close_pool();
}

Test(pool, anonymous_has_no_name)
{
    keyshm_pool *other;
    cr_assert_eq(keyshm_create_anonymous(&pool, name, NULL), 0);
    cr_assert_eq(keyshm_attach(&other, name), -ENOENT);
    close_pool();
}

Test(pool, provider_names_are_checked)
{
    char longest[KEYSHM_PROVIDER_MAX + 2];
    memset(longest, 'n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const char *const bad[] = {"", ".hidden", "a/b", "../x", "a b", "a\n", "caf\xc3\xa9", "a:b", "%s", longest, NULL};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(keyshm_create(&pool, bad[i], NULL), -EINVAL);
        cr_assert_eq(keyshm_create_anonymous(&pool, bad[i], NULL), -EINVAL);
        cr_assert_eq(keyshm_attach(&pool, bad[i]), -EINVAL);
        cr_assert_eq(keyshm_attach_readonly(&pool, bad[i]), -EINVAL);
        cr_assert_eq(keyshm_unlink(bad[i]), -EINVAL);
    }
    longest[KEYSHM_PROVIDER_MAX] = '\0';
    const char *const good[] = {"a", "-", "_", "a.b", "Open-AI_2.0", longest};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_assert_eq(keyshm_create_anonymous(&pool, good[i], NULL), 0, "%s", good[i]);
        keyshm_close(pool);
    }
    cr_assert_eq(keyshm_create(&pool, longest, NULL), 0, "the longest name also fits a file name");
    keyshm_close(pool);
    cr_assert_eq(keyshm_unlink(longest), 0);
}

static int create_with(struct keyshm_options options)
{
    int r = keyshm_create_anonymous(&pool, "options", &options);
    if (r == 0)
        keyshm_close(pool);
    return r;
}

Test(pool, options_are_checked)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    cr_assert_eq(create_with(options), 0);
#define TRY(field, value, expected)                                          \
    do {                                                                     \
        struct keyshm_options changed = options;                             \
        changed.field = (value);                                             \
        cr_assert_eq(create_with(changed), (expected), #field " = " #value); \
    } while (0)
    TRY(capacity, 0, -EINVAL);
    TRY(capacity, 1, 0);
    TRY(capacity, 65536, 0);
    TRY(capacity, KEYSHM_CAPACITY_MAX + 1, -EINVAL);
    TRY(key_max, 0, -EINVAL);
    TRY(key_max, 1, 0);
    TRY(key_max, KEYSHM_KEY_MAX, 0);
    TRY(key_max, KEYSHM_KEY_MAX + 1, -EINVAL);
    TRY(default_cooldown_ms, -1, -EINVAL);
    TRY(default_cooldown_ms, 0, 0);
    TRY(default_cooldown_ms, KEYSHM_DURATION_MAX_MS + 1, -EINVAL);
    TRY(lock_timeout_ms, 0, -EINVAL);
    TRY(lock_timeout_ms, KEYSHM_LOCK_TIMEOUT_MAX_MS + 1, -EINVAL);
    TRY(in_flight_max, 0, 0);
    TRY(in_flight_max, KEYSHM_IN_FLIGHT_MAX, 0);
    TRY(in_flight_max, KEYSHM_IN_FLIGHT_MAX + 1, -EINVAL);
    TRY(group_in_flight_max, KEYSHM_GROUP_IN_FLIGHT_MAX, 0);
    TRY(group_in_flight_max, KEYSHM_GROUP_IN_FLIGHT_MAX + 1, -EINVAL);
    TRY(provider_rules, "", -EINVAL);
    TRY(provider_rules, ".hidden", -EINVAL);
    TRY(provider_rules, "a/b", -EINVAL);
    TRY(provider_rules, "open ai", -EINVAL);
    TRY(provider_rules, "openai\n", -EINVAL);
    TRY(provider_rules, "Open-AI_2.0", 0);
    TRY(size, 0, -EINVAL);
    TRY(size, SIZE_MAX, -EINVAL);
#undef TRY
}

static void expect_rules(const char *expected)
{
    cr_assert_str_eq(keyshm_provider_rules(pool), expected);
    keyshm_close(pool);
}

Test(pool, keeps_the_name_of_its_rules)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char rules[KEYSHM_PROVIDER_MAX + 2];
    memset(rules, 'r', sizeof(rules) - 1);
    rules[sizeof(rules) - 1] = '\0';
    options.provider_rules = rules;
    cr_assert_eq(keyshm_create(&pool, name, &options), -EINVAL, "too long");
    cr_assert_eq(keyshm_attach(&pool, name), -ENOENT);
    rules[KEYSHM_PROVIDER_MAX] = '\0';
    char longest[sizeof(rules)];
    memcpy(longest, rules, sizeof(rules));
    cr_assert_eq(keyshm_create(&pool, name, &options), 0);
    memset(rules, 'x', sizeof(rules) - 2); /* it was copied */
    expect_rules(longest);
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    expect_rules(longest);
    cr_assert_eq(keyshm_attach_readonly(&pool, name), 0);
    expect_rules(longest);
    options.provider_rules = "other";
    cr_assert_eq(keyshm_open(&pool, name, &options), 0);
    expect_rules(longest);
    options.provider_rules = "not/valid";
    cr_assert_eq(keyshm_open(&pool, name, &options), -EINVAL);
    cr_assert_null(keyshm_provider_rules(NULL));
}

Test(pool, has_the_rules_of_its_name_by_default)
{
    struct keyshm_options earlier = KEYSHM_OPTIONS_INIT;
    earlier.size = offsetof(struct keyshm_options, provider_rules);
    earlier.provider_rules = "what follows a struct without it";
    cr_assert_eq(keyshm_create_anonymous(&pool, "label", NULL), 0);
    expect_rules("label");
    cr_assert_eq(keyshm_create_anonymous(&pool, "earlier", &earlier), 0);
    expect_rules("earlier");
    cr_assert_eq(keyshm_open(&pool, name, NULL), 0);
    expect_rules(name);
}

Test(pool, options_of_other_versions)
{
    struct {
        struct keyshm_options known;
        uint64_t later;
    } options = {.known = KEYSHM_OPTIONS_INIT};
    options.known.size = sizeof(options);
    cr_assert_eq(keyshm_create_anonymous(&pool, "later", &options.known), 0, "a later version's, not used");
    keyshm_close(pool);
    options.later = 1;
    cr_assert_eq(keyshm_create_anonymous(&pool, "later", &options.known), -E2BIG, "a later version's, used");

    /* The options of an earlier version with only the capacity: the others are defaults, not the bytes after it. */
    options.known = (struct keyshm_options){.capacity = 3, .key_max = 0, .default_cooldown_ms = -5};
    options.known.size = offsetof(struct keyshm_options, key_max);
    cr_assert_eq(keyshm_create_anonymous(&pool, "earlier", &options.known), 0);
    struct keyshm_snapshot *snapshot;
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->capacity, 3);
    cr_assert_eq(snapshot->key_max, 512);
    cr_assert_eq(snapshot->policy.cooldown_ms, 60000);
    keyshm_snapshot_free(snapshot);
    keyshm_close(pool);
}

Test(pool, null_arguments_are_refused)
{
    keyshm_id id = 0;
    struct keyshm_pick pick;
    struct keyshm_lease lease;
    struct keyshm_snapshot *snapshot;
    unsigned model = 0;
    char text[KEYSHM_NAME_MAX + 1];
    cr_assert_eq(keyshm_create(NULL, name, NULL), -EINVAL);
    cr_assert_eq(keyshm_attach(NULL, name), -EINVAL);
    cr_assert_eq(keyshm_attach_readonly(NULL, name), -EINVAL);
    cr_assert_eq(keyshm_list_pools(0, NULL), -EINVAL);
    cr_assert_eq(keyshm_add(NULL, "k", &id), -EINVAL);
    cr_assert_eq(keyshm_remove(NULL, id), -EINVAL);
    cr_assert_eq(keyshm_find(NULL, "k", &id), -EINVAL);
    cr_assert_eq(keyshm_set_metadata(NULL, id, "n", "v"), -EINVAL);
    cr_assert_eq(keyshm_next(NULL, &pick), -EINVAL);
    cr_assert_eq(keyshm_next_available_ms(NULL), -EINVAL);
    cr_assert_eq(keyshm_mark_rate_limited(NULL, id, 0), -EINVAL);
    cr_assert_eq(keyshm_mark_quota_exceeded(NULL, id, 0), -EINVAL);
    cr_assert_eq(keyshm_mark_invalid(NULL, id), -EINVAL);
    cr_assert_eq(keyshm_mark_available(NULL, id), -EINVAL);
    cr_assert_eq(keyshm_reset_expired_cooldowns(NULL), -EINVAL);
    cr_assert_eq(keyshm_is_available(NULL, id), -EINVAL);
    cr_assert_eq(keyshm_available_count(NULL), -EINVAL);
    cr_assert_eq(keyshm_snapshot(NULL, &snapshot), -EINVAL);
    cr_assert_eq(keyshm_group(NULL, "g", &id), -EINVAL);
    cr_assert_eq(keyshm_find_group(NULL, "g", &id), -EINVAL);
    cr_assert_eq(keyshm_group_name(NULL, id, text, sizeof(text)), -EINVAL);
    cr_assert_eq(keyshm_set_group(NULL, id, 0), -EINVAL);
    cr_assert_eq(keyshm_remove_group(NULL, id), -EINVAL);
    cr_assert_eq(keyshm_model(NULL, "m", &model), -EINVAL);
    cr_assert_eq(keyshm_find_model(NULL, "m", &model), -EINVAL);
    cr_assert_eq(keyshm_model_name(NULL, 1, text, sizeof(text)), -EINVAL);
    cr_assert_eq(keyshm_acquire(NULL, NULL, &lease), -EINVAL);
    cr_assert_eq(keyshm_release(NULL, &lease), -EINVAL);
    create_pool();
    cr_assert_eq(keyshm_group(pool, "g", NULL), -EINVAL);
    cr_assert_eq(keyshm_group(pool, NULL, &id), -EINVAL);
    cr_assert_eq(keyshm_find_group(pool, "g", NULL), -EINVAL);
    cr_assert_eq(keyshm_group_name(pool, id, NULL, 0), -EINVAL);
    cr_assert_eq(keyshm_model(pool, "m", NULL), -EINVAL);
    cr_assert_eq(keyshm_model(pool, NULL, &model), -EINVAL);
    cr_assert_eq(keyshm_find_model(pool, "m", NULL), -EINVAL);
    cr_assert_eq(keyshm_model_name(pool, 1, NULL, 0), -EINVAL);
    cr_assert_eq(keyshm_remove_group(pool, 0), -EINVAL);
    cr_assert_eq(keyshm_add(pool, NULL, &id), -EINVAL);
    cr_assert_eq(keyshm_find(pool, NULL, &id), -EINVAL);
    cr_assert_eq(keyshm_find(pool, "k", NULL), -EINVAL);
    cr_assert_eq(keyshm_next(pool, NULL), -EINVAL);
    cr_assert_eq(keyshm_snapshot(pool, NULL), -EINVAL);
    cr_assert_eq(keyshm_set_metadata(pool, add_key(1), NULL, "v"), -EINVAL);
    cr_assert_eq(keyshm_add(pool, "without asking for the id", NULL), 0);
    close_pool();
}

static bool list_has(const struct keyshm_pool_list *list, const char *provider)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->providers[i], provider) == 0)
            return true;
    return false;
}

Test(pool, is_listed_while_it_has_a_name)
{
    struct keyshm_pool_list *list;
    cr_assert_eq(keyshm_create(&pool, name, NULL), 0);
    cr_assert_eq(keyshm_list_pools(geteuid(), &list), 0);
    cr_assert(list_has(list, name));
    for (size_t i = 1; i < list->count; i++)
        cr_assert_leq(strcmp(list->providers[i - 1], list->providers[i]), 0, "sorted");
    keyshm_pool_list_free(list);
    cr_assert_eq(keyshm_list_pools(geteuid() + 1, &list), 0);
    cr_assert_not(list_has(list, name), "another user's");
    keyshm_pool_list_free(list);
    keyshm_close(pool);
    cr_assert_eq(keyshm_unlink(name), 0);
    cr_assert_eq(keyshm_list_pools(geteuid(), &list), 0);
    cr_assert_not(list_has(list, name));
    keyshm_pool_list_free(list);
    keyshm_pool_list_free(NULL);
}
