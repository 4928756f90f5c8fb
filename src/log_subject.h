/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LOG_SUBJECT_H
#define KEYSHM_LOG_SUBJECT_H

/* What the log calls a key or a group. */

#include "pool.h"

#define LOG_SUBJECT_SIZE (KEYSHM_NAME_MAX + 40)

/* "key sk-…1234, id 16777216", or of a group its name. */
void log_subject_name(const struct keyshm_pool *pool, keyshm_id id, char ret_text[LOG_SUBJECT_SIZE]);

/* A message of level info: what has happened to it. */
void log_subject(const struct keyshm_pool *pool, keyshm_id id, const char *what);

#endif
