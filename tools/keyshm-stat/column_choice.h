/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_COLUMN_CHOICE_H
#define KEYSHM_STAT_COLUMN_CHOICE_H

#include "failure.h"
#include "options.h"

/* Which columns are shown, and by which one rows are sorted: --output, --output-all, --ids and --sort, when the rest of
 * the request is known. Refuses unknown columns. */
enum exit_status choose_columns(const struct given_options *given);

/* Of the columns that are shown by default, leave out those that are not for pools with these flags (column.h). */
void column_choice_narrow(struct request *request, unsigned flags);

#endif
