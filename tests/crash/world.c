/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <linux/futex.h>

#include "lock.h"
#include "pool_clock.h"
#include "ready_bits.h"
#include "slot.h"
#include "tagged.h"

#include "burst.h"
#include "expect.h"
#include "operations.h"
#include "problem.h"
#include "turns.h"

enum { LOCK_TIMEOUT_MS = 3000 };

struct world_image {
    struct world model;
    unsigned char bytes[];
};

static keyshm_pool *pool;
struct world world;
uint64_t world_began_ms;

uint64_t world_now_ms(void)
{
    return pool_now_ms(pool);
}

uint64_t *world_word_of(int number)
{
    return &world.words[id_slot(world.keys[number].id)];
}

void world_note_added(int number, keyshm_id id)
{
    struct model_key *key = &world.keys[number];
    key->id = id;
    key->is_there = true;
    key->note = NULL;
    key->picks = 0;
    memset(key->marked, 0, sizeof(key->marked));
    *world_word_of(number) = word_make_available(word_marks_next(*world_word_of(number)));
}

void world_note_removed(int number)
{
    world.keys[number].is_there = false;
    *world_word_of(number) = word_make_free(word_marks(*world_word_of(number)));
}

int world_add_key(int number)
{
    keyshm_id id;
    int r = keyshm_add(pool, world.keys[number].text, &id);
    if (r == 0)
        world_note_added(number, id);
    return r;
}

int world_remove_key(int number)
{
    int r = keyshm_remove(pool, world.keys[number].id);
    if (r == 0)
        world_note_removed(number);
    return r;
}

/* The victim's key has the longest text and the survivors' the shortest, so that a remainder of the one would show behind
 * the other. */
static void make_texts(void)
{
    for (int i = 0; i < KEYS; i++) {
        size_t length = i == ADDED_KEY ? KEY_MAX - 2 : i == SURVIVORS_KEY ? 9 : 20 + 2 * (size_t)i;
        memset(world.keys[i].text, 'A' + i, length);
        world.keys[i].text[length] = '\0';
    }
}

static void learn(void)
{
    for (int i = 0; i < KEYS; i++)
        if (world.keys[i].is_there)
            world.keys[i].picks = tagged_value(atomic_load(&world_slot_of(i)->picks), world.keys[i].id);
    for (uint32_t slot = 0; slot < CAPACITY; slot++)
        world.words[slot] = atomic_load(&pool->words[slot]);
    world.cursor = atomic_load(&pool->header->model_0.cursor);
    turns_count_owed(world.owed);
    keyshm_policy_init(&world.policy, sizeof(world.policy));
    EXPECT_EQ(keyshm_get_policy(pool, &world.policy), 0);
}

static void mark_some(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_set_metadata(pool, world.keys[NOTED_KEY].id, WORLD_NOTE, "an old note"), 0);
    world.keys[NOTED_KEY].note = "an old note";
    EXPECT_EQ(keyshm_mark_rate_limited(pool, world.keys[LIMITED_KEY].id, HOUR_MS), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, world.keys[EXPIRED_KEY].id, HOUR_MS), 0);
    world.keys[LIMITED_KEY].marked[KEYSHM_RATE_LIMITED] = world.keys[EXPIRED_KEY].marked[KEYSHM_RATE_LIMITED] = 1;
    /* Once round: these picks find that the two are not available, and clear their bits. */
    for (int i = 0; i < FIRST_KEYS - 2; i++)
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
    /* And the bit of this one is still set. */
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, world.keys[QUOTA_KEY].id, KEYSHM_NO_RETRY_AFTER), 0);
    world.keys[QUOTA_KEY].marked[KEYSHM_QUOTA_EXCEEDED] = 1;
}

void world_make_all_due(void)
{
    ready_make_all_due(pool, 0);
}

/* As if an hour had passed for one key, and with it a sweep had become due. */
static void pass_time(void)
{
    _Atomic uint64_t *word = &pool->words[id_slot(world.keys[EXPIRED_KEY].id)];
    uint64_t marks = word_marks(atomic_load(word));
    atomic_store(word, word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, marks, 1));
    world_make_all_due();
}

/* The next turn is that of LIMITED_KEY. */
static void set_cursor(void)
{
    struct claim claim = {.number = 1, .begin = NOTED_KEY, .end = LIMITED_KEY};
    atomic_store(&pool->header->model_0.cursor, claim_pack(&claim));
}

void world_begin(const struct operation *operation)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    options.key_max = KEY_MAX;
    options.lock_timeout_ms = LOCK_TIMEOUT_MS;
    options.workers_max = WORKERS_MAX;
    memset(&world, 0, sizeof(world));
    make_texts();
    EXPECT_EQ(operation->is_named ? keyshm_create(&pool, expect_name, &options)
                                  : keyshm_create_anonymous(&pool, "kill", &options),
              0);
    for (int i = 0; i < FIRST_KEYS; i++)
        EXPECT_EQ(world_add_key(i), 0);
    mark_some();
    pass_time();
    set_cursor();
    if (operation->prepare != NULL)
        operation->prepare();
    learn();
}

keyshm_pool *world_pool(void)
{
    return pool;
}

void world_end(void)
{
    keyshm_close(pool);
    keyshm_unlink(expect_name);
}

struct world_image *world_save(void)
{
    struct world_image *image = malloc(sizeof(*image) + pool->settings.segment_bytes);
    EXPECT(image != NULL);
    image->model = world;
    memcpy(image->bytes, pool->header, pool->settings.segment_bytes);
    return image;
}

/* The state of a mutex that no living process holds is in its bytes, a dead owner's too. */
void world_restore(const struct world_image *image)
{
    burst_end(pool);
    world = image->model;
    memcpy(pool->header, image->bytes, pool->settings.segment_bytes);
    world_began_ms = world_now_ms();
}

bool world_has_changed(void)
{
    static unsigned char last[256 * 1024];
    EXPECT(pool->settings.segment_bytes <= sizeof(last));
    if (memcmp(last, pool->header, pool->settings.segment_bytes) == 0)
        return false;
    memcpy(last, pool->header, pool->settings.segment_bytes);
    return true;
}

bool world_is_locked_by(pid_t process)
{
    return lock_holder(pool) == process;
}

bool world_owner_has_died(void)
{
    const _Atomic uint32_t *futex =
        (const _Atomic uint32_t *)(const void *)(pool->header->mutex + pool->mutex_word_offset);
    return (atomic_load(futex) & FUTEX_OWNER_DIED) != 0;
}

struct layout_slot *world_slot_of(int number)
{
    return pool_slot(pool, id_slot(world.keys[number].id));
}

bool world_is_pickable(int number)
{
    uint64_t word = *world_word_of(number);
    return world.keys[number].is_there && !word_is_paused(word) &&
           (word_status(word) == KEYSHM_AVAILABLE || word_deadline_ms(word) <= world_now_ms());
}

int world_count_pickable(void)
{
    int pickable = 0;
    for (int i = 0; i < KEYS; i++)
        pickable += world_is_pickable(i);
    return pickable;
}

int world_count_keys(void)
{
    int there = 0;
    for (int i = 0; i < KEYS; i++)
        there += world.keys[i].is_there;
    return there;
}

int world_number_of(keyshm_id id)
{
    for (int i = 0; i < KEYS; i++)
        if (world.keys[i].is_there && world.keys[i].id == id)
            return i;
    return -1;
}

bool world_is_half_done(void)
{
    for (uint32_t slot = 0; slot < CAPACITY; slot++)
        if (slot_is_dirty(pool, slot))
            return true;
    return false;
}

const char *world_note_of(const struct keyshm_key_snapshot *row)
{
    HOLD(row->metadata_count <= 1, "a key has %zu metadata", row->metadata_count);
    return row->metadata_count > 0 ? row->metadata[0].value : NULL;
}

bool world_is_same_note(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
