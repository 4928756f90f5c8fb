/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>

#include "pool.h"
#include "probe.h"
#include "process_local.h"
#include "state_word.h"

#include "moved_clock.h"

/* What comes back from a bench is given to one request first. */

#define PROBE_MS 10000

static void create_pool_with_probes(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    create_pool_with_clock();
    policy.cooldown_ms = 1000;
    policy.probe_ms = PROBE_MS;
    set_policy(policy);
}

TestSuite(probe, .init = create_pool_with_probes, .fini = close_pool);

/* The only key, when its cooldown is over. */
static void come_back(void)
{
    struct keyshm_pick pick = pick_one();
    answer_rate_limited(&pick);
    expect_none();
    virtual_clock_pass_ms(1001);
}

Test(probe, one_pick_gets_the_key)
{
    keyshm_id id = add_key(1);
    come_back();
    cr_assert_eq(keyshm_available_count(pool), 1);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE);
    cr_assert_eq(state_of(id).is_probing, 0);
    struct keyshm_pick probe = pick_one();
    cr_assert_eq(probe.id, id);
    expect_none();
    cr_assert_eq(keyshm_available_count(pool), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
    struct keyshm_key_snapshot state = state_of(id);
    cr_assert_eq(state.is_probing, 1);
    cr_assert_eq(state.status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(state.benched_by, KEYSHM_BY_KEY);
    expect_left(id, PROBE_MS);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

Test(probe, that_succeeds_opens_the_key_to_all)
{
    keyshm_id id = add_key(1);
    come_back();
    struct keyshm_pick probe = pick_one();
    answer_success(&probe);
    struct keyshm_key_snapshot state = state_of(id);
    cr_assert_eq(state.status, KEYSHM_AVAILABLE);
    cr_assert_eq(state.is_probing, 0);
    cr_assert_eq(state.streak, 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pick_one().id, id);
    cr_assert_eq(keyshm_success(pool, &probe), 0, "twice");
}

Test(probe, that_is_refused_takes_the_longer_deadline)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id id = add_key(1);
    policy.cooldown_ms = 1000;
    policy.cooldown_growth_percent = 300;
    policy.probe_ms = PROBE_MS;
    set_policy(policy);
    come_back();
    struct keyshm_pick probe = pick_one();
    answer_rate_limited(&probe);
    expect_left(id, 3000);
    cr_assert_eq(state_of(id).is_probing, 0);
    virtual_clock_pass_ms(3001);
    probe = pick_one();
    expect_none();
    answer(&probe, KEYSHM_RATE_LIMITED, 50);
    expect_left(id, 50); /* the time for which the probe was waited for does not count */
}

Test(probe, of_which_nothing_is_heard_is_given_to_one_other)
{
    keyshm_id id = add_key(1);
    come_back();
    struct keyshm_pick first = pick_one(), second;
    virtual_clock_pass_ms(PROBE_MS);
    expect_none();
    virtual_clock_pass_ms(1);
    second = pick_one();
    cr_assert_eq(second.id, id);
    expect_none();
    answer_success(&first); /* whether it is the probe does not matter */
    cr_assert_eq(pick_one().id, id);
    cr_assert_eq(pick_one().id, id);
    answer_success(&second);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE);
}

Test(probe, is_not_ended_by_a_success_from_before_the_bench)
{
    keyshm_id id = add_key(1);
    struct keyshm_pick old = pick_one();
    come_back();
    struct keyshm_pick probe = pick_one();
    answer_success(&old);
    cr_assert_eq(state_of(id).is_probing, 1);
    expect_none();
    answer_success(&probe);
    cr_assert_eq(state_of(id).is_probing, 0);
}

Test(probe, a_success_does_not_open_a_bench_that_has_not_ended)
{
    keyshm_id id = add_key(1);
    come_back();
    struct keyshm_pick probe = pick_one();
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 500000), 0);
    answer_success(&probe);
    cr_assert_eq(state_of(id).status, KEYSHM_QUOTA_EXCEEDED);
    expect_left(id, 500000);
}

/* Who asks for the key by its id gets it during the bench, too. */
Test(probe, a_success_during_the_bench_is_none_of_a_probe)
{
    struct keyshm_pick pick, got;
    keyshm_id id = add_key(1);
    pick = pick_one();
    answer_rate_limited(&pick);
    cr_assert_eq(keyshm_get(pool, id, &got), 0);
    answer_success(&got);
    cr_assert_eq(state_of(id).status, KEYSHM_RATE_LIMITED);
    expect_left(id, 1000);
    expect_none();
}

Test(probe, a_mark_available_opens_the_key_at_once)
{
    keyshm_id id = add_key(1);
    come_back();
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    (void)pick_one();
    (void)pick_one();
    come_back();
    (void)pick_one();
    cr_assert_eq(keyshm_mark_all_available(pool, 1u << KEYSHM_RATE_LIMITED), 1);
    (void)pick_one();
    (void)pick_one();
}

Test(probe, the_end_of_a_cooldown_is_not_recorded_before_it)
{
    keyshm_id id = add_key(1);
    come_back();
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 0);
    (void)pick_one();
    expect_none();
    virtual_clock_pass_ms(PROBE_MS + 1);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 0);
    cr_assert_eq(pick_one().id, id);
    expect_none();
}

Test(probe, the_policy_at_the_time_of_the_mark_counts)
{
    const struct keyshm_policy none = KEYSHM_POLICY_INIT;
    add_key(1);
    struct keyshm_pick pick = pick_one();
    answer(&pick, KEYSHM_RATE_LIMITED, 1000);
    set_policy(none);
    virtual_clock_pass_ms(1001);
    pick = pick_one();
    expect_none();
    answer(&pick, KEYSHM_RATE_LIMITED, 1000);
    virtual_clock_pass_ms(1001);
    (void)pick_one();
    (void)pick_one();
}

Test(probe, others_get_other_keys)
{
    keyshm_id ids[3];
    struct keyshm_pick pick;
    add_keys(ids, 3);
    pick = pick_one();
    answer_rate_limited(&pick);
    virtual_clock_pass_ms(1001);
    int probes = 0;
    for (int i = 0; i < 30; i++)
        probes += pick_one().id == pick.id;
    cr_assert_eq(probes, 1);
}

Test(probe, of_a_pause_waits)
{
    keyshm_id id = add_key(1);
    come_back();
    cr_assert_eq(keyshm_pause(pool, id), 0);
    expect_none();
    cr_assert_eq(keyshm_resume(pool, id), 0);
    struct keyshm_pick probe = pick_one();
    cr_assert_eq(keyshm_pause(pool, id), 0);
    answer_success(&probe);
    cr_assert_eq(state_of(id).is_paused, 1);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE);
    expect_none();
    cr_assert_eq(keyshm_resume(pool, id), 0);
    (void)pick_one();
    (void)pick_one();
}

Test(probe, a_long_key_is_no_different)
{
    char text[65];
    keyshm_id id;
    memset(text, 'k', 64);
    text[64] = '\0';
    cr_assert_eq(keyshm_add(pool, text, &id), 0);
    come_back();
    (void)pick_one();
    expect_none();
}

/* ---- what was final ---- */

Test(probe, an_invalid_key_is_tried_again_by_one_also_without_probes)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_pick pick;
    keyshm_id id = add_key(1);
    policy.invalid_retry_ms = 3600000;
    set_policy(policy);
    pick = pick_one();
    answer(&pick, KEYSHM_INVALID, 0);
    cr_assert_eq(state_of(id).status, KEYSHM_INVALID);
    expect_left(id, 3600000);
    virtual_clock_pass_ms(3600001);
    pick = pick_one();
    expect_none();
    cr_assert_eq(state_of(id).status, KEYSHM_INVALID);
    expect_left(id, 10000);
    answer(&pick, KEYSHM_INVALID, 0);
    expect_left(id, 3600000);
    virtual_clock_pass_ms(3600001);
    pick = pick_one();
    answer_success(&pick);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE);
}

Test(probe, a_quota_without_a_known_end_is_tried_again)
{
    static const int64_t durations[] = {KEYSHM_NO_RETRY_AFTER, KEYSHM_UNTIL_MARKED};
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id id = add_key(1);
    policy.quota_retry_ms = 60000;
    set_policy(policy);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, durations[i]), 0);
        expect_left(id, 60000);
        virtual_clock_pass_ms(60001);
        struct keyshm_pick probe = pick_one();
        expect_none();
        answer_success(&probe);
    }
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 5000), 0);
    virtual_clock_pass_ms(5001);
    (void)pick_one();
    (void)pick_one(); /* one whose end was known needs none */
}

Test(probe, until_marked_is_until_marked)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_UNTIL_MARKED), 0);
    virtual_clock_pass_ms(KEYSHM_DURATION_MAX_MS);
    expect_none();
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    virtual_clock_pass_ms(KEYSHM_DURATION_MAX_MS);
    expect_none();
    cr_assert_eq(state_of(id).cooldown_left_ms, -1);
}

/* ---- groups and models ---- */

Test(probe, of_a_group_is_one_request_for_all_its_keys)
{
    struct keyshm_pick pick;
    keyshm_id group, id;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(keyshm_add_to_group(pool, key_text(i), group, &id), 0);
    pick = pick_one();
    answer_with(&pick, KEYSHM_RATE_LIMITED, 1000, KEYSHM_SCOPE_GROUP);
    expect_none();
    virtual_clock_pass_ms(1001);
    pick = pick_one();
    expect_none();
    cr_assert_eq(state_of(group).is_probing, 1);
    cr_assert_eq(state_of(pick.id).is_probing, 1);
    answer_success(&pick);
    cr_assert_eq(keyshm_available_count(pool), 5);
    for (int i = 0; i < 5; i++)
        (void)pick_one();
}

Test(probe, for_a_model_is_one_request_for_that_model)
{
    struct keyshm_pick pick;
    unsigned large, small;
    keyshm_id id = add_key(1);
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    cr_assert_eq(keyshm_model(pool, "large", &large), 0);
    cr_assert_eq(keyshm_model(pool, "small", &small), 0);
    pick = pick_for(large);
    answer_rate_limited(&pick);
    virtual_clock_pass_ms(1001);
    pick = pick_for(large);
    request.model = large;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), -EAGAIN);
    (void)pick_for(small);
    (void)pick_one();
    cr_assert_eq(state_for(id, large).is_probing, 1);
    cr_assert_eq(state_for(id, small).is_probing, 0);
    answer_success(&pick);
    (void)pick_for(large);
    (void)pick_for(large);
}

/* The key and its group come back at once: one request is the probe of both. */
Test(probe, of_several_words_is_one)
{
    struct keyshm_pick pick, other;
    keyshm_id group, id, second;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(1), group, &id), 0);
    pick = pick_one();
    answer_with(&pick, KEYSHM_RATE_LIMITED, 1000, KEYSHM_SCOPE_GROUP);
    answer(&pick, KEYSHM_RATE_LIMITED, 1000);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(2), group, &second), 0);
    virtual_clock_pass_ms(1001);
    pick = pick_one();
    expect_none();
    answer_success(&pick);
    other = pick_one();
    struct keyshm_pick third = pick_one();
    cr_assert_neq(other.id, third.id);
    if (pick.id == second) { /* then the first key wants its own probe still */
        third = other.id == id ? other : third;
        cr_assert_eq(state_of(id).is_probing, 1);
        answer_success(&third);
    }
    cr_assert_eq(keyshm_available_count(pool), 2);
}

/* One killed between two words: what it has taken is given to another after its time. */
Test(probe, that_was_half_taken_comes_back)
{
    struct keyshm_pick pick;
    keyshm_id group, id;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(1), group, &id), 0);
    pick = pick_one();
    answer_with(&pick, KEYSHM_RATE_LIMITED, 1000, KEYSHM_SCOPE_GROUP);
    answer(&pick, KEYSHM_RATE_LIMITED, 1000);
    virtual_clock_pass_ms(1001);
    _Atomic uint64_t *word = &pool->words[pool_group_subject(pool, 0)];
    uint64_t taken = word_with_probe(atomic_load(word), WORD_PROBE_TAKEN);
    atomic_store(word, word_with_deadline(taken, word_deadline_ms(taken) + PROBE_MS));
    expect_none();
    virtual_clock_pass_ms(PROBE_MS + 1);
    (void)pick_one();
    expect_none();
}

/* A process that had it before, and is dead, has it no more: the one that has it now may be about to say so. */
Test(probe, is_not_taken_from_one_process_for_another_that_is_dead)
{
    keyshm_id id = add_key(1);
    come_back();
    pid_t child = fork();
    if (child == 0) {
        struct keyshm_pick probe;
        _exit(keyshm_next(pool, &probe) == 0 ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(state_of(id).is_probing, 1);
    _Atomic uint64_t *word = &pool->words[0];
    uint64_t taken = atomic_load(word);
    atomic_store(word, word_with_deadline(taken, word_deadline_ms(taken) + 1));
    cr_assert_not(probe_end(pool, 0, 0, atomic_load(word), 0));
    atomic_store(word, taken);
    cr_assert(probe_end(pool, 0, 0, taken, 0));
    (void)pick_one();
    expect_none();
}

/* Its process waits until it is told to end, or until this one has ended. */
static pid_t fork_prober(keyshm_id id, int ret_hold[2])
{
    char byte;
    int has_picked[2];
    cr_assert_eq(pipe(ret_hold), 0);
    cr_assert_eq(pipe(has_picked), 0);
    pid_t child = fork();
    if (child == 0) {
        struct keyshm_pick probe;
        close(ret_hold[1]);
        if (keyshm_next(pool, &probe) < 0 || probe.id != id || write(has_picked[1], "", 1) != 1)
            _exit(1);
        _exit(read(ret_hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ret_hold[0]);
    close(has_picked[1]);
    cr_assert_eq(read(has_picked[0], &byte, 1), 1);
    close(has_picked[0]);
    return child;
}

/* Longer than a sweep is put off, and the looks at processes that have a probe. */
enum { LOOKS_MS = 700 };

static void expect_given_back(keyshm_id id)
{
    int hold[2], status;
    pid_t child = fork_prober(id, hold);
    for (int i = 0; i < 3; i++) {
        virtual_clock_pass_ms(LOOKS_MS);
        expect_none();
    }
    close(hold[1]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    virtual_clock_pass_ms(LOOKS_MS);
    cr_assert_eq(pick_one().id, id);
    expect_none();
}

Test(probe, is_given_to_another_when_its_process_has_ended_and_no_earlier)
{
    keyshm_id id = add_key(1);
    come_back();
    expect_given_back(id);
}

Test(probe, of_a_group_is_given_to_another_when_its_process_has_ended)
{
    keyshm_id id, group;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(1), group, &id), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, group, 1000), 0);
    virtual_clock_pass_ms(1001);
    expect_given_back(id);
}

/* It is not in the table of workers, so nobody can tell whether it has ended. */
Test(probe, of_a_process_that_can_remember_nothing_is_waited_for)
{
    struct process_local *local = pool->local;
    keyshm_id id = add_key(1);
    come_back();
    pool->local = NULL;
    cr_assert_eq(pick_one().id, id);
    pool->local = local;
    cr_assert_not(probe_end(pool, 0, 0, atomic_load(&pool->words[0]), 0));
    virtual_clock_pass_ms(PROBE_MS);
    expect_none();
    virtual_clock_pass_ms(1);
    cr_assert_eq(pick_one().id, id);
}

/* A request of before the bench is answered while another one is the probe. */
Test(probe, goes_on_when_an_older_request_is_refused)
{
    keyshm_id id = add_key(1);
    struct keyshm_pick old = pick_one();
    come_back();
    struct keyshm_pick probe = pick_one();
    answer(&old, KEYSHM_RATE_LIMITED, 50);
    cr_assert_eq(state_of(id).is_probing, 1);
    expect_left(id, PROBE_MS);
    virtual_clock_pass_ms(100);
    expect_none();
    answer(&probe, KEYSHM_RATE_LIMITED, 50);
    cr_assert_eq(state_of(id).is_probing, 1, "its own mark is not the last, either");
    virtual_clock_pass_ms(PROBE_MS);
    (void)pick_one();
    expect_none();
}

Test(probe, of_an_invalid_key_is_not_made_a_rate_limit_by_an_older_request)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id id = add_key(1);
    policy.invalid_retry_ms = 1000;
    set_policy(policy);
    struct keyshm_pick old = pick_one(), pick = pick_one();
    answer(&pick, KEYSHM_INVALID, 0);
    virtual_clock_pass_ms(1001);
    pick = pick_one();
    answer(&old, KEYSHM_RATE_LIMITED, 50);
    cr_assert_eq(state_of(id).status, KEYSHM_INVALID);
    virtual_clock_pass_ms(100);
    expect_none();
}

/* Its process seemed to have ended: keyshm-ctl next, say. */
Test(probe, that_was_given_back_and_succeeds_opens_the_key)
{
    struct keyshm_pick probe;
    keyshm_id id = add_key(1);
    come_back();
    probe = pick_one();
    _Atomic uint64_t *word = &pool->words[0];
    atomic_store(word, word_with_deadline(word_with_probe(atomic_load(word), WORD_PROBE_WANTED), 1));
    answer_success(&probe);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE);
    (void)pick_one();
    (void)pick_one();
}

Test(probe, is_lifted_with_all_benches)
{
    add_key(1);
    come_back();
    cr_assert_eq(keyshm_mark_all_available(pool, 1u << KEYSHM_RATE_LIMITED), 1);
    (void)pick_one();
    (void)pick_one();
}
