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
int64_t state_in_flight(const struct row *row);
int64_t state_in_flight_cap(const struct row *row);
int64_t state_requests_left(const struct row *row);
int64_t state_requests_burst(const struct row *row);
int64_t state_tokens_left(const struct row *row);
int64_t state_tokens_burst(const struct row *row);

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

/* The columns of limits, but for their metrics. */
#define STATE_IN_FLIGHT                                                                                      \
    .name = "IN FLIGHT", .json_name = "in_flight", .help = "how many requests in flight have a place",       \
    .values = "in the table with a cap", .flags = COLUMN_IN_JSON | COLUMN_WITH_PLACES | COLUMN_TO_THE_RIGHT, \
    .kind = &value_count, .number = state_in_flight
#define STATE_IN_FLIGHT_CAP                                                                             \
    .name = "CAP", .json_name = "in_flight_cap", .help = "how many may be in flight, 0 for any number", \
    .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT, .kind = &value_count, .number = state_in_flight_cap
#define STATE_REQUESTS_LEFT                                                                              \
    .name = "REQUESTS LEFT", .json_name = "requests_left", .help = "how many requests are admitted now", \
    .values = "-1: no limit; in the table if any has one",                                               \
    .flags = COLUMN_IN_JSON | COLUMN_WITH_REQUESTS | COLUMN_TO_THE_RIGHT, .kind = &value_amount,         \
    .number = state_requests_left
#define STATE_REQUESTS_BURST                                                                               \
    .name = "REQUESTS BURST", .json_name = "requests_burst", .help = "of how many, when nothing was used", \
    .values = "-1: no limit", .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT, .kind = &value_amount,        \
    .number = state_requests_burst
#define STATE_TOKENS_LEFT                                                                          \
    .name = "TOKENS LEFT", .json_name = "tokens_left", .help = "how many tokens are admitted now", \
    .values = "-1: no limit; in the table if any has one",                                         \
    .flags = COLUMN_IN_JSON | COLUMN_WITH_TOKENS | COLUMN_TO_THE_RIGHT, .kind = &value_amount,     \
    .number = state_tokens_left
#define STATE_TOKENS_BURST                                                                             \
    .name = "TOKENS BURST", .json_name = "tokens_burst", .help = "of how many, when nothing was used", \
    .values = "-1: no limit", .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT, .kind = &value_amount,    \
    .number = state_tokens_burst

enum color state_color(const struct row *row);

#endif
