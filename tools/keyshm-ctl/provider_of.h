/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_PROVIDER_OF_H
#define KEYSHM_CTL_PROVIDER_OF_H

#include "arguments.h"
#include "keyshm.h"

/* By whose rules the answers to a pool's keys are read: those that --provider names, otherwise those of the pool. */
const char *provider_of(const struct arguments *arguments, keyshm_pool *pool);

#endif
