/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_LIMITS_H
#define KEYSHM_CTL_STATE_LIMITS_H

/* What a document says of limits, of the pool, a group or a key: an array with an object for whatever the model and for each
 * model. What was used is not in it. */

#include <jansson.h>
#include <stdbool.h>

#include "limit_rules.h"

#define STATE_LIMITS_RULE                                                                                              \
    "an array of objects, each for another model: model, requests, tokens, requests_long, tokens_long and in_flight, " \
    "as "                                                                                                              \
    "export writes them"

/* Its own; with id 0, those of every key that has none of its own. NULL: out of memory. */
json_t *state_limits_json(keyshm_pool *pool, keyshm_id id_or_0, const struct keyshm_snapshot *snapshot);

/* NULL is: as files of earlier versions have it. */
bool state_limits_are_sound(json_t *value);

/* The model of an entry; NULL: whatever the model. */
const char *state_limits_model(const json_t *entry);

/* Is there one for a model that is not a member of `models`? */
bool state_limits_have_unknown_model(const json_t *value, const json_t *models);

/* Those of an entry that is sound. */
struct keyshm_limits state_limits_take(const json_t *entry);

#endif
