/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_READING_H
#define KEYSHM_STAT_READING_H

/* From the name of a pool to a copy of its state that is whole, or to what is wrong. */

#include <errno.h>

#include "failure.h"
#include "keyshm.h"

/* What can befall a pool while it is read, in numbers that none of the library's calls here returns. */
enum {
    READING_TRUNCATED = EFAULT,
    READING_OVERWRITTEN = EUCLEAN,
    READING_REPLACED = ESTALE,
    READING_DESTROYED = EIDRM,
};

/* For fail(): what these mean. */
extern const struct failure reading_failures[];

/* Attach, copy, and detach. Errors as keyshm_attach_readonly() and keyshm_snapshot(), and those above, negative. */
int reading_take(const char *provider, struct keyshm_snapshot **ret_snapshot);

#endif
