/* SPDX-License-Identifier: MIT */

/* To pick a key and hand it on: next, exec. */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer_file.h"
#include "benches.h"
#include "child.h"
#include "clocks.h"
#include "cmd.h"
#include "lists.h"
#include "mark_rules.h"
#include "name_rules.h"
#include "program.h"
#include "provider_rules.h"
#include "secret.h"
#include "user.h"
#include "verdict.h"

/* ---- both ---- */

struct picking {
    const char *provider;
    keyshm_pool *pool;
    struct keyshm_request request;
    bool has_met_cap; /* at last a key was available, but it has a cap */
};

static enum exit_status picking_begin(const struct arguments *arguments, keyshm_pool *pool, struct picking *ret_picking)
{
    *ret_picking = (struct picking){.provider = arguments->pool, .pool = pool, .request = KEYSHM_REQUEST_INIT};
    ret_picking->request.tokens = arguments->tokens;
    ret_picking->request.wait_ms = arguments->wait_ms;
    return name_choose_model(arguments->pool, pool, arguments->model, &ret_picking->request.model);
}

/* Is there a key that only its requests in flight keep away? */
static bool waits_for_places(const struct picking *picking)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_key_snapshot key;
    bool is_found = false;
    if (keyshm_snapshot(picking->pool, &snapshot) < 0)
        return false;
    for (unsigned i = 0; i < snapshot->count && !is_found; i++)
        is_found =
            keyshm_inspect(picking->pool, list_key(snapshot, i)->id, picking->request.model, sizeof(key), &key) == 0 &&
            key.benched_by == KEYSHM_BY_CAP;
    keyshm_snapshot_free(snapshot);
    return is_found;
}

/* Why there is none now, and when that will change. */
static void tell_what_to_wait_for(const struct picking *picking)
{
    const char *what = picking->request.model != 0 ? "no key is available for that model" : "no key is available";
    char option[BENCHES_OPTION_SIZE];
    bool is_for_places = waits_for_places(picking);
    int64_t available_in_ms = keyshm_wait_hint_ms(picking->pool, &picking->request);
    if (available_in_ms >= 0)
        complain("pool %s: %s now; the next will be in %" PRId64 ".%03" PRId64 " seconds%s", picking->provider, what,
                 available_in_ms / 1000, available_in_ms % 1000,
                 is_for_places ? ", or when a request in flight ends" : "");
    else if (is_for_places)
        complain(
            "pool %s: %s now; the next will be when a request in flight ends; see them with: keyshm-stat --leases %s",
            picking->provider, what, picking->provider);
    else {
        benches_model_option(picking->pool, picking->request.model, option);
        complain("pool %s: %s, and none will be by itself; see why with: keyshm-stat%s %s", picking->provider, what,
                 option, picking->provider);
    }
}

static enum exit_status refuse_to_pick(const struct picking *picking, int error)
{
    if (error != -EAGAIN && error != -EOPNOTSUPP)
        return fail(picking->provider, error, NULL);
    if (picking->has_met_cap || error == -EOPNOTSUPP)
        complain(
            "pool %s: each key that could be picked has a cap on its requests in flight, and next cannot give it back "
            "when the request ends; use: keyshm-ctl exec %s",
            picking->provider, picking->provider);
    else
        tell_what_to_wait_for(picking);
    return error == -EAGAIN ? EXIT_NO_KEY : EXIT_REFUSED;
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

static bool has_cap(keyshm_pool *pool, keyshm_id id)
{
    struct keyshm_key_snapshot key, group;
    if (keyshm_inspect(pool, id, 0, sizeof(key), &key) < 0)
        return false;
    return key.in_flight_cap != 0 ||
           (key.group != 0 && keyshm_inspect(pool, key.group, 0, sizeof(group), &group) == 0 && group.in_flight_cap != 0);
}

/* Does not wait. -EOPNOTSUPP: no wait helps, as only keys with a cap are in question. keyshm_next() passes over these, but
 * knows neither models nor tokens: for these, as many keys are tried as are available. */
static int pass_over_caps(const struct picking *picking, struct keyshm_lease *lease)
{
    struct keyshm_request request = picking->request;
    if (request.model == 0 && request.tokens == 0)
        return keyshm_next(picking->pool, &lease->pick);
    request.wait_ms = 0;
    int left = keyshm_available_count_for(picking->pool, request.model);
    do {
        int r = keyshm_acquire(picking->pool, &request, lease);
        if (r < 0 || !has_cap(picking->pool, lease->pick.id))
            return r;
        keyshm_cancel(picking->pool, lease);
    } while (--left > 0);
    return -EOPNOTSUPP;
}

#define RETRY_MS 100 /* as keyshm_acquire() */

/* A key with a cap has to be given back when the request ends, and by then this process is gone. What ends the wait may be
 * such a key: then others are looked for every now and then. */
static int pick_without_cap(struct picking *picking, struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = picking->request;
    int64_t end_ms = clock_monotonic_ms() + request.wait_ms, left_ms = request.wait_ms;
    int r = pass_over_caps(picking, ret_lease);
    while (r == -EAGAIN) {
        request.wait_ms = left_ms;
        r = keyshm_acquire(picking->pool, &request, ret_lease);
        picking->has_met_cap = r == 0 && has_cap(picking->pool, ret_lease->pick.id);
        if (!picking->has_met_cap)
            return r;
        keyshm_cancel(picking->pool, ret_lease);
        r = pass_over_caps(picking, ret_lease);
        left_ms = end_ms - clock_monotonic_ms();
        if (r != -EAGAIN || left_ms <= 0)
            return r;
        clock_sleep_ms(left_ms < RETRY_MS ? left_ms : RETRY_MS);
        left_ms = left_ms < RETRY_MS ? 0 : left_ms - RETRY_MS;
    }
    return r;
}

/* The key goes to somebody else, so it is given back at once. */
static enum exit_status pick_and_print(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_lease lease = {.token = {0}}; /* none: keyshm_next() gives only a pick */
    struct picking picking;
    enum exit_status status = picking_begin(arguments, pool, &picking);
    if (status != EXIT_FINE)
        return status;
    int r = pick_without_cap(&picking, &lease);
    if (r < 0)
        status = refuse_to_pick(&picking, r);
    else
        status = print_pick(arguments, &lease.pick);
    if (r == 0)
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

struct execution {
    const struct arguments *arguments;
    keyshm_pool *pool;
    struct answer_file file; /* with --report */
};

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

static enum exit_status report_answer(const struct arguments *arguments, keyshm_pool *pool,
                                      const struct keyshm_pick *pick, const struct answer_input *input)
{
    struct keyshm_http_verdict verdict;
    enum exit_status status = verdict_find(verdict_provider(arguments->rules_of, pool), &input->response, &verdict);
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_http_report(pool, pick, pick->model, &verdict);
    return r < 0 ? fail(arguments->pool, r, NULL) : EXIT_FINE;
}

/* What the provider answered says more than an exit status, so that counts only where no answer could be read. What goes
 * wrong does not change the exit status, either. */
static void mark_by_answer(const struct execution *execution, const struct keyshm_pick *pick, int exit_status)
{
    struct answer_input input;
    enum exit_status status = answer_file_read(&execution->file, &input);
    if (status == EXIT_FINE)
        report_answer(execution->arguments, execution->pool, pick, &input);
    else
        mark_by_rules(execution->arguments, execution->pool, pick, exit_status);
    answer_free(&input);
}

/* It holds the lease until the child ends, but the key no longer than until that has it. */
static int run_with(const struct execution *execution, struct keyshm_lease *lease)
{
    const struct arguments *arguments = execution->arguments;
    keyshm_pool *pool = execution->pool;
    struct child child;
    child_begin(&child);
    int exit_status, r = child_start(&child, arguments->child, arguments->variable, lease->pick.key);
    explicit_bzero(lease->pick.key, sizeof(lease->pick.key));
    if (r < 0) {
        keyshm_cancel(pool, lease);
        complain("pool %s: cannot run COMMAND: %s; the key was picked, but not used", arguments->pool, system_error(-r));
        exit_status = r == -ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT_RUN;
    } else {
        exit_status = child_wait(&child);
        if (arguments->report != NULL)
            mark_by_answer(execution, &lease->pick, exit_status);
        else
            mark_by_rules(arguments, pool, &lease->pick, exit_status);
        keyshm_release(pool, lease);
    }
    child_end(&child);
    return exit_status;
}

/* A signal during the wait ends this process at once, and it holds nothing yet. */
static int pick_and_run(const struct execution *execution)
{
    struct keyshm_lease lease;
    struct picking picking;
    enum exit_status status = picking_begin(execution->arguments, execution->pool, &picking);
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_acquire(execution->pool, &picking.request, &lease);
    int exit_status;
    if (r == 0)
        exit_status = run_with(execution, &lease);
    else
        exit_status = refuse_to_pick(&picking, r);
    explicit_bzero(&lease, sizeof(lease));
    return exit_status;
}

static enum exit_status prepare_report(struct execution *execution)
{
    const struct arguments *arguments = execution->arguments;
    if (arguments->report == NULL && arguments->rules_of != NULL) {
        complain("exec: --provider goes with --report");
        return point_to_help();
    }
    if (arguments->report == NULL)
        return EXIT_FINE;
    secret_wipe_json();
    enum exit_status status = provider_rules_load();
    return status == EXIT_FINE ? answer_file_begin(&execution->file, arguments->report) : status;
}

enum exit_status cmd_exec(const struct arguments *arguments)
{
    struct execution execution = {.arguments = arguments};
    enum exit_status status = prepare_report(&execution);
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_attach_user(&execution.pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    int exit_status = pick_and_run(&execution);
    keyshm_close(execution.pool);
    return exit_status;
}
