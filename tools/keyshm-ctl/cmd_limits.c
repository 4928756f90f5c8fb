/* SPDX-License-Identifier: MIT */

/* The limits of a pool, its groups and keys: show them, change some, or set those of a file. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "cmd.h"
#include "limit_file.h"
#include "limit_list.h"
#include "program.h"
#include "report.h"
#include "user.h"

/* ---- print ---- */

static enum exit_status show(const struct arguments *arguments, keyshm_pool *pool, const struct limit_list *list)
{
    if (arguments->json)
        return report(arguments->pool, json_pack("{s:b, s:o}", "is_dry_run", (int)arguments->is_dry_run, "limits",
                                                 limit_list_json(list, pool)));
    limit_list_print(list, pool);
    return EXIT_FINE;
}

/* Of what the arguments say, or of all. */
static int list_in_force(const struct arguments *arguments, const struct limit_check *check, struct limit_line *line,
                         struct limit_list *list)
{
    if (arguments->model != NULL) {
        line->is_removal = !limit_find_own(check->pool, line->id, line->model, &line->limits);
        return limit_list_append(list, line);
    }
    if (arguments->has_id || arguments->group != NULL)
        return limit_list_add_subject(list, check->pool, line->id, check->snapshot->model_count);
    return limit_list_add_pool(list, check->pool, check->snapshot);
}

static enum exit_status show_in_force(const struct arguments *arguments, const struct limit_check *check,
                                      struct limit_line *line)
{
    struct limit_list list = {.lines = NULL};
    int r = list_in_force(arguments, check, line, &list);
    enum exit_status status = r < 0 ? fail(arguments->pool, r, NULL) : show(arguments, check->pool, &list);
    limit_list_free(&list);
    return status;
}

/* ---- change ---- */

static enum exit_status set(const struct limit_check *check, const struct limit_line *line)
{
    static const struct failure failures[] = {
        {ENOSPC, EXIT_REFUSED, "as many different limits are in use as it has room for",
         "see them with: keyshm-ctl limits", true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    int r = keyshm_set_limits(check->pool, line->id, line->model, line->is_removal ? NULL : &line->limits);
    return r < 0 ? fail(check->provider, r, failures) : EXIT_FINE;
}

/* `from` is where they come from, as the start of the message. */
static void warn_of_scope(const char *from, struct limit_check *check, const struct limit_line *line)
{
    if (limit_should_be_of_group(check, line))
        complain("%s: the provider counts all keys of an account together, and this limits each key by itself; with "
                 "--group NAME it would be all keys of the group",
                 from);
}

static enum exit_status change(const struct arguments *arguments, struct limit_check *check, struct limit_line *line)
{
    struct limit_list list = {.count = 1, .lines = line};
    int r = keyshm_get_limits(check->pool, line->id, line->model, &line->limits);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    const char *wrong = limit_change(check, arguments, line);
    if (wrong != NULL)
        return refuse("pool %s: %s; nothing was changed", arguments->pool, wrong);
    enum exit_status status = set(check, line);
    if (status == EXIT_FINE)
        warn_of_scope(arguments->pool, check, line);
    if (status != EXIT_FINE || !arguments->json)
        return status;
    r = keyshm_get_limits(check->pool, line->id, line->model, &line->limits);
    return r < 0 ? fail(arguments->pool, r, NULL) : show(arguments, check->pool, &list);
}

static enum exit_status show_or_change(const struct arguments *arguments, struct limit_check *check)
{
    struct limit_line line;
    const char *wrong = limit_find_subject(check, arguments, &line);
    if (wrong != NULL)
        return refuse("pool %s: %s", arguments->pool, wrong);
    if (arguments->is_none || limit_changes_are_given(&arguments->limits))
        return change(arguments, check, &line);
    return show_in_force(arguments, check, &line);
}

/* ---- those of a file ---- */

static enum exit_status set_one(const struct arguments *arguments, struct limit_check *check,
                                const struct limit_line *line)
{
    char from[PATH_MAX];
    snprintf(from, sizeof(from), "%s:%" PRIu64, limit_file_name(arguments->list), line->line_number);
    enum exit_status status = arguments->is_dry_run ? EXIT_FINE : set(check, line);
    if (status == EXIT_FINE)
        warn_of_scope(from, check, line);
    else
        complain("%s: stopped there; the limits of the lines before are in force", from);
    return status;
}

static enum exit_status set_all(const struct arguments *arguments, struct limit_check *check,
                                const struct limit_list *list)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < list->count && status == EXIT_FINE; i++)
        status = set_one(arguments, check, &list->lines[i]);
    return status;
}

static enum exit_status show_file(const struct arguments *arguments, const struct limit_check *check,
                                  const struct limit_list *list)
{
    size_t removed = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct limit_line *line = &list->lines[i];
        removed += line->is_removal;
        if (!arguments->is_dry_run) /* with the bursts that were not given; a key may be gone since */
            keyshm_get_limits(check->pool, line->id, line->model, &line->limits);
    }
    if (arguments->json)
        return show(arguments, check->pool, list);
    printf("%s%zu set, %zu removed\n", arguments->is_dry_run ? "nothing was changed; it would be: " : "",
           list->count - removed, removed);
    return EXIT_FINE;
}

static enum exit_status read_and_set(const struct arguments *arguments, struct limit_check *check)
{
    struct limit_list list = {.lines = NULL};
    enum exit_status status = limit_file_read(arguments->list, check, &list);
    if (status == EXIT_FINE)
        status = set_all(arguments, check, &list);
    if (status == EXIT_FINE)
        status = show_file(arguments, check, &list);
    limit_list_free(&list);
    return status;
}

/* ---- all of it ---- */

/* What does not go together. NULL: all is well. */
static const char *find_conflict(const struct arguments *arguments)
{
    bool has_change = arguments->is_none || limit_changes_are_given(&arguments->limits);
    bool has_subject = arguments->has_id || arguments->group != NULL || arguments->model != NULL;
    if (arguments->list != NULL && (has_change || has_subject))
        return "--file goes neither with a limit nor with an ID, --group or --model: they are in the file";
    if (arguments->list == NULL && arguments->is_dry_run)
        return "--dry-run goes with --file";
    if (arguments->is_none && limit_changes_are_given(&arguments->limits))
        return "--none and a limit do not go together";
    return NULL;
}

static int attach(const struct arguments *arguments, keyshm_pool **ret_pool)
{
    bool changes = (arguments->list != NULL && !arguments->is_dry_run) || arguments->is_none ||
                   limit_changes_are_given(&arguments->limits);
    return changes ? keyshm_attach_user(ret_pool, user_of_pools(), arguments->pool)
                   : keyshm_attach_readonly_user(ret_pool, user_of_pools(), arguments->pool);
}

static enum exit_status with_snapshot(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    int r = keyshm_snapshot(pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    struct limit_check check = {.provider = arguments->pool, .pool = pool, .snapshot = snapshot};
    enum exit_status status =
        arguments->list != NULL ? read_and_set(arguments, &check) : show_or_change(arguments, &check);
    keyshm_snapshot_free(snapshot);
    return status;
}

enum exit_status cmd_limits(const struct arguments *arguments)
{
    keyshm_pool *pool;
    const char *conflict = find_conflict(arguments);
    if (conflict != NULL) {
        complain("limits: %s", conflict);
        return point_to_help();
    }
    int r = attach(arguments, &pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = with_snapshot(arguments, pool);
    keyshm_close(pool);
    return status;
}
