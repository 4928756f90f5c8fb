/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_KEY_LIST_H
#define KEYSHM_CTL_KEY_LIST_H

/* Lists of keys as people give them. Both functions take every key into the batch, or say on standard error which one is
 * wrong, without showing it, or that there is none. They return the exit status. */

#include "batch.h"
#include "failure.h"

/* Standard input, one key a line. */
enum exit_status key_list_from_input(struct batch *batch);

/* PROVIDER_API_KEY, PROVIDER_API_KEY_1, _2 and so on in the environment, in this order; gaps are allowed. */
enum exit_status key_list_from_environment(struct batch *batch, const char *provider);

#endif
