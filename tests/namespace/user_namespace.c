/* SPDX-License-Identifier: MIT */

/*
 * In a user namespace, users have other numbers than outside. The name of a pool has the number outside, so that a user
 * finds its pools from both sides. Needs root: others may map no user but themselves.
 */

#include <sched.h>

#include "expect.h"
#include "sandbox.h"
#include "segment_name.h"

/* Inside, outside, how many. */
#define MAP "0 0 1\n100 5200 10\n"

static void expect_number(uid_t inside, uid_t outside)
{
    char name[SEGMENT_NAME_SIZE], expected[32];
    segment_name_make(name, inside, "provider");
    snprintf(expected, sizeof(expected), "/keyshm.%u.", outside);
    EXPECT(strncmp(name, expected, strlen(expected)) == 0);
}

static void run_inside(void)
{
    expect_number(0, 0);
    expect_number(100, 5200);
    expect_number(109, 5209);
    /* Nobody has these numbers. */
    expect_number(1, 1);
    expect_number(110, 110);
    exit(0);
}

/* From outside, where one may map several. */
static void map_users_of(pid_t child)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)child);
    if (!sandbox_write(path, MAP))
        sandbox_skip("mapping several uids");
}

int main(void)
{
    int entered[2], error;
    if (geteuid() != 0) {
        printf("skipped: needs root, to map several users\n");
        return 77;
    }
    expect_end_in_time();
    struct gate gate = gate_make();
    EXPECT_EQ(pipe2(entered, O_CLOEXEC), 0);
    pid_t child = expect_fork();
    if (child == 0) {
        error = unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
        EXPECT_EQ(write(entered[1], &error, sizeof(error)), sizeof(error));
        gate_wait(&gate);
        run_inside();
    }
    EXPECT_EQ(read(entered[0], &error, sizeof(error)), sizeof(error));
    errno = error;
    if (error != 0)
        sandbox_skip("unshare(2)");
    map_users_of(child);
    gate_open(&gate);
    expect_success_of(child);
    return 0;
}
