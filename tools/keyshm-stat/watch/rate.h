/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_RATE_H
#define KEYSHM_STAT_WATCH_RATE_H

#define RATE_SIZE 32

/* How often a second, as people read it, cut off and not rounded: "0", "0.4", "12.3", "1234", "1.2M". More than never is
 * never "0". */
void rate_text(double per_s, char ret_text[RATE_SIZE]);

#endif
