/* SPDX-License-Identifier: MIT */
#include "expect.h"
#include "torture.h"

struct ledger_totals ledger_totals;

/* How often the key that was last in a slot must have been picked and marked for a moment: at least, and at most. */
struct bounds {
    uint64_t least;
    uint64_t most;
};

static struct tally {
    keyshm_id id;
    struct bounds picks;
    struct bounds rate_limited;
} tallies[CAPACITY];

/* Interrupted picks: it is not known which key they were about to count. */
static uint64_t picks_in_flight;

static struct tally *tally_of(keyshm_id id)
{
    static struct tally ignored;
    struct tally *tally = &tallies[id & 0xffffff];
    if (id > tally->id) /* a later key in the same slot */
        *tally = (struct tally){.id = id};
    return tally->id == id ? tally : &ignored;
}

static void count(struct bounds *bounds, bool is_acknowledged)
{
    bounds->least += is_acknowledged;
    bounds->most++;
}

/* ---- what the pool says ---- */

static const struct keyshm_key_snapshot *row_of(const struct keyshm_snapshot *snapshot, keyshm_id id)
{
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == id)
            return &snapshot->keys[i];
    return NULL;
}

static enum level level_of(const struct keyshm_key_snapshot *row)
{
    switch (row->status) {
    case KEYSHM_INVALID:
        return LEVEL_INVALID;
    case KEYSHM_QUOTA_EXCEEDED:
        return LEVEL_QUOTA_EXCEEDED;
    case KEYSHM_RATE_LIMITED:
        return row->cooldown_left_ms > LONG_MS / 2 ? LEVEL_RATE_LIMITED : LEVEL_NONE;
    default:
        return LEVEL_NONE;
    }
}

static struct own_key look_at(keyshm_pool *pool, const struct keyshm_snapshot *snapshot, unsigned seat, unsigned own)
{
    struct own_key key = {.id = 0};
    char text[TEXT_SIZE];
    torture_make_text(seat, own, text);
    int r = keyshm_find(pool, text, &key.id);
    EXPECT(r == 0 || r == -ENOENT);
    if (r == 0) {
        const struct keyshm_key_snapshot *row = row_of(snapshot, key.id);
        EXPECT(row != NULL);
        key.level = level_of(row);
        key.is_paused = row->is_paused != 0;
    }
    return key;
}

/* ---- replay ---- */

static void apply(struct own_key *key, const struct entry *entry)
{
    switch (entry->operation) {
    case OPERATION_ADD:
        if (key->id == 0)
            *key = (struct own_key){.id = entry->id, .level = LEVEL_NONE};
        break;
    case OPERATION_REMOVE:
        *key = (struct own_key){.id = 0};
        break;
    case OPERATION_MARK_LONG:
        if (entry->level > key->level)
            key->level = entry->level;
        break;
    case OPERATION_MARK_AVAILABLE:
        key->level = LEVEL_NONE;
        break;
    case OPERATION_PAUSE:
        key->is_paused = true;
        break;
    case OPERATION_RESUME:
        key->is_paused = false;
        break;
    default:
        break;
    }
}

static void tally(const struct entry *entry, bool is_acknowledged)
{
    if (entry->operation == OPERATION_PICK && !is_acknowledged)
        picks_in_flight++;
    else if (entry->operation == OPERATION_PICK)
        count(&tally_of(entry->id)->picks, true);
    else if (entry->operation == OPERATION_MARK_SHORT ||
             (entry->operation == OPERATION_MARK_LONG && entry->level == LEVEL_RATE_LIMITED))
        count(&tally_of(entry->id)->rate_limited, is_acknowledged);
}

static bool is_same(const struct own_key *a, const struct own_key *b)
{
    return a->id == b->id && a->level == b->level && a->is_paused == b->is_paused;
}

/* The operation has happened or not: the pool shows which. */
static void settle(struct own_key *key, struct own_key seen, const struct entry *entry)
{
    struct entry done = *entry;
    struct own_key after = *key;
    if (done.operation == OPERATION_ADD)
        done.id = seen.id;
    apply(&after, &done);
    ledger_totals.in_flight++;
    ledger_totals.in_flight_done += is_same(&seen, &after);
    if (is_same(&seen, &after))
        *key = after;
}

void ledger_reconcile(struct arena *arena, keyshm_pool *pool, unsigned seat)
{
    struct log *log = &arena->logs[seat];
    uint32_t begun = atomic_load(&log->begun), acknowledged = atomic_load(&log->acknowledged);
    struct keyshm_snapshot *snapshot;
    EXPECT(begun == acknowledged || begun == acknowledged + 1);
    for (uint32_t i = 0; i < begun; i++) {
        tally(&log->entries[i], i < acknowledged);
        if (i < acknowledged)
            apply(&arena->own[seat][log->entries[i].own], &log->entries[i]);
    }
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned own = 0; own < OWN_KEYS; own++) {
        struct own_key *key = &arena->own[seat][own];
        struct own_key seen = look_at(pool, snapshot, seat, own);
        const struct entry *last = &log->entries[acknowledged];
        if (begun > acknowledged && last->operation >= OPERATION_ADD && last->operation < OPERATION_OTHER &&
            last->own == own)
            settle(key, seen, last);
        EXPECT_EQ(seen.id, key->id);
        EXPECT_EQ(seen.level, key->level);
        EXPECT_EQ(seen.is_paused, key->is_paused);
    }
    keyshm_snapshot_free(snapshot);
    ledger_totals.operations += acknowledged;
    atomic_store(&log->acknowledged, 0);
    atomic_store(&log->begun, 0);
}

/* ---- at the end ---- */

static void check_within(uint64_t actual, const struct bounds *bounds, uint64_t slack)
{
    EXPECT(actual >= bounds->least);
    EXPECT(actual <= bounds->most + slack);
}

static void check_counts(const struct keyshm_snapshot *snapshot)
{
    for (unsigned i = 0; i < snapshot->count; i++) {
        const struct keyshm_key_snapshot *row = &snapshot->keys[i];
        const struct tally *tally = tally_of(row->id);
        EXPECT_EQ(tally->id, row->id);
        check_within(row->picks, &tally->picks, picks_in_flight);
        check_within(row->marked[KEYSHM_RATE_LIMITED], &tally->rate_limited, 0);
    }
}

/* Each available key gets its turns, and those that killed workers have left of at most 8 ranges (keyshm_next(3)). */
static void check_picked(keyshm_pool *pool, const struct keyshm_snapshot *snapshot)
{
    enum { ROUNDS = 20, SPREAD_MAX = 9 };
    unsigned picks[CAPACITY] = {0}, available = 0;
    struct keyshm_pick pick;
    for (unsigned i = 0; i < snapshot->count; i++)
        available += snapshot->keys[i].benched_by == 0;
    EXPECT_EQ(keyshm_available_count(pool), available);
    for (unsigned i = 0; i < ROUNDS * available; i++) {
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        picks[pick.id & 0xffffff]++;
        const struct keyshm_key_snapshot *row = row_of(snapshot, pick.id);
        EXPECT(row != NULL && row->benched_by == 0);
    }
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].benched_by == 0)
            EXPECT(picks[snapshot->keys[i].slot] >= ROUNDS - SPREAD_MAX &&
                   picks[snapshot->keys[i].slot] <= ROUNDS + SPREAD_MAX);
}

static void show_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "%s\n", problem);
}

void ledger_check_all(struct arena *arena, keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    unsigned expected = LASTING_KEYS, available = LASTING_KEYS;
    EXPECT_EQ(keyshm_verify(pool, show_problem, NULL), 0);
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned seat = 0; seat < SEATS; seat++) {
        for (unsigned own = 0; own < OWN_KEYS; own++) {
            const struct own_key *key = &arena->own[seat][own];
            struct own_key seen = look_at(pool, snapshot, seat, own);
            EXPECT_EQ(seen.id, key->id);
            EXPECT_EQ(seen.level, key->level);
            EXPECT_EQ(seen.is_paused, key->is_paused);
            expected += key->id != 0;
            available += key->id != 0 && key->level == LEVEL_NONE && !key->is_paused;
        }
    }
    EXPECT_EQ(snapshot->count, expected);
    EXPECT_EQ(keyshm_available_count(pool), available);
    check_counts(snapshot);
    check_picked(pool, snapshot);
    keyshm_snapshot_free(snapshot);
}
