/* SPDX-License-Identifier: MIT */

/* The keys in a pool: remove, priority, weight, reset. */

#include <errno.h>
#include <stdio.h>

#include "cmd.h"
#include "key_json.h"
#include "lookup.h"
#include "report.h"
#include "user.h"

/* ---- remove ---- */

enum exit_status cmd_remove(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {EINVAL, EXIT_REFUSED, "that is the id of a group, not of a key", "delete it with --delete: keyshm-ctl group",
         true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = keyshm_remove(pool, arguments->id);
    keyshm_close(pool);
    if (r < 0)
        return fail(arguments->pool, r, failures);
    return arguments->json ? report(arguments->pool, json_pack("{s:I}", "id", (json_int_t)arguments->id)) : EXIT_FINE;
}

/* ---- priority, weight ---- */

/* What such a command changes of keys, and to what. */
struct order {
    const char *name;
    int (*set)(keyshm_pool *pool, keyshm_id key, unsigned value);
    unsigned value;
};

static enum exit_status set_order(const struct arguments *arguments, keyshm_pool *pool, const struct order *order)
{
    enum exit_status status = lookup_check_keys(arguments->pool, pool, &arguments->ids, 0);
    int r = 0;
    for (size_t i = 0; i < arguments->ids.count && status == EXIT_FINE && r == 0; i++)
        r = order->set(pool, arguments->ids.ids[i], order->value);
    return r < 0 ? fail(arguments->pool, r, NULL) : status;
}

static enum exit_status report_order(const struct arguments *arguments, const struct order *order)
{
    json_t *ids = json_array();
    int r = 0;
    for (size_t i = 0; i < arguments->ids.count; i++)
        r |= json_array_append_new(ids, json_integer((json_int_t)arguments->ids.ids[i]));
    ids = whole_or_nothing(ids, r == 0);
    return report(arguments->pool,
                  ids != NULL ? json_pack("{s:o, s:I}", "ids", ids, order->name, (json_int_t)order->value) : NULL);
}

static enum exit_status change_order(const struct arguments *arguments, const struct order *order)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = set_order(arguments, pool, order);
    keyshm_close(pool);
    return status == EXIT_FINE && arguments->json ? report_order(arguments, order) : status;
}

enum exit_status cmd_priority(const struct arguments *arguments)
{
    return change_order(arguments, &(struct order){"priority", keyshm_set_priority, arguments->priority});
}

enum exit_status cmd_weight(const struct arguments *arguments)
{
    return change_order(arguments, &(struct order){"weight", keyshm_set_weight, arguments->weight});
}

/* ---- reset ---- */

enum exit_status cmd_reset(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r == 0) {
        r = keyshm_reset_expired_cooldowns(pool);
        keyshm_close(pool);
    }
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        return report(arguments->pool, json_pack("{s:i}", "became_available", r));
    printf("%d\n", r);
    return EXIT_FINE;
}
