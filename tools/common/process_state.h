/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_PROCESS_STATE_H
#define KEYSHM_COMMON_PROCESS_STATE_H

/* The state of a process, as /proc/PID/stat has it (proc(5)), in a word; "" for '\0', which is not known. */
const char *process_state_name(char state);

#endif
