/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TEST_FIXTURE_H
#define KEYSHM_TEST_FIXTURE_H

/* A small anonymous pool for every test, and helpers that most tests use. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keyshm.h"
#include "segment_name.h"

/* Long enough to be masked as "sk-…" and four characters. */
#define KEY_FORMAT "sk-test-abcdefghijklmnop-%04d"

static keyshm_pool *pool;

static inline void create_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 8;
    options.key_max = 64;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
}

static inline void close_pool(void)
{
    keyshm_close(pool);
}

/* The file of a pool. */
#define SEGMENT_PATH_SIZE (sizeof(SEGMENT_NAME_DIRECTORY) + SEGMENT_NAME_SIZE)

static inline void segment_path(char path[SEGMENT_PATH_SIZE], uid_t owner, const char *provider)
{
    char segment[SEGMENT_NAME_SIZE];
    segment_name_make(segment, owner, provider);
    snprintf(path, SEGMENT_PATH_SIZE, "%s%s", SEGMENT_NAME_DIRECTORY, segment);
}

static inline const char *key_text(int number)
{
    static char text[64];
    snprintf(text, sizeof(text), KEY_FORMAT, number);
    return text;
}

static inline keyshm_id add_key(int number)
{
    keyshm_id id = 0;
    cr_assert_eq(keyshm_add(pool, key_text(number), &id), 0);
    return id;
}

/* Adds keys 0 to count - 1. */
static inline void add_keys(keyshm_id *ids, int count)
{
    for (int i = 0; i < count; i++)
        ids[i] = add_key(i);
}

/* The id that the next pick gives; 0 when none is available. */
static inline keyshm_id pick_id(void)
{
    struct keyshm_pick pick;
    int r = keyshm_next(pool, &pick);
    cr_assert(r == 0 || r == -EAGAIN, "%s", keyshm_strerror(r));
    return r == 0 ? pick.id : 0;
}

/* The next picks are of these keys, by their places in `ids`. */
static inline void expect_order(const keyshm_id *ids, const char *places)
{
    for (const char *place = places; *place != '\0'; place++)
        cr_assert_eq(pick_id(), ids[*place - '0'], "not %s at %d", places, (int)(place - places));
}

static inline void set_priority(keyshm_id id, unsigned priority)
{
    cr_assert_eq(keyshm_set_priority(pool, id, priority), 0);
}

static inline void sleep_ms(int64_t duration_ms)
{
    usleep((useconds_t)duration_ms * 1000);
}

/* One key's entry of a snapshot, by value. Its metadata pointer is already freed: do not use it. */
static inline struct keyshm_key_snapshot inspect(keyshm_id id)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_key_snapshot found = {.id = 0};
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == id)
            found = snapshot->keys[i];
    keyshm_snapshot_free(snapshot);
    cr_assert_eq(found.id, id, "the key is not in the snapshot");
    return found;
}

#endif
