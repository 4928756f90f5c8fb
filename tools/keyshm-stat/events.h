/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_EVENTS_H
#define KEYSHM_STAT_EVENTS_H

#include "keyshm.h"

/* Say on standard error how many events of the pool could not be shown, and why, if any. */
void events_tell_lost(const char *provider, const struct keyshm_event_list *list);

#endif
