/* SPDX-License-Identifier: MIT */
#include "interleave_world.h"

#include "lock.h"
#include "pool.h"
#include "slot.h"

#include "burst.h"
#include "expect.h"
#include "virtual_clock.h"

enum { TARGET, LONG_LIMITED_KEY, SECOND_KEY, THIRD_KEY, INVALID_KEY, KEYS, SLOTS = KEYS + 1 };

/* The last numbers of keys: one that is gone before anything begins, one that is added, one in the place of the target.
 */
enum { GONE_KEY = KEYS, ADDED_KEY, REPLACING_KEY, ALL_KEYS };

enum { PROBLEM_BYTES = 160 };

enum { COOLING_MS = 50, LIMIT_MS = 100, LONGER_LIMIT_MS = 300, LONGEST_LIMIT_MS = 1000 };

#define START_NS (5000000 * NS_PER_MS)

static keyshm_pool *pool;
static keyshm_id ids[KEYS];
static int64_t began_ns;
static void *image;

static const char *key_text(int number)
{
    static char text[40];
    snprintf(text, sizeof(text), "sk-interleave-abcdefghijkl-%04d", number);
    return text;
}

/* ---- the world: keys in all kinds of states, and one slot that was used before ---- */

/* Its cooldown is over, and nobody has written that down. */
static void let_target_expire(void)
{
}

/* Nobody has noticed, so that the ready bit is still there to be cleared; and the next pick sweeps. */
static void limit_target(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[TARGET], COOLING_MS), 0);
    atomic_store(&pool->header->next_sweep_ms, 1);
}

const struct world worlds[] = {
    {"cooled down", let_target_expire},
    {"cooling", limit_target},
};
const size_t world_count = sizeof(worlds) / sizeof(worlds[0]);

static void fill_pool(void)
{
    keyshm_id gone;
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(keyshm_add(pool, key_text(i), &ids[i]), 0);
    EXPECT_EQ(keyshm_add(pool, key_text(GONE_KEY), &gone), 0);
    EXPECT_EQ(keyshm_remove(pool, gone), 0);
}

static void use_pool(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[TARGET], 1), 0);
    virtual_clock_pass_ms(5);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[LONG_LIMITED_KEY], LONGEST_LIMIT_MS), 0);
    EXPECT_EQ(keyshm_mark_invalid(pool, ids[INVALID_KEY]), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
    EXPECT_EQ(pick.id, ids[THIRD_KEY]); /* so that the next one comes by the target first */
}

void world_begin(const struct world *world)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    virtual_clock->monotonic_ns = START_NS;
    options.capacity = SLOTS;
    options.key_max = 40;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "interleave", &options), 0);
    fill_pool();
    use_pool();
    world->prepare();
    began_ns = virtual_clock->monotonic_ns;
    image = malloc(world_bytes());
    EXPECT(image != NULL);
    memcpy(image, world_memory(), world_bytes());
}

/* The state of a mutex that nobody alive holds is in its bytes. */
void world_restore(void)
{
    virtual_clock->monotonic_ns = began_ns;
    memcpy(world_memory(), image, world_bytes());
    burst_end(pool);
}

void world_end(void)
{
    free(image);
    keyshm_close(pool);
}

void *world_memory(void)
{
    return pool->header;
}

size_t world_bytes(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (pool->settings.segment_bytes + page - 1) / page * page;
}

bool world_is_locked(void)
{
    return lock_holder(pool) != 0;
}

/* ---- operations ---- */

static uint64_t add_up(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * UINT64_C(0x100000001b3);
}

static uint64_t add_up_text(uint64_t sum, const char *text)
{
    for (; *text != '\0'; text++)
        sum = add_up(sum, (unsigned char)*text);
    return sum;
}

static uint64_t content_of_key(const char *text)
{
    return add_up_text(strlen(text), text);
}

static struct result next(void)
{
    struct keyshm_pick pick = {.id = 0};
    struct result result = {.value = keyshm_next(pool, &pick)};
    result.id = pick.id;
    result.content = add_up_text(pick.key_length, pick.key);
    return result;
}

/* Claims all turns up to the end of the round, and goes away with them. */
static struct result next_in_burst(void)
{
    burst_begin(pool);
    struct result result = next();
    burst_end(pool);
    return result;
}

static struct result limit(void)
{
    return (struct result){.value = keyshm_mark_rate_limited(pool, ids[TARGET], LIMIT_MS)};
}

static struct result limit_longer(void)
{
    return (struct result){.value = keyshm_mark_rate_limited(pool, ids[TARGET], LONGER_LIMIT_MS)};
}

static struct result exceed_quota(void)
{
    return (struct result){.value = keyshm_mark_quota_exceeded(pool, ids[TARGET], -1)};
}

static struct result invalidate(void)
{
    return (struct result){.value = keyshm_mark_invalid(pool, ids[TARGET])};
}

static struct result free_key(void)
{
    return (struct result){.value = keyshm_mark_available(pool, ids[TARGET])};
}

/* A step for each key, and so there is only one to reset. */
static struct result reset(void)
{
    return (struct result){.value = keyshm_reset_expired_cooldowns(pool)};
}

static struct result add(int number)
{
    struct result result = {.id = 0};
    result.value = keyshm_add(pool, key_text(number), &result.id);
    return result;
}

static struct result add_key(void)
{
    return add(ADDED_KEY);
}

static struct result remove_key(void)
{
    return (struct result){.value = keyshm_remove(pool, ids[TARGET])};
}

/* Into the slot of the key that was removed, when it was. */
static struct result add_another(void)
{
    return add(REPLACING_KEY);
}

static struct result find(void)
{
    struct result result = {.id = 0};
    result.value = keyshm_find(pool, key_text(TARGET), &result.id);
    return result;
}

static struct result ask(void)
{
    return (struct result){.value = keyshm_is_available(pool, ids[TARGET])};
}

static struct result count(void)
{
    return (struct result){.value = keyshm_available_count(pool)};
}

/* Without counters: those are for people, and written after the word that they count. */
static struct result look(void)
{
    struct keyshm_snapshot *snapshot;
    struct result result = {.value = keyshm_snapshot(pool, &snapshot)};
    if (result.value < 0)
        return result;
    for (unsigned i = 0; i < snapshot->count; i++) {
        const struct keyshm_key_snapshot *key = &snapshot->keys[i];
        result.content = add_up(result.content, key->id);
        result.content = add_up(result.content, key->status);
        result.content = add_up(result.content, (uint64_t)key->cooldown_left_ms);
        result.content = add_up_text(result.content, key->masked_key);
    }
    keyshm_snapshot_free(snapshot);
    return result;
}

const struct operation operations[] = {
    {"next", {next}, .is_pick = true, .is_in_twos = true},
    {"next, in a burst", {next_in_burst}, .is_pick = true, .is_in_twos = true},
    {"rate limited", {limit}, .is_in_twos = true},
    {"rate limited, longer", {limit_longer}, .is_in_twos = true},
    {"quota exceeded", {exceed_quota}, .is_in_twos = true},
    {"invalid", {invalidate}, .is_in_twos = true},
    {"available", {free_key}, .is_in_twos = true},
    {"reset expired", {reset}, .is_in_twos = true},
    {"add", {add_key}, .takes_mutex = true},
    {"remove", {remove_key}, .takes_mutex = true},
    {"remove, then add", {remove_key, add_another}, .takes_mutex = true},
    {"find", {find}, .is_in_twos = true},
    {"is available, count", {ask, count}, .is_in_twos = true},
    {"snapshot", {look}, .takes_mutex = false},
};
const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

/* ---- what is left of them ---- */

static uint64_t add_up_slots(uint64_t state)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        uint64_t word = atomic_load(&pool->words[slot]);
        const struct layout_slot *at = pool_slot(pool, slot);
        state = add_up(state, word);
        if (!word_is_live(word))
            continue;
        state = add_up(state, atomic_load(&at->id));
        state = add_up(state, atomic_load(&at->picks));
        state = add_up(state, atomic_load(&at->last_used_ms));
        for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
            state = add_up(state, atomic_load(&at->marked[status]));
    }
    return state;
}

static uint64_t add_up_picks(uint64_t state)
{
    for (int i = 0; i < SLOTS + 1; i++) {
        struct result picked = next();
        state = add_up(add_up(add_up(state, (uint64_t)picked.value), picked.id), picked.content);
    }
    return state;
}

uint64_t world_state(void)
{
    /* At the very millisecond of each deadline, which a mark rounds up by one: no hint may be late. */
    static const int64_t moments_ms[] = {0, COOLING_MS + 1, LIMIT_MS + 1, LONGER_LIMIT_MS + 1, LONGEST_LIMIT_MS + 1};
    uint64_t state = add_up_slots(0);
    for (size_t i = 0; i < sizeof(moments_ms) / sizeof(moments_ms[0]); i++) {
        virtual_clock->monotonic_ns = began_ns + moments_ms[i] * NS_PER_MS;
        state = add_up_slots(add_up_picks(state));
    }
    return state;
}

static void keep_problem(const char *problem, void *user)
{
    char *kept = user;
    if (kept[0] == '\0')
        snprintf(kept, PROBLEM_BYTES, "%s", problem);
}

const char *world_problem(void)
{
    static char problem[PROBLEM_BYTES];
    problem[0] = '\0';
    int r = keyshm_verify(pool, keep_problem, problem);
    if (r < 0)
        return keyshm_strerror(r);
    return r > 0 ? problem : NULL;
}

static bool is_there(const struct result *picked)
{
    keyshm_id id;
    for (int number = 0; number < ALL_KEYS; number++)
        if (keyshm_find(pool, key_text(number), &id) == 0 && id == picked->id)
            return content_of_key(key_text(number)) == picked->content;
    return false;
}

bool world_may_give(const struct result *picked)
{
    return picked->value == 0 && is_there(picked) && keyshm_is_available(pool, picked->id) == 1;
}
