/* SPDX-License-Identifier: MIT */

/* The models of a pool: print them, make one. */

#include <stdio.h>

#include "cmd.h"
#include "key_json.h"
#include "lists.h"
#include "lookup.h"
#include "name_rules.h"
#include "report.h"
#include "text.h"
#include "user.h"

/* `wanted` is a number; 0: all. */
static enum exit_status report_models(const char *provider, const struct keyshm_snapshot *snapshot, unsigned wanted)
{
    json_t *models = json_array();
    int r = 0;
    for (unsigned model = 1; model <= snapshot->model_count; model++)
        if (wanted == 0 || model == wanted)
            r |= json_array_append_new(models, json_pack("{s:I, s:o}", "number", (json_int_t)model, "name",
                                                         text_to_json(list_model(snapshot, model), KEYSHM_NAME_MAX + 1)));
    models = whole_or_nothing(models, r == 0);
    return report(provider, models != NULL ? json_pack("{s:o}", "models", models) : NULL);
}

static void print_models(const struct keyshm_snapshot *snapshot, unsigned wanted)
{
    char name[TEXT_PRINTABLE_SIZE(KEYSHM_NAME_MAX + 1)];
    for (unsigned model = 1; model <= snapshot->model_count; model++) {
        if (wanted != 0 && model != wanted)
            continue;
        text_printable(list_model(snapshot, model), name, sizeof(name));
        printf("%u %s\n", model, name);
    }
}

static enum exit_status show(const struct arguments *arguments, unsigned wanted)
{
    struct keyshm_snapshot *snapshot;
    enum exit_status status = EXIT_FINE;
    int r = lookup_pool(arguments->pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        status = report_models(arguments->pool, snapshot, wanted);
    else
        print_models(snapshot, wanted);
    keyshm_snapshot_free(snapshot);
    return status;
}

static enum exit_status make(const struct arguments *arguments, unsigned *ret_model)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = name_make_model(arguments->pool, pool, arguments->model, ret_model);
    keyshm_close(pool);
    return status;
}

enum exit_status cmd_model(const struct arguments *arguments)
{
    unsigned model = 0;
    enum exit_status status = arguments->model != NULL ? make(arguments, &model) : EXIT_FINE;
    return status == EXIT_FINE ? show(arguments, model) : status;
}
