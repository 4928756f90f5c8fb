/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LOG_H
#define KEYSHM_LOG_H

#include <stdatomic.h>
#include <stdbool.h>

#include "keyshm.h"

/* The least important level that somebody wants; above all levels until the environment was asked. */
extern _Atomic int log_least;

bool log_is_wanted(enum keyshm_log_level level);

/* Somebody wants messages of this level. To be asked before work is done for a message's sake: it costs nothing. */
static inline bool log_is_on(enum keyshm_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_least, memory_order_relaxed) && log_is_wanted(level);
}

/* Never with the mutex held: the callback is the caller's code. Never with a key in it: only its masked form. */
__attribute__((format(printf, 2, 3))) void log_message(enum keyshm_log_level level, const char *format, ...);

#endif
