/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_CHECK_LOCK_H
#define KEYSHM_CTL_CHECK_LOCK_H

/* One check of a pool at a time: a lock on a byte of the segment's file, which ends with the process that has it. */

#include <sys/types.h>

/* -EBUSY: another process has it. -EACCES: the file is not that user's. An error of open(2) or fcntl(2). Close *ret_fd to give it
 * back. */
int check_lock(uid_t owner, const char *provider, int *ret_fd);

#endif
