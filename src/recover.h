/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_RECOVER_H
#define KEYSHM_RECOVER_H

#include "pool.h"

/* Clean up after an owner of the mutex who died, for its new owner. Doing it twice is doing it once, so it may be killed
 * anywhere, too. */
void recover(struct keyshm_pool *pool);

#endif
