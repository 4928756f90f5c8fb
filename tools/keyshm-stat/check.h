/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_CHECK_H
#define KEYSHM_STAT_CHECK_H

#include "failure.h"
#include "request.h"

/* --check: check the invariants of each pool, and print "POOL: ok" or what is broken. */
enum exit_status check_pools(const struct request *request);

#endif
