/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_KEY_LIST_H
#define KEYSHM_CTL_KEY_LIST_H

/* Where keys come from. Both take all keys there are, or say on standard error which one is wrong, without showing it, or
 * that there is none. Return the exit status. */

#include "batch.h"
#include "failure.h"

/* Standard input, one key a line. */
enum exit_status take_from_input(struct batch *batch);

/* PROVIDER_API_KEY, PROVIDER_API_KEY_1, _2 and so on in the environment, in this order, with any gaps. */
enum exit_status take_from_environment(struct batch *batch, const char *provider);

#endif
