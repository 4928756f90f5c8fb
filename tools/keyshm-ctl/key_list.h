/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_KEY_LIST_H
#define KEYSHM_CTL_KEY_LIST_H

/*
 * Lists of keys as people give them. On standard input one key a line; blank lines, and those that begin with #, are
 * skipped. In the environment PROVIDER_API_KEY, PROVIDER_API_KEYS, PROVIDER_API_KEY_1, _2 and so on, in this order;
 * gaps are allowed, and in each there may be several keys, separated by commas.
 *
 * A pair of quotes around a key is taken off. What looks like a mistake, such as a space or a quote inside of a key, or
 * NAME=KEY, is refused.
 */

#include <stddef.h>

#include "arguments.h"
#include "batch.h"
#include "failure.h"

/* Take every key into the batch, or say on standard error which one is wrong, without showing it, or that there is none.
 * Returns the exit status. */
enum exit_status key_list_take(struct batch *batch, const struct arguments *arguments);

/* The group that they get, made if there is none: 0 without --group, and in a dry run if there is none. */
enum exit_status key_list_choose_group(struct batch *batch, const struct arguments *arguments, keyshm_id *ret_group);

/* How many of them are in the pool, but not in that group; 0 without --group. */
size_t key_list_count_elsewhere(const struct batch *batch, const struct arguments *arguments, keyshm_id group);

/* Say so on standard error if there are any. */
void key_list_tell_elsewhere(const struct arguments *arguments, size_t count);

#endif
