/* SPDX-License-Identifier: MIT */

/*
 * A random sequence of public calls, each result compared with what reference.c says it must be: one after the other, on
 * clocks that only move between two calls, so that every result is known to the millisecond.
 *
 *   model alone|in-turns [CALLS [SEED]]
 *
 * alone: one process makes all calls. in-turns: each part of the sequence is made by a process of its own, through an
 * attachment of its own or an inherited one, and the state of the model passes from one to the next in shared memory.
 */

#include "expect.h"
#include "random.h"
#include "reference.h"
#include "virtual_clock.h"

enum { TEXTS = 2 * REFERENCE_CAPACITY_MAX, CALLS_PER_POOL = 10000, CALLS_PER_TURN_MAX = 200, VERIFY_EVERY = 500 };

/* Even if it often passes, far from the 8.7 years that fit a deadline. */
#define PASS_MAX_MS (INT64_C(24) * 60 * 60 * 1000)
#define BOOT_MS 5000000

/* The same for all processes. */
static struct shared {
    struct reference reference;
    uint64_t random;
    uint64_t calls;
    uint64_t picks;
    keyshm_id gone[16]; /* ids of keys that were removed */
} * shared;

static keyshm_pool *pool, *observer;

/* ---- chance ---- */

static uint64_t random_bits(void)
{
    return random_next(&shared->random);
}

static uint32_t random_below(uint32_t limit)
{
    return (uint32_t)(random_bits() % limit);
}

/* Some are long enough to be masked with a prefix, some too short; all differ. */
static void make_text(uint32_t number, char text[REFERENCE_KEY_SIZE])
{
    int digits = (int)(number * 37 % 61); /* more than 64 bytes in all for some: longer than some pools allow */
    snprintf(text, REFERENCE_KEY_SIZE, "sk-%0*u.%03u", digits, number, number);
}

static void random_text(char text[REFERENCE_KEY_SIZE])
{
    make_text(random_below(TEXTS), text);
}

static keyshm_id random_id(void)
{
    const struct reference *reference = &shared->reference;
    const struct reference_key *key = &reference->keys[random_below(reference->capacity)];
    switch (random_below(24)) {
    case 0:
        return shared->gone[random_below(16)];
    case 1:
        return random_bits();
    case 2:
        return key->id ^ UINT64_C(1) << random_below(64);
    default:
        return key->id;
    }
}

static int64_t random_duration_ms(void)
{
    static const int64_t limits[] = {-2, INT64_MIN, KEYSHM_DURATION_MAX_MS, KEYSHM_DURATION_MAX_MS + 1, INT64_MAX};
    switch (random_below(32)) {
    case 0:
        return limits[random_below(5)];
    case 1:
    case 2:
    case 3:
        return -1;
    case 4:
    case 5:
    case 6:
        return 0;
    case 7:
        return random_below(100000000);
    default:
        return 1 + random_below(1200);
    }
}

static bool is_duration(int64_t duration_ms)
{
    return duration_ms >= -1 && duration_ms <= KEYSHM_DURATION_MAX_MS;
}

/* A call that only reads must return the same through either attachment. */
static keyshm_pool *any_attachment(void)
{
    return random_below(2) == 0 ? pool : observer;
}

/* ---- time ---- */

static void read_clock(void)
{
    shared->reference.now_ms = virtual_clock->monotonic_ns / NS_PER_MS;
    shared->reference.tick_ms =
        (virtual_clock->monotonic_ns - virtual_clock->monotonic_ns % virtual_clock->tick_ns) / NS_PER_MS;
}

/* To the moment at which a key becomes available, or one millisecond beside it. */
static void pass_to_deadline(void)
{
    int64_t left_ms = reference_next_available_ms(&shared->reference) + (int64_t)random_below(3) - 1;
    if (left_ms > 0 && left_ms < PASS_MAX_MS)
        virtual_clock_pass_ms(left_ms);
}

static void pass_time(void)
{
    switch (random_below(64)) {
    case 0:
        virtual_clock_pass_ms(random_below(2000));
        break;
    case 1:
        virtual_clock_pass_ms(random_below(50000));
        break;
    case 2:
    case 3:
    case 4:
        pass_to_deadline();
        break;
    case 5: /* which nothing may depend on */
        virtual_clock->realtime_ns = (int64_t)(random_bits() >> 2);
        break;
    default:
        virtual_clock->monotonic_ns += random_below(3) == 0 ? random_below(2500000) : 0;
    }
    read_clock();
}

/* ---- membership ---- */

static void call_add(void)
{
    struct reference *reference = &shared->reference;
    char text[REFERENCE_KEY_SIZE];
    keyshm_id id = 0;
    random_text(text);
    const struct reference_key *same = reference_of_text(reference, text);
    struct reference_key *slot = reference_free_slot(reference);
    int r = keyshm_add(pool, text, &id);
    if (strlen(text) > reference->key_max) {
        EXPECT_EQ(r, -EINVAL);
    } else if (same != NULL) {
        EXPECT_EQ(r, -EEXIST);
        EXPECT_EQ(id, same->id);
    } else if (slot == NULL) {
        EXPECT_EQ(r, -ENOSPC);
    } else {
        EXPECT_EQ(r, 0);
        EXPECT_EQ(id & 0xffffff, slot - reference->keys);
        EXPECT(id > slot->id); /* a later generation than any before */
        reference_add(slot, id, text);
    }
}

static void call_remove(void)
{
    keyshm_id id = random_id();
    struct reference_key *key = reference_of_id(&shared->reference, id);
    EXPECT_EQ(keyshm_remove(pool, id), key != NULL ? 0 : -ESTALE);
    if (key == NULL)
        return;
    key->is_in = false;
    shared->gone[random_below(16)] = id;
}

static void call_find(void)
{
    char text[REFERENCE_KEY_SIZE];
    keyshm_id id = 0;
    random_text(text);
    const struct reference_key *key = reference_of_text(&shared->reference, text);
    int r = keyshm_find(any_attachment(), text, &id);
    EXPECT_EQ(r, strlen(text) > shared->reference.key_max ? -EINVAL : key != NULL ? 0 : -ENOENT);
    EXPECT_EQ(id, key != NULL ? key->id : 0);
}

static void call_set_metadata(void)
{
    char value[KEYSHM_METADATA_VALUE_MAX + 1] = "";
    keyshm_id id = random_id();
    unsigned name = random_below(REFERENCE_NAMES);
    struct reference_key *key = reference_of_id(&shared->reference, id);
    bool deletes = random_below(4) == 0;
    memset(value, 'a' + (int)random_below(26), random_below(random_below(2) == 0 ? 12 : sizeof(value)));
    int r = keyshm_set_metadata(pool, id, reference_names[name], deletes ? NULL : value);
    EXPECT_EQ(r, key != NULL ? reference_set_note(key, name, deletes ? NULL : value) : -ESTALE);
}

/* ---- picks and marks ---- */

static void call_next(void)
{
    struct keyshm_pick pick;
    int slot = reference_next(&shared->reference);
    int r = keyshm_next(pool, &pick);
    EXPECT_EQ(r, slot < 0 ? slot : 0);
    if (slot < 0)
        return;
    const struct reference_key *key = &shared->reference.keys[slot];
    EXPECT_EQ(pick.id, key->id);
    EXPECT_EQ(pick.key_length, strlen(key->text));
    EXPECT_EQ(strcmp(pick.key, key->text), 0);
    shared->picks++;
}

static void check_mark(keyshm_id id, enum keyshm_status status, int64_t duration_ms, int r)
{
    struct reference_key *key = reference_of_id(&shared->reference, id);
    if (!is_duration(duration_ms)) {
        EXPECT_EQ(r, -EINVAL);
        return;
    }
    EXPECT_EQ(r, key != NULL ? 0 : -ESTALE);
    if (key != NULL)
        reference_mark(&shared->reference, key, status, duration_ms);
}

static void call_mark_rate_limited(void)
{
    keyshm_id id = random_id();
    int64_t duration_ms = random_duration_ms();
    check_mark(id, KEYSHM_RATE_LIMITED, duration_ms, keyshm_mark_rate_limited(pool, id, duration_ms));
}

static void call_mark_quota_exceeded(void)
{
    keyshm_id id = random_id();
    int64_t duration_ms = random_duration_ms();
    check_mark(id, KEYSHM_QUOTA_EXCEEDED, duration_ms, keyshm_mark_quota_exceeded(pool, id, duration_ms));
}

static void call_mark_invalid(void)
{
    keyshm_id id = random_id();
    check_mark(id, KEYSHM_INVALID, 0, keyshm_mark_invalid(pool, id));
}

static void call_mark_available(void)
{
    keyshm_id id = random_id();
    check_mark(id, KEYSHM_AVAILABLE, 0, keyshm_mark_available(pool, id));
}

static void call_reset_expired(void)
{
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), reference_reset_expired(&shared->reference));
}

/* ---- inspection ---- */

static void call_is_available(void)
{
    keyshm_id id = random_id();
    const struct reference_key *key = reference_of_id(&shared->reference, id);
    int expected = -ESTALE;
    if (key != NULL)
        expected = reference_is_available(&shared->reference, key);
    EXPECT_EQ(keyshm_is_available(any_attachment(), id), expected);
}

static void call_available_count(void)
{
    EXPECT_EQ(keyshm_available_count(any_attachment()), reference_available_count(&shared->reference));
}

static void call_next_available_ms(void)
{
    EXPECT_EQ(keyshm_next_available_ms(any_attachment()), reference_next_available_ms(&shared->reference));
}

static void check_notes(const struct keyshm_key_snapshot *row, const struct reference_key *key)
{
    size_t count = 0;
    for (unsigned name = 0; name < REFERENCE_NAMES; name++) {
        if (!key->has_note[name])
            continue;
        EXPECT(count < row->metadata_count);
        EXPECT_EQ(strcmp(row->metadata[count].name, reference_names[name]), 0);
        EXPECT_EQ(strcmp(row->metadata[count].value, key->notes[name]), 0);
        count++;
    }
    EXPECT_EQ(row->metadata_count, count);
}

static void check_masked(const struct keyshm_key_snapshot *row, const char *text)
{
    char masked[KEYSHM_MASKED_SIZE] = "…";
    if (strlen(text) >= 20)
        snprintf(masked, sizeof(masked), "sk-…%s", text + strlen(text) - 4);
    EXPECT_EQ(strcmp(row->masked_key, masked), 0);
}

static void check_row(const struct keyshm_key_snapshot *row, const struct reference_key *key)
{
    const struct reference *reference = &shared->reference;
    bool is_available = reference_is_available(reference, key);
    enum keyshm_status expected = reference_status(reference, key);
    EXPECT_EQ(row->id, key->id);
    EXPECT_EQ(row->slot, key - reference->keys);
    EXPECT_EQ(row->status, expected);
    EXPECT_EQ(row->cooldown_left_ms, is_available                            ? 0
                                     : key->deadline_ms == REFERENCE_FOREVER ? -1
                                                                             : key->deadline_ms - reference->now_ms);
    EXPECT_EQ(row->picks, key->picks);
    EXPECT_EQ(row->error_count, key->marked[KEYSHM_INVALID]);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        EXPECT_EQ(row->marked[status], key->marked[status]);
    /* A pick reads whichever of its two clocks is exact enough, which may be less exact than for the pick before. */
    if (key->used_to_ms == 0) {
        EXPECT_EQ(row->last_used_ago_ms, -1);
    } else {
        EXPECT(row->last_used_ago_ms <= reference->now_ms - key->used_from_ms);
        EXPECT(row->last_used_ago_ms >= reference->now_ms - key->used_to_ms);
    }
    check_masked(row, key->text);
    check_notes(row, key);
}

static void call_snapshot(void)
{
    const struct reference *reference = &shared->reference;
    struct keyshm_snapshot *snapshot;
    unsigned row = 0, statuses[KEYSHM_STATUS_COUNT] = {0};
    EXPECT_EQ(keyshm_snapshot(any_attachment(), &snapshot), 0);
    EXPECT_EQ(snapshot->count, reference_count(reference));
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        if (!reference->keys[slot].is_in)
            continue;
        statuses[reference_status(reference, &reference->keys[slot])]++;
        check_row(&snapshot->keys[row++], &reference->keys[slot]);
    }
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        EXPECT_EQ(snapshot->status_count[status], statuses[status]);
    EXPECT_EQ(snapshot->capacity, reference->capacity);
    EXPECT_EQ(snapshot->key_max, reference->key_max);
    EXPECT_EQ(snapshot->default_cooldown_ms, reference->default_cooldown_ms);
    EXPECT_EQ(snapshot->recoveries, 0);
    EXPECT_EQ(snapshot->mutex_holder_pid, 0);
    keyshm_snapshot_free(snapshot);
}

static void call_refused(void)
{
    struct keyshm_pick pick;
    keyshm_id id = random_id();
    EXPECT_EQ(keyshm_next(observer, &pick), -EROFS);
    EXPECT_EQ(keyshm_remove(observer, id), -EROFS);
    EXPECT_EQ(keyshm_mark_invalid(observer, id), -EROFS);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(observer), -EROFS);
}

static void show_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "%s\n", problem);
}

static void check_invariants(void)
{
    EXPECT_EQ(keyshm_verify(any_attachment(), show_problem, NULL), 0);
}

/* ---- the sequence ---- */

static const struct call {
    unsigned weight; /* of 100 */
    void (*make)(void);
} calls[] = {
    {25, call_next},
    {7, call_add},
    {5, call_remove},
    {5, call_find},
    {6, call_set_metadata},
    {14, call_mark_rate_limited},
    {7, call_mark_quota_exceeded},
    {4, call_mark_invalid},
    {8, call_mark_available},
    {4, call_reset_expired},
    {5, call_is_available},
    {4, call_available_count},
    {4, call_next_available_ms},
    {1, call_snapshot},
    {1, call_refused},
};

static void make_call(void)
{
    const struct call *call = calls;
    uint32_t choice = random_below(100);
    for (; choice >= call->weight; call++)
        choice -= call->weight;
    pass_time();
    call->make();
    if (++shared->calls % VERIFY_EVERY == 0)
        check_invariants();
}

static void begin_pool(void)
{
    struct reference *reference = &shared->reference;
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    memset(reference, 0, sizeof(*reference));
    memset(shared->gone, 0, sizeof(shared->gone));
    options.capacity = reference->capacity = 1 + random_below(REFERENCE_CAPACITY_MAX);
    options.key_max = reference->key_max = 40 + random_below(REFERENCE_KEY_SIZE - 40);
    options.default_cooldown_ms = reference->default_cooldown_ms = random_below(4) == 0 ? 0 : 1 + random_below(3000);
    virtual_clock->monotonic_ns = BOOT_MS * NS_PER_MS;
    virtual_clock->tick_ns = (1 + random_below(10)) * NS_PER_MS;
    EXPECT_EQ(keyshm_create(&pool, expect_name, &options), 0);
    EXPECT_EQ(keyshm_attach_readonly(&observer, expect_name), 0);
    read_clock();
}

static void end_pool(void)
{
    check_invariants();
    call_snapshot();
    keyshm_close(observer);
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

static void make_calls(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        make_call();
}

static void attach_anew(void)
{
    keyshm_close(pool);
    keyshm_close(observer);
    EXPECT_EQ(keyshm_attach(&pool, expect_name), 0);
    EXPECT_EQ(keyshm_attach_readonly(&observer, expect_name), 0);
}

static void make_calls_in_turns(uint64_t count)
{
    for (uint64_t end = shared->calls + count; shared->calls < end;) {
        uint64_t turn = 1 + random_below(CALLS_PER_TURN_MAX);
        pid_t child = expect_fork();
        if (child == 0) {
            if (random_below(2) == 0)
                attach_anew();
            make_calls(turn < end - shared->calls ? turn : end - shared->calls);
            _exit(0);
        }
        expect_success_of(child);
    }
}

int main(int argc, char **argv)
{
    bool alone = argc > 1 && strcmp(argv[1], "alone") == 0;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    if (!alone && (argc < 2 || strcmp(argv[1], "in-turns") != 0)) {
        fprintf(stderr, "usage: model alone|in-turns [CALLS [SEED]]\n");
        return 2;
    }
    shared = expect_shared_memory(sizeof(*shared));
    virtual_clock_begin();
    shared->random = random_seed(argc > 3 ? argv[3] : NULL);
    printf("%s, %llu calls, seed %llu\n", argv[1], (unsigned long long)count, (unsigned long long)shared->random);
    expect_pool_name("model");
    while (shared->calls < count) {
        begin_pool();
        (alone ? make_calls : make_calls_in_turns)(CALLS_PER_POOL);
        end_pool();
    }
    printf("%llu calls, %llu picked a key; none differed\n", (unsigned long long)shared->calls,
           (unsigned long long)shared->picks);
    printf("total: runs %llu, broken 0\n", (unsigned long long)shared->calls); /* what differs ends the program */
    return 0;
}
