/* SPDX-License-Identifier: MIT */

/*
 * A process is SIGKILLed in the middle of each call in turn, in the C library too, and the pool is judged by a survivor
 * (judge.c). Nothing is broken: the call has happened, or has not.
 *
 * Others see of a dead process the bytes of the segment, what the kernel does about its robust list, and what it has
 * asked the kernel to do. Where an instruction has changed none of these, nothing else can come of a death after it
 * than of one before it. So with a STRIDE of 1 a process is killed after each instruction that has, and after each 11th
 * of the others besides. (What it stores in a segment of its own, that has no name yet, nobody sees.)
 *
 *   kill kill [STRIDE [OPERATION]]
 *       a STRIDE makes a sample of both; of a large one, more of the first kind are left
 *   kill ready [STRIDE [OPERATION]]
 *       the same of what makes a key available, or soon; then nothing happens but picks, and no key stays hidden for
 *       more than a second (judge_ready.c)
 *   kill recovery [STRIDE [OPERATION]]
 *       a victim is killed wherever it has just changed the segment with the mutex in hand; the process that recovers
 *       is killed as above, but of the others after each 101st; and a third recovers. A large STRIDE makes a sample of the
 *       first, too
 */

#include <stdlib.h>

#include "expect.h"
#include "judge.h"
#include "tracer.h"
#include "virtual_clock.h"

/* The time limit is for one operation, and only there so that nothing hangs for ever. */
enum {
    PROBLEMS_SHOWN = 5,
    TIME_LIMIT_S = 1200,
    LESSONS = 4,
    TICK_MS = 10,
    OTHERS_STRIDE = 11,
    RECOVERY_OTHERS_STRIDE = 101,
    FIRST_STRIDE_DIVISOR = 256
};

/*
 * The next membership change by a survivor must take less than 100 ms, and takes a fraction of one. But that is elapsed
 * time, and a busy machine may give the processor to others for as long: one late victim in a thousand says nothing about
 * the library. A library that is slow after a certain instruction is slow there each time, which is more often (and a
 * survivor that is held up for 2 s fails at once: judge.c).
 */
enum { CHANGE_IN_TIME_MS = 100, LATE_ONE_IN = 1000 };

/* What is known of each moment of a walk besides. */
struct fact {
    bool is_locked;   /* the victim holds the mutex */
    bool is_changing; /* and the instruction before has changed the segment */
    bool is_visible;  /* the instruction before has changed what others see of its death */
    uintptr_t changed_by;
};

static struct route {
    struct tracer_walk walk;
    struct fact facts[TRACER_MOMENTS_MAX];
} first_route, second_route;

static void look(struct route *route, pid_t victim, size_t index)
{
    bool is_locked = world_is_locked_by(victim), has_changed = world_has_changed();
    bool has_list_changed = tracer_has_robust_list_changed(victim);
    bool is_after_call = index > 0 && tracer_is_system_call(victim, route->walk.moments[index - 1].address);
    route->facts[index] = (struct fact){
        .is_locked = is_locked,
        .is_changing = index > 0 && has_changed && is_locked,
        .is_visible = index == 0 || has_changed || has_list_changed || is_after_call,
        .changed_by = index > 0 ? route->walk.moments[index - 1].address : 0,
    };
}

static void look_at_first(pid_t victim, size_t index)
{
    look(&first_route, victim, index);
}

static void look_at_second(pid_t victim, size_t index)
{
    look(&second_route, victim, index);
}

/* ---- the table ---- */

struct row {
    long instructions;
    long victims;
    long strays;    /* victims that took another way, and could not be killed where they should */
    long locked;    /* killed with the mutex in hand */
    long half_done; /* in the middle of filling or wiping a slot */
    long outcomes[OUTCOMES];
    long hidden; /* after which a key was found by the sweep only */
    int64_t hidden_ms;
    long late;
    double change_ms;
    long broken;
};

static struct row total;
static long all_broken;

static void print_head(void)
{
    printf("%-28s %12s %8s %6s %7s %9s %7s %7s %7s %9s %5s %9s %7s\n", "operation", "instructions", "victims", "strays",
           "locked", "half-done", "old", "new", "hidden", "hidden ms", "late", "change ms", "broken");
}

static void add_to_total(const struct row *row)
{
    total.instructions += row->instructions;
    total.victims += row->victims;
    for (int outcome = 0; outcome < OUTCOMES; outcome++)
        total.outcomes[outcome] += row->outcomes[outcome];
    total.late += row->late;
    total.broken += row->broken;
}

static void finish_row(const struct operation *operation, const struct row *row)
{
    printf("%-28s %12ld %8ld %6ld %7ld %9ld %7ld %7ld %7ld %9lld %5ld %9.2f %7ld\n", operation->name, row->instructions,
           row->victims, row->strays, row->locked, row->half_done, row->outcomes[OLD], row->outcomes[NEW], row->hidden,
           (long long)row->hidden_ms, row->late, row->change_ms, row->broken);
    fflush(stdout);
    EXPECT(row->strays <= operation_strays_max(operation, row->victims));
    EXPECT(row->broken > 0 || row->outcomes[OLD] > 0);
    add_to_total(row);
}

/* One is allowed also of less than a thousand. */
static bool are_too_many_late(void)
{
    return total.late > 1 && total.late * LATE_ONE_IN > total.victims;
}

static void finish_total(void)
{
    if (are_too_many_late()) {
        printf("broken: after %ld victims the next membership change took more than %d ms\n", total.late,
               CHANGE_IN_TIME_MS);
        total.broken += total.late;
    }
    printf("total: instructions %ld, runs %ld, old %ld, new %ld, broken %ld\n", total.instructions, total.victims,
           total.outcomes[OLD], total.outcomes[NEW], total.broken);
}

static void count(struct row *row, const struct verdict *verdict)
{
    row->victims++;
    row->hidden += verdict->hidden_ms > 0;
    row->late += verdict->change_ms > CHANGE_IN_TIME_MS;
    row->broken += verdict->problem[0] != '\0';
    if (verdict->problem[0] == '\0')
        row->outcomes[verdict->outcome]++;
    if (verdict->hidden_ms > row->hidden_ms)
        row->hidden_ms = verdict->hidden_ms;
    if (verdict->change_ms > row->change_ms)
        row->change_ms = verdict->change_ms;
}

static void print_problem(const char *name, const struct route *route, size_t index, const struct verdict *verdict)
{
    struct tracer_place place = tracer_place_of(route->walk.moments[index].address);
    if (verdict->problem[0] == '\0' || all_broken++ >= PROBLEMS_SHOWN)
        return;
    printf("broken: %s: killed at instruction %zu (%s + %#lx)%s: %s\n", name, index, place.object, place.offset,
           route->facts[index].is_locked ? ", with the mutex in hand" : "", verdict->problem);
}

/* ---- the runs ---- */

typedef void judge_fn(const struct victim victims[VICTIMS_MAX], bool by_adding, struct verdict *ret_verdict);
static judge_fn *judge_survivors = judge;

/* In that world. False when each one that was started took another way than recorded. */
static bool kill_at(const struct operation *operation, const struct world_image *image, const struct route *route,
                    size_t index, pid_t *ret_process)
{
    bool is_reached = false;
    for (int tries = 0; tries < TRACER_TRIES && !is_reached; tries++) {
        world_restore(image);
        pid_t process = tracer_start(operation->act);
        is_reached =
            tracer_reach(process, &route->walk, index) && world_is_locked_by(process) == route->facts[index].is_locked;
        tracer_kill(process);
        if (!is_reached && !operation->is_named)
            keyshm_unlink(expect_name); /* it may have made the pool before it was noticed */
        *ret_process = process;
    }
    return is_reached;
}

/* The moments of a walk at which its process is killed. */
struct choice {
    size_t visible_stride, others_stride;
    size_t visible, others; /* seen so far */
};

static struct choice choose(size_t stride, size_t others_stride, size_t begin)
{
    return (struct choice){
        .visible_stride = 1 + stride / 32, .others_stride = stride * others_stride, .visible = begin, .others = begin};
}

/* To be asked of each moment in turn. The last one is always chosen. */
static bool is_chosen(struct choice *choice, const struct route *route, size_t index)
{
    bool is_meant = route->facts[index].is_visible ? choice->visible++ % choice->visible_stride == 0
                                                   : choice->others++ % choice->others_stride == 0;
    return is_meant || index + 1 == route->walk.count;
}

/* In that world, kill the last of the victims all along the route of its operation. */
static void kill_along(struct victim victims[VICTIMS_MAX], const char *name, const struct world_image *image,
                       const struct route *route, struct choice choice, struct row *row)
{
    struct victim *last = victims[1].operation != NULL ? &victims[1] : &victims[0];
    struct verdict verdict;
    for (size_t i = 0; i < route->walk.count; i++) {
        if (!is_chosen(&choice, route, i))
            continue;
        if (!kill_at(last->operation, image, route, i, &last->process)) {
            row->strays++;
            continue;
        }
        row->locked += route->facts[i].is_locked;
        row->half_done += world_is_half_done();
        judge_survivors(victims, row->victims % 2 == 0, &verdict);
        count(row, &verdict);
        print_problem(name, route, i, &verdict);
    }
}

/* Only the last of the lessons counts: the C library does some things once in a process, and its heap changes at first.
 */
static void learn(const struct operation *operation, const struct world_image *image)
{
    struct victim victims[VICTIMS_MAX] = {{operation, 0}};
    struct verdict verdict;
    for (int i = 0; i < LESSONS; i++) {
        world_restore(image);
        tracer_record(operation->act, look_at_first, &first_route.walk);
        judge_survivors(victims, i % 2 == 0, &verdict);
    }
}

static void kill_everywhere(const struct operation *operation, size_t stride)
{
    struct row row = {.instructions = 0};
    struct victim victims[VICTIMS_MAX] = {{operation, 0}};
    alarm(TIME_LIMIT_S); /* for each operation */
    world_begin(operation);
    struct world_image *image = world_save();
    learn(operation, image);
    row.instructions = (long)first_route.walk.count;
    kill_along(victims, operation->name, image, &first_route, choose(stride, OTHERS_STRIDE, 0), &row);
    EXPECT(row.broken > 0 || operation->is_without_effect || row.outcomes[NEW] > 0);
    finish_row(operation, &row);
    free(image);
    world_end();
}

/* Of a loop that changes the segment, the first two turns and the last. */
static bool is_worth_a_recovery(const struct route *route, size_t index)
{
    const struct fact *fact = &route->facts[index];
    int before = 0, after = 0;
    for (size_t i = 0; i < route->walk.count; i++)
        if (route->facts[i].is_changing && route->facts[i].changed_by == fact->changed_by) {
            before += i < index;
            after += i > index;
        }
    return fact->is_changing && (before < 2 || after == 0);
}

static size_t count_worth_a_recovery(const struct route *route)
{
    size_t count = 0;
    for (size_t i = 0; i < route->walk.count; i++)
        count += is_worth_a_recovery(route, i);
    return count;
}

/* In the world as the first victim has left it. */
static void kill_recoverer(struct victim first, size_t first_index, size_t begin, size_t stride, struct row *row)
{
    char name[128];
    struct victim victims[VICTIMS_MAX] = {first, {&recovering_operation, 0}};
    struct world_image *image = world_save();
    snprintf(name, sizeof(name), "recovery from %s, killed at instruction %zu", first.operation->name, first_index);
    tracer_record(recovering_operation.act, look_at_second, &second_route.walk);
    row->instructions += (long)second_route.walk.count;
    kill_along(victims, name, image, &second_route, choose(stride, RECOVERY_OTHERS_STRIDE, begin), row);
    free(image);
}

static void kill_recoverers(const struct operation *operation, size_t stride)
{
    struct row row = {.instructions = 0};
    struct victim first = {operation, 0};
    size_t first_victims = 0, first_stride = 1 + stride / FIRST_STRIDE_DIVISOR;
    alarm(TIME_LIMIT_S);
    world_begin(operation);
    struct world_image *image = world_save();
    learn(operation, image);
    size_t all = count_worth_a_recovery(&first_route), seen = 0;
    for (size_t i = 0; i < first_route.walk.count; i++) {
        if (!is_worth_a_recovery(&first_route, i))
            continue;
        if (seen++ % first_stride != 0 && seen != all)
            continue;
        alarm(TIME_LIMIT_S);
        EXPECT(kill_at(operation, image, &first_route, i, &first.process));
        kill_recoverer(first, i, first_victims++ % stride, stride, &row);
    }
    EXPECT(first_victims > 0 && (row.broken > 0 || row.outcomes[NEW] > 0));
    finish_row(operation, &row);
    free(image);
    world_end();
}

struct mode {
    const char *name;
    enum proof proof;
    void (*run)(const struct operation *operation, size_t stride);
    judge_fn *judge;
    bool is_virtual; /* the clocks are */
};

static const struct mode modes[] = {
    {"kill", KILLED, kill_everywhere, judge, false},
    {"ready", READY_IN_TIME, kill_everywhere, judge_ready, true},
    {"recovery", KILLED_AND_RECOVERED, kill_recoverers, judge, false},
};

static void run_all(const struct mode *mode, size_t stride, const char *only_or_null)
{
    const struct operation *operations[OPERATIONS_MAX];
    unsigned operation_count = operations_in(mode->proof, operations);
    for (unsigned i = 0; i < operation_count; i++)
        if (operation_is_meant(operations[i], only_or_null))
            mode->run(operations[i], stride);
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    return NULL;
}

/* The coarse one as coarse as on any Linux. */
static void begin_virtual_clock(void)
{
    virtual_clock_begin();
    virtual_clock->tick_ns = TICK_MS * NS_PER_MS;
}

int main(int argc, char **argv)
{
    const struct mode *mode = argc > 1 && argc < 5 ? find_mode(argv[1]) : NULL;
    size_t stride = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    if (mode == NULL || stride == 0) {
        fprintf(stderr, "usage: kill kill|ready|recovery [STRIDE [OPERATION]]\n");
        return 2;
    }
    expect_pool_name("kill");
    if (!tracer_is_possible())
        return 77;
    if (mode->is_virtual)
        begin_virtual_clock();
    judge_survivors = mode->judge;
    print_head();
    run_all(mode, stride, argc > 3 ? argv[3] : NULL);
    finish_total();
    return total.broken > 0 ? 1 : 0;
}
