/* SPDX-License-Identifier: MIT */

/* To pick a key and hand it on: next, exec. */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "clocks.h"
#include "cmd.h"
#include "mark_rules.h"
#include "program.h"
#include "secret.h"
#include "user.h"

/* Both commands: why nothing could be picked, and when that will change. */
static enum exit_status refuse_to_pick(const char *provider, keyshm_pool *pool, int error)
{
    if (error != -EAGAIN)
        return fail(provider, error, NULL);
    int64_t available_in_ms = keyshm_next_available_ms(pool);
    if (available_in_ms >= 0)
        complain("pool %s: no key is available now; the next will be in %" PRId64 ".%03" PRId64 " seconds", provider,
                 available_in_ms / 1000, available_in_ms % 1000);
    else
        complain("pool %s: no key is available until one is marked available; see them with: keyshm-stat %s", provider,
                 provider);
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
    json_t *object = json_pack("{s:i, s:s, s:I, s:s, s:I}", "schema", 1, "provider", provider, "id", (json_int_t)pick->id,
                               "key", pick->key, "stamp", (json_int_t)pick->stamp);
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

enum exit_status cmd_next(const struct arguments *arguments)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    secret_wipe_json();
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = keyshm_next(pool, &pick);
    enum exit_status status = r < 0 ? refuse_to_pick(arguments->pool, pool, r) : print_pick(arguments, &pick);
    explicit_bzero(&pick, sizeof(pick));
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
static int pick_within(keyshm_pool *pool, int64_t wait_ms, struct keyshm_pick *pick)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;
    int r;
    while ((r = keyshm_next(pool, pick)) == -EAGAIN) {
        int64_t left_ms = end_ms - clock_monotonic_ms();
        if (left_ms <= 0)
            break;
        int64_t available_in_ms = keyshm_next_available_ms(pool);
        int64_t nap_ms = least(left_ms, RETRY_MS);
        clock_sleep_ms(available_in_ms > 0 ? least(nap_ms, available_in_ms) : nap_ms);
    }
    return r;
}

/* A mark that fails does not change the exit status: that is COMMAND's. */
static void mark_by_rules(const struct arguments *arguments, keyshm_pool *pool, keyshm_id id, int exit_status)
{
    const struct exit_rule *rule = exit_rules_find(&arguments->on_status, (unsigned)exit_status);
    int r = rule != NULL ? mark_key(pool, id, rule->status, rule->after_ms, mark_default_reason(rule->status)) : 0;
    if (r < 0)
        complain("pool %s: the key with id %" PRIu64 " could not be marked %s after exit status %d: %s", arguments->pool,
                 id, keyshm_status_name(rule->status), exit_status,
                 r == -ESTALE ? "it is no longer in the pool" : keyshm_strerror(r));
}

static int run_with(const struct arguments *arguments, keyshm_pool *pool, struct keyshm_pick *pick)
{
    struct child child;
    keyshm_id id = pick->id;
    child_begin(&child);
    int exit_status, r = child_start(&child, arguments->child, arguments->variable, pick->key);
    explicit_bzero(pick, sizeof(*pick));
    if (r < 0) {
        complain("pool %s: cannot run COMMAND: %s; the key was picked, but not used", arguments->pool, system_error(-r));
        exit_status = r == -ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT_RUN;
    } else {
        exit_status = child_wait(&child);
        mark_by_rules(arguments, pool, id, exit_status);
    }
    child_end(&child);
    return exit_status;
}

enum exit_status cmd_exec(const struct arguments *arguments)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    int exit_status, r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = pick_within(pool, arguments->wait_ms, &pick);
    if (r == 0)
        exit_status = run_with(arguments, pool, &pick);
    else
        exit_status = refuse_to_pick(arguments->pool, pool, r);
    explicit_bzero(&pick, sizeof(pick));
    keyshm_close(pool);
    return exit_status;
}
