/* SPDX-License-Identifier: MIT */
#include "freeze.h"

#include "burst.h"
#include "expect.h"
#include "for_model.h"
#include "operations.h"
#include "pool_clock.h"
#include "state_word.h"

/* Of a deadline that the victim sets: it may have been stopped for so long before. */
#define DEADLINE_TOLERANCE_MS (INT64_C(50) * 1000)

#define FURTHER_KEY "sk-a-further-key"

const struct freeze_key *freeze_key_of_text(const struct freeze_state *state, const char *text)
{
    for (unsigned i = 0; i < state->count; i++)
        if (strcmp(state->keys[i].text, text) == 0)
            return &state->keys[i];
    return NULL;
}

const struct freeze_key *freeze_key_of_id(const struct freeze_state *state, keyshm_id id)
{
    for (unsigned i = 0; i < state->count; i++)
        if (state->keys[i].row.id == id)
            return &state->keys[i];
    return NULL;
}

/* ---- what a pool holds ---- */

static void verify(keyshm_pool *pool)
{
    int r = keyshm_verify(pool, problem_note, NULL);
    HOLD(r == 0, "verify: %d, %s", r, r < 0 ? keyshm_strerror(r) : "problems");
}

/* Of a key the second of its four words, of a group the last (keyshm.h). */
static struct keyshm_word_snapshot read_for_model(keyshm_pool *pool, keyshm_id id, unsigned word)
{
    struct keyshm_key_snapshot row;
    EXPECT_EQ(keyshm_inspect(pool, id, MODEL, sizeof(row), &row), 0);
    return row.words[word];
}

static void read_groups(keyshm_pool *pool, const struct keyshm_snapshot *snapshot, struct freeze_state *state)
{
    EXPECT(snapshot->group_count <= GROUPS);
    for (unsigned i = 0; i < snapshot->group_count; i++) {
        state->groups[i].row = snapshot->groups[i];
        state->groups[i].for_model = read_for_model(pool, snapshot->groups[i].id, 3);
    }
    state->group_count = snapshot->group_count;
    state->model_count = snapshot->model_count;
}

static void read_rows(keyshm_pool *pool, struct freeze_state *state)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT(snapshot->count <= FREEZE_KEYS_MAX);
    read_groups(pool, snapshot, state);
    for (unsigned i = 0; i < snapshot->count; i++) {
        struct freeze_key *key = &state->keys[i];
        key->row = snapshot->keys[i];
        key->for_model = read_for_model(pool, key->row.id, 1);
        key->word = atomic_load(&pool->words[key->row.slot]);
        key->text[0] = key->note[0] = '\0';
        HOLD(key->row.metadata_count <= 1, "a key has %zu metadata", key->row.metadata_count);
        if (key->row.metadata_count > 0)
            memcpy(key->note, key->row.metadata[0].value, sizeof(key->note));
        key->row.metadata = NULL;
    }
    state->count = snapshot->count;
    state->is_full = snapshot->count == snapshot->capacity;
    state->recoveries = snapshot->recoveries;
    HOLD(snapshot->mutex_holder_pid == 0, "pid %d holds the mutex", (int)snapshot->mutex_holder_pid);
    keyshm_snapshot_free(snapshot);
}

/* So many turns each key has in a round: as its weight says, if none of an earlier priority is available. Returns the
 * sum. */
static unsigned find_turns(keyshm_pool *pool, unsigned model, const struct freeze_state *state,
                           unsigned ret_turns[FREEZE_KEYS_MAX])
{
    unsigned first = KEYSHM_PRIORITY_MAX, sum = 0;
    bool is_available[FREEZE_KEYS_MAX];
    for (unsigned i = 0; i < state->count; i++) {
        const struct keyshm_key_snapshot *row = &state->keys[i].row;
        is_available[i] = keyshm_is_available_for(pool, row->id, model) == 1;
        if (is_available[i] && row->priority < first)
            first = row->priority;
    }
    for (unsigned i = 0; i < state->count; i++) {
        const struct keyshm_key_snapshot *row = &state->keys[i].row;
        ret_turns[i] = is_available[i] && row->priority == first ? row->weight : 0;
        sum += ret_turns[i];
    }
    return sum;
}

/* As many picks as there are turns give each key its own. No hint may be wrong, as it may be after a death. */
static void pick_round(keyshm_pool *pool, unsigned model, struct freeze_state *state)
{
    unsigned turns[FREEZE_KEYS_MAX];
    struct keyshm_pick pick;
    for (unsigned left = find_turns(pool, model, state, turns); left > 0; left--) {
        int r = model == ANY_MODEL ? keyshm_next(pool, &pick) : pick_for_model(pool, model, &pick);
        const struct freeze_key *found = r == 0 ? freeze_key_of_id(state, pick.id) : NULL;
        HOLD(found != NULL, "a pick is of no key: %s", keyshm_strerror(r));
        if (found == NULL)
            return;
        struct freeze_key *key = &state->keys[found - state->keys];
        HOLD(turns[key - state->keys] > 0, "slot %u is picked more often than its weight says", key->row.slot);
        HOLD(key->text[0] == '\0' || strcmp(key->text, pick.key) == 0, "slot %u has two texts", key->row.slot);
        turns[key - state->keys] -= turns[key - state->keys] > 0;
        memcpy(key->text, pick.key, pick.key_length + 1);
    }
}

/* One of a later priority has no turn. */
static void find_text(keyshm_pool *pool, struct freeze_key *key)
{
    struct keyshm_pick pick;
    if (key->text[0] == '\0' && key->row.priority > 0 && keyshm_get(pool, key->row.id, &pick) == 0)
        memcpy(key->text, pick.key, pick.key_length + 1);
}

static void find_all(keyshm_pool *pool, struct freeze_state *state)
{
    for (unsigned i = 0; i < state->count; i++) {
        struct freeze_key *key = &state->keys[i];
        keyshm_id id = 0;
        find_text(pool, key);
        int r = key->text[0] != '\0' ? keyshm_find(pool, key->text, &id) : -ENOENT;
        HOLD(r == 0 && id == key->row.id, "the key in slot %u is not found under its id", key->row.slot);
    }
}

/* Either there is none, or a whole one, which is removed again. */
static bool take_second_pool(void)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    int r = keyshm_attach(&pool, expect_name);
    HOLD(r == 0 || r == -ENOENT, "attach: %s", keyshm_strerror(r));
    if (r < 0)
        return false;
    verify(pool);
    HOLD(keyshm_add(pool, FURTHER_KEY, NULL) == 0, "the first add");
    HOLD(keyshm_next(pool, &pick) == 0, "the first pick");
    keyshm_close(pool);
    keyshm_unlink(expect_name);
    return true;
}

static void release(keyshm_pool *pool, keyshm_id id)
{
    HOLD(keyshm_mark_available(pool, id) == 0, "a further release");
    HOLD(keyshm_resume(pool, id) == 0, "a further resumption");
}

static void release_all(keyshm_pool *pool, const struct freeze_state *state)
{
    for (unsigned i = 0; i < state->count; i++)
        release(pool, state->keys[i].row.id);
    for (unsigned i = 0; i < state->group_count; i++)
        release(pool, state->groups[i].row.id);
}

void freeze_read_state(keyshm_pool *pool, bool may_have_second_pool, struct freeze_state *ret_state)
{
    unsigned available = 0;
    verify(pool);
    ret_state->read_ms = pool_now_ms(pool);
    read_rows(pool, ret_state);
    for (unsigned i = 0; i < ret_state->count; i++)
        available += ret_state->keys[i].row.benched_by == 0;
    HOLD(keyshm_available_count(pool) == (int)available, "the count of available keys");
    HOLD(available == 0 || burst_take_turns_left(pool), "turns are left for ever");
    pick_round(pool, ANY_MODEL, ret_state);
    pick_round(pool, MODEL, ret_state);
    release_all(pool, ret_state);
    HOLD(keyshm_available_count_for(pool, MODEL) == (int)ret_state->count,
         "the count of keys that are available for a model");
    pick_round(pool, ANY_MODEL, ret_state);
    pick_round(pool, MODEL, ret_state);
    find_all(pool, ret_state);
    ret_state->has_second_pool = may_have_second_pool && take_second_pool();
}

/* ---- is it what it should be? ---- */

/* By the victim, when no other process picks. */
static uint64_t picks_by_victim(const struct freeze_others *others)
{
    uint64_t picks = 0;
    for (unsigned i = 0; i < others->before->count; i++) {
        const struct freeze_key *before = &others->before->keys[i];
        const struct freeze_key *done = freeze_key_of_id(others->done, before->row.id);
        picks += done != NULL ? done->row.picks - before->row.picks : 0;
    }
    return picks;
}

static uint64_t count_id(const keyshm_id *ids, unsigned count, keyshm_id id)
{
    uint64_t found = 0;
    for (unsigned i = 0; i < count; i++)
        found += ids[i] == id;
    return found;
}

static uint64_t picks_for_model(const struct freeze_others *others, keyshm_id id)
{
    return count_id(others->picked_for_model, others->model_picks, id);
}

static uint64_t picks_by_others(const struct freeze_others *others, keyshm_id id)
{
    return count_id(others->picked, others->picks, id) + picks_for_model(others, id);
}

/* Which key's turn it is when the victim picks depends on the others; it may be the one that they have added. But it is
 * exactly one turn for each pick. */
static void compare_picks(const struct freeze_state *state, const struct freeze_others *others)
{
    uint64_t extra = 0;
    for (unsigned i = 0; i < state->count; i++) {
        const struct freeze_key *now = &state->keys[i];
        const struct freeze_key *before = freeze_key_of_id(others->before, now->row.id);
        uint64_t expected = (before != NULL ? before->row.picks : 0) + picks_by_others(others, now->row.id);
        HOLD(now->row.picks >= expected, "slot %u: %llu picks and not %llu", now->row.slot,
             (unsigned long long)now->row.picks, (unsigned long long)expected);
        extra += now->row.picks - expected;
    }
    HOLD(extra == picks_by_victim(others), "%llu picks by the victim", (unsigned long long)extra);
}

/* All have the same priority and weight, before the victim's call and after it. */
static bool are_alike(const struct freeze_state *state)
{
    for (unsigned i = 0; i < state->count; i++)
        if (state->keys[i].row.priority != 0 || state->keys[i].row.weight != 1)
            return false;
    return true;
}

static bool is_available_throughout(const struct freeze_key *before, const struct freeze_others *others)
{
    const struct freeze_key *done = freeze_key_of_id(others->done, before->row.id);
    return before != others->kept && before != others->released && done != NULL && before->row.benched_by == 0 &&
           done->row.benched_by == 0;
}

/* The keys take turns, whichever process picks; those of a model are others. A process that stops with claimed turns
 * may owe one to each key. */
static void compare_turns(const struct freeze_state *state, const struct freeze_others *others, unsigned difference_max)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (unsigned i = 0; i < others->before->count; i++) {
        const struct freeze_key *before = &others->before->keys[i];
        const struct freeze_key *now = freeze_key_of_id(state, before->row.id);
        if (now == NULL || !is_available_throughout(before, others))
            continue;
        uint64_t picks = now->row.picks - before->row.picks - picks_for_model(others, before->row.id);
        least = picks < least ? picks : least;
        most = picks > most ? picks : most;
    }
    if (least > most) /* there is none: the victim has benched a group */
        return;
    HOLD(most - least <= difference_max, "one key is picked %llu times, another %llu times", (unsigned long long)most,
         (unsigned long long)least);
}

static void compare_marks(const struct freeze_key *now, const struct freeze_key *done, const struct freeze_others *others)
{
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++) {
        uint64_t expected = done->row.marked[status];
        if (status == KEYSHM_RATE_LIMITED && done->row.id == others->kept->row.id)
            expected += others->kept_limits;
        if (status == KEYSHM_RATE_LIMITED && done->row.id == others->released->row.id)
            expected += others->released_limits;
        if (status == KEYSHM_AVAILABLE && done->row.id == others->released->row.id)
            expected += others->releases;
        HOLD(now->row.marked[status] == expected, "slot %u: marked %s %llu times and not %llu", now->row.slot,
             keyshm_status_name((enum keyshm_status)status), (unsigned long long)now->row.marked[status],
             (unsigned long long)expected);
    }
}

static int64_t elapsed_since(const struct freeze_state *done, const struct freeze_state *now)
{
    return (int64_t)(now->read_ms - done->read_ms);
}

/* What is left of a cooldown that began before the first victim, `elapsed_ms` ago, or that this victim began. */
static bool is_same_time(int64_t left_ms, int64_t expected_ms, int64_t elapsed_ms)
{
    if (expected_ms <= 0)
        return left_ms == expected_ms;
    return left_ms > expected_ms - elapsed_ms - DEADLINE_TOLERANCE_MS && left_ms < expected_ms + DEADLINE_TOLERANCE_MS;
}

/* Of a slot or a group. */
static void compare_status(const char *what, const struct keyshm_key_snapshot *now,
                           const struct keyshm_key_snapshot *expected, int64_t elapsed_ms)
{
    HOLD(now->is_paused == expected->is_paused, "%s %u is paused or not, wrongly", what, now->slot);
    HOLD(now->status == expected->status && now->reason == expected->reason, "%s %u is %s and not %s", what, now->slot,
         keyshm_status_name(now->status), keyshm_status_name(expected->status));
    HOLD(is_same_time(now->cooldown_left_ms, expected->cooldown_left_ms, elapsed_ms),
         "%s %u has %lld ms left and not %lld", what, now->slot, (long long)now->cooldown_left_ms,
         (long long)expected->cooldown_left_ms);
}

static void compare_for_model(const struct keyshm_word_snapshot *now, const struct keyshm_word_snapshot *expected,
                              int64_t elapsed_ms)
{
    HOLD(now->status == expected->status && now->reason == expected->reason &&
             is_same_time(now->cooldown_left_ms, expected->cooldown_left_ms, elapsed_ms),
         "something is %s for a model and not %s", keyshm_status_name(now->status), keyshm_status_name(expected->status));
}

/* Of a key that the victim leaves alone: what is left of the marks that were made and undone is that they are counted. */
static uint64_t expected_word(const struct freeze_key *done, const struct freeze_others *others)
{
    uint64_t word = done->word;
    for (unsigned i = 0; done->row.id == others->released->row.id && i < others->released_limits; i++)
        word = word_make_available(word_marks_next(word));
    return word;
}

/* A word that the victim has changed is as without the others; one that it has not is the same to the bit. */
static void compare_word(const struct freeze_key *now, const struct freeze_key *done, const struct freeze_others *others,
                         int64_t elapsed_ms)
{
    const struct freeze_key *before = freeze_key_of_id(others->before, done->row.id);
    if (done->row.id == others->kept->row.id)
        HOLD(now->row.status == KEYSHM_RATE_LIMITED &&
                 now->row.cooldown_left_ms > FREEZE_LIMIT_MS - DEADLINE_TOLERANCE_MS,
             "slot %u is %s, and was marked", now->row.slot, keyshm_status_name(now->row.status));
    else if (before != NULL && before->word == done->word)
        HOLD(now->word == expected_word(done, others), "the word of slot %u: %#llx and not %#llx", now->row.slot,
             (unsigned long long)now->word, (unsigned long long)expected_word(done, others));
    else
        compare_status("slot", &now->row, &done->row, elapsed_ms);
}

/* A key that the victim has added may be in another slot, when the others added one. */
static void compare_key(const struct freeze_state *state, const struct freeze_key *done,
                        const struct freeze_others *others)
{
    const struct freeze_key *now = freeze_key_of_text(state, done->text);
    int64_t elapsed_ms = elapsed_since(others->done, state);
    bool is_new = freeze_key_of_text(others->before, done->text) == NULL;
    HOLD(now != NULL, "the key of slot %u is lost", done->row.slot);
    if (now == NULL)
        return;
    HOLD(is_new || now->row.id == done->row.id, "the key of slot %u has another id", done->row.slot);
    HOLD(strcmp(now->note, done->note) == 0, "the metadata of slot %u", now->row.slot);
    HOLD(now->row.group == done->row.group, "slot %u is in another group", now->row.slot);
    HOLD(now->row.priority == done->row.priority && now->row.weight == done->row.weight,
         "slot %u has priority %u and weight %u", now->row.slot, now->row.priority, now->row.weight);
    if (done->row.id == others->released->row.id) /* for every model */
        HOLD(now->for_model.status == KEYSHM_AVAILABLE, "slot %u is benched for a model, and was released",
             now->row.slot);
    else if (done->row.id != others->kept->row.id)
        compare_for_model(&now->for_model, &done->for_model, elapsed_ms);
    compare_word(now, done, others, elapsed_ms);
    compare_marks(now, done, others);
}

/* The others leave groups alone. */
static void compare_group(const struct freeze_group *now, const struct freeze_group *done, int64_t elapsed_ms)
{
    HOLD(now->row.id == done->row.id && strcmp(now->row.name, done->row.name) == 0, "a group is another one");
    HOLD(now->row.keys == done->row.keys, "a group has %u keys and not %u", now->row.keys, done->row.keys);
    HOLD(memcmp(now->row.state.marked, done->row.state.marked, sizeof(now->row.state.marked)) == 0,
         "how often a group was marked");
    compare_status("group", &now->row.state, &done->row.state, elapsed_ms);
    compare_for_model(&now->for_model, &done->for_model, elapsed_ms);
}

static void compare(const struct freeze_state *state, const struct operation *operation,
                    const struct freeze_others *others)
{
    bool has_intruders = freeze_key_of_text(state, FREEZE_INTRUDERS_KEY) != NULL;
    /* Replacing all keys later removes it. */
    HOLD(has_intruders == others->has_added || (others->has_added && operation->complete != NULL),
         "the key of the intruder is there or not, wrongly");
    HOLD(state->count == others->done->count + has_intruders, "%u keys and not %u", state->count,
         others->done->count + has_intruders);
    HOLD(state->recoveries == others->before->recoveries, "a recovery without a death");
    HOLD(state->has_second_pool == others->done->has_second_pool, "the created pool is not there");
    for (unsigned i = 0; i < others->done->count; i++)
        compare_key(state, &others->done->keys[i], others);
    HOLD(state->group_count == others->done->group_count, "%u groups and not %u", state->group_count,
         others->done->group_count);
    HOLD(state->model_count == others->done->model_count, "%u models and not %u", state->model_count,
         others->done->model_count);
    for (unsigned i = 0; i < others->done->group_count; i++)
        compare_group(&state->groups[i], &others->done->groups[i], elapsed_since(others->done, state));
    compare_picks(state, others);
    if (are_alike(others->before) && are_alike(others->done))
        compare_turns(state, others, operation->is_burst || operation->model != ANY_MODEL ? 2 : 1);
}

static void go_on(keyshm_pool *pool, keyshm_id removed)
{
    struct keyshm_pick pick;
    keyshm_id id = 0;
    HOLD(keyshm_remove(pool, removed) == 0, "a further remove");
    HOLD(keyshm_add(pool, FURTHER_KEY, &id) == 0, "a further add");
    HOLD(keyshm_mark_rate_limited(pool, id, FREEZE_LIMIT_MS) == 0, "a further mark");
    HOLD(keyshm_is_available(pool, id) == 0, "a further mark has no effect");
    HOLD(keyshm_next(pool, &pick) == 0 && pick.id != id, "a further pick");
    verify(pool);
}

void freeze_judge(keyshm_pool *pool, const struct operation *operation, const struct freeze_others *others)
{
    static struct freeze_state state;
    freeze_read_state(pool, !operation->is_named, &state);
    compare(&state, operation, others);
    go_on(pool, others->kept->row.id);
}
