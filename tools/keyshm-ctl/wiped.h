/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_WIPED_H
#define KEYSHM_CTL_WIPED_H

/* Memory that may have had a key in it. */

/* Wipe all of a block of malloc(3), then free it. NULL is fine. */
void free_wiped(void *block);

/* Let jansson free everything so, from now on. */
void wipe_json(void);

#endif
