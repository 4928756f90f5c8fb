/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_JSON_MEMBERS_H
#define KEYSHM_CTL_JSON_MEMBERS_H

/* The members of the JSON object that each command prints. A member without a name ends a list; "keys.id" is a member of
 * the objects in the array "keys". */

struct json_member {
    const char *name;
    const char *help;
};

extern const struct json_member json_members_of_create[], json_members_of_destroy[], json_members_of_add[],
    json_members_of_set[], json_members_of_remove[], json_members_of_priority[], json_members_of_weight[],
    json_members_of_next[], json_members_of_mark[], json_members_of_pause[], json_members_of_resume[],
    json_members_of_group[], json_members_of_model[], json_members_of_policy[], json_members_of_limits[],
    json_members_of_reap[], json_members_of_success[], json_members_of_check[], json_members_of_reset[],
    json_members_of_metadata[], json_members_of_label[], json_members_of_export[], json_members_of_import[],
    json_members_of_verify[], json_members_of_repair[], json_members_of_holder[], json_members_of_break_lock[],
    json_members_of_judge[], json_members_of_report[], json_members_of_providers[];

#endif
