/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_EVENTS_H
#define KEYSHM_EVENTS_H

/* Reading the events of a pool; event_ring.h writes them. */

#include "pool.h"

/* As keyshm_events(). */
int events_read(const struct keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null,
                struct keyshm_event_list **ret_list);

#endif
