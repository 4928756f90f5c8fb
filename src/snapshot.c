/* SPDX-License-Identifier: MIT */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "availability.h"
#include "budget_left.h"
#include "groups.h"
#include "lock.h"
#include "metadata.h"
#include "models.h"
#include "order.h"
#include "places.h"
#include "policy.h"
#include "pool_clock.h"
#include "probe.h"
#include "process.h"
#include "streak.h"
#include "subject.h"
#include "tagged.h"
#include "waiters.h"

/* How often a slot is read again because its key was replaced meanwhile. After that it is left out: no key was in it
 * for the whole of the snapshot. */
#define COPY_TRIES_MAX 100

/* What is known of a group, read once whatever the model, so that a mark of it is seen for all its keys or for none. */
struct known_group {
    uint32_t key_group; /* of which one it is known: what its keys have there; GROUP_NONE: none yet */
    uint64_t word;
    struct budget_left left;
};

/* What is copied, and how. */
struct copying {
    const struct keyshm_pool *pool;
    unsigned model;
    bool has_metadata;
    uint64_t now_ms;
    struct known_group *groups; /* of model 0 only; NULL: each is read whenever it is needed */
};

static struct known_group read_group(const struct copying *copying, keyshm_id id)
{
    struct known_group group = {.key_group = group_pack(id), .word = key_group_word(copying->pool, 0, id_group(id))};
    budget_left_of(copying->pool, copying->model, pool_group_subject(copying->pool, id_group(id)), &group.left);
    return group;
}

static struct known_group know_group(const struct copying *copying, keyshm_id id)
{
    if (copying->groups == NULL)
        return read_group(copying, id);
    struct known_group *group = &copying->groups[id_group(id)];
    if (group->key_group != group_pack(id))
        *group = read_group(copying, id);
    return *group;
}

/* Of the subject for the model; `raw` as it is in memory. */
static struct keyshm_word_snapshot copy_word(const struct copying *copying, unsigned model, uint32_t subject,
                                             uint64_t raw)
{
    uint64_t word = availability_of_model(raw), now_ms = copying->now_ms;
    struct keyshm_word_snapshot copy = {
        .status = word_status_at(word, now_ms),
        .reason = word_reason_at(word, now_ms),
        .is_probing = probe_is_under_way(word, now_ms),
        .streak = streak_length(copying->pool, model, subject, raw, now_ms),
    };
    if (word_is_benched(word, now_ms))
        copy.cooldown_left_ms = word_deadline_ms(word) == WORD_FOREVER ? -1 : (int64_t)(word_deadline_ms(word) - now_ms);
    return copy;
}

/* Is the end of `a` later? */
static bool ends_later(int64_t a_ms, int64_t b_ms)
{
    return b_ms >= 0 && (a_ms < 0 || a_ms > b_ms);
}

/* All words together, as the marks of one word are joined (state_word.h). */
static void join_words(struct keyshm_key_snapshot *key)
{
    for (unsigned i = 0; i < 4; i++) {
        const struct keyshm_word_snapshot *word = &key->words[i];
        key->is_probing |= word->is_probing;
        key->streak = word->streak > key->streak ? word->streak : key->streak;
        if (word->status == KEYSHM_AVAILABLE)
            continue;
        key->benched_by |= 1u << i;
        if (word->status > key->status || (word->status == key->status && word->reason > key->reason)) {
            key->status = word->status;
            key->reason = word->reason;
        }
        if (ends_later(word->cooldown_left_ms, key->cooldown_left_ms))
            key->cooldown_left_ms = word->cooldown_left_ms;
    }
}

/* Of the subject, `whole` and for the model; into the words from `first` on. */
static void copy_subject(const struct copying *copying, uint32_t subject, uint64_t whole, unsigned first,
                         struct keyshm_key_snapshot *key)
{
    unsigned model = copying->model;
    key->words[first] = copy_word(copying, 0, subject, whole);
    if (model != 0)
        key->words[first + 1] =
            copy_word(copying, model, subject,
                      atomic_load_explicit(pool_word(copying->pool, model, subject), memory_order_acquire));
    if (word_is_paused(whole))
        key->benched_by |= KEYSHM_BY_PAUSE;
}

static void copy_order(const struct copying *copying, uint32_t slot, struct keyshm_key_snapshot *key)
{
    uint64_t order = order_of(copying->pool, slot);
    key->priority = order_priority(order);
    key->weight = order_weight(order);
}

static void copy_left(const struct budget_left *left, struct keyshm_key_snapshot *key)
{
    key->in_flight = left->in_flight;
    key->in_flight_cap = left->cap;
    key->requests_left = left->requests.left;
    key->requests_burst = left->requests.burst;
    key->tokens_left = left->tokens.left;
    key->tokens_burst = left->tokens.burst;
    key->benched_by |= budget_left_obstacles(left);
}

/* Of the group that the key is in, or of a group itself. */
static void copy_group_state(const struct copying *copying, keyshm_id id, const struct known_group *group,
                             struct keyshm_key_snapshot *key)
{
    copy_subject(copying, pool_group_subject(copying->pool, id_group(id)), group->word, 2, key);
}

static void copy_state(const struct copying *copying, uint32_t slot, struct keyshm_key_snapshot *key)
{
    struct budget_left left;
    budget_left_of(copying->pool, copying->model, slot, &left);
    copy_subject(copying, slot, atomic_load_explicit(&copying->pool->words[slot], memory_order_acquire), 0, key);
    key->is_paused = (key->benched_by & KEYSHM_BY_PAUSE) != 0;
    key->group = groups_id_of_slot(copying->pool, slot);
    if (key->group != 0) {
        struct known_group group = know_group(copying, key->group);
        copy_group_state(copying, key->group, &group, key);
        budget_left_join(&left, &group.left);
        struct places places = places_of(copying->pool, pool_group_subject(copying->pool, id_group(key->group)));
        left.in_flight += places_count_of_slot(&places, slot);
    }
    copy_left(&left, key);
    join_words(key);
}

/* Allocate a copy of the entries; NULL when there are none. */
static int copy_metadata(const union metadata_copy *copy, struct keyshm_key_snapshot *key)
{
    const char *name, *value;
    size_t count = 0, position = 0;
    while (metadata_next(copy, &position, &name, &value))
        count++;
    if (count == 0)
        return 0;
    struct keyshm_metadata *entries = calloc(count, sizeof(*entries));
    if (entries == NULL)
        return -ENOMEM;
    position = 0;
    for (size_t i = 0; i < count && metadata_next(copy, &position, &name, &value); i++) {
        memcpy(entries[i].name, name, strlen(name) + 1);
        memcpy(entries[i].value, value, strlen(value) + 1);
    }
    key->metadata = entries;
    key->metadata_count = count;
    return 0;
}

static void copy_marked(const _Atomic uint64_t *marked, struct keyshm_key_snapshot *key)
{
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        key->marked[status] = tagged_value(atomic_load_explicit(&marked[status], memory_order_relaxed), key->id);
    key->error_count = key->marked[KEYSHM_INVALID];
}

static void copy_counters(const struct layout_slot *at, uint64_t now_ms, struct keyshm_key_snapshot *key)
{
    uint64_t last_used_ms = tagged_value(atomic_load_explicit(&at->last_used_ms, memory_order_relaxed), key->id);
    key->picks = tagged_value(atomic_load_explicit(&at->picks, memory_order_relaxed), key->id);
    copy_marked(at->marked, key);
    if (last_used_ms == 0)
        key->last_used_ago_ms = -1;
    else
        key->last_used_ago_ms = last_used_ms < now_ms ? (int64_t)(now_ms - last_used_ms) : 0;
}

/* One try. -ENOENT: no key in the slot; -ESTALE: it changed while it was read. */
static int try_copy_key(const struct copying *copying, uint32_t slot, struct keyshm_key_snapshot *key)
{
    const struct keyshm_pool *pool = copying->pool;
    union metadata_copy metadata;
    memset(key, 0, sizeof(*key));
    key->id = atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_acquire);
    uint64_t word = slot_word_of(pool, key->id);
    if (!word_is_live(word))
        return word_is_live(atomic_load_explicit(&pool->words[slot], memory_order_relaxed)) ? -ESTALE : -ENOENT;
    key->slot = slot;
    key->element_bytes = sizeof(*key->metadata);
    copy_state(copying, slot, key);
    copy_order(copying, slot, key);
    slot_masked_key(pool, key->id, key->masked_key);
    copy_counters(pool_slot(pool, slot), copying->now_ms, key);
    int r = copying->has_metadata ? metadata_read(pool, slot, &metadata) : 0;
    if (r < 0 || !word_is_live(slot_word_of(pool, key->id)) || groups_id_of_slot(pool, slot) != key->group)
        return -ESTALE;
    return copying->has_metadata ? copy_metadata(&metadata, key) : 0;
}

static int copy_key(const struct copying *copying, uint32_t slot, struct keyshm_key_snapshot *key)
{
    int r = -ESTALE;
    for (int i = 0; i < COPY_TRIES_MAX && r == -ESTALE; i++)
        r = try_copy_key(copying, slot, key);
    return r;
}

/* -ENOENT: there is none. */
static int copy_group(const struct copying *copying, keyshm_id id, struct keyshm_key_snapshot *state)
{
    const struct keyshm_pool *pool = copying->pool;
    uint32_t subject = subject_of(pool, id);
    memset(state, 0, sizeof(*state));
    if (subject == SUBJECT_NONE)
        return -ENOENT;
    state->id = id;
    state->slot = id_group(id);
    state->last_used_ago_ms = -1;
    state->element_bytes = sizeof(*state->metadata);
    struct known_group group = know_group(copying, id);
    copy_group_state(copying, id, &group, state);
    copy_left(&group.left, state);
    state->is_paused = (state->benched_by & KEYSHM_BY_PAUSE) != 0;
    join_words(state);
    copy_marked(subject_marked_at(pool, subject), state);
    return groups_is_there(pool, id) ? 0 : -ENOENT;
}

int snapshot_inspect(const struct keyshm_pool *pool, keyshm_id id, unsigned model, size_t size,
                     struct keyshm_key_snapshot *ret_key)
{
    const struct copying copying = {.pool = pool, .model = model, .now_ms = pool_now_ms(pool)};
    struct keyshm_key_snapshot key;
    uint32_t slot = id_slot(id);
    int r = -ESTALE;
    if (id_is_group(id))
        r = copy_group(&copying, id, &key);
    else if (slot < pool->settings.capacity)
        r = copy_key(&copying, slot, &key);
    if (r == -ESTALE && word_is_live(slot_word_of(pool, id)))
        return -EBUSY;
    if (r < 0 || key.id != id)
        return -ESTALE;
    memcpy(ret_key, &key, size < sizeof(key) ? size : sizeof(key));
    return 0;
}

static int copy_keys(const struct copying *copying, struct keyshm_snapshot *snapshot)
{
    uint32_t used = pool_slots_used(copying->pool);
    snapshot->keys_bytes = sizeof(*snapshot->keys);
    snapshot->keys = calloc(used > 0 ? used : 1, sizeof(*snapshot->keys));
    if (snapshot->keys == NULL)
        return -ENOMEM;
    for (uint32_t slot = 0; slot < used; slot++) {
        struct keyshm_key_snapshot *key = &snapshot->keys[snapshot->count];
        int r = copy_key(copying, slot, key);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        snapshot->status_count[key->status]++;
        snapshot->paused_count += key->is_paused != 0;
        snapshot->count++;
    }
    return 0;
}

static int copy_groups(const struct copying *copying, struct keyshm_snapshot *snapshot)
{
    const struct keyshm_pool *pool = copying->pool;
    uint32_t used = pool_groups_used(pool);
    snapshot->groups_bytes = sizeof(*snapshot->groups);
    if (used == 0)
        return 0;
    snapshot->groups = calloc(used, sizeof(*snapshot->groups));
    if (snapshot->groups == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < used; i++) {
        struct keyshm_group_snapshot *group = &snapshot->groups[snapshot->group_count];
        group->id = atomic_load_explicit(&pool->groups[i].id, memory_order_acquire);
        if (groups_name(pool, group->id, group->name, sizeof(group->name)) < 0 ||
            copy_group(copying, group->id, &group->state) < 0)
            continue;
        group->keys = (unsigned)atomic_load_explicit(&pool->groups[i].keys, memory_order_relaxed);
        snapshot->group_count++;
    }
    return 0;
}

static int copy_models(const struct keyshm_pool *pool, struct keyshm_snapshot *snapshot)
{
    uint32_t used = pool_models_used(pool);
    snapshot->models_bytes = sizeof(*snapshot->models);
    if (used == 0)
        return 0;
    snapshot->models = calloc(used, sizeof(*snapshot->models));
    if (snapshot->models == NULL)
        return -ENOMEM;
    for (unsigned model = 1; model <= used; model++)
        models_name(pool, model, snapshot->models[model - 1], sizeof(*snapshot->models));
    snapshot->model_count = used;
    return 0;
}

static void copy_holder(const struct keyshm_pool *pool, struct keyshm_snapshot *snapshot)
{
    struct process_look look;
    snapshot->mutex_holder_pid = lock_holder(pool);
    snapshot->mutex_held_ms = snapshot->mutex_holder_pid != 0 ? lock_held_ms(pool) : -1;
    if (snapshot->mutex_holder_pid <= 0 || process_look(snapshot->mutex_holder_pid, &look) < 0)
        return;
    memcpy(snapshot->mutex_holder_name, look.name, sizeof(snapshot->mutex_holder_name));
    snapshot->mutex_holder_state = look.state;
}

static void copy_pool(const struct keyshm_pool *pool, struct keyshm_snapshot *snapshot)
{
    const struct layout_settings *settings = &pool->settings;
    memcpy(snapshot->provider, settings->provider, sizeof(snapshot->provider));
    memcpy(snapshot->provider_rules, settings->provider_rules, sizeof(snapshot->provider_rules));
    memcpy(snapshot->creator_name, settings->creator_name, sizeof(snapshot->creator_name));
    snapshot->capacity = settings->capacity;
    snapshot->key_max = settings->key_max;
    snapshot->in_flight_max = settings->in_flight_max;
    snapshot->group_in_flight_max = settings->group_in_flight_max;
    snapshot->policy.size = sizeof(snapshot->policy);
    policy_read(pool, &snapshot->policy);
    snapshot->created_unix_ms = (int64_t)settings->created_unix_us / 1000;
    snapshot->age_ms = (int64_t)((pool_now_us(pool) - POOL_CLOCK_BEGIN_US) / 1000);
    snapshot->creator_uid = settings->creator_uid;
    snapshot->creator_pid = (pid_t)settings->creator_pid;
    snapshot->recoveries = atomic_load_explicit(&pool->header->recoveries, memory_order_relaxed);
    snapshot->waiting = waiters_count(pool);
    copy_holder(pool, snapshot);
}

/* Its keys, groups and models. */
static int copy_parts(const struct keyshm_pool *pool, struct keyshm_snapshot *snapshot)
{
    struct known_group *groups = calloc(pool->settings.groups_max + 1, sizeof(*groups)); /* GROUP_NONE is 0 */
    if (groups == NULL)
        return -ENOMEM;
    const struct copying copying = {.pool = pool, .has_metadata = true, .now_ms = pool_now_ms(pool), .groups = groups};
    int r = copy_keys(&copying, snapshot);
    if (r == 0)
        r = copy_groups(&copying, snapshot);
    free(groups);
    return r < 0 ? r : copy_models(pool, snapshot);
}

int snapshot_take(const struct keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot)
{
    struct keyshm_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL)
        return -ENOMEM;
    copy_pool(pool, snapshot);
    int r = copy_parts(pool, snapshot);
    /* Last: what was copied of a file that was being written over is not shown. */
    if (r == 0 && !pool_is_unchanged(pool))
        r = -EBADMSG;
    if (r < 0) {
        keyshm_snapshot_free(snapshot);
        return r;
    }
    *ret_snapshot = snapshot;
    return 0;
}

void keyshm_snapshot_free(struct keyshm_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    for (unsigned i = 0; snapshot->keys != NULL && i < snapshot->count; i++)
        free(snapshot->keys[i].metadata);
    free(snapshot->keys);
    free(snapshot->groups);
    free(snapshot->models);
    free(snapshot);
}
