/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_CONFLICTS_H
#define KEYSHM_STAT_CONFLICTS_H

#include <stdint.h>

#include "failure.h"

/* Refuse options that do not go together, or that mean nothing alone. `given`: 1 << the place in stat_options. */
enum exit_status conflicts_refuse(uint64_t given);

#endif
