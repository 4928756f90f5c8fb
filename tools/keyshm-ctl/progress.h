/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_PROGRESS_H
#define KEYSHM_CTL_PROGRESS_H

/* A line on standard error that shows progress: only on a terminal, only if it takes a while, and cleared at the end. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what; /* "added" */
    const char *unit; /* "keys": it reads "added 12,000 of 65,536 keys" */
    size_t total;
    bool is_on; /* standard error is a terminal */
    bool is_shown;
    int64_t next_ms; /* when it is shown next */
};

void progress_begin(struct progress *progress, const char *what, const char *unit, size_t total);
void progress_show(struct progress *progress, size_t done);
void progress_end(struct progress *progress);

#endif
