/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TEST_MEANWHILE_H
#define KEYSHM_TEST_MEANWHILE_H

/* Rounds in each of which others act one step later in the middle of a call (virtual_clock_interrupt()); in the last, right
 * after it. */

#include "moved_clock.h"

/* Returns whether there is another round. */
static inline bool end_round(void (*act)(void))
{
    bool has = virtual_clock_has_interrupted();
    if (!has)
        act();
    return has;
}

static inline void begin_round(void)
{
    close_pool();
    create_pool();
}

#endif
