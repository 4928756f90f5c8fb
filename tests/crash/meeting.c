/* SPDX-License-Identifier: MIT */
#include "meeting.h"

#include "lock.h"
#include "pool.h"
#include "ready_bits.h"
#include "slot.h"

#include "burst.h"
#include "expect.h"
#include "proof.h"
#include "virtual_clock.h"

enum { TARGET, LONG_LIMITED_KEY, SECOND_KEY, THIRD_KEY, INVALID_KEY, KEYS, SLOTS = KEYS + 1 };

/* The last numbers of keys: one that is gone before anything begins, one that is added, one in the place of the target.
 */
enum { GONE_KEY = KEYS, ADDED_KEY, REPLACING_KEY, ALL_KEYS };

enum { PROBLEM_BYTES = 160 };

enum { COOLING_MS = 50, LONGEST_LIMIT_MS = 1000 };

#define START_NS (5000000 * NS_PER_MS)

static struct meeting meeting;
static char texts[3][40];
static keyshm_id ids[KEYS];
static int64_t began_ns;
static void *image;

static const char *key_text(int number)
{
    static char text[40];
    snprintf(text, sizeof(text), "sk-interleave-abcdefghijkl-%04d", number);
    return text;
}

static uint64_t content_of_key(const char *text)
{
    return digest_add_text(strlen(text), text);
}

/* ---- the pool: keys in all kinds of states, and one slot that was used before ---- */

/* Its cooldown is over, which is not written down yet. */
static void let_target_expire(void)
{
}

/* No pick has found it cooling, so its ready bit is still there to be cleared; and the next pick sweeps. */
static void limit_target(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(meeting.pool, ids[TARGET], COOLING_MS), 0);
    ready_make_all_due(meeting.pool, 0);
}

/* The next pick sweeps, and finds it available. */
static void make_due(void)
{
    ready_make_all_due(meeting.pool, 0);
}

/* As if a process had died that made the target available. A pick finds no bit that is set, and so reads every word. */
static void hide_target(void)
{
    meeting.target = ids[THIRD_KEY];
    meeting.other = ids[TARGET];
    ready_sweep(meeting.pool, 0, pool_now_ms(meeting.pool));
    atomic_store(&meeting.pool->ready[0], 0);
}

static void bench_all_others(void)
{
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[TARGET]), 0);
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[SECOND_KEY]), 0);
    hide_target();
}

static void remove_all_others(void)
{
    for (int i = 0; i < KEYS; i++)
        EXPECT(i == THIRD_KEY || keyshm_remove(meeting.pool, ids[i]) == 0);
    hide_target();
}

const struct setting settings[] = {
    {"cooled_down", let_target_expire, INTERLEAVED},
    {"cooling", limit_target, INTERLEAVED},
    {"sweep_due", make_due, SWEEP_DUE},
    {"one_available", bench_all_others, ONE_AVAILABLE},
    {"one_key", remove_all_others, ONE_KEY},
};
const size_t setting_count = sizeof(settings) / sizeof(settings[0]);

static void fill_pool(void)
{
    keyshm_id gone;
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(keyshm_add(meeting.pool, key_text(i), &ids[i]), 0);
    EXPECT_EQ(keyshm_add(meeting.pool, key_text(GONE_KEY), &gone), 0);
    EXPECT_EQ(keyshm_remove(meeting.pool, gone), 0);
}

static void name_target(void)
{
    snprintf(texts[0], sizeof(texts[0]), "%s", key_text(TARGET));
    snprintf(texts[1], sizeof(texts[1]), "%s", key_text(ADDED_KEY));
    snprintf(texts[2], sizeof(texts[2]), "%s", key_text(REPLACING_KEY));
    meeting.target = ids[TARGET];
    meeting.target_text = texts[0];
    meeting.added_text = texts[1];
    meeting.replacing_text = texts[2];
}

static void use_pool(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_mark_rate_limited(meeting.pool, ids[TARGET], 1), 0);
    virtual_clock_pass_ms(5);
    EXPECT_EQ(keyshm_mark_rate_limited(meeting.pool, ids[LONG_LIMITED_KEY], LONGEST_LIMIT_MS), 0);
    EXPECT_EQ(keyshm_mark_invalid(meeting.pool, ids[INVALID_KEY]), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(keyshm_next(meeting.pool, &pick), 0);
    EXPECT_EQ(pick.id, ids[THIRD_KEY]); /* so that the next one comes by the target first */
}

void meeting_begin(const struct setting *setting)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    virtual_clock->monotonic_ns = START_NS;
    options.capacity = SLOTS;
    options.key_max = 40;
    EXPECT_EQ(keyshm_create_anonymous(&meeting.pool, "interleave", &options), 0);
    fill_pool();
    name_target();
    use_pool();
    setting->prepare();
    meeting.token = workers_token(meeting.pool);
    meeting.stamp = word_marks(atomic_load(&meeting.pool->words[id_slot(meeting.target)]));
    began_ns = virtual_clock->monotonic_ns;
    image = malloc(meeting_bytes());
    EXPECT(image != NULL);
    memcpy(image, meeting_memory(), meeting_bytes());
}

/* The state of a mutex that no living process holds is in its bytes. */
void meeting_enter(void)
{
    atomic_store(&meeting.pool->local->token, meeting.token);
    atomic_store(&meeting.pool->local->rotations[0].next_look_ms, UINT64_MAX);
}

void meeting_restore(void)
{
    virtual_clock->monotonic_ns = began_ns;
    burst_end(meeting.pool);
    memcpy(meeting_memory(), image, meeting_bytes());
}

void meeting_end(void)
{
    free(image);
    keyshm_close(meeting.pool);
}

const struct meeting *meeting_now(void)
{
    return &meeting;
}

void *meeting_memory(void)
{
    return meeting.pool->header;
}

size_t meeting_bytes(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (meeting.pool->settings.segment_bytes + page - 1) / page * page;
}

bool meeting_is_locked(void)
{
    return lock_holder(meeting.pool) != 0;
}

/* ---- what is left of them ---- */

static uint64_t add_up_slots(uint64_t state)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        uint64_t word = atomic_load(&meeting.pool->words[slot]);
        const struct layout_slot *at = pool_slot(meeting.pool, slot);
        state = digest_add(state, word);
        if (!word_is_live(word))
            continue;
        state = digest_add(state, atomic_load(&at->id));
        state = digest_add(state, atomic_load(&at->picks));
        state = digest_add(state, atomic_load(&at->last_used_ms));
        for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
            state = digest_add(state, atomic_load(&at->marked[status]));
    }
    return state;
}

static uint64_t add_up_picks(uint64_t state)
{
    for (int i = 0; i < SLOTS + 1; i++) {
        struct result picked = meeting_next(&meeting);
        state = digest_add(digest_add(digest_add(state, (uint64_t)picked.value), picked.id), picked.content);
    }
    return state;
}

uint64_t meeting_state(void)
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

const char *meeting_problem(void)
{
    static char problem[PROBLEM_BYTES];
    problem[0] = '\0';
    int r = keyshm_verify(meeting.pool, keep_problem, problem);
    if (r < 0)
        return keyshm_strerror(r);
    return r > 0 ? problem : NULL;
}

static bool is_there(const struct result *picked)
{
    keyshm_id id;
    for (int number = 0; number < ALL_KEYS; number++)
        if (keyshm_find(meeting.pool, key_text(number), &id) == 0 && id == picked->id)
            return content_of_key(key_text(number)) == picked->content;
    return false;
}

bool meeting_may_give(const struct result *picked)
{
    return picked->value == 0 && is_there(picked) && keyshm_is_available(meeting.pool, picked->id) == 1;
}
