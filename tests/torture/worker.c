/* SPDX-License-Identifier: MIT */
#include "expect.h"
#include "random.h"
#include "torture.h"

struct worker {
    struct arena *arena;
    keyshm_pool *pool;
    unsigned seat;
    uint64_t random;
    struct own_key own[OWN_KEYS];
    keyshm_id picked; /* the last one that may be marked; 0: none */
};

/* The lengths differ, so that a mixture of two keys is neither. */
void torture_make_text(unsigned seat, unsigned own, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "sk-%u.%02u-%0*u", seat, own, (int)(2 + (seat * 7 + own * 3) % 50), seat * 100 + own);
}

static unsigned random_below(struct worker *worker, unsigned limit)
{
    return (unsigned)(random_next(&worker->random) % limit);
}

/* ---- the log ---- */

static struct entry *log_begin(struct worker *worker, struct entry entry)
{
    struct log *log = &worker->arena->logs[worker->seat];
    uint32_t place = atomic_load(&log->begun);
    log->entries[place] = entry;
    atomic_store(&log->begun, place + 1);
    return &log->entries[place];
}

static void log_acknowledge(struct worker *worker)
{
    struct log *log = &worker->arena->logs[worker->seat];
    atomic_store(&log->acknowledged, atomic_load(&log->begun));
}

static bool log_is_full(struct worker *worker)
{
    return atomic_load(&worker->arena->logs[worker->seat].begun) == LOG_MAX;
}

/* ---- operations ---- */

/* A key that is one's own is picked only if it is in, not marked for long and not paused. */
static void check_pick(struct worker *worker, const struct keyshm_pick *pick)
{
    char text[TEXT_SIZE];
    unsigned seat, own;
    EXPECT_EQ(sscanf(pick->key, "sk-%u.%u-", &seat, &own), 2);
    torture_make_text(seat, own, text);
    EXPECT_EQ(strcmp(pick->key, text), 0);
    EXPECT_EQ(pick->key_length, strlen(text));
    if (seat == worker->seat) {
        EXPECT_EQ(pick->id, worker->own[own].id);
        EXPECT_EQ(worker->own[own].level, LEVEL_NONE);
        EXPECT(!worker->own[own].is_paused);
    }
    worker->picked = seat < SEATS ? pick->id : 0; /* the lasting keys are never marked, so there is always one to pick */
}

static void pick(struct worker *worker)
{
    struct keyshm_pick pick;
    struct entry *entry = log_begin(worker, (struct entry){.operation = OPERATION_PICK});
    EXPECT_EQ(keyshm_next(worker->pool, &pick), 0);
    entry->id = pick.id;
    log_acknowledge(worker);
    check_pick(worker, &pick);
}

static void mark_short(struct worker *worker)
{
    int64_t duration_ms = 1 + random_below(worker, SHORT_MAX_MS);
    if (worker->picked == 0)
        return;
    log_begin(worker, (struct entry){.operation = OPERATION_MARK_SHORT, .id = worker->picked});
    int r = keyshm_mark_rate_limited(worker->pool, worker->picked, duration_ms);
    EXPECT(r == 0 || r == -ESTALE);
    log_acknowledge(worker);
}

static void add(struct worker *worker, unsigned own)
{
    char text[TEXT_SIZE];
    keyshm_id id = 0;
    bool is_in = worker->own[own].id != 0;
    torture_make_text(worker->seat, own, text);
    struct entry *entry = log_begin(worker, (struct entry){.operation = OPERATION_ADD, .own = own});
    EXPECT_EQ(keyshm_add(worker->pool, text, &id), is_in ? -EEXIST : 0);
    entry->id = id;
    log_acknowledge(worker);
    if (is_in)
        EXPECT_EQ(id, worker->own[own].id);
    else
        worker->own[own] = (struct own_key){.id = id, .level = LEVEL_NONE};
}

static void remove_own(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own[own];
    log_begin(worker, (struct entry){.operation = OPERATION_REMOVE, .own = own, .id = key->id});
    EXPECT_EQ(keyshm_remove(worker->pool, key->id), 0);
    log_acknowledge(worker);
    EXPECT_EQ(keyshm_is_available(worker->pool, key->id), -ESTALE);
    key->id = 0;
}

static void mark_long(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own[own];
    enum level level = (enum level)(LEVEL_RATE_LIMITED + random_below(worker, 3));
    int r = 0;
    log_begin(worker, (struct entry){.operation = OPERATION_MARK_LONG, .own = own, .level = level, .id = key->id});
    if (level == LEVEL_RATE_LIMITED)
        r = keyshm_mark_rate_limited(worker->pool, key->id, LONG_MS);
    else if (level == LEVEL_QUOTA_EXCEEDED)
        r = keyshm_mark_quota_exceeded(worker->pool, key->id, KEYSHM_UNTIL_MARKED);
    else
        r = keyshm_mark_invalid(worker->pool, key->id);
    EXPECT_EQ(r, 0);
    log_acknowledge(worker);
    if (level > key->level)
        key->level = level;
    EXPECT_EQ(keyshm_is_available(worker->pool, key->id), 0);
}

static void mark_available(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own[own];
    log_begin(worker, (struct entry){.operation = OPERATION_MARK_AVAILABLE, .own = own, .id = key->id});
    EXPECT_EQ(keyshm_mark_available(worker->pool, key->id), 0);
    log_acknowledge(worker);
    key->level = LEVEL_NONE;
}

static void pause_or_resume(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own[own];
    bool pauses = !key->is_paused;
    enum operation operation = pauses ? OPERATION_PAUSE : OPERATION_RESUME;
    log_begin(worker, (struct entry){.operation = operation, .own = own, .id = key->id});
    EXPECT_EQ((pauses ? keyshm_pause : keyshm_resume)(worker->pool, key->id), 0);
    log_acknowledge(worker);
    key->is_paused = pauses;
    if (pauses)
        EXPECT_EQ(keyshm_is_available(worker->pool, key->id), 0);
}

static void set_policy(struct worker *worker)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_ms = 1 + random_below(worker, SHORT_MAX_MS);
    EXPECT_EQ(keyshm_set_policy(worker->pool, &policy), 0);
    EXPECT_EQ(keyshm_get_policy(worker->pool, &policy), 0);
    EXPECT(policy.cooldown_ms >= 1 && policy.cooldown_max_ms > LONG_MS);
}

static void do_other(struct worker *worker, unsigned own)
{
    char text[TEXT_SIZE], note[KEYSHM_METADATA_VALUE_MAX + 1];
    keyshm_id id = 0, expected = worker->own[own].id;
    torture_make_text(worker->seat, own, text);
    log_begin(worker, (struct entry){.operation = OPERATION_OTHER});
    EXPECT_EQ(keyshm_find(worker->pool, text, &id), expected != 0 ? 0 : -ENOENT);
    EXPECT_EQ(id, expected);
    EXPECT_EQ(keyshm_set_metadata(worker->pool, expected, "note", text), expected != 0 ? 0 : -ESTALE);
    EXPECT_EQ(keyshm_get_metadata(worker->pool, expected, "note", note, sizeof(note)),
              expected != 0 ? (int)strlen(text) : -ESTALE);
    EXPECT(expected == 0 || strcmp(note, text) == 0);
    set_policy(worker);
    EXPECT(keyshm_reset_expired_cooldowns(worker->pool) >= 0);
    log_acknowledge(worker);
}

static void work_on_own(struct worker *worker, unsigned choice)
{
    unsigned own = random_below(worker, OWN_KEYS);
    if (choice < 2)
        do_other(worker, own);
    else if (worker->own[own].id == 0 || choice < 3)
        add(worker, own);
    else if (choice < 7)
        remove_own(worker, own);
    else if (choice < 10)
        mark_long(worker, own);
    else if (choice < 12)
        pause_or_resume(worker, own);
    else
        mark_available(worker, own);
}

void worker_live(struct arena *arena, keyshm_pool *pool, unsigned seat, uint64_t seed)
{
    struct worker worker = {.arena = arena, .pool = pool, .seat = seat, .random = seed};
    memcpy(worker.own, arena->own[seat], sizeof(worker.own));
    while (!atomic_load(&arena->over) && !log_is_full(&worker)) {
        unsigned choice = random_below(&worker, 26);
        if (choice < 6)
            pick(&worker);
        else if (choice < 10)
            mark_short(&worker);
        else
            work_on_own(&worker, choice - 10);
    }
}
