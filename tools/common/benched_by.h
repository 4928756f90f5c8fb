/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_BENCHED_BY_H
#define KEYSHM_COMMON_BENCHED_BY_H

/* What keeps a key, or the keys of a group, from being picked, by name: as both programs print it. */

#include <jansson.h>
#include <stdbool.h>

#include "keyshm.h"

#define BENCHED_BY_HELP \
    "what keeps it from being picked: key, key_model, group, group_model, pause, group_pause, budget, cap"
#define BENCHED_BY_TEXT_SIZE 64

/* The bits KEYSHM_BY_... of the state, and one more: KEYSHM_BY_PAUSE does not say whether the pause is the key's or its
 * group's. */
unsigned benched_by(const struct keyshm_key_snapshot *state, bool is_group_paused);

/* "key,group_model"; "" for no bit. */
void benched_by_text(unsigned benched_by, char ret_text[BENCHED_BY_TEXT_SIZE]);

/* An array of the names. NULL: out of memory. */
json_t *benched_by_json(unsigned benched_by);

#endif
