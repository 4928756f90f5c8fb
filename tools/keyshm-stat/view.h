/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_VIEW_H
#define KEYSHM_STAT_VIEW_H

/* The two ways to show pools. Errors of writing are left to the end of the program. */

#include <stdbool.h>

#include "keyshm.h"

struct view {
    bool for_people; /* who also want to be told that there is nothing to see */
    void (*begin)(void);
    int (*show_pool)(const struct keyshm_snapshot *snapshot, bool is_first, bool with_ids); /* -ENOMEM */
    void (*end)(void);
};

extern const struct view table_view;
extern const struct view json_view;

#endif
