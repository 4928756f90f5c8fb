/* SPDX-License-Identifier: MIT */

/*
 * Workers take leases of one key that hold tokens, and give them back, on a clock that stands still: so nothing drains, and
 * exactly so many are admitted as the burst has tokens for. Who looks at what is used before it looks at what is held can
 * miss a lease that is given back in between, and one too many is admitted: that is staged, too (the linker puts the functions
 * below in the place of the library's). And who remembers that it was refused looks again
 * when what was in the way is given up.
 */

#include <sched.h>
#include <stdatomic.h>

#include "places.h"

#include "expect.h"
#include "virtual_clock.h"

enum { WORKERS = 8, ROUNDS = 3000, TOKENS = 10, ADMITTED = 6, REFUSALS_MAX = 5, BURST_CALLS = 5000 };

static keyshm_pool *pool;
static keyshm_id key;

static struct shared {
    _Atomic unsigned ready, round;
    _Atomic unsigned admitted;
    _Atomic unsigned done;
} * shared;

static int acquire(struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = TOKENS;
    return keyshm_acquire(pool, &request, ret_lease);
}

/* Until it is refused again and again: others may give up what they hold. */
static void take_all(void)
{
    for (int refusals = 0; refusals < REFUSALS_MAX;) {
        struct keyshm_lease lease;
        int r = acquire(&lease);
        EXPECT(r == 0 || r == -EAGAIN);
        refusals += r != 0;
        if (r != 0)
            continue;
        atomic_fetch_add(&shared->admitted, 1);
        sched_yield(); /* and so it holds them while others ask */
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
    }
}

static void work(void)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        atomic_fetch_add(&shared->ready, 1);
        while (atomic_load(&shared->round) < round)
            sched_yield();
        take_all();
        atomic_fetch_add(&shared->done, 1);
    }
}

static void set_limits(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens = (struct keyshm_rate){
        .amount = 1000, .per_ms = 60000, .burst = ADMITTED * TOKENS + TOKENS / 2, .charge = KEYSHM_CHARGE_AT_RELEASE};
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, NULL), 0);
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, &limits), 0);
}

static void wait_until(_Atomic unsigned *count, unsigned least)
{
    while (atomic_load(count) < least)
        sched_yield();
}

static void run_round(unsigned round)
{
    wait_until(&shared->ready, round * WORKERS);
    set_limits();
    atomic_store(&shared->admitted, 0);
    atomic_store(&shared->round, round);
    wait_until(&shared->done, round * WORKERS);
    take_all();
    EXPECT_EQ(atomic_load(&shared->admitted), ADMITTED);
}

/* ---- staged ---- */

/* Another request comes after this one has looked, and before it has a place; and it ends when this one looks again at what is
 * held. */
static struct keyshm_lease other;
static bool is_staged;

int __real_places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                       uint32_t *ret_number);
int __wrap_places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                       uint32_t *ret_number);
uint64_t __real_places_held(const struct places *places, unsigned model, uint64_t own);
uint64_t __wrap_places_held(const struct places *places, unsigned model, uint64_t own);

int __wrap_places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                       uint32_t *ret_number)
{
    if (is_staged) {
        is_staged = false;
        EXPECT_EQ(acquire(&other), 0);
        is_staged = true;
    }
    return __real_places_take(places, cap, cell, note, ret_number);
}

uint64_t __wrap_places_held(const struct places *places, unsigned model, uint64_t own)
{
    if (is_staged && own != CELL_FREE) {
        is_staged = false;
        EXPECT_EQ(keyshm_release(pool, &other), 0);
    }
    return __real_places_held(places, model, own);
}

static void check_order_of_looks(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_lease lease;
    limits.tokens =
        (struct keyshm_rate){.amount = 1000, .per_ms = 60000, .burst = TOKENS, .charge = KEYSHM_CHARGE_AT_RELEASE};
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, &limits), 0);
    is_staged = true;
    EXPECT_EQ(acquire(&lease), -EAGAIN);
    EXPECT(!is_staged);
}

/* ---- a refusal that is remembered ---- */

/* Of a process in a burst, which then does not look again for a while. */
static void expect_refusals(void)
{
    struct keyshm_lease lease;
    for (int i = 0; i < BURST_CALLS; i++)
        EXPECT_EQ(acquire(&lease), -EAGAIN);
}

/* But when what was in the way is given up, it looks at once: tokens, or a place. */
static void check_announcements(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_lease lease;
    limits.tokens =
        (struct keyshm_rate){.amount = 1000, .per_ms = 60000, .burst = TOKENS, .charge = KEYSHM_CHARGE_AT_RELEASE};
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, NULL), 0);
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, &limits), 0);
    EXPECT_EQ(acquire(&lease), 0);
    expect_refusals();
    EXPECT_EQ(keyshm_settle(pool, &lease, 0), 0);
    EXPECT_EQ(acquire(&other), 0);
    EXPECT_EQ(keyshm_release(pool, &other), 0);
    limits = (struct keyshm_limits)KEYSHM_LIMITS_INIT;
    limits.in_flight = 1;
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, &limits), 0);
    expect_refusals();
    EXPECT_EQ(keyshm_release(pool, &lease), 0);
    EXPECT_EQ(acquire(&lease), 0);
    EXPECT_EQ(keyshm_release(pool, &lease), 0);
}

int main(void)
{
    pid_t workers[WORKERS];
    expect_end_in_time();
    virtual_clock_begin();
    virtual_clock->tick_ns = NS_PER_MS;
    shared = expect_shared_memory(sizeof(*shared));
    EXPECT_EQ(keyshm_create_anonymous(&pool, "held", NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-held-abcdefghijklmnop", &key), 0);
    check_order_of_looks();
    check_announcements();
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = expect_fork();
        if (workers[i] == 0) {
            work();
            _exit(0);
        }
    }
    for (unsigned round = 1; round <= ROUNDS; round++)
        run_round(round);
    for (int i = 0; i < WORKERS; i++)
        expect_success_of(workers[i]);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    return 0;
}
