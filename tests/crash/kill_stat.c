/* SPDX-License-Identifier: MIT */

/*
 * The inspector as a whole, from its first instruction, in the dynamic linker, to its last.
 *
 * It is run once in single steps, and the bytes of the segment are held against those before it began, after each
 * instruction. An observer that never changes a byte, of the mutex neither, cannot leave anything half-done, wherever it
 * is killed: at every instruction, what survives it is the pool as it was.
 *
 * That is an argument, so it is tried as well: the inspector is killed before, in and after each of its system calls, and
 * at every STRIDE-th instruction while it has the segment mapped. The pool is judged after each death (judge.c).
 *
 *   kill-stat KEYSHM_STAT [STRIDE]
 *       with a STRIDE, only that part of the program is gone through in which it has the segment mapped
 */

#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "expect.h"
#include "judge.h"
#include "tracer.h"

enum { CALLS_MAX = 2000, PROBLEMS_SHOWN = 5, DEFAULT_STRIDE = 997, TIME_LIMIT_S = 1200, STRAYS_ONE_IN = 100 };

static char *stat_path;

static enum outcome settle_untouched(void)
{
    HOLD(!world_has_changed(), "the segment has been written to");
    HOLD(!world_owner_has_died(), "it had taken the mutex");
    return OLD;
}

static const struct operation stat_operation = {"keyshm-stat", .settle = settle_untouched, .is_without_effect = true,
                                                .is_named = true};

/* ---- the program under ptrace(2) ---- */

static void exec_stat(char *option_or_null)
{
    char *arguments[] = {stat_path, expect_name, option_or_null, NULL};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    EXPECT(null >= 0 && dup2(null, STDOUT_FILENO) == STDOUT_FILENO);
    /* So that each run goes the same way; and the table is the one that people see. */
    EXPECT(personality(ADDR_NO_RANDOMIZE) >= 0);
    EXPECT_EQ(setenv("LC_ALL", "C.UTF-8", 1), 0);
    EXPECT_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
    execv(stat_path, arguments);
    EXPECT(false);
}

/* It stands before its first instruction. */
static pid_t start(char *option_or_null)
{
    int status;
    pid_t process = expect_fork();
    if (process == 0)
        exec_stat(option_or_null);
    EXPECT_EQ(waitpid(process, &status, 0), process);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, process, NULL, PTRACE_O_EXITKILL), 0);
    return process;
}

/* False when it has ended. */
static bool go_on(pid_t process, enum __ptrace_request how)
{
    int status;
    EXPECT_EQ(ptrace(how, process, NULL, NULL), 0);
    EXPECT_EQ(waitpid(process, &status, 0), process);
    if (WIFSTOPPED(status))
        EXPECT_EQ(WSTOPSIG(status), SIGTRAP);
    else
        EXPECT_EQ(status, 0);
    return WIFSTOPPED(status);
}

/* tracer_is_possible() says no to all other processors. */
static bool is_at_call(pid_t process)
{
#ifdef __x86_64__
    long address = ptrace(PTRACE_PEEKUSER, process, offsetof(struct user_regs_struct, rip), NULL);
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, process, address, NULL);
    EXPECT_EQ(errno, 0);
    return (code & 0xffff) == 0x050f;
#else
    (void)process;
    return false;
#endif
}

static bool has_mapped(pid_t process)
{
    char path[32], line[512];
    bool is_there = false;
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)process);
    FILE *maps = fopen(path, "re");
    EXPECT(maps != NULL);
    while (!is_there && fgets(line, sizeof(line), maps) != NULL)
        is_there = strstr(line, expect_name) != NULL;
    fclose(maps);
    return is_there;
}

/* ---- the way that it goes ---- */

/* A moment: after `calls` system calls and `steps` more instructions, or inside of the next call. */
struct moment {
    size_t calls;
    size_t steps;
    bool is_inside;
};

struct way {
    size_t calls;
    size_t first, last;      /* between these two calls the segment is mapped */
    size_t steps[CALLS_MAX]; /* from the one call to the next */
    size_t instructions;
};

static struct way way;

/* False when it ended before. */
static bool go_to(pid_t process, const struct moment *moment)
{
    size_t stops = 2 * moment->calls + moment->is_inside;
    for (size_t i = 0; i < stops; i++)
        if (!go_on(process, PTRACE_SYSCALL))
            return false;
    for (size_t i = 0; i < moment->steps; i++)
        if (!go_on(process, PTRACE_SINGLESTEP))
            return false;
    return true;
}

/* At full speed from call to call. */
static void learn_calls(char *option_or_null)
{
    pid_t process = start(option_or_null);
    memset(&way, 0, sizeof(way));
    /* Each call stops it twice: as it begins, and as it ends. */
    while (go_on(process, PTRACE_SYSCALL)) {
        if (!go_on(process, PTRACE_SYSCALL))
            break;
        way.calls++;
        EXPECT(way.calls < CALLS_MAX);
        if (!has_mapped(process))
            continue;
        if (way.first == 0)
            way.first = way.calls - 1; /* the one before mmap(2) */
        way.last = way.calls + 1;      /* as far as is known by now, munmap(2) */
    }
    EXPECT(way.first > 0 && way.last < way.calls);
}

/* How many instructions have left the segment another than it was. */
static long step_through(char *option_or_null, const struct moment *begin, size_t end_call)
{
    pid_t process = start(option_or_null);
    size_t call = begin->calls;
    long changes = 0;
    bool is_running = go_to(process, begin);
    world_has_changed();
    while (is_running && call <= end_call) {
        if (is_at_call(process))
            call++;
        else
            way.steps[call]++;
        way.instructions++;
        is_running = go_on(process, PTRACE_SINGLESTEP);
        changes += world_has_changed();
    }
    tracer_kill(process);
    return changes;
}

/* ---- the deaths ---- */

struct row {
    long victims;
    long strays;
    long broken;
    double change_ms;
};

static struct row total;
static size_t total_instructions;

static void print_problem(const struct moment *moment, const char *problem)
{
    static int shown;
    if (shown++ < PROBLEMS_SHOWN)
        printf("broken: killed after %zu system calls and %zu instructions%s: %s\n", moment->calls, moment->steps,
               moment->is_inside ? ", in the next call" : "", problem);
}

static void kill_at(char *option_or_null, const struct world_image *image, const struct moment *moment, struct row *row)
{
    struct victim victims[VICTIMS_MAX] = {{&stat_operation, 0}};
    struct verdict verdict;
    world_restore(image);
    world_has_changed();
    victims[0].process = start(option_or_null);
    bool is_reached = go_to(victims[0].process, moment);
    tracer_kill(victims[0].process);
    row->strays += !is_reached;
    judge(victims, row->victims % 2 == 0, &verdict);
    row->victims++;
    if (verdict.change_ms > row->change_ms)
        row->change_ms = verdict.change_ms;
    if (verdict.problem[0] != '\0') {
        row->broken++;
        print_problem(moment, verdict.problem);
    }
}

static void kill_along(char *option_or_null, const struct world_image *image, size_t first, size_t last, size_t stride,
                       struct row *row)
{
    for (size_t call = first; call <= last; call++) {
        bool is_mapped = call >= way.first && call <= way.last;
        kill_at(option_or_null, image, &(struct moment){call, 0, false}, row);
        kill_at(option_or_null, image, &(struct moment){call, 0, true}, row);
        for (size_t i = stride; is_mapped && i <= way.steps[call]; i += stride)
            kill_at(option_or_null, image, &(struct moment){call, i, false}, row);
    }
}

static void kill_stat(char *option_or_null, size_t stride_or_0)
{
    struct row row = {.victims = 0};
    bool is_whole = stride_or_0 == 0;
    alarm(TIME_LIMIT_S);
    world_begin(&stat_operation);
    struct world_image *image = world_save();
    learn_calls(option_or_null);
    size_t first = is_whole ? 0 : way.first, last = is_whole ? way.calls : way.last;
    row.broken = step_through(option_or_null, &(struct moment){first, 0, false}, last);
    if (row.broken > 0)
        printf("broken: %ld instructions have changed the segment\n", row.broken);
    kill_along(option_or_null, image, first, last, is_whole ? DEFAULT_STRIDE : stride_or_0, &row);
    printf("%-20s %12zu %6zu %8ld %6ld %9.2f %7ld\n", option_or_null != NULL ? "keyshm-stat --json" : "keyshm-stat",
           way.instructions, way.calls, row.victims, row.strays, row.change_ms, row.broken);
    EXPECT(row.strays * STRAYS_ONE_IN <= row.victims);
    total.victims += row.victims;
    total.broken += row.broken;
    total_instructions += way.instructions;
    free(image);
    world_end();
}

int main(int argc, char **argv)
{
    size_t stride_or_0 = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    char json_option[] = "--json";
    if (argc < 2 || argc > 3 || (argc == 3 && stride_or_0 == 0)) {
        fprintf(stderr, "usage: kill-stat KEYSHM_STAT [STRIDE]\n");
        return 2;
    }
    stat_path = argv[1];
    expect_pool_name("kill-stat");
    if (!tracer_is_possible())
        return 77;
    printf("%-20s %12s %6s %8s %6s %9s %7s\n", "program", "instructions", "calls", "victims", "strays", "change ms",
           "broken");
    kill_stat(NULL, stride_or_0);
    kill_stat(json_option, stride_or_0);
    printf("total: instructions %zu, runs %ld, broken %ld\n", total_instructions, total.victims, total.broken);
    return total.broken > 0 ? 1 : 0;
}
