/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_REPORT_H
#define KEYSHM_CTL_REPORT_H

/* The JSON object that a command prints. */

#include <jansson.h>

#include "failure.h"
#include "keyshm.h"

/* Print a pool's object: schema, provider, and the members of `members`, which it takes over; NULL means out of memory.
 * Returns the exit status. */
enum exit_status report(const char *provider, json_t *members);

#endif
