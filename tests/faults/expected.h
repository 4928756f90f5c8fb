/* SPDX-License-Identifier: MIT */
#ifndef EXPECTED_H
#define EXPECTED_H

/* What a public call must do when one of its own calls fails, as a table. */

#include "calls.h"
#include "inject.h"

enum outcome {
    OUTCOME_RETURNED, /* the error, negative */
    OUTCOME_SAME,     /* it goes without, and returns what it would have returned */
    OUTCOME_EITHER,
    OUTCOME_VALUE, /* the value of the row */
};

struct expected {
    enum outcome outcome;
    int value;
    const char *log; /* a warning has this in it; NULL: need not be one */
};

struct expected expected_of(const struct call *call, enum fault_kind kind, int error, enum fault_mode mode);

#endif
