/* SPDX-License-Identifier: MIT */

/*
 * A call that is about a group or a model is stopped, and the group is removed and another takes its place, or a key
 * moves from one to another, or is replaced.
 */

#include "late.h"

#include "burst.h"
#include "for_model.h"

static keyshm_id old_group, new_group;
static unsigned model;

/* ---- beginnings ---- */

static void make_group(const char *name, keyshm_id *ret_group)
{
    EXPECT_EQ(keyshm_group(late_pool, name, ret_group), 0);
}

static void move_a(keyshm_id group_or_0)
{
    EXPECT_EQ(keyshm_set_group(late_pool, *letter_id('A'), group_or_0), 0);
}

static void begin_empty_group(void)
{
    late_begin_ac();
    make_group("old", &old_group);
}

static void begin_a_in_group(void)
{
    begin_empty_group();
    move_a(old_group);
}

/* There is no other key. */
static void begin_only_a_in_group(void)
{
    late_begin_a();
    make_group("old", &old_group);
    move_a(old_group);
}

/* E is too long for registers: what it depends on is read before it (pick.c). */
static void begin_long_in_group(void)
{
    late_begin_with("EC", 3);
    make_group("old", &old_group);
    EXPECT_EQ(keyshm_set_group(late_pool, *letter_id('E'), old_group), 0);
}

/* The turn of A comes after that of C. */
static void begin_c_then_a(void)
{
    late_begin_with("CA", 3);
    EXPECT_EQ(keyshm_model(late_pool, "model", &model), 0);
    make_group("old", &old_group);
    move_a(old_group);
}

static struct keyshm_mark make_mark(enum keyshm_status status, unsigned for_model)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.duration_ms = 60000;
    mark.model = for_model;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    return mark;
}

static int limit(keyshm_id id, unsigned for_model)
{
    struct keyshm_mark mark = make_mark(KEYSHM_RATE_LIMITED, for_model);
    return keyshm_mark(late_pool, id, &mark);
}

static void begin_limited_group(void)
{
    begin_empty_group();
    EXPECT_EQ(limit(old_group, 0), 0);
}

static void begin_a_in_limited_group(void)
{
    begin_a_in_group();
    EXPECT_EQ(limit(old_group, 0), 0);
}

/* A is in one that is not, and another one is. */
static void begin_a_beside_limited_group(void)
{
    begin_a_in_group();
    make_group("new", &new_group);
    EXPECT_EQ(limit(new_group, 0), 0);
}

static void begin_c_then_limited_a(void)
{
    begin_c_then_a();
    EXPECT_EQ(limit(old_group, 0), 0);
}

static void begin_c_then_a_limited_for_model(void)
{
    begin_c_then_a();
    EXPECT_EQ(limit(*letter_id('A'), model), 0);
}

static void begin_c_then_a_of_group_limited_for_model(void)
{
    begin_c_then_a();
    EXPECT_EQ(limit(old_group, model), 0);
}

static void begin_c_then_a_beside_limited_group(void)
{
    begin_c_then_a();
    make_group("new", &new_group);
    EXPECT_EQ(limit(new_group, 0), 0);
}

static void begin_model(void)
{
    late_begin_ac();
    EXPECT_EQ(keyshm_model(late_pool, "model", &model), 0);
}

static void begin_group_and_model(void)
{
    begin_empty_group();
    EXPECT_EQ(keyshm_model(late_pool, "model", &model), 0);
}

static void begin_a_limited_for_model(void)
{
    begin_model();
    EXPECT_EQ(limit(*letter_id('A'), model), 0);
}

/* ---- the calls ---- */

static void victim_limits_group(void)
{
    seen->result = limit(old_group, 0);
}

static void victim_limits_group_of_a(void)
{
    struct keyshm_mark mark = make_mark(KEYSHM_RATE_LIMITED, 0);
    mark.scope = KEYSHM_SCOPE_GROUP;
    seen->result = keyshm_mark(late_pool, *letter_id('A'), &mark);
}

static void victim_releases_group(void)
{
    seen->result = keyshm_mark_available(late_pool, old_group);
}

static void victim_pauses_group(void)
{
    seen->result = keyshm_pause(late_pool, old_group);
}

static void victim_finds_group(void)
{
    seen->result = keyshm_find_group(late_pool, "old", &seen->id);
}

static void victim_limits_group_for_model(void)
{
    seen->result = limit(old_group, model);
}

static void victim_limits_a_for_model(void)
{
    seen->result = limit(*letter_id('A'), model);
}

static void victim_picks(void)
{
    seen->result = keyshm_next(late_pool, &seen->pick);
}

static void victim_acquires(void)
{
    seen->result = pick_for_model(late_pool, model, &seen->pick);
}

/*
 * The first pick claims the turns of C and A, so that the second takes that of A by the short way, on which the words
 * beside the key's own are read once, before the key.
 */
static void victim_picks_in_burst(void)
{
    burst_begin(late_pool);
    (void)keyshm_next(late_pool, &seen->pick);
    seen->result = keyshm_next(late_pool, &seen->pick);
}

static void victim_acquires_in_burst(void)
{
    burst_begin(late_pool);
    (void)pick_for_model(late_pool, model, &seen->pick);
    seen->result = pick_for_model(late_pool, model, &seen->pick);
}

static void victim_asks_for_a(void)
{
    seen->result = keyshm_is_available(late_pool, *letter_id('A'));
}

static void victim_counts(void)
{
    seen->result = keyshm_available_count(late_pool);
}

static void victim_adds_b_to_group(void)
{
    seen->result = keyshm_add_to_group(late_pool, "sk-a-key-that-is-added", old_group, &seen->id);
}

/* ---- what happens meanwhile ---- */

static void replace_group(void)
{
    EXPECT_EQ(keyshm_remove_group(late_pool, old_group), 0);
    make_group("new", &new_group);
}

static void replace_group_by_limited(void)
{
    replace_group();
    EXPECT_EQ(limit(new_group, 0), 0);
}

static void move_a_and_replace_group(void)
{
    move_a(0);
    replace_group();
}

static void move_a_and_replace_group_by_limited(void)
{
    move_a(0);
    replace_group_by_limited();
}

/* F is never available. */
static void replace_long_in_limited_group(void)
{
    EXPECT_EQ(limit(old_group, 0), 0);
    EXPECT_EQ(keyshm_remove(late_pool, *letter_id('E')), 0);
    EXPECT_EQ(letter_add_to_group('F', old_group), 0);
}

static void limit_group(void)
{
    EXPECT_EQ(limit(old_group, 0), 0);
}

static void limit_group_for_model(void)
{
    EXPECT_EQ(limit(old_group, model), 0);
}

static void limit_a_for_model(void)
{
    EXPECT_EQ(limit(*letter_id('A'), model), 0);
}

/* A is marked once more than it was. */
static void limit_a_again(void)
{
    limit_a_for_model();
    limit_group();
    limit_group_for_model();
}

static void move_a_to_limited_group(void)
{
    move_a(new_group);
}

/* A is available all the time. */
static void move_a_to_another_group(void)
{
    make_group("new", &new_group);
    move_a(new_group);
}

static void move_c_to_group_in_the_place(void)
{
    move_a_and_replace_group();
    EXPECT_EQ(keyshm_set_group(late_pool, *letter_id('C'), new_group), 0);
}

static void replace_a_by_b_limited_for_model(void)
{
    seen->former_id = *letter_id('A');
    letter_replace('A', 'B');
    EXPECT_EQ(limit(*letter_id('B'), model), 0);
}

/* The key that is being added to a limited group can never be had. */
static void pick_meanwhile(void)
{
    for (int i = 0; i < 4; i++)
        letter_pick();
    EXPECT_EQ(keyshm_available_count(late_pool), 2);
}

/* ---- ends ---- */

static struct keyshm_key_snapshot state_of(keyshm_id id, unsigned for_model)
{
    struct keyshm_key_snapshot state;
    EXPECT_EQ(keyshm_inspect(late_pool, id, for_model, sizeof(state), &state), 0);
    return state;
}

/* The mark met the group that it was for, or none. */
static void end_mark_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    struct keyshm_key_snapshot state = state_of(new_group, model);
    EXPECT_EQ(state.benched_by, 0);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        EXPECT_EQ(state.marked[status], 0);
    late_end();
}

static void end_release_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    struct keyshm_key_snapshot state = state_of(new_group, 0);
    EXPECT_EQ(state.status, KEYSHM_RATE_LIMITED);
    EXPECT_EQ(state.marked[KEYSHM_AVAILABLE], 0);
    late_end();
}

static void end_find_of_replaced(void)
{
    EXPECT(seen->result == -ENOENT || (seen->result == 0 && seen->id == old_group));
    late_end();
}

static void end_mark_of_replaced_key(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    EXPECT_EQ(keyshm_is_available_for(late_pool, *letter_id('B'), model), 1);
    late_expect_marked('B', 0, 0);
    late_end();
}

static void end_pick_of_moved(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT(letter_of(&seen->pick) == 'A' || letter_of(&seen->pick) == 'C');
    EXPECT_EQ(letter_pick(), 'C');
    EXPECT_EQ(letter_pick(), 'C');
    late_end();
}

/* A could never be had. */
static void end_pick_of_c(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(letter_of(&seen->pick), 'C');
    late_end();
}

/* For the model A was to be had, until it was marked. */
static void end_acquire_of_limited(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(seen->result, 0);
    EXPECT(letter_of(&seen->pick) == 'A' || letter_of(&seen->pick) == 'C');
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(pick_for_model(late_pool, model, &pick), 0);
        EXPECT_EQ(letter_of(&pick), 'C');
    }
    late_end();
}

static void end_pick_of_a_or_c(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT(letter_of(&seen->pick) == 'A' || letter_of(&seen->pick) == 'C');
    late_end();
}

static void end_pick_of_long(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT(letter_of(&seen->pick) == 'E' || letter_of(&seen->pick) == 'C');
    EXPECT_EQ(letter_pick(), 'C');
    late_end();
}

static void end_pick_of_only_a(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(letter_of(&seen->pick), 'A');
    late_end();
}

/* B could never be had for the model. */
static void end_acquire_of_replaced(void)
{
    EXPECT_EQ(seen->result, 0);
    char letter = letter_of(&seen->pick);
    EXPECT(letter == 'A' || letter == 'C');
    EXPECT_EQ(seen->pick.id, letter == 'A' ? seen->former_id : *letter_id('C'));
    EXPECT_EQ(late_row_of(*letter_id('B')).picks, 0);
    late_end();
}

/* Of B nothing is known for the model. */
static void end_acquire_of_new(void)
{
    struct keyshm_pick first, second;
    EXPECT_EQ(seen->result, 0);
    EXPECT(letter_of(&seen->pick) == 'B' || letter_of(&seen->pick) == 'C');
    EXPECT(pick_for_model(late_pool, model, &first) == 0 && pick_for_model(late_pool, model, &second) == 0);
    EXPECT(letter_of(&first) != letter_of(&second));
    late_end();
}

static void end_available(void)
{
    EXPECT_EQ(seen->result, 1);
    late_end();
}

static void end_count(void)
{
    EXPECT_EQ(seen->result, 2);
    late_end();
}

/* C is available all the time. */
static void end_count_of_c(void)
{
    EXPECT(seen->result == 1 || seen->result == 2);
    late_end();
}

static void end_added_to_limited(void)
{
    EXPECT_EQ(seen->result, 0);
    struct keyshm_key_snapshot state = state_of(seen->id, 0);
    EXPECT_EQ(state.group, old_group);
    EXPECT_EQ(state.benched_by, KEYSHM_BY_GROUP);
    EXPECT_EQ(state.picks, 0);
    late_end();
}

static const struct scenario scenarios[] = {
    {"group, mark, replaced", begin_empty_group, victim_limits_group, replace_group, end_mark_of_replaced},
    {"group, mark by a key that moves", begin_a_in_group, victim_limits_group_of_a, move_a_and_replace_group,
     end_mark_of_replaced},
    {"group, release, replaced", begin_limited_group, victim_releases_group, replace_group_by_limited,
     end_release_of_replaced},
    {"group, pause, replaced", begin_empty_group, victim_pauses_group, replace_group, end_mark_of_replaced},
    {"group, find, replaced", begin_empty_group, victim_finds_group, replace_group, end_find_of_replaced},
    {"group, pick, key moves", begin_a_beside_limited_group, victim_picks, move_a_to_limited_group, end_pick_of_moved},
    {"group, pick, replaced", begin_only_a_in_group, victim_picks, move_a_and_replace_group_by_limited,
     end_pick_of_only_a},
    {"group, pick, long key replaced", begin_long_in_group, victim_picks, replace_long_in_limited_group,
     end_pick_of_long},
    {"group, is available, replaced", begin_only_a_in_group, victim_asks_for_a, move_a_and_replace_group_by_limited,
     end_available},
    {"group, count, key moves", begin_a_in_group, victim_counts, move_a_to_another_group, end_count},
    {"group, count, replaced", begin_a_in_limited_group, victim_counts, move_c_to_group_in_the_place, end_count_of_c},
    {"group, add to a limited one", begin_limited_group, victim_adds_b_to_group, pick_meanwhile, end_added_to_limited},
    {"group, burst, limited", begin_c_then_a, victim_picks_in_burst, limit_group, end_pick_of_moved},
    {"group, burst, key moves", begin_c_then_a_beside_limited_group, victim_picks_in_burst, move_a_to_limited_group,
     end_pick_of_moved},
    {"group, burst, replaced", begin_c_then_a, victim_picks_in_burst, move_a_and_replace_group_by_limited,
     end_pick_of_a_or_c},
    {"group, burst, limited already", begin_c_then_limited_a, victim_picks_in_burst, limit_a_again, end_pick_of_c},
    {"model, burst, limited", begin_c_then_a, victim_acquires_in_burst, limit_a_for_model, end_acquire_of_limited},
    {"model, burst, group limited", begin_c_then_a, victim_acquires_in_burst, limit_group_for_model,
     end_acquire_of_limited},
    {"model, burst, key replaced", begin_c_then_a, victim_acquires_in_burst, replace_a_by_b_limited_for_model,
     end_acquire_of_replaced},
    {"model, burst, limited already", begin_c_then_a_limited_for_model, victim_acquires_in_burst, limit_a_again,
     end_pick_of_c},
    {"model, burst, its group already", begin_c_then_a_of_group_limited_for_model, victim_acquires_in_burst,
     limit_a_again, end_pick_of_c},
    {"model, mark, key replaced", begin_model, victim_limits_a_for_model, late_replace_a_by_b, end_mark_of_replaced_key},
    {"model, mark, group replaced", begin_group_and_model, victim_limits_group_for_model, replace_group,
     end_mark_of_replaced},
    {"model, pick, key replaced", begin_model, victim_acquires, replace_a_by_b_limited_for_model,
     end_acquire_of_replaced},
    {"model, pick, key limited", begin_a_limited_for_model, victim_acquires, late_replace_a_by_b, end_acquire_of_new},
};
const struct scenario_list late_group_scenarios = SCENARIO_LIST(scenarios);
