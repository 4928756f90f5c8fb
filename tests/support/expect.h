/* SPDX-License-Identifier: MIT */
#ifndef EXPECT_H
#define EXPECT_H

/*
 * What the plain test programs share: an assertion, a pool name that is unlinked however the program ends, a time
 * limit, and children that do not outlive their parent. Exit status: 0 passed, 1 failed, 77 could not be run.
 */

#include <errno.h>
#include <fcntl.h>
#include <keyshm.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each may be used by any thread and by a child: it ends the process that uses it. */
#define EXPECT(condition) ((condition) ? (void)0 : expect_failed(__FILE__, __LINE__, #condition))
#define EXPECT_EQ(actual, expected) \
    expect_equal(__FILE__, __LINE__, #actual, (long long)(actual), #expected, (long long)(expected))

_Noreturn void expect_failed(const char *file, int line, const char *condition);
void expect_equal(const char *file, int line, const char *actual_text, long long actual, const char *expected_text,
                  long long expected);

/* Called by an expectation that fails, to say what the program was doing. NULL: nothing. */
extern void (*expect_print_context)(void);

/* From now on, end this process when it takes much too long. Not inherited by children. */
void expect_end_in_time(void);

/* Choose the name of this process's pool, which is unlinked when the process ends, and set a time limit. */
void expect_pool_name(const char *test);
extern char expect_name[KEYSHM_PROVIDER_MAX + 1];

/* fork(2) of a child that is killed when this thread ends. */
pid_t expect_fork(void);

/* Wait for a child, or for whichever child ends next, which must have exited with 0. */
void expect_success_of(pid_t child);
void expect_success_of_next(void);

/* Kill a child, and wait until it is gone. */
void expect_kill(pid_t child);

/* Does the process sleep, as /proc has it (proc_pid_stat(5))? */
bool expect_is_asleep(pid_t process);

/* Does this system let a process trace its child? */
bool expect_may_trace(void);

/* Memory, all zero, that the children will share with this process. */
void *expect_shared_memory(size_t size);

/* A gate holds any number of children until the parent opens it, for all at the same moment. */
struct gate {
    int wait_fd;
    int hold_fd;
};

struct gate gate_make(void);
void gate_wait(const struct gate *gate); /* in a child */
void gate_wait_at(int wait_fd);          /* in a program that has been given only this part of it */
void gate_open(const struct gate *gate); /* in the parent */

#endif
