/* SPDX-License-Identifier: MIT */

/*
 * A process is stopped by SIGSTOP in the middle of each call in turn, wherever it can make a difference. Meanwhile
 * another process picks, marks, counts, finds and takes a snapshot, each with less than a millisecond of processor time
 * and without a futex(2). A third tries to add, remove, annotate and make a group: it gets -ETIMEDOUT, and a message
 * that names the holder of the mutex, if and only if the first really holds it. Then the first goes on (SIGCONT), and
 * its late stores harm nothing: what each of the three did has happened, and nothing else.
 *
 *   freeze [STRIDE [OPERATION]]
 *       at every STRIDE-th of the moments
 *
 * An instruction that neither touches the pool nor calls the system is seen by nobody else: to stop before it or after
 * it is the same. So the moments are those before the others, in the C library too. Of a call that maps a segment of
 * its own it is not known which touch it: there they are those in keyshm's own code, and before a call of the system.
 * What the C library does for it beside (it copies the header, which nobody changes; else it works on strings and
 * lists) is taken each 11th time.
 */

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/ptrace.h>

#include "expect.h"
#include "freeze.h"
#include "lock.h"
#include "operations.h"
#include "pool.h"
#include "problem.h"
#include "tracer.h"

/* The time limit is for one victim, and only there so that nothing hangs for ever. */
enum { PROBLEMS_SHOWN = 5, TIME_LIMIT_S = 280, LESSONS = 4, ATTEMPTS = 4, LIBC_STRIDE = 11 };

static struct tracer_walk walk;
static bool is_named; /* the pool of the world; if not, the victim may make a named one */
static struct freeze_state before, done;
static struct freeze_others *others;

/* ---- the table ---- */

struct row {
    long instructions;
    long stops;
    long strays;   /* victims that took another way, and could not be stopped where they should */
    long held;     /* stops with the mutex in hand */
    long timeouts; /* of membership changes, ATTEMPTS at each of those */
    long system_calls, futex_calls;
    long broken;
    int64_t longest_call_ns;
};

static struct row total;
static long all_broken;

static void print_head(void)
{
    printf("%-28s %12s %8s %8s %8s %8s %8s %12s %8s %8s\n", "operation", "instructions", "stops", "strays", "held",
           "timeouts", "most us", "system calls", "futex", "broken");
}

static void finish_row(const struct operation *operation, const struct row *row)
{
    printf("%-28s %12ld %8ld %8ld %8ld %8ld %8.1f %12ld %8ld %8ld\n", operation->name, row->instructions, row->stops,
           row->strays, row->held, row->timeouts, (double)row->longest_call_ns / 1e3, row->system_calls, row->futex_calls,
           row->broken);
    fflush(stdout);
    EXPECT(row->strays <= operation_strays_max(operation, row->stops));
    EXPECT(row->broken > 0 || row->timeouts == ATTEMPTS * row->held);
    total.instructions += row->instructions;
    total.stops += row->stops;
    total.broken += row->broken;
}

static void count(struct row *row)
{
    row->stops++;
    row->held += others->holder != 0;
    row->timeouts += others->timeouts;
    row->system_calls += others->system_calls;
    row->futex_calls += others->futex_calls;
    row->broken += problem_text()[0] != '\0';
    if (others->longest_call_ns > row->longest_call_ns)
        row->longest_call_ns = others->longest_call_ns;
}

static void print_problem(const char *name, size_t index)
{
    struct tracer_place place = tracer_place_of(walk.moments[index].address);
    if (problem_text()[0] == '\0' || all_broken++ >= PROBLEMS_SHOWN)
        return;
    printf("broken: %s: frozen at instruction %zu (%s + %#lx)%s: %s\n", name, index, place.object, place.offset,
           others->holder != 0 ? ", with the mutex in hand" : "", problem_text());
}

/* ---- a victim ---- */

/* By the word that the kernel reads, too. */
static bool is_held_by(pid_t process)
{
    const _Atomic uint32_t *futex = (const void *)(world_pool()->header->mutex + world_pool()->mutex_word_offset);
    return (atomic_load(futex) & FUTEX_TID_MASK) == (uint32_t)process;
}

/* From here on it is stopped as any process can be, no longer by the tracer: the signal arrives before it executes
 * another instruction. It is in a process group of its own, because the kernel continues the stopped processes of a
 * group that becomes an orphan (_exit(2)): that of a job in the background does when its shell ends. */
static void stop(pid_t victim)
{
    int status;
    EXPECT_EQ(setpgid(victim, victim), 0);
    EXPECT_EQ(ptrace(PTRACE_DETACH, victim, NULL, SIGSTOP), 0);
    EXPECT_EQ(waitpid(victim, &status, WUNTRACED), victim);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void go_on(pid_t victim)
{
    int status;
    EXPECT_EQ(kill(victim, SIGCONT), 0);
    EXPECT_EQ(waitpid(victim, &status, 0), victim);
    HOLD(status == 0, "the victim's call fails");
}

/* What a victim that went astray may have left, too. */
static void restore(const void *image)
{
    world_restore(image);
    if (!is_named)
        keyshm_unlink(expect_name);
}

/* False when it was not reached. */
static bool freeze_at(const struct operation *operation, const struct world_image *image, size_t index)
{
    pid_t victim = tracer_start_at(operation->act, &walk, index, restore, image);
    if (victim == 0) {
        restore(image);
        return false;
    }
    bool is_held = is_held_by(victim);
    stop(victim);
    *others = (struct freeze_others){.before = &before,
                                     .done = &done,
                                     .kept = others->kept,
                                     .released = others->released,
                                     .holder = is_held ? victim : 0};
    freeze_observe(world_pool(), others);
    freeze_intrude(world_pool(), others);
    HOLD(is_held_by(victim) == is_held, "the mutex has changed hands meanwhile");
    go_on(victim);
    freeze_judge(world_pool(), operation, others);
    return true;
}

/* ---- the runs ---- */

static bool is_untouched(const struct freeze_key *key)
{
    const struct freeze_key *after = freeze_key_of_id(&done, key->row.id);
    return key->row.benched_by == 0 && after != NULL && after->row.benched_by == 0 &&
           memcmp(key->row.marked, after->row.marked, sizeof(key->row.marked)) == 0 &&
           key->row.picks == after->row.picks && strcmp(key->note, after->note) == 0;
}

/* For the others: the last and the first of the keys that the victim has nothing to do with. */
static void choose_keys(void)
{
    others->kept = others->released = NULL;
    for (unsigned i = 0; i < before.count; i++)
        if (is_untouched(&before.keys[i])) {
            others->kept = &before.keys[i];
            others->released = others->released != NULL ? others->released : others->kept;
        }
    EXPECT(others->kept != others->released);
}

/* In place of what tracer_record_shared() finds out. */
static void look_at_mapping(pid_t victim, size_t index)
{
    uintptr_t address = walk.moments[index].address;
    walk.moments[index].is_shared =
        tracer_is_of_program(address) || tracer_is_system_call(victim, address) || index % LIBC_STRIDE == 0;
}

static void record(const struct operation *operation)
{
    const struct keyshm_pool *pool = world_pool();
    const struct tracer_memory memories[TRACER_MEMORIES] = {{pool->header, pool->settings.segment_bytes}};
    if (operation->maps)
        tracer_record(operation->act, look_at_mapping, &walk);
    else
        tracer_record_shared(operation->act, memories, &walk);
}

/* Records the walk, and the state of the world without the call and with it. Only the last of the lessons counts: the C
 * library does some things once in a process, and its heap changes at first. */
static void learn(const struct operation *operation, const struct world_image *image)
{
    freeze_read_state(world_pool(), !operation->is_named, &before);
    for (int i = 0; i < LESSONS; i++) {
        world_restore(image);
        record(operation);
        freeze_read_state(world_pool(), !operation->is_named, &done);
    }
    EXPECT(problem_text()[0] == '\0');
    choose_keys();
}

static void freeze_everywhere(const struct operation *operation, size_t stride)
{
    struct row row = {.instructions = 0};
    size_t moments = 0; /* seen so far */
    world_begin(operation);
    struct world_image *image = world_save();
    is_named = operation->is_named;
    learn(operation, image);
    row.instructions = (long)walk.count;
    for (size_t i = 0; i < walk.count; i++) {
        if (!walk.moments[i].is_shared || moments++ % stride != 0)
            continue;
        alarm(TIME_LIMIT_S);
        problem_forget();
        if (freeze_at(operation, image, i)) {
            count(&row);
            print_problem(operation->name, i);
        } else {
            row.strays++;
        }
    }
    problem_forget();
    finish_row(operation, &row);
    free(image);
    world_end();
}

int main(int argc, char **argv)
{
    const struct operation *operations[OPERATIONS_MAX];
    size_t stride = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (argc > 3 || stride == 0) {
        fprintf(stderr, "usage: freeze [STRIDE [OPERATION]]\n");
        return 2;
    }
    expect_pool_name("freeze");
    if (!tracer_is_possible())
        return 77;
    others = expect_shared_memory(sizeof(*others));
    print_head();
    unsigned operation_count = operations_in(FROZEN, operations);
    for (unsigned i = 0; i < operation_count; i++)
        if (operation_is_meant(operations[i], argc > 2 ? argv[2] : NULL))
            freeze_everywhere(operations[i], stride);
    printf("total: instructions %ld, runs %ld, broken %ld\n", total.instructions, total.stops, total.broken);
    return total.broken > 0 ? 1 : 0;
}
