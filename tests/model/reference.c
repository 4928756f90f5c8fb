/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rounds.h"

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
    slot->priority = 0;
    slot->weight = 1;
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

static bool is_forgotten(const struct reference *reference, const struct reference_state *state)
{
    return reference->now_ms - state->failed_ms >= reference->policy.streak_forget_ms;
}

static void add_state(const struct reference *reference, const struct reference_state *state, unsigned bit,
                      struct reference_view *view)
{
    enum keyshm_status status = reference_status(reference, state);
    for (int kind = 0; kind < REFERENCE_KINDS; kind++)
        if (!is_forgotten(reference, state) && state->in_row[kind] > view->streak)
            view->streak = state->in_row[kind];
    if (status == KEYSHM_AVAILABLE)
        return;
    view->is_probing |= state->is_probing;
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

bool reference_may_be_had(const struct reference *reference, const struct reference_key *key,
                          const struct reference_request *request)
{
    bool needs_lease;
    return key->subject.is_in && reference_view(reference, &key->subject, key->group, request->model).benched_by == 0 &&
           reference_admits_at_ns(reference, key, request, &needs_lease) <= reference->now_ns;
}

bool reference_is_available(const struct reference *reference, const struct reference_key *key, unsigned model)
{
    const struct reference_request request = {.model = model, .is_lease = true};
    return reference_may_be_had(reference, key, &request);
}

int reference_available_count(const struct reference *reference, unsigned model)
{
    int count = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        count += reference_is_available(reference, &reference->keys[slot], model);
    return count;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Rounded up. */
static int64_t admits_at_ms(const struct reference *reference, const struct reference_key *key)
{
    const struct reference_request request = {.is_lease = true};
    bool needs_lease;
    int64_t at_ns = reference_admits_at_ns(reference, key, &request, &needs_lease);
    return at_ns <= reference->now_ns   ? REFERENCE_NONE
           : at_ns == REFERENCE_FOREVER ? REFERENCE_FOREVER
                                        : (at_ns + 999999) / 1000000;
}

int64_t reference_next_available_ms(const struct reference *reference)
{
    int64_t earliest_ms = REFERENCE_FOREVER;
    if (reference_available_count(reference, 0) > 0)
        return 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        const struct reference_key *key = &reference->keys[slot];
        struct reference_view view = reference_view(reference, &key->subject, key->group, 0);
        if (!key->subject.is_in || (view.benched_by & KEYSHM_BY_PAUSE) != 0)
            continue;
        int64_t at_ms = later(view.deadline_ms, admits_at_ms(reference, key));
        earliest_ms = at_ms < earliest_ms ? at_ms : earliest_ms;
    }
    return earliest_ms == REFERENCE_FOREVER ? -1 : earliest_ms - reference->now_ms;
}

/* The words that a pick of the key for the model depends on. Returns how many. */
static int find_states(struct reference_key *key, unsigned model, struct reference_state *ret_states[4])
{
    int count = 0;
    ret_states[count++] = &key->subject.states[0];
    if (key->group != NULL)
        ret_states[count++] = &key->group->states[0];
    if (model != 0)
        ret_states[count++] = &key->subject.states[model];
    if (model != 0 && key->group != NULL)
        ret_states[count++] = &key->group->states[model];
    return count;
}

/* What it has come back from, nobody else gets now. */
static void take_probes(const struct reference *reference, struct reference_key *key, unsigned model)
{
    struct reference_state *states[4];
    int count = find_states(key, model, states);
    for (int i = 0; i < count; i++) {
        if (!has_expired(reference, states[i]) || !(states[i]->wants_probe || states[i]->is_probing))
            continue;
        states[i]->wants_probe = false;
        states[i]->is_probing = true;
        states[i]->deadline_ms =
            reference->now_ms + 1 + (reference->policy.probe_ms > 0 ? reference->policy.probe_ms : 10000);
    }
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

/* ---- whose turn it is ---- */

static bool weights_differ(const struct reference *reference)
{
    unsigned first = 0;
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        const struct reference_key *key = &reference->keys[slot];
        if (key->subject.is_in && first != 0 && key->weight != first)
            return true;
        if (key->subject.is_in)
            first = key->weight;
    }
    return false;
}

static bool is_in_use(const struct reference *reference, unsigned priority)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (reference->keys[slot].subject.is_in && reference->keys[slot].priority == priority)
            return true;
    return false;
}

/* Round 0: there are no rounds. */
static bool has_turn(unsigned weight, unsigned round)
{
    return round == 0 || has_turn_in_round(weight, round);
}

/* The slot of the next key of the priority; -EAGAIN: there is none. */
static int next_of_priority(const struct reference *reference, const struct reference_request *request, unsigned priority,
                            struct reference_cursor *cursor)
{
    bool has_rounds = weights_differ(reference);
    struct reference_cursor at = {.slot = cursor->slot, .round = has_rounds ? cursor->round : 0};
    if (has_rounds && at.round == 0)
        at = (struct reference_cursor){.slot = 0, .round = 1};
    for (unsigned passes = 0; passes <= 15; passes++) {
        for (; at.slot < reference->capacity; at.slot++) {
            const struct reference_key *key = &reference->keys[at.slot];
            if (key->priority != priority || !has_turn(key->weight, at.round) ||
                !reference_may_be_had(reference, key, request))
                continue;
            *cursor = (struct reference_cursor){.slot = at.slot + 1, .round = at.round};
            return (int)at.slot;
        }
        at = (struct reference_cursor){.slot = 0, .round = has_rounds ? at.round % 15 + 1 : 0};
    }
    return -EAGAIN;
}

/* No time helps, as all that could be had have a cap. */
static bool needs_lease(const struct reference *reference, const struct reference_request *request)
{
    bool needs_lease = false;
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        const struct reference_key *key = &reference->keys[slot];
        struct reference_view view = reference_view(reference, &key->subject, key->group, request->model);
        if (!key->subject.is_in || (view.benched_by & KEYSHM_BY_PAUSE) != 0 || view.deadline_ms == REFERENCE_FOREVER)
            continue;
        if (reference_admits_at_ns(reference, key, request, &needs_lease) != REFERENCE_FOREVER)
            return false;
    }
    return needs_lease;
}

static int refusal(const struct reference *reference, const struct reference_request *request)
{
    if (reference_count(reference) == 0)
        return -ENOKEY;
    return needs_lease(reference, request) ? -EOPNOTSUPP : -EAGAIN;
}

int reference_next(struct reference *reference, const struct reference_request *request)
{
    struct reference_cursor *cursor = reference->cursors[request->model];
    for (unsigned priority = 0; priority < REFERENCE_PRIORITIES; priority++) {
        if (!is_in_use(reference, priority))
            continue;
        int slot = next_of_priority(reference, request, priority, cursor++);
        if (slot < 0)
            continue;
        take_probes(reference, &reference->keys[slot], request->model);
        count_pick(reference, &reference->keys[slot], request->model);
        return slot;
    }
    return refusal(reference, request);
}

/* ---- without a turn ---- */

static bool is_admitted_by_priority(const struct reference *reference, const struct reference_request *request,
                                    unsigned priority)
{
    for (unsigned slot = 0; slot < reference->capacity; slot++)
        if (reference->keys[slot].priority == priority &&
            reference_may_be_had(reference, &reference->keys[slot], request))
            return true;
    return false;
}

int reference_preferred(const struct reference *reference, const struct reference_request *request)
{
    for (unsigned priority = 0; priority < REFERENCE_PRIORITIES; priority++)
        if (is_admitted_by_priority(reference, request, priority))
            return (int)priority;
    return refusal(reference, request);
}

void reference_prefer(struct reference *reference, const struct reference_request *request, int slot)
{
    take_probes(reference, &reference->keys[slot], request->model);
    count_pick(reference, &reference->keys[slot], request->model);
}

static int64_t bench_ends_ms(const struct reference *reference, const struct reference_key *key,
                             const struct reference_request *request)
{
    bool needs_lease;
    struct reference_view view = reference_view(reference, &key->subject, key->group, request->model);
    bool is_to_be_tried = key->subject.is_in && view.status != KEYSHM_INVALID &&
                          (view.benched_by & KEYSHM_BY_PAUSE) == 0 &&
                          reference_admits_at_ns(reference, key, request, &needs_lease) <= reference->now_ns;
    return is_to_be_tried ? view.deadline_ms : REFERENCE_FOREVER;
}

int reference_soonest(struct reference *reference, const struct reference_request *request, int64_t *ret_benched_ms)
{
    int64_t earliest_ms = REFERENCE_FOREVER;
    int found = -EAGAIN;
    for (unsigned slot = 0; slot < reference->capacity; slot++) {
        int64_t ends_ms = bench_ends_ms(reference, &reference->keys[slot], request);
        if (ends_ms >= earliest_ms)
            continue;
        earliest_ms = ends_ms;
        found = (int)slot;
    }
    if (found < 0)
        return found;
    *ret_benched_ms = earliest_ms - reference->now_ms;
    count_pick(reference, &reference->keys[found], request->model);
    return found;
}

/* ---- marks ---- */

/* A bench has ended. */
static void open_state(struct reference_state *state)
{
    state->status = KEYSHM_AVAILABLE;
    state->reason = KEYSHM_REASON_NONE;
    state->deadline_ms = REFERENCE_NONE;
    state->wants_probe = state->is_probing = false;
}

static void end_streak(struct reference_state *state)
{
    memset(state->in_row, 0, sizeof(state->in_row));
}

static void make_available(struct reference_state *state)
{
    open_state(state);
    end_streak(state);
}

/* What a mark says of a word. */
struct bench {
    enum keyshm_status status;
    enum keyshm_reason reason;
    int64_t duration_ms; /* or REFERENCE_FOREVER */
    bool wants_probe;
    bool is_of_before; /* it answers a pick that was made before the last mark */
};

/* Higher status with the later reason, and later deadline, each for itself; what has expired takes no part, and neither
 * does a probe. */
static void join(const struct reference *reference, struct reference_state *state, const struct bench *bench)
{
    int64_t deadline_ms = bench->duration_ms;
    if (deadline_ms != REFERENCE_FOREVER)
        /* A deadline is never early, so it is counted from the end of the millisecond that the clock shows. */
        deadline_ms += reference->now_ms + 1;
    state->bad_marks++;
    if (reference_status(reference, state) == KEYSHM_AVAILABLE || (state->is_probing && !bench->is_of_before))
        open_state(state);
    if (state->is_probing && deadline_ms > state->deadline_ms) { /* what it found out is of no use */
        state->is_probing = false;
        state->wants_probe = true;
    }
    if (bench->status > state->status || (bench->status == state->status && bench->reason > state->reason))
        state->reason = bench->reason;
    if (bench->status > state->status)
        state->status = bench->status;
    if (deadline_ms > state->deadline_ms)
        state->deadline_ms = deadline_ms;
    state->wants_probe |= bench->wants_probe && !state->is_probing;
}

static bool is_by_policy(const struct keyshm_mark *mark)
{
    return mark->status == KEYSHM_INVALID || mark->duration_ms == KEYSHM_NO_RETRY_AFTER ||
           (mark->status == KEYSHM_QUOTA_EXCEEDED && mark->duration_ms == KEYSHM_UNTIL_MARKED);
}

static bool is_answer(const struct keyshm_mark *mark)
{
    return mark->reason != KEYSHM_REASON_PEER && mark->reason != KEYSHM_REASON_BUDGET &&
           mark->reason != KEYSHM_REASON_OPERATOR;
}

/* REFERENCE_KINDS: it is never one in a row. */
static int kind_of(const struct keyshm_mark *mark)
{
    if (!is_answer(mark) || !is_by_policy(mark) || mark->status == KEYSHM_QUOTA_EXCEEDED)
        return REFERENCE_KINDS;
    return mark->status == KEYSHM_INVALID ? REFERENCE_INVALIDS : REFERENCE_RATE_LIMITS;
}

static int64_t cooldown_ms(const struct keyshm_policy *policy, unsigned number)
{
    int64_t duration_ms = policy->cooldown_ms;
    if (duration_ms == 0)
        return REFERENCE_FOREVER;
    for (unsigned i = 1; i < number && duration_ms < policy->cooldown_max_ms; i++)
        duration_ms = (duration_ms * policy->cooldown_growth_percent + 99) / 100;
    return duration_ms < policy->cooldown_max_ms ? duration_ms : policy->cooldown_max_ms;
}

static int64_t retry_ms(int64_t duration_ms)
{
    return duration_ms == KEYSHM_UNTIL_MARKED ? REFERENCE_FOREVER : duration_ms;
}

static int64_t given_ms(const struct keyshm_policy *policy, const struct keyshm_mark *mark)
{
    int64_t most_ms = mark->status == KEYSHM_RATE_LIMITED ? policy->cooldown_max_ms : KEYSHM_DURATION_MAX_MS;
    if (mark->duration_ms == KEYSHM_UNTIL_MARKED)
        return REFERENCE_FOREVER;
    return mark->duration_ms < 0 ? 0 : mark->duration_ms < most_ms ? mark->duration_ms : most_ms;
}

/* As the `number`th in a row. */
static struct bench bench_of(const struct keyshm_policy *policy, const struct keyshm_mark *mark, unsigned number)
{
    struct bench bench = {.status = mark->status, .reason = mark->reason};
    if (!is_by_policy(mark)) {
        bench.duration_ms = given_ms(policy, mark);
    } else if (kind_of(mark) == REFERENCE_INVALIDS && number < policy->invalid_after) {
        bench.status = KEYSHM_RATE_LIMITED;
        bench.duration_ms = cooldown_ms(policy, 1);
    } else if (mark->status == KEYSHM_RATE_LIMITED) {
        bench.duration_ms = cooldown_ms(policy, number);
    } else {
        bench.duration_ms = retry_ms(mark->status == KEYSHM_INVALID ? policy->invalid_retry_ms : policy->quota_retry_ms);
    }
    bool was_final = is_by_policy(mark) && bench.status != KEYSHM_RATE_LIMITED;
    bench.wants_probe = bench.duration_ms != REFERENCE_FOREVER && (policy->probe_ms > 0 || was_final);
    return bench;
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

/* Is it another failure, rather than one more answer of the same cause? */
static bool is_another(const struct reference *reference, const struct reference_state *state,
                       const struct keyshm_mark *mark, const struct reference_stamp *last_or_null, bool is_group)
{
    int kind = kind_of(mark);
    if (kind == REFERENCE_KINDS)
        return false;
    if (mark->stamp != 0)
        return last_or_null->bad_marks[is_group][mark->model != 0] >= state->counted_at[kind];
    return reference_status(reference, state) == KEYSHM_AVAILABLE || state->is_probing;
}

static void fail(const struct reference *reference, struct reference_state *state, const struct keyshm_mark *mark,
                 const struct reference_stamp *last_or_null, bool is_group)
{
    int kind = kind_of(mark);
    if (!is_by_policy(mark) && given_ms(&reference->policy, mark) == 0)
        return; /* it was over when it was made */
    if (is_forgotten(reference, state))
        end_streak(state);
    bool counts = is_another(reference, state, mark, last_or_null, is_group);
    if (counts && state->in_row[kind] < 255)
        state->in_row[kind]++;
    if (is_answer(mark) && (state->in_row[REFERENCE_RATE_LIMITS] != 0 || state->in_row[REFERENCE_INVALIDS] != 0))
        state->failed_ms = reference->now_ms;
    unsigned number = kind != REFERENCE_KINDS && state->in_row[kind] != 0 ? state->in_row[kind] : 1;
    struct bench bench = bench_of(&reference->policy, mark, number);
    bench.is_of_before = mark->stamp != 0 && last_or_null->bad_marks[is_group][mark->model != 0] != state->bad_marks;
    join(reference, state, &bench);
    if (counts)
        state->counted_at[kind] = state->bad_marks;
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
    fail(reference, state, mark, last_or_null, is_group);
}

void reference_raise_streak(const struct reference *reference, struct reference_state *state,
                            const struct keyshm_streak *said)
{
    const unsigned counts[REFERENCE_KINDS] = {
        [REFERENCE_RATE_LIMITS] = said->rate_limits, [REFERENCE_INVALIDS] = said->invalids};
    if ((said->rate_limits == 0 && said->invalids == 0) || said->failed_ago_ms >= reference->policy.streak_forget_ms)
        return;
    if (is_forgotten(reference, state))
        end_streak(state);
    if (reference->now_ms - said->failed_ago_ms > state->failed_ms)
        state->failed_ms = reference->now_ms - said->failed_ago_ms;
    for (int kind = 0; kind < REFERENCE_KINDS; kind++)
        if (counts[kind] > state->in_row[kind])
            state->in_row[kind] = counts[kind];
}

struct keyshm_streak reference_streak(const struct reference *reference, const struct reference_state *state)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    if (is_forgotten(reference, state) ||
        (state->in_row[REFERENCE_RATE_LIMITS] == 0 && state->in_row[REFERENCE_INVALIDS] == 0))
        return streak;
    streak.rate_limits = state->in_row[REFERENCE_RATE_LIMITS];
    streak.invalids = state->in_row[REFERENCE_INVALIDS];
    streak.failed_ago_ms = reference->now_ms - state->failed_ms;
    return streak;
}

static void succeed(const struct reference *reference, struct reference_state *state, uint64_t bad_marks)
{
    if (state->bad_marks != bad_marks)
        return;
    end_streak(state);
    if (state->is_probing || (state->wants_probe && state->deadline_ms <= reference->now_ms))
        open_state(state);
}

void reference_succeed(const struct reference *reference, struct reference_key *key)
{
    const struct reference_stamp *last = &key->last;
    bool has_group = key->group != NULL && key->group->id == last->group;
    for (int i = 0; i < (last->model != 0 ? 2 : 1); i++) {
        succeed(reference, &key->subject.states[i * last->model], last->bad_marks[0][i]);
        if (has_group)
            succeed(reference, &key->group->states[i * last->model], last->bad_marks[1][i]);
    }
}

static bool reset_expired(const struct reference *reference, struct reference_subject *subject)
{
    bool was_expired = false;
    for (unsigned model = 0; subject->is_in && model <= REFERENCE_MODELS; model++) {
        struct reference_state *state = &subject->states[model];
        if (!has_expired(reference, state) || state->wants_probe || state->is_probing)
            continue;
        open_state(state);
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
        struct reference_state *state = &subject->states[model];
        bool is_benched =
            reference_status(reference, state) != KEYSHM_AVAILABLE || state->wants_probe || state->is_probing;
        if (!is_benched || (status_mask >> state->status & 1) == 0)
            continue;
        subject->marked[KEYSHM_AVAILABLE]++;
        make_available(state);
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
