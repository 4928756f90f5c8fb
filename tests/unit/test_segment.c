/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "layout.h"
#include "pool.h"

#include "fixture.h"

/* Segments with defects. Both ways of attaching refuse each of them with the documented error. */

static char name[64], path[SEGMENT_PATH_SIZE];
extern struct layout_header sample; /* not defined anywhere: only the types of its fields are used */

static void make_segment(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 4;
    snprintf(name, sizeof(name), "unit-segment.%d", getpid());
    segment_path(path, geteuid(), name);
    cr_assert_eq(keyshm_create(&pool, name, &options), 0);
    add_key(1);
    keyshm_close(pool);
}

static void remove_segment(void)
{
    unlink(path);
}

TestSuite(segment, .init = make_segment, .fini = remove_segment);

static void skip_unless_root(const char *why)
{
    if (geteuid() == 0)
        return;
    remove_segment(); /* if the test is skipped, nothing else removes it */
    cr_skip_test("needs root, %s", why);
}

static void expect_refusal(int error)
{
    cr_assert_eq(keyshm_attach(&pool, name), error, "attach: %d", keyshm_attach(&pool, name));
    cr_assert_eq(keyshm_attach_readonly(&pool, name), error);
}

static void write_at(off_t offset, const void *bytes, size_t count)
{
    int fd = open(path, O_WRONLY);
    cr_assert_eq(pwrite(fd, bytes, count, offset), (ssize_t)count);
    close(fd);
}

#define OVERWRITE(field, ...)                                                   \
    do {                                                                        \
        __typeof__(sample.field) value = __VA_ARGS__;                           \
        write_at(offsetof(struct layout_header, field), &value, sizeof(value)); \
    } while (0)

/* Changes a setting and makes the checksum right again, as an attacker or a bug would. */
#define FORGE(field, value)                                                                            \
    do {                                                                                               \
        struct layout_settings settings;                                                               \
        int fd = open(path, O_RDONLY);                                                                 \
        cr_assert_eq(pread(fd, &settings, sizeof(settings), offsetof(struct layout_header, settings)), \
                     (ssize_t)sizeof(settings));                                                       \
        close(fd);                                                                                     \
        settings.field = (value);                                                                      \
        OVERWRITE(settings, settings);                                                                 \
        OVERWRITE(settings_checksum, layout_checksum(&settings));                                      \
    } while (0)

Test(segment, as_made_is_accepted)
{
    expect_refusal(0);
}

Test(segment, of_another_user)
{
    skip_unless_root("to give a file away");
    cr_assert_eq(chown(path, 65534, 65534), 0);
    expect_refusal(-EACCES);
}

Test(segment, another_user_s_pool_is_root_s_to_read_only)
{
    skip_unless_root("to become another user");
    cr_assert_eq(seteuid(65534), 0);
    keyshm_pool *other;
    cr_assert_eq(keyshm_attach_readonly_user(&other, 0, name), -EACCES, "as an ordinary user");
    cr_assert_eq(keyshm_attach(&other, name), -ENOENT, "one's own name is another");
    cr_assert_eq(keyshm_create(&other, name, NULL), 0, "so both can exist");
    keyshm_close(other);
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(keyshm_attach_readonly_user(&other, 65534, name), 0, "as root");
    cr_assert_eq(keyshm_available_count(other), 0, "and it is that user's");
    keyshm_close(other);
    cr_assert_eq(seteuid(65534), 0);
    cr_assert_eq(keyshm_unlink(name), 0);
    cr_assert_eq(seteuid(0), 0);
}

Test(segment, open_to_group_or_others)
{
    static const mode_t modes[] = {0640, 0660, 0604, 0601, 0610};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        cr_assert_eq(chmod(path, modes[i]), 0);
        expect_refusal(-EACCES);
    }
    cr_assert_eq(chmod(path, 0600), 0);
    expect_refusal(0);
}

Test(segment, with_a_second_link)
{
    char second[SEGMENT_PATH_SIZE + 8];
    snprintf(second, sizeof(second), "%s.link", path);
    cr_assert_eq(link(path, second), 0);
    int r = keyshm_attach(&pool, name);
    unlink(second);
    cr_assert_eq(r, -EACCES);
    expect_refusal(0);
}

Test(segment, that_is_a_symbolic_link)
{
    char target[SEGMENT_PATH_SIZE + 8];
    snprintf(target, sizeof(target), "%s.target", path);
    cr_assert_eq(rename(path, target), 0);
    cr_assert_eq(symlink(target, path), 0);
    int r = keyshm_attach(&pool, name);
    unlink(target);
    cr_assert_eq(r, -ELOOP, "%d", r);
}

Test(segment, that_is_a_fifo_does_not_block)
{
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    alarm(100);
    expect_refusal(-EBADMSG);
}

Test(segment, truncated)
{
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    const off_t sizes[] = {0, 1, 4095, 4096, status.st_size - 1, status.st_size + 1};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        cr_assert_eq(truncate(path, sizes[i]), 0);
        expect_refusal(-EBADMSG);
        remove_segment();
        make_segment();
    }
}

Test(segment, of_another_layout)
{
    OVERWRITE(version, LAYOUT_VERSION + 1);
    expect_refusal(-EPROTO);
    OVERWRITE(version, LAYOUT_VERSION);
    OVERWRITE(stamp, layout_stamp(24, 4)); /* a 32-bit mutex of another libc */
    expect_refusal(-EPROTO);
    OVERWRITE(stamp, 0);
    expect_refusal(-EPROTO);
}

Test(segment, the_stamp_distinguishes_layouts)
{
    cr_assert_neq(layout_stamp(40, 0), layout_stamp(24, 0));
    cr_assert_neq(layout_stamp(40, 0), layout_stamp(40, 4));
}

Test(segment, of_random_bytes)
{
    unsigned char bytes[65536];
    uint32_t random = 99;
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (unsigned char)(random >> 24);
        }
        write_at(0, bytes, sizeof(bytes));
        expect_refusal(-EBADMSG);
    }
}

Test(segment, any_damaged_byte_of_the_settings_is_noticed)
{
    unsigned char byte;
    for (size_t i = 0; i < sizeof(struct layout_settings); i++) {
        off_t offset = (off_t)(offsetof(struct layout_header, settings) + i);
        int fd = open(path, O_RDONLY);
        cr_assert_eq(pread(fd, &byte, 1, offset), 1);
        close(fd);
        byte ^= 0x40;
        write_at(offset, &byte, 1);
        expect_refusal(-EBADMSG);
        byte ^= 0x40;
        write_at(offset, &byte, 1);
    }
    expect_refusal(0);
}

Test(segment, settings_that_lie_are_refused_though_the_checksum_is_right)
{
    FORGE(capacity, 1000);
    expect_refusal(-EBADMSG);
    FORGE(capacity, 0);
    expect_refusal(-EBADMSG);
    FORGE(capacity, UINT32_MAX);
    expect_refusal(-EBADMSG);
    FORGE(capacity, 4);
    expect_refusal(0);
    FORGE(key_max, 100000);
    expect_refusal(-EBADMSG);
    FORGE(key_max, 512);
    FORGE(slots_offset, 1 << 30);
    expect_refusal(-EBADMSG);
    remove_segment();
    make_segment();
    FORGE(index_entries, 1 << 20);
    expect_refusal(-EBADMSG);
    remove_segment();
    make_segment();
    FORGE(lock_timeout_ms, -1);
    expect_refusal(-EBADMSG);
    FORGE(lock_timeout_ms, 1000);
    FORGE(created_unix_us, UINT64_MAX);
    expect_refusal(-EBADMSG);
    FORGE(created_unix_us, 0);
    expect_refusal(0);
    FORGE(worker_rows, 1 << 20);
    expect_refusal(-EBADMSG);
    FORGE(worker_rows, 256);
    expect_refusal(0);
    FORGE(provider[0], 'X');
    expect_refusal(-EBADMSG);
}

Test(segment, counts_that_lie_read_nothing_outside)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_pick pick;
    keyshm_id id;
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    OVERWRITE(slots_used, UINT32_MAX);
    OVERWRITE(model_0.cursor, UINT64_MAX);
    cr_assert_eq(keyshm_next(pool, &pick), 0);
    cr_assert_str_eq(pick.key, key_text(1));
    cr_assert_eq(keyshm_find(pool, "absent", &id), -ENOENT);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->count, 1);
    keyshm_snapshot_free(snapshot);
    keyshm_close(pool);
}

/* ---- changes while it is attached ---- */

Test(segment, that_is_written_over_gives_no_snapshot)
{
    struct keyshm_snapshot *snapshot, *untouched = NULL;
    unsigned char byte;
    cr_assert_eq(keyshm_attach_readonly(&pool, name), 0);
    for (size_t i = 0; i < offsetof(struct layout_header, settings_reserve); i++) {
        int fd = open(path, O_RDONLY);
        cr_assert_eq(pread(fd, &byte, 1, (off_t)i), 1);
        close(fd);
        byte ^= 0x10;
        write_at((off_t)i, &byte, 1);
        cr_assert_eq(keyshm_snapshot(pool, &untouched), -EBADMSG, "byte %zu", i);
        cr_assert_null(untouched);
        byte ^= 0x10;
        write_at((off_t)i, &byte, 1);
        cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
        cr_assert_eq(snapshot->count, 1);
        keyshm_snapshot_free(snapshot);
    }
    keyshm_close(pool);
}

Test(segment, is_not_replaced_as_long_as_its_name_leads_to_it)
{
    keyshm_pool *readonly;
    cr_assert_eq(keyshm_is_replaced(NULL), -EINVAL);
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    cr_assert_eq(keyshm_attach_readonly(&readonly, name), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 0);
    cr_assert_eq(keyshm_is_replaced(readonly), 0);
    cr_assert_eq(keyshm_unlink(name), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 1, "the name leads nowhere");
    cr_assert_eq(keyshm_is_replaced(readonly), 1);
    keyshm_close(pool);
    cr_assert_eq(keyshm_create(&pool, name, NULL), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 0, "a creator's own");
    cr_assert_eq(keyshm_is_replaced(readonly), 1, "the name leads elsewhere");
    keyshm_close(readonly);
    keyshm_close(pool);
}

Test(segment, is_replaced_by_what_is_renamed_over_it)
{
    keyshm_pool *moved;
    char other[80], away[SEGMENT_PATH_SIZE + 8];
    snprintf(other, sizeof(other), "%s.other", name);
    snprintf(away, sizeof(away), "%s.other", path);
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    cr_assert_eq(keyshm_create(&moved, other, NULL), 0);
    cr_assert_eq(keyshm_is_replaced(moved), 0);
    cr_assert_eq(rename(away, path), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 1);
    cr_assert_eq(keyshm_is_replaced(moved), 0, "that a name leads nowhere may be so only from here");
    cr_assert_eq(rename(path, away), 0);
    cr_assert_eq(keyshm_is_replaced(moved), 0);
    cr_assert_eq(symlink(away, path), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 1);
    cr_assert_eq(keyshm_unlink(other), 0);
    keyshm_close(moved);
    keyshm_close(pool);
}

Test(segment, is_replaced_by_a_symbolic_link_though_it_leads_back)
{
    char away[SEGMENT_PATH_SIZE + 8];
    snprintf(away, sizeof(away), "%s.away", path);
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    cr_assert_eq(rename(path, away), 0);
    cr_assert_eq(symlink(away, path), 0);
    int r = keyshm_is_replaced(pool);
    unlink(away);
    cr_assert_eq(r, 1, "%d", r);
    keyshm_close(pool);
}

Test(segment, that_was_truncated_is_not_replaced_but_damaged)
{
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    cr_assert_eq(truncate(path, status.st_size - 1), 0);
    cr_assert_eq(keyshm_is_replaced(pool), -EBADMSG);
    cr_assert_eq(truncate(path, status.st_size), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 0);
    keyshm_close(pool);
}

Test(segment, without_a_name_is_never_replaced)
{
    keyshm_pool *anonymous;
    cr_assert_eq(keyshm_create_anonymous(&anonymous, name, NULL), 0);
    cr_assert_eq(keyshm_is_replaced(anonymous), 0);
    remove_segment();
    cr_assert_eq(keyshm_is_replaced(anonymous), 0);
    keyshm_close(anonymous);
}

Test(segment, is_looked_for_under_its_owner_s_name)
{
    skip_unless_root("to become another user");
    cr_assert_eq(seteuid(65534), 0);
    cr_assert_eq(keyshm_create(&pool, name, NULL), 0);
    cr_assert_eq(seteuid(0), 0);
    keyshm_pool *seen;
    cr_assert_eq(keyshm_attach_readonly_user(&seen, 65534, name), 0);
    remove_segment(); /* root's own segment of this name */
    cr_assert_eq(keyshm_is_replaced(pool), 0, "the creator may have become another user");
    cr_assert_eq(keyshm_is_replaced(seen), 0);
    cr_assert_eq(seteuid(65534), 0);
    cr_assert_eq(keyshm_unlink(name), 0);
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 1);
    cr_assert_eq(keyshm_is_replaced(seen), 1);
    keyshm_close(seen);
    keyshm_close(pool);
}

/* ---- pools that root makes for others ---- */

#define OWNER 65534

Test(segment, belongs_to_the_owner_that_root_names)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct stat status;
    char owned[SEGMENT_PATH_SIZE];
    keyshm_pool *mine, *other;
    skip_unless_root("to make a pool for another user");
    remove_segment();
    options.owner = OWNER;
    segment_path(owned, OWNER, name);
    cr_assert_eq(keyshm_attach_user(&other, OWNER, name), -ENOENT);
    cr_assert_eq(keyshm_open(&mine, name, &options), 0);
    cr_assert_eq(stat(owned, &status), 0);
    cr_assert_eq(status.st_uid, OWNER);
    cr_assert_eq(status.st_mode & 07777, 0600);
    cr_assert_eq(keyshm_create(&other, name, &options), -EEXIST);
    cr_assert_eq(keyshm_attach(&other, name), -ENOENT, "it is not root's");
    cr_assert_eq(keyshm_open(&other, name, &options), 0);
    cr_assert_eq(keyshm_add(other, "key", NULL), 0);
    keyshm_close(other);
    cr_assert_eq(keyshm_attach_user(&other, OWNER, name), 0);
    cr_assert_eq(keyshm_available_count(other), 1);
    keyshm_close(other);

    cr_assert_eq(seteuid(OWNER), 0);
    cr_assert_eq(keyshm_attach(&other, name), 0, "the workers' user finds it under its own name");
    cr_assert_eq(keyshm_available_count(other), 1);
    cr_assert_eq(keyshm_is_replaced(other), 0);
    keyshm_close(other);
    cr_assert_eq(keyshm_attach_user(&other, OWNER, name), 0);
    keyshm_close(other);
    cr_assert_eq(keyshm_attach_user(&other, 0, name), -EACCES);
    cr_assert_eq(keyshm_unlink_user(0, name), -EACCES);
    options.owner = 0;
    cr_assert_eq(keyshm_create(&other, name, &options), -EPERM);
    cr_assert_eq(keyshm_open(&other, name, &options), -EPERM);
    cr_assert_eq(seteuid(0), 0);

    cr_assert_eq(keyshm_unlink_user(OWNER, name), 0);
    cr_assert_eq(keyshm_unlink_user(OWNER, name), -ENOENT);
    cr_assert_eq(keyshm_unlink_user(OWNER, "a/b"), -EINVAL);
    cr_assert_eq(keyshm_is_replaced(mine), 1);
    keyshm_close(mine);
}

/* All of them: a system without robust mutexes, or without memory that may be locked, adds its own. */
static char warnings[2048];

static void note_warning(enum keyshm_log_level level, const char *message, void *user)
{
    size_t length = strlen(warnings);
    (void)user;
    if (level == KEYSHM_LOG_WARNING)
        snprintf(warnings + length, sizeof(warnings) - length, "%s\n", message);
}

Test(segment, of_the_name_of_roots_is_warned_of)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *other;
    skip_unless_root("to make a pool for another user");
    keyshm_set_log(note_warning, NULL, KEYSHM_LOG_WARNING);
    options.owner = OWNER;
    cr_assert_eq(keyshm_create(&other, name, &options), 0);
    cr_assert(strstr(warnings, "user 65534 has a pool now, and root has one of the same name") != NULL, "%s", warnings);
    keyshm_close(other);
    cr_assert_eq(keyshm_unlink_user(OWNER, name), 0);
}

/* Pools of two layouts stand side by side; the other one is listed, and said to be there. */
Test(segment, of_another_layout_has_another_name)
{
    struct keyshm_pool_list *list;
    char old[SEGMENT_PATH_SIZE], old_layout[] = "v2-8-glibc", expected[128];
    size_t found = 0;
    segment_path(old, geteuid(), name);
    char *layout = strstr(old, keyshm_layout_name());
    cr_assert_not_null(layout);
    char rest[KEYSHM_PROVIDER_MAX + 2];
    snprintf(rest, sizeof(rest), "%s", layout + strlen(keyshm_layout_name()));
    snprintf(layout, sizeof(old) - (size_t)(layout - old), "%s%s", old_layout, rest);
    int fd = open(old, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    keyshm_close(pool);
    cr_assert_eq(keyshm_list_pools(geteuid(), &list), 0);
    cr_assert_eq(list->providers_bytes, sizeof(*list->providers));
    cr_assert_eq(list->layouts_bytes, sizeof(*list->layouts));
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->providers[i], name) == 0)
            cr_assert_str_eq(list->layouts[i], found++ == 0 ? old_layout : keyshm_layout_name());
    cr_assert_eq(found, 2);
    keyshm_pool_list_free(list);
    remove_segment();
    keyshm_set_log(note_warning, NULL, KEYSHM_LOG_WARNING);
    int r = keyshm_create(&pool, name, NULL);
    unlink(old);
    cr_assert_eq(r, 0);
    snprintf(expected, sizeof(expected), "there is a pool of layout %s now, and one of layout %s\n", keyshm_layout_name(),
             old_layout);
    cr_assert(strstr(warnings, expected) != NULL, "%s", warnings);
    keyshm_close(pool);
}

/* Files that another program has put beside the pools. */
Test(segment, of_a_name_that_only_begins_like_a_pools_is_not_listed)
{
    static const char *const endings[] = {
        "",         ".provider",       "Layout.provider", "layout",
        "layout-.", "layout_provider", "layout..hidden",  "a-layout-with-a-name-that-is-longer-than-any.provider"};
    struct keyshm_pool_list *list;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        char other[SEGMENT_PATH_SIZE + 64];
        snprintf(other, sizeof(other), "%s/keyshm.%u.%s", SEGMENT_NAME_DIRECTORY, geteuid(), endings[i]);
        int fd = open(other, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        cr_assert_geq(fd, 0);
        close(fd);
        int r = keyshm_list_pools(geteuid(), &list);
        unlink(other);
        cr_assert_eq(r, 0);
        for (size_t at = 0; at < list->count; at++) {
            cr_assert_str_not_empty(list->providers[at]);
            cr_assert_str_neq(list->providers[at], "provider", "%s", endings[i]);
            cr_assert_str_neq(list->providers[at], ".hidden");
        }
        keyshm_pool_list_free(list);
    }
}

/* A program has closed it and opened another file, which got its number. */
Test(segment, has_no_descriptor_when_that_is_another_files)
{
    char other[SEGMENT_PATH_SIZE + 8];
    snprintf(other, sizeof(other), "%s.other", path);
    cr_assert_eq(keyshm_attach(&pool, name), 0);
    int used = pool->fd, fd = open(other, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(unlink(other), 0);
    cr_assert_eq(dup2(fd, used), used);
    close(fd);
    cr_assert_eq(keyshm_is_replaced(pool), 0, "that file has no name any more, but it is not the pool's");
    keyshm_close(pool);
    cr_assert_neq(fcntl(used, F_GETFD), -1, "it stays open");
    close(used);
}
