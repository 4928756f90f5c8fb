/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LOG_H
#define KEYSHM_LOG_H

#include <stdbool.h>

#include "keyshm.h"

/* Somebody wants messages of this level. To be asked before work is done for a message's sake. */
bool log_is_on(enum keyshm_log_level level);

/* Never with the mutex held: the callback is the caller's code. Never with a key in it: only its masked form. */
__attribute__((format(printf, 2, 3))) void log_message(enum keyshm_log_level level, const char *format, ...);

#endif
