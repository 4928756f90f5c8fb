/* SPDX-License-Identifier: MIT */

/* The groups of a pool: print them, make or delete one, and say which keys are in it. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "benches.h"
#include "cmd.h"
#include "key_json.h"
#include "lists.h"
#include "lookup.h"
#include "name_rules.h"
#include "program.h"
#include "report.h"
#include "text.h"
#include "user.h"

/* ---- print ---- */

static json_t *group_to_json(const struct keyshm_group_snapshot *group)
{
    return json_pack("{s:I, s:o, s:I, s:s, s:I, s:s, s:b}", "id", (json_int_t)group->id, "name",
                     text_to_json(group->name, sizeof(group->name)), "key_count", (json_int_t)group->keys, "status",
                     keyshm_status_name(group->state.status), "cooldown_left_ms",
                     (json_int_t)group->state.cooldown_left_ms, "reason", keyshm_reason_name(group->state.reason),
                     "is_paused", group->state.is_paused);
}

/* `wanted` is an id; 0: all. */
static enum exit_status report_groups(const char *provider, const struct keyshm_snapshot *snapshot, keyshm_id wanted)
{
    json_t *groups = json_array();
    int r = 0;
    for (unsigned i = 0; i < snapshot->group_count; i++)
        if (wanted == 0 || list_group(snapshot, i)->id == wanted)
            r |= json_array_append_new(groups, group_to_json(list_group(snapshot, i)));
    groups = whole_or_nothing(groups, r == 0);
    return report(provider, groups != NULL ? json_pack("{s:o}", "groups", groups) : NULL);
}

static void print_groups(const struct keyshm_snapshot *snapshot, keyshm_id wanted)
{
    char name[TEXT_PRINTABLE_SIZE(KEYSHM_NAME_MAX + 1)];
    for (unsigned i = 0; i < snapshot->group_count; i++) {
        if (wanted != 0 && list_group(snapshot, i)->id != wanted)
            continue;
        text_printable(list_group(snapshot, i)->name, name, sizeof(name));
        printf("%" PRIu64 " %s\n", list_group(snapshot, i)->id, name);
    }
}

static enum exit_status show(const struct arguments *arguments, keyshm_id wanted)
{
    struct keyshm_snapshot *snapshot;
    enum exit_status status = EXIT_FINE;
    int r = lookup_pool(arguments->pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        status = report_groups(arguments->pool, snapshot, wanted);
    else
        print_groups(snapshot, wanted);
    keyshm_snapshot_free(snapshot);
    return status;
}

/* ---- change ---- */

static enum exit_status move_keys(const char *provider, keyshm_pool *pool, const struct id_list *ids,
                                  keyshm_id group_or_0)
{
    int r = 0;
    for (size_t i = 0; i < ids->count && r == 0; i++)
        r = keyshm_set_group(pool, ids->ids[i], group_or_0);
    return r < 0 ? fail(provider, r, NULL) : EXIT_FINE;
}

static enum exit_status put_in(const struct arguments *arguments, keyshm_pool *pool, keyshm_id *ret_group)
{
    enum exit_status status = lookup_check_keys(arguments->pool, pool, &arguments->put_in, 0);
    if (status == EXIT_FINE)
        status = name_make_group(arguments->pool, pool, arguments->group, ret_group);
    return status == EXIT_FINE ? move_keys(arguments->pool, pool, &arguments->put_in, *ret_group) : status;
}

static enum exit_status take_out(const struct arguments *arguments, keyshm_pool *pool, keyshm_id *ret_group)
{
    enum exit_status status = name_find_group(arguments->pool, pool, arguments->group, ret_group);
    if (status == EXIT_FINE)
        status = lookup_check_keys(arguments->pool, pool, &arguments->take_out, *ret_group);
    return status == EXIT_FINE ? move_keys(arguments->pool, pool, &arguments->take_out, 0) : status;
}

static enum exit_status delete_group(const struct arguments *arguments, keyshm_pool *pool, keyshm_id *ret_group)
{
    static const struct failure failures[] = {
        {EBUSY, EXIT_REFUSED, "keys are in that group", "take them out with --take-out; see them with: keyshm-stat --ids",
         true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    enum exit_status status = name_find_group(arguments->pool, pool, arguments->group, ret_group);
    int r = status == EXIT_FINE ? keyshm_remove_group(pool, *ret_group) : 0;
    return r < 0 ? fail(arguments->pool, r, failures) : status;
}

static enum exit_status change(const struct arguments *arguments, keyshm_id *ret_group)
{
    keyshm_pool *pool;
    enum exit_status status;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->is_deletion)
        status = delete_group(arguments, pool, ret_group);
    else if (arguments->take_out.count > 0)
        status = take_out(arguments, pool, ret_group);
    else
        status = put_in(arguments, pool, ret_group);
    keyshm_close(pool);
    return status;
}

/* What does not go together. NULL: all is well. */
static const char *find_conflict(const struct arguments *arguments)
{
    int changes = (arguments->put_in.count > 0) + (arguments->take_out.count > 0) + arguments->is_deletion;
    if (changes > 1)
        return "--put-in, --take-out and --delete do not go together";
    if (changes > 0 && arguments->group == NULL)
        return "--put-in, --take-out and --delete go with a NAME";
    return NULL;
}

enum exit_status cmd_group(const struct arguments *arguments)
{
    keyshm_id group = 0;
    const char *conflict = find_conflict(arguments);
    if (conflict != NULL) {
        complain("group: %s", conflict);
        return point_to_help();
    }
    enum exit_status status = arguments->group != NULL ? change(arguments, &group) : EXIT_FINE;
    if (status != EXIT_FINE || (arguments->is_deletion && !arguments->json))
        return status;
    return show(arguments, group);
}
