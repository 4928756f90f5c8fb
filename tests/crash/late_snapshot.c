/* SPDX-License-Identifier: MIT */

/* A snapshot is stopped, or is taken while a change to the metadata is stopped. */

#include "late.h"

static void begin_a_noted(void)
{
    late_begin_a();
    letter_note('a');
}

static void replace_a_by_noted_b(void)
{
    letter_replace('A', 'B');
    *letter_id('A') = *letter_id('B');
    letter_note('b');
    late_mark_a_invalid();
}

/* There was one key at any time, and its row is of one moment. */
static void end_snapshot_of_replaced(void)
{
    EXPECT_EQ(seen->rows, 1);
    const struct row *row = &seen->row[0];
    bool is_b = row->id == *letter_id('B');
    EXPECT_EQ(row->letter, is_b ? 'B' : 'A');
    EXPECT_EQ(row->note_letter, is_b ? 'b' : 'a');
    EXPECT_EQ(row->status, is_b ? KEYSHM_INVALID : KEYSHM_AVAILABLE);
    EXPECT_EQ(row->errors, is_b ? 1 : 0);
    late_end();
}

/* The first fills the copy that is not valid; the second fills the copy that was valid when a reader began. */
static void note_twice(void)
{
    letter_note('b');
    letter_note('c');
}

static void end_noted_twice(void)
{
    EXPECT_EQ(seen->rows, 1);
    EXPECT(seen->row[0].note_letter >= 'a' && seen->row[0].note_letter <= 'c');
    late_take_snapshot();
    EXPECT_EQ(seen->row[0].note_letter, 'c');
    late_end();
}

static void victim_notes(void)
{
    letter_note('b');
}

static void end_noted(void)
{
    EXPECT_EQ(seen->rows, 1);
    EXPECT(seen->row[0].note_letter == 'a' || seen->row[0].note_letter == 'b');
    late_take_snapshot();
    EXPECT_EQ(seen->row[0].note_letter, 'b');
    late_end();
}

static const struct scenario scenarios[] = {
    {"snapshot, key replaced", begin_a_noted, late_take_snapshot, replace_a_by_noted_b, end_snapshot_of_replaced},
    {"snapshot, annotated twice", begin_a_noted, late_take_snapshot, note_twice, end_noted_twice},
    {"annotate, snapshot", begin_a_noted, victim_notes, late_take_snapshot, end_noted},
};
const struct scenario_list late_snapshot_scenarios = SCENARIO_LIST(scenarios);
