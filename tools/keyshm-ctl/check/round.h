/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_CHECK_ROUND_H
#define KEYSHM_CTL_CHECK_ROUND_H

/* All questions of one check are asked, some at the same time. */

#include <stdbool.h>
#include <stddef.h>

#include "question.h"
#include "request.h"

struct check_round {
    keyshm_pool *pool;
    const struct check_request *request;
    unsigned parallel; /* at most so many at the same time: up to CHECK_PARALLEL_MAX */
    size_t count;
    struct question *questions;
    void (*tell)(const struct question *question); /* of each, in their order, when it is over; NULL: nobody */
    size_t told;
    size_t begun;        /* of the questions; the rest is not asked any more, if it is over */
    const char *failure; /* why an answer did not come, of the first; NULL: all came */
    bool is_unreachable; /* so the others were not asked */
    int signal_number;   /* that ended it; 0: none */
};

/* -ENOMEM, -EBUSY: what was asked until then counts. */
int check_round_run(struct check_round *round);

#endif
