/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_HELP_H
#define KEYSHM_CTL_HELP_H

/* --help, made from the tables of commands and options. */

#include <stdio.h>

#include "commands.h"

void help_print(void);
void help_print_command(const struct command *command);

/* The part that refusals show as well. */
void help_print_usage(FILE *to, const struct command *command);

#endif
