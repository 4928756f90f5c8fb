/* SPDX-License-Identifier: MIT */

/*
 * Two processes, A and B, do one operation each, and are stopped in the middle of it. What both returned and what the
 * pool then holds must be what a serial order of their steps gives (linearizability; Herlihy and Wing, 1990): all of it,
 * down to counters and to the keys that are picked from then on. Every operation is one step, but for those that are two
 * calls: another may come between them.
 *
 *   interleave [STRIDE [SHARED_STRIDE [TARGET]]]
 *       A stops, B runs as a whole, A goes on to its end: every ordered pair of operations, A stopped at each of its
 *       instructions, those in the C library included
 *   interleave two [STRIDE [SHARED_STRIDE [TARGET]]]
 *       A stops, B stops, A goes on to its end, B goes on to its end: every ordered pair of operations that take no
 *       lock, but for the snapshot, which writes nothing and reads much; by processes that have made a pick before. Of
 *       those about groups and models, the picks and marks: the others go through the same code as for keys
 *
 * An instruction that neither touches the segment nor calls the system commutes with all that another process does: it
 * makes no difference whether a process stops before or after it. So it is enough to stop before the others (is_shared in
 * tracer.h). And of these:
 *  - One that only reads commutes with what the other does meanwhile, if that has not changed the line it reads: stopped
 *    after it instead of before it, a process sees the same, and so does the other. What the other has changed is seen by
 *    comparing the segment before and after. (The one that stands still is A, and of two stops B, while A ends.)
 *  - Of two stops, A's next instruction commutes with all that B has done until its stop, unless both touch the same line
 *    and one of them writes to it. If it commutes, A may as well stop later, before the next of its own instructions that
 *    touches the segment; and that is among the stops.
 * Of one stop, each STRIDE-th instruction is a stop even so, as a test of the above: with any STRIDE every interleaving
 * that can make a difference is run. (Of two stops, each STRIDE-th combination is run.)
 *
 * A SHARED_STRIDE makes a sample of the others too: A stops at each SHARED_STRIDE-th of them only. A TARGET is one of the
 * settings in meeting.c.
 *
 * A pick never gives a key that was removed, invalid or cooling for the whole of the call: the picks of the serial orders
 * do not (run_in_order() looks), and the key that was picked has to be that of one of these.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "expect.h"
#include "meeting.h"
#include "operations.h"
#include "tracer.h"
#include "virtual_clock.h"

enum { A, B, PAIR };
enum { PROBLEMS_SHOWN = 5, STRAYS_ONE_IN = 100, LESSONS = 3, ORDERS_MAX = 6, NO_STOP = -1 };

static const struct setting *setting;
static const struct operation *operations[OPERATIONS_MAX];
static unsigned operation_count;
static const struct operation *pair[PAIR];
static struct tracer_walk walks[PAIR];
static size_t shared_stride = 1;
static bool is_two;

struct history {
    struct result of[PAIR][STEPS_MAX];
    uint64_t state;
    uint64_t used_ns[MEETING_RATES]; /* of limits */
};

static struct history *seen;    /* shared with the children */
static _Atomic unsigned *begun; /* the same: so many steps A has begun */

static unsigned count_steps(const struct operation *operation)
{
    return operation->steps[1] != NULL ? 2 : 1;
}

static void run(int side)
{
    if (is_two || setting->is_limited)
        meeting_enter();
    for (unsigned i = 0; i < count_steps(pair[side]); i++) {
        if (side == A)
            atomic_store(begun, i + 1);
        seen->of[side][i] = pair[side]->steps[i](meeting_now());
    }
}

static void run_a(void)
{
    run(A);
}

static void run_b(void)
{
    run(B);
}

/* The clock stands still. */
static const struct tracer_memory *shared_memory(void)
{
    static struct tracer_memory memories[TRACER_MEMORIES];
    memories[0] = (struct tracer_memory){meeting_memory(), meeting_bytes()};
    return memories;
}

static void begin_run(void)
{
    memset(seen, 0, sizeof(*seen));
    atomic_store(begun, 0);
    meeting_restore();
}

/* ---- serial orders ---- */

static struct history orders[ORDERS_MAX];
static unsigned choices[ORDERS_MAX]; /* bit i: the side that makes step i */
static unsigned order_count;

static void load_state(void)
{
    if (setting->is_limited)
        meeting_load_used(seen->used_ns);
    seen->state = meeting_state();
}

/* One order of all steps: bit i of `choice` is the side that makes step i. */
static void run_in_order(unsigned choice)
{
    unsigned done[PAIR] = {0};
    begin_run();
    for (unsigned i = 0; i < count_steps(pair[A]) + count_steps(pair[B]); i++) {
        unsigned side = choice >> i & 1;
        struct result result = pair[side]->steps[done[side]](meeting_now());
        EXPECT(!pair[side]->is_pick || meeting_may_give(&result, pair[side]->model != 0 ? meeting_now()->model : 0));
        seen->of[side][done[side]++] = result;
    }
    EXPECT(meeting_problem() == NULL);
    load_state();
    choices[order_count] = choice;
    orders[order_count++] = *seen;
}

/* An end of a lease charges what it has held before it no longer holds it, lest somebody sees neither. Who asks in between sees
 * both, and may be refused: then it has done nothing. And who is refused for what a dead one has may find that out later. */
static void add_refusal(int side)
{
    begin_run();
    seen->of[!side][0] = pair[!side]->steps[0](meeting_now());
    seen->of[side][0] = (struct result){.value = -EAGAIN};
    load_state();
    choices[order_count] = 1 << (side == A);
    orders[order_count++] = *seen;
}

static void find_orders(void)
{
    unsigned steps = count_steps(pair[A]) + count_steps(pair[B]);
    order_count = 0;
    for (unsigned choice = 0; choice < 1u << steps; choice++)
        if ((unsigned)__builtin_popcount(choice) == count_steps(pair[B]))
            run_in_order(choice);
    if (pair[A]->ends_lease && pair[B]->may_be_refused)
        add_refusal(B);
    if ((is_two || setting->is_of_dead) && pair[B]->ends_lease && pair[A]->may_be_refused)
        add_refusal(A);
}

/* ---- the table ---- */

struct row {
    long instructions; /* of A */
    long stops;        /* those of them at which it was stopped */
    long runs;
    long strays; /* processes that took another way, and could not be stopped where they should */
    long waited; /* for the mutex */
    long broken;
    long given_by[ORDERS_MAX];
};

static struct row row, total;

static void print_head(void)
{
    printf("%-14s %-30s %-30s %12s %7s %7s %7s %7s %7s  %s\n", "target", "A", "B", "instructions", "stops", "runs",
           "strays", "waited", "broken", "as in serial order");
}

static void finish_row(void)
{
    printf("%-14s %-30s %-30s %12ld %7ld %7ld %7ld %7ld %7ld ", setting->name, pair[A]->name, pair[B]->name,
           row.instructions, row.stops, row.runs, row.strays, row.waited, row.broken);
    for (unsigned i = 0; i < order_count; i++)
        printf(" %ld", row.given_by[i]);
    printf("\n");
    fflush(stdout);
    EXPECT(row.strays * STRAYS_ONE_IN <= row.runs);
    total.instructions += row.instructions;
    total.runs += row.runs;
    total.broken += row.broken;
}

static void print_stop(int side, long stop)
{
    printf("    %c: %s", 'A' + side, pair[side]->name);
    if (stop != NO_STOP) {
        struct tracer_place place = tracer_place_of(walks[side].moments[stop].address);
        printf(", stopped at instruction %ld (%s + %#lx)", stop, place.object, place.offset);
    }
    printf("\n");
}

static void print_outcome(const char *name, const struct history *outcome)
{
    printf("    %s: state %#llx\n", name, (unsigned long long)outcome->state);
    for (int i = 0; i < MEETING_RATES; i++)
        if (outcome->used_ns[i] != 0)
            printf("        rate %d: %llu ns\n", i, (unsigned long long)outcome->used_ns[i]);
    for (int side = 0; side < PAIR; side++)
        for (unsigned i = 0; i < count_steps(pair[side]); i++)
            printf("        %c: %lld, id %#llx, content %#llx\n", 'A' + side, outcome->of[side][i].value,
                   (unsigned long long)outcome->of[side][i].id, (unsigned long long)outcome->of[side][i].content);
}

static void report_problem(const char *problem, long a_stop, long b_stop)
{
    row.broken++;
    if (total.broken + row.broken > PROBLEMS_SHOWN)
        return;
    printf("broken: the target is %s: %s\n", setting->name, problem);
    print_stop(A, a_stop);
    print_stop(B, b_stop);
    print_outcome("seen", seen);
    for (unsigned i = 0; i < order_count; i++)
        print_outcome("serial order", &orders[i]);
}

/* Was as much used as in that order? It may be more, never less, where two charge the same, or what is charged is
 * forgotten at the same time. */
static bool is_same_use(const struct history *order)
{
    bool ends_a = pair[A]->ends_lease || setting->is_of_dead, ends_b = pair[B]->ends_lease || setting->is_of_dead;
    bool is_same = true, may_be_more = (ends_a && ends_b) || pair[A]->forgets_use || pair[B]->forgets_use;
    for (int i = 0; i < MEETING_RATES; i++)
        is_same &= seen->used_ns[i] == order->used_ns[i] || (may_be_more && seen->used_ns[i] > order->used_ns[i]);
    return is_same;
}

/* Where limits meet, the order in time counts, too: what B does comes before the steps of A that begin later, and after
 * those that had ended. (Elsewhere what A has done may be found a little later, as a hint.) */
static bool is_in_time(unsigned order, unsigned steps_begun)
{
    unsigned of_a = 0;
    for (unsigned i = 0; i < count_steps(pair[A]) + count_steps(pair[B]); i++) {
        bool is_of_b = (choices[order] >> i & 1) != 0;
        if (is_of_b && (of_a + 1 < steps_begun || of_a > steps_begun))
            return false;
        of_a += !is_of_b;
    }
    return true;
}

static bool is_as_in(unsigned order, unsigned steps_begun)
{
    return memcmp(orders[order].of, seen->of, sizeof(seen->of)) == 0 && orders[order].state == seen->state &&
           is_same_use(&orders[order]) && (!setting->is_limited || is_in_time(order, steps_begun));
}

/* Of A, when B was run. */
static unsigned steps_begun;

static void judge(long a_stop, long b_stop)
{
    unsigned i = 0;
    const char *problem = meeting_problem();
    load_state();
    while (i < order_count && !is_as_in(i, steps_begun))
        i++;
    row.runs++;
    if (problem != NULL || i == order_count)
        report_problem(problem != NULL ? problem : "no serial order gives this", a_stop, b_stop);
    else
        row.given_by[i]++;
}

/* ---- what commutes ---- */

/* What some instructions have done to each line of the segment. */
enum { LINE_BYTES = 64, TOUCHED = 1, WRITTEN = 2 };
struct touched {
    bool all; /* one of them may have written to any */
    unsigned char *lines;
};

static size_t line_of(uintptr_t address)
{
    const void *begin = meeting_memory();
    return (address - (uintptr_t)begin) / LINE_BYTES;
}

static size_t last_line_of(const struct tracer_moment *moment)
{
    return line_of(moment->touched + TRACER_TOUCHED_BYTES - 1);
}

static void *room_for(size_t bytes)
{
    void *room = malloc(bytes);
    EXPECT(room != NULL);
    return room;
}

static struct touched no_touched(void)
{
    return (struct touched){.lines = room_for(meeting_bytes() / LINE_BYTES + 1)};
}

static void forget_touched(struct touched *touched)
{
    touched->all = false;
    memset(touched->lines, 0, meeting_bytes() / LINE_BYTES + 1);
}

static void touch(struct touched *touched, const struct tracer_moment *moment)
{
    touched->all |= moment->touched == 0;
    if (touched->all)
        return;
    for (size_t line = line_of(moment->touched); line <= last_line_of(moment); line++)
        touched->lines[line] |= moment->is_write ? TOUCHED | WRITTEN : TOUCHED;
}

static bool commutes(const struct tracer_moment *moment, const struct touched *touched)
{
    unsigned seen_there = 0;
    if (moment->touched == 0 || touched->all)
        return false;
    for (size_t line = line_of(moment->touched); line <= last_line_of(moment); line++)
        seen_there |= touched->lines[line];
    return (seen_there & (moment->is_write ? TOUCHED : WRITTEN)) == 0;
}

/* What one has changed while the other stood still. */
static struct touched meanwhile;
static unsigned char *before; /* the segment, when the other began to stand still */

static void begin_meanwhile(void)
{
    memcpy(before, meeting_memory(), meeting_bytes());
}

static void end_meanwhile(void)
{
    const unsigned char *now = meeting_memory();
    forget_touched(&meanwhile);
    for (size_t at = 0; at < meeting_bytes(); at += LINE_BYTES)
        if (memcmp(before + at, now + at, LINE_BYTES) != 0)
            meanwhile.lines[at / LINE_BYTES] = WRITTEN;
}

/* May the one that stands still as well stand after its next instruction? */
static bool is_same_after(const struct tracer_moment *next)
{
    return !next->is_shared || (!next->is_write && commutes(next, &meanwhile));
}

/* ---- one stop ---- */

static void restore(const void *unused)
{
    (void)unused;
    begin_run();
}

/* A, alone. 0 when each one has gone astray. */
static pid_t begin_with_a(size_t stop)
{
    pid_t a = tracer_start_at(run_a, &walks[A], stop, restore, NULL);
    row.strays += a == 0;
    return a;
}

/* False when A has gone astray. */
static bool stop_once(size_t stop)
{
    pid_t a = begin_with_a(stop);
    if (a == 0)
        return false;
    bool waits = pair[B]->takes_mutex && meeting_is_locked();
    row.waited += waits;
    steps_begun = atomic_load(begun);
    begin_meanwhile();
    if (!waits)
        run_b();
    end_meanwhile();
    tracer_finish(a);
    if (waits) {
        steps_begun = atomic_load(begun);
        run_b();
    }
    judge((long)stop, NO_STOP);
    return true;
}

/* `offset` differs from pair to pair, so that a sample is not of the same instructions for all. */
static void run_one_stop(size_t stride, size_t offset)
{
    size_t shared = offset; /* those seen so far that may make a difference */
    bool is_same = false;   /* as the stop that was run last */
    for (size_t i = 0; i < walks[A].count; i++) {
        const struct tracer_moment *moment = &walks[A].moments[i];
        bool is_chosen = moment->is_shared && !is_same ? shared++ % shared_stride == 0 : (i + offset) % stride == 0;
        if (is_chosen) {
            row.stops++;
            is_same = stop_once(i);
        }
        is_same = is_same && is_same_after(moment);
    }
}

/* ---- two stops ---- */

/* Beside A. 0 when it has gone astray. */
static pid_t start_b(size_t stop)
{
    pid_t b = tracer_start(run_b);
    if (tracer_reach(b, &walks[B], stop))
        return b;
    tracer_kill(b);
    return 0;
}

/* Both. False when one of the two has gone astray, each time. */
static bool begin_with_both(size_t a_stop, size_t b_stop, pid_t ret_both[PAIR])
{
    for (int tries = 0; tries < TRACER_TRIES; tries++) {
        ret_both[A] = begin_with_a(a_stop);
        ret_both[B] = ret_both[A] != 0 ? start_b(b_stop) : 0;
        if (ret_both[B] != 0)
            return true;
        if (ret_both[A] != 0)
            tracer_kill(ret_both[A]);
    }
    row.strays++;
    return false;
}

/* False when a process has gone astray. */
static bool stop_twice(size_t a_stop, size_t b_stop)
{
    pid_t both[PAIR];
    if (!begin_with_both(a_stop, b_stop, both))
        return false;
    steps_begun = 1; /* of one */
    begin_meanwhile();
    tracer_finish(both[A]);
    end_meanwhile();
    tracer_finish(both[B]);
    judge((long)a_stop, (long)b_stop);
    return true;
}

/* The way that B goes depends on what A has done so far. `known` is the pool for which its walk was recorded last. */
static bool learn_b(size_t a_stop, unsigned char *known)
{
    pid_t a = begin_with_a(a_stop);
    if (a == 0)
        return false;
    tracer_kill(a);
    if (walks[B].count == 0 || memcmp(known, meeting_memory(), meeting_bytes()) != 0) {
        memcpy(known, meeting_memory(), meeting_bytes());
        tracer_record_shared(run_b, shared_memory(), &walks[B]);
    }
    return true;
}

/* A stops at a_stop, B at each moment that makes a difference. */
static void stop_b(size_t a_stop, size_t stride, size_t *combination, struct touched *touched)
{
    bool is_same = false; /* as the combination that was run last */
    forget_touched(touched);
    for (size_t i = 0; i < walks[B].count; i++) {
        const struct tracer_moment *moment = &walks[B].moments[i];
        if (!moment->is_shared)
            continue;
        if (!is_same && !commutes(&walks[A].moments[a_stop], touched) && (*combination)++ % stride == 0)
            is_same = stop_twice(a_stop, i);
        is_same = is_same && is_same_after(moment);
        touch(touched, moment);
    }
}

static void run_two_stops(size_t stride, size_t offset)
{
    size_t combination = offset, shared = offset;
    unsigned char *known = room_for(meeting_bytes());
    struct touched touched = no_touched();
    walks[B].count = 0;
    for (size_t i = 0; i < walks[A].count; i++) {
        if (!walks[A].moments[i].is_shared || shared++ % shared_stride != 0 || !learn_b(i, known))
            continue;
        row.stops++;
        stop_b(i, stride, &combination, &touched);
    }
    free(touched.lines);
    free(known);
}

/* ---- all pairs ---- */

/* The C library does some things once in the life of a process: before its children are recorded. */
static void warm_up(void)
{
    for (int lesson = 0; lesson < LESSONS; lesson++) {
        for (unsigned i = 0; i < operation_count; i++) {
            pair[A] = operations[i];
            begin_run();
            run_a();
        }
    }
}

static bool do_meet_twice(const struct operation *a, const struct operation *b)
{
    return (b->proofs & setting->proof_twice) != 0 && !(setting->is_for_marks && a->is_pick && b->is_pick);
}

static void run_pairs_of(const struct operation *a, size_t stride)
{
    pair[A] = a;
    begin_run();
    tracer_record_shared(run_a, shared_memory(), &walks[A]);
    for (unsigned i = 0; i < operation_count; i++) {
        if (operations[i]->is_only_a || (is_two && !do_meet_twice(a, operations[i])))
            continue;
        pair[B] = operations[i];
        row = (struct row){.instructions = (long)walks[A].count};
        expect_end_in_time(); /* for each pair */
        find_orders();
        (is_two ? run_two_stops : run_one_stop)(stride, i);
        finish_row();
    }
}

static void run_setting(size_t stride)
{
    meeting_begin(setting);
    before = room_for(meeting_bytes());
    meanwhile = no_touched();
    operation_count = operations_in(setting->proof, operations);
    warm_up();
    for (unsigned i = 0; i < operation_count; i++)
        if (!is_two || (operations[i]->proofs & setting->proof_twice) != 0)
            run_pairs_of(operations[i], stride);
    free(meanwhile.lines);
    free(before);
    meeting_end();
}

int main(int argc, char **argv)
{
    is_two = argc > 1 && strcmp(argv[1], "two") == 0;
    int options = is_two ? 2 : 1;
    size_t stride = argc > options ? strtoul(argv[options], NULL, 10) : 1;
    if (argc > options + 1)
        shared_stride = strtoul(argv[options + 1], NULL, 10);
    const char *only_or_null = argc > options + 2 ? argv[options + 2] : NULL;
    if (argc > options + 3 || stride == 0 || shared_stride == 0) {
        fprintf(stderr, "usage: interleave [two] [STRIDE [SHARED_STRIDE [TARGET]]]\n");
        return 2;
    }
    if (!tracer_is_possible())
        return 77;
    virtual_clock_begin();
    seen = expect_shared_memory(sizeof(*seen));
    begun = expect_shared_memory(sizeof(*begun));
    print_head();
    for (setting = settings; setting < settings + setting_count; setting++)
        if (only_or_null == NULL || strcmp(only_or_null, setting->name) == 0)
            run_setting(stride);
    printf("total: instructions %ld, runs %ld, broken %ld\n", total.instructions, total.runs, total.broken);
    return total.broken > 0 ? 1 : 0;
}
