/* SPDX-License-Identifier: MIT */

/*
 * A worker is stopped in the middle of a call, wherever it can make a difference, and the pool changes before it
 * resumes: keys are replaced by others in the same slot, marked, inspected, and time passes. Neither the late worker nor
 * the others may then be wrong. The scenarios are in the other late_*.c.
 *
 *   late-resume [STRIDE [SCENARIOS]]
 *       at every STRIDE-th of the moments, of the scenarios whose names begin so
 *
 * An instruction that touches neither the pool nor the clock, which the test moves, and does not call the system
 * commutes with the change. So the moments are those before the others, in the C library too.
 */

#include "late.h"
#include "pool.h"
#include "tracer.h"
#include "virtual_clock.h"

enum { PROBLEMS_SHOWN = 5, TIME_LIMIT_S = 280, STRAYS_ONE_IN = 100 };

static const struct scenario_list *const lists[] = {
    &late_pick_scenarios,       &late_find_scenarios,  &late_mark_scenarios,  &late_snapshot_scenarios,
    &late_membership_scenarios, &late_group_scenarios, &late_limit_scenarios, &late_observe_scenarios,
};

/* Each run is made by a process of its own. So all begin with the same heap, and one that fails does not end the rest. */
enum { AS_IT_SHOULD = 0, BROKEN = 1, ASTRAY = 2 };

static struct tracer_walk *walk; /* shared with them */

static void learn(const struct scenario *scenario)
{
    pid_t runner = expect_fork();
    if (runner == 0) {
        scenario->begin();
        const struct tracer_memory memories[TRACER_MEMORIES] = {{late_pool->header, late_pool->settings.segment_bytes},
                                                                {virtual_clock, sizeof(*virtual_clock)}};
        tracer_record_shared(scenario->victim, memories, walk);
        _exit(0);
    }
    expect_success_of(runner);
}

static int run_once(const struct scenario *scenario, size_t index)
{
    int status;
    pid_t runner = expect_fork();
    if (runner == 0) {
        scenario->begin();
        pid_t victim = tracer_start(scenario->victim);
        if (!tracer_reach(victim, walk, index))
            _exit(ASTRAY);
        scenario->interfere();
        tracer_finish(victim);
        scenario->end();
        _exit(AS_IT_SHOULD);
    }
    EXPECT_EQ(waitpid(runner, &status, 0), runner);
    return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static int run(const struct scenario *scenario, size_t index)
{
    int outcome = ASTRAY;
    for (int tries = 0; tries < TRACER_TRIES && outcome == ASTRAY; tries++)
        outcome = run_once(scenario, index);
    return outcome;
}

static struct row_count {
    size_t instructions, stops, strays, broken;
} total;

static void print_problem_at(const struct scenario *scenario, size_t index)
{
    struct tracer_place place = tracer_place_of(walk->moments[index].address);
    if (total.broken < PROBLEMS_SHOWN)
        printf("broken: %s: stopped at instruction %zu (%s + %#lx)\n", scenario->name, index, place.object, place.offset);
}

static void run_everywhere(const struct scenario *scenario, size_t stride)
{
    struct row_count count = {.stops = 0};
    alarm(TIME_LIMIT_S); /* for each scenario */
    learn(scenario);
    count.instructions = walk->count;
    for (size_t i = 0, moments = 0; i < walk->count; i++) {
        if (!walk->moments[i].is_shared || moments++ % stride != 0)
            continue;
        int outcome = run(scenario, i);
        count.strays += outcome == ASTRAY;
        count.stops += outcome != ASTRAY;
        count.broken += outcome == BROKEN;
        total.broken += outcome == BROKEN;
        if (outcome == BROKEN)
            print_problem_at(scenario, i);
    }
    printf("%-32s %12zu %8zu %8zu %8zu\n", scenario->name, count.instructions, count.stops, count.strays, count.broken);
    fflush(stdout);
    EXPECT(count.strays * STRAYS_ONE_IN <= count.stops);
    total.instructions += count.instructions;
    total.stops += count.stops;
}

static void run_list(const struct scenario_list *list, size_t stride, const char *only_or_null)
{
    for (size_t i = 0; i < list->count; i++)
        if (only_or_null == NULL || strncmp(only_or_null, list->scenarios[i].name, strlen(only_or_null)) == 0)
            run_everywhere(&list->scenarios[i], stride);
}

int main(int argc, char **argv)
{
    size_t stride = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (argc > 3 || stride == 0) {
        fprintf(stderr, "usage: late-resume [STRIDE [SCENARIOS]]\n");
        return 2;
    }
    expect_end_in_time();
    if (!tracer_is_possible())
        return 77;
    virtual_clock_begin();
    seen = expect_shared_memory(sizeof(*seen));
    walk = expect_shared_memory(sizeof(*walk));
    printf("%-32s %12s %8s %8s %8s\n", "stopped, meanwhile", "instructions", "stops", "strays", "broken");
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        run_list(lists[i], stride, argc > 2 ? argv[2] : NULL);
    printf("total: instructions %zu, runs %zu, broken %zu\n", total.instructions, total.stops, total.broken);
    return total.broken > 0 ? 1 : 0;
}
