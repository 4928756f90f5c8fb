/* SPDX-License-Identifier: MIT */

/*
 * A process is SIGKILLed at each instruction of each call in turn, those in the C library included, and the pool is
 * judged by one that survives (judge.c). Nothing is broken: the call has happened, or has not.
 *
 *   kill kill [STRIDE [OPERATION]]
 *       at every STRIDE-th instruction
 *   kill recovery [STRIDE [OPERATION]]
 *       a victim is killed wherever it has just changed the segment with the mutex in hand; the process that recovers
 *       is killed at every STRIDE-th instruction; and a third recovers
 */

#include <stdlib.h>

#include "expect.h"
#include "judge.h"
#include "tracer.h"

enum { PROBLEMS_TOLD = 5, TIME_LIMIT_S = 280, LESSONS = 4, STRAYS_ONE_IN = 100 };

/* What is known of each moment of a walk besides. */
struct fact {
    bool is_locked;   /* the victim holds the mutex */
    bool is_changing; /* and the instruction before has changed the segment */
    uintptr_t changed_by;
};

static struct route {
    struct tracer_walk walk;
    struct fact facts[TRACER_MOMENTS_MAX];
} first_route, second_route;

static void look(struct route *route, pid_t victim, size_t index)
{
    bool is_locked = world_is_locked_by(victim), has_changed = world_has_changed();
    route->facts[index] = (struct fact){
        .is_locked = is_locked,
        .is_changing = index > 0 && has_changed && is_locked,
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
    long locked; /* killed with the mutex in hand */
    long outcomes[OUTCOMES];
    long hidden; /* after which a key was found by the sweep only */
    long strays; /* went another way, and could not be killed where they should */
    long broken;
    double slowest_ms;
};

static struct row total;
static long all_broken;

static void print_head(void)
{
    printf("%-26s %12s %8s %8s %8s %8s %8s %8s %8s %10s\n", "operation", "instructions", "victims", "strays", "locked",
           "old", "new", "hidden", "broken", "slowest ms");
}

static void add_to_total(const struct row *row)
{
    total.instructions += row->instructions;
    total.victims += row->victims;
    for (int outcome = 0; outcome < OUTCOMES; outcome++)
        total.outcomes[outcome] += row->outcomes[outcome];
    total.broken += row->broken;
}

static void finish_row(const char *name, const struct row *row)
{
    printf("%-26s %12ld %8ld %8ld %8ld %8ld %8ld %8ld %8ld %10.2f\n", name, row->instructions, row->victims, row->strays,
           row->locked, row->outcomes[OLD], row->outcomes[NEW], row->hidden, row->broken, row->slowest_ms);
    fflush(stdout);
    EXPECT(row->strays * STRAYS_ONE_IN <= row->victims);
    EXPECT(row->broken > 0 || row->outcomes[OLD] > 0);
    add_to_total(row);
}

static void print_total(void)
{
    printf("total: instructions %ld, runs %ld, old %ld, new %ld, broken %ld\n", total.instructions, total.victims,
           total.outcomes[OLD], total.outcomes[NEW], total.broken);
}

static void count(struct row *row, const struct verdict *verdict, bool is_locked)
{
    row->victims++;
    row->locked += is_locked;
    row->hidden += verdict->is_hidden;
    row->broken += verdict->problem[0] != '\0';
    if (verdict->problem[0] == '\0')
        row->outcomes[verdict->outcome]++;
    if (verdict->change_ms > row->slowest_ms)
        row->slowest_ms = verdict->change_ms;
}

static void tell(const char *name, const struct route *route, size_t index, const struct verdict *verdict)
{
    struct tracer_place place = tracer_place_of(route->walk.moments[index].address);
    if (verdict->problem[0] == '\0' || all_broken++ >= PROBLEMS_TOLD)
        return;
    printf("broken: %s: killed at instruction %zu (%s + %#lx)%s: %s\n", name, index, place.object, place.offset,
           route->facts[index].is_locked ? ", with the mutex in hand" : "", verdict->problem);
}

/* ---- the runs ---- */

/* False when it went another way. */
static bool kill_at(const struct operation *operation, const struct route *route, size_t index)
{
    pid_t victim = tracer_start(operation->act);
    bool is_reached =
        tracer_reach(victim, &route->walk, index) && world_is_locked_by(victim) == route->facts[index].is_locked;
    tracer_kill(victim);
    return is_reached;
}

/* Every stride-th moment, and the last one. */
static size_t next_moment(const struct tracer_walk *walk, size_t index, size_t stride)
{
    if (index + stride < walk->count || index + 1 == walk->count)
        return index + stride;
    return walk->count - 1;
}

/* Kill who does `operation` in that world all along the route. There, `first_or_null` may have been interrupted before.
 */
static void kill_along(const struct operation *operation, const struct operation *first_or_null, const char *name,
                       const struct world_image *image, const struct route *route, size_t begin, size_t stride,
                       struct row *row)
{
    struct verdict verdict;
    for (size_t i = begin; i < route->walk.count; i = next_moment(&route->walk, i, stride)) {
        world_restore(image);
        if (!kill_at(operation, route, i)) {
            row->strays++;
            continue;
        }
        judge(first_or_null != NULL ? first_or_null : operation, first_or_null != NULL ? operation : NULL,
              row->victims % 2 == 0, &verdict);
        count(row, &verdict, route->facts[i].is_locked);
        tell(name, route, i, &verdict);
    }
}

/* The last of several: the C library does some things once in its life, and its heap has a past. */
static void learn(const struct operation *operation, const struct world_image *image)
{
    struct verdict verdict;
    for (int i = 0; i < LESSONS; i++) {
        world_restore(image);
        tracer_record(operation->act, look_at_first, &first_route.walk);
        judge(operation, NULL, i % 2 == 0, &verdict);
    }
}

static void kill_everywhere(const struct operation *operation, size_t stride)
{
    struct row row = {.instructions = 0};
    alarm(TIME_LIMIT_S); /* anew */
    world_begin(operation);
    struct world_image *image = world_save();
    learn(operation, image);
    row.instructions = (long)first_route.walk.count;
    kill_along(operation, NULL, operation->name, image, &first_route, 0, stride, &row);
    EXPECT(row.broken > 0 || operation->is_without_effect || row.outcomes[NEW] > 0);
    finish_row(operation->name, &row);
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

/* In the world as the first victim has left it. */
static void kill_recoverer(const struct operation *first, size_t first_index, size_t begin, size_t stride,
                           struct row *row)
{
    char name[128];
    struct world_image *image = world_save();
    snprintf(name, sizeof(name), "recovery from %s, killed at instruction %zu", first->name, first_index);
    tracer_record(recovering_operation.act, look_at_second, &second_route.walk);
    row->instructions += (long)second_route.walk.count;
    kill_along(&recovering_operation, first, name, image, &second_route, begin, stride, row);
    free(image);
}

static void kill_recoverers(const struct operation *operation, size_t stride)
{
    struct row row = {.instructions = 0};
    size_t first_victims = 0;
    world_begin(operation);
    struct world_image *image = world_save();
    learn(operation, image);
    for (size_t i = 0; i < first_route.walk.count; i++) {
        if (!is_worth_a_recovery(&first_route, i))
            continue;
        alarm(TIME_LIMIT_S);
        world_restore(image);
        EXPECT(kill_at(operation, &first_route, i));
        kill_recoverer(operation, i, first_victims++ % stride, stride, &row);
    }
    EXPECT(first_victims > 0 && (row.broken > 0 || row.outcomes[NEW] > 0));
    finish_row(operation->name, &row);
    free(image);
    world_end();
}

static void run_all(const struct operation *all, size_t all_count, void (*run)(const struct operation *, size_t),
                    size_t stride, const char *only_or_null)
{
    for (size_t i = 0; i < all_count; i++)
        if (only_or_null == NULL || strcmp(only_or_null, all[i].name) == 0)
            run(&all[i], stride);
}

int main(int argc, char **argv)
{
    bool is_recovery = argc > 1 && strcmp(argv[1], "recovery") == 0;
    size_t stride = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    if (argc < 2 || argc > 4 || stride == 0 || (!is_recovery && strcmp(argv[1], "kill") != 0)) {
        fprintf(stderr, "usage: kill kill|recovery [STRIDE [OPERATION]]\n");
        return 2;
    }
    expect_pool_name("kill");
    if (!tracer_is_possible())
        return 77;
    print_head();
    const char *only_or_null = argc > 3 ? argv[3] : NULL;
    if (is_recovery)
        run_all(membership_operations, membership_operation_count, kill_recoverers, stride, only_or_null);
    else
        run_all(operations, operation_count, kill_everywhere, stride, only_or_null);
    print_total();
    return total.broken > 0 ? 1 : 0;
}
