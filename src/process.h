/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PROCESS_H
#define KEYSHM_PROCESS_H

/* Processes as /proc shows them (proc(5)). */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_NAME_SIZE 16 /* TASK_COMM_LEN, with the NUL */
#define PROCESS_DESCRIPTION_SIZE 80

/* The inode of the caller's PID namespace; 0 when /proc does not show it. */
uint64_t process_pid_namespace(void);

/* The process that a thread belongs to; 0 when there is no such thread. */
pid_t process_of_thread(pid_t thread);

/* From /proc/PID/stat. */
struct process_look {
    char name[PROCESS_NAME_SIZE];
    char state;          /* 'R', 'S', 'T' ... */
    uint64_t started_ms; /* by clock_boot_ms(), to a tick of sysconf(_SC_CLK_TCK) */
};

/* -ENOENT: there is no such process, or /proc does not show it; -EBADMSG: its line has another form. */
int process_look(pid_t pid, struct process_look *ret_look);

void process_own_name(char ret_name[PROCESS_NAME_SIZE]);

/* "pid 17 (worker), state T"; "pid 17, gone" when there is none. */
void process_describe(pid_t pid, char ret_description[PROCESS_DESCRIPTION_SIZE]);

#endif
