/* SPDX-License-Identifier: MIT */

/*
 * Priorities and weights among several processes, in bursts and not, some of which are killed. Whatever they do, the turns
 * that were given are the beginning of one sequence, in which each key has as many as its weight says; and no key is
 * given while one of an earlier priority can be had.
 */

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "burst.h"
#include "expect.h"
#include "for_model.h"
#include "random.h"
#include "rounds.h"

enum { KEYS_MAX = 150, PROCESSES = 6, GROUPS = 3, ROUNDS = 15 };

static keyshm_pool *pool;
static keyshm_id ids[KEYS_MAX], groups[GROUPS];
static unsigned keys, model;
static uint64_t random_state = 1;

/* By all processes, of each slot; counted before the pick returns to its caller, or not at all. */
static _Atomic uint32_t *picks_of;

static uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(random_next(&random_state) >> 33) % limit;
}

static int try_pick(unsigned *ret_slot)
{
    struct keyshm_pick picked;
    int r = pick_for_model(pool, model, &picked);
    if (r == 0)
        *ret_slot = (unsigned)(picked.id & 0xffffff);
    return r;
}

static unsigned pick(void)
{
    unsigned slot = 0;
    EXPECT_EQ(try_pick(&slot), 0);
    EXPECT(slot < keys);
    atomic_fetch_add(&picks_of[slot], 1);
    return slot;
}

static void mark(keyshm_id id, enum keyshm_status status)
{
    EXPECT_EQ(mark_for_model(pool, id, model, status, KEYSHM_NO_RETRY_AFTER), 0);
}

static void begin_pool(unsigned count, bool has_groups, bool has_model)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char text[32];
    keys = count;
    options.capacity = count;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "shares", &options), 0);
    for (int i = 0; i < GROUPS; i++) {
        snprintf(text, sizeof(text), "account-%d", i);
        EXPECT_EQ(keyshm_group(pool, text, &groups[i]), 0);
    }
    for (unsigned i = 0; i < keys; i++) {
        snprintf(text, sizeof(text), "sk-share-%u", i);
        EXPECT_EQ(keyshm_add_to_group(pool, text, has_groups ? groups[i % GROUPS] : 0, &ids[i]), 0);
        picks_of[i] = 0;
    }
    model = 0;
    if (has_model)
        EXPECT_EQ(keyshm_model(pool, "gpt-4o", &model), 0);
}

/* ---- weights ---- */

/* What is in the pool. */
struct scene {
    unsigned keys;
    unsigned weight_max;
    bool has_groups, has_model;
    bool is_killed; /* every second process is */
};

static unsigned weights[KEYS_MAX];
static bool is_available[KEYS_MAX];

static void set_weights(const struct scene *scene)
{
    for (unsigned i = 0; i < keys; i++) {
        weights[i] = i < 2 ? 1 + i : 1 + random_below(scene->weight_max);
        is_available[i] = i < 2 || random_below(4) != 0;
        EXPECT_EQ(keyshm_set_weight(pool, ids[i], weights[i]), 0);
        if (!is_available[i])
            mark(ids[i], KEYSHM_INVALID);
    }
    if (!scene->has_groups)
        return;
    mark(groups[GROUPS - 1], KEYSHM_INVALID);
    for (unsigned i = GROUPS - 1; i < keys; i += GROUPS)
        is_available[i] = false;
}

/* Of the first turns of the sequence, those of each key. */
static void expect_turns(uint64_t turns, uint32_t ret_expected[KEYS_MAX])
{
    memset(ret_expected, 0, KEYS_MAX * sizeof(*ret_expected));
    for (unsigned round = 1; turns > 0; round = round % ROUNDS + 1)
        for (unsigned slot = 0; slot < keys && turns > 0; slot++)
            if (is_available[slot] && has_turn_in_round(weights[slot], round)) {
                ret_expected[slot]++;
                turns--;
            }
}

/* Until it is killed, or for some time; in bursts that begin and end. */
static void work(bool until_killed, unsigned seed)
{
    random_state = seed;
    for (int i = 0; until_killed || i < 300; i++) {
        bool is_burst = random_below(3) != 0;
        for (uint32_t left = random_below(100); left > 0; left--) {
            if (is_burst)
                burst_go_on(pool);
            pick();
        }
    }
    exit(0); /* with what it has claimed left in its place */
}

static uint32_t turns_left(void)
{
    uint32_t left = 0;
    for (uint32_t place = 1; place <= LAYOUT_TURNS; place++) {
        struct claim range = claim_unpack(atomic_load(rotation_range(pool, model, place)));
        left += range.end - range.begin;
    }
    return left;
}

/* Those that ended processes have left come before new ones. */
static void take_turns_left(void)
{
    for (int i = 0; turns_left() > 0; i++) {
        EXPECT(i < 100000);
        burst_go_on(pool);
        atomic_store(&pool->local->rotations[model].next_look_ms, 0);
        pick();
    }
}

static uint64_t count_picks(void)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < keys; i++)
        count += picks_of[i];
    return count;
}

/* A process that was killed may have had a turn that it did not count. */
static void check_shares(unsigned killed)
{
    uint32_t expected[KEYS_MAX];
    uint64_t counted = count_picks();
    bool is_sequence = false;
    for (unsigned lost = 0; lost <= killed && !is_sequence; lost++) {
        unsigned missing = 0;
        bool is_over = false;
        expect_turns(counted + lost, expected);
        for (unsigned i = 0; i < keys; i++) {
            is_over |= picks_of[i] > expected[i];
            missing += expected[i] - picks_of[i];
        }
        is_sequence = !is_over && missing == lost;
    }
    for (unsigned i = 0; i < keys && !is_sequence; i++)
        printf("slot %u, weight %u: %u turns, expected %u\n", i, weights[i], picks_of[i], expected[i]);
    EXPECT(is_sequence);
}

static void run_scene(const struct scene *scene)
{
    pid_t children[PROCESSES];
    begin_pool(scene->keys, scene->has_groups, scene->has_model);
    set_weights(scene);
    for (unsigned i = 0; i < PROCESSES; i++)
        if ((children[i] = expect_fork()) == 0)
            work(scene->is_killed && i % 2 == 1, (unsigned)random_next(&random_state) + i);
    for (unsigned i = 0; i < PROCESSES; i += 2)
        expect_success_of(children[i]);
    for (unsigned i = 1; i < PROCESSES; i += 2) {
        if (scene->is_killed)
            expect_kill(children[i]);
        else
            expect_success_of(children[i]);
    }
    take_turns_left();
    check_shares(scene->is_killed ? PROCESSES / 2 : 0);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
}

static const struct scene scenes[] = {
    {2, 15, false, false, false},      {7, 15, false, false, false},      {100, 15, false, false, false},
    {KEYS_MAX, 15, true, true, false}, {KEYS_MAX, 2, false, true, false}, {64, 5, true, false, false},
    {100, 15, false, false, true},     {KEYS_MAX, 15, true, true, true},  {3, 2, false, false, true},
};

/* ---- priorities ---- */

/* The state of the key of the first priority, as whoever changes it says so: odd while it changes. */
static struct stage {
    _Atomic uint64_t changes;
    _Atomic bool is_available;
    _Atomic bool is_over;
    _Atomic uint64_t checked[2]; /* picks that were certain, while it was not available and while it was */
} * stage;

enum { FIRST, SECOND_A, SECOND_B, LAST, CHANGES = 1000 };

static const unsigned priorities[] = {[FIRST] = 0, [SECOND_A] = 1, [SECOND_B] = 1, [LAST] = 3};

/* Each takes the key out, or back. */
static void change_status(bool is_available_then)
{
    mark(ids[FIRST], is_available_then ? KEYSHM_AVAILABLE : KEYSHM_INVALID);
}

static void change_group(bool is_available_then)
{
    mark(groups[FIRST], is_available_then ? KEYSHM_AVAILABLE : KEYSHM_INVALID);
}

static void change_pause(bool is_available_then)
{
    EXPECT_EQ(is_available_then ? keyshm_resume(pool, ids[FIRST]) : keyshm_pause(pool, ids[FIRST]), 0);
}

static void change_priority(bool is_available_then)
{
    EXPECT_EQ(keyshm_set_priority(pool, ids[FIRST], is_available_then ? 0 : 3), 0);
}

static void change_membership(bool is_available_then)
{
    if (is_available_then)
        EXPECT_EQ(keyshm_add_to_group(pool, "sk-share-0", groups[FIRST], &ids[FIRST]), 0);
    else
        EXPECT_EQ(keyshm_remove(pool, ids[FIRST]), 0);
}

/* And after it one of the next priority; or that one before it. So that one is never the next. */
static void change_two(bool is_available_then)
{
    if (is_available_then) {
        mark(ids[FIRST], KEYSHM_AVAILABLE);
        mark(ids[SECOND_A], KEYSHM_AVAILABLE);
    } else {
        mark(ids[SECOND_A], KEYSHM_INVALID);
        mark(ids[FIRST], KEYSHM_INVALID);
    }
}

static const struct change {
    void (*make)(bool is_available_then);
    unsigned never; /* picked */
} changes[] = {
    {change_status, LAST},   {change_group, LAST},      {change_pause, LAST},
    {change_priority, LAST}, {change_membership, LAST}, {change_two, SECOND_A},
};

/* A pick during which nothing changed. */
static void check_pick(unsigned slot, bool first_is_available)
{
    EXPECT(first_is_available ? slot == FIRST : slot == SECOND_A || slot == SECOND_B);
    atomic_fetch_add(&stage->checked[first_is_available], 1);
}

static void pick_beside_changes(const struct change *change, bool is_burst)
{
    while (!atomic_load(&stage->is_over)) {
        uint64_t before = atomic_load(&stage->changes);
        bool first_is_available = atomic_load(&stage->is_available);
        unsigned slot = 0;
        if (is_burst)
            burst_go_on(pool);
        EXPECT_EQ(try_pick(&slot), 0);
        EXPECT(slot != change->never);
        if (before % 2 == 0 && atomic_load(&stage->changes) == before)
            check_pick(slot, first_is_available);
    }
    exit(0);
}

static void change_all(const struct change *change)
{
    for (int i = 0; i < CHANGES || stage->checked[0] == 0 || stage->checked[1] == 0; i++) {
        bool is_available_then = i % 2 == 1;
        atomic_fetch_add(&stage->changes, 1);
        change->make(is_available_then);
        atomic_store(&stage->is_available, is_available_then);
        atomic_fetch_add(&stage->changes, 1);
        if (random_below(8) == 0)
            sched_yield();
    }
    atomic_store(&stage->is_over, true);
}

static void run_changes(const struct change *change, bool has_model)
{
    pid_t children[PROCESSES];
    memset(stage, 0, sizeof(*stage));
    stage->is_available = true;
    begin_pool(LAST + 1, true, has_model);
    for (unsigned i = 0; i <= LAST; i++) {
        EXPECT_EQ(keyshm_set_priority(pool, ids[i], priorities[i]), 0);
        EXPECT_EQ(keyshm_set_group(pool, ids[i], i == FIRST ? groups[FIRST] : 0), 0);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        if ((children[i] = expect_fork()) == 0)
            pick_beside_changes(change, i % 2 == 0);
    change_all(change);
    for (unsigned i = 0; i < PROCESSES; i++)
        expect_success_of(children[i]);
    printf("%llu and %llu picks beside %d changes\n", (unsigned long long)stage->checked[1],
           (unsigned long long)stage->checked[0], CHANGES);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
}

int main(void)
{
    picks_of = expect_shared_memory(KEYS_MAX * sizeof(*picks_of));
    stage = expect_shared_memory(sizeof(*stage));
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        run_scene(&scenes[i]);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
        for (int has_model = 0; has_model < 2; has_model++)
            run_changes(&changes[i], has_model != 0);
    return 0;
}
