/* SPDX-License-Identifier: MIT */
#include "tracer.h"

#include <alloca.h>
#include <link.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>

#include "expect.h"

enum { STACK_PAGE_BYTES = 4096, NUMBER_MIN = 10000 };

/* The program, with the library in it, from its first byte to the last of its code. */
extern const char __executable_start[], etext[];

/* ---- registers and code ---- */

#ifdef __x86_64__
#define BREAKPOINT_BYTES 1
#define BREAKPOINT 0xccL
#define BREAKPOINT_MASK 0xffL
#define SYSCALL_CODE 0x050fL
#define SYSCALL_MASK 0xffffL
#define REGISTER_OFFSET(name) offsetof(struct user_regs_struct, name)
#define INSTRUCTION_OFFSET REGISTER_OFFSET(rip)
#define STACK_OFFSET REGISTER_OFFSET(rsp)

/* Never run but by call_system(). */
__asm__(".pushsection .text\ntracer_syscall: syscall\n.popsection");
extern const char tracer_syscall[];

static void set_call(struct user_regs_struct *registers, void *memory, size_t bytes, int protection)
{
    registers->rip = (uintptr_t)tracer_syscall;
    registers->rax = SYS_mprotect;
    registers->orig_rax = UINT64_MAX; /* there is no system call to be restarted */
    registers->rdi = (uintptr_t)memory;
    registers->rsi = bytes;
    registers->rdx = (unsigned long long)protection;
}

static long long result_of(const struct user_regs_struct *registers)
{
    return (long long)registers->rax;
}
#else /* tracer_is_possible() says no */
#define BREAKPOINT_BYTES 0
#define BREAKPOINT 0L
#define BREAKPOINT_MASK 0L
#define SYSCALL_CODE 0L
#define SYSCALL_MASK 0L
#define INSTRUCTION_OFFSET 0
#define STACK_OFFSET 0

static void set_call(struct user_regs_struct *registers, void *memory, size_t bytes, int protection)
{
    (void)registers, (void)memory, (void)bytes, (void)protection;
}

static long long result_of(const struct user_regs_struct *registers)
{
    (void)registers;
    return -1;
}
#endif

static uintptr_t read_instruction(pid_t child)
{
    return (uintptr_t)ptrace(PTRACE_PEEKUSER, child, INSTRUCTION_OFFSET, NULL);
}

static uintptr_t read_stack(pid_t child)
{
    return (uintptr_t)ptrace(PTRACE_PEEKUSER, child, STACK_OFFSET, NULL);
}

static long read_code(pid_t child, uintptr_t address)
{
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, child, address, NULL);
    EXPECT_EQ(errno, 0);
    return code;
}

/* Into a copy of the page that is the child's own. */
static void write_code(pid_t child, uintptr_t address, long code)
{
    EXPECT_EQ(ptrace(PTRACE_POKETEXT, child, address, code), 0);
}

/* ---- movement ---- */

/* The signal that stopped it; 0 when it has ended. */
static int go_on(pid_t child, enum __ptrace_request how)
{
    int status;
    EXPECT_EQ(ptrace(how, child, NULL, NULL), 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

/* The kernel's code for clocks (vdso(7)) takes another path each time, and touches nothing of ours. */
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

/* At full speed to the next time that the child comes to the instruction. False when it ended first. */
static bool run_to(pid_t child, uintptr_t address)
{
    long code = read_code(child, address);
    write_code(child, address, (code & ~BREAKPOINT_MASK) | BREAKPOINT);
    int signal = go_on(child, PTRACE_CONT);
    if (signal == 0)
        return false;
    EXPECT_EQ(signal, SIGTRAP);
    EXPECT_EQ(read_instruction(child), address + BREAKPOINT_BYTES);
    EXPECT_EQ(ptrace(PTRACE_POKEUSER, child, INSTRUCTION_OFFSET, address), 0);
    write_code(child, address, code);
    return true;
}

/* A child that has just entered the kernel's code runs to where it returns. That code starts over when the clock ticks
 * while it reads, so on a busy machine a child that is stepped through it might never leave. */
static bool leave_kernel_code(pid_t child)
{
    return !is_kernel_code(read_instruction(child)) || run_to(child, (uintptr_t)read_code(child, read_stack(child)));
}

/* The kernel stops after each turn of an instruction that repeats itself. */
bool tracer_step(pid_t child)
{
    uintptr_t address = read_instruction(child);
    int signal = SIGTRAP;
    while (signal == SIGTRAP && read_instruction(child) == address)
        signal = go_on(child, PTRACE_SINGLESTEP);
    EXPECT(signal == SIGTRAP || signal == 0);
    return signal != 0 && leave_kernel_code(child);
}

/* At full speed to the instruction, when the child comes to it for the (passed + 1)-th time. False when it ended first. */
static bool go_to(pid_t child, uintptr_t address, unsigned passed)
{
    for (unsigned i = 0; i <= passed; i++)
        if (!run_to(child, address) || (i < passed && !tracer_step(child)))
            return false;
    return true;
}

/* ---- children ---- */

/* Two tracers on one processor would take turns while another is idle. So each has a name for its processor, which no
 * two sockets can have (unix(7), abstract sockets), for as long as it runs. */
static bool reserve_processor(unsigned number)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "keyshm-tracer-%u", number);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0)
        return true; /* kept open to the end */
    close(fd);
    return false;
}

/* One that no other tracer has; or else the one on which this process runs. */
static unsigned choose_processor(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
        for (unsigned number = 0; number < CPU_SETSIZE; number++)
            if (CPU_ISSET(number, &allowed) && reserve_processor(number))
                return number;
    return (unsigned)sched_getcpu();
}

bool tracer_is_possible(void)
{
    cpu_set_t processor;
    if (BREAKPOINT_BYTES == 0 || !expect_may_trace()) {
        printf("skipped: this system does not let a process trace its child, or is not x86-64\n");
        return false;
    }
    CPU_ZERO(&processor);
    CPU_SET(choose_processor(), &processor);
    if (sched_setaffinity(0, sizeof(processor), &processor) < 0)
        printf("not on one processor: %s\n", strerror(errno)); /* slower, no less right */
    return true;
}

/* At the same place in a page of the stack, from wherever it is called: near the end of one, the C library's functions
 * for strings go another way. */
__attribute__((noinline)) static void run(void (*act)(void))
{
    /* cppcheck-suppress allocaCalled ; of a length that is known only now */
    const char *frame = __builtin_frame_address(0), *room = alloca((uintptr_t)frame % STACK_PAGE_BYTES);
    __asm__ volatile("" : : "r"(room));
    act();
    __asm__ volatile("" : : "r"(room));
}

/* What writes the number of its process in decimal goes another way when the number has another count of digits.
 * Numbers begin again from 300 when the largest was given (proc(5), pid_max), so those of fewer than five digits are
 * used up first. */
static pid_t fork_numbered(void)
{
    for (;;) {
        pid_t child = expect_fork();
        if (child == 0 && getpid() < NUMBER_MIN)
            _exit(0);
        if (child == 0 || child >= NUMBER_MIN)
            return child;
        expect_success_of(child);
        for (pid_t number = child; number < NUMBER_MIN - 1;) {
            /* A tenth of the time of a fork(2); the child only ends. */
            /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
            number = vfork();
            if (number == 0)
                _exit(0);
            EXPECT(number > 0 && waitpid(number, NULL, 0) == number);
        }
    }
}

static pid_t start_protected(void (*act)(void), const struct tracer_memory memories[TRACER_MEMORIES])
{
    int status;
    pid_t child = fork_numbered();
    if (child == 0) {
        EXPECT_EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
        for (int i = 0; i < TRACER_MEMORIES; i++)
            EXPECT(memories[i].bytes == 0 || mprotect(memories[i].at, memories[i].bytes, PROT_NONE) == 0);
        raise(SIGSTOP);
        run(act);
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT(go_to(child, (uintptr_t)act, 0));
    return child;
}

pid_t tracer_start(void (*act)(void))
{
    static const struct tracer_memory none[TRACER_MEMORIES];
    return start_protected(act, none);
}

pid_t tracer_start_at(void (*act)(void), const struct tracer_walk *walk, size_t index, void (*restore)(const void *world),
                      const void *world)
{
    for (int tries = 0; tries < TRACER_TRIES; tries++) {
        restore(world);
        pid_t child = tracer_start(act);
        if (tracer_reach(child, walk, index))
            return child;
        tracer_kill(child);
    }
    return 0;
}

struct robust_list {
    uint64_t words[3]; /* struct robust_list_head, <linux/futex.h> */
};

bool tracer_has_robust_list_changed(pid_t child)
{
    static struct robust_list last;
    struct robust_list list;
    void *head = NULL;
    size_t size = 0;
    EXPECT_EQ(syscall(SYS_get_robust_list, child, &head, &size), 0);
    struct iovec to = {&list, sizeof(list)}, from = {head, sizeof(list)};
    EXPECT_EQ(process_vm_readv(child, &to, 1, &from, 1, 0), (ssize_t)sizeof(list));
    bool has_changed = memcmp(&last, &list, sizeof(list)) != 0;
    last = list;
    return has_changed;
}

void tracer_finish(pid_t child)
{
    EXPECT_EQ(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
    expect_success_of(child);
}

void tracer_kill(pid_t child)
{
    kill(child, SIGKILL);
    EXPECT(waitpid(child, NULL, 0) == child || errno == ECHILD);
}

/* ---- the run in single steps ---- */

static unsigned count_passed(const struct tracer_walk *walk, uintptr_t address)
{
    for (size_t i = walk->count; i > 0; i--)
        if (walk->moments[i - 1].address == address)
            return walk->moments[i - 1].passed + 1;
    return 0;
}

static void append(struct tracer_walk *walk, uintptr_t address)
{
    EXPECT(walk->count < TRACER_MOMENTS_MAX);
    unsigned passed = count_passed(walk, address);
    walk->moments[walk->count++] = (struct tracer_moment){.address = address, .passed = passed};
}

void tracer_record(void (*act)(void), void (*look)(pid_t child, size_t index), struct tracer_walk *ret_walk)
{
    pid_t child = tracer_start(act);
    uintptr_t stack = read_stack(child);
    ret_walk->count = 0;
    while (read_stack(child) <= stack) {
        append(ret_walk, read_instruction(child));
        if (look != NULL)
            look(child, ret_walk->count - 1);
        EXPECT(tracer_step(child));
    }
    expect_kill(child);
}

/* With a signal, the kernel makes the child's frame for the handler, and stops it there. */
void tracer_signal(pid_t child, int signal)
{
    int status;
    EXPECT_EQ(ptrace(PTRACE_SINGLESTEP, child, NULL, (long)signal), 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
}

/* The handler returns to code that makes a system call, sigreturn(2). */
bool tracer_leave_handler(pid_t child)
{
    bool is_going_on = run_to(child, (uintptr_t)read_code(child, read_stack(child)));
    while (is_going_on && (read_code(child, read_instruction(child)) & SYSCALL_MASK) != SYSCALL_CODE)
        is_going_on = tracer_step(child);
    return is_going_on && tracer_step(child);
}

void tracer_record_handler(pid_t child, int signal, void (*look)(pid_t child, size_t index), struct tracer_walk *ret_walk)
{
    uintptr_t address = read_instruction(child), stack = read_stack(child);
    ret_walk->count = 0;
    tracer_signal(child, signal);
    while (read_instruction(child) != address || read_stack(child) != stack) {
        append(ret_walk, read_instruction(child));
        look(child, ret_walk->count - 1);
        EXPECT(tracer_step(child));
    }
}

/* By a system call in the child, whose registers are put back. */
static void protect(pid_t child, void *memory, size_t bytes, int protection)
{
    struct user_regs_struct before, call;
    EXPECT_EQ(ptrace(PTRACE_GETREGS, child, NULL, &before), 0);
    call = before;
    set_call(&call, memory, bytes, protection);
    EXPECT_EQ(ptrace(PTRACE_SETREGS, child, NULL, &call), 0);
    EXPECT_EQ(go_on(child, PTRACE_SINGLESTEP), SIGTRAP);
    EXPECT_EQ(ptrace(PTRACE_GETREGS, child, NULL, &call), 0);
    EXPECT_EQ(result_of(&call), 0);
    EXPECT_EQ(ptrace(PTRACE_SETREGS, child, NULL, &before), 0);
}

bool tracer_is_system_call(pid_t child, uintptr_t address)
{
    return (read_code(child, address) & SYSCALL_MASK) == SYSCALL_CODE;
}

static void protect_all(pid_t child, const struct tracer_memory memories[TRACER_MEMORIES], int protection)
{
    for (int i = 0; i < TRACER_MEMORIES; i++)
        if (memories[i].bytes > 0)
            protect(child, memories[i].at, memories[i].bytes, protection);
}

/* Is it a string instruction, which may touch any number of bytes in two places? Its opcode follows the prefixes. */
static bool is_string_instruction(pid_t child, uintptr_t address)
{
    uint64_t code = (uint64_t)read_code(child, address);
    unsigned char byte = (unsigned char)code;
    while (byte == 0x66 || byte == 0xf2 || byte == 0xf3 || (byte & 0xf0) == 0x40) {
        code >>= 8;
        byte = (unsigned char)code;
    }
    return (byte >= 0xa4 && byte <= 0xa7) || (byte >= 0xaa && byte <= 0xaf);
}

/* Steps over an instruction of a child that has no access to the memory otherwise. */
static void step_with_access(pid_t child, const struct tracer_memory memories[TRACER_MEMORIES])
{
    protect_all(child, memories, PROT_READ | PROT_WRITE);
    EXPECT(tracer_step(child));
    protect_all(child, memories, PROT_NONE);
}

/* Steps over an instruction for which the child has been refused access, and finds out what it touches. One that is
 * refused it when the memory may be read writes. */
static void step_over_access(pid_t child, const struct tracer_memory memories[TRACER_MEMORIES],
                             struct tracer_moment *moment)
{
    siginfo_t info;
    EXPECT_EQ(ptrace(PTRACE_GETSIGINFO, child, NULL, &info), 0);
    moment->touched = is_string_instruction(child, moment->address) ? 0 : (uintptr_t)info.si_addr;
    protect_all(child, memories, PROT_READ);
    int signal = go_on(child, PTRACE_SINGLESTEP);
    EXPECT(signal == SIGSEGV || signal == SIGTRAP);
    moment->is_write = signal == SIGSEGV;
    if (moment->is_write)
        step_with_access(child, memories);
    else
        protect_all(child, memories, PROT_NONE);
}

/* Steps over the next instruction of a child that has no access to the memory. */
static void step_over(pid_t child, const struct tracer_memory memories[TRACER_MEMORIES], struct tracer_moment *moment)
{
    moment->is_shared = tracer_is_system_call(child, moment->address);
    if (moment->is_shared) {
        step_with_access(child, memories);
        return;
    }
    int signal = go_on(child, PTRACE_SINGLESTEP);
    moment->is_shared = signal == SIGSEGV; /* which has done nothing, and is not delivered */
    if (moment->is_shared) {
        step_over_access(child, memories, moment);
        return;
    }
    EXPECT_EQ(signal, SIGTRAP);
    if (read_instruction(child) == moment->address)
        EXPECT(tracer_step(child));
    EXPECT(leave_kernel_code(child));
}

void tracer_record_shared(void (*act)(void), const struct tracer_memory memories[TRACER_MEMORIES],
                          struct tracer_walk *ret_walk)
{
    pid_t child = start_protected(act, memories);
    uintptr_t stack = read_stack(child);
    ret_walk->count = 0;
    while (read_stack(child) <= stack) {
        append(ret_walk, read_instruction(child));
        step_over(child, memories, &ret_walk->moments[ret_walk->count - 1]);
    }
    expect_kill(child);
}

/* ---- the runs to a breakpoint ---- */

/*
 * A breakpoint stops at each of the passes before the one that is meant. So the child goes first to a moment of which
 * there are few before, and from there on to its last one: the way with the fewest stops.
 */
static size_t choose_stopover(const struct tracer_walk *walk, size_t index)
{
    size_t best = index, fewest_stops = SIZE_MAX, passes = 0;
    for (size_t i = index + 1; i > 0; i--) {
        const struct tracer_moment *moment = &walk->moments[i - 1];
        size_t stops = moment->passed + passes;
        if (stops < fewest_stops) {
            best = i - 1;
            fewest_stops = stops;
        }
        passes += i - 1 < index && moment->address == walk->moments[index].address;
    }
    return best;
}

bool tracer_reach(pid_t child, const struct tracer_walk *walk, size_t index)
{
    uintptr_t address = walk->moments[index].address;
    size_t stopover = choose_stopover(walk, index);
    unsigned passes = 0;
    if (!go_to(child, walk->moments[stopover].address, walk->moments[stopover].passed))
        return false;
    for (size_t i = stopover + 1; i < index; i++)
        passes += walk->moments[i].address == address;
    if (stopover < index && (!tracer_step(child) || !go_to(child, address, passes)))
        return false;
    return read_instruction(child) == address;
}

bool tracer_is_of_program(uintptr_t address)
{
    return address >= (uintptr_t)__executable_start && address < (uintptr_t)etext;
}

struct tracer_place tracer_place_of(uintptr_t address)
{
    if (tracer_is_of_program(address))
        return (struct tracer_place){.object = "program", .offset = address - (uintptr_t)__executable_start};
    return (struct tracer_place){.object = "C library", .offset = address};
}
