/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_PROCESS_OWNER_H
#define KEYSHM_CTL_PROCESS_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/* Are all of the process's user ids this process's effective one? Also for root, who may kill everyone's. */
bool process_is_of_this_user(pid_t pid);

#endif
