/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_MARK_RULES_H
#define KEYSHM_CTL_MARK_RULES_H

/* What goes with the status of a mark. */

#include <stdbool.h>
#include <stdint.h>

#include "keyshm.h"

/* May a mark with this status have an end? */
bool mark_takes_duration(enum keyshm_status status);

/* The reason that the library's call for this status records. */
enum keyshm_reason mark_default_reason(enum keyshm_status status);

#endif
