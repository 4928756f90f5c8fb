/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_STATE_H
#define KEYSHM_STAT_STATE_H

/* What the columns of keys and of groups have in common: the state of either, which is the row's item. */

#include "column.h"

const struct keyshm_key_snapshot *state_of(const struct row *row);

int64_t state_id(const struct row *row);
int64_t state_status(const struct row *row);
int64_t state_cooldown_left(const struct row *row);
int64_t state_paused(const struct row *row);
int64_t state_probing(const struct row *row);
int64_t state_streak(const struct row *row);
int64_t state_reason(const struct row *row);
int64_t state_errors(const struct row *row);

/* 1 of the status that it has, 0 of the others. */
int64_t state_has_status(const struct row *row, enum keyshm_status status);

/* How often it was marked so. */
int64_t state_marked(const struct row *row, enum keyshm_status status);
int64_t state_marked_available(const struct row *row);
int64_t state_marked_rate_limited(const struct row *row);
int64_t state_marked_quota_exceeded(const struct row *row);
int64_t state_marked_invalid(const struct row *row);

void state_paused_text(const struct row *row, char ret_text[CELL_SIZE]);
void state_probing_text(const struct row *row, char ret_text[CELL_SIZE]);
void state_marked_text(const struct row *row, char ret_text[CELL_SIZE]);

/* What keeps it from being picked, by name: "key,group_model". */
void state_benched_by_text(const struct row *row, char ret_text[CELL_SIZE]);

json_t *state_paused_json(const struct row *row);
json_t *state_probing_json(const struct row *row);
json_t *state_marked_json(const struct row *row);
json_t *state_benched_by_json(const struct row *row);

enum color state_color(const struct row *row);

#endif
