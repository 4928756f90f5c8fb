/* SPDX-License-Identifier: MIT */
#include "stepper.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "expect.h"

/*
 * One run is made in single steps, to learn the way the victim goes. All others go at full speed to a breakpoint, which
 * takes a hundredth of the time.
 */

enum { MOMENTS_MAX = 100000 };

/* The program, with the library in it, from its first byte to the last of its code. */
extern const char __executable_start[], etext[];

/* An instruction, and how often the victim has come by it before. */
struct moment {
    uintptr_t address;
    unsigned passed;
};

static struct moment moments[MOMENTS_MAX];

#ifdef __x86_64__
#define BREAKPOINT_BYTES 1
#define BREAKPOINT 0xcc

static uintptr_t read_address(pid_t child)
{
    return (uintptr_t)ptrace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, rip), NULL);
}

static void write_address(pid_t child, uintptr_t address)
{
    EXPECT_EQ(ptrace(PTRACE_POKEUSER, child, offsetof(struct user_regs_struct, rip), address), 0);
}
#else
#define BREAKPOINT_BYTES 0
#define BREAKPOINT 0

static uintptr_t read_address(pid_t child)
{
    (void)child;
    return 0;
}

static void write_address(pid_t child, uintptr_t address)
{
    (void)child;
    (void)address;
}
#endif

bool stepper_is_possible(void)
{
    int status;
    pid_t child = expect_fork();
    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status == 0 && BREAKPOINT_BYTES != 0;
}

static pid_t start(const struct stepper_case *test)
{
    int status;
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
        raise(SIGSTOP);
        test->victim();
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return child;
}

/* False when the victim has ended. */
static bool go_on(pid_t child, enum __ptrace_request how)
{
    int status;
    EXPECT_EQ(ptrace(how, child, NULL, NULL), 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        EXPECT_EQ(status, 0);
        return false;
    }
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    return true;
}

/* ---- the run in single steps ---- */

static unsigned count_passed(size_t count, uintptr_t address)
{
    for (size_t i = count; i > 0; i--)
        if (moments[i - 1].address == address)
            return moments[i - 1].passed + 1;
    return 0;
}

static size_t record_moments(const struct stepper_case *test)
{
    size_t count = 0;
    test->begin();
    pid_t child = start(test);
    while (go_on(child, PTRACE_SINGLESTEP)) {
        uintptr_t address = read_address(child);
        if (address < (uintptr_t)__executable_start || address >= (uintptr_t)etext)
            continue;
        EXPECT(count < MOMENTS_MAX);
        unsigned passed = count_passed(count, address);
        moments[count++] = (struct moment){.address = address, .passed = passed};
    }
    test->interfere();
    test->end();
    return count;
}

/* ---- the runs to a breakpoint ---- */

static void write_code(pid_t child, uintptr_t address, long code)
{
    /* Into a copy of the page that is the child's own. */
    EXPECT_EQ(ptrace(PTRACE_POKETEXT, child, address, code), 0);
}

static void go_to(pid_t child, const struct moment *moment)
{
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, child, moment->address, NULL);
    EXPECT_EQ(errno, 0);
    for (unsigned passed = 0; passed <= moment->passed; passed++) {
        write_code(child, moment->address, (code & ~0xffL) | BREAKPOINT);
        EXPECT(go_on(child, PTRACE_CONT));
        EXPECT_EQ(read_address(child), moment->address + BREAKPOINT_BYTES);
        write_address(child, moment->address);
        write_code(child, moment->address, code);
        if (passed < moment->passed)
            EXPECT(go_on(child, PTRACE_SINGLESTEP));
    }
}

struct stepper_count stepper_run(const struct stepper_case *test, size_t stride)
{
    struct stepper_count count = {.instructions = record_moments(test)};
    for (size_t i = 0; i < count.instructions; i += stride) {
        test->begin();
        pid_t child = start(test);
        go_to(child, &moments[i]);
        test->interfere();
        EXPECT_EQ(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
        expect_success_of(child);
        test->end();
        count.stops++;
    }
    return count;
}
