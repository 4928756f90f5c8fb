/* SPDX-License-Identifier: MIT */

/*
 * Each call to libc that a public call makes fails in turn, once and for good, with each of its errors. Then the error
 * that comes back is the right one, nothing is left behind, the segment is as it was, and the pool is of use.
 *
 *   calls.c        the public calls
 *   inject.c       the calls that can fail, and what makes them fail
 *   expected.c     what follows
 *   left_behind.c  what there is before and after
 *
 * faults [list | errors]: without an argument, try all; "errors" also prints what each public call returned because of
 * which call, and "list" only what there is to try, both for complete.py. With KEYSHM_LOG in the environment the library
 * writes its messages itself; otherwise all is tried without messages, and once more with a callback.
 */

#include <malloc.h>
#include <sched.h>
#include <sys/mount.h>

#include "calls.h"
#include "expect.h"
#include "expected.h"
#include "inject.h"
#include "left_behind.h"
#include "segment_copy.h"

/* In a directory that others use too there is no end of entries. */
#define SITES_MAX 64

static bool prints_errors;
static unsigned long run_count;
static bool was_reached[FAULT_KINDS];
static bool is_made[FAULT_KINDS]; /* by the call of now */

/* One run: which call of the library's fails, in which public call. */
struct run {
    const struct call *call;
    enum fault_kind kind;
    int error;
    enum fault_mode mode;
    unsigned nth;
};
static struct run run;

/* ---- what the library says ---- */

#define MESSAGES_SIZE 4096
static char *messages; /* shared with children */
static bool listens;

static void listen(enum keyshm_log_level level, const char *message, void *user)
{
    size_t length = strlen(messages);
    (void)user;
    if (level <= KEYSHM_LOG_WARNING)
        snprintf(messages + length, MESSAGES_SIZE - length, "%s\n", message);
}

static void begin_to_listen(void)
{
    messages[0] = '\0';
    if (listens)
        keyshm_set_log(listen, NULL, KEYSHM_LOG_DEBUG);
}

/* ---- one run ---- */

static void print_problem(const char *problem, void *user)
{
    (void)user;
    fprintf(stderr, "verify: %s\n", problem);
}

/* A key comes, is picked, marked, and goes. */
static void expect_use(keyshm_pool *pool)
{
    struct keyshm_pick pick;
    keyshm_id id;
    EXPECT_EQ(keyshm_verify(pool, print_problem, NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-use-abcdefghijklmnop", &id), 0);
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
    EXPECT_EQ(keyshm_mark_invalid(pool, id), 0);
    EXPECT_EQ(keyshm_remove(pool, id), 0);
    EXPECT_EQ(keyshm_verify(pool, print_problem, NULL), 0);
}

static bool is_expected(const struct expected *expected, int64_t r)
{
    switch (expected->outcome) {
    case OUTCOME_RETURNED:
        return r == -run.error;
    case OUTCOME_SAME:
        return r == run.call->normal;
    case OUTCOME_EITHER:
        return r == run.call->normal || r == -run.error;
    default:
        return r == expected->value;
    }
}

static void check_result(int64_t r)
{
    struct expected expected = expected_of(run.call, run.kind, run.error, run.mode);
    if (!inject_has_failed())
        expected = (struct expected){OUTCOME_SAME, 0, NULL};
    if (!is_expected(&expected, r))
        fprintf(stderr, "it returned %lld\n", (long long)r);
    EXPECT(is_expected(&expected, r));
    if (!listens || !inject_has_failed())
        return;
    if (expected.log != NULL)
        EXPECT(strstr(messages, expected.log) != NULL);
    /* Whoever makes or changes a pool finds the reason in the log. */
    if (r < 0 && r != run.call->normal && (run.call->class & (CALL_CREATES | CALL_MEMBERSHIP)) != 0 &&
        strncmp(run.call->function, "keyshm_unlink", strlen("keyshm_unlink")) != 0)
        EXPECT(messages[0] != '\0');
}

static int64_t inject(struct fixture *fixture, unsigned nth)
{
    inject_begin(run.kind, run.error, run.mode, nth);
    int64_t r = run.call->run(fixture);
    inject_end();
    return r;
}

/* What was made although something failed is as good as any. */
static void check_made(const struct fixture *fixture, int64_t r)
{
    if (r < 0) {
        EXPECT(fixture->made.any == &fixture_untouched || strstr(run.call->function, "_free") != NULL);
        return;
    }
    if (fixture->made.any == &fixture_untouched)
        return;
    if ((run.call->class & CALL_CREATES) != 0 ||
        (run.call->class == CALL_ATTACHES && strstr(run.call->function, "readonly") == NULL))
        expect_use(fixture->made.pool);
}

/* For complete.py: which error came back, and because of which call. */
static void print_error(int64_t r)
{
    if (prints_errors && r == -run.error)
        printf("returned %s %s %s\n", run.call->function, strerrorname_np(run.error), faults[run.kind].manual);
}

/* Must the segment be as it was? A membership change that is refused as usual has had the mutex. */
static bool is_unchanged(int64_t r)
{
    if (run.call->waits)
        return false;
    return (r < 0 && r != run.call->normal) || (run.call->class & (CALL_INSPECTS | CALL_LISTS)) != 0;
}

/* Returns whether there was an n-th call to fail. */
static bool try_run(void)
{
    static struct left_behind before, after;
    static struct segment_copy bytes_before, bytes_after;
    struct fixture fixture;
    const struct call *call = run.call;

    fixture_begin(&fixture);
    left_behind_look(&before, expect_name);
    if (call->prepare != NULL)
        call->prepare(&fixture);
    segment_copy_read(&bytes_before, fixture.provider);

    begin_to_listen();
    int64_t r = inject(&fixture, run.nth);
    bool has_failed = inject_has_failed();
    keyshm_set_log(NULL, NULL, KEYSHM_LOG_ERROR);

    check_result(r);
    segment_copy_read(&bytes_after, fixture.provider);
    if (is_unchanged(r))
        EXPECT(bytes_before.size == bytes_after.size &&
               memcmp(bytes_before.bytes, bytes_after.bytes, bytes_before.size) == 0);
    check_made(&fixture, r);
    if (has_failed && r < 0 && r != call->normal) {
        print_error(r);
        /* The same call again, without the failure. */
        r = inject(&fixture, 0);
        EXPECT_EQ(r, call->normal);
        check_made(&fixture, r);
    }
    if (call->release != NULL)
        call->release(&fixture);
    left_behind_look(&after, expect_name);
    left_behind_expect_same(&before, &after);
    expect_use(fixture.pool);
    fixture_end(&fixture);
    run_count++;
    return has_failed;
}

/* ---- all runs ---- */

/* A failed expectation ends the process: say in which run. */
static void print_run(void)
{
    const struct fault *fault = &faults[run.kind];
    if (run.call != NULL)
        fprintf(stderr, "in %s (%s): %s %s (%s), call %u, %s, %s\n", run.call->function,
                run.call->when[0] != '\0' ? run.call->when : "the usual way", fault->function,
                run.nth == 0 ? "does not fail" : "fails", run.nth == 0 ? "-" : strerrorname_np(run.error), run.nth,
                run.mode == FAULT_ONCE ? "once" : "always", listens ? "with a log" : "without a log");
}

static void try_kind(enum fault_kind kind)
{
    run.kind = kind;
    for (int i = 0; i < FAULT_ERRORS_MAX && faults[kind].errors[i] != 0; i++) {
        run.error = faults[kind].errors[i];
        for (run.mode = FAULT_ONCE; run.mode < FAULT_MODES; run.mode++) {
            run.nth = 1;
            while (run.nth <= SITES_MAX && try_run())
                run.nth++;
        }
    }
}

static void try_call(const struct call *call)
{
    run = (struct run){.call = call};
    try_run();
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        was_reached[kind] |= is_made[kind] = inject_calls((enum fault_kind)kind) > 0;
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        if (is_made[kind])
            try_kind((enum fault_kind)kind);
}

static void try_all(void)
{
    for (size_t i = 0; i < call_count; i++)
        try_call(&calls[i]);
}

static int list(void)
{
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        printf("fails %s\n", faults[kind].function);
    for (size_t i = 0; i < cannot_fail_count; i++)
        printf("cannot-fail %s\n", cannot_fail[i].function);
    for (size_t i = 0; i < call_count; i++)
        printf("call %s\n", calls[i].function);
    return 0;
}

/* Others add to /dev/shm and take away at any time. */
static void make_private_shm(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=1777") != 0)
        fprintf(stderr, "with what others have in /dev/shm: unshare(2), mount(2): %s\n", strerror(errno));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "list") == 0)
        return list();
    prints_errors = argc > 1 && strcmp(argv[1], "errors") == 0;
    make_private_shm();
    inject_prepare();
    messages = expect_shared_memory(MESSAGES_SIZE);
    expect_pool_name("faults");
    /* So that /proc/self/maps is the library's doing alone. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    expect_print_context = print_run;
    try_all();
    if (getenv("KEYSHM_LOG") == NULL) {
        listens = true;
        try_all();
    }
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        if (!was_reached[kind] && !faults[kind].is_optional)
            fprintf(stderr, "never made: %s %s\n", faults[kind].function,
                    faults[kind].what != NULL ? faults[kind].what : "");
    run.call = NULL;
    for (int kind = 0; kind < FAULT_KINDS; kind++)
        EXPECT(was_reached[kind] || faults[kind].is_optional);
    printf("total: runs %lu\n", run_count);
    return 0;
}
