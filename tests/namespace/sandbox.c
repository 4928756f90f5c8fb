/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_SKIP 77

void sandbox_skip(const char *what)
{
    printf("skipped: %s is not permitted here: %s\n", what, strerror(errno));
    exit(EXIT_SKIP);
}

bool sandbox_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

void sandbox_enter(int flags)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(uid == 0 ? flags : flags | CLONE_NEWUSER) != 0)
        sandbox_skip("unshare(2)");
    if (uid == 0)
        return;
    snprintf(map, sizeof(map), "%u %u 1", uid, uid);
    if (!sandbox_write("/proc/self/uid_map", map))
        sandbox_skip("mapping a uid");
    snprintf(map, sizeof(map), "%u %u 1", gid, gid);
    if (!sandbox_write("/proc/self/setgroups", "deny") || !sandbox_write("/proc/self/gid_map", map))
        sandbox_skip("mapping a gid");
}
