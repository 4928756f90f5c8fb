/* SPDX-License-Identifier: MIT */
#include "mixture.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "expect.h"
#include "for_model.h"
#include "random.h"

/*
 * Every key that is ever added has an identity, a number that its text, its metadata and the end of its masked form are
 * made from. The records say which id it got, and when it came and went, on a clock of the workers' own: a worker that
 * reads the clock before a call knows what had happened by then, and the call must have seen it.
 *
 * The lasting keys stay in the pool and are each owned by one marker, which alone marks them invalid or available. The
 * passing keys are each owned by one churner, which alone adds and removes them. All but the evergreen one may be in a
 * group, of which the mover makes and removes one, and may be marked for the model.
 */

enum {
    ITERATIONS_MAX = 60000, /* there is room to record these */
    PICKERS = 3,
    MARKERS = 2,
    CHURNERS = 3,
    LASTING = 6,
    PASSING_AT_ONCE = 5, /* of one churner */
    CAPACITY = LASTING + CHURNERS * PASSING_AT_ONCE,
    IDENTITIES = LASTING + CHURNERS * ITERATIONS_MAX,
    GENERATIONS = CHURNERS * ITERATIONS_MAX + 2,
    METADATA_TOKENS_MAX = 6,
    GROUPS = 2,
};

#define EVERGREEN 0u
#define NOBODY UINT32_MAX

/* Times are of the workers' clock; 0: not yet. */
struct record {
    _Atomic keyshm_id id;
    _Atomic uint64_t added;         /* it was in the pool by then */
    _Atomic uint64_t removing;      /* it may be out of the pool since then */
    _Atomic uint64_t removed;       /* it was out of the pool by then */
    _Atomic uint64_t benched_since; /* invalid, or paused; 0 also when it may be available again */
};

struct mixture {
    uint64_t seed;
    unsigned iterations;
    bool evergreen;
    keyshm_id groups[GROUPS]; /* they stay */
    unsigned model;
    _Atomic unsigned churning; /* churners at work: the others go on as long as there are any */
    _Atomic uint64_t clock;
    _Atomic uint64_t picks;
    _Atomic uint64_t found_none;
    _Atomic uint32_t newest[CHURNERS]; /* identity */
    struct record records[IDENTITIES];
    _Atomic uint32_t owner[CAPACITY][GENERATIONS]; /* identity + 1 of the key with the id of this slot and generation */
};

/* One worker. */
struct hand {
    struct mixture *mixture;
    keyshm_pool *pool;
    unsigned number; /* within its kind */
    uint64_t random;
};

static uint32_t random_below(struct hand *hand, uint32_t bound)
{
    return (uint32_t)(random_next(&hand->random) % bound);
}

/* ---- records ---- */

static uint64_t now(struct mixture *mixture)
{
    return atomic_load(&mixture->clock);
}

static uint64_t tick(struct mixture *mixture)
{
    return atomic_fetch_add(&mixture->clock, 1) + 1;
}

/* An id belongs to one identity, and an identity has one id, whichever worker records it first. */
static void record_id(struct mixture *mixture, uint32_t identity, keyshm_id id)
{
    keyshm_id known_id = 0;
    uint32_t known_owner = 0;
    uint64_t slot = id & 0xffffff, generation = id >> 24;
    EXPECT(identity < IDENTITIES && slot < CAPACITY && generation < GENERATIONS);
    if (!atomic_compare_exchange_strong(&mixture->records[identity].id, &known_id, id))
        EXPECT_EQ(id, known_id);
    if (!atomic_compare_exchange_strong(&mixture->owner[slot][generation], &known_owner, identity + 1))
        EXPECT_EQ(identity + 1, known_owner);
}

/* NOBODY when the id has not been recorded yet. */
static uint32_t identity_of(struct mixture *mixture, keyshm_id id)
{
    uint64_t slot = id & 0xffffff, generation = id >> 24;
    EXPECT(slot < CAPACITY && generation > 0 && generation < GENERATIONS);
    return atomic_load(&mixture->owner[slot][generation]) - 1;
}

/* A call that began at `start` and has ended said whether the key is in the pool. */
static void check_membership(struct mixture *mixture, uint32_t identity, uint64_t start, bool said_in)
{
    const struct record *record = &mixture->records[identity];
    uint64_t added = atomic_load(&record->added), removed = atomic_load(&record->removed);
    if (said_in)
        EXPECT(removed == 0 || removed > start);
    else
        EXPECT(added == 0 || added > start || atomic_load(&record->removing) != 0);
}

/* The same for calls that return 0 or -ESTALE. */
static void check_result(struct mixture *mixture, uint32_t identity, uint64_t start, int r)
{
    EXPECT(r == 0 || r == -ESTALE);
    check_membership(mixture, identity, start, r == 0);
}

static bool is_churning(struct mixture *mixture)
{
    return atomic_load(&mixture->churning) > 0;
}

/* Some key that is, was just, or is about to be in the pool, and is not the evergreen one. */
static uint32_t random_identity(struct hand *hand)
{
    uint32_t choice = random_below(hand, LASTING + CHURNERS * PASSING_AT_ONCE * 2);
    if (choice < LASTING)
        return hand->mixture->evergreen && choice == EVERGREEN ? LASTING - 1 : choice;
    uint32_t newest = atomic_load(&hand->mixture->newest[choice % CHURNERS]);
    uint32_t first = LASTING + choice % CHURNERS * ITERATIONS_MAX;
    uint32_t back = random_below(hand, PASSING_AT_ONCE * 2);
    return newest >= first + back ? newest - back : first;
}

/* Whatever the model, or the one. */
static unsigned random_model(struct hand *hand)
{
    return random_below(hand, 2) * hand->mixture->model;
}

/* One of those that stay, or 0. */
static keyshm_id random_group(struct hand *hand)
{
    uint32_t choice = random_below(hand, GROUPS + 1);
    return choice < GROUPS ? hand->mixture->groups[choice] : 0;
}

static bool is_lasting(uint32_t identity)
{
    return identity < LASTING;
}

/* ---- texts ---- */

static void make_key(uint32_t identity, char key[KEYSHM_KEY_MAX + 1])
{
    uint32_t length = (uint32_t)snprintf(key, KEYSHM_KEY_MAX + 1, "sk-%08x-", identity);
    uint32_t filler = identity * 37 % 400;
    for (uint32_t i = 0; i < filler; i++)
        key[length++] = (char)('A' + (identity * 7 + i) % 26);
    snprintf(key + length, KEYSHM_KEY_MAX + 1 - length, "-end-%04x", identity & 0xffff);
}

static uint32_t check_key(const struct keyshm_pick *pick)
{
    char expected[KEYSHM_KEY_MAX + 1];
    unsigned identity;
    EXPECT_EQ(sscanf(pick->key, "sk-%8x-", &identity), 1);
    EXPECT(identity < IDENTITIES);
    make_key(identity, expected);
    EXPECT_EQ(pick->key_length, strlen(expected));
    EXPECT_EQ(memcmp(pick->key, expected, pick->key_length + 1), 0);
    return identity;
}

/* One token, repeated: a mixture of two values is recognized. */
static void make_value(uint32_t identity, uint32_t note, unsigned tokens, char value[KEYSHM_METADATA_VALUE_MAX + 1])
{
    for (unsigned i = 0; i < tokens; i++)
        snprintf(value + i * 17, KEYSHM_METADATA_VALUE_MAX + 1 - i * 17, "%08x:%08x", identity, note);
}

static void check_value(const char *value, uint32_t identity)
{
    char expected[KEYSHM_METADATA_VALUE_MAX + 1];
    unsigned written_identity, note;
    EXPECT_EQ(sscanf(value, "%8x:%8x", &written_identity, &note), 2);
    EXPECT(identity == NOBODY || written_identity == identity);
    unsigned tokens = (unsigned)(strlen(value) / 17);
    EXPECT(tokens >= 1 && tokens <= METADATA_TOKENS_MAX);
    make_value(written_identity, note, tokens, expected);
    EXPECT_EQ(strcmp(value, expected), 0);
}

/* ---- pickers ---- */

static void pick_one(struct hand *hand, uint32_t *ret_identity)
{
    struct mixture *mixture = hand->mixture;
    struct keyshm_pick pick;
    unsigned model = random_model(hand);
    uint64_t start = now(mixture);
    int r = pick_for_model(hand->pool, model, &pick);
    *ret_identity = NOBODY;
    if (r != 0) {
        EXPECT_EQ(r, -EAGAIN);
        EXPECT(!mixture->evergreen);
        atomic_fetch_add(&mixture->found_none, 1);
        return;
    }
    uint32_t identity = check_key(&pick);
    uint64_t benched_since = atomic_load(&mixture->records[identity].benched_since);
    EXPECT(benched_since == 0 || benched_since > start);
    record_id(mixture, identity, pick.id);
    check_membership(mixture, identity, start, true);
    atomic_fetch_add(&mixture->picks, 1);
    *ret_identity = identity;
}

/* As after a provider's answer. Short, so that keys come back by themselves all the time. */
static void mark_limited(struct hand *hand, uint32_t identity)
{
    struct mixture *mixture = hand->mixture;
    keyshm_id id = atomic_load(&mixture->records[identity].id);
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = random_below(hand, 2) == 0 ? KEYSHM_RATE_LIMITED : KEYSHM_QUOTA_EXCEEDED;
    mark.duration_ms = random_below(hand, 4);
    mark.model = random_model(hand);
    if (id == 0)
        return;
    uint64_t start = now(mixture);
    check_result(mixture, identity, start, keyshm_mark(hand->pool, id, &mark));
}

static void work_as_picker(struct hand *hand)
{
    while (is_churning(hand->mixture)) {
        uint32_t identity;
        pick_one(hand, &identity);
        if (identity != NOBODY && random_below(hand, 256) == 0 && !(hand->mixture->evergreen && identity == EVERGREEN))
            mark_limited(hand, identity);
    }
}

/* ---- markers ---- */

/* A key of its own is invalid for a while, and no weaker mark changes that; or paused, and no mark at all does. */
static void bench_and_back(struct hand *hand, uint32_t identity)
{
    struct mixture *mixture = hand->mixture;
    struct record *record = &mixture->records[identity];
    keyshm_id id = atomic_load(&record->id);
    bool pauses = random_below(hand, 2) == 0;
    EXPECT_EQ((pauses ? keyshm_pause : keyshm_mark_invalid)(hand->pool, id), 0);
    atomic_store(&record->benched_since, tick(mixture));
    for (unsigned i = random_below(hand, 20); i > 0; i--) {
        mark_limited(hand, identity);
        if (pauses)
            EXPECT_EQ(keyshm_mark_available(hand->pool, id), 0);
        EXPECT_EQ(keyshm_is_available(hand->pool, id), 0);
        EXPECT(keyshm_reset_expired_cooldowns(hand->pool) >= 0);
    }
    atomic_store(&record->benched_since, 0);
    EXPECT_EQ((pauses ? keyshm_resume : keyshm_mark_available)(hand->pool, id), 0);
}

/* Whoever pauses it resumes it, if it is still there. */
static int pause_for_a_moment(struct hand *hand, keyshm_id id)
{
    int r = keyshm_pause(hand->pool, id);
    if (r < 0)
        return r;
    r = keyshm_resume(hand->pool, id);
    EXPECT(r == 0 || r == -ESTALE);
    return 0;
}

static int mark_overloaded(struct hand *hand, keyshm_id id)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_OVERLOADED;
    mark.duration_ms = 1;
    return keyshm_mark(hand->pool, id, &mark);
}

/* Any key of a churner: no state is expected of it afterwards. */
static void mark_passing(struct hand *hand, uint32_t identity)
{
    struct mixture *mixture = hand->mixture;
    keyshm_id id = atomic_load(&mixture->records[identity].id);
    if (id == 0)
        return;
    uint64_t start = now(mixture);
    int r;
    switch (random_below(hand, 16)) {
    case 0:
        r = keyshm_mark_invalid(hand->pool, id);
        break;
    case 1:
        r = keyshm_mark_quota_exceeded(hand->pool, id, KEYSHM_UNTIL_MARKED);
        break;
    case 2:
        r = keyshm_mark_rate_limited(hand->pool, id, 1);
        break;
    case 3:
        r = keyshm_is_available(hand->pool, id);
        r = r == 1 ? 0 : r;
        break;
    case 4:
        r = pause_for_a_moment(hand, id);
        break;
    case 5:
        r = mark_overloaded(hand, id);
        break;
    default:
        r = keyshm_mark_available(hand->pool, id);
        break;
    }
    check_result(mixture, identity, start, r);
}

static void work_as_marker(struct hand *hand)
{
    while (is_churning(hand->mixture)) {
        uint32_t identity = random_identity(hand);
        if (!is_lasting(identity))
            mark_passing(hand, identity);
        else if (identity % MARKERS == hand->number)
            bench_and_back(hand, identity);
        else if (random_below(hand, 64) == 0)
            mark_limited(hand, identity);
        int64_t left_ms = keyshm_next_available_ms(hand->pool);
        EXPECT(left_ms >= -1);
        EXPECT(!hand->mixture->evergreen || left_ms == 0);
    }
}

/* ---- churners ---- */

static void add_passing(struct hand *hand, uint32_t identity)
{
    struct mixture *mixture = hand->mixture;
    char key[KEYSHM_KEY_MAX + 1];
    keyshm_id id, found;
    make_key(identity, key);
    EXPECT_EQ(keyshm_add_to_group(hand->pool, key, random_group(hand), &id), 0);
    record_id(mixture, identity, id);
    atomic_store(&mixture->records[identity].added, tick(mixture));
    atomic_store(&mixture->newest[hand->number], identity);
    EXPECT_EQ(keyshm_find(hand->pool, key, &found), 0);
    EXPECT_EQ(found, id);
    EXPECT_EQ(keyshm_add(hand->pool, key, &found), -EEXIST);
    EXPECT_EQ(found, id);
}

static void remove_passing(struct hand *hand, uint32_t identity)
{
    struct mixture *mixture = hand->mixture;
    struct record *record = &mixture->records[identity];
    keyshm_id id = atomic_load(&record->id);
    atomic_store(&record->removing, tick(mixture));
    EXPECT_EQ(keyshm_remove(hand->pool, id), 0);
    atomic_store(&record->removed, tick(mixture));
    EXPECT_EQ(keyshm_is_available(hand->pool, id), -ESTALE);
    EXPECT_EQ(keyshm_mark_available(hand->pool, id), -ESTALE);
    EXPECT_EQ(keyshm_remove(hand->pool, id), -ESTALE);
}

/* Holds up to PASSING_AT_ONCE keys, and replaces one of them each time. The last ones stay in the pool. */
static void work_as_churner(struct hand *hand)
{
    uint32_t held[PASSING_AT_ONCE];
    uint32_t first = LASTING + hand->number * ITERATIONS_MAX;
    for (unsigned i = 0; i < hand->mixture->iterations; i++) {
        uint32_t place = i < PASSING_AT_ONCE ? i : random_below(hand, PASSING_AT_ONCE);
        if (i >= PASSING_AT_ONCE)
            remove_passing(hand, held[place]);
        held[place] = first + i;
        add_passing(hand, held[place]);
    }
    atomic_fetch_sub(&hand->mixture->churning, 1);
}

/* ---- the mover: groups ---- */

static void move_one(struct hand *hand, keyshm_id group_or_0)
{
    struct mixture *mixture = hand->mixture;
    uint32_t identity = random_identity(hand);
    keyshm_id id = atomic_load(&mixture->records[identity].id);
    if (id == 0)
        return;
    uint64_t start = now(mixture);
    check_result(mixture, identity, start, keyshm_set_group(hand->pool, id, group_or_0));
}

/* One that stays: so shortly that it comes back by itself all the time. */
static void mark_group(struct hand *hand)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    keyshm_id group = hand->mixture->groups[random_below(hand, GROUPS)];
    mark.model = random_model(hand);
    if (random_below(hand, 2) == 0) {
        mark.status = KEYSHM_RATE_LIMITED;
        mark.duration_ms = random_below(hand, 4);
    }
    EXPECT_EQ(keyshm_mark(hand->pool, group, &mark), 0);
    if (random_below(hand, 8) == 0)
        EXPECT_EQ(pause_for_a_moment(hand, group), 0);
}

/* Only the mover puts keys into it. A key that is removed meanwhile leaves it. */
static void make_and_remove_group(struct hand *hand)
{
    keyshm_id group, found;
    EXPECT_EQ(keyshm_group(hand->pool, "passing", &group), 0);
    EXPECT_EQ(keyshm_find_group(hand->pool, "passing", &found), 0);
    EXPECT_EQ(found, group);
    uint32_t identity = random_identity(hand);
    keyshm_id id = atomic_load(&hand->mixture->records[identity].id);
    if (id != 0 && keyshm_set_group(hand->pool, id, group) == 0) {
        int r = keyshm_set_group(hand->pool, id, random_group(hand));
        EXPECT(r == 0 || r == -ESTALE);
    }
    EXPECT_EQ(keyshm_remove_group(hand->pool, group), 0);
    EXPECT_EQ(keyshm_mark_invalid(hand->pool, group), -ESTALE);
}

static void work_as_mover(struct hand *hand)
{
    while (is_churning(hand->mixture)) {
        move_one(hand, random_group(hand));
        mark_group(hand);
        if (random_below(hand, 8) == 0)
            make_and_remove_group(hand);
    }
}

/* ---- the clerk: annotates and looks up ---- */

static void annotate(struct hand *hand)
{
    struct mixture *mixture = hand->mixture;
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    uint32_t identity = random_identity(hand);
    keyshm_id id = atomic_load(&mixture->records[identity].id);
    bool large = random_below(hand, 2) == 0, erase = random_below(hand, 4) == 0;
    if (id == 0)
        return;
    make_value(identity, random_below(hand, UINT32_MAX), large ? METADATA_TOKENS_MAX : 2, value);
    uint64_t start = now(mixture);
    int r = keyshm_set_metadata(hand->pool, id, large ? "b" : "a", erase ? NULL : value);
    check_result(mixture, identity, start, erase && r == -ENOENT ? 0 : r);
}

static void look_up(struct hand *hand)
{
    struct mixture *mixture = hand->mixture;
    char key[KEYSHM_KEY_MAX + 1];
    keyshm_id id;
    uint32_t identity = random_identity(hand);
    make_key(identity, key);
    uint64_t start = now(mixture);
    int r = keyshm_find(hand->pool, key, &id);
    EXPECT(r == 0 || r == -ENOENT);
    if (r == 0)
        record_id(mixture, identity, id);
    check_membership(mixture, identity, start, r == 0);
}

/* -EBUSY: its notes, or the keys in its slot, changed all the time. */
static void read_note(struct hand *hand)
{
    struct mixture *mixture = hand->mixture;
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    uint32_t identity = random_identity(hand);
    keyshm_id id = atomic_load(&mixture->records[identity].id);
    if (id == 0)
        return;
    uint64_t start = now(mixture);
    int r = keyshm_get_metadata(hand->pool, id, random_below(hand, 2) == 0 ? "a" : "b", value, sizeof(value));
    if (r == -EBUSY)
        return;
    if (r >= 0) {
        EXPECT_EQ(r, strlen(value));
        check_value(value, identity);
    }
    check_result(mixture, identity, start, r >= 0 || r == -ENOENT ? 0 : r);
}

static void set_policy(struct hand *hand)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_ms = 1 + random_below(hand, 1000);
    EXPECT_EQ(keyshm_set_policy(hand->pool, &policy), 0);
    EXPECT_EQ(keyshm_get_policy(hand->pool, &policy), 0);
    EXPECT(policy.cooldown_ms >= 1 && policy.cooldown_ms <= 1000);
}

static void work_as_clerk(struct hand *hand)
{
    while (is_churning(hand->mixture)) {
        look_up(hand);
        look_up(hand);
        annotate(hand);
        read_note(hand);
        if (random_below(hand, 64) == 0)
            set_policy(hand);
    }
}

/* ---- the observer ---- */

static void check_row(struct mixture *mixture, const struct keyshm_key_snapshot *key, uint64_t start)
{
    char suffix[8];
    uint32_t identity = identity_of(mixture, key->id);
    EXPECT_EQ(key->slot, key->id & 0xffffff);
    EXPECT_EQ(key->error_count, key->marked[KEYSHM_INVALID]);
    EXPECT(key->status != KEYSHM_AVAILABLE || (key->cooldown_left_ms == 0 && key->reason == KEYSHM_REASON_NONE));
    EXPECT(((key->benched_by & ~KEYSHM_BY_PAUSE) != 0) == (key->status != KEYSHM_AVAILABLE));
    EXPECT((key->benched_by & KEYSHM_BY_PAUSE) != 0 || key->is_paused == 0);
    EXPECT(key->status != KEYSHM_RATE_LIMITED || key->cooldown_left_ms > 0);
    EXPECT(key->status != KEYSHM_QUOTA_EXCEEDED || key->cooldown_left_ms == -1 || key->cooldown_left_ms > 0);
    EXPECT(key->status != KEYSHM_INVALID || key->cooldown_left_ms == -1);
    for (size_t i = 0; i < key->metadata_count; i++)
        check_value(key->metadata[i].value, identity);
    if (identity == NOBODY)
        return;
    snprintf(suffix, sizeof(suffix), "%04x", identity & 0xffff);
    EXPECT_EQ(strncmp(key->masked_key, "sk-", 3), 0);
    EXPECT_EQ(strcmp(key->masked_key + strlen(key->masked_key) - 4, suffix), 0);
    check_membership(mixture, identity, start, true);
}

static void check_inspected(struct hand *hand)
{
    struct keyshm_key_snapshot key;
    uint32_t identity = random_identity(hand);
    keyshm_id id = atomic_load(&hand->mixture->records[identity].id);
    uint64_t start = now(hand->mixture);
    int r = id != 0 ? keyshm_inspect(hand->pool, id, random_model(hand), sizeof(key), &key) : -ESTALE;
    EXPECT(r == 0 || r == -ESTALE || r == -EBUSY);
    if (r == 0)
        check_row(hand->mixture, &key, start);
}

static void check_snapshot(struct hand *hand)
{
    struct keyshm_snapshot *snapshot;
    unsigned statuses = 0, lasting = 0;
    uint64_t start = now(hand->mixture);
    EXPECT_EQ(keyshm_snapshot(hand->pool, &snapshot), 0);
    EXPECT(snapshot->count >= LASTING && snapshot->count <= CAPACITY);
    for (unsigned i = 0; i < snapshot->count; i++) {
        EXPECT(i == 0 || snapshot->keys[i].slot > snapshot->keys[i - 1].slot);
        check_row(hand->mixture, &snapshot->keys[i], start);
        lasting += is_lasting(identity_of(hand->mixture, snapshot->keys[i].id));
    }
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        statuses += snapshot->status_count[status];
    EXPECT_EQ(statuses, snapshot->count);
    EXPECT_EQ(lasting, LASTING);
    EXPECT_EQ(snapshot->recoveries, 0);
    EXPECT(snapshot->group_count >= GROUPS && snapshot->group_count <= GROUPS + 1);
    EXPECT_EQ(snapshot->model_count, 1);
    keyshm_snapshot_free(snapshot);
}

static void print_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "%s\n", problem);
}

static void work_as_observer(struct hand *hand)
{
    while (is_churning(hand->mixture)) {
        check_snapshot(hand);
        check_inspected(hand);
        int available = keyshm_available_count_for(hand->pool, random_model(hand));
        EXPECT(available >= (hand->mixture->evergreen ? 1 : 0) && available <= CAPACITY);
        int reset = keyshm_reset_expired_cooldowns(hand->pool);
        EXPECT(reset >= 0 && reset <= CAPACITY + GROUPS + 1);
        int lifted = keyshm_mark_all_available(hand->pool, 1U << KEYSHM_RATE_LIMITED | 1U << KEYSHM_QUOTA_EXCEEDED);
        EXPECT(lifted >= 0 && lifted <= CAPACITY + GROUPS + 1);
        int problems = keyshm_verify(hand->pool, print_problem, NULL);
        EXPECT(problems == 0 || problems == -EBUSY);
    }
}

/* ---- all of it ---- */

static const struct role {
    unsigned workers;
    void (*work)(struct hand *hand);
} roles[] = {
    {PICKERS, work_as_picker}, {MARKERS, work_as_marker}, {CHURNERS, work_as_churner},
    {1, work_as_mover},        {1, work_as_clerk},        {1, work_as_observer},
};
_Static_assert(PICKERS + MARKERS + CHURNERS + 3 == MIXTURE_WORKERS, "every worker has a role");

static struct mixture *begin(keyshm_pool **ret_pool, uint64_t seed, unsigned iterations, bool evergreen)
{
    struct mixture *mixture = expect_shared_memory(sizeof(*mixture));
    struct hand hand = {.mixture = mixture};
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    options.lock_timeout_ms = KEYSHM_LOCK_TIMEOUT_MAX_MS;
    mixture->seed = seed;
    mixture->iterations = iterations;
    mixture->evergreen = evergreen;
    mixture->churning = CHURNERS;
    EXPECT_EQ(keyshm_create(&hand.pool, expect_name, &options), 0);
    EXPECT_EQ(keyshm_group(hand.pool, "first", &mixture->groups[0]), 0);
    EXPECT_EQ(keyshm_group(hand.pool, "second", &mixture->groups[1]), 0);
    EXPECT_EQ(keyshm_model(hand.pool, "model", &mixture->model), 0);
    for (uint32_t identity = 0; identity < LASTING; identity++) {
        char key[KEYSHM_KEY_MAX + 1];
        keyshm_id id;
        make_key(identity, key);
        EXPECT_EQ(keyshm_add(hand.pool, key, &id), 0);
        record_id(mixture, identity, id);
        atomic_store(&mixture->records[identity].added, tick(mixture));
    }
    *ret_pool = hand.pool;
    return mixture;
}

void mixture_work(struct mixture *mixture, keyshm_pool *pool, unsigned worker)
{
    struct hand hand = {.mixture = mixture, .pool = pool, .number = worker, .random = mixture->seed + worker};
    const struct role *role = roles;
    for (; hand.number >= role->workers; role++)
        hand.number -= role->workers;
    role->work(&hand);
}

/* Every key that was added and not removed is found, with its id. */
static unsigned check_all_found(struct mixture *mixture, keyshm_pool *pool)
{
    unsigned count = 0;
    for (uint32_t identity = 0; identity < IDENTITIES; identity++) {
        const struct record *record = &mixture->records[identity];
        char key[KEYSHM_KEY_MAX + 1];
        keyshm_id id;
        if (atomic_load(&record->added) == 0)
            continue;
        bool in = atomic_load(&record->removed) == 0;
        make_key(identity, key);
        EXPECT_EQ(keyshm_find(pool, key, &id), in ? 0 : -ENOENT);
        if (in)
            EXPECT_EQ(id, atomic_load(&record->id));
        count += in;
    }
    return count;
}

/* Time goes on between two calls, so two counts must agree only when no cooldown is running. */
static void check_all_counted(struct mixture *mixture, keyshm_pool *pool, unsigned count)
{
    struct keyshm_snapshot *snapshot;
    int64_t left_ms;
    while ((left_ms = keyshm_next_available_ms(pool)) > 0)
        usleep((useconds_t)left_ms * 1000);
    for (bool settled = false; !settled;) {
        EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
        EXPECT_EQ(snapshot->count, count);
        settled = snapshot->status_count[KEYSHM_RATE_LIMITED] == 0;
        for (unsigned i = 0; i < snapshot->count; i++) {
            check_row(mixture, &snapshot->keys[i], now(mixture));
            settled &= snapshot->keys[i].cooldown_left_ms <= 0;
        }
        if (settled)
            EXPECT_EQ(keyshm_available_count(pool), snapshot->status_count[KEYSHM_AVAILABLE]);
        keyshm_snapshot_free(snapshot);
    }
}

/* From the one after the last: each twice, one after another. */
static bool are_picked_in_order(keyshm_pool *pool, unsigned model, const struct keyshm_snapshot *snapshot)
{
    struct keyshm_pick pick = {.id = 0};
    do
        EXPECT_EQ(pick_for_model(pool, model, &pick), 0);
    while (pick.id != snapshot->keys[snapshot->count - 1].id);
    for (unsigned i = 0; i < 2 * snapshot->count; i++) {
        EXPECT_EQ(pick_for_model(pool, model, &pick), 0);
        check_key(&pick);
        if (pick.id != snapshot->keys[i % snapshot->count].id)
            return false;
    }
    return true;
}

static void check_all_picked(const struct mixture *mixture, keyshm_pool *pool, unsigned count)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned i = 0; i < count; i++)
        EXPECT_EQ(keyshm_mark_available(pool, snapshot->keys[i].id), 0);
    for (int i = 0; i < GROUPS; i++)
        EXPECT_EQ(keyshm_mark_available(pool, mixture->groups[i]), 0);
    EXPECT_EQ(keyshm_available_count(pool), count);
    EXPECT_EQ(keyshm_available_count_for(pool, mixture->model), count);
    /* Turns that the workers have claimed and left come first, within a second; then it must be so, or the time runs out. */
    for (unsigned model = 0; model <= mixture->model; model++)
        while (!are_picked_in_order(pool, model, snapshot))
            continue;
    keyshm_snapshot_free(snapshot);
}

static void check_all_removable(struct mixture *mixture, keyshm_pool *pool, unsigned count)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned i = 0; i < count; i++) {
        EXPECT_EQ(keyshm_remove(pool, snapshot->keys[i].id), 0);
        atomic_store(&mixture->records[identity_of(mixture, snapshot->keys[i].id)].removed, tick(mixture));
    }
    keyshm_snapshot_free(snapshot);
    EXPECT_EQ(check_all_found(mixture, pool), 0);
    EXPECT_EQ(keyshm_next(pool, &pick), -ENOKEY);
}

static void end(struct mixture *mixture, keyshm_pool *pool)
{
    unsigned count = check_all_found(mixture, pool);
    check_all_counted(mixture, pool, count);
    EXPECT_EQ(keyshm_verify(pool, print_problem, NULL), 0);
    check_all_picked(mixture, pool, count);
    check_all_removable(mixture, pool, count);
    EXPECT_EQ(keyshm_verify(pool, print_problem, NULL), 0);
    printf("%llu picks, %llu found nothing; %u keys in the end\n", (unsigned long long)atomic_load(&mixture->picks),
           (unsigned long long)atomic_load(&mixture->found_none), count);
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
    munmap(mixture, sizeof(*mixture));
}

int mixture_main(int argc, char **argv, const char *name, void (*run_workers)(struct mixture *mixture, keyshm_pool *pool))
{
    unsigned iterations = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5000;
    uint64_t seed = random_seed(argc > 2 ? argv[2] : NULL);
    EXPECT(iterations > PASSING_AT_ONCE && iterations <= ITERATIONS_MAX);
    printf("iterations %u, seed %llu\n", iterations, (unsigned long long)seed);
    expect_pool_name(name);
    for (int i = 0; i < 2; i++) {
        keyshm_pool *pool;
        struct mixture *mixture = begin(&pool, seed, iterations, i == 0);
        run_workers(mixture, pool);
        end(mixture, pool);
    }
    return 0;
}
