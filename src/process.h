/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PROCESS_H
#define KEYSHM_PROCESS_H

/* Processes as /proc shows them (proc(5)). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_NAME_SIZE 16 /* TASK_COMM_LEN, with the NUL */
#define PROCESS_DESCRIPTION_SIZE 80

/*
 * The inode of the caller's PID namespace; 0: not known. It does not change while a process lives, but a child may be
 * in another one than its parent. Where /proc is not mounted, Linux 6.11 and later tell it all the same
 * (PIDFD_GET_PID_NAMESPACE, pidfd_open(2)).
 */
uint64_t process_pid_namespace(void);

/* The process that a thread belongs to; 0 when there is no such thread, or /proc does not show it. */
pid_t process_of_thread(pid_t thread);

/* From /proc/PID/stat. */
struct process_look {
    char name[PROCESS_NAME_SIZE];
    char state;             /* 'R', 'S', 'T' ... */
    uint64_t threads;       /* those that have not ended */
    uint64_t started_ticks; /* since the system was started; no two processes with the same number have the same */
};

/* Safe in a signal handler. -ENOENT: there is no such process, or /proc does not show it; -EBADMSG: its line has
 * another form. */
int process_look(pid_t pid, struct process_look *ret_look);

/* As /proc/PID/comm has it. */
void process_own_name(char ret_name[PROCESS_NAME_SIZE]);

/* A number for what this process executes: another one after execve(2). */
uint64_t process_image(void);

/* "pid 17 (worker), state T"; "pid 17, gone" when there is none; "pid 17" when /proc does not show the caller's PID
 * namespace. */
void process_describe(pid_t pid, char ret_description[PROCESS_DESCRIPTION_SIZE]);

#endif
