/* SPDX-License-Identifier: MIT */

/*
 * A worker is frozen at each instruction of a call, those in the C library included, and the world changes before it goes
 * on: keys are replaced by others in the same slot, marked, looked at, and time passes. Neither the late worker nor the
 * others may then be wrong.
 *
 *   frozen [STRIDE [CHOREOGRAPHY]]
 *       at every STRIDE-th instruction
 */

#include <limits.h>

#include "expect.h"
#include "pool.h"
#include "state_word.h"
#include "tracer.h"
#include "virtual_clock.h"

enum { LETTERS = 26, ROWS_MAX = 4, NOTE_LENGTH = 40, PROBLEMS_TOLD = 5, TIME_LIMIT_S = 280, STRAYS_ONE_IN = 100 };

/* One call that is frozen somewhere, and one thing that happens meanwhile. */
struct scenario {
    const char *name;
    void (*begin)(void);     /* makes the world */
    void (*victim)(void);    /* is stopped, in a child; tells what it saw in shared memory */
    void (*interfere)(void); /* meanwhile */
    void (*end)(void);       /* checks the world, after the victim has ended */
};

/* What the victim saw. */
struct seen {
    int result;
    keyshm_id id;
    keyshm_id former_id; /* of the key, before it came back under another */
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
static char neighbour;         /* see begin_neighbours() */

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

static void tell_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "verify: %s\n", problem);
}

/* Whatever has happened: nothing is left half-done, and every key can be picked again and is whole. */
static void end(void)
{
    int available = keyshm_available_count(pool);
    EXPECT_EQ(keyshm_verify(pool, tell_problem, NULL), 0);
    for (int i = 0; i < available; i++)
        pick();
    EXPECT_EQ(keyshm_verify(pool, tell_problem, NULL), 0);
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

/* Of a key that nobody has picked: what was counted for another in the same slot is not counted here. */
static void expect_marked(char letter, uint64_t rate_limited, uint64_t invalid)
{
    struct keyshm_key_snapshot row = row_of(*id_of(letter));
    EXPECT_EQ(row.picks, 0);
    EXPECT_EQ(row.last_used_ago_ms, -1);
    EXPECT_EQ(row.error_count, invalid);
    EXPECT_EQ(row.marked[KEYSHM_AVAILABLE], 0);
    EXPECT_EQ(row.marked[KEYSHM_RATE_LIMITED], rate_limited);
    EXPECT_EQ(row.marked[KEYSHM_QUOTA_EXCEEDED], 0);
    EXPECT_EQ(row.marked[KEYSHM_INVALID], invalid);
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
    if (letter == 'A')
        expect_marked('B', 0, 0);
    EXPECT_EQ(row_of(*id_of('B')).picks, letter == 'B');
    EXPECT_EQ(row_of(*id_of('B')).last_used_ago_ms >= 0, letter == 'B');
    EXPECT_EQ(pick(), 'B');
    EXPECT_EQ(row_of(*id_of('B')).picks, 1 + (letter == 'B'));
    end();
}

/* The same key comes back into its slot: only its id tells. */
static void replace_a_by_b_by_a(void)
{
    seen->former_id = *id_of('A');
    replace('A', 'B');
    replace('B', 'A');
}

static void end_pick_of_returned(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(letter_of(&seen->pick), 'A');
    EXPECT(seen->pick.id == *id_of('A') || seen->pick.id == seen->former_id);
    if (seen->pick.id == seen->former_id)
        expect_marked('A', 0, 0);
    EXPECT_EQ(row_of(*id_of('A')).picks, seen->pick.id == *id_of('A'));
    EXPECT_EQ(row_of(*id_of('A')).last_used_ago_ms >= 0, seen->pick.id == *id_of('A'));
    end();
}

static void mark_a_invalid(void)
{
    EXPECT_EQ(keyshm_mark_invalid(pool, *id_of('A')), 0);
}

static void end_pick_of_invalid(void)
{
    char letter = letter_of(&seen->pick);
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(row_of(*id_of('A')).picks, letter == 'A');
    EXPECT_EQ(row_of(*id_of('C')).picks, letter == 'C');
    EXPECT_EQ(pick(), 'C');
    EXPECT_EQ(pick(), 'C');
    EXPECT_EQ(row_of(*id_of('C')).picks, 2 + (letter == 'C'));
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
        EXPECT_EQ(row_of(ids[i]).picks, picks);
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

/* And A itself too. It comes last, and so into another slot. */
static void shuffle_all(void)
{
    seen->former_id = *id_of('A');
    EXPECT_EQ(keyshm_remove(pool, *id_of('A')), 0);
    shuffle_others();
    EXPECT_EQ(add('A'), 0);
    EXPECT_EQ(keyshm_remove(pool, *id_of('B')), 0);
    EXPECT_EQ(add('B'), 0);
}

/* The id that it had, or that it has; or it was not there. */
static void end_find_of_moved(void)
{
    keyshm_id id;
    EXPECT(seen->result == -ENOENT || seen->result == 0);
    EXPECT(seen->result < 0 || seen->id == seen->former_id || seen->id == *id_of('A'));
    EXPECT_EQ(find('A', &id), 0);
    EXPECT_EQ(id, *id_of('A'));
    end();
}

static void victim_finds_i(void)
{
    seen->result = find('I', &seen->id);
}

static void end_find_of_absent(void)
{
    EXPECT_EQ(seen->result, -ENOENT);
    end();
}

/* Where in the index the key's entry is; it has the number of the slot, and 1, in its low 24 bits. */
static uint32_t index_position(char letter)
{
    uint32_t position = 0;
    while ((atomic_load(&pool->index[position]) & 0xffffff) != id_slot(*id_of(letter)) + 1)
        position++;
    return position;
}

static void begin_with_neighbour(void)
{
    begin_with((char[]){neighbour, 'A', '\0'}, 2);
}

static bool is_neighbour(void)
{
    begin_with_neighbour();
    uint32_t position = index_position('A');
    EXPECT_EQ(keyshm_remove(pool, *id_of(neighbour)), 0);
    bool has_moved = index_position('A') != position;
    keyshm_close(pool);
    return has_moved;
}

/* A, and before it in the index a key that A gives way to: when that one is removed, A's entry moves up. */
static void begin_neighbours(void)
{
    neighbour = 'B';
    while (!is_neighbour())
        neighbour++;
    begin_with_neighbour();
}

static void remove_neighbour(void)
{
    EXPECT_EQ(keyshm_remove(pool, *id_of(neighbour)), 0);
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
    EXPECT_EQ(row_of(*id_of('B')).status, KEYSHM_AVAILABLE);
    expect_marked('B', 0, 0);
    EXPECT_EQ(pick(), 'B');
    end();
}

static void end_release_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    EXPECT_EQ(row_of(*id_of('B')).status, KEYSHM_INVALID);
    expect_marked('B', 0, 1);
    end();
}

static void end_a_invalid(void)
{
    EXPECT_EQ(seen->result, 0);
    struct keyshm_key_snapshot a = row_of(*id_of('A'));
    EXPECT_EQ(a.status, KEYSHM_INVALID);
    EXPECT_EQ(a.cooldown_left_ms, -1);
    expect_marked('A', 1, 1);
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
    EXPECT_EQ(a.marked[KEYSHM_RATE_LIMITED], 1);
    EXPECT_EQ(a.marked[KEYSHM_QUOTA_EXCEEDED], 1);
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
    expect_marked('A', 2, 0);
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
    expect_marked('A', 1, 1);
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
    expect_marked('B', 1, 0);
    end();
}

/* ---- a snapshot is frozen, or looks at what is ---- */

/* All lengths differ here too. */
static void make_note(char letter, char value[KEYSHM_METADATA_VALUE_MAX + 1])
{
    size_t length = NOTE_LENGTH + (size_t)(letter - 'a');
    memset(value, letter, length);
    value[length] = '\0';
}

static void note(char letter)
{
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    make_note(letter, value);
    EXPECT_EQ(keyshm_set_metadata(pool, *id_of('A'), "note", value), 0);
}

static char note_letter_of(const struct keyshm_key_snapshot *key)
{
    if (key->metadata_count == 0)
        return 0;
    char expected[KEYSHM_METADATA_VALUE_MAX + 1], letter = key->metadata[0].value[0];
    EXPECT(letter >= 'a' && letter <= 'c');
    make_note(letter, expected);
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

/* The first fills the copy that is not valid, the second the one that was when a reader began. */
static void note_twice(void)
{
    note('b');
    note('c');
}

static void end_noted_twice(void)
{
    EXPECT_EQ(seen->rows, 1);
    EXPECT(seen->row[0].note_letter >= 'a' && seen->row[0].note_letter <= 'c');
    take_snapshot();
    EXPECT_EQ(seen->row[0].note_letter, 'c');
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

static const struct scenario scenarios[] = {
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
    {"find, entry moves up", begin_neighbours, victim_finds_a, remove_neighbour, end_find_of_kept},
    {"find, all shuffled", begin_full, victim_finds_a, shuffle_all, end_find_of_moved},
    {"find in vain, index shuffled", begin_full, victim_finds_i, shuffle_others, end_find_of_absent},
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
    {"snapshot, annotated twice", begin_a_noted, take_snapshot, note_twice, end_noted_twice},
    {"annotate, snapshot", begin_a_noted, victim_notes, take_snapshot, end_noted},
    {"add, all the rest", begin_ac, victim_adds_b, use_meanwhile, end_added},
    {"remove, all the rest", begin_ac, victim_removes_a, use_meanwhile, end_removed},
};
static const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

/* ---- the runs ---- */

/* Each run is made by a process of its own. So all begin with the same heap, and one that fails does not end the rest. */
enum { AS_IT_SHOULD = 0, BROKEN = 1, ASTRAY = 2 };

static struct tracer_walk *walk; /* shared with them */

static void learn(const struct scenario *scenario)
{
    pid_t runner = expect_fork();
    if (runner == 0) {
        scenario->begin();
        tracer_record(scenario->victim, NULL, walk);
        _exit(0);
    }
    expect_success_of(runner);
}

static int run(const struct scenario *scenario, size_t index)
{
    int status;
    pid_t runner = expect_fork();
    if (runner == 0) {
        scenario->begin();
        pid_t victim = tracer_start(scenario->victim);
        if (!tracer_reach(victim, walk, index))
            _exit(ASTRAY);
        scenario->interfere();
        tracer_finish(victim);
        scenario->end();
        _exit(AS_IT_SHOULD);
    }
    EXPECT_EQ(waitpid(runner, &status, 0), runner);
    return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static struct row_count {
    size_t instructions, stops, strays, broken;
} total;

static void tell(const struct scenario *scenario, size_t index)
{
    struct tracer_place place = tracer_place_of(walk->moments[index].address);
    if (total.broken < PROBLEMS_TOLD)
        printf("broken: %s: frozen at instruction %zu (%s + %#lx)\n", scenario->name, index, place.object, place.offset);
}

static void run_everywhere(const struct scenario *scenario, size_t stride)
{
    struct row_count count = {.stops = 0};
    alarm(TIME_LIMIT_S); /* anew */
    learn(scenario);
    count.instructions = walk->count;
    for (size_t i = 0; i < walk->count; i += stride) {
        int outcome = run(scenario, i);
        count.strays += outcome == ASTRAY;
        count.stops += outcome != ASTRAY;
        count.broken += outcome == BROKEN;
        total.broken += outcome == BROKEN;
        if (outcome == BROKEN)
            tell(scenario, i);
    }
    printf("%-32s %12zu %8zu %8zu %8zu\n", scenario->name, count.instructions, count.stops, count.strays, count.broken);
    fflush(stdout);
    EXPECT(count.strays * STRAYS_ONE_IN <= count.stops);
    total.instructions += count.instructions;
    total.stops += count.stops;
}

int main(int argc, char **argv)
{
    size_t stride = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (argc > 3 || stride == 0) {
        fprintf(stderr, "usage: frozen [STRIDE [CHOREOGRAPHY]]\n");
        return 2;
    }
    expect_end_in_time();
    if (!tracer_is_possible())
        return 77;
    virtual_clock_begin();
    seen = expect_shared_memory(sizeof(*seen));
    walk = expect_shared_memory(sizeof(*walk));
    printf("%-32s %12s %8s %8s %8s\n", "frozen, meanwhile", "instructions", "stops", "strays", "broken");
    for (size_t i = 0; i < scenario_count; i++)
        if (argc < 3 || strcmp(argv[2], scenarios[i].name) == 0)
            run_everywhere(&scenarios[i], stride);
    printf("total: instructions %zu, runs %zu, broken %zu\n", total.instructions, total.stops, total.broken);
    return total.broken > 0 ? 1 : 0;
}
