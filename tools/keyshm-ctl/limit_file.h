/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_LIMIT_FILE_H
#define KEYSHM_CTL_LIMIT_FILE_H

/* A file of limits: lines of an ID, --group or all, and options, in the words of limits, quoted as for a shell. Each has all
 * limits of its subject: what it does not name has no limit. */

#include "failure.h"
#include "limit_list.h"

/* How the file is called in messages: not before it is open, as the name may be a key in the wrong place. */
const char *limit_file_name(const char *path);

/* Check all lines, and append them to the list. "-": standard input. Says on standard error what is wrong with which. Returns
 * the exit status. */
enum exit_status limit_file_read(const char *path, struct limit_check *check, struct limit_list *list);

#endif
