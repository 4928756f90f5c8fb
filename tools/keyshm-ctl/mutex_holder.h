/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_MUTEX_HOLDER_H
#define KEYSHM_CTL_MUTEX_HOLDER_H

/* The process that holds a pool's mutex. */

#include <jansson.h>
#include <stdbool.h>

#include "keyshm.h"

#define MUTEX_HOLDER_TEXT_SIZE 160

/* In words: "pid 123 (worker), stopped, for 12.345 seconds". There must be one that is known. */
void mutex_holder_describe(const struct keyshm_snapshot *snapshot, char ret_text[MUTEX_HOLDER_TEXT_SIZE]);

/* As members of a command's JSON object. NULL for want of memory. */
json_t *mutex_holder_to_json(const struct keyshm_snapshot *snapshot);

/* By a signal, or by a debugger. */
bool mutex_holder_is_stopped(const struct keyshm_snapshot *snapshot);

#endif
