/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_JSON_MEMBERS_H
#define KEYSHM_CTL_JSON_MEMBERS_H

/* What the JSON object of each command holds. */

#include "commands.h"

extern const struct member members_of_create[], members_of_destroy[], members_of_add[], members_of_remove[],
    members_of_next[], members_of_mark[], members_of_reset[], members_of_metadata[], members_of_label[],
    members_of_export[], members_of_import[], members_of_verify[], members_of_repair[], members_of_holder[],
    members_of_break_lock[];

#endif
