/* SPDX-License-Identifier: MIT */

/* A call that looks a key up, by its text or by its id, is stopped. */

#include "late.h"
#include "pool.h"
#include "state_word.h"

static char neighbour; /* see begin_neighbours() */

static void victim_finds_a(void)
{
    seen->result = letter_find('A', &seen->id);
}

/* Gone, or the id that it had: never another key's. */
static void end_find_of_replaced(void)
{
    EXPECT(seen->result == -ENOENT || (seen->result == 0 && seen->id == *letter_id('A')));
    late_end();
}

/* ---- all keys move ---- */

static void begin_full(void)
{
    late_begin_with("ABCDEFGH", 8);
}

/* Every other key changes its slot, and every entry of the index is moved. */
static void shuffle_others(void)
{
    static const char others[] = "BCDEFGH";
    for (size_t i = 0; i < sizeof(others) - 1; i++)
        EXPECT_EQ(keyshm_remove(late_pool, *letter_id(others[i])), 0);
    for (size_t i = sizeof(others) - 1; i > 0; i--)
        EXPECT_EQ(letter_add(others[i - 1]), 0);
}

/* And A itself. It is added last, and so into another slot. */
static void shuffle_all(void)
{
    seen->former_id = *letter_id('A');
    EXPECT_EQ(keyshm_remove(late_pool, *letter_id('A')), 0);
    shuffle_others();
    EXPECT_EQ(letter_add('A'), 0);
    EXPECT_EQ(keyshm_remove(late_pool, *letter_id('B')), 0);
    EXPECT_EQ(letter_add('B'), 0);
}

static void end_find_of_kept(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(seen->id, *letter_id('A'));
    late_end();
}

/* The id that it had, or that it has; or it was not there. */
static void end_find_of_moved(void)
{
    keyshm_id id;
    EXPECT(seen->result == -ENOENT || seen->result == 0);
    EXPECT(seen->result < 0 || seen->id == seen->former_id || seen->id == *letter_id('A'));
    EXPECT_EQ(letter_find('A', &id), 0);
    EXPECT_EQ(id, *letter_id('A'));
    late_end();
}

static void victim_finds_i(void)
{
    seen->result = letter_find('I', &seen->id);
}

static void end_find_of_absent(void)
{
    EXPECT_EQ(seen->result, -ENOENT);
    late_end();
}

/* ---- an entry of the index moves up ---- */

/* Where in the index the key's entry is; it has the number of the slot, and 1, in its low 24 bits. */
static uint32_t index_position(char letter)
{
    uint32_t position = 0;
    while ((atomic_load(&late_pool->index[position]) & 0xffffff) != id_slot(*letter_id(letter)) + 1)
        position++;
    return position;
}

static void begin_with_neighbour(void)
{
    late_begin_with((char[]){neighbour, 'A', '\0'}, 2);
}

static bool is_neighbour(void)
{
    begin_with_neighbour();
    uint32_t position = index_position('A');
    EXPECT_EQ(keyshm_remove(late_pool, *letter_id(neighbour)), 0);
    bool has_moved = index_position('A') != position;
    keyshm_close(late_pool);
    return has_moved;
}

/* A, and a key that hashes to the same place of the index and was there first: when that key is removed, A's entry moves
 * up. */
static void begin_neighbours(void)
{
    neighbour = 'B';
    while (!is_neighbour())
        neighbour++;
    begin_with_neighbour();
}

static void remove_neighbour(void)
{
    EXPECT_EQ(keyshm_remove(late_pool, *letter_id(neighbour)), 0);
}

/* ---- by id ---- */

static void victim_asks_for_a(void)
{
    seen->result = keyshm_is_available(late_pool, *letter_id('A'));
}

static void end_question_about_replaced(void)
{
    EXPECT(seen->result == 1 || seen->result == -ESTALE);
    late_end();
}

static const struct scenario scenarios[] = {
    {"find, key replaced", late_begin_a, victim_finds_a, late_replace_a_by_b, end_find_of_replaced},
    {"find, index shuffled", begin_full, victim_finds_a, shuffle_others, end_find_of_kept},
    {"find, entry moves up", begin_neighbours, victim_finds_a, remove_neighbour, end_find_of_kept},
    {"find, all shuffled", begin_full, victim_finds_a, shuffle_all, end_find_of_moved},
    {"find in vain, index shuffled", begin_full, victim_finds_i, shuffle_others, end_find_of_absent},
    {"is available, key replaced", late_begin_a, victim_asks_for_a, late_replace_a_by_invalid_b,
     end_question_about_replaced},
};
const struct scenario_list late_find_scenarios = SCENARIO_LIST(scenarios);
