/* SPDX-License-Identifier: MIT */
#include "expect.h"
#include "random.h"
#include "torture.h"

struct worker {
    struct arena *arena;
    keyshm_pool *pool;
    unsigned seat;
    uint64_t random;
    struct own own;
    keyshm_id picked; /* the last one that may be marked; 0: none */
};

/* The lengths differ, so that a mixture of two keys is neither. */
void torture_make_text(unsigned seat, unsigned own, char text[TEXT_SIZE])
{
    snprintf(text, TEXT_SIZE, "sk-%u.%02u-%0*u", seat, own, (int)(2 + (seat * 7 + own * 3) % 50), seat * 100 + own);
}

void torture_make_group_name(unsigned seat, char name[TEXT_SIZE])
{
    snprintf(name, TEXT_SIZE, "account %u", seat);
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

/* A key that is one's own is picked only if it is in, and neither it nor its group is marked for long or paused. */
static void check_pick(struct worker *worker, const struct keyshm_pick *pick, unsigned model)
{
    char text[TEXT_SIZE];
    unsigned seat, own;
    EXPECT_EQ(sscanf(pick->key, "sk-%u.%u-", &seat, &own), 2);
    torture_make_text(seat, own, text);
    EXPECT_EQ(strcmp(pick->key, text), 0);
    EXPECT_EQ(pick->key_length, strlen(text));
    if (seat == worker->seat) {
        EXPECT_EQ(pick->id, worker->own.keys[own].id);
        EXPECT(torture_is_available(&worker->own, &worker->own.keys[own], model));
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
    check_pick(worker, &pick, 0);
}

static void acquire(struct worker *worker)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    struct entry *entry = log_begin(worker, (struct entry){.operation = OPERATION_PICK});
    request.model = MODEL;
    request.tokens = random_below(worker, 100); /* so that it has a place */
    EXPECT_EQ(keyshm_acquire(worker->pool, &request, &lease), 0);
    entry->id = lease.pick.id;
    log_acknowledge(worker);
    EXPECT_EQ(lease.pick.model, MODEL);
    check_pick(worker, &lease.pick, MODEL);
    int r = keyshm_release(worker->pool, &lease);
    EXPECT(r == 0 || r == -ESTALE);
}

static struct keyshm_mark make_mark(enum level level, unsigned model)
{
    static const struct {
        enum keyshm_status status;
        enum keyshm_reason reason;
    } levels[] = {
        [LEVEL_NONE] = {KEYSHM_AVAILABLE, KEYSHM_REASON_NONE},
        [LEVEL_RATE_LIMITED] = {KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT},
        [LEVEL_QUOTA_EXCEEDED] = {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_QUOTA},
        [LEVEL_INVALID] = {KEYSHM_INVALID, KEYSHM_REASON_AUTHENTICATION},
    };
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = levels[level].status;
    mark.reason = levels[level].reason;
    mark.duration_ms = level == LEVEL_RATE_LIMITED ? LONG_MS : KEYSHM_UNTIL_MARKED;
    mark.model = model;
    return mark;
}

static enum level random_level(struct worker *worker)
{
    return (enum level)(LEVEL_RATE_LIMITED + random_below(worker, 3));
}

static void mark_short(struct worker *worker)
{
    struct keyshm_mark mark = make_mark(LEVEL_RATE_LIMITED, random_below(worker, MODEL + 1));
    mark.duration_ms = 1 + random_below(worker, SHORT_MAX_MS);
    if (worker->picked == 0)
        return;
    log_begin(worker, (struct entry){.operation = OPERATION_MARK_SHORT, .id = worker->picked});
    int r = keyshm_mark(worker->pool, worker->picked, &mark);
    EXPECT(r == 0 || r == -ESTALE);
    log_acknowledge(worker);
}

static void add(struct worker *worker, unsigned own)
{
    char text[TEXT_SIZE];
    keyshm_id id = 0, group = random_below(worker, 2) == 0 ? worker->own.group.id : 0;
    bool is_in = worker->own.keys[own].id != 0;
    enum operation operation = group != 0 ? OPERATION_ADD_TO_GROUP : OPERATION_ADD;
    torture_make_text(worker->seat, own, text);
    struct entry *entry = log_begin(worker, (struct entry){.operation = operation, .own = own});
    EXPECT_EQ(keyshm_add_to_group(worker->pool, text, group, &id), is_in ? -EEXIST : 0);
    entry->id = id;
    log_acknowledge(worker);
    if (is_in)
        EXPECT_EQ(id, worker->own.keys[own].id);
    else
        worker->own.keys[own] = (struct own_key){.id = id, .is_in_group = group != 0};
}

static void remove_own(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own.keys[own];
    log_begin(worker, (struct entry){.operation = OPERATION_REMOVE, .own = own, .id = key->id});
    EXPECT_EQ(keyshm_remove(worker->pool, key->id), 0);
    log_acknowledge(worker);
    EXPECT_EQ(keyshm_is_available(worker->pool, key->id), -ESTALE);
    *key = (struct own_key){.id = 0};
}

static void mark_long(struct worker *worker, unsigned own, unsigned model)
{
    struct own_key *key = &worker->own.keys[own];
    enum level level = random_level(worker), *known = model == 0 ? &key->level : &key->level_for_model;
    struct keyshm_mark mark = make_mark(level, model);
    log_begin(worker, (struct entry){.operation = model == 0 ? OPERATION_MARK_LONG : OPERATION_MARK_FOR_MODEL,
                                     .own = own,
                                     .level = level,
                                     .id = key->id});
    EXPECT_EQ(keyshm_mark(worker->pool, key->id, &mark), 0);
    log_acknowledge(worker);
    if (level > *known)
        *known = level;
    EXPECT_EQ(keyshm_is_available_for(worker->pool, key->id, model), 0);
}

static void mark_available(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own.keys[own];
    log_begin(worker, (struct entry){.operation = OPERATION_MARK_AVAILABLE, .own = own, .id = key->id});
    EXPECT_EQ(keyshm_mark_available(worker->pool, key->id), 0);
    log_acknowledge(worker);
    key->level = key->level_for_model = LEVEL_NONE;
}

static void pause_or_resume(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own.keys[own];
    bool pauses = !key->is_paused;
    enum operation operation = pauses ? OPERATION_PAUSE : OPERATION_RESUME;
    log_begin(worker, (struct entry){.operation = operation, .own = own, .id = key->id});
    EXPECT_EQ((pauses ? keyshm_pause : keyshm_resume)(worker->pool, key->id), 0);
    log_acknowledge(worker);
    key->is_paused = pauses;
    if (pauses)
        EXPECT_EQ(keyshm_is_available(worker->pool, key->id), 0);
}

/* ---- one's own group ---- */

static void join_or_leave(struct worker *worker, unsigned own)
{
    struct own_key *key = &worker->own.keys[own];
    bool joins = !key->is_in_group;
    if (worker->own.group.id == 0)
        return;
    log_begin(worker, (struct entry){
                          .operation = joins ? OPERATION_JOIN : OPERATION_LEAVE, .own = own, .id = worker->own.group.id});
    EXPECT_EQ(keyshm_set_group(worker->pool, key->id, joins ? worker->own.group.id : 0), 0);
    log_acknowledge(worker);
    key->is_in_group = joins;
}

static void make_group(struct worker *worker)
{
    char name[TEXT_SIZE];
    keyshm_id id = 0;
    torture_make_group_name(worker->seat, name);
    struct entry *entry = log_begin(worker, (struct entry){.operation = OPERATION_GROUP});
    EXPECT_EQ(keyshm_group(worker->pool, name, &id), 0);
    entry->id = id;
    log_acknowledge(worker);
    worker->own.group = (struct own_group){.id = id};
}

static void mark_group(struct worker *worker)
{
    enum level level = random_level(worker);
    struct keyshm_mark mark = make_mark(level, 0);
    log_begin(worker, (struct entry){.operation = OPERATION_MARK_GROUP, .level = level});
    EXPECT_EQ(keyshm_mark(worker->pool, worker->own.group.id, &mark), 0);
    log_acknowledge(worker);
    if (level > worker->own.group.level)
        worker->own.group.level = level;
}

static void mark_group_available(struct worker *worker)
{
    log_begin(worker, (struct entry){.operation = OPERATION_MARK_GROUP_AVAILABLE});
    EXPECT_EQ(keyshm_mark_available(worker->pool, worker->own.group.id), 0);
    log_acknowledge(worker);
    worker->own.group.level = LEVEL_NONE;
}

/* Only when no key is in it. */
static void remove_group(struct worker *worker)
{
    bool is_empty = true;
    for (unsigned own = 0; own < OWN_KEYS; own++)
        is_empty &= !worker->own.keys[own].is_in_group;
    if (!is_empty) {
        EXPECT_EQ(keyshm_remove_group(worker->pool, worker->own.group.id), -EBUSY);
        return;
    }
    log_begin(worker, (struct entry){.operation = OPERATION_REMOVE_GROUP});
    EXPECT_EQ(keyshm_remove_group(worker->pool, worker->own.group.id), 0);
    log_acknowledge(worker);
    worker->own.group = (struct own_group){.id = 0};
}

static void work_on_group(struct worker *worker)
{
    unsigned choice = random_below(worker, 8);
    if (worker->own.group.id == 0)
        make_group(worker);
    else if (choice < 3)
        mark_group(worker);
    else if (choice < 7)
        mark_group_available(worker);
    else
        remove_group(worker);
}

/* ---- all of them ---- */

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
    keyshm_id id = 0, expected = worker->own.keys[own].id;
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
    else if (worker->own.keys[own].id == 0 || choice < 3)
        add(worker, own);
    else if (choice < 7)
        remove_own(worker, own);
    else if (choice < 9)
        mark_long(worker, own, 0);
    else if (choice < 11)
        mark_long(worker, own, MODEL);
    else if (choice < 13)
        pause_or_resume(worker, own);
    else if (choice < 15)
        join_or_leave(worker, own);
    else
        mark_available(worker, own);
}

void worker_live(struct arena *arena, keyshm_pool *pool, unsigned seat, uint64_t seed)
{
    struct worker worker = {.arena = arena, .pool = pool, .seat = seat, .random = seed};
    worker.own = arena->own[seat];
    while (!atomic_load(&arena->over) && !log_is_full(&worker)) {
        unsigned choice = random_below(&worker, 34);
        if (choice < 4)
            pick(&worker);
        else if (choice < 8)
            acquire(&worker);
        else if (choice < 12)
            mark_short(&worker);
        else if (choice < 15)
            work_on_group(&worker);
        else
            work_on_own(&worker, choice - 15);
    }
}
