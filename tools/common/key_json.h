/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_KEY_JSON_H
#define KEYSHM_COMMON_KEY_JSON_H

/* Objects that both programs have in their JSON. NULL: out of memory. */

#include <jansson.h>
#include <stdbool.h>

#include "keyshm.h"

/* `object` if all its members could be set, else NULL. */
json_t *whole_or_nothing(json_t *object, bool is_whole);

/* A number for each status. */
json_t *by_status_json(const uint64_t counts[KEYSHM_STATUS_COUNT]);

/* A key's notes by name. */
json_t *metadata_json(const struct keyshm_key_snapshot *key);

#endif
