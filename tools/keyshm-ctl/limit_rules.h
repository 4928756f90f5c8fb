/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_LIMIT_RULES_H
#define KEYSHM_CTL_LIMIT_RULES_H

/* Whose limits are to be changed, and what this pool can have. */

#include <stdbool.h>

#include "arguments.h"
#include "keyshm.h"
#include "provider_rules.h"

/* One line of limits. */
struct limit_line {
    keyshm_id id;    /* of a key or a group; 0: of every key that has none of its own */
    unsigned model;  /* 0: whatever the model */
    bool is_removal; /* it has none of its own, or no longer */
    struct keyshm_limits limits;
    uint64_t line_number; /* in a file */
};

#define LIMIT_REFUSAL_SIZE 256

struct limit_check {
    const char *provider;
    keyshm_pool *pool;
    const struct keyshm_snapshot *snapshot;
    bool knows_counting; /* of the provider, once it is needed */
    struct provider_counting counting;
    char refusal[LIMIT_REFUSAL_SIZE];
};

/* These return NULL, or what is wrong, in words that show no value: it may be a key. */

/* Whose they are, as the arguments say. All else of the line is set to nothing. */
const char *limit_find_subject(struct limit_check *check, const struct arguments *arguments, struct limit_line *ret_line);

/* Change those of the line, as the arguments say. */
const char *limit_change(struct limit_check *check, const struct arguments *arguments, struct limit_line *line);

/* Can a key or a group of the pool have that cap? 0: there is none. */
const char *limit_check_cap(struct limit_check *check, bool is_group, bool is_of_model, unsigned in_flight);

/* Has it a rate for each key by itself, where the provider counts what all keys of a group use? */
bool limit_should_be_of_group(struct limit_check *check, const struct limit_line *line);

/* Those in force. False: they are those of the pool, or none, or the key or group is gone. A key's own that are the same as
 * those of the pool are taken for these. */
bool limit_find_own(keyshm_pool *pool, keyshm_id id_or_0, unsigned model, struct keyshm_limits *ret_limits);

#endif
