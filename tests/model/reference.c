/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const reference_names[REFERENCE_NAMES] = {"A", "owner", "owner.2", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};

struct reference_key *reference_of_id(struct reference *reference, keyshm_id id)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (reference->keys[slot].is_in && reference->keys[slot].id == id)
            return &reference->keys[slot];
    return NULL;
}

struct reference_key *reference_of_text(struct reference *reference, const char *text)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (reference->keys[slot].is_in && strcmp(reference->keys[slot].text, text) == 0)
            return &reference->keys[slot];
    return NULL;
}

struct reference_key *reference_free_slot(struct reference *reference)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (!reference->keys[slot].is_in)
            return &reference->keys[slot];
    return NULL;
}

unsigned reference_count(const struct reference *reference)
{
    unsigned count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += reference->keys[slot].is_in;
    return count;
}

void reference_add(struct reference_key *slot, keyshm_id id, const char *text)
{
    *slot = (struct reference_key){.id = id, .is_in = true, .status = KEYSHM_AVAILABLE, .deadline_ms = REFERENCE_NONE};
    snprintf(slot->text, sizeof(slot->text), "%s", text);
}

/* ---- states ---- */

static bool has_expired(const struct reference *reference, const struct reference_key *key)
{
    return key->status != KEYSHM_AVAILABLE && key->deadline_ms <= reference->now_ms;
}

enum keyshm_status reference_status(const struct reference *reference, const struct reference_key *key)
{
    return has_expired(reference, key) ? KEYSHM_AVAILABLE : key->status;
}

enum keyshm_reason reference_reason(const struct reference *reference, const struct reference_key *key)
{
    return has_expired(reference, key) ? KEYSHM_REASON_NONE : key->reason;
}

bool reference_is_available(const struct reference *reference, const struct reference_key *key)
{
    return key->is_in && !key->is_paused && reference_status(reference, key) == KEYSHM_AVAILABLE;
}

int reference_available_count(const struct reference *reference)
{
    int count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += reference_is_available(reference, &reference->keys[slot]);
    return count;
}

int64_t reference_next_available_ms(const struct reference *reference)
{
    int64_t earliest_ms = REFERENCE_FOREVER;
    if (reference_available_count(reference) > 0)
        return 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (reference->keys[slot].is_in && !reference->keys[slot].is_paused &&
            reference->keys[slot].deadline_ms < earliest_ms)
            earliest_ms = reference->keys[slot].deadline_ms;
    return earliest_ms == REFERENCE_FOREVER ? -1 : earliest_ms - reference->now_ms;
}

int reference_next(struct reference *reference)
{
    for (unsigned i = 0; i < reference->capacity; i++) {
        unsigned slot = (reference->cursor + i) % reference->capacity;
        struct reference_key *key = &reference->keys[slot];
        if (!reference_is_available(reference, key))
            continue;
        reference->cursor = slot + 1;
        key->picks++;
        if (key->used_from_ms < reference->tick_ms) /* the stamp never goes back */
            key->used_from_ms = reference->tick_ms;
        key->used_to_ms = reference->now_ms;
        key->bad_marks_before = key->bad_marks;
        return (int)slot;
    }
    return reference_count(reference) > 0 ? -EAGAIN : -ENOKEY;
}

/* ---- marks ---- */

static void make_available(struct reference_key *key)
{
    key->status = KEYSHM_AVAILABLE;
    key->reason = KEYSHM_REASON_NONE;
    key->deadline_ms = REFERENCE_NONE;
}

/* Higher status with the later reason, and later deadline, each for itself; what has expired takes no part. */
static void join(const struct reference *reference, struct reference_key *key, const struct keyshm_mark *mark,
                 int64_t deadline_ms)
{
    key->bad_marks++;
    if (reference_status(reference, key) == KEYSHM_AVAILABLE)
        make_available(key);
    if (mark->status > key->status || (mark->status == key->status && mark->reason > key->reason))
        key->reason = mark->reason;
    if (mark->status > key->status)
        key->status = mark->status;
    if (deadline_ms > key->deadline_ms)
        key->deadline_ms = deadline_ms;
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

/* Was the key marked with another status since the pick that this mark answers? */
static bool is_outdated(const struct reference_key *key, const struct keyshm_mark *mark)
{
    return mark->stamp != 0 && (mark->stamp != key->stamp || key->bad_marks != key->bad_marks_before);
}

void reference_mark(const struct reference *reference, struct reference_key *key, const struct keyshm_mark *mark)
{
    key->marked[mark->status]++;
    if (mark->status == KEYSHM_AVAILABLE) {
        if (!is_outdated(key, mark))
            make_available(key);
        return;
    }
    int64_t duration_ms = duration_of(reference, mark);
    if (duration_ms == REFERENCE_FOREVER)
        join(reference, key, mark, REFERENCE_FOREVER);
    else if (duration_ms > 0)
        /* A deadline is never early, so it is counted from the end of the millisecond that the clock shows. */
        join(reference, key, mark, reference->now_ms + 1 + duration_ms);
}

int reference_reset_expired(struct reference *reference)
{
    int count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        struct reference_key *key = &reference->keys[slot];
        if (!key->is_in || !has_expired(reference, key))
            continue;
        make_available(key);
        count++;
    }
    return count;
}

int reference_mark_all_available(struct reference *reference, unsigned status_mask)
{
    int count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        struct reference_key *key = &reference->keys[slot];
        enum keyshm_status status = key->is_in ? reference_status(reference, key) : KEYSHM_AVAILABLE;
        if (status == KEYSHM_AVAILABLE || (status_mask >> status & 1) == 0)
            continue;
        key->marked[KEYSHM_AVAILABLE]++;
        make_available(key);
        count++;
    }
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
