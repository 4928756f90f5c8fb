/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_CHECK_H
#define KEYSHM_STAT_CHECK_H

#include "request.h"

/* --check: hold the invariants against each pool, and print "POOL: ok" or what is broken. */
enum exit_status check_pools(const struct request *request);

#endif
