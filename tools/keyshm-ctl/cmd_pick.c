/* SPDX-License-Identifier: MIT */

/* To pick a key and hand it on: next, exec. */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "benches.h"
#include "child.h"
#include "clocks.h"
#include "cmd.h"
#include "lists.h"
#include "mark_rules.h"
#include "name_rules.h"
#include "program.h"
#include "secret.h"
#include "user.h"

/* ---- both ---- */

static int pick_for(keyshm_pool *pool, unsigned model, struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.model = model;
    return keyshm_acquire(pool, &request, ret_lease);
}

/* As keyshm_next_available_ms(), for a model. */
static int64_t next_available_ms(keyshm_pool *pool, unsigned model)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_key_snapshot key;
    int64_t soonest_ms = -1;
    if (model == 0)
        return keyshm_next_available_ms(pool);
    if (keyshm_snapshot(pool, &snapshot) < 0)
        return -1;
    for (unsigned i = 0; i < snapshot->count; i++)
        if (keyshm_inspect(pool, list_key(snapshot, i)->id, model, sizeof(key), &key) == 0 &&
            (key.benched_by & KEYSHM_BY_PAUSE) == 0 && key.cooldown_left_ms >= 0 &&
            (soonest_ms < 0 || key.cooldown_left_ms < soonest_ms))
            soonest_ms = key.cooldown_left_ms;
    keyshm_snapshot_free(snapshot);
    return soonest_ms;
}

/* Why nothing could be picked, and when that will change. */
static enum exit_status refuse_to_pick(const char *provider, keyshm_pool *pool, unsigned model, int error)
{
    const char *what = model != 0 ? "no key is available for that model" : "no key is available";
    char option[BENCHES_OPTION_SIZE];
    if (error != -EAGAIN)
        return fail(provider, error, NULL);
    int64_t available_in_ms = next_available_ms(pool, model);
    if (available_in_ms >= 0)
        complain("pool %s: %s now; the next will be in %" PRId64 ".%03" PRId64 " seconds", provider, what,
                 available_in_ms / 1000, available_in_ms % 1000);
    else {
        benches_model_option(pool, model, option);
        complain("pool %s: %s, and none will be by itself; see why with: keyshm-stat%s %s", provider, what, option,
                 provider);
    }
    return EXIT_NO_KEY;
}

/* ---- next ---- */

static void write_line(const struct keyshm_pick *pick, struct secret_output *output)
{
    char id[sizeof("18446744073709551615 ")];
    int length = snprintf(id, sizeof(id), "%" PRIu64 " ", pick->id);
    secret_output_write(id, (size_t)length, output);
    secret_output_write(pick->key, pick->key_length, output);
    secret_output_write("\n", 1, output);
}

/* False: the key cannot be a JSON string. */
static bool write_json(const char *provider, const struct keyshm_pick *pick, struct secret_output *output)
{
    json_t *object =
        json_pack("{s:i, s:s, s:I, s:s, s:o, s:I}", "schema", 1, "provider", provider, "id", (json_int_t)pick->id, "key",
                  pick->key, "stamp", json_sprintf("%" PRIu64, pick->stamp), "model", (json_int_t)pick->model);
    if (object == NULL)
        return false;
    json_dump_callback(object, secret_output_write, output, JSON_COMPACT);
    secret_output_write("\n", 1, output);
    json_decref(object);
    return true;
}

static enum exit_status print_pick(const struct arguments *arguments, const struct keyshm_pick *pick)
{
    struct secret_output output;
    bool is_written = true;
    secret_output_begin(&output, STDOUT_FILENO);
    if (arguments->json)
        is_written = write_json(arguments->pool, pick, &output);
    else
        write_line(pick, &output);
    int r = secret_output_end(&output);
    if (!is_written)
        return refuse("pool %s: the key with id %" PRIu64 " is not UTF-8, which JSON must be; use next without --json",
                      arguments->pool, pick->id);
    return r < 0 ? refuse("cannot write the output: %s", system_error(-r)) : EXIT_FINE;
}

/* The key goes to somebody else, so it is given back at once. */
static enum exit_status pick_and_print(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_lease lease;
    unsigned model;
    enum exit_status status = name_choose_model(arguments->pool, pool, arguments->model, &model);
    if (status != EXIT_FINE)
        return status;
    int r = pick_for(pool, model, &lease);
    if (r < 0)
        return refuse_to_pick(arguments->pool, pool, model, r);
    status = print_pick(arguments, &lease.pick);
    keyshm_release(pool, &lease);
    explicit_bzero(&lease, sizeof(lease));
    return status;
}

enum exit_status cmd_next(const struct arguments *arguments)
{
    keyshm_pool *pool;
    secret_wipe_json();
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = pick_and_print(arguments, pool);
    keyshm_close(pool);
    return status;
}

/* ---- exec ---- */

/* As in shells. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NO_PROGRAM 127

#define RETRY_MS 200 /* another process may mark a key available at any time */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* -EAGAIN: no key became available in time. */
static int pick_within(keyshm_pool *pool, unsigned model, int64_t wait_ms, struct keyshm_lease *lease)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;
    int r;
    while ((r = pick_for(pool, model, lease)) == -EAGAIN) {
        int64_t left_ms = end_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            break;
        int64_t available_in_ms = next_available_ms(pool, model);
        int64_t nap_ms = least(left_ms, RETRY_MS);
        clock_sleep_ms(available_in_ms > 0 ? least(nap_ms, available_in_ms) : nap_ms);
    }
    return r;
}

/* What is invalid is the key alone, and for all models. A mark that fails does not change the exit status: that is COMMAND's. */
static void mark_by_rules(const struct arguments *arguments, keyshm_pool *pool, const struct keyshm_pick *pick,
                          int exit_status)
{
    const struct exit_rule *rule = exit_rules_find(&arguments->on_status, (unsigned)exit_status);
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    if (rule == NULL)
        return;
    mark.status = rule->status;
    mark.duration_ms = rule->after_ms;
    mark.model = rule->status != KEYSHM_INVALID ? pick->model : 0;
    mark.scope = rule->status != KEYSHM_INVALID ? arguments->scope : KEYSHM_SCOPE_KEY;
    mark.reason = mark_default_reason(rule->status);
    mark.stamp = pick->stamp;
    int r = keyshm_mark(pool, pick->id, &mark);
    if (r < 0)
        complain("pool %s: the key with id %" PRIu64 " could not be marked %s after exit status %d: %s", arguments->pool,
                 pick->id, keyshm_status_name(rule->status), exit_status,
                 r == -ESTALE ? "it is no longer in the pool" : keyshm_strerror(r));
}

/* It holds the lease until the child ends, but the key no longer than until that has it. */
static int run_with(const struct arguments *arguments, keyshm_pool *pool, struct keyshm_lease *lease)
{
    struct child child;
    child_begin(&child);
    int exit_status, r = child_start(&child, arguments->child, arguments->variable, lease->pick.key);
    explicit_bzero(lease->pick.key, sizeof(lease->pick.key));
    if (r < 0) {
        complain("pool %s: cannot run COMMAND: %s; the key was picked, but not used", arguments->pool, system_error(-r));
        exit_status = r == -ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT_RUN;
    } else {
        exit_status = child_wait(&child);
        mark_by_rules(arguments, pool, &lease->pick, exit_status);
    }
    keyshm_release(pool, lease);
    child_end(&child);
    return exit_status;
}

static int pick_and_run(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_lease lease;
    unsigned model;
    enum exit_status status = name_choose_model(arguments->pool, pool, arguments->model, &model);
    if (status != EXIT_FINE)
        return status;
    int exit_status, r = pick_within(pool, model, arguments->wait_ms, &lease);
    if (r == 0)
        exit_status = run_with(arguments, pool, &lease);
    else
        exit_status = refuse_to_pick(arguments->pool, pool, model, r);
    explicit_bzero(&lease, sizeof(lease));
    return exit_status;
}

enum exit_status cmd_exec(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    int exit_status = pick_and_run(arguments, pool);
    keyshm_close(pool);
    return exit_status;
}
