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

static enum level level_of(const struct keyshm_word_snapshot *word)
{
    switch (word->status) {
    case KEYSHM_INVALID:
        return LEVEL_INVALID;
    case KEYSHM_QUOTA_EXCEEDED:
        return LEVEL_QUOTA_EXCEEDED;
    case KEYSHM_RATE_LIMITED:
        return word->cooldown_left_ms > LONG_MS / 2 ? LEVEL_RATE_LIMITED : LEVEL_NONE;
    default:
        return LEVEL_NONE;
    }
}

/* The words of a key are the first two, those of a group the last two (keyshm.h). */
static struct own_group look_at_group(keyshm_pool *pool, unsigned seat)
{
    struct own_group group = {.id = 0};
    struct keyshm_key_snapshot state;
    char name[TEXT_SIZE];
    torture_make_group_name(seat, name);
    int r = keyshm_find_group(pool, name, &group.id);
    EXPECT(r == 0 || r == -ENOENT);
    if (r == 0) {
        EXPECT_EQ(keyshm_inspect(pool, group.id, MODEL, sizeof(state), &state), 0);
        group.level = level_of(&state.words[2]);
    }
    return group;
}

static struct own_key look_at_key(keyshm_pool *pool, unsigned seat, unsigned own, keyshm_id group)
{
    struct own_key key = {.id = 0};
    struct keyshm_key_snapshot state;
    char text[TEXT_SIZE];
    torture_make_text(seat, own, text);
    int r = keyshm_find(pool, text, &key.id);
    EXPECT(r == 0 || r == -ENOENT);
    if (r == 0) {
        EXPECT_EQ(keyshm_inspect(pool, key.id, MODEL, sizeof(state), &state), 0);
        EXPECT(state.group == 0 || state.group == group);
        key.level = level_of(&state.words[0]);
        key.level_for_model = level_of(&state.words[1]);
        key.is_paused = state.is_paused != 0;
        key.is_in_group = state.group != 0;
    }
    return key;
}

static void look_at(keyshm_pool *pool, unsigned seat, struct own *ret_seen)
{
    ret_seen->group = look_at_group(pool, seat);
    for (unsigned own = 0; own < OWN_KEYS; own++)
        ret_seen->keys[own] = look_at_key(pool, seat, own, ret_seen->group.id);
}

bool torture_is_available(const struct own *own, const struct own_key *key, unsigned model)
{
    return key->id != 0 && key->level == LEVEL_NONE && !key->is_paused &&
           (model == 0 || key->level_for_model == LEVEL_NONE) && (!key->is_in_group || own->group.level == LEVEL_NONE);
}

/* ---- replay ---- */

static void join_level(enum level *level, enum level marked)
{
    if (marked > *level)
        *level = marked;
}

static void apply_to_key(struct own_key *key, const struct entry *entry)
{
    switch (entry->operation) {
    case OPERATION_ADD:
    case OPERATION_ADD_TO_GROUP:
        if (key->id == 0 && entry->id != 0)
            *key = (struct own_key){.id = entry->id, .is_in_group = entry->operation == OPERATION_ADD_TO_GROUP};
        break;
    case OPERATION_REMOVE:
        *key = (struct own_key){.id = 0};
        break;
    case OPERATION_MARK_LONG:
        join_level(&key->level, entry->level);
        break;
    case OPERATION_MARK_FOR_MODEL:
        join_level(&key->level_for_model, entry->level);
        break;
    case OPERATION_MARK_AVAILABLE:
        key->level = key->level_for_model = LEVEL_NONE;
        break;
    case OPERATION_PAUSE:
    case OPERATION_RESUME:
        key->is_paused = entry->operation == OPERATION_PAUSE;
        break;
    case OPERATION_JOIN:
    case OPERATION_LEAVE:
        key->is_in_group = entry->operation == OPERATION_JOIN;
        break;
    default:
        break;
    }
}

static void apply(struct own *own, const struct entry *entry)
{
    switch (entry->operation) {
    case OPERATION_GROUP:
        if (own->group.id == 0)
            own->group = (struct own_group){.id = entry->id};
        break;
    case OPERATION_REMOVE_GROUP:
        own->group = (struct own_group){.id = 0};
        break;
    case OPERATION_MARK_GROUP:
        join_level(&own->group.level, entry->level);
        break;
    case OPERATION_MARK_GROUP_AVAILABLE:
        own->group.level = LEVEL_NONE;
        break;
    default:
        apply_to_key(&own->keys[entry->own], entry);
    }
}

static bool is_rate_limit(const struct entry *entry)
{
    return entry->operation == OPERATION_MARK_SHORT ||
           ((entry->operation == OPERATION_MARK_LONG || entry->operation == OPERATION_MARK_FOR_MODEL) &&
            entry->level == LEVEL_RATE_LIMITED);
}

static void tally(const struct entry *entry, bool is_acknowledged)
{
    if (entry->operation == OPERATION_PICK && !is_acknowledged)
        picks_in_flight++;
    else if (entry->operation == OPERATION_PICK)
        count(&tally_of(entry->id)->picks, true);
    else if (is_rate_limit(entry))
        count(&tally_of(entry->id)->rate_limited, is_acknowledged);
}

static bool is_same_key(const struct own_key *a, const struct own_key *b)
{
    return a->id == b->id && a->level == b->level && a->level_for_model == b->level_for_model &&
           a->is_paused == b->is_paused && a->is_in_group == b->is_in_group;
}

static bool is_same(const struct own *a, const struct own *b)
{
    for (unsigned own = 0; own < OWN_KEYS; own++)
        if (!is_same_key(&a->keys[own], &b->keys[own]))
            return false;
    return a->group.id == b->group.id && a->group.level == b->group.level;
}

/* The operation has happened or not: the pool shows which. A key is made available whatever the model first, and for
 * each model then. */
static void settle(struct own *own, const struct own *seen, const struct entry *entry)
{
    struct entry done = *entry;
    struct own after = *own, half = *own;
    if (done.operation == OPERATION_ADD || done.operation == OPERATION_ADD_TO_GROUP)
        done.id = seen->keys[done.own].id;
    else if (done.operation == OPERATION_GROUP)
        done.id = seen->group.id;
    apply(&after, &done);
    half.keys[done.own].level = LEVEL_NONE;
    ledger_totals.in_flight++;
    ledger_totals.in_flight_done += is_same(seen, &after);
    if (is_same(seen, &after))
        *own = after;
    else if (done.operation == OPERATION_MARK_AVAILABLE && is_same(seen, &half))
        *own = half;
}

static void expect_same(const struct own *seen, const struct own *own)
{
    for (unsigned i = 0; i < OWN_KEYS; i++) {
        EXPECT_EQ(seen->keys[i].id, own->keys[i].id);
        EXPECT_EQ(seen->keys[i].level, own->keys[i].level);
        EXPECT_EQ(seen->keys[i].level_for_model, own->keys[i].level_for_model);
        EXPECT_EQ(seen->keys[i].is_paused, own->keys[i].is_paused);
        EXPECT_EQ(seen->keys[i].is_in_group, own->keys[i].is_in_group);
    }
    EXPECT_EQ(seen->group.id, own->group.id);
    EXPECT_EQ(seen->group.level, own->group.level);
}

void ledger_reconcile(struct arena *arena, keyshm_pool *pool, unsigned seat)
{
    struct log *log = &arena->logs[seat];
    struct own *own = &arena->own[seat], seen;
    uint32_t begun = atomic_load(&log->begun), acknowledged = atomic_load(&log->acknowledged);
    EXPECT(begun == acknowledged || begun == acknowledged + 1);
    for (uint32_t i = 0; i < begun; i++) {
        tally(&log->entries[i], i < acknowledged);
        if (i < acknowledged)
            apply(own, &log->entries[i]);
    }
    look_at(pool, seat, &seen);
    const struct entry *last = &log->entries[acknowledged];
    if (begun > acknowledged && last->operation >= OPERATION_ADD && last->operation < OPERATION_OTHER)
        settle(own, &seen, last);
    expect_same(&seen, own);
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

/* What a seat has in the end. */
struct sum {
    unsigned keys, available, available_for_model, groups;
};

static void add_up(const struct own *own, struct sum *sum)
{
    for (unsigned i = 0; i < OWN_KEYS; i++) {
        sum->keys += own->keys[i].id != 0;
        sum->available += torture_is_available(own, &own->keys[i], 0);
        sum->available_for_model += torture_is_available(own, &own->keys[i], MODEL);
    }
    sum->groups += own->group.id != 0;
}

static void check_group(const struct own *own, const struct keyshm_snapshot *snapshot)
{
    unsigned keys = 0;
    for (unsigned i = 0; i < OWN_KEYS; i++)
        keys += own->keys[i].is_in_group;
    for (unsigned i = 0; i < snapshot->group_count; i++)
        if (snapshot->groups[i].id == own->group.id)
            EXPECT_EQ(snapshot->groups[i].keys, keys);
}

/* Those of the killed, too, are given back. */
static void check_leases(keyshm_pool *pool)
{
    struct keyshm_lease_list *leases;
    EXPECT(keyshm_reap(pool, 0) >= 0);
    EXPECT_EQ(keyshm_leases(pool, &leases), 0);
    EXPECT_EQ(leases->count, 0);
    keyshm_lease_list_free(leases);
}

void ledger_check_all(struct arena *arena, keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    struct sum sum = {.keys = LASTING_KEYS, .available = LASTING_KEYS, .available_for_model = LASTING_KEYS};
    check_leases(pool);
    EXPECT_EQ(keyshm_verify(pool, show_problem, NULL), 0);
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned seat = 0; seat < SEATS; seat++) {
        struct own seen;
        look_at(pool, seat, &seen);
        expect_same(&seen, &arena->own[seat]);
        add_up(&seen, &sum);
        check_group(&seen, snapshot);
    }
    EXPECT_EQ(snapshot->count, sum.keys);
    EXPECT_EQ(snapshot->group_count, sum.groups);
    EXPECT_EQ(keyshm_available_count(pool), sum.available);
    EXPECT_EQ(keyshm_available_count_for(pool, MODEL), sum.available_for_model);
    check_counts(snapshot);
    check_picked(pool, snapshot);
    keyshm_snapshot_free(snapshot);
}
