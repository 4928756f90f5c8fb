/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_KEY_COLUMNS_H
#define KEYSHM_STAT_KEY_COLUMNS_H

/* The properties of a key, as columns: of the tables, and of the live view. */

#include "column.h"

enum key_column {
    KEY_COLUMN_POOL,
    KEY_COLUMN_OWNER,
    KEY_COLUMN_SLOT,
    KEY_COLUMN_KEY,
    KEY_COLUMN_GROUP,
    KEY_COLUMN_STATUS,
    KEY_COLUMN_COOLDOWN,
    KEY_COLUMN_PAUSED,
    KEY_COLUMN_BENCHED_BY,
    KEY_COLUMN_REASON,
    KEY_COLUMN_PROBE,
    KEY_COLUMN_STREAK,
    KEY_COLUMN_PRIORITY,
    KEY_COLUMN_WEIGHT,
    KEY_COLUMN_PICKS,
    KEY_COLUMN_ERRORS,
    KEY_COLUMN_LAST_USED,
    KEY_COLUMN_ID,
    KEY_COLUMN_MARKED,
    KEY_COLUMN_METADATA,
    KEY_COLUMN_LABEL,
    KEY_COLUMN_AVAILABLE,
    KEY_COLUMN_LIMITED,
    KEY_COLUMN_QUOTA,
    KEY_COLUMN_INVALID,
    KEY_COLUMN_COUNT,
};

extern const struct column key_columns[KEY_COLUMN_COUNT];
extern const struct listing key_listing;

#endif
