/* SPDX-License-Identifier: MIT */
#include "pick.h"
#include "pool_clock.h"
#include "ready_bits.h"
#include "state_word.h"

#include "fixture.h"

/* Every wrong state of the hints that a killed process can leave behind. */

TestSuite(ready_bits, .init = create_pool, .fini = close_pool);

static void clear_all_bits(void)
{
    atomic_store(&pool->ready[0], 0);
}

static bool bit_is_set(unsigned slot)
{
    return atomic_load(&pool->ready[0]) >> slot & 1;
}

Test(ready_bits, a_pick_is_exact_when_every_bit_is_lost)
{
    keyshm_id ids[4];
    add_keys(ids, 4);
    pick_id();
    clear_all_bits();
    cr_assert_eq(pick_id(), ids[1], "no bit leads to a key, so the words are asked");
    cr_assert_eq(pick_id(), ids[2]);
}

Test(ready_bits, a_lost_bit_hides_a_key_no_longer_than_the_interval)
{
    keyshm_id ids[3];
    bool seen = false;
    add_keys(ids, 3);
    pick_id();
    atomic_fetch_and(&pool->ready[0], ~UINT64_C(2));
    uint64_t start_ms = pool_now_ms(pool), now_ms = start_ms;
    while (!seen && now_ms <= start_ms + READY_SWEEP_INTERVAL_MS + 20) {
        now_ms = pool_now_ms(pool); /* before the pick, so that a later stall does not fail the test */
        seen = pick_id() == ids[1];
    }
    cr_assert(seen);
    cr_assert_leq(READY_SWEEP_INTERVAL_MS, 500);
}

Test(ready_bits, bits_of_nothing_cost_a_look_and_are_cleared)
{
    keyshm_id ids[3];
    add_keys(ids, 3);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[1]), 0);
    cr_assert_eq(keyshm_remove(pool, ids[2]), 0);
    atomic_store(&pool->ready[0], UINT64_MAX);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pick_id(), ids[0]);
    cr_assert(bit_is_set(0));
    cr_assert_not(bit_is_set(1));
    cr_assert_not(bit_is_set(2));
}

Test(ready_bits, a_bit_is_cleared_only_when_a_sweep_will_set_it_again)
{
    keyshm_id id = add_key(1);
    pick_id();
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 100), 0);
    struct pair pair = pair_load(pool, 0, 0, memory_order_relaxed);
    ready_clear(pool, 0, 0, &pair);
    cr_assert_not(bit_is_set(0));
    cr_assert_leq(ready_next_due_ms(pool, 0), word_deadline_ms(pair.key));
    ready_sweep(pool, 0, word_deadline_ms(pair.key));
    cr_assert(bit_is_set(0));
}

Test(ready_bits, a_word_that_changed_meanwhile_keeps_its_bit)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    struct pair seen = pair_load(pool, 0, 0, memory_order_relaxed);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    ready_clear(pool, 0, 0, &seen);
    cr_assert(bit_is_set(0), "cleared because of an outdated word");
}

Test(ready_bits, a_sweep_notes_the_earliest_deadline)
{
    keyshm_id ids[4];
    add_keys(ids, 4);
    keyshm_mark_rate_limited(pool, ids[0], 300);
    keyshm_mark_rate_limited(pool, ids[1], 200);
    keyshm_mark_invalid(pool, ids[2]);
    uint64_t now_ms = pool_now_ms(pool);
    ready_make_all_due(pool, 0);
    ready_sweep(pool, 0, now_ms);
    uint64_t due_ms = ready_next_due_ms(pool, 0);
    cr_assert_eq(due_ms, word_deadline_ms(atomic_load(&pool->words[1])));
}

Test(ready_bits, a_sweep_is_never_due_later_than_the_interval)
{
    uint64_t now_ms = pool_now_ms(pool);
    ready_make_all_due(pool, 0);
    ready_sweep(pool, 0, now_ms);
    cr_assert_eq(ready_next_due_ms(pool, 0), now_ms + READY_SWEEP_INTERVAL_MS);
}

Test(ready_bits, finds_the_lowest_bit_in_a_range)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *wide;
    options.capacity = 200;
    cr_assert_eq(keyshm_create_anonymous(&wide, "wide", &options), 0);
    for (uint32_t bit = 0; bit < 200; bit++) {
        ready_set(wide, 0, bit);
        for (uint32_t from = 0; from < 200; from++) {
            cr_assert_eq(ready_find(wide, 0, NULL, from, 200), from <= bit ? bit : READY_NONE);
            cr_assert_eq(ready_find(wide, 0, NULL, from, bit), READY_NONE, "the end is not in the range");
        }
        atomic_store(&wide->ready[bit / 64], 0);
    }
    cr_assert_eq(ready_find(wide, 0, NULL, 0, 0), READY_NONE);
    keyshm_close(wide);
}

Test(ready_bits, a_cursor_beyond_the_end_begins_at_the_start)
{
    keyshm_id ids[3];
    add_keys(ids, 3);
    atomic_store(&pool->header->model_0.cursor, 3);
    cr_assert_eq(pick_id(), ids[0]);
    atomic_store(&pool->header->model_0.cursor, 1000000);
    cr_assert_eq(pick_id(), ids[0]);
}
