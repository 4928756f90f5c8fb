/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <ftw.h>

#include "expect.h"

char scratch_directory[] = "/dev/shm/bench-keyshm.XXXXXX";
static pid_t child;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

/* The child ends, and so does the wait for it. */
static void pass_on(int signal_number)
{
    kill(child, signal_number);
}

_Noreturn static void wait_and_remove(void)
{
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    int status;
    EXPECT_EQ(sigaction(SIGTERM, &action, NULL), 0);
    EXPECT_EQ(sigaction(SIGHUP, &action, NULL), 0);
    EXPECT_EQ(sigaction(SIGINT, &action, NULL), 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    nftw(scratch_directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

void scratch_begin(void)
{
    EXPECT(mkdtemp(scratch_directory) != NULL);
    child = expect_fork();
    if (child != 0)
        wait_and_remove();
}

void scratch_path(char ret_path[SCRATCH_PATH_SIZE], const char *name)
{
    EXPECT(snprintf(ret_path, SCRATCH_PATH_SIZE, "%s/%s", scratch_directory, name) < SCRATCH_PATH_SIZE);
}
