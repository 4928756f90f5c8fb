/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_RECOVER_H
#define KEYSHM_RECOVER_H

#include "pool.h"

/* For the owner of the mutex: clean up after the previous one, which died. Doing it twice has the effect of once, so it
 * may be killed anywhere and done again. */
void recover(struct keyshm_pool *pool);

#endif
