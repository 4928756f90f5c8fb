/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <ctype.h>

#include "event_columns.h"
#include "group_columns.h"
#include "key_columns.h"
#include "lease_columns.h"
#include "limit_columns.h"
#include "model_columns.h"
#include "pool_columns.h"
#include "worker_columns.h"

const struct listing *listing_of(enum subject subject)
{
    switch (subject) {
    case SUBJECT_KEYS:
        return &key_listing;
    case SUBJECT_GROUPS:
        return &group_listing;
    case SUBJECT_MODELS:
        return &model_listing;
    case SUBJECT_EVENTS:
        return &event_listing;
    case SUBJECT_WORKERS:
        return &worker_listing;
    case SUBJECT_LEASES:
        return &lease_listing;
    case SUBJECT_LIMITS:
        return &limit_listing;
    case SUBJECT_POOLS:
        return &pool_listing;
    case SUBJECT_CHECK:
        break;
    }
    return NULL;
}

static int fold(char character)
{
    return character == ' ' || character == '_' ? '-' : toupper((unsigned char)character);
}

static bool is_called(const struct column *column, const char *name)
{
    size_t i = 0;
    while (name[i] != '\0' && fold(column->name[i]) == fold(name[i]))
        i++;
    return column->name[i] == '\0' && name[i] == '\0';
}

const struct column *listing_find(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->column_count; i++)
        if (is_called(&listing->columns[i], name))
            return &listing->columns[i];
    return NULL;
}
