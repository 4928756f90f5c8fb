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

#include "pool.h"
#include "pool_clock.h"

#include "expect.h"
#include "random.h"
#include "reference.h"
#include "virtual_clock.h"

enum { TEXTS = 2 * REFERENCE_CAPACITY_MAX, CALLS_PER_POOL = 10000, CALLS_PER_TURN_MAX = 200, VERIFY_EVERY = 500 };

/* In the place of a slot's number, the id of a group has it. */
#define GROUP_BIT (UINT64_C(1) << 23)

/* Even if it often passes, far from the 8.7 years that fit a deadline. */
#define PASS_MAX_MS (INT64_C(24) * 60 * 60 * 1000)
#define BOOT_MS 5000000

/* The same for all processes. */
static struct shared {
    struct reference reference;
    uint64_t random;
    uint64_t calls;
    uint64_t picks;
    int64_t noticed_ns;                           /* how long the machine had slept when a process looked last */
    keyshm_id gone[16];                           /* ids of keys that were removed */
    bool has_priorities, has_weights, has_limits; /* in this pool they are set now and then */
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

/* Of a key, that is or was in or never was. */
static keyshm_id random_id(void)
{
    const struct reference *reference = &shared->reference;
    const struct reference_key *key = &reference->keys[random_below(reference->capacity)];
    switch (random_below(24)) {
    case 0:
        return shared->gone[random_below(16)];
    case 1:
        return random_bits() & ~GROUP_BIT;
    case 2:
        return (key->subject.id ^ UINT64_C(1) << random_below(64)) & ~GROUP_BIT;
    default:
        return key->subject.id;
    }
}

/* Of a group, that is or was there or never was. */
static keyshm_id random_group_id(void)
{
    const struct reference_subject *group = &shared->reference.groups[random_below(REFERENCE_GROUPS)];
    return random_below(24) == 0 ? random_bits() | GROUP_BIT : group->id != 0 ? group->id : GROUP_BIT;
}

/* That there is, or 0. */
static unsigned random_model(void)
{
    return random_below(shared->reference.models + 1);
}

static int64_t random_duration_ms(void)
{
    static const int64_t limits[] = {
        -1, -3000, INT64_MIN, KEYSHM_DURATION_MAX_MS, KEYSHM_DURATION_MAX_MS + 1, INT64_MAX, KEYSHM_UNTIL_MARKED - 1,
    };
    switch (random_below(32)) {
    case 0:
        return limits[random_below(sizeof(limits) / sizeof(limits[0]))];
    case 1:
    case 2:
        return KEYSHM_NO_RETRY_AFTER;
    case 3:
        return KEYSHM_UNTIL_MARKED;
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

/* A call that only reads must return the same through either attachment. */
static keyshm_pool *any_attachment(void)
{
    return random_below(2) == 0 ? pool : observer;
}

/* ---- time ---- */

static void read_clock(void)
{
    int64_t tick_ns = virtual_clock->monotonic_ns - virtual_clock->monotonic_ns % virtual_clock->tick_ns;
    shared->reference.now_ns = virtual_clock->monotonic_ns + virtual_clock->slept_ns;
    shared->reference.now_ms = shared->reference.now_ns / NS_PER_MS;
    shared->reference.tick_ms = tick_ns / NS_PER_MS + shared->noticed_ns / NS_PER_MS;
}

/* A pick, and a mark with a duration, look whether the machine has slept. */
static void notice_sleep(void)
{
    shared->noticed_ns = virtual_clock->slept_ns;
}

/* No process goes on within the tick in which the machine went to sleep. */
static void sleep_ms(int64_t duration_ms)
{
    virtual_clock_sleep_ms(duration_ms);
    virtual_clock->monotonic_ns += virtual_clock->tick_ns;
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
    case 6:
        sleep_ms(random_below(1000));
        break;
    default:
        virtual_clock->monotonic_ns += random_below(3) == 0 ? random_below(2500000) : 0;
    }
    read_clock();
}

/* ---- membership ---- */

/* Others are the id of no group that there can be. */
static bool is_group_number(keyshm_id id)
{
    return (id & GROUP_BIT) != 0 && (id & (GROUP_BIT - 1)) < KEYSHM_GROUPS_MAX;
}

static void call_add(void)
{
    struct reference *reference = &shared->reference;
    char text[REFERENCE_KEY_SIZE];
    keyshm_id id = 0;
    random_text(text);
    const struct reference_key *same = reference_of_text(reference, text);
    struct reference_key *slot = reference_free_slot(reference);
    keyshm_id group = random_below(2) == 0 ? random_group_id() : 0;
    struct reference_subject *group_or_null = reference_group_of_id(reference, group);
    int r = group != 0 ? keyshm_add_to_group(pool, text, group, &id) : keyshm_add(pool, text, &id);
    if (strlen(text) > reference->key_max || (group != 0 && !is_group_number(group))) {
        EXPECT_EQ(r, -EINVAL);
    } else if (group != 0 && group_or_null == NULL) {
        EXPECT_EQ(r, -ESTALE);
    } else if (same != NULL) {
        EXPECT_EQ(r, -EEXIST);
        EXPECT_EQ(id, same->subject.id);
    } else if (slot == NULL) {
        EXPECT_EQ(r, -ENOSPC);
    } else {
        EXPECT_EQ(r, 0);
        EXPECT_EQ(id & 0xffffff, slot - reference->keys);
        EXPECT(id > slot->subject.id); /* a later generation than any before */
        reference_add(slot, id, text, group_or_null);
    }
}

static void call_remove(void)
{
    keyshm_id id = random_id();
    struct reference_key *key = reference_of_id(&shared->reference, id);
    EXPECT_EQ(keyshm_remove(pool, id), key != NULL ? 0 : -ESTALE);
    if (key == NULL)
        return;
    key->subject.is_in = false;
    shared->gone[random_below(16)] = id;
}

/* What keyshm_replace_keys() is asked to make of the pool. */
struct replacement {
    size_t count;
    char texts[TEXTS][REFERENCE_KEY_SIZE];
    const char *keys[TEXTS];
    size_t invalid; /* the first key that is; `count`: none */
    unsigned unique, kept;
};

/* Most of the keys that are in, and some others; some come twice. */
static void make_replacement(struct replacement *replacement)
{
    struct reference *reference = &shared->reference;
    size_t count = 0;
    for (unsigned slot = 0; slot < reference->capacity && random_below(16) != 0; slot++)
        if (reference->keys[slot].subject.is_in && random_below(8) != 0)
            snprintf(replacement->texts[count++], REFERENCE_KEY_SIZE, "%s", reference->keys[slot].text);
    for (uint32_t more = random_below(16); more > 0 && count < TEXTS; more--)
        random_text(replacement->texts[count++]);
    replacement->count = replacement->invalid = count;
    for (size_t i = 0; i < count; i++) {
        replacement->keys[i] = replacement->texts[i];
        if (replacement->invalid == count && strlen(replacement->texts[i]) > reference->key_max)
            replacement->invalid = i;
    }
}

/* Is it the first of its text? */
static bool is_first(const struct replacement *replacement, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (strcmp(replacement->texts[i], replacement->texts[number]) == 0)
            return false;
    return true;
}

static void count_replacement(struct replacement *replacement)
{
    replacement->unique = replacement->kept = 0;
    for (size_t i = 0; i < replacement->count; i++) {
        if (!is_first(replacement, i))
            continue;
        replacement->unique++;
        replacement->kept += reference_of_text(&shared->reference, replacement->texts[i]) != NULL;
    }
}

static bool is_wanted(const struct replacement *replacement, const char *text)
{
    for (size_t i = 0; i < replacement->count; i++)
        if (strcmp(replacement->texts[i], text) == 0)
            return true;
    return false;
}

/* The new keys, where the library has put them: in free slots first. */
static void apply_replacement(const struct replacement *replacement)
{
    struct reference *reference = &shared->reference;
    unsigned free_before = reference->capacity - reference_count(reference), into_free = 0, added = 0;
    bool was_in[REFERENCE_CAPACITY_MAX];
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        was_in[slot] = reference->keys[slot].subject.is_in;
        if (was_in[slot] && !is_wanted(replacement, reference->keys[slot].text))
            reference->keys[slot].subject.is_in = false;
    }
    for (size_t i = 0; i < replacement->count; i++) {
        keyshm_id id;
        if (reference_of_text(reference, replacement->texts[i]) != NULL)
            continue;
        EXPECT_EQ(keyshm_find(pool, replacement->texts[i], &id), 0);
        struct reference_key *slot = &reference->keys[id & 0xffffff];
        EXPECT(!slot->subject.is_in && id > slot->subject.id);
        into_free += !was_in[id & 0xffffff];
        added++;
        reference_add(slot, id, replacement->texts[i], NULL);
    }
    EXPECT_EQ(into_free, added < free_before ? added : free_before);
}

static void call_replace_keys(void)
{
    static struct replacement replacement;
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    struct reference *reference = &shared->reference;
    make_replacement(&replacement);
    count_replacement(&replacement);
    unsigned before = reference_count(reference);
    int r = keyshm_replace_keys(pool, replacement.keys, replacement.count, &replaced);
    if (replacement.invalid < replacement.count) {
        EXPECT_EQ(r, -EINVAL);
        EXPECT_EQ(replaced.invalid, replacement.invalid);
    } else if (replacement.unique > reference->capacity) {
        EXPECT_EQ(r, -ENOSPC);
    } else {
        EXPECT_EQ(r, 0);
        EXPECT_EQ(replaced.kept, replacement.kept);
        EXPECT_EQ(replaced.added, replacement.unique - replacement.kept);
        EXPECT_EQ(replaced.removed, before - replacement.kept);
        apply_replacement(&replacement);
    }
}

static void call_find(void)
{
    char text[REFERENCE_KEY_SIZE];
    keyshm_id id = 0;
    random_text(text);
    const struct reference_key *key = reference_of_text(&shared->reference, text);
    int r = keyshm_find(any_attachment(), text, &id);
    EXPECT_EQ(r, strlen(text) > shared->reference.key_max ? -EINVAL : key != NULL ? 0 : -ENOENT);
    EXPECT_EQ(id, key != NULL ? key->subject.id : 0);
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

static void call_get_metadata(void)
{
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    keyshm_id id = random_id();
    unsigned name = random_below(REFERENCE_NAMES);
    size_t size = random_below(4) == 0 ? random_below(sizeof(value)) : sizeof(value);
    const struct reference_key *key = reference_of_id(&shared->reference, id);
    int r = keyshm_get_metadata(any_attachment(), id, reference_names[name], value, size), expected = -ESTALE;
    if (key != NULL)
        expected = !key->has_note[name]               ? -ENOENT
                   : strlen(key->notes[name]) >= size ? -ERANGE
                                                      : (int)strlen(key->notes[name]);
    EXPECT_EQ(r, expected);
    if (expected >= 0)
        EXPECT_EQ(strcmp(value, key->notes[name]), 0);
}

/* ---- picks and marks ---- */

static void check_benched_pick(const struct keyshm_pick *pick, int r, int slot, unsigned model, int64_t benched_ms)
{
    EXPECT_EQ(r, slot < 0 ? slot : 0);
    notice_sleep();
    if (slot < 0)
        return;
    struct reference_key *key = &shared->reference.keys[slot];
    EXPECT_EQ(pick->id, key->subject.id);
    EXPECT_EQ(pick->key_length, strlen(key->text));
    EXPECT_EQ(strcmp(pick->key, key->text), 0);
    EXPECT(pick->stamp != 0 && pick->model == model);
    EXPECT_EQ(pick->benched_ms, benched_ms);
    key->last.stamp = pick->stamp;
    shared->picks++;
}

static void check_pick(const struct keyshm_pick *pick, int r, int slot, unsigned model)
{
    check_benched_pick(pick, r, slot, model, 0);
}

static const struct reference_request plain_request = {.model = 0};

/* What is charged for the slot that is picked. */
static int next_slot(void)
{
    struct reference *reference = &shared->reference;
    int slot = reference_next(reference, &plain_request);
    if (slot >= 0)
        reference_charge(reference, &reference->keys[slot], &plain_request, NULL);
    return slot;
}

static void call_next(void)
{
    struct keyshm_pick pick;
    int r = keyshm_next(pool, &pick);
    check_pick(&pick, r, next_slot(), 0);
}

/* ---- leases ---- */

/* Any, or one that is not held. */
static struct reference_lease *random_lease(void)
{
    return &shared->reference.leases[random_below(REFERENCE_LEASES)];
}

static struct reference_lease *free_lease(void)
{
    for (int i = 0; i < REFERENCE_LEASES; i++)
        if (!shared->reference.leases[i].is_held)
            return &shared->reference.leases[i];
    return NULL;
}

static void check_release(struct reference_lease *lease)
{
    EXPECT_EQ(keyshm_release(pool, &lease->lease), reference_release(&shared->reference, lease));
}

/* The library's choice, if it may be that. */
static int preferred_slot(const struct reference_request *request, const struct keyshm_pick *pick, int r)
{
    struct reference *reference = &shared->reference;
    int priority = reference_preferred(reference, request), slot = (int)(pick->id & 0xffffff);
    EXPECT_EQ(r, priority < 0 && !(priority == -EAGAIN && r == 0) ? priority : 0);
    if (priority < 0)
        return priority;
    EXPECT(slot < (int)reference->capacity && (int)reference->keys[slot].priority == priority);
    EXPECT(reference_may_be_had(reference, &reference->keys[slot], request));
    reference_prefer(reference, request, slot);
    return slot;
}

/* Which one it has to be, after a call that returned r. */
static int acquired_slot(const struct keyshm_request *request, struct reference_lease *lease, int r,
                         int64_t *ret_benched_ms)
{
    struct reference *reference = &shared->reference;
    const struct reference_request asked = {.model = request->model, .tokens = request->tokens, .is_lease = true};
    int slot = request->affinity != 0 ? preferred_slot(&asked, &lease->lease.pick, r) : reference_next(reference, &asked);
    *ret_benched_ms = 0;
    if (slot == -EAGAIN && (request->flags & KEYSHM_SOONEST) != 0)
        slot = reference_soonest(reference, &asked, ret_benched_ms);
    if (slot >= 0)
        reference_charge(reference, &reference->keys[slot], &asked, lease);
    return slot;
}

/* Where there are no limits, it is released at once. */
static void call_acquire(void)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct reference_lease *lease = free_lease();
    if (lease == NULL) {
        lease = random_lease();
        check_release(lease);
    }
    request.model = random_below(8) == 0 ? random_below(REFERENCE_MODELS + 2) : random_model();
    request.tokens = shared->has_limits && random_below(2) == 0 ? random_below(20) : 0;
    request.affinity = random_below(4) == 0 ? 1 + random_below(8) : 0;
    request.flags = random_below(4) == 0 ? KEYSHM_SOONEST : 0;
    int r = keyshm_acquire(pool, &request, &lease->lease);
    if (request.model > shared->reference.models) {
        EXPECT_EQ(r, -EINVAL);
        return;
    }
    int64_t benched_ms;
    int slot = acquired_slot(&request, lease, r, &benched_ms);
    check_benched_pick(&lease->lease.pick, r, slot, request.model, benched_ms);
    if (r < 0 || (shared->has_limits && random_below(4) != 0))
        return;
    check_release(lease);
    EXPECT_EQ(keyshm_release(pool, &lease->lease), -ESTALE);
}

static void call_release(void)
{
    check_release(random_lease());
}

static void call_settle(void)
{
    struct reference_lease *lease = random_lease();
    uint64_t tokens = random_below(random_below(4) == 0 ? 60 : 20);
    EXPECT_EQ(keyshm_settle(pool, &lease->lease, tokens), reference_settle(&shared->reference, lease, tokens));
}

static uint32_t subject_number(const struct reference_subject *subject)
{
    uint32_t number = (uint32_t)(subject->id & 0xffffff);
    return (number & GROUP_BIT) == 0 ? number : pool_group_subject(pool, number & ~(uint32_t)GROUP_BIT);
}

/* How much was given back depends on which of two clocks was read, and is taken over. */
static void check_given_back(const struct reference_given_back *back)
{
    int64_t pool_minus_now_ns = (int64_t)pool_now_ns(pool) - shared->reference.now_ns;
    for (unsigned i = 0; i < back->count; i++) {
        struct reference_subject *subject = back->of[i].subject;
        unsigned model = back->of[i].model, rate = back->of[i].rate;
        int64_t used_ns = (int64_t)atomic_load(&pool_usage(pool, model, subject_number(subject))->used_ns[rate]);
        if (used_ns == 0 && subject->used_ns[model][rate] == 0)
            continue;
        used_ns -= pool_minus_now_ns;
        EXPECT(used_ns >= back->of[i].from_ns && used_ns <= back->of[i].to_ns);
        subject->used_ns[model][rate] = used_ns;
    }
}

static void call_cancel(void)
{
    struct reference_lease *lease = random_lease();
    struct reference_given_back back;
    int expected = reference_cancel(&shared->reference, lease, &back);
    EXPECT_EQ(keyshm_cancel(pool, &lease->lease), expected);
    check_given_back(&back);
}

static void call_reap(void)
{
    EXPECT_EQ(keyshm_reap(pool, 0), 0);
    EXPECT_EQ(keyshm_reap(pool, getpid()), reference_reap(&shared->reference));
}

static void check_used(void);

static void call_leases(void)
{
    check_used();
    struct keyshm_lease_list *list;
    EXPECT_EQ(keyshm_leases(any_attachment(), &list), 0);
    EXPECT_EQ(list->count, reference_count_leases(&shared->reference));
    keyshm_lease_list_free(list);
}

static void call_next_key(void)
{
    char buffer[REFERENCE_KEY_SIZE];
    keyshm_id id = 0;
    size_t size = random_below(4) == 0 ? random_below(sizeof(buffer)) : sizeof(buffer);
    int slot = next_slot();
    ssize_t r = keyshm_next_key(pool, buffer, size, random_below(4) == 0 ? NULL : &id);
    notice_sleep();
    if (slot < 0) {
        EXPECT_EQ(r, slot);
        return;
    }
    struct reference_key *key = &shared->reference.keys[slot];
    EXPECT_EQ(r, strlen(key->text) < size ? (ssize_t)strlen(key->text) : -ERANGE);
    EXPECT(id == 0 || id == key->subject.id);
    EXPECT(r < 0 || strcmp(buffer, key->text) == 0);
    key->last.stamp = 0; /* it gave none */
    shared->picks++;
}

static void check_mark(keyshm_id id, const struct keyshm_mark *mark, int r)
{
    struct reference_key *key = reference_of_id(&shared->reference, id);
    EXPECT_EQ(r, key != NULL ? 0 : -ESTALE);
    if (mark->status != KEYSHM_AVAILABLE)
        notice_sleep();
    if (key == NULL)
        return;
    bool is_group = mark->scope == KEYSHM_SCOPE_GROUP && key->group != NULL;
    reference_mark(&shared->reference, is_group ? key->group : &key->subject, mark, &key->last, is_group);
}

static void check_group_mark(keyshm_id id, const struct keyshm_mark *mark, int r)
{
    struct reference_subject *group = reference_group_of_id(&shared->reference, id);
    EXPECT_EQ(r, group != NULL ? 0 : -ESTALE);
    if (mark->status != KEYSHM_AVAILABLE)
        notice_sleep();
    if (group != NULL)
        reference_mark(&shared->reference, group, mark, NULL, true);
}

static void call_mark_rate_limited(void)
{
    keyshm_id id = random_id();
    struct keyshm_mark mark = {
        .status = KEYSHM_RATE_LIMITED, .reason = KEYSHM_REASON_RATE_LIMIT, .duration_ms = random_duration_ms()};
    check_mark(id, &mark, keyshm_mark_rate_limited(pool, id, mark.duration_ms));
}

static void call_mark_quota_exceeded(void)
{
    keyshm_id id = random_id();
    struct keyshm_mark mark = {
        .status = KEYSHM_QUOTA_EXCEEDED, .reason = KEYSHM_REASON_QUOTA, .duration_ms = random_duration_ms()};
    check_mark(id, &mark, keyshm_mark_quota_exceeded(pool, id, mark.duration_ms));
}

static void call_mark_invalid(void)
{
    static const struct keyshm_mark invalid = {.status = KEYSHM_INVALID, .reason = KEYSHM_REASON_AUTHENTICATION};
    keyshm_id id = random_id();
    check_mark(id, &invalid, keyshm_mark_invalid(pool, id));
}

static void call_mark_available(void)
{
    static const struct keyshm_mark available = {.status = KEYSHM_AVAILABLE};
    keyshm_id id = random_id();
    check_mark(id, &available, keyshm_mark_available(pool, id));
}

static struct keyshm_mark random_mark(void)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = random_below(KEYSHM_STATUS_COUNT + (random_below(8) == 0));
    mark.reason = random_below(KEYSHM_REASON_COUNT + (random_below(8) == 0));
    mark.duration_ms = random_duration_ms();
    mark.scope = random_below(2);
    mark.model = random_below(16) == 0 ? REFERENCE_MODELS + 1 : random_model();
    return mark;
}

static bool is_valid(const struct keyshm_mark *mark)
{
    return mark->status < KEYSHM_STATUS_COUNT && mark->reason < KEYSHM_REASON_COUNT &&
           mark->model <= shared->reference.models;
}

/* The stamp of the last pick, as long as the mark is about the words that it was of; or another. */
static uint64_t random_stamp(const struct reference_key *key_or_null, const struct keyshm_mark *mark)
{
    if (mark->status == KEYSHM_AVAILABLE && (key_or_null == NULL || random_below(8) == 0))
        return random_bits() | UINT64_C(0xffff0000ffff) << 16 | UINT64_C(1) << 15;
    if (key_or_null == NULL)
        return 0;
    keyshm_id group = key_or_null->group != NULL ? key_or_null->group->id : 0;
    bool is_meant = (mark->model == 0 || mark->model == key_or_null->last.model) && group == key_or_null->last.group;
    return is_meant ? key_or_null->last.stamp : 0;
}

/* Any status for any reason. */
static void call_mark(void)
{
    keyshm_id id = random_id();
    struct keyshm_mark mark = random_mark();
    if (random_below(2) == 0)
        mark.stamp = random_stamp(reference_of_id(&shared->reference, id), &mark);
    int r = keyshm_mark(pool, id, &mark);
    if (is_valid(&mark))
        check_mark(id, &mark, r);
    else
        EXPECT_EQ(r, -EINVAL);
}

static void call_mark_group(void)
{
    keyshm_id id = random_group_id();
    struct keyshm_mark mark = random_mark();
    int r = keyshm_mark(pool, id, &mark);
    if (is_valid(&mark))
        check_group_mark(id, &mark, r);
    else
        EXPECT_EQ(r, -EINVAL);
}

static void call_mark_all_available(void)
{
    unsigned mask = random_below(1U << (KEYSHM_STATUS_COUNT + 1));
    int r = keyshm_mark_all_available(pool, mask);
    if (mask == 0 || mask >> KEYSHM_STATUS_COUNT != 0)
        EXPECT_EQ(r, -EINVAL);
    else
        EXPECT_EQ(r, reference_mark_all_available(&shared->reference, mask));
}

static struct reference_subject *subject_of_id(keyshm_id id)
{
    struct reference_key *key = reference_of_id(&shared->reference, id);
    return key != NULL ? &key->subject : reference_group_of_id(&shared->reference, id);
}

static void call_pause(void)
{
    keyshm_id id = random_below(4) == 0 ? random_group_id() : random_id();
    struct reference_subject *subject = subject_of_id(id);
    EXPECT_EQ(keyshm_pause(pool, id), subject != NULL ? 0 : -ESTALE);
    if (subject != NULL)
        subject->is_paused = true;
}

static void call_resume(void)
{
    keyshm_id id = random_below(4) == 0 ? random_group_id() : random_id();
    struct reference_subject *subject = subject_of_id(id);
    EXPECT_EQ(keyshm_resume(pool, id), subject != NULL ? 0 : -ESTALE);
    if (subject != NULL)
        subject->is_paused = false;
}

/* ---- groups and models ---- */

static void name_of(const char *kind, unsigned number, char name[KEYSHM_NAME_MAX + 1])
{
    snprintf(name, KEYSHM_NAME_MAX + 1, "%s-%0*u", kind, (int)(number * 50 + 1), number);
}

static void call_group(void)
{
    char name[KEYSHM_NAME_MAX + 1];
    keyshm_id id = 0;
    unsigned number = random_below(REFERENCE_GROUPS);
    struct reference_subject *group = &shared->reference.groups[number];
    name_of("group", number, name);
    EXPECT_EQ(keyshm_find_group(any_attachment(), name, &id), group->is_in ? 0 : -ENOENT);
    EXPECT_EQ(id, group->is_in ? group->id : 0);
    EXPECT_EQ(keyshm_group(pool, name, &id), 0);
    EXPECT(group->is_in ? id == group->id : is_group_number(id));
    if (group->is_in)
        return;
    for (unsigned other = 0; other < REFERENCE_GROUPS; other++)
        EXPECT(id != shared->reference.groups[other].id);
    reference_begin_subject(group, id);
}

/* Of one that had a place of the group alone, and was reaped, nothing is known any longer: a late release would be of one
 * without a place. */
static void forget_ended_leases(void)
{
    for (int i = 0; i < REFERENCE_LEASES; i++)
        if (!shared->reference.leases[i].is_held)
            memset(&shared->reference.leases[i].lease, 0, sizeof(shared->reference.leases[i].lease));
}

static void call_remove_group(void)
{
    keyshm_id id = random_group_id();
    struct reference_subject *group = reference_group_of_id(&shared->reference, id);
    int r = keyshm_remove_group(pool, id);
    if (!is_group_number(id)) {
        EXPECT_EQ(r, -EINVAL);
    } else if (group == NULL) {
        EXPECT_EQ(r, -ESTALE);
    } else if (reference_keys_in(&shared->reference, group) > 0) {
        EXPECT_EQ(r, -EBUSY);
    } else {
        EXPECT_EQ(r, 0);
        group->is_in = false;
        forget_ended_leases();
    }
}

static void call_set_group(void)
{
    keyshm_id id = random_id(), group = random_below(3) == 0 ? 0 : random_group_id();
    struct reference_key *key = reference_of_id(&shared->reference, id);
    struct reference_subject *to = reference_group_of_id(&shared->reference, group);
    int r = keyshm_set_group(pool, id, group);
    if (group != 0 && !is_group_number(group)) {
        EXPECT_EQ(r, -EINVAL);
    } else if (key == NULL || (group != 0 && to == NULL)) {
        EXPECT_EQ(r, -ESTALE);
    } else {
        EXPECT_EQ(r, 0);
        key->group = to;
    }
}

/* One too high now and then, and a weight that is 0. */
static void call_set_priority(void)
{
    keyshm_id id = random_id();
    struct reference_key *key = reference_of_id(&shared->reference, id);
    unsigned priority = random_below(32) == 0 ? REFERENCE_PRIORITIES : random_below(REFERENCE_PRIORITIES);
    if (!shared->has_priorities)
        return;
    int r = keyshm_set_priority(pool, id, priority);
    EXPECT_EQ(r, priority == REFERENCE_PRIORITIES ? -EINVAL : key == NULL ? -ESTALE : 0);
    if (r == 0)
        key->priority = priority;
}

static void call_set_weight(void)
{
    keyshm_id id = random_id();
    struct reference_key *key = reference_of_id(&shared->reference, id);
    unsigned weight = random_below(4) == 0 ? random_below(17) : 1 + random_below(2);
    if (!shared->has_weights)
        return;
    int r = keyshm_set_weight(pool, id, weight);
    EXPECT_EQ(r, weight < 1 || weight > 15 ? -EINVAL : key == NULL ? -ESTALE : 0);
    if (r == 0)
        key->weight = weight;
}

/* A key, a group, or the pool. NULL of the last two: there is none, or it is of the pool. */
struct limited {
    keyshm_id id;
    struct reference_subject *subject;
    bool is_group, is_there;
};

static struct limited random_limited(void)
{
    struct limited limited = {.id = 0, .is_there = true};
    switch (random_below(4)) {
    case 0:
        return limited;
    case 1:
        limited.id = random_group_id();
        limited.is_group = true;
        limited.subject = reference_group_of_id(&shared->reference, limited.id);
        break;
    default:
        limited.id = random_id();
        struct reference_key *key = reference_of_id(&shared->reference, limited.id);
        limited.subject = key != NULL ? &key->subject : NULL;
    }
    limited.is_there = limited.subject != NULL || limited.id == 0;
    return limited;
}

static struct keyshm_rate random_rate(bool is_of_tokens)
{
    struct keyshm_rate rate = {.amount = random_below(3) == 0 ? 1 + random_below(is_of_tokens ? 200 : 30) : 0};
    rate.per_ms = 1 + random_below(3000);
    rate.burst = random_below(3) == 0 ? 0 : 1 + random_below(is_of_tokens ? 60 : 8);
    rate.charge = is_of_tokens && random_below(2) == 0 ? KEYSHM_CHARGE_AT_RELEASE : KEYSHM_CHARGE_AT_PICK;
    return rate;
}

static struct keyshm_limits random_limits(unsigned model)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = random_rate(false);
    limits.tokens = random_rate(true);
    limits.requests_long = random_rate(false);
    limits.tokens_long = random_rate(true);
    limits.in_flight = model == 0 && random_below(3) == 0 ? 1 + random_below(3) : 0;
    return limits;
}

/* Of one that is wrong. */
static void spoil(struct keyshm_limits *limits, const struct limited *limited)
{
    switch (random_below(3)) {
    case 0:
        limits->requests.charge = KEYSHM_CHARGE_AT_RELEASE;
        break;
    case 1:
        limits->tokens.amount = 1;
        limits->tokens.per_ms = random_below(2) == 0 ? 0 : KEYSHM_DURATION_MAX_MS + 1;
        break;
    default:
        limits->in_flight =
            1 + (limited->is_group ? shared->reference.group_in_flight_max : shared->reference.in_flight_max);
    }
}

static void call_set_limits(void)
{
    struct limited limited = random_limited();
    unsigned model = random_model();
    struct keyshm_limits limits = random_limits(model);
    bool is_none = random_below(3) == 0, is_wrong = !is_none && random_below(16) == 0;
    if (!shared->has_limits)
        return;
    if (is_wrong)
        spoil(&limits, &limited);
    int r = keyshm_set_limits(pool, limited.id, model, is_none ? NULL : &limits);
    if (is_wrong) /* and if it is not there, too, either may be said */
        EXPECT(r == -EINVAL || (r == -ESTALE && !limited.is_there));
    else
        EXPECT_EQ(r, limited.is_there ? 0 : -ESTALE);
    if (r == 0)
        reference_set_limits(&shared->reference, limited.subject, model, is_none ? NULL : &limits);
}

static void check_rate(const struct keyshm_rate *rate, const struct keyshm_rate *known)
{
    EXPECT_EQ(rate->amount, known->amount);
    EXPECT_EQ(rate->per_ms, known->per_ms);
    EXPECT_EQ(rate->burst, known->burst);
    EXPECT(rate->charge == known->charge);
}

static void call_get_limits(void)
{
    struct limited limited = random_limited();
    unsigned model = random_model();
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    EXPECT_EQ(keyshm_get_limits(any_attachment(), limited.id, model, &limits), limited.is_there ? 0 : -ESTALE);
    if (!limited.is_there)
        return;
    struct keyshm_limits known = reference_get_limits(&shared->reference, limited.subject, model, limited.is_group);
    check_rate(&limits.requests, &known.requests);
    check_rate(&limits.tokens, &known.tokens);
    check_rate(&limits.requests_long, &known.requests_long);
    check_rate(&limits.tokens_long, &known.tokens_long);
    EXPECT_EQ(limits.in_flight, known.in_flight);
}

static void call_model(void)
{
    char name[KEYSHM_NAME_MAX + 1], copy[KEYSHM_NAME_MAX + 1];
    struct reference *reference = &shared->reference;
    unsigned number = 1 + random_below(reference->models + 1), model = 0;
    if (number > REFERENCE_MODELS)
        return;
    name_of("model", number, name);
    bool is_known = number <= reference->models;
    EXPECT_EQ(keyshm_find_model(any_attachment(), name, &model), is_known ? 0 : -ENOENT);
    if (!is_known && random_below(8) != 0) /* some come late */
        return;
    EXPECT_EQ(keyshm_model(pool, name, &model), 0);
    EXPECT_EQ(model, number);
    reference->models = number > reference->models ? number : reference->models;
    EXPECT_EQ(keyshm_model_name(any_attachment(), model, copy, sizeof(copy)), (int)strlen(name));
    EXPECT_EQ(strcmp(copy, name), 0);
}

/* Never, or within the times of this model. */
static int64_t random_retry_ms(void)
{
    return random_below(2) == 0 ? KEYSHM_UNTIL_MARKED : 1 + (int64_t)random_below(5000);
}

static struct keyshm_policy random_policy(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_ms = random_below(4) == 0 ? 0 : (int64_t)random_below(3000) - 1;
    policy.cooldown_max_ms = random_below(8) == 0 ? 0 : 1 + random_below(20000);
    policy.cooldown_growth_percent = random_below(2) == 0 ? 100 : 100 + random_below(300);
    policy.streak_forget_ms = 1 + random_below(10000);
    policy.invalid_after = random_below(2) == 0 ? 1 : 1 + random_below(3);
    policy.invalid_retry_ms = random_retry_ms();
    policy.quota_retry_ms = random_retry_ms();
    policy.probe_ms = random_below(2) == 0 ? 0 : 1 + random_below(3000);
    policy.lease_max_ms = random_below(2) == 0 ? 0 : KEYSHM_DURATION_MAX_MS; /* as in begin_pool() */
    return policy;
}

static void call_set_policy(void)
{
    struct keyshm_policy *known = &shared->reference.policy, policy = random_policy();
    /* As a program does that knows only the first field: the others stay. */
    bool knows_all = random_below(4) != 0;
    policy.size = knows_all ? sizeof(policy) : offsetof(struct keyshm_policy, cooldown_max_ms);
    bool is_valid = policy.cooldown_ms >= 0 && (policy.cooldown_max_ms >= 1 || !knows_all);
    EXPECT_EQ(keyshm_set_policy(pool, &policy), is_valid ? 0 : -EINVAL);
    if (!is_valid)
        return;
    memcpy((char *)known + sizeof(known->size), (char *)&policy + sizeof(policy.size), policy.size - sizeof(policy.size));
}

static void call_get_policy(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    EXPECT_EQ(keyshm_get_policy(any_attachment(), &policy), 0);
    EXPECT(memcmp(&policy, &shared->reference.policy, sizeof(policy)) == 0);
}

/* The answer to the last pick of a key. */
static void call_success(void)
{
    keyshm_id id = random_id();
    struct reference_key *key = reference_of_id(&shared->reference, id);
    struct keyshm_pick pick = {.id = id};
    if (key != NULL) {
        pick.stamp = key->last.stamp;
        pick.model = key->last.model;
    }
    EXPECT_EQ(keyshm_success(pool, &pick), key != NULL ? 0 : -ESTALE);
    if (key != NULL && pick.stamp != 0)
        reference_succeed(&shared->reference, key);
}

/* NULL: there is none. */
static struct reference_state *random_state(keyshm_id *ret_id, unsigned *ret_model)
{
    bool is_group = random_below(3) == 0;
    *ret_id = is_group ? random_group_id() : random_id();
    *ret_model = random_model();
    struct reference_key *key = reference_of_id(&shared->reference, *ret_id);
    struct reference_subject *group = reference_group_of_id(&shared->reference, *ret_id);
    if (key != NULL)
        return &key->subject.states[*ret_model];
    return group != NULL ? &group->states[*ret_model] : NULL;
}

static void call_raise_streak(void)
{
    keyshm_id id;
    unsigned model;
    struct reference_state *state = random_state(&id, &model);
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    streak.rate_limits = random_below(32) == 0 ? 255 : random_below(4);
    streak.invalids = random_below(3);
    streak.failed_ago_ms = random_below(2) == 0 ? 0 : (int64_t)random_below(12000);
    EXPECT_EQ(keyshm_raise_streak(pool, id, model, &streak), state != NULL ? 0 : -ESTALE);
    if (state != NULL)
        reference_raise_streak(&shared->reference, state, &streak);
}

static void call_get_streak(void)
{
    keyshm_id id;
    unsigned model;
    const struct reference_state *state = random_state(&id, &model);
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    EXPECT_EQ(keyshm_get_streak(any_attachment(), id, model, &streak), state != NULL ? 0 : -ESTALE);
    if (state == NULL)
        return;
    struct keyshm_streak expected = reference_streak(&shared->reference, state);
    EXPECT_EQ(streak.rate_limits, expected.rate_limits);
    EXPECT_EQ(streak.invalids, expected.invalids);
    EXPECT_EQ(streak.failed_ago_ms, expected.failed_ago_ms);
}

static void call_reset_expired(void)
{
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), reference_reset_expired(&shared->reference));
}

/* ---- inspection ---- */

static void call_is_available(void)
{
    keyshm_id id = random_id();
    unsigned model = random_model();
    const struct reference_key *key = reference_of_id(&shared->reference, id);
    int expected = -ESTALE;
    if (key != NULL)
        expected = reference_is_available(&shared->reference, key, model);
    EXPECT_EQ(keyshm_is_available_for(any_attachment(), id, model), expected);
}

static void call_available_count(void)
{
    unsigned model = random_model();
    EXPECT_EQ(keyshm_available_count_for(any_attachment(), model), reference_available_count(&shared->reference, model));
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

#define BY_LIMITS (KEYSHM_BY_BUDGET | KEYSHM_BY_CAP)

static void check_state(const struct keyshm_key_snapshot *row, const struct reference_subject *subject,
                        struct reference_view expected)
{
    const struct reference *reference = &shared->reference;
    EXPECT_EQ(row->id, subject->id);
    EXPECT_EQ(row->status, expected.status);
    EXPECT(row->reason == expected.reason);
    EXPECT_EQ(row->cooldown_left_ms, expected.status == KEYSHM_AVAILABLE ? 0
                                     : expected.deadline_ms == REFERENCE_FOREVER
                                         ? -1
                                         : expected.deadline_ms - reference->now_ms);
    EXPECT_EQ(row->is_paused, subject->is_paused);
    EXPECT_EQ(row->benched_by & ~BY_LIMITS, expected.benched_by);
    EXPECT_EQ(row->is_probing, expected.is_probing);
    EXPECT_EQ(row->streak, expected.streak);
    EXPECT_EQ(row->error_count, subject->marked[KEYSHM_INVALID]);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        EXPECT_EQ(row->marked[status], subject->marked[status]);
}

static void check_row(const struct keyshm_key_snapshot *row, const struct reference_key *key, unsigned model)
{
    const struct reference *reference = &shared->reference;
    check_state(row, &key->subject, reference_view(reference, &key->subject, key->group, model));
    EXPECT((row->benched_by == 0) == reference_is_available(reference, key, model));
    EXPECT_EQ(row->slot, key - reference->keys);
    EXPECT_EQ(row->group, key->group != NULL ? key->group->id : 0);
    EXPECT_EQ(row->picks, key->picks);
    EXPECT_EQ(row->priority, key->priority);
    EXPECT_EQ(row->weight, key->weight);
    /* A pick reads whichever of its two clocks is exact enough, which may be less exact than for the pick before. */
    if (key->used_to_ms == 0) {
        EXPECT_EQ(row->last_used_ago_ms, -1);
    } else {
        EXPECT(row->last_used_ago_ms <= reference->now_ms - key->used_from_ms);
        EXPECT(row->last_used_ago_ms >= reference->now_ms - key->used_to_ms);
    }
    check_masked(row, key->text);
}

static void check_groups(const struct keyshm_snapshot *snapshot)
{
    const struct reference *reference = &shared->reference;
    unsigned count = 0;
    for (unsigned group = 0; group < REFERENCE_GROUPS; group++)
        count += reference->groups[group].is_in;
    EXPECT_EQ(snapshot->group_count, count);
    for (unsigned i = 0; i < snapshot->group_count; i++) {
        const struct keyshm_group_snapshot *row = &snapshot->groups[i];
        struct reference_subject *group = reference_group_of_id(&shared->reference, row->id);
        EXPECT(group != NULL);
        EXPECT_EQ(row->keys, reference_keys_in(reference, group));
        check_state(&row->state, group, reference_view(reference, NULL, group, 0));
    }
}

static void call_snapshot(void)
{
    const struct reference *reference = &shared->reference;
    struct keyshm_snapshot *snapshot;
    unsigned row = 0, paused = 0, statuses[KEYSHM_STATUS_COUNT] = {0};
    EXPECT_EQ(keyshm_snapshot(any_attachment(), &snapshot), 0);
    EXPECT_EQ(snapshot->count, reference_count(reference));
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        if (!reference->keys[slot].subject.is_in)
            continue;
        const struct reference_key *key = &reference->keys[slot];
        statuses[reference_view(reference, &key->subject, key->group, 0).status]++;
        paused += key->subject.is_paused;
        check_row(&snapshot->keys[row], key, 0);
        check_notes(&snapshot->keys[row++], &reference->keys[slot]);
    }
    EXPECT_EQ(snapshot->paused_count, paused);
    EXPECT_EQ(snapshot->model_count, reference->models);
    check_groups(snapshot);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        EXPECT_EQ(snapshot->status_count[status], statuses[status]);
    EXPECT_EQ(snapshot->capacity, reference->capacity);
    EXPECT_EQ(snapshot->key_max, reference->key_max);
    EXPECT(memcmp(&snapshot->policy, &reference->policy, sizeof(reference->policy)) == 0);
    EXPECT_EQ(snapshot->recoveries, 0);
    EXPECT_EQ(snapshot->mutex_holder_pid, 0);
    keyshm_snapshot_free(snapshot);
}

static void call_inspect(void)
{
    struct keyshm_key_snapshot row;
    keyshm_id id = random_id();
    unsigned model = random_model();
    const struct reference_key *key = reference_of_id(&shared->reference, id);
    EXPECT_EQ(keyshm_inspect(any_attachment(), id, model, sizeof(row), &row), key != NULL ? 0 : -ESTALE);
    if (key == NULL)
        return;
    check_row(&row, key, model);
    EXPECT(row.metadata_count == 0 && row.metadata == NULL);
}

static void call_inspect_group(void)
{
    struct keyshm_key_snapshot row;
    keyshm_id id = random_group_id();
    unsigned model = random_model();
    const struct reference_subject *group = reference_group_of_id(&shared->reference, id);
    EXPECT_EQ(keyshm_inspect(any_attachment(), id, model, sizeof(row), &row), group != NULL ? 0 : -ESTALE);
    if (group != NULL)
        check_state(&row, group, reference_view(&shared->reference, NULL, group, model));
}

static void call_refused(void)
{
    struct keyshm_pick pick;
    const struct keyshm_mark mark = KEYSHM_MARK_INIT;
    const struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id id = random_id();
    EXPECT_EQ(keyshm_next(observer, &pick), -EROFS);
    EXPECT_EQ(keyshm_remove(observer, id), -EROFS);
    EXPECT_EQ(keyshm_replace_keys(observer, NULL, 0, NULL), -EROFS);
    EXPECT_EQ(keyshm_mark(observer, id, &mark), -EROFS);
    EXPECT_EQ(keyshm_mark_invalid(observer, id), -EROFS);
    EXPECT_EQ(keyshm_mark_all_available(observer, 2), -EROFS);
    EXPECT_EQ(keyshm_pause(observer, id), -EROFS);
    EXPECT_EQ(keyshm_set_policy(observer, &policy), -EROFS);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(observer), -EROFS);
}

static void show_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "%s\n", problem);
}

/* What has drained is no matter. */
static int64_t later_than_now(int64_t time_ns)
{
    return time_ns > shared->reference.now_ns ? time_ns : shared->reference.now_ns;
}

static void check_used_of(const struct reference_subject *subject)
{
    int64_t pool_minus_now_ns = (int64_t)pool_now_ns(pool) - shared->reference.now_ns;
    for (unsigned model = 0; subject->is_in && model <= shared->reference.models; model++)
        for (int rate = 0; rate < REFERENCE_RATES; rate++) {
            uint64_t used_ns = atomic_load(&pool_usage(pool, model, subject_number(subject))->used_ns[rate]);
            EXPECT_EQ(later_than_now((int64_t)used_ns - pool_minus_now_ns),
                      later_than_now(subject->used_ns[model][rate]));
        }
}

static void check_used(void)
{
    for (unsigned slot = 0; slot < shared->reference.capacity; slot++)
        check_used_of(&shared->reference.keys[slot].subject);
    for (unsigned group = 0; group < REFERENCE_GROUPS; group++)
        check_used_of(&shared->reference.groups[group]);
}

static void check_invariants(void)
{
    check_used();
    EXPECT_EQ(keyshm_verify(any_attachment(), show_problem, NULL), 0);
}

/* ---- the sequence ---- */

static const struct call {
    unsigned weight; /* of 255 */
    void (*make)(void);
} calls[] = {
    {30, call_next},
    {20, call_acquire},
    {4, call_next_key},
    {14, call_add},
    {9, call_remove},
    {1, call_replace_keys},
    {9, call_find},
    {11, call_set_metadata},
    {4, call_get_metadata},
    {24, call_mark_rate_limited},
    {12, call_mark_quota_exceeded},
    {7, call_mark_invalid},
    {14, call_mark_available},
    {16, call_mark},
    {8, call_mark_group},
    {1, call_mark_all_available},
    {12, call_success},
    {3, call_raise_streak},
    {4, call_get_streak},
    {2, call_pause},
    {4, call_resume},
    {3, call_group},
    {2, call_remove_group},
    {6, call_set_group},
    {2, call_model},
    {5, call_set_priority},
    {5, call_set_weight},
    {4, call_set_limits},
    {2, call_get_limits},
    {5, call_settle},
    {10, call_release},
    {4, call_cancel},
    {1, call_reap},
    {1, call_leases},
    {1, call_set_policy},
    {2, call_get_policy},
    {6, call_reset_expired},
    {7, call_is_available},
    {5, call_available_count},
    {5, call_next_available_ms},
    {2, call_inspect},
    {1, call_inspect_group},
    {1, call_snapshot},
};

/* And these, now and then. */
enum { CHOICES = 289, REFUSED_EVERY = 100 };

static void make_call(void)
{
    const struct call *call = calls;
    uint32_t choice = random_below(CHOICES);
    for (; choice >= call->weight; call++)
        choice -= call->weight;
    pass_time();
    call->make();
    if (random_below(REFUSED_EVERY) == 0)
        call_refused();
    if (++shared->calls % VERIFY_EVERY == 0)
        check_invariants();
}

static void begin_pool(void)
{
    struct reference *reference = &shared->reference;
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    const struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    memset(reference, 0, sizeof(*reference));
    memset(shared->gone, 0, sizeof(shared->gone));
    shared->has_priorities = random_below(2) == 0;
    shared->has_weights = random_below(2) == 0;
    shared->has_limits = random_below(2) == 0;
    options.in_flight_max = reference->in_flight_max = 4 + random_below(8);
    options.group_in_flight_max = reference->group_in_flight_max = 4 + random_below(12);
    options.capacity = reference->capacity = 1 + random_below(REFERENCE_CAPACITY_MAX);
    options.key_max = reference->key_max = 40 + random_below(REFERENCE_KEY_SIZE - 40);
    reference->policy = policy;
    options.default_cooldown_ms = reference->policy.cooldown_ms = random_below(4) == 0 ? 0 : 1 + random_below(3000);
    virtual_clock->monotonic_ns = BOOT_MS * NS_PER_MS;
    virtual_clock->slept_ns = shared->noticed_ns = 0;
    virtual_clock->tick_ns = (1 + random_below(10)) * NS_PER_MS;
    reference->policy.lease_max_ms = 0; /* no lease is too old: when that is found is not said */
    EXPECT_EQ(keyshm_create(&pool, expect_name, &options), 0);
    EXPECT_EQ(keyshm_set_policy(pool, &reference->policy), 0);
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
    notice_sleep();
}

/* This process ends. When somebody finds that out, its probes are given to others, and at no moment that the reference could
 * know: so it is not known who has them. */
static void hide_probers(void)
{
    for (unsigned model = 0; model <= pool->settings.models_max; model++)
        for (uint32_t subject = 0; subject < pool->settings.words_per_model; subject++)
            atomic_store(&pool_history(pool, model, subject)->prober, 0);
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
            hide_probers();
            call_reap(); /* and this would be found out in the same way */
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
