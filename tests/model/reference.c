/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const reference_names[REFERENCE_NAMES] = {"A", "owner", "owner.2", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};

struct reference_key *reference_of_id(struct reference *reference, keyshm_id id)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (reference->keys[slot].subject.is_in && reference->keys[slot].subject.id == id)
            return &reference->keys[slot];
    return NULL;
}

struct reference_key *reference_of_text(struct reference *reference, const char *text)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (reference->keys[slot].subject.is_in && strcmp(reference->keys[slot].text, text) == 0)
            return &reference->keys[slot];
    return NULL;
}

struct reference_key *reference_free_slot(struct reference *reference)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (!reference->keys[slot].subject.is_in)
            return &reference->keys[slot];
    return NULL;
}

unsigned reference_count(const struct reference *reference)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += reference->keys[slot].subject.is_in;
    return count;
}

struct reference_subject *reference_group_of_id(struct reference *reference, keyshm_id id)
{
    for (unsigned group = 0; group < REFERENCE_GROUPS; group++)
        if (reference->groups[group].is_in && reference->groups[group].id == id)
            return &reference->groups[group];
    return NULL;
}

unsigned reference_keys_in(const struct reference *reference, const struct reference_subject *group)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += reference->keys[slot].subject.is_in && reference->keys[slot].group == group;
    return count;
}

void reference_begin_subject(struct reference_subject *subject, keyshm_id id)
{
    *subject = (struct reference_subject){.id = id, .is_in = true};
}

void reference_add(struct reference_key *slot, keyshm_id id, const char *text, struct reference_subject *group_or_null)
{
    *slot = (struct reference_key){.group = group_or_null};
    reference_begin_subject(&slot->subject, id);
    snprintf(slot->text, sizeof(slot->text), "%s", text);
}

/* ---- states ---- */

static bool has_expired(const struct reference *reference, const struct reference_state *state)
{
    return state->status != KEYSHM_AVAILABLE && state->deadline_ms <= reference->now_ms;
}

enum keyshm_status reference_status(const struct reference *reference, const struct reference_state *state)
{
    return has_expired(reference, state) ? KEYSHM_AVAILABLE : state->status;
}

static void add_state(const struct reference *reference, const struct reference_state *state, unsigned bit,
                      struct reference_view *view)
{
    enum keyshm_status status = reference_status(reference, state);
    if (status == KEYSHM_AVAILABLE)
        return;
    view->benched_by |= bit;
    if (status > view->status || (status == view->status && state->reason > view->reason)) {
        view->status = status;
        view->reason = state->reason;
    }
    if (state->deadline_ms > view->deadline_ms)
        view->deadline_ms = state->deadline_ms;
}

static void add_subject(const struct reference *reference, const struct reference_subject *subject, unsigned model,
                        unsigned bit, struct reference_view *view)
{
    add_state(reference, &subject->states[0], bit, view);
    if (model != 0)
        add_state(reference, &subject->states[model], bit << 1, view);
    if (subject->is_paused)
        view->benched_by |= KEYSHM_BY_PAUSE;
}

struct reference_view reference_view(const struct reference *reference, const struct reference_subject *key_or_null,
                                     const struct reference_subject *group_or_null, unsigned model)
{
    struct reference_view view = {.status = KEYSHM_AVAILABLE};
    if (key_or_null != NULL)
        add_subject(reference, key_or_null, model, KEYSHM_BY_KEY, &view);
    if (group_or_null != NULL)
        add_subject(reference, group_or_null, model, KEYSHM_BY_GROUP, &view);
    return view;
}

bool reference_is_available(const struct reference *reference, const struct reference_key *key, unsigned model)
{
    return key->subject.is_in && reference_view(reference, &key->subject, key->group, model).benched_by == 0;
}

int reference_available_count(const struct reference *reference, unsigned model)
{
    int count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += reference_is_available(reference, &reference->keys[slot], model);
    return count;
}

int64_t reference_next_available_ms(const struct reference *reference)
{
    int64_t earliest_ms = REFERENCE_FOREVER;
    if (reference_available_count(reference, 0) > 0)
        return 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        const struct reference_key *key = &reference->keys[slot];
        struct reference_view view = reference_view(reference, &key->subject, key->group, 0);
        if (key->subject.is_in && (view.benched_by & KEYSHM_BY_PAUSE) == 0 && view.deadline_ms < earliest_ms)
            earliest_ms = view.deadline_ms;
    }
    return earliest_ms == REFERENCE_FOREVER ? -1 : earliest_ms - reference->now_ms;
}

/* Its stamp is not known yet. */
static void count_pick(const struct reference *reference, struct reference_key *key, unsigned model)
{
    key->picks++;
    if (key->used_from_ms < reference->tick_ms) /* the stamp never goes back */
        key->used_from_ms = reference->tick_ms;
    key->used_to_ms = reference->now_ms;
    key->last = (struct reference_stamp){.model = model, .group = key->group != NULL ? key->group->id : 0};
    for (int i = 0; i < 2; i++) {
        key->last.bad_marks[0][i] = key->subject.states[i * model].bad_marks;
        if (key->group != NULL)
            key->last.bad_marks[1][i] = key->group->states[i * model].bad_marks;
    }
}

int reference_next(struct reference *reference, unsigned model)
{
    for (unsigned i = 0; i < reference->capacity; i++) {
        unsigned slot = (reference->cursors[model] + i) % reference->capacity;
        if (!reference_is_available(reference, &reference->keys[slot], model))
            continue;
        reference->cursors[model] = slot + 1;
        count_pick(reference, &reference->keys[slot], model);
        return (int)slot;
    }
    return reference_count(reference) > 0 ? -EAGAIN : -ENOKEY;
}

/* ---- marks ---- */

static void make_available(struct reference_state *state)
{
    state->status = KEYSHM_AVAILABLE;
    state->reason = KEYSHM_REASON_NONE;
    state->deadline_ms = REFERENCE_NONE;
}

/* Higher status with the later reason, and later deadline, each for itself; what has expired takes no part. */
static void join(const struct reference *reference, struct reference_state *state, const struct keyshm_mark *mark,
                 int64_t deadline_ms)
{
    state->bad_marks++;
    if (reference_status(reference, state) == KEYSHM_AVAILABLE)
        make_available(state);
    if (mark->status > state->status || (mark->status == state->status && mark->reason > state->reason))
        state->reason = mark->reason;
    if (mark->status > state->status)
        state->status = mark->status;
    if (deadline_ms > state->deadline_ms)
        state->deadline_ms = deadline_ms;
}

/* By the policy: what a mark lasts, or REFERENCE_FOREVER. */
static int64_t duration_of(const struct reference *reference, const struct keyshm_mark *mark)
{
    bool is_rate_limit = mark->status == KEYSHM_RATE_LIMITED;
    int64_t duration_ms = mark->duration_ms, most_ms = KEYSHM_DURATION_MAX_MS;
    if (is_rate_limit && duration_ms == KEYSHM_NO_RETRY_AFTER && reference->cooldown_ms > 0)
        duration_ms = reference->cooldown_ms;
    if (is_rate_limit)
        most_ms = reference->cooldown_max_ms;
    if (mark->status == KEYSHM_INVALID || duration_ms == KEYSHM_NO_RETRY_AFTER || duration_ms == KEYSHM_UNTIL_MARKED)
        return REFERENCE_FOREVER;
    return duration_ms < 0 ? 0 : duration_ms < most_ms ? duration_ms : most_ms;
}

/* Was the word marked with another status since the pick that this mark answers? */
static bool is_outdated(const struct reference_state *state, const struct keyshm_mark *mark,
                        const struct reference_stamp *last_or_null, bool is_group)
{
    if (mark->stamp == 0)
        return false;
    return last_or_null == NULL || mark->stamp != last_or_null->stamp ||
           state->bad_marks != last_or_null->bad_marks[is_group][mark->model != 0];
}

static void mark_available(struct reference_subject *subject, const struct keyshm_mark *mark,
                           const struct reference_stamp *last_or_null, bool is_group)
{
    if (!is_outdated(&subject->states[mark->model], mark, last_or_null, is_group))
        make_available(&subject->states[mark->model]);
    for (unsigned model = 1; mark->model == 0 && mark->stamp == 0 && model <= REFERENCE_MODELS; model++)
        make_available(&subject->states[model]);
}

void reference_mark(const struct reference *reference, struct reference_subject *subject, const struct keyshm_mark *mark,
                    const struct reference_stamp *last_or_null, bool is_group)
{
    struct reference_state *state = &subject->states[mark->model];
    subject->marked[mark->status]++;
    if (mark->status == KEYSHM_AVAILABLE) {
        mark_available(subject, mark, last_or_null, is_group);
        return;
    }
    int64_t duration_ms = duration_of(reference, mark);
    if (duration_ms == REFERENCE_FOREVER)
        join(reference, state, mark, REFERENCE_FOREVER);
    else if (duration_ms > 0)
        /* A deadline is never early, so it is counted from the end of the millisecond that the clock shows. */
        join(reference, state, mark, reference->now_ms + 1 + duration_ms);
}

static bool reset_expired(const struct reference *reference, struct reference_subject *subject)
{
    bool was_expired = false;
    for (unsigned model = 0; subject->is_in && model <= REFERENCE_MODELS; model++) {
        if (!has_expired(reference, &subject->states[model]))
            continue;
        make_available(&subject->states[model]);
        was_expired = true;
    }
    return was_expired;
}

int reference_reset_expired(struct reference *reference)
{
    int count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += reset_expired(reference, &reference->keys[slot].subject);
    for (unsigned group = 0; group < REFERENCE_GROUPS; group++)
        count += reset_expired(reference, &reference->groups[group]);
    return count;
}

static bool lift(const struct reference *reference, struct reference_subject *subject, unsigned status_mask)
{
    bool was_benched = false;
    for (unsigned model = 0; subject->is_in && model <= REFERENCE_MODELS; model++) {
        enum keyshm_status status = reference_status(reference, &subject->states[model]);
        if (status == KEYSHM_AVAILABLE || (status_mask >> status & 1) == 0)
            continue;
        subject->marked[KEYSHM_AVAILABLE]++;
        make_available(&subject->states[model]);
        was_benched = true;
    }
    return was_benched;
}

int reference_mark_all_available(struct reference *reference, unsigned status_mask)
{
    int count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += lift(reference, &reference->keys[slot].subject, status_mask);
    for (unsigned group = 0; group < REFERENCE_GROUPS; group++)
        count += lift(reference, &reference->groups[group], status_mask);
    return count;
}

/* ---- metadata ---- */

int reference_set_note(struct reference_key *key, unsigned name, const char *value_or_null)
{
    size_t bytes = 0;
    if (value_or_null == NULL) {
        bool had = key->has_note[name];
        key->has_note[name] = false;
        return had ? 0 : -ENOENT;
    }
    for (unsigned other = 0; other < REFERENCE_NAMES; other++)
        if (other == name || key->has_note[other])
            bytes += strlen(reference_names[other]) + 1 + strlen(other == name ? value_or_null : key->notes[other]) + 1;
    if (bytes > KEYSHM_METADATA_BYTES_MAX)
        return -ENOSPC;
    key->has_note[name] = true;
    snprintf(key->notes[name], sizeof(key->notes[name]), "%s", value_or_null);
    return 0;
}
