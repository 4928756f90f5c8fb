/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_COLUMN_CHOICE_H
#define KEYSHM_STAT_COLUMN_CHOICE_H

#include "listing.h"
#include "options.h"

/* Which columns are shown, and by which they are sorted: --output, --output-all, --ids and --sort, once all else of the
 * request is known. Refuses a column that there is not. */
enum exit_status choose_columns(const struct command_line *line);

#endif
