/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_COMMAND_LINE_H
#define KEYSHM_STAT_COMMAND_LINE_H

/* From the arguments of the program to a request. */

#include "failure.h"
#include "request.h"

/* False: the program ends with *ret_status, because the usage is wrong, or because help or version was printed. */
bool command_line_parse(int argc, char **argv, struct request *ret_request, enum exit_status *ret_status);

#endif
