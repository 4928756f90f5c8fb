/* SPDX-License-Identifier: MIT */
#include "process_owner.h"

#include <stdio.h>
#include <unistd.h>

bool process_is_of_this_user(pid_t pid)
{
    char path[32], line[256];
    unsigned real = 0, effective = 0, saved = 0;
    int found = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (status == NULL)
        return false;
    /* Not the owner of /proc/PID: that is root for every process that may not be traced, as keyshm-ctl itself. */
    while (found != 3 && fgets(line, sizeof(line), status) != NULL)
        found = sscanf(line, "Uid: %u %u %u", &real, &effective, &saved);
    fclose(status);
    uid_t own = geteuid();
    return found == 3 && real == own && effective == own && saved == own;
}
