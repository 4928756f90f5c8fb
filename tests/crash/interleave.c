/* SPDX-License-Identifier: MIT */

/*
 * Every ordered pair of operations A and B: A is stopped at each of its instructions, B runs as a whole, A goes on to its
 * end. What both returned and what the pool then holds must be what a serial order of their steps gives (linearizability;
 * Herlihy and Wing, 1990): all of it, down to counters and to the keys that the next picks give. Every operation is one
 * step, but for those that are two calls: another may come between them.
 *
 * (A reset of cooldowns is a step for each key, and so there is one to reset.)
 *
 * All operations are about one key, the one that the next pick would give, so that they get in each other's way as much
 * as they can. The clock stands still.
 *
 *   interleave [STRIDE]
 */

#include "lock.h"
#include "pool.h"
#include "slot.h"

#include "expect.h"
#include "stepper.h"
#include "virtual_clock.h"

#define START_NS (5000000 * NS_PER_MS)

enum { SLOTS = 6, KEYS = 5, TARGET = 0, PICKS_AFTER = 7 };

/* ---- the world: keys 0 to 4 in all kinds of states, and one slot that was used before ---- */

static keyshm_pool *pool;
static keyshm_id ids[KEYS];

static const char *key_text(int number)
{
    static char text[40];
    snprintf(text, sizeof(text), "sk-interleave-abcdefghijkl-%04d", number);
    return text;
}

static void begin(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct keyshm_pick pick;
    keyshm_id gone;
    virtual_clock->monotonic_ns = START_NS; /* the same deadlines in every world */
    options.capacity = SLOTS;
    options.key_max = 40;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "interleave", &options), 0);
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(keyshm_add(pool, key_text(i), &ids[i]), 0);
    EXPECT_EQ(keyshm_add(pool, key_text(KEYS), &gone), 0);
    EXPECT_EQ(keyshm_remove(pool, gone), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[TARGET], 1), 0);
    virtual_clock_pass_ms(5); /* it is over, and nobody has written it down */
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[1], 1000), 0);
    EXPECT_EQ(keyshm_mark_invalid(pool, ids[4]), 0);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(keyshm_next(pool, &pick), 0); /* of 0, 2 and 3: the next is 0 again */
    EXPECT_EQ(pick.id, ids[3]);
}

/* ---- operations ---- */

struct result {
    long long value;
    keyshm_id id;
    uint64_t content; /* of what was returned, in one number */
};
_Static_assert(sizeof(struct result) == 24, "compared byte by byte, so it has no padding");

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

static struct result next(void)
{
    struct keyshm_pick pick = {.id = 0};
    struct result result = {.value = keyshm_next(pool, &pick)};
    result.id = pick.id;
    result.content = add_up_text(pick.key_length, pick.key);
    return result;
}

static struct result limit(void)
{
    return (struct result){.value = keyshm_mark_rate_limited(pool, ids[TARGET], 500)};
}

static struct result limit_longer(void)
{
    return (struct result){.value = keyshm_mark_rate_limited(pool, ids[TARGET], 800)};
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

static struct result reset(void)
{
    return (struct result){.value = keyshm_reset_expired_cooldowns(pool)};
}

static struct result add_key(void)
{
    struct result result = {.id = 0};
    result.value = keyshm_add(pool, key_text(KEYS + 1), &result.id);
    return result;
}

static struct result remove_key(void)
{
    return (struct result){.value = keyshm_remove(pool, ids[TARGET])};
}

/* Into the slot of the key that was removed, when it was. */
static struct result add_another(void)
{
    struct result result = {.id = 0};
    result.value = keyshm_add(pool, key_text(KEYS + 2), &result.id);
    return result;
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
    EXPECT_EQ(result.value, 0);
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

enum { STEPS_MAX = 2 };

static const struct operation {
    const char *name;
    struct result (*steps[STEPS_MAX])(void); /* one, or two that others may come between */
    bool takes_mutex;
} operations[] = {
    {"next", {next}, false},
    {"rate limited", {limit}, false},
    {"rate limited, longer", {limit_longer}, false},
    {"quota exceeded", {exceed_quota}, false},
    {"invalid", {invalidate}, false},
    {"available", {free_key}, false},
    {"reset expired", {reset}, false},
    {"add", {add_key}, true},
    {"remove", {remove_key}, true},
    {"remove, then add", {remove_key, add_another}, true},
    {"find", {find}, false},
    {"is available, count", {ask, count}, false},
    {"snapshot", {look}, false},
};
#define OPERATION_COUNT (sizeof(operations) / sizeof(operations[0]))

/* ---- outcomes ---- */

struct outcome {
    struct result of[2][STEPS_MAX]; /* of A, of B */
    uint64_t state;
};

static unsigned count_steps(const struct operation *operation)
{
    return operation->steps[1] != NULL ? 2 : 1;
}

static void run(const struct operation *operation, struct result results[STEPS_MAX])
{
    for (unsigned i = 0; i < count_steps(operation); i++)
        results[i] = operation->steps[i]();
}

/* Everything that a later call could tell, but for the time of the last use, which stands still too. */
static uint64_t state_of_pool(void)
{
    uint64_t state = 0;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        uint64_t word = atomic_load(&pool->words[slot]);
        const struct layout_slot *at = pool_slot(pool, slot);
        state = add_up(state, word);
        if (!word_is_live(word))
            continue;
        state = add_up(state, atomic_load(&at->id));
        state = add_up(state, atomic_load(&at->picks));
        for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
            state = add_up(state, atomic_load(&at->marked[status]));
    }
    for (int i = 0; i < PICKS_AFTER; i++) {
        struct result picked = next();
        state = add_up(add_up(add_up(state, (uint64_t)picked.value), picked.id), picked.content);
    }
    return state;
}

static void print_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "%s\n", problem);
}

static void end_world(void)
{
    EXPECT_EQ(keyshm_verify(pool, print_problem, NULL), 0);
    keyshm_close(pool);
}

/* ---- serial orders ---- */

enum { ORDERS_MAX = 6 };

static struct outcome orders[ORDERS_MAX];
static unsigned order_count;

/* One order of all steps: bit i of `choice` says whether step i is one of B's. */
static void run_in_order(const struct operation *const pair[2], unsigned choice, struct outcome *ret_outcome)
{
    unsigned done[2] = {0, 0};
    memset(ret_outcome, 0, sizeof(*ret_outcome));
    begin();
    for (unsigned i = 0; i < count_steps(pair[0]) + count_steps(pair[1]); i++) {
        unsigned who = choice >> i & 1;
        ret_outcome->of[who][done[who]] = pair[who]->steps[done[who]]();
        done[who]++;
    }
    ret_outcome->state = state_of_pool();
    end_world();
}

static void find_orders(const struct operation *const pair[2])
{
    unsigned steps = count_steps(pair[0]) + count_steps(pair[1]);
    order_count = 0;
    for (unsigned choice = 0; choice < 1u << steps; choice++)
        if ((unsigned)__builtin_popcount(choice) == count_steps(pair[1]))
            run_in_order(pair, choice, &orders[order_count++]);
}

/* ---- one pair ---- */

static const struct operation *pair[2];
static struct outcome *seen; /* shared with the victim, who is A */
static bool is_blocked;
static int blocked, given_by[ORDERS_MAX];

static void begin_pair(void)
{
    memset(seen, 0, sizeof(*seen));
    begin();
}

static void victim_runs_a(void)
{
    run(pair[0], seen->of[0]);
}

/* A process that stands still with the mutex in its hand stops membership changes, and these only. */
static void run_b(void)
{
    is_blocked = pair[1]->takes_mutex && lock_holder(pool) != 0;
    if (!is_blocked)
        run(pair[1], seen->of[1]);
}

static void print_outcome(const char *name, const struct outcome *outcome)
{
    fprintf(stderr, "%s: state %#llx\n", name, (unsigned long long)outcome->state);
    for (int who = 0; who < 2; who++)
        for (unsigned i = 0; i < count_steps(pair[who]); i++)
            fprintf(stderr, "    %c: %lld, id %#llx, content %#llx\n", 'A' + who, outcome->of[who][i].value,
                    (unsigned long long)outcome->of[who][i].id, (unsigned long long)outcome->of[who][i].content);
}

static void fail_pair(void)
{
    fprintf(stderr, "A: %s, B: %s: no serial order gives this\n", pair[0]->name, pair[1]->name);
    print_outcome("seen", seen);
    for (unsigned i = 0; i < order_count; i++)
        print_outcome("serial", &orders[i]);
    EXPECT(false);
}

static void judge(void)
{
    if (!is_blocked)
        seen->state = state_of_pool();
    end_world();
    if (is_blocked) {
        blocked++;
        return;
    }
    unsigned i = 0;
    while (i < order_count && memcmp(&orders[i], seen, sizeof(*seen)) != 0)
        i++;
    if (i == order_count)
        fail_pair();
    given_by[i]++;
}

static void run_pair(size_t stride)
{
    struct stepper_case test = {pair[0]->name, begin_pair, victim_runs_a, run_b, judge};
    blocked = 0;
    memset(given_by, 0, sizeof(given_by));
    find_orders(pair);
    struct stepper_count stepped = stepper_run(&test, stride);
    printf("%-20s  %-20s  %5zu instructions, %5zu stops, %5d waited for; serial orders:", pair[0]->name, pair[1]->name,
           stepped.instructions, stepped.stops, blocked);
    for (unsigned i = 0; i < order_count; i++)
        printf(" %d", given_by[i]);
    printf(", 0 broken\n");
}

int main(int argc, char **argv)
{
    size_t stride = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (!stepper_is_possible()) {
        printf("skipped: this system does not let a process trace its child\n");
        return 77;
    }
    if (stride == 0) {
        fprintf(stderr, "usage: interleave [STRIDE]\n");
        return 1;
    }
    virtual_clock_begin();
    seen = expect_shared_memory(sizeof(*seen));
    for (size_t i = 0; i < OPERATION_COUNT; i++) {
        for (size_t j = 0; j < OPERATION_COUNT; j++) {
            pair[0] = &operations[i];
            pair[1] = &operations[j];
            run_pair(stride);
        }
    }
    return 0;
}
