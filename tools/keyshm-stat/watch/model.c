/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lists.h"

/* A counter can go back: a process that was stopped while it counted writes what it had read before. */
static uint64_t difference(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

void model_begin(struct model *model)
{
    memset(model, 0, sizeof(*model));
}

void model_end(struct model *model)
{
    reading_free(model->reading);
    free(model->keys);
    model_begin(model);
}

static bool is_same_pool(const struct keyshm_snapshot *before, const struct keyshm_snapshot *now)
{
    return before->created_unix_ms == now->created_unix_ms && before->creator_pid == now->creator_pid &&
           before->age_ms <= now->age_ms;
}

static bool has_same_keys(const struct model *model, const struct keyshm_snapshot *now)
{
    if (model->snapshot == NULL || model->snapshot->count != now->count)
        return false;
    for (unsigned i = 0; i < now->count; i++)
        if (model->keys[i].id != list_key(now, i)->id)
            return false;
    return true;
}

/* Both are in the order of slots. A key that was not there before has been counted from 0. */
static int follow_keys(struct model *model, const struct keyshm_snapshot *now, int64_t now_ms)
{
    unsigned before_count = model->snapshot != NULL ? model->snapshot->count : 0, before = 0;
    if (has_same_keys(model, now))
        return 0;
    struct model_key *keys = calloc(now->count > 0 ? now->count : 1, sizeof(*keys));
    if (keys == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < now->count; i++) {
        while (before < before_count && list_key(model->snapshot, before)->slot < list_key(now, i)->slot)
            before++;
        if (before < before_count && model->keys[before].id == list_key(now, i)->id) {
            keys[i] = model->keys[before];
            continue;
        }
        keys[i].id = list_key(now, i)->id;
        history_begin(&keys[i].picks_history, model->snapshot != NULL ? model->taken_ms : now_ms);
    }
    free(model->keys);
    model->keys = keys;
    return 0;
}

/* One with less left than the time between two copies may have ended, and another begun. */
static void follow_cooldown(struct model_key *known, int64_t left_ms, int64_t elapsed_ms)
{
    if (left_ms <= 0)
        known->cooldown_longest_ms = 0;
    else if (left_ms > known->cooldown_longest_ms || known->cooldown_left_ms <= elapsed_ms)
        known->cooldown_longest_ms = left_ms;
    known->cooldown_left_ms = left_ms;
}

static struct model_counts counts_of(const struct keyshm_key_snapshot *key)
{
    struct model_counts counts = {.picks = key->picks, .errors = key->error_count};
    memcpy(counts.marked, key->marked, sizeof(counts.marked));
    return counts;
}

static struct model_counts counts_between(const struct model_counts *before, const struct model_counts *now)
{
    struct model_counts counts = {difference(now->picks, before->picks), difference(now->errors, before->errors), {0}};
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        counts.marked[status] = difference(now->marked[status], before->marked[status]);
    return counts;
}

static void set_counts(struct keyshm_key_snapshot *key, const struct model_counts *counts)
{
    key->picks = counts->picks;
    key->error_count = counts->errors;
    memcpy(key->marked, counts->marked, sizeof(key->marked));
}

/* What is shown of it counts from when the counters were cleared. Returns what is new since the last copy. */
static struct model_counts count_key(struct model_key *known, struct keyshm_key_snapshot *key)
{
    struct model_counts now = counts_of(key), shown = counts_between(&known->cleared, &now),
                        new = counts_between(&known->counted, &now);
    set_counts(key, &shown);
    known->counted = now;
    return new;
}

/* All but those that make it available. */
static uint64_t count_marks(const struct model_counts *counts)
{
    return counts->marked[KEYSHM_RATE_LIMITED] + counts->marked[KEYSHM_QUOTA_EXCEEDED] + counts->marked[KEYSHM_INVALID];
}

static struct model_counts counts_of_group(const struct keyshm_snapshot *snapshot, keyshm_id id)
{
    for (unsigned i = 0; i < snapshot->group_count; i++)
        if (list_group(snapshot, i)->id == id)
            return counts_of(&list_group(snapshot, i)->state);
    return (struct model_counts){.picks = 0};
}

/* A mark of a group is counted in the group. */
static uint64_t new_marks_of_groups(const struct keyshm_snapshot *before, const struct keyshm_snapshot *now)
{
    uint64_t marks = 0;
    for (unsigned i = 0; i < now->group_count; i++) {
        struct model_counts counted = counts_of_group(before, list_group(now, i)->id),
                            counts = counts_of(&list_group(now, i)->state), new = counts_between(&counted, &counts);
        marks += count_marks(&new);
    }
    return marks;
}

/* The keys of the model are those of `now` already; the snapshot is still the one before, if there was one. */
static void count_all(struct model *model, struct keyshm_snapshot *now, int64_t now_ms)
{
    uint64_t picks = 0, marks = 0;
    int64_t elapsed_ms = now_ms - model->taken_ms;
    double elapsed_s = (double)elapsed_ms / 1000;
    model->has_rates = model->snapshot != NULL;
    for (unsigned i = 0; i < now->count; i++) {
        struct model_key *known = &model->keys[i];
        struct model_counts new = count_key(known, list_key(now, i));
        uint64_t new_marks = count_marks(&new);
        follow_cooldown(known, list_key(now, i)->cooldown_left_ms, elapsed_ms);
        if (!model->has_rates)
            continue;
        known->picks_per_s = (double)new.picks / elapsed_s;
        known->marks_per_s = (double)new_marks / elapsed_s;
        history_add(&known->picks_history, now_ms, new.picks);
        picks += new.picks;
        marks += new_marks;
    }
    if (!model->has_rates) {
        history_begin(&model->picks_history, now_ms);
        return;
    }
    marks += new_marks_of_groups(model->snapshot, now);
    model->picks_per_s = (double)picks / elapsed_s;
    model->marks_per_s = (double)marks / elapsed_s;
    history_add(&model->picks_history, now_ms, picks);
}

static void begin_anew(struct model *model, const struct keyshm_snapshot *now, int64_t now_ms)
{
    model_end(model);
    model->replaced_unix_ms = now->created_unix_ms;
    model->replaced_ms = now_ms;
}

int model_take(struct model *model, struct reading *reading, int64_t now_ms)
{
    struct keyshm_snapshot *snapshot = reading->snapshot;
    if (model->snapshot != NULL && !is_same_pool(model->snapshot, snapshot))
        begin_anew(model, snapshot, now_ms);
    if (model->snapshot != NULL && now_ms <= model->taken_ms)
        now_ms = model->taken_ms + 1; /* rates are divided by the time between two copies */
    int r = follow_keys(model, snapshot, now_ms);
    if (r < 0) {
        reading_free(reading);
        return r;
    }
    count_all(model, snapshot, now_ms);
    reading_free(model->reading);
    model->reading = reading;
    model->snapshot = snapshot;
    model->taken_ms = now_ms;
    model->error = 0;
    return 0;
}

void model_miss(struct model *model, int error, int64_t unix_ms)
{
    if (model->error == 0)
        model->error_unix_ms = unix_ms;
    model->error = error;
}

void model_clear(struct model *model, int64_t unix_ms)
{
    static const struct model_counts none;
    if (model->snapshot == NULL)
        return;
    for (unsigned i = 0; i < model->snapshot->count; i++) {
        struct model_key *known = &model->keys[i];
        known->cleared = known->counted;
        set_counts(list_key(model->snapshot, i), &none);
        known->picks_per_s = known->marks_per_s = 0;
        history_begin(&known->picks_history, model->taken_ms);
    }
    model->picks_per_s = model->marks_per_s = 0;
    model->has_rates = false;
    history_begin(&model->picks_history, model->taken_ms);
    model->cleared_unix_ms = unix_ms;
}

double model_cooldown_fraction(const struct model *model, unsigned index)
{
    int64_t left_ms = list_key(model->snapshot, index)->cooldown_left_ms;
    if (left_ms <= 0)
        return left_ms < 0 ? 1 : 0;
    return (double)left_ms / (double)model->keys[index].cooldown_longest_ms;
}
