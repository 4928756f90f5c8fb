/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <time.h>

#include "pool_clock.h"
#include "ready_bits.h"
#include "slot.h"

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
    HOLD(row->picks == key->picks, "key %d: %llu picks and not %llu", number, (unsigned long long)row->picks,
         (unsigned long long)key->picks);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        HOLD(row->marked[status] == key->marked[status], "key %d: marked %llu times and not %llu", number,
             (unsigned long long)row->marked[status], (unsigned long long)key->marked[status]);
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
    HOLD(keyshm_is_available(world_pool(), key->id) == world_is_pickable(number), "key %d is available or not, wrongly",
         number);
    look_at_row(number, snapshot);
}

/* Of the free slots, too. */
static void look_at_words(void)
{
    for (uint32_t slot = 0; slot < CAPACITY; slot++) {
        uint64_t word = atomic_load(&world_pool()->words[slot]);
        HOLD(word == world.words[slot], "the word of slot %u: %#llx and not %#llx", slot, (unsigned long long)word,
             (unsigned long long)world.words[slot]);
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
static int count_missed(bool ret_was_missed[KEYS])
{
    bool was_picked[KEYS];
    int missed = 0;
    picks_round(was_picked);
    for (int i = 0; i < KEYS; i++) {
        ret_was_missed[i] = world_is_pickable(i) && !was_picked[i];
        missed += ret_was_missed[i];
    }
    return missed;
}

/* Until the sweep that will find a key that a hint hides. */
static int64_t hidden_ms(int number)
{
    uint64_t due_ms = ready_slot_due_ms(world_pool(), 0, id_slot(world.keys[number].id)), now_ms = world_now_ms();
    return due_ms > now_ms ? (int64_t)(due_ms - now_ms) : 1;
}

/* Every available key is picked in one round; or after the next sweep, and that is near. */
static void look_at_picks(void)
{
    bool was_missed[KEYS];
    int64_t latest_ms = READY_SWEEP_INTERVAL_MS + (int64_t)pool_coarse_lag_ms(world_pool());
    if (count_missed(was_missed) == 0)
        return;
    for (int i = 0; i < KEYS; i++) {
        int64_t missed_ms = was_missed[i] ? hidden_ms(i) : 0;
        HOLD(missed_ms <= latest_ms, "key %d is hidden until a sweep that is too far away", i);
        if (missed_ms > verdict.hidden_ms)
            verdict.hidden_ms = missed_ms;
    }
    world_make_all_due();
    int missed = count_missed(was_missed);
    HOLD(missed == 0, "%d keys are not picked", missed);
}

static void look(void)
{
    struct keyshm_snapshot *snapshot;
    int available = world_count_pickable(), there = world_count_keys();
    EXPECT_EQ(keyshm_snapshot(world_pool(), &snapshot), 0);
    look_at_words();
    look_at_policy();
    for (int i = 0; i < KEYS; i++)
        look_at_key(i, snapshot);
    HOLD(snapshot->count == (unsigned)there, "%u keys in the snapshot and not %d", snapshot->count, there);
    keyshm_snapshot_free(snapshot);
    int count = keyshm_available_count(world_pool());
    HOLD(count == available, "%d keys are available and not %d", count, available);
    HOLD(keyshm_next_available_ms(world_pool()) == 0, "no key is available now");
    look_at_picks();
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

static void mark_and_unmark(void)
{
    struct model_key *key = &world.keys[AVAILABLE_KEY];
    HOLD(keyshm_mark_rate_limited(world_pool(), key->id, COOLDOWN_MS) == 0, "a further mark");
    HOLD(keyshm_is_available(world_pool(), key->id) == 0, "a further mark has no effect");
    HOLD(keyshm_mark_available(world_pool(), key->id) == 0, "a further release");
    uint64_t *word = world_word_of(AVAILABLE_KEY);
    *word = word_make_available(word_marks_next(*word)) | (*word & WORD_PAUSED);
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
