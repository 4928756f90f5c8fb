/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE 1024 /* Name, State and Tgid are among the first lines of /proc/PID/status, and stat is one line */

uint64_t process_pid_namespace(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

/* Read the beginning of /proc/PID/`file` as a string; empty when there is no such process. */
static void read_file(pid_t pid, const char *file, char text[TEXT_SIZE])
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    ssize_t length = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        length = read(fd, text, TEXT_SIZE - 1);
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
}

/* The text after "\nNAME:\t", at most `size` - 1 bytes, to the end of the line; empty when there is none. */
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
    char status[TEXT_SIZE], group[16];
    read_file(thread, "status", status);
    status_field(status, "\nTgid:\t", group, sizeof(group));
    return (pid_t)strtol(group, NULL, 10);
}

/* The fields of proc(5) after the name, which is in parentheses and may contain anything. The 22nd is the start time. */
static int parse_stat(const char *stat, struct process_look *ret_look)
{
    struct process_look look = {.state = '\0'};
    unsigned long long started_ticks;
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    const char *begin = strchr(stat, '('), *end = strrchr(stat, ')');
    if (begin == NULL || end == NULL || (size_t)(end - begin) > sizeof(look.name) || ticks_per_second <= 0)
        return -EBADMSG;
    memcpy(look.name, begin + 1, (size_t)(end - begin - 1));
    if (sscanf(end, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &look.state,
               &started_ticks) != 2)
        return -EBADMSG;
    look.started_ms = started_ticks * 1000 / (unsigned long long)ticks_per_second;
    *ret_look = look;
    return 0;
}

int process_look(pid_t pid, struct process_look *ret_look)
{
    char stat[TEXT_SIZE];
    read_file(pid, "stat", stat);
    return stat[0] != '\0' ? parse_stat(stat, ret_look) : -ENOENT;
}

void process_own_name(char ret_name[PROCESS_NAME_SIZE])
{
    memset(ret_name, 0, PROCESS_NAME_SIZE);
    prctl(PR_GET_NAME, ret_name);
}

void process_describe(pid_t pid, char ret_description[PROCESS_DESCRIPTION_SIZE])
{
    char status[TEXT_SIZE], name[PROCESS_NAME_SIZE], state[24];
    read_file(pid, "status", status);
    status_field(status, "Name:\t", name, sizeof(name));
    status_field(status, "\nState:\t", state, sizeof(state));
    if (status[0] == '\0')
        snprintf(ret_description, PROCESS_DESCRIPTION_SIZE, "pid %d, gone", pid);
    else
        snprintf(ret_description, PROCESS_DESCRIPTION_SIZE, "pid %d (%s), state %s", pid, name, state);
}
