/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_FAILURE_H
#define KEYSHM_COMMON_FAILURE_H

/* From an error of the library to words and an exit status: the same in both programs. */

#include <stdbool.h>

enum exit_status {
    EXIT_FINE = 0,
    EXIT_REFUSED = 1, /* wrong usage, or it could not be done */
    EXIT_NO_POOL = 2, /* no such pool, or no permission */
    EXIT_DAMAGED = 3, /* another layout, or damage */
    EXIT_NO_KEY = 4,  /* keyshm-ctl: nothing to pick */
    EXIT_BROKEN = 4,  /* keyshm-stat --check: an invariant is */
};

/* What an error means to the user. */
struct failure {
    int error; /* positive errno */
    enum exit_status status;
    const char *what;   /* NULL: keyshm_strerror() says it */
    const char *advice; /* what to do next; may be NULL */
    bool advice_ends_with_pool;
};

/* Tell on standard error what is wrong with the pool and what to do next. `special` may be NULL, or a list that ends with
 * an `error` of 0 and comes before the general one. Returns the exit status. */
enum exit_status fail(const char *provider, int error, const struct failure *special);

#endif
