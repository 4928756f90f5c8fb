/* SPDX-License-Identifier: MIT */

/*
 * A worker is frozen at each instruction of a call, and the world changes before it goes on: keys are replaced by others
 * in the same slot, marked, looked at, and time passes. Neither the late worker nor the others may then be wrong.
 */

#include <limits.h>

#include "expect.h"
#include "stepper.h"
#include "virtual_clock.h"

enum { LETTERS = 26, ROWS_MAX = 4, NOTE_LENGTH = 40 };

/* What the victim saw. */
struct seen {
    int result;
    keyshm_id id;
    struct keyshm_pick pick;
    unsigned rows;
    struct row {
        keyshm_id id;
        enum keyshm_status status;
        uint64_t errors;
        char letter;      /* of the masked key */
        char note_letter; /* of the metadata; 0: none */
    } row[ROWS_MAX];
};

static struct seen *seen;
static keyshm_pool *pool;
static keyshm_id ids[LETTERS]; /* of the keys that the parent added */

/* ---- keys, each of one letter ---- */

/* All lengths differ, so that a mixture of two keys is neither. */
static void make_key(char letter, char key[KEYSHM_KEY_MAX + 1])
{
    size_t length = 30 + 13 * (size_t)(letter - 'A');
    memset(key, letter, length);
    memcpy(key, "sk-", 3);
    key[length] = '\0';
}

static char letter_of(const struct keyshm_pick *pick)
{
    char key[KEYSHM_KEY_MAX + 1];
    char letter = pick->key[3];
    EXPECT(letter >= 'A' && letter <= 'Z');
    make_key(letter, key);
    EXPECT_EQ(pick->key_length, strlen(key));
    EXPECT_EQ(memcmp(pick->key, key, pick->key_length + 1), 0);
    return letter;
}

static keyshm_id *id_of(char letter)
{
    return &ids[letter - 'A'];
}

static int add(char letter)
{
    char key[KEYSHM_KEY_MAX + 1];
    make_key(letter, key);
    return keyshm_add(pool, key, id_of(letter));
}

static int find(char letter, keyshm_id *ret_id)
{
    char key[KEYSHM_KEY_MAX + 1];
    make_key(letter, key);
    return keyshm_find(pool, key, ret_id);
}

static void replace(char old, char new)
{
    EXPECT_EQ(keyshm_remove(pool, *id_of(old)), 0);
    EXPECT_EQ(add(new), 0);
}

static char pick(void)
{
    struct keyshm_pick picked;
    EXPECT_EQ(keyshm_next(pool, &picked), 0);
    EXPECT_EQ(picked.id, *id_of(letter_of(&picked)));
    return letter_of(&picked);
}

/* ---- worlds ---- */

static void begin_with(const char *letters, unsigned capacity)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = capacity;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "frozen", &options), 0);
    memset(ids, 0, sizeof(ids));
    memset(seen, 0, sizeof(*seen));
    for (; *letters != '\0'; letters++)
        EXPECT_EQ(add(*letters), 0);
}

static void begin_a(void)
{
    begin_with("A", 1);
}

static void begin_ac(void)
{
    begin_with("AC", 3);
}

static void begin_abc(void)
{
    begin_with("ABC", 3);
}

static void replace_a_by_b(void)
{
    replace('A', 'B');
}

static void end(void)
{
    keyshm_close(pool);
}

static struct keyshm_key_snapshot row_of(keyshm_id id)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_key_snapshot row = {.id = 0};
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == id)
            row = snapshot->keys[i];
    keyshm_snapshot_free(snapshot);
    EXPECT_EQ(row.id, id);
    return row;
}

/* ---- a pick is frozen ---- */

static void victim_picks(void)
{
    seen->result = keyshm_next(pool, &seen->pick);
}

/* The old key or the new one, and what was counted is the key's own. */
static void end_pick_of_replaced(void)
{
    EXPECT_EQ(seen->result, 0);
    char letter = letter_of(&seen->pick);
    EXPECT(letter == 'A' || letter == 'B');
    EXPECT_EQ(seen->pick.id, *id_of(letter));
    EXPECT_EQ(row_of(*id_of('B')).picks, letter == 'B');
    EXPECT_EQ(row_of(*id_of('B')).last_used_ago_ms >= 0, letter == 'B');
    EXPECT_EQ(pick(), 'B');
    end();
}

/* The same key comes back into its slot: only its id tells. */
static void replace_a_by_b_by_a(void)
{
    seen->id = *id_of('A');
    replace('A', 'B');
    replace('B', 'A');
}

static void end_pick_of_returned(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(letter_of(&seen->pick), 'A');
    EXPECT(seen->pick.id == *id_of('A') || seen->pick.id == seen->id);
    EXPECT_EQ(row_of(*id_of('A')).picks, seen->pick.id == *id_of('A'));
    end();
}

static void mark_a_invalid(void)
{
    EXPECT_EQ(keyshm_mark_invalid(pool, *id_of('A')), 0);
}

static void end_pick_of_invalid(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(pick(), 'C');
    EXPECT_EQ(pick(), 'C');
    EXPECT_EQ(keyshm_mark_available(pool, *id_of('A')), 0);
    EXPECT(pick() != pick());
    end();
}

/* ---- others pick while a pick is frozen ---- */

static unsigned picks_of[LETTERS];

static void pick_others(unsigned picks)
{
    memset(picks_of, 0, sizeof(picks_of));
    for (unsigned i = 0; i < picks; i++)
        picks_of[pick() - 'A']++;
}

static void pick_two(void)
{
    pick_others(2);
}

static void pick_three(void)
{
    pick_others(3);
}

static void pick_five(void)
{
    pick_others(5);
}

static void end_fair(void)
{
    unsigned least = UINT_MAX, most = 0;
    EXPECT_EQ(seen->result, 0);
    picks_of[letter_of(&seen->pick) - 'A']++;
    for (int i = 0; i < 3; i++) {
        unsigned picks = picks_of[i];
        least = picks < least ? picks : least;
        most = picks > most ? picks : most;
    }
    EXPECT(most - least <= 1);
    end();
}

/* ---- a key becomes available under the eyes of a pick that finds it is not ---- */

static void begin_a_invalid(void)
{
    begin_ac();
    EXPECT_EQ(keyshm_mark_invalid(pool, *id_of('A')), 0);
}

static void mark_a_available(void)
{
    EXPECT_EQ(keyshm_mark_available(pool, *id_of('A')), 0);
    EXPECT(pick() != pick());
}

/* At once: no time has passed. */
static void end_a_available(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT(pick() != pick());
    end();
}

static void begin_a_cooling(void)
{
    begin_ac();
    EXPECT_EQ(keyshm_mark_rate_limited(pool, *id_of('A'), 100), 0);
}

/* The same, but a sweep is not due when the victim looks, and the key has been looked at before. */
static void begin_a_cooling_known(void)
{
    begin_a_cooling();
    EXPECT_EQ(pick(), 'C');
    EXPECT_EQ(pick(), 'C');
    virtual_clock_pass_ms(50);
}

static void end_cooldown_of_a(void)
{
    virtual_clock_pass_ms(row_of(*id_of('A')).cooldown_left_ms);
    EXPECT_EQ(keyshm_is_available(pool, *id_of('A')), 1);
    pick();
}

/* A frozen sweep may keep it from the others, but not for longer than a hint may be wrong. */
static void end_a_cooled(void)
{
    EXPECT_EQ(seen->result, 0);
    virtual_clock_pass_ms(1000);
    EXPECT(pick() != pick());
    end();
}

/* ---- a look-up is frozen ---- */

static void victim_finds_a(void)
{
    seen->result = find('A', &seen->id);
}

/* Gone, or the id that it had: never another key's. */
static void end_find_of_replaced(void)
{
    EXPECT(seen->result == -ENOENT || (seen->result == 0 && seen->id == *id_of('A')));
    end();
}

static void begin_full(void)
{
    begin_with("ABCDEFGH", 8);
}

/* Every other key changes its slot, and every entry of the index is moved. */
static void shuffle_others(void)
{
    static const char others[] = "BCDEFGH";
    for (size_t i = 0; i < sizeof(others) - 1; i++)
        EXPECT_EQ(keyshm_remove(pool, *id_of(others[i])), 0);
    for (size_t i = sizeof(others) - 1; i > 0; i--)
        EXPECT_EQ(add(others[i - 1]), 0);
}

static void end_find_of_kept(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(seen->id, *id_of('A'));
    end();
}

static void victim_asks_for_a(void)
{
    seen->result = keyshm_is_available(pool, *id_of('A'));
}

static void replace_a_by_invalid_b(void)
{
    replace('A', 'B');
    EXPECT_EQ(keyshm_mark_invalid(pool, *id_of('B')), 0);
}

static void end_question_about_replaced(void)
{
    EXPECT(seen->result == 1 || seen->result == -ESTALE);
    end();
}

/* ---- a mark is frozen ---- */

static void victim_limits_a(void)
{
    seen->result = keyshm_mark_rate_limited(pool, *id_of('A'), 60000);
}

static void victim_invalidates_a(void)
{
    seen->result = keyshm_mark_invalid(pool, *id_of('A'));
}

static void victim_frees_a(void)
{
    seen->result = keyshm_mark_available(pool, *id_of('A'));
}

static void victim_resets(void)
{
    seen->result = keyshm_reset_expired_cooldowns(pool);
}

/* It met the key it was for, or nothing. */
static void end_mark_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    struct keyshm_key_snapshot b = row_of(*id_of('B'));
    EXPECT_EQ(b.status, KEYSHM_AVAILABLE);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        EXPECT_EQ(b.marked[status], 0);
    EXPECT_EQ(pick(), 'B');
    end();
}

static void end_release_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    struct keyshm_key_snapshot b = row_of(*id_of('B'));
    EXPECT_EQ(b.status, KEYSHM_INVALID);
    EXPECT_EQ(b.marked[KEYSHM_AVAILABLE], 0);
    end();
}

static void end_a_invalid(void)
{
    EXPECT_EQ(seen->result, 0);
    struct keyshm_key_snapshot a = row_of(*id_of('A'));
    EXPECT_EQ(a.status, KEYSHM_INVALID);
    EXPECT_EQ(a.cooldown_left_ms, -1);
    EXPECT_EQ(a.error_count, 1);
    EXPECT_EQ(a.marked[KEYSHM_RATE_LIMITED], 1);
    end();
}

static void mark_a_quota(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, *id_of('A'), 10000), 0);
}

static void end_a_joined(void)
{
    EXPECT_EQ(seen->result, 0);
    struct keyshm_key_snapshot a = row_of(*id_of('A'));
    EXPECT_EQ(a.status, KEYSHM_QUOTA_EXCEEDED);
    EXPECT(a.cooldown_left_ms >= 60000);
    end();
}

static void limit_a_longer(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(pool, *id_of('A'), 120000), 0);
}

static void end_a_limited_longer(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT(row_of(*id_of('A')).cooldown_left_ms >= 120000);
    end();
}

static void begin_a_expired(void)
{
    begin_a();
    EXPECT_EQ(keyshm_mark_rate_limited(pool, *id_of('A'), 100), 0);
    virtual_clock_pass_ms(200);
}

static void end_reset_of_invalid(void)
{
    EXPECT(seen->result == 0 || seen->result == 1);
    EXPECT_EQ(row_of(*id_of('A')).status, KEYSHM_INVALID);
    end();
}

static void replace_a_by_limited_b(void)
{
    replace('A', 'B');
    EXPECT_EQ(keyshm_mark_rate_limited(pool, *id_of('B'), 100), 0);
}

static void end_reset_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == 1);
    EXPECT_EQ(row_of(*id_of('B')).status, KEYSHM_RATE_LIMITED);
    end();
}

/* ---- a snapshot is frozen, or looks at what is ---- */

static void note(char letter)
{
    char value[NOTE_LENGTH + 1] = "";
    memset(value, letter, NOTE_LENGTH);
    EXPECT_EQ(keyshm_set_metadata(pool, *id_of('A'), "note", value), 0);
}

static char note_letter_of(const struct keyshm_key_snapshot *key)
{
    if (key->metadata_count == 0)
        return 0;
    char expected[NOTE_LENGTH + 1] = "", letter = key->metadata[0].value[0];
    memset(expected, letter, NOTE_LENGTH);
    EXPECT_EQ(key->metadata_count, 1);
    EXPECT_EQ(strcmp(key->metadata[0].value, expected), 0);
    return letter;
}

static void take_snapshot(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT(snapshot->count <= ROWS_MAX);
    for (unsigned i = 0; i < snapshot->count; i++) {
        const struct keyshm_key_snapshot *key = &snapshot->keys[i];
        size_t length = strlen(key->masked_key);
        EXPECT(length > 4);
        seen->row[i] = (struct row){.id = key->id,
                                    .status = key->status,
                                    .errors = key->error_count,
                                    .letter = key->masked_key[length - 1],
                                    .note_letter = note_letter_of(key)};
    }
    seen->rows = snapshot->count;
    keyshm_snapshot_free(snapshot);
}

static void begin_a_noted(void)
{
    begin_a();
    note('a');
}

static void replace_a_by_noted_b(void)
{
    replace('A', 'B');
    *id_of('A') = *id_of('B');
    note('b');
    mark_a_invalid();
}

/* One key was there all the time, and its row is of one moment. */
static void end_snapshot_of_replaced(void)
{
    EXPECT_EQ(seen->rows, 1);
    const struct row *row = &seen->row[0];
    bool is_b = row->id == *id_of('B');
    EXPECT_EQ(row->letter, is_b ? 'B' : 'A');
    EXPECT_EQ(row->note_letter, is_b ? 'b' : 'a');
    EXPECT_EQ(row->status, is_b ? KEYSHM_INVALID : KEYSHM_AVAILABLE);
    EXPECT_EQ(row->errors, is_b ? 1 : 0);
    end();
}

static void victim_notes(void)
{
    note('b');
}

static void end_noted(void)
{
    EXPECT_EQ(seen->rows, 1);
    EXPECT(seen->row[0].note_letter == 'a' || seen->row[0].note_letter == 'b');
    take_snapshot();
    EXPECT_EQ(seen->row[0].note_letter, 'b');
    end();
}

/* ---- the owner of the mutex is frozen: nobody waits for it who does not want it ---- */

static void victim_adds_b(void)
{
    seen->result = add('B');
    seen->id = *id_of('B');
}

static void victim_removes_a(void)
{
    seen->result = keyshm_remove(pool, *id_of('A'));
}

/* Every key that is seen is whole; C is always there, and can be used. */
static void use_meanwhile(void)
{
    struct keyshm_pick picked;
    keyshm_id id;
    bool c_picked = false;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(keyshm_next(pool, &picked), 0);
        c_picked |= letter_of(&picked) == 'C';
        EXPECT_EQ(find(letter_of(&picked), &id), 0);
        EXPECT_EQ(id, picked.id);
    }
    EXPECT(c_picked);
    EXPECT_EQ(find('C', &id), 0);
    EXPECT_EQ(id, *id_of('C'));
    EXPECT_EQ(keyshm_mark_rate_limited(pool, id, 60000), 0);
    EXPECT_EQ(keyshm_is_available(pool, id), 0);
    EXPECT_EQ(keyshm_mark_available(pool, id), 0);
    take_snapshot();
    EXPECT_EQ(keyshm_available_count(pool), seen->rows);
    for (unsigned i = 0; i < seen->rows; i++) {
        EXPECT_EQ(find(seen->row[i].letter, &id), 0);
        EXPECT_EQ(id, seen->row[i].id);
    }
}

static void end_added(void)
{
    keyshm_id id;
    EXPECT_EQ(seen->result, 0);
    EXPECT(seen->rows == 2 || seen->rows == 3);
    EXPECT_EQ(find('B', &id), 0);
    EXPECT_EQ(id, seen->id);
    *id_of('B') = id;
    pick_three();
    EXPECT(picks_of[0] == 1 && picks_of[1] == 1 && picks_of[2] == 1);
    end();
}

static void end_removed(void)
{
    keyshm_id id;
    EXPECT_EQ(seen->result, 0);
    EXPECT(seen->rows == 1 || seen->rows == 2);
    EXPECT_EQ(find('A', &id), -ENOENT);
    EXPECT_EQ(pick(), 'C');
    EXPECT_EQ(pick(), 'C');
    end();
}

/* ---- all of it ---- */

static const struct stepper_case cases[] = {
    {"pick, key replaced", begin_a, victim_picks, replace_a_by_b, end_pick_of_replaced},
    {"pick, key replaced twice", begin_a, victim_picks, replace_a_by_b_by_a, end_pick_of_returned},
    {"pick, key invalid", begin_ac, victim_picks, mark_a_invalid, end_pick_of_invalid},
    {"pick, two others", begin_abc, victim_picks, pick_two, end_fair},
    {"pick, three others", begin_abc, victim_picks, pick_three, end_fair},
    {"pick, five others", begin_abc, victim_picks, pick_five, end_fair},
    {"pick, key available", begin_a_invalid, victim_picks, mark_a_available, end_a_available},
    {"pick, cooldown ends", begin_a_cooling, victim_picks, end_cooldown_of_a, end_a_cooled},
    {"pick, known cooldown ends", begin_a_cooling_known, victim_picks, end_cooldown_of_a, end_a_cooled},
    {"find, key replaced", begin_a, victim_finds_a, replace_a_by_b, end_find_of_replaced},
    {"find, index shuffled", begin_full, victim_finds_a, shuffle_others, end_find_of_kept},
    {"is available, key replaced", begin_a, victim_asks_for_a, replace_a_by_invalid_b, end_question_about_replaced},
    {"limit, key replaced", begin_a, victim_limits_a, replace_a_by_b, end_mark_of_replaced},
    {"invalidate, key replaced", begin_a, victim_invalidates_a, replace_a_by_b, end_mark_of_replaced},
    {"release, key replaced", begin_a_invalid, victim_frees_a, replace_a_by_invalid_b, end_release_of_replaced},
    {"limit, key invalid", begin_a, victim_limits_a, mark_a_invalid, end_a_invalid},
    {"limit, quota exceeded", begin_a, victim_limits_a, mark_a_quota, end_a_joined},
    {"limit, limited longer", begin_a, victim_limits_a, limit_a_longer, end_a_limited_longer},
    {"reset, key invalid", begin_a_expired, victim_resets, mark_a_invalid, end_reset_of_invalid},
    {"reset, key replaced", begin_a_expired, victim_resets, replace_a_by_limited_b, end_reset_of_replaced},
    {"snapshot, key replaced", begin_a_noted, take_snapshot, replace_a_by_noted_b, end_snapshot_of_replaced},
    {"annotate, snapshot", begin_a_noted, victim_notes, take_snapshot, end_noted},
    {"add, all the rest", begin_ac, victim_adds_b, use_meanwhile, end_added},
    {"remove, all the rest", begin_ac, victim_removes_a, use_meanwhile, end_removed},
};

int main(void)
{
    expect_end_in_time();
    if (!stepper_is_possible()) {
        printf("skipped: this system does not let a process trace its child\n");
        return 77;
    }
    virtual_clock_begin();
    seen = expect_shared_memory(sizeof(*seen));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        printf("%-32s %zu instructions\n", cases[i].name, stepper_run(&cases[i], 1).instructions);
    return 0;
}
