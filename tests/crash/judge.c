/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <time.h>

#include "pool_clock.h"
#include "ready_bits.h"
#include "slot.h"
#include "streak.h"

#include "expect.h"
#include "picks.h"
#include "turns.h"

/* A process that cannot go on for this long is held up. kill.c counts those that are merely late. */
enum { CHANGE_MAX_MS = 2000 };

static struct verdict verdict;

/* ---- is the pool as the model has it? ---- */

static void look_at_row(int number, const struct keyshm_snapshot *snapshot)
{
    const struct model_key *key = &world.keys[number];
    const struct keyshm_key_snapshot *row = NULL;
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == key->id)
            row = &snapshot->keys[i];
    HOLD(row != NULL, "key %d is not in the snapshot", number);
    if (row == NULL)
        return;
    HOLD(world_is_same_note(world_note_of(row), key->note), "the metadata of key %d", number);
    HOLD(row->group == (key->group != NO_GROUP ? world.groups[key->group].id : 0), "the group of key %d", number);
    HOLD(row->priority == key->priority && row->weight == key->weight, "key %d has priority %u and weight %u", number,
         row->priority, row->weight);
    HOLD(row->picks == key->picks, "key %d: %llu picks and not %llu", number, (unsigned long long)row->picks,
         (unsigned long long)key->picks);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        HOLD(row->marked[status] == key->marked[status], "key %d: marked %llu times and not %llu", number,
             (unsigned long long)row->marked[status], (unsigned long long)key->marked[status]);
}

/* As a pick for the model sees it. */
static void look_at_state(int number, unsigned model)
{
    struct keyshm_key_snapshot row;
    struct world_state state = world_state_of(number, model);
    keyshm_id id = world.keys[number].id;
    int r = keyshm_inspect(world_pool(), id, model, sizeof(row), &row);
    HOLD(r == 0, "key %d cannot be inspected: %s", number, keyshm_strerror(r));
    if (r < 0)
        return;
    HOLD(row.benched_by == state.benched_by, "key %d is benched by %#x and not by %#x", number, row.benched_by,
         state.benched_by);
    HOLD(row.status == state.status && row.reason == state.reason, "key %d is %s for reason %u", number,
         keyshm_status_name(row.status), row.reason);
    HOLD(keyshm_is_available_for(world_pool(), id, model) == (state.benched_by == 0),
         "key %d is available for model %u or not, wrongly", number, model);
}

static void look_at_key(int number, const struct keyshm_snapshot *snapshot)
{
    const struct model_key *key = &world.keys[number];
    keyshm_id id = 0;
    int r = keyshm_find(world_pool(), key->text, &id);
    if (!key->is_there) {
        HOLD(r == -ENOENT, "key %d is found, and should not be there", number);
        return;
    }
    HOLD(r == 0 && id == key->id, "key %d is not found under its id", number);
    for (unsigned model = 0; model <= world.models; model++)
        look_at_state(number, model);
    look_at_row(number, snapshot);
}

/* Its keys are counted by the owner of the mutex, so when one has died the count may be that of before. */
static void look_at_group_row(int group, const struct keyshm_snapshot *snapshot)
{
    const struct model_group *known = &world.groups[group];
    const struct keyshm_group_snapshot *row = NULL;
    for (unsigned i = 0; i < snapshot->group_count; i++)
        if (snapshot->groups[i].id == known->id)
            row = &snapshot->groups[i];
    HOLD(row != NULL && strcmp(row->name, known->name) == 0, "group %d is not in the snapshot", group);
    if (row == NULL)
        return;
    HOLD(world_owner_has_died() || (int)row->keys == world_count_keys_in(group), "group %d has %u keys and not %d", group,
         row->keys, world_count_keys_in(group));
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        HOLD(row->state.marked[status] == known->marked[status], "group %d: marked %llu times and not %llu", group,
             (unsigned long long)row->state.marked[status], (unsigned long long)known->marked[status]);
}

static void look_at_group(int group, const struct keyshm_snapshot *snapshot)
{
    const struct model_group *known = &world.groups[group];
    char name[KEYSHM_NAME_MAX + 1];
    keyshm_id id = 0;
    int r = keyshm_find_group(world_pool(), known->name, &id);
    if (!known->is_there) {
        HOLD(r == -ENOENT, "group %d is found, and should not be there", group);
        return;
    }
    HOLD(r == 0 && id == known->id, "group %d is not found under its id", group);
    HOLD(keyshm_group_name(world_pool(), known->id, name, sizeof(name)) > 0 && strcmp(name, known->name) == 0,
         "the name of group %d", group);
    look_at_group_row(group, snapshot);
}

static void look_at_models(const struct keyshm_snapshot *snapshot)
{
    HOLD(snapshot->model_count == world.models, "%u models and not %u", snapshot->model_count, world.models);
    for (unsigned model = 1; model < MODELS; model++) {
        unsigned found = 0;
        int r = keyshm_find_model(world_pool(), world_model_names[model], &found);
        HOLD(model <= world.models ? r == 0 && found == model : r == -ENOENT, "model %u is found or not, wrongly", model);
        HOLD(model > world.models || model > snapshot->model_count ||
                 strcmp(snapshot->models[model - 1], world_model_names[model]) == 0,
             "the name of model %u", model);
    }
}

/* Each victim that was about to add a key or a group may have seen to it that nothing is known of it for the model: the
 * model follows. */
static void take_over_emptied(unsigned model, uint32_t subject, uint64_t word)
{
    uint64_t *known = world_word(model, subject);
    if (model == ANY_MODEL || (word_is_live(*world_word(ANY_MODEL, subject)) && word_is_live(*known)))
        return;
    for (int i = 0; i < VICTIMS_MAX && word != *known; i++)
        if (word == word_make_free((word_marks(*known) + (uint64_t)i) % WORD_MARKS_MASK + 1))
            *known = word;
}

/* Of what is not there, too. */
static void look_at_words(void)
{
    for (unsigned model = 0; model <= world.models; model++)
        for (uint32_t subject = 0; subject < SUBJECTS; subject++) {
            uint64_t word = atomic_load(pool_word(world_pool(), model, subject));
            take_over_emptied(model, subject, word);
            const struct model_streak *streak = world_streak(model, subject);
            unsigned length = streak->rate_limits > streak->invalids ? streak->rate_limits : streak->invalids;
            HOLD(!word_is_live(word) || streak_length(world_pool(), model, subject, word, 0) == length,
                 "the streak of word %u of model %u is not %u", subject, model, length);
            HOLD(word == *world_word(model, subject), "the word %u of model %u: %#llx and not %#llx", subject, model,
                 (unsigned long long)word, (unsigned long long)*world_word(model, subject));
        }
}

static void look_at_policy(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    HOLD(keyshm_get_policy(world_pool(), &policy) == 0, "the policy cannot be read");
    HOLD(policy.cooldown_ms == world.policy.cooldown_ms && policy.cooldown_max_ms == world.policy.cooldown_max_ms,
         "the policy");
}

/* In one round. */
static int count_missed(unsigned model, bool ret_was_missed[KEYS])
{
    bool was_picked[KEYS];
    int missed = 0;
    picks_round(model, was_picked);
    for (int i = 0; i < KEYS; i++) {
        ret_was_missed[i] = world_has_turns(i, model) && !was_picked[i];
        missed += ret_was_missed[i];
    }
    return missed;
}

/* Until the sweep that will find a key that a hint hides: one of the hints whatever the model, or of those for the model. */
static int64_t hidden_ms(unsigned model, int number)
{
    uint64_t now_ms = world_now_ms(), due_ms = ready_slot_due_ms(world_pool(), ANY_MODEL, world_subject_of_key(number));
    uint64_t model_due_ms = ready_slot_due_ms(world_pool(), model, world_subject_of_key(number));
    due_ms = model_due_ms > due_ms ? model_due_ms : due_ms;
    return due_ms > now_ms ? (int64_t)(due_ms - now_ms) : 1;
}

/* Every available key is picked in one round; or after the next sweep, and that is near. */
static void look_at_picks(unsigned model)
{
    bool was_missed[KEYS];
    int64_t latest_ms = READY_SWEEP_INTERVAL_MS + (int64_t)pool_coarse_lag_ms(world_pool());
    if (count_missed(model, was_missed) == 0)
        return;
    for (int i = 0; i < KEYS; i++) {
        int64_t missed_ms = was_missed[i] ? hidden_ms(model, i) : 0;
        HOLD(missed_ms <= latest_ms, "key %d is hidden until a sweep that is too far away", i);
        if (missed_ms > verdict.hidden_ms)
            verdict.hidden_ms = missed_ms;
    }
    world_make_all_due();
    int missed = count_missed(model, was_missed);
    HOLD(missed == 0, "%d keys are not picked", missed);
}

static void look_at_availability(unsigned model)
{
    int available = world_count_pickable(model), count = keyshm_available_count_for(world_pool(), model);
    HOLD(count == available, "%d keys are available for model %u and not %d", count, model, available);
    look_at_picks(model);
}

static int count_groups(void)
{
    int there = 0;
    for (int i = 0; i < GROUPS; i++)
        there += world.groups[i].is_there;
    return there;
}

static void look_at_snapshot(void)
{
    struct keyshm_snapshot *snapshot;
    int there = world_count_keys(), groups = count_groups();
    EXPECT_EQ(keyshm_snapshot(world_pool(), &snapshot), 0);
    for (int i = 0; i < KEYS; i++)
        look_at_key(i, snapshot);
    for (int i = 0; i < GROUPS; i++)
        look_at_group(i, snapshot);
    look_at_models(snapshot);
    HOLD(snapshot->count == (unsigned)there, "%u keys in the snapshot and not %d", snapshot->count, there);
    HOLD(snapshot->group_count == (unsigned)groups, "%u groups in the snapshot and not %d", snapshot->group_count,
         groups);
    keyshm_snapshot_free(snapshot);
}

static void look(void)
{
    look_at_words();
    look_at_policy();
    look_at_snapshot();
    HOLD(keyshm_next_available_ms(world_pool()) == 0, "no key is available now");
    for (unsigned model = 0; model <= world.models; model++)
        look_at_availability(model);
}

static void verify_all(void)
{
    int r = keyshm_verify(world_pool(), problem_note, NULL);
    HOLD(r >= 0, "verify: %s", keyshm_strerror(r));
}

/* Before any recovery. What is left unfinished must be announced as such. */
static void verify_unrecovered(void)
{
    int r = keyshm_verify(world_pool(), problem_note, NULL);
    HOLD(r >= 0 || (r == -EBUSY && world_owner_has_died()), "verify, before the recovery: %s", keyshm_strerror(r));
}

/* ---- does the log name the dead process? ---- */

static struct {
    int count;
    char last[256];
} recoveries_logged;

static void note_recovery(enum keyshm_log_level level, const char *message, void *user)
{
    (void)level, (void)user;
    if (strstr(message, "recovered: ") == NULL)
        return;
    recoveries_logged.count++;
    snprintf(recoveries_logged.last, sizeof(recoveries_logged.last), "%s", message);
}

/* What the log could know it from. */
struct evidence {
    bool is_death;
    bool is_in_change;
    pid_t process; /* the one that has written its name down; 0: none */
};

static struct evidence collect_evidence(void)
{
    const struct layout_header *header = world_pool()->header;
    return (struct evidence){
        .is_death = world_owner_has_died(),
        .is_in_change = atomic_load(&header->change_count) % 2 != 0,
        .process = (pid_t)(atomic_load(&header->owner) >> 32),
    };
}

static bool is_victim(pid_t process, const struct victim victims[VICTIMS_MAX])
{
    for (int i = 0; i < VICTIMS_MAX; i++)
        if (victims[i].operation != NULL && victims[i].process == process)
            return true;
    return false;
}

/* It names the process that died; of two, the last one that wrote its name down. A process that dies between taking the
 * mutex and writing its name, or between erasing its name and dropping the mutex, is reported without a name. */
static void look_at_log(const struct evidence *evidence, const struct victim victims[VICTIMS_MAX])
{
    char expected[64] = "a process died as it took or left the mutex";
    if (evidence->process != 0)
        snprintf(expected, sizeof(expected), "recovered: pid %d ", (int)evidence->process);
    HOLD(recoveries_logged.count == evidence->is_death, "the log reports %d recoveries", recoveries_logged.count);
    if (!evidence->is_death)
        return;
    HOLD(strstr(recoveries_logged.last, expected) != NULL, "the log says '%s'", recoveries_logged.last);
    HOLD(evidence->process == 0 || is_victim(evidence->process, victims), "process %d has not died, and the log says so",
         (int)evidence->process);
    HOLD(evidence->process != 0 || !evidence->is_in_change,
         "a process died in the middle of a change, and the log does not name it");
}

/* ---- can the survivors go on? ---- */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int change(bool by_adding)
{
    double start_ms = now_ms();
    int r = by_adding ? world_add_key(SURVIVORS_KEY) : world_remove_key(SPARE_KEY);
    verdict.change_ms = now_ms() - start_ms;
    return r;
}

static void change_first(const struct victim victims[VICTIMS_MAX], bool by_adding)
{
    struct evidence evidence = collect_evidence();
    uint64_t recoveries = atomic_load(&world_pool()->header->recoveries);
    recoveries_logged.count = 0;
    keyshm_set_log(note_recovery, NULL, KEYSHM_LOG_WARNING);
    int r = change(by_adding);
    keyshm_set_log(NULL, NULL, KEYSHM_LOG_WARNING); /* the victims, too, inherit it */
    HOLD(r == 0, "the next membership change: %s", keyshm_strerror(r));
    HOLD(verdict.change_ms < CHANGE_MAX_MS, "the next membership change took %.0f ms", verdict.change_ms);
    HOLD(atomic_load(&world_pool()->header->recoveries) == recoveries + evidence.is_death, "the recovery %s",
         evidence.is_death ? "was not counted" : "was without a death");
    look_at_log(&evidence, victims);
}

/* What a mark available makes of it. */
static void note_released(unsigned model, uint32_t subject, uint64_t released)
{
    uint64_t *word = world_word(model, subject);
    released |= *word & (WORD_PAUSED | WORD_STREAK_MASK);
    *word = streak_step(released, world_has_streak(model, subject) ? STREAK_ENDS : STREAK_STAYS);
    *world_streak(model, subject) = (struct model_streak){0};
}

static void mark_and_unmark(void)
{
    struct model_key *key = &world.keys[AVAILABLE_KEY];
    HOLD(keyshm_mark_rate_limited(world_pool(), key->id, COOLDOWN_MS) == 0, "a further mark");
    HOLD(keyshm_is_available(world_pool(), key->id) == 0, "a further mark has no effect");
    HOLD(keyshm_mark_available(world_pool(), key->id) == 0, "a further release");
    uint32_t subject = world_subject_of_key(AVAILABLE_KEY);
    note_released(ANY_MODEL, subject, word_make_available(word_marks_next(*world_word_of(AVAILABLE_KEY))));
    for (unsigned model = 1; model <= world.models; model++)
        if (word_is_live(*world_word(model, subject)))
            note_released(model, subject, word_make_available(word_marks(*world_word(model, subject))));
    key->marked[KEYSHM_RATE_LIMITED]++;
    key->marked[KEYSHM_AVAILABLE]++;
}

static void go_on(const struct victim victims[VICTIMS_MAX], bool by_adding)
{
    by_adding = by_adding && world_count_keys() < CAPACITY;
    change_first(victims, by_adding);
    verify_all();
    look();
    int r = by_adding ? world_remove_key(SPARE_KEY) : world_add_key(SURVIVORS_KEY);
    HOLD(r == 0, "the membership change after the next: %s", keyshm_strerror(r));
    mark_and_unmark();
    look();
    verify_all();
}

/* Each also after what the other does. */
static void look_and_take_turns(bool begins_with_turns)
{
    if (begins_with_turns)
        turns_look();
    look();
    if (!begins_with_turns)
        turns_look();
}

void judge(const struct victim victims[VICTIMS_MAX], bool by_adding, struct verdict *ret_verdict)
{
    const struct operation *operation = victims[0].operation;
    problem_forget();
    verdict = (struct verdict){.outcome = operation->settle()};
    if (victims[1].operation != NULL)
        victims[1].operation->settle();
    verify_unrecovered();
    if (operation->is_burst)
        look_and_take_turns(by_adding);
    else
        look();
    go_on(victims, by_adding);
    if (operation->complete != NULL) {
        operation->complete();
        look();
    }
    snprintf(verdict.problem, sizeof(verdict.problem), "%s", problem_text());
    *ret_verdict = verdict;
}
