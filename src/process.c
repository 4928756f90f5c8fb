/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATUS_SIZE 1024 /* Name, State and Tgid are among the first lines of /proc/PID/status */

uint64_t process_pid_namespace(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

/* Reads the beginning of /proc/PID/status as a string; empty when there is no such process. */
static void read_status(pid_t pid, char status[STATUS_SIZE])
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    ssize_t length = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        length = read(fd, status, STATUS_SIZE - 1);
        close(fd);
    }
    status[length > 0 ? length : 0] = '\0';
}

/* The text behind "\nNAME:\t", up to `size` - 1 bytes of it or the end of the line; empty when there is none. */
static void status_field(const char *status, const char *name, char *ret_value, size_t size)
{
    const char *field = strstr(status, name);
    field = field != NULL ? field + strlen(name) : "";
    size_t length = strcspn(field, "\n");
    if (length > size - 1)
        length = size - 1;
    memcpy(ret_value, field, length);
    ret_value[length] = '\0';
}

pid_t process_of_thread(pid_t thread)
{
    char status[STATUS_SIZE], group[16];
    read_status(thread, status);
    status_field(status, "\nTgid:\t", group, sizeof(group));
    return (pid_t)strtol(group, NULL, 10);
}

void process_own_name(char ret_name[PROCESS_NAME_SIZE])
{
    memset(ret_name, 0, PROCESS_NAME_SIZE);
    prctl(PR_GET_NAME, ret_name);
}

void process_describe(pid_t pid, char ret_description[PROCESS_DESCRIPTION_SIZE])
{
    char status[STATUS_SIZE], name[PROCESS_NAME_SIZE], state[24];
    read_status(pid, status);
    status_field(status, "Name:\t", name, sizeof(name));
    status_field(status, "\nState:\t", state, sizeof(state));
    if (status[0] == '\0')
        snprintf(ret_description, PROCESS_DESCRIPTION_SIZE, "pid %d, gone", pid);
    else
        snprintf(ret_description, PROCESS_DESCRIPTION_SIZE, "pid %d (%s), state %s", pid, name, state);
}
