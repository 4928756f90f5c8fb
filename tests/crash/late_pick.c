/* SPDX-License-Identifier: MIT */
#include "late.h"

#include <limits.h>

#include "virtual_clock.h"

static void victim_picks(void)
{
    seen->result = keyshm_next(late_pool, &seen->pick);
}

/* ---- the key is replaced, or marked ---- */

/* The old key or the new one, and the pick is counted for the key that it gave. */
static void end_pick_of_replaced(void)
{
    EXPECT_EQ(seen->result, 0);
    char letter = letter_of(&seen->pick);
    EXPECT(letter == 'A' || letter == 'B');
    EXPECT_EQ(seen->pick.id, *letter_id(letter));
    if (letter == 'A')
        late_expect_marked('B', 0, 0);
    EXPECT_EQ(late_row_of(*letter_id('B')).picks, letter == 'B');
    EXPECT_EQ(late_row_of(*letter_id('B')).last_used_ago_ms >= 0, letter == 'B');
    EXPECT_EQ(letter_pick(), 'B');
    EXPECT_EQ(late_row_of(*letter_id('B')).picks, 1 + (letter == 'B'));
    late_end();
}

/* The same key comes back into its slot: only its id differs. */
static void replace_a_by_b_by_a(void)
{
    seen->former_id = *letter_id('A');
    letter_replace('A', 'B');
    letter_replace('B', 'A');
}

static void end_pick_of_returned(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(letter_of(&seen->pick), 'A');
    EXPECT(seen->pick.id == *letter_id('A') || seen->pick.id == seen->former_id);
    if (seen->pick.id == seen->former_id)
        late_expect_marked('A', 0, 0);
    EXPECT_EQ(late_row_of(*letter_id('A')).picks, seen->pick.id == *letter_id('A'));
    EXPECT_EQ(late_row_of(*letter_id('A')).last_used_ago_ms >= 0, seen->pick.id == *letter_id('A'));
    late_end();
}

static void end_pick_of_invalid(void)
{
    char letter = letter_of(&seen->pick);
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(late_row_of(*letter_id('A')).picks, letter == 'A');
    EXPECT_EQ(late_row_of(*letter_id('C')).picks, letter == 'C');
    EXPECT_EQ(letter_pick(), 'C');
    EXPECT_EQ(letter_pick(), 'C');
    EXPECT_EQ(late_row_of(*letter_id('C')).picks, 2 + (letter == 'C'));
    EXPECT_EQ(keyshm_mark_available(late_pool, *letter_id('A')), 0);
    EXPECT(letter_pick() != letter_pick());
    late_end();
}

/* ---- others pick meanwhile ---- */

static void begin_abc(void)
{
    late_begin_with("ABC", 3);
}

static void pick_two(void)
{
    late_pick_others(2);
}

static void pick_three(void)
{
    late_pick_others(3);
}

static void pick_five(void)
{
    late_pick_others(5);
}

static void end_fair(void)
{
    unsigned least = UINT_MAX, most = 0;
    EXPECT_EQ(seen->result, 0);
    late_picks_of[letter_of(&seen->pick) - 'A']++;
    for (int i = 0; i < 3; i++) {
        unsigned picks = late_picks_of[i];
        EXPECT_EQ(late_row_of(*letter_id((char)('A' + i))).picks, picks);
        least = picks < least ? picks : least;
        most = picks > most ? picks : most;
    }
    EXPECT(most - least <= 1);
    late_end();
}

/* ---- a key becomes available while a pick finds that it is not ---- */

static void mark_a_available(void)
{
    EXPECT_EQ(keyshm_mark_available(late_pool, *letter_id('A')), 0);
    EXPECT(letter_pick() != letter_pick());
}

/* At once: no time has passed. */
static void end_a_available(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT(letter_pick() != letter_pick());
    late_end();
}

static void begin_a_cooling(void)
{
    late_begin_ac();
    EXPECT_EQ(keyshm_mark_rate_limited(late_pool, *letter_id('A'), 100), 0);
}

/* The same, but no sweep is due when the victim picks, and earlier picks have already passed over the key. */
static void begin_a_cooling_known(void)
{
    begin_a_cooling();
    EXPECT_EQ(letter_pick(), 'C');
    EXPECT_EQ(letter_pick(), 'C');
    virtual_clock_pass_ms(50);
}

static void end_cooldown_of_a(void)
{
    virtual_clock_pass_ms(late_row_of(*letter_id('A')).cooldown_left_ms);
    EXPECT_EQ(keyshm_is_available(late_pool, *letter_id('A')), 1);
    letter_pick();
}

/* A stopped sweep may hide the key from others, but not for longer than a hint may be wrong. */
static void end_a_cooled(void)
{
    EXPECT_EQ(seen->result, 0);
    virtual_clock_pass_ms(1000);
    EXPECT(letter_pick() != letter_pick());
    late_end();
}

static const struct scenario scenarios[] = {
    {"pick, key replaced", late_begin_a, victim_picks, late_replace_a_by_b, end_pick_of_replaced},
    {"pick, key replaced twice", late_begin_a, victim_picks, replace_a_by_b_by_a, end_pick_of_returned},
    {"pick, key invalid", late_begin_ac, victim_picks, late_mark_a_invalid, end_pick_of_invalid},
    {"pick, two others", begin_abc, victim_picks, pick_two, end_fair},
    {"pick, three others", begin_abc, victim_picks, pick_three, end_fair},
    {"pick, five others", begin_abc, victim_picks, pick_five, end_fair},
    {"pick, key available", late_begin_a_invalid, victim_picks, mark_a_available, end_a_available},
    {"pick, cooldown ends", begin_a_cooling, victim_picks, end_cooldown_of_a, end_a_cooled},
    {"pick, known cooldown ends", begin_a_cooling_known, victim_picks, end_cooldown_of_a, end_a_cooled},
};
const struct scenario_list late_pick_scenarios = SCENARIO_LIST(scenarios);
