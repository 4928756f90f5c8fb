/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_SUBJECT_H
#define KEYSHM_CTL_STATE_SUBJECT_H

/* What a document says of a key or a group, which marks and pauses are about. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "keyshm.h"
#include "state/rule.h"

/* Whatever the model, or for one. */
struct subject_bench {
    enum keyshm_status status;
    enum keyshm_reason reason;
    int64_t cooldown_left_ms; /* at the time of the export; -1: no end */
    struct keyshm_streak streak;
};

struct subject {
    struct subject_bench whole;
    bool is_paused;
    json_t *limits; /* its own; NULL: none */
    json_t *models; /* benches and streaks by the name of the model; NULL: none */
};

#define SUBJECT_DURATION_RULE "from 0 to 31622400000, which is 366 days"

/* For each member that this reads. */
extern const struct rule subject_rules[];

/* Of an object that keeps the rules. What it points to is borrowed from the JSON. */
struct subject subject_take(const json_t *object);
struct subject_bench subject_take_bench(const json_t *object);

/* Does the rest of the cooldown go with the status? */
bool subject_bench_is_sound(const struct subject_bench *bench);

#endif
