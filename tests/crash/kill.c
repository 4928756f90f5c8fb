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

#include <link.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "expect.h"
#include "judge.h"
#include "stepper.h"

enum { MOMENTS_MAX = 200000, PROBLEMS_TOLD = 5, TIME_LIMIT_S = 280, LESSONS = 4, STRAYS_ONE_IN = 100 };

/* The program, with the library in it, from its first byte to the last of its code. */
extern const char __executable_start[], etext[];

/* Between two instructions of the victim's call: the next one, and how often the victim has come by it before. */
struct moment {
    uintptr_t address;
    unsigned passed;
    bool is_locked;   /* the victim holds the mutex */
    bool is_changing; /* and the instruction before has changed the segment */
    uintptr_t changed_by;
};

struct walk {
    size_t count;
    struct moment moments[MOMENTS_MAX];
};

static struct walk walk_of_first, walk_of_second;

/* ---- the victim's registers and code ---- */

#ifdef __x86_64__
#define BREAKPOINT_BYTES 1
#define BREAKPOINT 0xccL
#define BREAKPOINT_MASK 0xffL
#define REGISTER_OFFSET(name) offsetof(struct user_regs_struct, name)
#define INSTRUCTION_OFFSET REGISTER_OFFSET(rip)
#define STACK_OFFSET REGISTER_OFFSET(rsp)
#else /* main() does not get past stepper_is_possible() */
#define BREAKPOINT_BYTES 0
#define BREAKPOINT 0L
#define BREAKPOINT_MASK 0L
#define INSTRUCTION_OFFSET 0
#define STACK_OFFSET 0
#endif

static uintptr_t read_instruction(pid_t victim)
{
    return (uintptr_t)ptrace(PTRACE_PEEKUSER, victim, INSTRUCTION_OFFSET, NULL);
}

static uintptr_t read_stack(pid_t victim)
{
    return (uintptr_t)ptrace(PTRACE_PEEKUSER, victim, STACK_OFFSET, NULL);
}

/* False when it has ended. */
static bool go_on(pid_t victim, enum __ptrace_request how)
{
    int status;
    EXPECT_EQ(ptrace(how, victim, NULL, NULL), 0);
    EXPECT_EQ(waitpid(victim, &status, 0), victim);
    EXPECT(WIFSTOPPED(status) ? WSTOPSIG(status) == SIGTRAP : WIFEXITED(status));
    return WIFSTOPPED(status);
}

/* An instruction that repeats itself, as for filling memory, stops after each time, and counts as one. */
static bool step_over(pid_t victim)
{
    uintptr_t address = read_instruction(victim);
    bool is_alive = true;
    while (is_alive && read_instruction(victim) == address)
        is_alive = go_on(victim, PTRACE_SINGLESTEP);
    return is_alive;
}

/* At full speed to the instruction, when it is come by for the (passed + 1)-th time. False when the victim ended first.
 */
static bool go_to(pid_t victim, uintptr_t address, unsigned passed)
{
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, victim, address, NULL);
    EXPECT_EQ(errno, 0);
    for (unsigned i = 0; i <= passed; i++) {
        /* Into a copy of the page that is the victim's own. */
        EXPECT_EQ(ptrace(PTRACE_POKETEXT, victim, address, (code & ~BREAKPOINT_MASK) | BREAKPOINT), 0);
        if (!go_on(victim, PTRACE_CONT))
            return false;
        EXPECT_EQ(read_instruction(victim), address + BREAKPOINT_BYTES);
        EXPECT_EQ(ptrace(PTRACE_POKEUSER, victim, INSTRUCTION_OFFSET, address), 0);
        EXPECT_EQ(ptrace(PTRACE_POKETEXT, victim, address, code), 0);
        if (i < passed)
            EXPECT(step_over(victim));
    }
    return true;
}

/* At the first instruction of the operation. */
static pid_t start(const struct operation *operation)
{
    int status;
    pid_t victim = expect_fork();
    if (victim == 0) {
        EXPECT_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
        raise(SIGSTOP);
        operation->act();
        _exit(0);
    }
    EXPECT_EQ(waitpid(victim, &status, 0), victim);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT(go_to(victim, (uintptr_t)operation->act, 0));
    return victim;
}

/* ---- the run in single steps: which way the victim goes ---- */

/* The kernel's code for clocks goes another way each time, and touches nothing of ours. */
static int find_kernel_code(struct dl_phdr_info *object, size_t size, void *user)
{
    uintptr_t *range = user;
    (void)size;
    if (object->dlpi_addr != getauxval(AT_SYSINFO_EHDR))
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++)
        if (object->dlpi_phdr[i].p_type == PT_LOAD)
            range[1] = object->dlpi_addr + object->dlpi_phdr[i].p_memsz;
    range[0] = object->dlpi_addr;
    return 1;
}

static bool is_kernel_code(uintptr_t address)
{
    static uintptr_t range[2];
    if (range[1] == 0 && dl_iterate_phdr(find_kernel_code, range) == 0)
        range[1] = 1; /* there is none */
    return address >= range[0] && address < range[1];
}

static unsigned count_passed(const struct walk *walk, uintptr_t address)
{
    for (size_t i = walk->count; i > 0; i--)
        if (walk->moments[i - 1].address == address)
            return walk->moments[i - 1].passed + 1;
    return 0;
}

/* Each instruction from the operation's first to its return. */
static void record(const struct operation *operation, struct walk *walk)
{
    pid_t victim = start(operation);
    uintptr_t stack = read_stack(victim), last = 0;
    walk->count = 0;
    world_has_changed();
    while (read_stack(victim) <= stack) {
        uintptr_t address = read_instruction(victim);
        if (!is_kernel_code(address)) {
            EXPECT(walk->count < MOMENTS_MAX);
            bool is_locked = world_is_locked_by(victim), is_changing = world_has_changed() && is_locked;
            unsigned passed = count_passed(walk, address);
            walk->moments[walk->count++] = (struct moment){address, passed, is_locked, is_changing, last};
        }
        last = address;
        EXPECT(step_over(victim));
    }
    expect_kill(victim);
}

/* ---- the table ---- */

struct row {
    long victims;
    long locked; /* killed with the mutex in hand */
    long outcomes[OUTCOMES];
    long hidden; /* after which a key was found by the sweep only */
    long strays; /* went another way, and could not be killed where they should */
    long broken;
    double slowest_ms;
};

static long all_broken;

static void print_head(void)
{
    printf("%-26s %12s %8s %8s %8s %8s %8s %8s %8s %10s\n", "operation", "instructions", "victims", "strays", "locked",
           "old", "new", "hidden", "broken", "slowest ms");
}

static void print_row(const char *name, size_t instructions, const struct row *row)
{
    printf("%-26s %12zu %8ld %8ld %8ld %8ld %8ld %8ld %8ld %10.2f\n", name, instructions, row->victims, row->strays,
           row->locked, row->outcomes[OLD], row->outcomes[NEW], row->hidden, row->broken, row->slowest_ms);
    fflush(stdout);
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

static void tell(const char *name, size_t index, const struct moment *moment, const struct verdict *verdict)
{
    bool is_ours = moment->address >= (uintptr_t)__executable_start && moment->address < (uintptr_t)etext;
    if (verdict->problem[0] == '\0' || all_broken++ >= PROBLEMS_TOLD)
        return;
    printf("broken: %s: killed at instruction %zu (%s + %#lx)%s: %s\n", name, index, is_ours ? "program" : "C library",
           (unsigned long)(is_ours ? moment->address - (uintptr_t)__executable_start : moment->address),
           moment->is_locked ? ", with the mutex in hand" : "", verdict->problem);
}

/* ---- the runs to a breakpoint ---- */

/*
 * A breakpoint stops at each of the passes before the one that is meant. So the victim goes first to a moment of which
 * there are few before, and from there on to its last one: the way with the fewest stops.
 */
static size_t choose_stopover(const struct walk *walk, size_t index)
{
    size_t best = index, fewest_stops = SIZE_MAX, passes = 0;
    for (size_t i = index + 1; i > 0; i--) {
        const struct moment *moment = &walk->moments[i - 1];
        size_t stops = moment->passed + passes;
        if (stops < fewest_stops) {
            best = i - 1;
            fewest_stops = stops;
        }
        passes += i - 1 < index && moment->address == walk->moments[index].address;
    }
    return best;
}

/* False when the victim has gone another way than it did when the walk was recorded. */
static bool reach(pid_t victim, const struct walk *walk, size_t index)
{
    const struct moment *moment = &walk->moments[index];
    size_t stopover = choose_stopover(walk, index);
    unsigned passes = 0;
    if (!go_to(victim, walk->moments[stopover].address, walk->moments[stopover].passed))
        return false;
    for (size_t i = stopover + 1; i < index; i++)
        passes += walk->moments[i].address == moment->address;
    if (stopover < index && (!step_over(victim) || !go_to(victim, moment->address, passes)))
        return false;
    return read_instruction(victim) == moment->address && world_is_locked_by(victim) == moment->is_locked;
}

static bool kill_at(const struct operation *operation, const struct walk *walk, size_t index)
{
    pid_t victim = start(operation);
    bool is_reached = reach(victim, walk, index);
    kill(victim, SIGKILL);
    EXPECT(waitpid(victim, NULL, 0) == victim || errno == ECHILD);
    return is_reached;
}

/* From `first` on every stride-th, and the last one. */
static size_t next_moment(const struct walk *walk, size_t index, size_t stride)
{
    if (index + stride < walk->count || index + 1 == walk->count)
        return index + stride;
    return walk->count - 1;
}

/* The last of several: the C library does some things once in its life, and its heap has a past. */
static void learn(const struct operation *operation, const struct world_image *image)
{
    struct verdict verdict;
    for (int i = 0; i < LESSONS; i++) {
        world_restore(image);
        record(operation, &walk_of_first);
        judge(operation, NULL, i % 2 == 0, &verdict);
    }
}

static void kill_everywhere(const struct operation *operation, size_t stride)
{
    struct row row = {0};
    struct verdict verdict;
    alarm(TIME_LIMIT_S); /* anew */
    world_begin(operation);
    struct world_image *image = world_save();
    learn(operation, image);
    for (size_t i = 0; i < walk_of_first.count; i = next_moment(&walk_of_first, i, stride)) {
        const struct moment *moment = &walk_of_first.moments[i];
        world_restore(image);
        if (!kill_at(operation, &walk_of_first, i)) {
            row.strays++;
            continue;
        }
        judge(operation, NULL, row.victims % 2 == 0, &verdict);
        count(&row, &verdict, moment->is_locked);
        tell(operation->name, i, moment, &verdict);
    }
    print_row(operation->name, walk_of_first.count, &row);
    EXPECT(row.strays * STRAYS_ONE_IN <= row.victims);
    EXPECT(row.broken > 0 || (row.outcomes[OLD] > 0 && (operation->is_without_effect || row.outcomes[NEW] > 0)));
    free(image);
    world_end();
}

/* Of a loop that changes the segment, the first two turns and the last. */
static bool is_worth_a_recovery(const struct walk *walk, size_t index)
{
    const struct moment *moment = &walk->moments[index];
    int before = 0, after = 0;
    for (size_t i = 0; i < walk->count; i++)
        if (walk->moments[i].is_changing && walk->moments[i].changed_by == moment->changed_by) {
            before += i < index;
            after += i > index;
        }
    return moment->is_changing && (before < 2 || after == 0);
}

/* The world is as the first victim left it. */
static void kill_recoverer(const struct operation *operation, const char *name, size_t first, size_t stride,
                           struct row *row)
{
    struct verdict verdict;
    struct world_image *image = world_save();
    record(&recovering_operation, &walk_of_second);
    for (size_t i = first; i < walk_of_second.count; i = next_moment(&walk_of_second, i, stride)) {
        const struct moment *moment = &walk_of_second.moments[i];
        world_restore(image);
        if (!kill_at(&recovering_operation, &walk_of_second, i)) {
            row->strays++;
            continue;
        }
        judge(operation, &recovering_operation, row->victims % 2 == 0, &verdict);
        count(row, &verdict, moment->is_locked);
        tell(name, i, moment, &verdict);
    }
    free(image);
}

static void kill_recoverers(const struct operation *operation, size_t stride)
{
    struct row row = {0};
    size_t instructions = 0, first_victims = 0;
    char name[128];
    world_begin(operation);
    struct world_image *image = world_save();
    learn(operation, image);
    for (size_t i = 0; i < walk_of_first.count; i++) {
        if (!is_worth_a_recovery(&walk_of_first, i))
            continue;
        alarm(TIME_LIMIT_S);
        world_restore(image);
        EXPECT(kill_at(operation, &walk_of_first, i));
        snprintf(name, sizeof(name), "recovery from %s, killed at instruction %zu", operation->name, i);
        kill_recoverer(operation, name, first_victims++ % stride, stride, &row);
        instructions += walk_of_second.count;
    }
    print_row(operation->name, instructions, &row);
    EXPECT(row.strays * STRAYS_ONE_IN <= row.victims);
    EXPECT(first_victims > 0 && (row.broken > 0 || (row.outcomes[OLD] > 0 && row.outcomes[NEW] > 0)));
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
    if (!stepper_is_possible()) {
        printf("skipped: this system does not let a process trace its child\n");
        return 77;
    }
    print_head();
    const char *only_or_null = argc > 3 ? argv[3] : NULL;
    if (is_recovery)
        run_all(membership_operations, membership_operation_count, kill_recoverers, stride, only_or_null);
    else
        run_all(operations, operation_count, kill_everywhere, stride, only_or_null);
    return all_broken > 0 ? 1 : 0;
}
