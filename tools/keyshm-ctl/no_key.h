/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_NO_KEY_H
#define KEYSHM_CTL_NO_KEY_H

#include "failure.h"
#include "keyshm.h"

/* Say that nothing could be picked, and when that will be different. Returns the exit status. */
enum exit_status report_no_key(const char *provider, keyshm_pool *pool);

#endif
