/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_STREAM_H
#define KEYSHM_STAT_STREAM_H

/* Output that does not end, for those who read it as it comes. */

#include <stdbool.h>
#include <stdint.h>

/* Let SIGINT, SIGTERM, SIGHUP and SIGQUIT be an orderly end from now on. Returns 0 or a negative errno. */
int stream_begin(void);
void stream_end(void);

/* Hand on what was printed. False: this is the end, because nobody reads it any more, which is no error; or because it
 * cannot be written, which program_end() will tell. */
bool stream_flush(void);

/* Wait. False: this is the end, because of a signal, or because nobody reads it any more. */
bool stream_wait(int64_t duration_ms);

#endif
