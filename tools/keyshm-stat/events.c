/* SPDX-License-Identifier: MIT */
#include "events.h"

#include "program.h"

void events_tell_lost(const char *provider, const struct keyshm_event_list *list)
{
    if (list->missing > 0)
        complain("pool %s: %llu events are missing: a process died or was stopped while it wrote them", provider,
                 (unsigned long long)list->missing);
    if (list->overwritten > 0)
        complain("pool %s: %llu older events are no longer kept", provider, (unsigned long long)list->overwritten);
}
