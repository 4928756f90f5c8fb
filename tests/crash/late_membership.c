/* SPDX-License-Identifier: MIT */

/* The owner of the mutex is stopped. Calls that do not need the mutex do not wait for it. */

#include "late.h"

static void victim_adds_b(void)
{
    seen->result = letter_add('B');
    seen->id = *letter_id('B');
}

static void victim_removes_a(void)
{
    seen->result = keyshm_remove(late_pool, *letter_id('A'));
}

/* Every key that is seen is whole; C is always there, and can be used. */
static void use_meanwhile(void)
{
    struct keyshm_pick picked;
    keyshm_id id;
    bool c_picked = false;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(keyshm_next(late_pool, &picked), 0);
        c_picked |= letter_of(&picked) == 'C';
        EXPECT_EQ(letter_find(letter_of(&picked), &id), 0);
        EXPECT_EQ(id, picked.id);
    }
    EXPECT(c_picked);
    EXPECT_EQ(letter_find('C', &id), 0);
    EXPECT_EQ(id, *letter_id('C'));
    EXPECT_EQ(keyshm_mark_rate_limited(late_pool, id, 60000), 0);
    EXPECT_EQ(keyshm_is_available(late_pool, id), 0);
    EXPECT_EQ(keyshm_mark_available(late_pool, id), 0);
    late_take_snapshot();
    EXPECT_EQ(keyshm_available_count(late_pool), seen->rows);
    for (unsigned i = 0; i < seen->rows; i++) {
        EXPECT_EQ(letter_find(seen->row[i].letter, &id), 0);
        EXPECT_EQ(id, seen->row[i].id);
    }
}

static void end_added(void)
{
    keyshm_id id;
    EXPECT_EQ(seen->result, 0);
    EXPECT(seen->rows == 2 || seen->rows == 3);
    EXPECT_EQ(letter_find('B', &id), 0);
    EXPECT_EQ(id, seen->id);
    *letter_id('B') = id;
    late_pick_others(3);
    EXPECT(late_picks_of[0] == 1 && late_picks_of[1] == 1 && late_picks_of[2] == 1);
    late_end();
}

static void end_removed(void)
{
    keyshm_id id;
    EXPECT_EQ(seen->result, 0);
    EXPECT(seen->rows == 1 || seen->rows == 2);
    EXPECT_EQ(letter_find('A', &id), -ENOENT);
    EXPECT_EQ(letter_pick(), 'C');
    EXPECT_EQ(letter_pick(), 'C');
    late_end();
}

static const struct scenario scenarios[] = {
    {"add, all the rest", late_begin_ac, victim_adds_b, use_meanwhile, end_added},
    {"remove, all the rest", late_begin_ac, victim_removes_a, use_meanwhile, end_removed},
};
const struct scenario_list late_membership_scenarios = SCENARIO_LIST(scenarios);
