/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_HELP_H
#define KEYSHM_STAT_HELP_H

void print_help(void);

#endif
