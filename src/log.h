/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LOG_H
#define KEYSHM_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

#include "keyshm.h"

/* The least important level that is wanted; above all levels until the environment has been read. */
extern _Atomic int log_least;

bool log_is_wanted(enum keyshm_log_level level);

/* Are messages of this level wanted? Ask before doing work for a message: it costs next to nothing. */
static inline bool log_is_on(enum keyshm_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_least, memory_order_relaxed) && log_is_wanted(level);
}

/* Never call it while holding the mutex: the callback is the program's code. Never pass a key, only its masked form. */
__attribute__((format(printf, 2, 3))) void log_message(enum keyshm_log_level level, const char *format, ...);

#endif
