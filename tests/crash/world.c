/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <linux/futex.h>

#include "lock.h"
#include "pool_clock.h"
#include "ready_bits.h"
#include "streak.h"
#include "subject.h"
#include "tagged.h"

#include "burst.h"
#include "expect.h"
#include "operations.h"
#include "problem.h"
#include "turns.h"

enum { LOCK_TIMEOUT_MS = 3000 };

struct world_image {
    struct world model;
    unsigned char bytes[];
};

static keyshm_pool *pool;
struct world world;
uint64_t world_began_ms;

/* The victim's are the shortest, so that a remainder of one that had the place before would show behind it. */
static const char *const group_names[GROUPS] = {
    [GROUP] = "the account that has keys",
    [EMPTY_GROUP] = "an account that has no keys, with a name that is longer than any of the others",
    [ADDED_GROUP] = "new",
};
const char *const world_model_names[MODELS] = {[MODEL] = "a model", [ADDED_MODEL] = "another model"};

uint64_t world_now_ms(void)
{
    return pool_now_ms(pool);
}

/* ---- what the model has ---- */

uint32_t world_subject_of_key(int number)
{
    return id_slot(world.keys[number].id);
}

uint32_t world_subject_of_group(int group)
{
    return FIRST_GROUP_SUBJECT + id_group(world.groups[group].id);
}

uint64_t *world_word(unsigned model, uint32_t subject)
{
    return &world.words[model][subject];
}

uint64_t *world_word_of(int number)
{
    return world_word(ANY_MODEL, world_subject_of_key(number));
}

struct model_streak *world_streak(unsigned model, uint32_t subject)
{
    return &world.streaks[model][subject];
}

bool world_has_streak(unsigned model, uint32_t subject)
{
    return world_streak(model, subject)->rate_limits != 0 || world_streak(model, subject)->invalids != 0;
}

uint64_t *world_marked_of(uint32_t subject)
{
    for (int number = 0; number < KEYS; number++)
        if (world.keys[number].is_there && world_subject_of_key(number) == subject)
            return world.keys[number].marked;
    for (int group = 0; group < GROUPS; group++)
        if (world.groups[group].is_there && world_subject_of_group(group) == subject)
            return world.groups[group].marked;
    EXPECT(!"no key or group has that number");
    return NULL;
}

uint64_t world_load_marked(uint32_t subject, enum keyshm_status status)
{
    keyshm_id id = atomic_load(subject_id_at(pool, subject));
    return tagged_value(atomic_load(&subject_marked_at(pool, subject)[status]), id);
}

/* It is available whatever the model, and nothing is known of it for any model. */
static void note_published(uint32_t subject)
{
    uint64_t *word = world_word(ANY_MODEL, subject);
    *word = word_make_available(word_marks_next(*word));
    *world_streak(ANY_MODEL, subject) = (struct model_streak){0};
    for (unsigned model = 1; model <= world.models; model++) {
        *world_streak(model, subject) = (struct model_streak){0};
        word = world_word(model, subject);
        *word = word_make_free(word_marks_next(*word));
    }
}

static void note_withdrawn(uint32_t subject)
{
    uint64_t *word = world_word(ANY_MODEL, subject);
    *word = word_make_free(word_marks(*word));
}

void world_note_added(int number, keyshm_id id, int group)
{
    struct model_key *key = &world.keys[number];
    key->id = id;
    key->is_there = true;
    key->group = group;
    key->priority = 0;
    key->weight = 1;
    key->note = NULL;
    key->picks = 0;
    memset(key->marked, 0, sizeof(key->marked));
    note_published(world_subject_of_key(number));
}

void world_note_removed(int number)
{
    world.keys[number].is_there = false;
    world.keys[number].group = NO_GROUP;
    note_withdrawn(world_subject_of_key(number));
}

void world_note_group_added(int group, keyshm_id id)
{
    world.groups[group].id = id;
    world.groups[group].is_there = true;
    memset(world.groups[group].marked, 0, sizeof(world.groups[group].marked));
    note_published(world_subject_of_group(group));
}

void world_note_group_removed(int group)
{
    world.groups[group].is_there = false;
    note_withdrawn(world_subject_of_group(group));
}

/* ---- in the pool, and in the model ---- */

static int add_key(int number, int group)
{
    keyshm_id id;
    int r = keyshm_add_to_group(pool, world.keys[number].text, group != NO_GROUP ? world.groups[group].id : 0, &id);
    if (r == 0)
        world_note_added(number, id, group);
    return r;
}

int world_add_key(int number)
{
    return add_key(number, NO_GROUP);
}

int world_remove_key(int number)
{
    int r = keyshm_remove(pool, world.keys[number].id);
    if (r == 0)
        world_note_removed(number);
    return r;
}

int world_add_group(int group)
{
    keyshm_id id;
    int r = keyshm_group(pool, world.groups[group].name, &id);
    if (r == 0)
        world_note_group_added(group, id);
    return r;
}

int world_remove_group(int group)
{
    int r = keyshm_remove_group(pool, world.groups[group].id);
    if (r == 0)
        world_note_group_removed(group);
    return r;
}

/* ---- how a world begins ---- */

/* The victim's key has the longest text and the survivors' the shortest, so that a remainder of the one would show behind
 * the other. */
static void make_texts(void)
{
    for (int i = 0; i < KEYS; i++) {
        size_t length = i == ADDED_KEY ? KEY_MAX - 2 : i == SURVIVORS_KEY ? 9 : 20 + 2 * (size_t)i;
        memset(world.keys[i].text, 'A' + i, length);
        world.keys[i].text[length] = '\0';
        world.keys[i].group = NO_GROUP;
    }
    for (int i = 0; i < GROUPS; i++)
        world.groups[i].name = group_names[i];
}

static void learn_marked(uint32_t subject)
{
    uint64_t *marked = world_marked_of(subject);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        marked[status] = world_load_marked(subject, (enum keyshm_status)status);
}

static void learn_counters(void)
{
    for (int i = 0; i < KEYS; i++) {
        if (!world.keys[i].is_there)
            continue;
        world.keys[i].picks = tagged_value(atomic_load(&world_slot_of(i)->picks), world.keys[i].id);
        learn_marked(world_subject_of_key(i));
    }
    for (int i = 0; i < GROUPS; i++)
        if (world.groups[i].is_there)
            learn_marked(world_subject_of_group(i));
}

static void learn_word(unsigned model, uint32_t subject)
{
    struct streak streak;
    uint64_t word = atomic_load(pool_word(pool, model, subject));
    world.words[model][subject] = word;
    EXPECT(streak_settle(pool_word(pool, model, subject), pool_history(pool, model, subject), word, &streak));
    *world_streak(model, subject) = (struct model_streak){streak.rate_limits, streak.invalids};
}

static void learn(void)
{
    learn_counters();
    for (unsigned model = 0; model <= world.models; model++) {
        for (uint32_t subject = 0; subject < SUBJECTS; subject++)
            learn_word(model, subject);
        world.cursors[model] = atomic_load(&pool_model(pool, model)->cursor);
    }
    turns_count_owed(world.owed);
    keyshm_policy_init(&world.policy, sizeof(world.policy));
    EXPECT_EQ(keyshm_get_policy(pool, &world.policy), 0);
}

static void limit(int number, unsigned model)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.duration_ms = HOUR_MS;
    mark.model = model;
    mark.reason = model == ANY_MODEL ? KEYSHM_REASON_RATE_LIMIT : KEYSHM_REASON_QUOTA; /* which says more */
    EXPECT_EQ(keyshm_mark(pool, world.keys[number].id, &mark), 0);
}

static void mark_some(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_set_metadata(pool, world.keys[NOTED_KEY].id, WORLD_NOTE, "an old note"), 0);
    world.keys[NOTED_KEY].note = "an old note";
    limit(LIMITED_KEY, ANY_MODEL);
    limit(EXPIRED_KEY, ANY_MODEL);
    /* Once round: these picks find that the two are not available, and clear their bits. */
    for (int i = 0; i < FIRST_KEYS - 2; i++)
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
    /* And the bits of these are still set. */
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, world.keys[QUOTA_KEY].id, KEYSHM_NO_RETRY_AFTER), 0);
    limit(AVAILABLE_KEY, MODEL);
    limit(LIMITED_KEY, MODEL);
}

void world_make_all_due(void)
{
    for (unsigned model = 0; model <= world.models; model++)
        ready_make_all_due(pool, model);
}

/* As if an hour had passed for one key, and with it a sweep had become due. */
static void pass_time(void)
{
    _Atomic uint64_t *word = &pool->words[id_slot(world.keys[EXPIRED_KEY].id)];
    uint64_t marks = word_marks(atomic_load(word));
    atomic_store(word, word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, marks, 1));
    world_make_all_due();
}

/* The next turn is that of LIMITED_KEY. */
static void set_cursor(void)
{
    struct claim claim = {.number = 1, .begin = NOTED_KEY, .end = LIMITED_KEY};
    atomic_store(&pool->header->model_0.cursor, claim_pack(&claim));
}

void world_begin(const struct operation *operation)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    options.key_max = KEY_MAX;
    options.lock_timeout_ms = LOCK_TIMEOUT_MS;
    options.workers_max = WORKERS_MAX;
    options.groups_max = GROUPS;
    options.models_max = MODELS - 1;
    memset(&world, 0, sizeof(world));
    make_texts();
    EXPECT_EQ(operation->is_named ? keyshm_create(&pool, expect_name, &options)
                                  : keyshm_create_anonymous(&pool, "kill", &options),
              0);
    EXPECT_EQ(pool_group_subject(pool, 0), FIRST_GROUP_SUBJECT);
    EXPECT_EQ(keyshm_model(pool, world_model_names[MODEL], &world.models), 0);
    for (int i = 0; i < FIRST_GROUPS; i++)
        EXPECT_EQ(world_add_group(i), 0);
    for (int i = 0; i < FIRST_KEYS; i++)
        EXPECT_EQ(add_key(i, i == NOTED_KEY || i == EXPIRED_KEY ? GROUP : NO_GROUP), 0);
    mark_some();
    pass_time();
    set_cursor();
    if (operation->prepare != NULL)
        operation->prepare();
    learn();
}

keyshm_pool *world_pool(void)
{
    return pool;
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
    image->model = world;
    memcpy(image->bytes, pool->header, pool->settings.segment_bytes);
    return image;
}

/* The state of a mutex that no living process holds is in its bytes, a dead owner's too. */
void world_restore(const struct world_image *image)
{
    burst_end(pool);
    world = image->model;
    memcpy(pool->header, image->bytes, pool->settings.segment_bytes);
    world_began_ms = world_now_ms();
}

bool world_has_changed(void)
{
    static unsigned char last[512 * 1024];
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

bool world_owner_has_died(void)
{
    const _Atomic uint32_t *futex =
        (const _Atomic uint32_t *)(const void *)(pool->header->mutex + pool->mutex_word_offset);
    return (atomic_load(futex) & FUTEX_OWNER_DIED) != 0;
}

struct layout_slot *world_slot_of(int number)
{
    return pool_slot(pool, id_slot(world.keys[number].id));
}

/* Is the key kept back by this word? */
static bool is_benched(uint64_t word)
{
    return word_is_live(word) && word_status(word) != KEYSHM_AVAILABLE && word_deadline_ms(word) > world_now_ms();
}

/* The words that a pick for the model depends on; those that do not count are free. */
static void find_words(int number, unsigned model, uint64_t ret_words[4])
{
    const struct model_key *key = &world.keys[number];
    memset(ret_words, 0, 4 * sizeof(*ret_words));
    ret_words[0] = *world_word_of(number);
    ret_words[1] = model != ANY_MODEL ? *world_word(model, world_subject_of_key(number)) : 0;
    if (key->group == NO_GROUP)
        return;
    ret_words[2] = *world_word(ANY_MODEL, world_subject_of_group(key->group));
    ret_words[3] = model != ANY_MODEL ? *world_word(model, world_subject_of_group(key->group)) : 0;
}

struct world_state world_state_of(int number, unsigned model)
{
    struct world_state state = {.status = KEYSHM_AVAILABLE};
    uint64_t words[4];
    find_words(number, model, words);
    for (unsigned i = 0; i < 4; i++) {
        if (word_is_paused(words[i]))
            state.benched_by |= KEYSHM_BY_PAUSE;
        if (!is_benched(words[i]))
            continue;
        state.benched_by |= 1u << i;
        if (word_status(words[i]) * KEYSHM_REASON_COUNT + word_reason(words[i]) >
            state.status * KEYSHM_REASON_COUNT + state.reason) {
            state.status = word_status(words[i]);
            state.reason = word_reason(words[i]);
        }
    }
    return state;
}

bool world_is_pickable(int number, unsigned model)
{
    return world.keys[number].is_there && world_state_of(number, model).benched_by == 0;
}

bool world_has_turns(int number, unsigned model)
{
    for (int other = 0; other < KEYS; other++)
        if (world_is_pickable(other, model) && world.keys[other].priority < world.keys[number].priority)
            return false;
    return world_is_pickable(number, model);
}

int world_count_turns(unsigned model)
{
    int turns = 0;
    for (int number = 0; number < KEYS; number++)
        turns += world_has_turns(number, model) ? (int)world.keys[number].weight : 0;
    return turns;
}

int world_count_pickable(unsigned model)
{
    int pickable = 0;
    for (int i = 0; i < KEYS; i++)
        pickable += world_is_pickable(i, model);
    return pickable;
}

int world_count_keys_in(int group)
{
    int there = 0;
    for (int i = 0; i < KEYS; i++)
        there += world.keys[i].is_there && world.keys[i].group == group;
    return there;
}

int world_count_keys(void)
{
    int there = 0;
    for (int i = 0; i < KEYS; i++)
        there += world.keys[i].is_there;
    return there;
}

int world_number_of(keyshm_id id)
{
    for (int i = 0; i < KEYS; i++)
        if (world.keys[i].is_there && world.keys[i].id == id)
            return i;
    return -1;
}

bool world_is_half_done(void)
{
    for (uint32_t slot = 0; slot < CAPACITY; slot++)
        if (slot_is_dirty(pool, slot))
            return true;
    return false;
}

const char *world_note_of(const struct keyshm_key_snapshot *row)
{
    HOLD(row->metadata_count <= 1, "a key has %zu metadata", row->metadata_count);
    return row->metadata_count > 0 ? row->metadata[0].value : NULL;
}

bool world_is_same_note(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}
