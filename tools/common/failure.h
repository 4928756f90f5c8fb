/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_FAILURE_H
#define KEYSHM_COMMON_FAILURE_H

/* From an error of the library to a message and an exit status, the same in both programs. */

#include <stdbool.h>

#include "program.h"

/* What an error means to the user, and what to do about it. */
struct failure {
    int error; /* positive errno */
    enum exit_status status;
    const char *what;   /* NULL: as keyshm_strerror() has it */
    const char *advice; /* what to do next; may be NULL */
    bool advice_ends_with_pool;
};

/* Say on standard error what is wrong with the pool, and what to do next. `special`, which may be NULL, takes precedence
 * over the general list; an `error` of 0 ends it. Returns the exit status. */
enum exit_status fail(const char *provider, int error, const struct failure *special);

#endif
