/* SPDX-License-Identifier: MIT */
#include "freeze.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include "expect.h"
#include "pool.h"

enum { MEASUREMENTS = 3, INTRUDERS_LOCK_TIMEOUT_MS = 2 };

static keyshm_pool *pool;
static struct freeze_others *others;

/* A child leaves its problem in shared memory, and its parent takes it over. */
static void leave_problem(void)
{
    memcpy(others->problem, problem_text(), strlen(problem_text()) + 1);
}

static void take_over_problem(void)
{
    if (others->problem[0] != '\0')
        problem_blame("%s", others->problem);
}

/* ---- calls that take no lock ---- */

static const struct freeze_key *key_of(keyshm_id id)
{
    const struct freeze_key *key = freeze_key_of_id(others->before, id);
    return key != NULL ? key : freeze_key_of_id(others->done, id);
}

static void call_next(void)
{
    struct keyshm_pick pick;
    int r = keyshm_next(pool, &pick);
    HOLD(r == 0, "a pick meanwhile fails");
    if (r < 0 || others->picks == FREEZE_PICKS_MAX)
        return;
    const struct freeze_key *key = key_of(pick.id);
    HOLD(key != NULL && strcmp(pick.key, key->text) == 0, "a pick meanwhile is not of a whole key");
    others->picked[others->picks++] = pick.id;
}

/* No key may be available for it. */
static void call_acquire(void)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = MODEL;
    int r = keyshm_acquire(pool, &request, &lease);
    HOLD(r == 0 || (r == -EAGAIN && keyshm_available_count_for(pool, MODEL) == 0), "a pick for a model meanwhile fails");
    if (r < 0 || others->model_picks == FREEZE_PICKS_MAX)
        return;
    const struct freeze_key *key = key_of(lease.pick.id);
    HOLD(key != NULL && strcmp(lease.pick.key, key->text) == 0, "a pick for a model meanwhile is not of a whole key");
    others->picked_for_model[others->model_picks++] = lease.pick.id;
}

static void call_limit_kept_for_model(void)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.duration_ms = FREEZE_LIMIT_MS;
    mark.model = MODEL;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    HOLD(keyshm_mark(pool, others->kept->row.id, &mark) == 0, "a mark for a model meanwhile fails");
    others->kept_limits++;
}

static void call_limit_kept(void)
{
    HOLD(keyshm_mark_rate_limited(pool, others->kept->row.id, FREEZE_LIMIT_MS) == 0, "a mark meanwhile fails");
    others->kept_limits++;
}

static void call_limit_released(void)
{
    HOLD(keyshm_mark_rate_limited(pool, others->released->row.id, FREEZE_LIMIT_MS) == 0, "a mark meanwhile fails");
    others->released_limits++;
}

static void call_release(void)
{
    HOLD(keyshm_mark_available(pool, others->released->row.id) == 0, "a release meanwhile fails");
    others->releases++;
}

static void call_is_available(void)
{
    HOLD(keyshm_is_available(pool, others->kept->row.id) == 0, "a mark meanwhile has no effect");
}

static void call_is_available_again(void)
{
    HOLD(keyshm_is_available(pool, others->released->row.id) == 1, "a release meanwhile has no effect");
}

static bool is_there(const struct freeze_key *key)
{
    return key != NULL;
}

static bool is_available(const struct freeze_key *key)
{
    return key != NULL && key->row.benched_by == 0;
}

/* How many keys are so in `a` and not in `b`. */
static unsigned count_gone(const struct freeze_state *a, const struct freeze_state *b,
                           bool (*is_so)(const struct freeze_key *key))
{
    unsigned count = 0;
    for (unsigned i = 0; i < a->count; i++)
        count += is_so(&a->keys[i]) && !is_so(freeze_key_of_id(b, a->keys[i].row.id));
    return count;
}

/* The victim's changes may have been made, or not; `others_keys` are those that the others have benched. */
static bool is_possible(unsigned count, unsigned others_keys, bool (*is_so)(const struct freeze_key *key))
{
    unsigned before = 0;
    for (unsigned i = 0; i < others->before->count; i++)
        before += is_so(&others->before->keys[i]);
    return count + others_keys + count_gone(others->before, others->done, is_so) >= before &&
           count + others_keys <= before + count_gone(others->done, others->before, is_so);
}

static void call_count(void)
{
    int count = keyshm_available_count(pool);
    HOLD(count >= 0 && is_possible((unsigned)count, 1, is_available), "the count of available keys meanwhile");
}

static void call_count_for_model(void)
{
    int count = keyshm_available_count_for(pool, MODEL);
    HOLD(count >= 0 && count <= keyshm_available_count(pool),
         "the count of keys that are available for a model meanwhile");
}

static void call_find_group(void)
{
    const struct keyshm_group_snapshot *group = &others->before->groups[GROUP].row;
    keyshm_id id = 0;
    HOLD(keyshm_find_group(pool, group->name, &id) == 0 && id == group->id, "a group is not found meanwhile");
}

static void call_find(void)
{
    keyshm_id id;
    HOLD(keyshm_find(pool, others->kept->text, &id) == 0 && id == others->kept->row.id, "a key is not found meanwhile");
}

static void look_at(const struct keyshm_snapshot *snapshot)
{
    bool is_kept_limited = false;
    for (unsigned i = 0; i < snapshot->count; i++) {
        const struct freeze_key *key = key_of(snapshot->keys[i].id);
        HOLD(key != NULL && strcmp(snapshot->keys[i].masked_key, key->row.masked_key) == 0,
             "a row of a snapshot taken meanwhile is of no key");
        is_kept_limited |=
            snapshot->keys[i].id == others->kept->row.id && snapshot->keys[i].status == KEYSHM_RATE_LIMITED;
    }
    HOLD(is_kept_limited, "a snapshot taken meanwhile does not show a mark");
    HOLD(is_possible(snapshot->count, 0, is_there), "the rows of a snapshot taken meanwhile");
    HOLD(snapshot->mutex_holder_pid == others->holder, "a snapshot taken meanwhile does not name the holder");
}

static void call_snapshot(void)
{
    struct keyshm_snapshot *snapshot;
    int r = keyshm_snapshot(pool, &snapshot);
    HOLD(r == 0, "a snapshot meanwhile fails");
    if (r < 0)
        return;
    look_at(snapshot);
    keyshm_snapshot_free(snapshot);
}

static int64_t time_ns(clockid_t clock)
{
    struct timespec time;
    EXPECT_EQ(clock_gettime(clock, &time), 0);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* A virtual machine that was not running for a while can charge that time to the process; but not three times in a row,
 * while a slow call is slow each time. Returns the time at its end. */
static int64_t measure(void (*call)(void), int64_t start_ns)
{
    int64_t least_ns = INT64_MAX;
    for (int i = 0; i < MEASUREMENTS && least_ns >= FREEZE_CALL_MAX_NS; i++) {
        call();
        int64_t end_ns = time_ns(CLOCK_PROCESS_CPUTIME_ID);
        least_ns = end_ns - start_ns < least_ns ? end_ns - start_ns : least_ns;
        start_ns = end_ns;
    }
    if (least_ns > others->longest_call_ns)
        others->longest_call_ns = least_ns;
    return start_ns;
}

static void observe(void)
{
    static void (*const calls[])(void) = {
        call_next,
        call_limit_kept,
        call_limit_released,
        call_release,
        call_next,
        call_acquire,
        call_count_for_model,
        call_limit_kept_for_model,
        call_is_available,
        call_is_available_again,
        call_count,
        call_find,
        call_find_group,
        call_snapshot,
    };
    int64_t start_ns = time_ns(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        start_ns = measure(calls[i], start_ns);
    HOLD(others->longest_call_ns < FREEZE_CALL_MAX_NS, "a call meanwhile took too much processor time");
}

static bool is_futex(unsigned long number)
{
    return number == SYS_futex
#ifdef SYS_futex_wait
           || number == SYS_futex_wait
#endif
#ifdef SYS_futex_waitv
           || number == SYS_futex_waitv
#endif
        ;
}

/* At the beginning or the end of a system call. */
static void look_at_system_call(pid_t child)
{
    struct __ptrace_syscall_info info;
    EXPECT(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0);
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    others->system_calls++;
    others->futex_calls += is_futex(info.entry.nr);
}

/* To its end, or to the first futex(2), in which it might wait for ever. */
static void follow(pid_t child)
{
    int status;
    bool is_going_on = true;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD), 0);
    while (is_going_on && others->futex_calls == 0) {
        EXPECT_EQ(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        EXPECT_EQ(waitpid(child, &status, 0), child);
        is_going_on = WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80);
        if (is_going_on)
            look_at_system_call(child);
    }
    HOLD(others->futex_calls == 0, "a call meanwhile waits");
    HOLD(is_going_on || status == 0, "the observer did not reach its end");
    if (WIFSTOPPED(status))
        expect_kill(child);
}

void freeze_observe(keyshm_pool *shared_pool, struct freeze_others *shared_others)
{
    pool = shared_pool;
    others = shared_others;
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
        raise(SIGSTOP);
        observe();
        leave_problem();
        _exit(0);
    }
    follow(child);
    take_over_problem();
}

/* ---- attempts to change the membership ---- */

static bool is_holder_named;

static void look_for_holder(enum keyshm_log_level level, const char *message, void *user)
{
    char expected[64];
    (void)user;
    snprintf(expected, sizeof(expected), "the mutex is held by pid %d (", (int)others->holder);
    is_holder_named |= level == KEYSHM_LOG_ERROR && strstr(message, expected) != NULL;
}

static int add(void)
{
    return keyshm_add(pool, FREEZE_INTRUDERS_KEY, NULL);
}

static int remove_kept(void)
{
    return keyshm_remove(pool, others->kept->row.id);
}

static int annotate_kept(void)
{
    return keyshm_set_metadata(pool, others->kept->row.id, "note", "meanwhile");
}

static int make_group(void)
{
    keyshm_id id;
    return keyshm_group(pool, "the group of the intruder", &id);
}

/* It tries for the time that it is allowed; the library's clock may cut off a millisecond at the beginning. */
static void expect_timeout(int (*change)(void))
{
    int64_t start_ns = time_ns(CLOCK_MONOTONIC);
    is_holder_named = false;
    int r = change();
    int64_t tried_ns = time_ns(CLOCK_MONOTONIC) - start_ns;
    HOLD(r == -ETIMEDOUT, "a membership change meanwhile does not give up, and the mutex is held: %d, after %lld us", r,
         (long long)tried_ns / 1000);
    HOLD(is_holder_named, "a membership change meanwhile does not name the holder");
    HOLD(tried_ns >= (INTRUDERS_LOCK_TIMEOUT_MS - 1) * INT64_C(1000000), "a membership change gives up too early");
    others->timeouts += r == -ETIMEDOUT;
}

static void expect_success(void)
{
    int r = add();
    HOLD(r == (others->before->is_full ? -ENOSPC : 0), "an add meanwhile fails, and no process holds the mutex");
    HOLD(!is_holder_named, "a holder is named where there is none");
    others->has_added = r == 0;
}

static void intrude(void)
{
    if (others->holder == 0) {
        expect_success();
        return;
    }
    expect_timeout(add);
    expect_timeout(remove_kept);
    expect_timeout(annotate_kept);
    expect_timeout(make_group);
}

void freeze_intrude(keyshm_pool *shared_pool, struct freeze_others *shared_others)
{
    pool = shared_pool;
    others = shared_others;
    pid_t child = expect_fork();
    if (child == 0) {
        pool->settings.lock_timeout_ms = INTRUDERS_LOCK_TIMEOUT_MS; /* this process's copy */
        keyshm_set_log(look_for_holder, NULL, KEYSHM_LOG_ERROR);
        is_holder_named = false;
        intrude();
        leave_problem();
        _exit(0);
    }
    expect_success_of(child);
    take_over_problem();
}
