/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <linux/futex.h>
#include <stdarg.h>
#include <time.h>

#include "clock.h"
#include "lock.h"
#include "ready.h"
#include "slot.h"

#include "expect.h"

enum {
    AVAILABLE_KEY,
    NOTED_KEY, /* has metadata, and is the one to be removed */
    LIMITED_KEY,
    QUOTA_KEY,
    EXPIRED_KEY, /* its cooldown is over, and nobody has noticed */
    SPARE_KEY,   /* for the survivors to remove */
    FIRST_KEYS,
    ADDED_KEY = FIRST_KEYS, /* by the victim */
    SECOND_KEY,             /* by the victim that recovers */
    SURVIVORS_KEY,
    FILLING_KEYS,
    CAPACITY = 10,
    KEYS = FILLING_KEYS + CAPACITY - FIRST_KEYS
};

enum { KEY_MAX = 64, COOLDOWN_MS = 60000, HOUR_MS = 60 * 60 * 1000, LOCK_TIMEOUT_MS = 3000, CHANGE_MAX_MS = 2000 };

static const char note_name[] = "note", old_note[] = "an old note", new_note[] = "another, and a longer one";

/* What the pool should hold of a key. A change is of one word, so the model has that word. */
struct model_key {
    char text[KEY_MAX + 1];
    bool is_there;
    keyshm_id id;
    uint64_t word;
    const char *note; /* NULL: none */
    uint64_t picks;
    uint64_t marked[KEYSHM_STATUS_COUNT];
};

struct world {
    struct model_key keys[KEYS];
    uint64_t cursor;
};

struct world_image {
    struct world model;
    unsigned char bytes[];
};

static keyshm_pool *pool;
static struct world model;
static uint64_t began_ms; /* not after the victim's call */
static struct verdict verdict;

/* Only the first is kept: the others are mostly its consequences. */
__attribute__((format(printf, 1, 2))) static void blame(const char *format, ...)
{
    va_list arguments;
    if (verdict.problem[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(verdict.problem, sizeof(verdict.problem), format, arguments);
    va_end(arguments);
}

#define HOLD(condition, ...) ((condition) ? (void)0 : blame(__VA_ARGS__))

/* ---- the world ---- */

static int add_key(int number)
{
    struct model_key *key = &model.keys[number];
    int r = keyshm_add(pool, key->text, &key->id);
    if (r == 0) {
        keyshm_id id = key->id;
        key->is_there = true;
        key->note = NULL;
        key->picks = 0;
        memset(key->marked, 0, sizeof(key->marked));
        key->word = word_make(KEYSHM_AVAILABLE, id_generation(id), WORD_NO_DEADLINE);
    }
    return r;
}

static int remove_key(int number)
{
    int r = keyshm_remove(pool, model.keys[number].id);
    if (r == 0)
        model.keys[number].is_there = false;
    return r;
}

/* Of the victim's key the longest text and of the survivors' the shortest: what is left of the one would stick out of the
 * other. */
static void make_texts(void)
{
    for (int i = 0; i < KEYS; i++) {
        size_t length = i == ADDED_KEY ? KEY_MAX - 2 : i == SURVIVORS_KEY ? 9 : 20 + 2 * (size_t)i;
        memset(model.keys[i].text, 'A' + i, length);
        model.keys[i].text[length] = '\0';
    }
}

static void learn_words(void)
{
    for (int i = 0; i < KEYS; i++)
        if (model.keys[i].is_there)
            model.keys[i].word = atomic_load(&pool->words[id_slot(model.keys[i].id)]);
}

static void mark_some(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_set_metadata(pool, model.keys[NOTED_KEY].id, note_name, old_note), 0);
    model.keys[NOTED_KEY].note = old_note;
    EXPECT_EQ(keyshm_mark_rate_limited(pool, model.keys[LIMITED_KEY].id, HOUR_MS), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, model.keys[EXPIRED_KEY].id, HOUR_MS), 0);
    model.keys[LIMITED_KEY].marked[KEYSHM_RATE_LIMITED] = model.keys[EXPIRED_KEY].marked[KEYSHM_RATE_LIMITED] = 1;
    /* Once round: who looked at the two has cleared their bits. */
    for (int i = 0; i < FIRST_KEYS - 2; i++) {
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        model.keys[id_slot(pick.id)].picks++;
    }
    /* And the bit of this one is still set. */
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, model.keys[QUOTA_KEY].id, KEYSHM_NO_RETRY_AFTER), 0);
    model.keys[QUOTA_KEY].marked[KEYSHM_QUOTA_EXCEEDED] = 1;
}

/* As if an hour had passed for one key, and with it the sweep had become due. */
static void pass_time(void)
{
    keyshm_id id = model.keys[EXPIRED_KEY].id;
    atomic_store(&pool->words[id_slot(id)], word_make(KEYSHM_RATE_LIMITED, id_generation(id), 1));
    atomic_store(&pool->header->next_sweep_ms, 1);
}

void world_begin(const struct operation *operation)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    options.key_max = KEY_MAX;
    options.lock_timeout_ms = LOCK_TIMEOUT_MS;
    memset(&model, 0, sizeof(model));
    make_texts();
    EXPECT_EQ(operation->is_named ? keyshm_create(&pool, expect_name, &options)
                                  : keyshm_create_anonymous(&pool, "kill", &options),
              0);
    for (int i = 0; i < FIRST_KEYS; i++)
        EXPECT_EQ(add_key(i), 0);
    mark_some();
    pass_time();
    if (operation->prepare != NULL)
        operation->prepare();
    learn_words();
    model.cursor = LIMITED_KEY;
    atomic_store(&pool->header->cursor, model.cursor);
}

void world_end(void)
{
    keyshm_close(pool);
    keyshm_unlink(expect_name);
}

struct world_image *world_save(void)
{
    struct world_image *image = malloc(sizeof(*image) + pool->settings.segment_bytes);
    EXPECT(image != NULL);
    image->model = model;
    memcpy(image->bytes, pool->header, pool->settings.segment_bytes);
    return image;
}

/* The state of a mutex that nobody alive holds is in its bytes, a dead owner's too. */
void world_restore(const struct world_image *image)
{
    model = image->model;
    memcpy(pool->header, image->bytes, pool->settings.segment_bytes);
    began_ms = clock_now_ms();
}

bool world_has_changed(void)
{
    static unsigned char last[2 * LAYOUT_HEADER_BYTES + CAPACITY * sizeof(struct layout_slot) + CAPACITY * KEY_MAX];
    EXPECT(pool->settings.segment_bytes <= sizeof(last));
    if (memcmp(last, pool->header, pool->settings.segment_bytes) == 0)
        return false;
    memcpy(last, pool->header, pool->settings.segment_bytes);
    return true;
}

bool world_is_locked_by(pid_t process)
{
    return lock_holder(pool) == process;
}

static bool owner_has_died(void)
{
    const _Atomic uint32_t *futex = (const _Atomic uint32_t *)(const void *)(pool->header->mutex + lock_word_offset());
    return (atomic_load(futex) & FUTEX_OWNER_DIED) != 0;
}

static struct layout_slot *slot_of(int number)
{
    return pool_slot(pool, id_slot(model.keys[number].id));
}

static bool is_pickable(const struct model_key *key)
{
    return key->is_there && word_is_available(key->word, clock_now_ms());
}

/* ---- is the pool as the model has it? ---- */

static const char *note_of(const struct keyshm_key_snapshot *row)
{
    HOLD(row->metadata_count <= 1, "a key has %zu metadata", row->metadata_count);
    return row->metadata_count > 0 ? row->metadata[0].value : NULL;
}

static bool is_same_note(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void look_at_row(int number, const struct keyshm_snapshot *snapshot)
{
    const struct model_key *key = &model.keys[number];
    const struct keyshm_key_snapshot *row = NULL;
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == key->id)
            row = &snapshot->keys[i];
    HOLD(row != NULL, "key %d is not in the snapshot", number);
    if (row == NULL)
        return;
    HOLD(is_same_note(note_of(row), key->note), "the metadata of key %d", number);
    HOLD(row->picks == key->picks, "key %d: %llu picks and not %llu", number, (unsigned long long)row->picks,
         (unsigned long long)key->picks);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        HOLD(row->marked[status] == key->marked[status], "key %d: marked %llu times and not %llu", number,
             (unsigned long long)row->marked[status], (unsigned long long)key->marked[status]);
}

static void look_at_key(int number, const struct keyshm_snapshot *snapshot)
{
    const struct model_key *key = &model.keys[number];
    keyshm_id id = 0;
    int r = keyshm_find(pool, key->text, &id);
    if (!key->is_there) {
        HOLD(r == -ENOENT, "key %d is found, and should not be there", number);
        return;
    }
    HOLD(r == 0 && id == key->id, "key %d is not found under its id", number);
    uint64_t word = atomic_load(&pool->words[id_slot(key->id)]);
    HOLD(word == key->word, "the word of key %d: %#llx and not %#llx", number, (unsigned long long)word,
         (unsigned long long)key->word);
    HOLD(keyshm_is_available(pool, key->id) == is_pickable(key), "key %d is available or not, wrongly", number);
    look_at_row(number, snapshot);
}

static int number_of(keyshm_id id)
{
    for (int i = 0; i < KEYS; i++)
        if (model.keys[i].is_there && model.keys[i].id == id)
            return i;
    return -1;
}

/* How many of the available keys were not picked in as many picks. */
static int pick_round(int available)
{
    bool was_picked[KEYS] = {false};
    int missed = available;
    struct keyshm_pick pick;
    for (int i = 0; i < available; i++) {
        int r = keyshm_next(pool, &pick);
        int number = r == 0 ? number_of(pick.id) : -1;
        HOLD(number >= 0, "a pick is of no key: %s", keyshm_strerror(r));
        if (number < 0)
            continue;
        HOLD(is_pickable(&model.keys[number]), "key %d is picked, and should not be available", number);
        HOLD(strcmp(pick.key, model.keys[number].text) == 0, "the bytes of key %d", number);
        missed -= !was_picked[number];
        was_picked[number] = true;
        model.keys[number].picks++;
    }
    return missed;
}

/* Every available key is picked in one round; or after the next sweep, and that is near. */
static void look_at_picks(int available)
{
    if (pick_round(available) == 0)
        return;
    verdict.is_hidden = true;
    HOLD(atomic_load(&pool->header->next_sweep_ms) <= clock_now_ms() + READY_SWEEP_INTERVAL_MS + CLOCK_COARSE_LAG_MS,
         "a key is hidden until a sweep that is too far away");
    atomic_store(&pool->header->next_sweep_ms, 1); /* as if that time had passed */
    int missed = pick_round(available);
    HOLD(missed == 0, "%d keys are not picked", missed);
}

static void look(void)
{
    struct keyshm_snapshot *snapshot;
    int available = 0;
    unsigned there = 0;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (int i = 0; i < KEYS; i++) {
        look_at_key(i, snapshot);
        available += is_pickable(&model.keys[i]);
        there += model.keys[i].is_there;
    }
    HOLD(snapshot->count == there, "%u keys in the snapshot and not %u", snapshot->count, there);
    keyshm_snapshot_free(snapshot);
    int count = keyshm_available_count(pool);
    HOLD(count == available, "%d keys are available and not %d", count, available);
    HOLD(keyshm_next_available_ms(pool) == 0, "no key is available now");
    look_at_picks(available);
}

/* ---- can the survivors go on? ---- */

static void note_problem(const char *problem, void *user)
{
    (void)user;
    blame("verify: %s", problem);
}

static void verify_all(void)
{
    int r = keyshm_verify(pool, note_problem, NULL);
    HOLD(r >= 0, "verify: %s", keyshm_strerror(r));
}

/* Before anyone has recovered anything. What is left unfinished must be announced as such. */
static void verify_unrecovered(void)
{
    int r = keyshm_verify(pool, note_problem, NULL);
    HOLD(r >= 0 || (r == -EBUSY && owner_has_died()), "verify, before the recovery: %s", keyshm_strerror(r));
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void change_first(bool by_adding)
{
    bool is_due = owner_has_died();
    uint64_t recoveries = atomic_load(&pool->header->recoveries);
    double start_ms = now_ms();
    int r = by_adding ? add_key(SURVIVORS_KEY) : remove_key(SPARE_KEY);
    verdict.change_ms = now_ms() - start_ms;
    HOLD(r == 0, "the next membership change: %s", keyshm_strerror(r));
    HOLD(verdict.change_ms < CHANGE_MAX_MS, "the next membership change took %.0f ms", verdict.change_ms);
    HOLD(atomic_load(&pool->header->recoveries) == recoveries + is_due, "the recovery %s",
         is_due ? "was not counted" : "was of nobody");
}

static void mark_and_unmark(void)
{
    struct model_key *key = &model.keys[AVAILABLE_KEY];
    HOLD(keyshm_mark_rate_limited(pool, key->id, COOLDOWN_MS) == 0, "a further mark");
    HOLD(keyshm_is_available(pool, key->id) == 0, "a further mark has no effect");
    HOLD(keyshm_mark_available(pool, key->id) == 0, "a further release");
    key->word = word_make(KEYSHM_AVAILABLE, id_generation(key->id), WORD_NO_DEADLINE);
    key->marked[KEYSHM_RATE_LIMITED]++;
    key->marked[KEYSHM_AVAILABLE]++;
}

static bool is_full(void)
{
    int there = 0;
    for (int i = 0; i < KEYS; i++)
        there += model.keys[i].is_there;
    return there == CAPACITY;
}

static void go_on(bool by_adding)
{
    by_adding = by_adding && !is_full();
    change_first(by_adding);
    verify_all();
    look();
    int r = by_adding ? remove_key(SPARE_KEY) : add_key(SURVIVORS_KEY);
    HOLD(r == 0, "the membership change after the next: %s", keyshm_strerror(r));
    mark_and_unmark();
    look();
    verify_all();
}

void judge(const struct operation *operation, const struct operation *second_or_null, bool by_adding,
           struct verdict *ret_verdict)
{
    verdict = (struct verdict){.outcome = OLD};
    verdict.outcome = operation->settle();
    if (second_or_null != NULL)
        second_or_null->settle();
    verify_unrecovered();
    look();
    go_on(by_adding);
    *ret_verdict = verdict;
}

/* ---- operations ---- */

static enum outcome settle_as_before(void)
{
    return OLD;
}

static void act_next(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
}

/* The turn is used up, or is not; and the pick is counted only if it is. */
static enum outcome settle_next(void)
{
    uint64_t cursor = atomic_load(&pool->header->cursor);
    uint64_t picks = tagged_value(atomic_load(&slot_of(EXPIRED_KEY)->picks), model.keys[EXPIRED_KEY].id);
    struct model_key *picked = &model.keys[EXPIRED_KEY]; /* the first available one from the cursor on */
    if (cursor == model.cursor)
        return OLD;
    HOLD(cursor == EXPIRED_KEY + 1, "the cursor is at %llu", (unsigned long long)cursor);
    HOLD(picks == picked->picks || picks == picked->picks + 1, "%llu picks", (unsigned long long)picks);
    picked->picks = picks;
    return NEW;
}

/* The word is the old one, or says exactly what the mark says; and the mark is counted only if it does. */
static enum outcome settle_mark(int number, enum keyshm_status status, uint64_t least_ms, uint64_t most_ms)
{
    struct model_key *key = &model.keys[number];
    uint64_t word = atomic_load(&pool->words[id_slot(key->id)]);
    uint64_t deadline_ms = word_deadline_ms(word);
    uint64_t marked = tagged_value(atomic_load(&slot_of(number)->marked[status]), key->id);
    if (word == key->word)
        return OLD;
    HOLD(word == word_make(status, id_generation(key->id), deadline_ms), "the mark is half-done: %#llx",
         (unsigned long long)word);
    HOLD(deadline_ms >= least_ms && deadline_ms <= most_ms, "the mark's deadline is %llu",
         (unsigned long long)deadline_ms);
    HOLD(marked == key->marked[status] || marked == key->marked[status] + 1, "marked %llu times",
         (unsigned long long)marked);
    key->word = word;
    key->marked[status] = marked;
    return NEW;
}

static enum outcome settle_mark_for(int number, enum keyshm_status status, uint64_t duration_ms)
{
    return settle_mark(number, status, began_ms + 1 + duration_ms, clock_now_ms() + 1 + duration_ms);
}

static void act_mark_rate_limited(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(pool, model.keys[AVAILABLE_KEY].id, COOLDOWN_MS), 0);
}

static enum outcome settle_mark_rate_limited(void)
{
    return settle_mark_for(AVAILABLE_KEY, KEYSHM_RATE_LIMITED, COOLDOWN_MS);
}

/* Both status and deadline change. */
static void act_mark_quota_exceeded(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, model.keys[LIMITED_KEY].id, 2 * HOUR_MS), 0);
}

static enum outcome settle_mark_quota_exceeded(void)
{
    return settle_mark_for(LIMITED_KEY, KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
}

static void act_mark_invalid(void)
{
    EXPECT_EQ(keyshm_mark_invalid(pool, model.keys[AVAILABLE_KEY].id), 0);
}

static enum outcome settle_mark_invalid(void)
{
    return settle_mark(AVAILABLE_KEY, KEYSHM_INVALID, WORD_FOREVER, WORD_FOREVER);
}

static void act_mark_available(void)
{
    EXPECT_EQ(keyshm_mark_available(pool, model.keys[LIMITED_KEY].id), 0);
}

static enum outcome settle_mark_available(void)
{
    return settle_mark(LIMITED_KEY, KEYSHM_AVAILABLE, WORD_NO_DEADLINE, WORD_NO_DEADLINE);
}

static void act_reset_expired(void)
{
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 1);
}

static enum outcome settle_reset_expired(void)
{
    return settle_mark(EXPIRED_KEY, KEYSHM_AVAILABLE, WORD_NO_DEADLINE, WORD_NO_DEADLINE);
}

/* Whether the key is in is for the pool to say, once. All else is held against this answer. */
static enum outcome settle_added(int number)
{
    struct model_key *key = &model.keys[number];
    int r = keyshm_find(pool, key->text, &key->id);
    HOLD(r == 0 || r == -ENOENT, "find: %s", keyshm_strerror(r));
    if (r < 0)
        return OLD;
    key->is_there = true;
    key->word = word_make(KEYSHM_AVAILABLE, id_generation(key->id), WORD_NO_DEADLINE);
    return NEW;
}

static void act_add(void)
{
    EXPECT_EQ(keyshm_add(pool, model.keys[ADDED_KEY].text, NULL), 0);
}

static enum outcome settle_add(void)
{
    return settle_added(ADDED_KEY);
}

static void prepare_reused_slot(void)
{
    EXPECT_EQ(add_key(ADDED_KEY), 0);
    EXPECT_EQ(remove_key(ADDED_KEY), 0);
}

static void act_add_duplicate(void)
{
    EXPECT_EQ(keyshm_add(pool, model.keys[AVAILABLE_KEY].text, NULL), -EEXIST);
}

static void prepare_full(void)
{
    for (int i = FILLING_KEYS; i < KEYS; i++)
        EXPECT_EQ(add_key(i), 0);
}

static void act_add_full(void)
{
    EXPECT_EQ(keyshm_add(pool, model.keys[ADDED_KEY].text, NULL), -ENOSPC);
}

static void act_remove(void)
{
    EXPECT_EQ(keyshm_remove(pool, model.keys[NOTED_KEY].id), 0);
}

static enum outcome settle_remove(void)
{
    keyshm_id id;
    int r = keyshm_find(pool, model.keys[NOTED_KEY].text, &id);
    HOLD(r == 0 || r == -ENOENT, "find: %s", keyshm_strerror(r));
    model.keys[NOTED_KEY].is_there = r == 0;
    return r == 0 ? OLD : NEW;
}

static void act_set_metadata(void)
{
    EXPECT_EQ(keyshm_set_metadata(pool, model.keys[NOTED_KEY].id, note_name, new_note), 0);
}

static void act_delete_metadata(void)
{
    EXPECT_EQ(keyshm_set_metadata(pool, model.keys[NOTED_KEY].id, note_name, NULL), 0);
}

static enum outcome settle_note(const char *note)
{
    struct keyshm_snapshot *snapshot;
    enum outcome outcome = OLD;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == model.keys[NOTED_KEY].id && is_same_note(note_of(&snapshot->keys[i]), note))
            outcome = NEW;
    keyshm_snapshot_free(snapshot);
    if (outcome == NEW)
        model.keys[NOTED_KEY].note = note;
    return outcome;
}

static enum outcome settle_set_metadata(void)
{
    return settle_note(new_note);
}

static enum outcome settle_delete_metadata(void)
{
    return settle_note(NULL);
}

static int create_another(keyshm_pool **ret_pool)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    return keyshm_create(ret_pool, expect_name, &options);
}

static void act_create(void)
{
    keyshm_pool *created;
    EXPECT_EQ(create_another(&created), 0);
}

/* There is no pool of that name, or a whole one. */
static enum outcome settle_create(void)
{
    keyshm_pool *created, *again;
    struct keyshm_pick pick;
    int r = keyshm_attach(&created, expect_name);
    enum outcome outcome = r == 0 ? NEW : OLD;
    HOLD(r == 0 || r == -ENOENT, "attach: %s", keyshm_strerror(r));
    if (r < 0)
        r = create_another(&created);
    HOLD(r == 0, "create, after the death: %s", keyshm_strerror(r));
    if (r == 0) {
        HOLD(create_another(&again) == -EEXIST, "created twice");
        HOLD(keyshm_verify(created, note_problem, NULL) == 0, "the created pool");
        HOLD(keyshm_add(created, "sk-first-key", NULL) == 0, "the first add");
        HOLD(keyshm_next(created, &pick) == 0, "the first pick");
        keyshm_close(created);
    }
    keyshm_unlink(expect_name);
    return outcome;
}

static void act_attach(void)
{
    keyshm_pool *attached;
    EXPECT_EQ(keyshm_attach(&attached, expect_name), 0);
}

static void act_snapshot(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    keyshm_snapshot_free(snapshot);
}

static void act_close(void)
{
    keyshm_close(pool);
}

static void act_find(void)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_find(pool, model.keys[AVAILABLE_KEY].text, &id), 0);
}

static void act_recover(void)
{
    EXPECT_EQ(keyshm_add(pool, model.keys[SECOND_KEY].text, NULL), 0);
}

static enum outcome settle_recover(void)
{
    return settle_added(SECOND_KEY);
}

const struct operation operations[] = {
    {"next", NULL, act_next, settle_next, false, false},
    {"mark_rate_limited", NULL, act_mark_rate_limited, settle_mark_rate_limited, false, false},
    {"mark_quota_exceeded", NULL, act_mark_quota_exceeded, settle_mark_quota_exceeded, false, false},
    {"mark_invalid", NULL, act_mark_invalid, settle_mark_invalid, false, false},
    {"mark_available", NULL, act_mark_available, settle_mark_available, false, false},
    {"reset_expired", NULL, act_reset_expired, settle_reset_expired, false, false},
    {"add, fresh slot", NULL, act_add, settle_add, false, false},
    {"add, reused slot", prepare_reused_slot, act_add, settle_add, false, false},
    {"add, duplicate", NULL, act_add_duplicate, settle_as_before, true, false},
    {"add, full", prepare_full, act_add_full, settle_as_before, true, false},
    {"remove", NULL, act_remove, settle_remove, false, false},
    {"set_metadata, new value", NULL, act_set_metadata, settle_set_metadata, false, false},
    {"set_metadata, delete", NULL, act_delete_metadata, settle_delete_metadata, false, false},
    {"create", NULL, act_create, settle_create, false, false},
    {"attach", NULL, act_attach, settle_as_before, true, true},
    {"snapshot", NULL, act_snapshot, settle_as_before, true, false},
    {"close", NULL, act_close, settle_as_before, true, false},
    {"find", NULL, act_find, settle_as_before, true, false},
};
const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

const struct operation membership_operations[] = {
    {"add, fresh slot", NULL, act_add, settle_add, false, false},
    {"add, reused slot", prepare_reused_slot, act_add, settle_add, false, false},
    {"remove", NULL, act_remove, settle_remove, false, false},
};
const size_t membership_operation_count = sizeof(membership_operations) / sizeof(membership_operations[0]);

const struct operation recovering_operation = {"recover", NULL, act_recover, settle_recover, false, false};
