/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_COMMAND_LINE_H
#define KEYSHM_CTL_COMMAND_LINE_H

#include "commands.h"

/* Read the command line and say what is wrong with it. Values are never repeated: one may be a key in the wrong place.
 * *ret_command is NULL when there is nothing left to do. Returns the exit status. */
enum exit_status read_arguments(int argc, char **argv, const struct command **ret_command,
                                struct arguments *ret_arguments);

#endif
