/* SPDX-License-Identifier: MIT */
#ifndef SHARED_MUTEX_H
#define SHARED_MUTEX_H

#include <pthread.h>

/* A robust mutex for processes that share its memory. */
void shared_mutex_make(pthread_mutex_t *mutex);

#endif
