/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_FAILURE_H
#define KEYSHM_COMMON_FAILURE_H

/* From an error of the library to a message and an exit status, the same in both programs. */

#include <stdbool.h>
#include <sys/types.h>

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

/* Say that this pool has another layout than the library reads, and what can be done about it. */
void complain_of_layout(uid_t owner, const char *provider, const char *layout);

#endif
