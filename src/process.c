/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

#define TEXT_SIZE 1024 /* Name, State and Tgid are among the first lines of /proc/PID/status, and stat is one line */

#ifndef PIDFD_GET_PID_NAMESPACE
#define PIDFD_GET_PID_NAMESPACE _IO(0xFF, 5) /* <linux/pidfd.h> of Linux 6.11 */
#endif

static uint64_t inode_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* By a descriptor for this process, and one for its namespace. */
static uint64_t ask_pid_namespace(void)
{
    int process = (int)syscall(SYS_pidfd_open, getpid(), 0);
    int namespace = process >= 0 ? ioctl(process, PIDFD_GET_PID_NAMESPACE, 0) : -1;
    uint64_t inode = namespace >= 0 ? inode_of(namespace) : 0;
    if (namespace >= 0)
        close(namespace);
    if (process >= 0)
        close(process);
    return inode;
}

uint64_t process_pid_namespace(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : ask_pid_namespace();
}

/* ---- text, without stdio, which is not safe in a signal handler ---- */

static char *append_number(char *end, unsigned number)
{
    char digits[10];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *end++ = digits[--count];
    return end;
}

/* The decimal number at the beginning of a text. */
static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

/* Does /proc show the processes under the numbers that they have in the caller's PID namespace? */
static bool has_own_proc(void)
{
    char target[16];
    ssize_t length = readlink("/proc/self", target, sizeof(target) - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    return number_of(target) == (uint64_t)getpid();
}

/* Read the beginning of /proc/PID/`file` as a string; empty when there is no such process, or /proc does not show it. */
static void read_file(pid_t pid, const char *file, char text[TEXT_SIZE])
{
    char path[sizeof("/proc/4294967295/") + 16], *end = stpcpy(path, "/proc/");
    ssize_t length = -1;
    end = stpcpy(append_number(end, (unsigned)pid), "/");
    stpcpy(end, file);
    int fd = has_own_proc() ? open(path, O_RDONLY | O_CLOEXEC) : -1;
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
    return (pid_t)number_of(group);
}

/* The numbers of the fields in proc_pid_stat(5), after the name, which is in parentheses and may contain anything. */
enum { STAT_STATE = 3, STAT_THREADS = 20, STAT_STARTED = 22 };

/* Where a field begins; "" when there are fewer. */
static const char *field_of(const char *after_name, int number)
{
    for (int field = STAT_STATE; field < number && after_name != NULL; field++) {
        after_name = strchr(after_name, ' ');
        after_name = after_name != NULL ? after_name + 1 : NULL;
    }
    return after_name != NULL ? after_name : "";
}

static int parse_stat(const char *stat, struct process_look *ret_look)
{
    const char *begin = strchr(stat, '('), *end = strrchr(stat, ')');
    if (begin == NULL || end == NULL || (size_t)(end - begin) > sizeof(ret_look->name) || end[1] != ' ')
        return -EBADMSG;
    struct process_look look = {
        .state = *field_of(end + 2, STAT_STATE),
        .threads = number_of(field_of(end + 2, STAT_THREADS)),
        .started_ticks = number_of(field_of(end + 2, STAT_STARTED)),
    };
    if (*field_of(end + 2, STAT_STARTED) == '\0')
        return -EBADMSG;
    memcpy(look.name, begin + 1, (size_t)(end - begin - 1));
    *ret_look = look;
    return 0;
}

int process_look(pid_t pid, struct process_look *ret_look)
{
    char stat[TEXT_SIZE];
    read_file(pid, "stat", stat);
    return stat[0] != '\0' ? parse_stat(stat, ret_look) : -ENOENT;
}

uint64_t process_image(void)
{
    /* The number is made at the first call and forgotten by execve(2). A child keeps it, under another pid. */
    static _Atomic uint64_t image;
    uint64_t known = atomic_load_explicit(&image, memory_order_relaxed);
    uint64_t made = clock_boot_us() | 1;
    if (known == 0 &&
        atomic_compare_exchange_strong_explicit(&image, &known, made, memory_order_relaxed, memory_order_relaxed))
        return made;
    return known;
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
        snprintf(ret_description, PROCESS_DESCRIPTION_SIZE, has_own_proc() ? "pid %d, gone" : "pid %d", pid);
    else
        snprintf(ret_description, PROCESS_DESCRIPTION_SIZE, "pid %d (%s), state %s", pid, name, state);
}
