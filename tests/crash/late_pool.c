/* SPDX-License-Identifier: MIT */
#include "late.h"

enum { NOTE_LENGTH = 40 };

struct seen *seen;
keyshm_pool *late_pool;
unsigned late_picks_of[LETTERS];
keyshm_id late_ids[LETTERS];

/* ---- keys ---- */

/* All lengths differ, so that a mixture of two keys equals neither. */
static void make_key(char letter, char key[KEYSHM_KEY_MAX + 1])
{
    size_t length = 30 + 13 * (size_t)(letter - 'A');
    memset(key, letter, length);
    memcpy(key, "sk-", 3);
    key[length] = '\0';
}

char letter_of(const struct keyshm_pick *pick)
{
    char key[KEYSHM_KEY_MAX + 1];
    char letter = pick->key[3];
    EXPECT(letter >= 'A' && letter <= 'Z');
    make_key(letter, key);
    EXPECT_EQ(pick->key_length, strlen(key));
    EXPECT_EQ(memcmp(pick->key, key, pick->key_length + 1), 0);
    return letter;
}

int letter_add_to_group(char letter, keyshm_id group_or_0)
{
    char key[KEYSHM_KEY_MAX + 1];
    make_key(letter, key);
    return keyshm_add_to_group(late_pool, key, group_or_0, letter_id(letter));
}

int letter_add(char letter)
{
    return letter_add_to_group(letter, 0);
}

int letter_find(char letter, keyshm_id *ret_id)
{
    char key[KEYSHM_KEY_MAX + 1];
    make_key(letter, key);
    return keyshm_find(late_pool, key, ret_id);
}

void letter_replace(char old, char new)
{
    EXPECT_EQ(keyshm_remove(late_pool, *letter_id(old)), 0);
    EXPECT_EQ(letter_add(new), 0);
}

char letter_pick(void)
{
    struct keyshm_pick picked;
    EXPECT_EQ(keyshm_next(late_pool, &picked), 0);
    EXPECT_EQ(picked.id, *letter_id(letter_of(&picked)));
    return letter_of(&picked);
}

/* ---- metadata ---- */

/* All lengths differ here too. */
static void make_note(char letter, char value[KEYSHM_METADATA_VALUE_MAX + 1])
{
    size_t length = NOTE_LENGTH + (size_t)(letter - 'a');
    memset(value, letter, length);
    value[length] = '\0';
}

void letter_note(char letter)
{
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    make_note(letter, value);
    EXPECT_EQ(keyshm_set_metadata(late_pool, *letter_id('A'), "note", value), 0);
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

/* ---- snapshots ---- */

void late_take_snapshot(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(late_pool, &snapshot), 0);
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

struct keyshm_key_snapshot late_row_of(keyshm_id id)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_key_snapshot row = {.id = 0};
    EXPECT_EQ(keyshm_snapshot(late_pool, &snapshot), 0);
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == id)
            row = snapshot->keys[i];
    keyshm_snapshot_free(snapshot);
    EXPECT_EQ(row.id, id);
    return row;
}

void late_expect_marked(char letter, uint64_t rate_limited, uint64_t invalid)
{
    struct keyshm_key_snapshot row = late_row_of(*letter_id(letter));
    EXPECT_EQ(row.picks, 0);
    EXPECT_EQ(row.last_used_ago_ms, -1);
    EXPECT_EQ(row.error_count, invalid);
    EXPECT_EQ(row.marked[KEYSHM_AVAILABLE], 0);
    EXPECT_EQ(row.marked[KEYSHM_RATE_LIMITED], rate_limited);
    EXPECT_EQ(row.marked[KEYSHM_QUOTA_EXCEEDED], 0);
    EXPECT_EQ(row.marked[KEYSHM_INVALID], invalid);
}

/* ---- beginnings and ends ---- */

void late_begin_with(const char *letters, unsigned capacity)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = capacity;
    EXPECT_EQ(keyshm_create_anonymous(&late_pool, "late", &options), 0);
    memset(late_ids, 0, sizeof(late_ids));
    memset(seen, 0, sizeof(*seen));
    for (; *letters != '\0'; letters++)
        EXPECT_EQ(letter_add(*letters), 0);
}

void late_begin_a(void)
{
    late_begin_with("A", 1);
}

void late_begin_ac(void)
{
    late_begin_with("AC", 3);
}

void late_begin_a_invalid(void)
{
    late_begin_ac();
    late_mark_a_invalid();
}

static void print_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "verify: %s\n", problem);
}

void late_end(void)
{
    int available = keyshm_available_count(late_pool);
    EXPECT_EQ(keyshm_verify(late_pool, print_problem, NULL), 0);
    for (int i = 0; i < available; i++)
        letter_pick();
    EXPECT_EQ(keyshm_verify(late_pool, print_problem, NULL), 0);
    keyshm_close(late_pool);
}

/* ---- changes ---- */

void late_replace_a_by_b(void)
{
    letter_replace('A', 'B');
}

void late_replace_a_by_invalid_b(void)
{
    letter_replace('A', 'B');
    EXPECT_EQ(keyshm_mark_invalid(late_pool, *letter_id('B')), 0);
}

void late_mark_a_invalid(void)
{
    EXPECT_EQ(keyshm_mark_invalid(late_pool, *letter_id('A')), 0);
}

void late_pick_others(unsigned picks)
{
    memset(late_picks_of, 0, sizeof(late_picks_of));
    for (unsigned i = 0; i < picks; i++)
        late_picks_of[letter_pick() - 'A']++;
}
