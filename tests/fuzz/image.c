/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segment_name.h"

enum { KEYS = 6, CAPACITY = 8, KEY_MAX = 40, GROUPS = 3, MODELS = 2, PICKS = 12, BURST = 1200, LENGTH_MASK = 15 };

static keyshm_pool *good;
static unsigned char *good_bytes;
static keyshm_id ids[KEYS], group_ids[GROUPS];

static void need(bool condition)
{
    if (!condition)
        abort();
}

static void make_key(unsigned number, char key[KEY_MAX + 1])
{
    snprintf(key, KEY_MAX + 1, "sk-%0*u", (int)(5 * number), number);
}

static struct keyshm_mark make_mark(unsigned model, enum keyshm_scope scope)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_QUOTA_EXCEEDED;
    mark.duration_ms = KEYSHM_UNTIL_MARKED;
    mark.model = model;
    mark.scope = scope;
    mark.reason = KEYSHM_REASON_QUOTA;
    return mark;
}

static int mark(keyshm_pool *pool, keyshm_id id, unsigned model, enum keyshm_scope scope)
{
    struct keyshm_mark quota = make_mark(model, scope);
    return keyshm_mark(pool, id, &quota);
}

/* The first has keys, the second is paused, the third was removed. */
static void make_groups(void)
{
    static const char *const names[GROUPS] = {"account", "another account", "a third"};
    for (unsigned i = 0; i < GROUPS; i++)
        need(keyshm_group(good, names[i], &group_ids[i]) == 0);
    need(keyshm_set_group(good, ids[0], group_ids[0]) == 0);
    need(keyshm_set_group(good, ids[1], group_ids[0]) == 0);
    need(keyshm_pause(good, group_ids[1]) == 0);
    need(keyshm_remove_group(good, group_ids[2]) == 0);
}

/* One key and one group are benched for the first. */
static void make_models(void)
{
    unsigned model;
    need(keyshm_model(good, "model", &model) == 0 && keyshm_model(good, "another model", &model) == 0);
    need(mark(good, ids[0], 1, KEYSHM_SCOPE_KEY) == 0);
    need(mark(good, group_ids[0], 1, KEYSHM_SCOPE_KEY) == 0);
}

static void begin(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char key[KEY_MAX + 1];
    options.capacity = CAPACITY;
    options.key_max = KEY_MAX;
    options.groups_max = GROUPS;
    options.models_max = MODELS;
    need(keyshm_create_anonymous(&good, "fuzz", &options) == 0);
    for (unsigned i = 0; i < KEYS; i++) {
        make_key(i, key);
        need(keyshm_add(good, key, &ids[i]) == 0);
        need(keyshm_set_metadata(good, ids[i], "note", key) == 0);
    }
    need(keyshm_mark_rate_limited(good, ids[1], KEYSHM_DURATION_MAX_MS) == 0);
    need(keyshm_mark_quota_exceeded(good, ids[2], KEYSHM_UNTIL_MARKED) == 0);
    need(keyshm_mark_invalid(good, ids[3]) == 0);
    need(keyshm_pause(good, ids[5]) == 0);
    need(keyshm_remove(good, ids[4]) == 0);
    make_groups();
    make_models();
    need(keyshm_verify(good, NULL, NULL) == 0);
    good_bytes = malloc(good->settings.segment_bytes);
    need(good_bytes != NULL);
    memcpy(good_bytes, good->header, good->settings.segment_bytes);
}

size_t image_bytes(void)
{
    if (good == NULL)
        begin();
    return good->settings.segment_bytes;
}

static void *moved(const void *part, unsigned char *bytes)
{
    return bytes + ((const unsigned char *)part - (const unsigned char *)good->header);
}

struct keyshm_pool image_pool_in(unsigned char *bytes)
{
    struct keyshm_pool pool = *good;
    pool.header = moved(pool.header, bytes);
    pool.words = moved(pool.words, bytes);
    pool.key_groups = moved(pool.key_groups, bytes);
    pool.ready = moved(pool.ready, bytes);
    pool.due = moved(pool.due, bytes);
    pool.groups = moved(pool.groups, bytes);
    pool.index = moved(pool.index, bytes);
    pool.slots = moved(pool.slots, bytes);
    pool.events = moved(pool.events, bytes);
    pool.workers = moved(pool.workers, bytes);
    return pool;
}

void image_make(unsigned char *bytes, const uint8_t *input, size_t input_bytes)
{
    const size_t mutex = offsetof(struct layout_header, mutex), size = image_bytes();
    memcpy(bytes, good_bytes, size);
    while (input_bytes > 3) {
        size_t offset = (size_t)(input[0] | input[1] << 8) % size, length = input[2] & LENGTH_MASK;
        input += 3;
        input_bytes -= 3;
        for (; length > 0 && input_bytes > 0; length--, offset = (offset + 1) % size, input++, input_bytes--)
            bytes[offset] = *input;
    }
    memcpy(bytes + mutex, good_bytes + mutex, LAYOUT_MUTEX_BYTES);
}

static void read_groups(keyshm_pool *pool)
{
    struct keyshm_key_snapshot row;
    char name[KEYSHM_NAME_MAX + 1];
    keyshm_id id;
    for (unsigned i = 0; i < GROUPS; i++) {
        int length = keyshm_group_name(pool, group_ids[i], name, sizeof(name));
        need(length < 0 || name[length] == '\0');
        keyshm_inspect(pool, group_ids[i], i % (MODELS + 1), sizeof(row), &row);
    }
    keyshm_find_group(pool, "account", &id);
    keyshm_find_group(pool, "no account", &id);
}

static void read_models(keyshm_pool *pool)
{
    struct keyshm_key_snapshot row;
    char name[KEYSHM_NAME_MAX + 1];
    unsigned found;
    for (unsigned model = 0; model <= MODELS + 1; model++) {
        int length = keyshm_model_name(pool, model, name, sizeof(name));
        need(length < 0 || name[length] == '\0');
        keyshm_available_count_for(pool, model);
        for (unsigned i = 0; i < KEYS; i++) {
            keyshm_is_available_for(pool, ids[i], model);
            keyshm_inspect(pool, ids[i], model, sizeof(row), &row);
        }
    }
    keyshm_find_model(pool, "another model", &found);
    keyshm_find_model(pool, "no model", &found);
}

void image_read(keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_event_list *events;
    struct keyshm_worker_list *workers;
    struct keyshm_key_snapshot row;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_pick pick;
    char key[KEY_MAX + 1], value[KEYSHM_METADATA_VALUE_MAX + 1];
    keyshm_id id;
    for (unsigned i = 0; i < KEYS; i++) {
        make_key(i, key);
        if (keyshm_find(pool, key, &id) == 0)
            keyshm_is_available(pool, id);
        keyshm_is_available(pool, ids[i]);
        keyshm_get(pool, ids[i], &pick);
        keyshm_get_metadata(pool, ids[i], "note", value, sizeof(value));
        keyshm_inspect(pool, ids[i], 0, sizeof(row), &row);
    }
    keyshm_inspect(pool, UINT64_MAX, 0, sizeof(row), &row);
    keyshm_get_metadata(pool, UINT64_MAX, "note", value, sizeof(value));
    need(segment_name_is_valid(keyshm_provider_rules(pool)));
    need(keyshm_get_policy(pool, &policy) == 0 && policy.cooldown_ms >= 0 &&
         policy.cooldown_ms <= KEYSHM_DURATION_MAX_MS && policy.cooldown_max_ms >= 1);
    keyshm_is_available(pool, UINT64_MAX);
    keyshm_available_count(pool);
    keyshm_next_available_ms(pool);
    read_groups(pool);
    read_models(pool);
    keyshm_verify(pool, NULL, NULL);
    keyshm_is_replaced(pool);
    if (keyshm_snapshot(pool, &snapshot) == 0)
        keyshm_snapshot_free(snapshot);
    if (keyshm_events(pool, NULL, &events) == 0)
        keyshm_event_list_free(events);
    if (keyshm_workers(pool, &workers) == 0)
        keyshm_worker_list_free(workers);
}

/* Returns what keyshm_acquire() does. */
static int pick_for(keyshm_pool *pool, unsigned model)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = model;
    int r = keyshm_acquire(pool, &request, &lease);
    if (r == 0)
        keyshm_release(pool, &lease);
    return r;
}

static void write_groups_and_models(keyshm_pool *pool)
{
    for (unsigned i = 0; i < GROUPS; i++) {
        mark(pool, group_ids[i], i, KEYSHM_SCOPE_KEY);
        keyshm_resume(pool, group_ids[i]);
    }
    for (unsigned model = 0; model <= MODELS + 1; model++) {
        mark(pool, ids[0], model, KEYSHM_SCOPE_KEY);
        mark(pool, ids[1], model, KEYSHM_SCOPE_GROUP);
        for (unsigned i = 0; i < PICKS; i++)
            pick_for(pool, model);
    }
    keyshm_mark_available(pool, group_ids[0]);
    keyshm_mark_available(pool, ids[0]);
    /* Where what is available cannot be taken, each pick ends only after 10,000 tries. */
    for (unsigned i = 0; i < BURST && pick_for(pool, 1) != -EBUSY; i++)
        continue;
}

void image_write(keyshm_pool *pool)
{
    struct keyshm_event_cursor cursor = {{0}};
    struct keyshm_event_list *events;
    const struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_pick pick;
    for (unsigned i = 0; i < KEYS; i++) {
        keyshm_pause(pool, ids[i]);
        keyshm_resume(pool, ids[i]);
        keyshm_mark_rate_limited(pool, ids[i], i % 2 == 0 ? KEYSHM_NO_RETRY_AFTER : 1000);
        keyshm_mark_quota_exceeded(pool, ids[i], KEYSHM_DURATION_MAX_MS);
    }
    for (unsigned i = 0; i < PICKS; i++)
        if (keyshm_next(pool, &pick) == 0 && i % 2 == 0)
            keyshm_mark_invalid(pool, pick.id);
    write_groups_and_models(pool);
    keyshm_reset_expired_cooldowns(pool);
    keyshm_mark_available(pool, ids[3]);
    keyshm_mark_available(pool, UINT64_MAX);
    keyshm_mark_all_available(pool, 1U << KEYSHM_RATE_LIMITED | 1U << KEYSHM_INVALID);
    keyshm_set_policy(pool, &policy);
    keyshm_set_worker_name(pool, "fuzz");
    keyshm_after_fork(pool);
    /* More than a burst is: turns are claimed, and found where others have left them. */
    for (unsigned i = 0; i < BURST; i++)
        keyshm_next(pool, &pick);
    if (keyshm_events(pool, &cursor, &events) == 0)
        keyshm_event_list_free(events);
}
