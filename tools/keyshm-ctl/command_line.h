/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_COMMAND_LINE_H
#define KEYSHM_CTL_COMMAND_LINE_H

#include "commands.h"

/* Read the command line, and say what is wrong with it. A value is never repeated: it may be a key in the wrong place.
 * *ret_command is NULL when there is nothing left to do. Returns the exit status. */
enum exit_status command_line_read(int argc, char **argv, const struct command **ret_command,
                                   struct arguments *ret_arguments);

#endif
