/* SPDX-License-Identifier: MIT */

/*
 * A signal arrives at a process at each instruction of keyshm_add() in turn, those in the C library included, and its
 * handler makes the same call in the same pool and in a second one. The process is SIGKILLed in the handler. The
 * mutexes of both pools can then be recovered, and everything else holds that holds after any other death (judge.c).
 *
 * Others see of a process that dies in a handler the bytes of the two segments, and what the kernel does about its
 * robust list (get_robust_list(2)). Where neither has changed since the process was last killed in that handler,
 * nothing else can come of it, so it is killed only where one of them has just changed, and at the end. And what the
 * handler does depends on them and on whether a membership change is under way, which its result tells. Where all of
 * that is as it was at the instruction before, it is killed at its end only.
 *
 * The same of two picks in a burst, with a handler that makes another, and nobody is killed: each pick has a turn of
 * its own, and the process has one place (rotation.h) at most.
 *
 *   kill-signals [STRIDE]
 *       at every STRIDE-th instruction of the calls
 */

#include <limits.h>

#include "expect.h"
#include "judge.h"
#include "pool.h"
#include "tracer.h"

enum { PROBLEMS_SHOWN = 5, TIME_LIMIT_S = 2400, LESSONS = 4, STRAYS_ONE_IN = 100, SECOND_CAPACITY = 4, KILLS_MAX = 4096 };

#define AT_END SIZE_MAX

#define HANDLERS_SIGNAL SIGUSR1
#define HANDLERS_KEY "sk-the-key-of-the-handler"

static keyshm_pool *second_pool;
static unsigned char *second_image;

static struct tracer_walk outer, handler;

static struct {
    long instructions, runs, strays, outcomes[OUTCOMES], broken;
} total;

/* ---- the process ---- */

/* What the handler's calls have returned; shared with it. */
static struct results {
    int first, second;
} * results;

static void add_both(int signal)
{
    (void)signal;
    results->first = keyshm_add(world_pool(), world.keys[SECOND_KEY].text, NULL);
    results->second = keyshm_add(second_pool, HANDLERS_KEY, NULL);
}

/* Both are refused in the middle of a membership change, whichever pool that is in; otherwise neither. */
static void look_at_results(void)
{
    HOLD(results->first == 0 || results->first == -EDEADLK, "the handler's call: %s", keyshm_strerror(results->first));
    HOLD(results->second == results->first, "the handler's call in the second pool: %s",
         keyshm_strerror(results->second));
}

static void begin_world(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = SECOND_CAPACITY;
    options.key_max = KEY_MAX;
    options.workers_max = WORKERS_MAX;
    world_begin(&signalled_operation);
    EXPECT_EQ(keyshm_create_anonymous(&second_pool, "second", &options), 0);
    second_image = malloc(second_pool->settings.segment_bytes);
    EXPECT(second_image != NULL);
    memcpy(second_image, second_pool->header, second_pool->settings.segment_bytes);
    EXPECT(signal(HANDLERS_SIGNAL, add_both) != SIG_ERR);
}

static void end_world(void)
{
    keyshm_close(second_pool);
    free(second_image);
    world_end();
}

static void restore(const void *image)
{
    world_restore(image);
    memcpy(second_pool->header, second_image, second_pool->settings.segment_bytes);
}

/* ---- what others see of it ---- */

/* Has it changed since this was last asked? */
static bool has_second_changed(void)
{
    static unsigned char last[512 * 1024];
    size_t bytes = second_pool->settings.segment_bytes;
    EXPECT(bytes <= sizeof(last));
    bool has_changed = memcmp(last, second_pool->header, bytes) != 0;
    if (has_changed)
        memcpy(last, second_pool->header, bytes);
    return has_changed;
}

static bool has_changed(pid_t process)
{
    bool has_list_changed = tracer_has_robust_list_changed(process), has_first_changed = world_has_changed();
    return has_second_changed() || has_first_changed || has_list_changed;
}

/* ---- the two walks ---- */

/* Of each moment of the outer walk: the instruction before has changed what others see. */
static bool is_changed[TRACER_MOMENTS_MAX];

static void look_at_outer(pid_t process, size_t index)
{
    is_changed[index] = has_changed(process);
}

/* The moments of the handler at which that has changed. */
static size_t kills[KILLS_MAX];
static size_t kill_count;

static void look_at_handler(pid_t process, size_t index)
{
    if (!has_changed(process) || index == 0)
        return;
    EXPECT(kill_count < KILLS_MAX);
    kills[kill_count++] = index;
}

/* ---- a death ---- */

static void judge_second(void)
{
    keyshm_id id;
    int r = keyshm_add(second_pool, "sk-a-key-of-the-survivor", &id);
    HOLD(r == 0, "the next membership change of the second pool: %s", keyshm_strerror(r));
    HOLD(keyshm_verify(second_pool, problem_note, NULL) == 0, "verify of the second pool");
    HOLD(keyshm_remove(second_pool, id) == 0, "the membership change after the next, of the second pool");
}

static void judge_all(pid_t process, bool is_at_end, struct verdict *ret_verdict)
{
    struct victim victims[VICTIMS_MAX] = {{&signalled_operation, process}};
    judge(victims, total.runs % 2 == 0, ret_verdict);
    if (is_at_end)
        look_at_results();
    judge_second(); /* what it finds comes after what was found in the first */
    snprintf(ret_verdict->problem, sizeof(ret_verdict->problem), "%s", problem_text());
}

static void print_problem(size_t index, size_t handler_index, const struct verdict *verdict)
{
    struct tracer_place place = tracer_place_of(outer.moments[index].address);
    char end[40] = "the end";
    if (handler_index != AT_END)
        snprintf(end, sizeof(end), "instruction %zu", handler_index);
    printf("broken: a signal at instruction %zu (%s + %#lx), killed at %s of its handler: %s\n", index, place.object,
           place.offset, end, verdict->problem);
}

/* The process before the first instruction of the handler. 0 when each one has gone another way than recorded. */
static pid_t start_and_signal(const struct world_image *image, size_t index)
{
    pid_t process = tracer_start_at(signalled_operation.act, &outer, index, restore, image);
    if (process != 0)
        tracer_signal(process, HANDLERS_SIGNAL);
    total.strays += process == 0;
    return process;
}

static void count(const struct verdict *verdict)
{
    total.runs++;
    total.outcomes[verdict->outcome] += verdict->problem[0] == '\0';
    total.broken += verdict->problem[0] != '\0';
}

static void judge_dead(pid_t process, size_t index, size_t handler_index)
{
    struct verdict verdict;
    judge_all(process, handler_index == AT_END, &verdict);
    count(&verdict);
    if (verdict.problem[0] != '\0')
        print_problem(index, handler_index, &verdict);
}

/* False when it was not reached. */
static bool kill_at_end(const struct world_image *image, size_t index)
{
    pid_t process = start_and_signal(image, index);
    if (process == 0)
        return false;
    bool is_reached = tracer_leave_handler(process);
    tracer_kill(process);
    total.strays += !is_reached;
    if (is_reached)
        judge_dead(process, index, AT_END);
    return is_reached;
}

static void kill_in_handler(const struct world_image *image, size_t index, size_t handler_index)
{
    pid_t process = start_and_signal(image, index);
    if (process == 0)
        return;
    bool is_reached = tracer_reach(process, &handler, handler_index);
    tracer_kill(process);
    total.strays += !is_reached;
    if (is_reached)
        judge_dead(process, index, handler_index);
}

static void kill_all_through_handler(const struct world_image *image, size_t index)
{
    restore(image);
    pid_t process = tracer_start(signalled_operation.act);
    kill_count = 0;
    if (tracer_reach(process, &outer, index))
        tracer_record_handler(process, HANDLERS_SIGNAL, look_at_handler, &handler);
    tracer_kill(process);
    for (size_t i = 0; i < kill_count && total.broken < PROBLEMS_SHOWN; i++)
        kill_in_handler(image, index, kills[i]);
}

/* ---- the runs ---- */

static void learn(const struct world_image *image)
{
    for (int i = 0; i < LESSONS; i++) {
        restore(image);
        tracer_record(signalled_operation.act, look_at_outer, &outer);
    }
    total.instructions = (long)outer.count;
}

static bool has_outer_changed(size_t begin, size_t end)
{
    for (size_t i = begin; i <= end; i++)
        if (is_changed[i])
            return true;
    return false;
}

static void kill_everywhere(size_t stride)
{
    struct results last = {.first = INT_MIN};
    size_t begin = 0; /* of what has happened since the handler was gone through */
    struct world_image *image = world_save();
    learn(image);
    /* Where a mutex is lost, each judgement waits for it. */
    for (size_t i = 0; i < outer.count && total.broken < PROBLEMS_SHOWN; i += stride) {
        if (!kill_at_end(image, i))
            continue;
        struct results now = *results;
        if (memcmp(&now, &last, sizeof(now)) == 0 && !has_outer_changed(begin, i))
            continue;
        kill_all_through_handler(image, i);
        last = now;
        begin = i + 1;
    }
    free(image);
}

/* ---- picks ---- */

static void pick_another(int signal)
{
    struct keyshm_pick pick;
    (void)signal;
    keyshm_next(world_pool(), &pick);
}

/* A place that its process does not know of would be kept as long as that lives. */
static void look_at_places(void)
{
    const struct layout_turns *turns = world_pool()->header->model_0.turns;
    for (uint32_t a = 0; a < LAYOUT_TURNS; a++)
        for (uint32_t b = 0; b < a; b++)
            HOLD(turns[a].owner == 0 || turns[a].owner != turns[b].owner, "a process has the places %u and %u", b + 1,
                 a + 1);
}

/* With nothing due in the next half second, or no pick would be a quick one (pick.c). */
static void restore_swept(const void *image)
{
    world_restore(image);
    prepare_just_swept();
}

/* False when it was not reached. */
static bool pick_at(const struct world_image *image, size_t index)
{
    struct verdict verdict;
    struct victim victims[VICTIMS_MAX] = {
        {&signalled_pick, tracer_start_at(signalled_pick.act, &outer, index, restore_swept, image)}};
    char places[PROBLEM_SIZE];
    if (victims[0].process == 0)
        return false;
    tracer_signal(victims[0].process, HANDLERS_SIGNAL);
    tracer_finish(victims[0].process);
    problem_forget();
    look_at_places();
    snprintf(places, sizeof(places), "%s", problem_text());
    judge(victims, total.runs % 2 == 0, &verdict);
    if (places[0] != '\0')
        memcpy(verdict.problem, places, sizeof(places));
    count(&verdict);
    if (verdict.problem[0] != '\0')
        printf("broken: a signal at instruction %zu of picks, and a pick in its handler: %s\n", index, verdict.problem);
    return true;
}

/* Nobody is killed: the handler of a signal that arrives in the middle of a pick makes another. Each has its turn. */
static void pick_everywhere(size_t stride)
{
    long runs = 0, strays = 0;
    world_begin(&signalled_pick);
    EXPECT(signal(HANDLERS_SIGNAL, pick_another) != SIG_ERR);
    struct world_image *image = world_save();
    for (int i = 0; i < LESSONS; i++) {
        restore_swept(image);
        tracer_record(signalled_pick.act, NULL, &outer);
    }
    total.instructions += (long)outer.count;
    for (size_t i = 0; i < outer.count && total.broken < PROBLEMS_SHOWN; i += stride) {
        bool is_as_recorded = pick_at(image, i);
        runs += is_as_recorded;
        strays += !is_as_recorded;
    }
    EXPECT(strays <= operation_strays_max(&signalled_pick, runs));
    free(image);
    world_end();
}

int main(int argc, char **argv)
{
    size_t stride = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    if (argc > 2 || stride == 0) {
        fprintf(stderr, "usage: kill-signals [STRIDE]\n");
        return 2;
    }
    if (!tracer_is_possible())
        return 77;
    results = expect_shared_memory(sizeof(*results));
    alarm(TIME_LIMIT_S); /* only there so that it does not hang for ever */
    begin_world();
    kill_everywhere(stride);
    end_world();
    EXPECT(total.strays * STRAYS_ONE_IN <= total.runs);
    pick_everywhere(stride);
    printf("total: instructions %ld, runs %ld, old %ld, new %ld, broken %ld\n", total.instructions, total.runs,
           total.outcomes[OLD], total.outcomes[NEW], total.broken);
    EXPECT(total.broken > 0 || (total.outcomes[OLD] > 0 && total.outcomes[NEW] > 0));
    return total.broken > 0 ? 1 : 0;
}
