/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_STREAM_H
#define KEYSHM_STAT_STREAM_H

/* Output that goes on until a signal comes or its reader goes away. */

#include <stdbool.h>
#include <stdint.h>

/* From now on SIGINT, SIGTERM, SIGHUP and SIGQUIT end it in an orderly way. Returns 0 or a negative errno. */
int stream_begin(void);
void stream_end(void);

/* Flush standard output. False: stop, because nobody reads it any more, which is no error, or because it cannot be
 * written, which program_end() reports. */
bool stream_flush(void);

/* Wait. False: stop, because a signal came, or because nobody reads the output any more. */
bool stream_wait(int64_t duration_ms);

#endif
