/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "child.h"
#include "commands.h"
#include "mark.h"
#include "no_key.h"
#include "program.h"

/* As shells have it. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NO_PROGRAM 127

#define LOOK_AGAIN_MS 200 /* another process may mark a key available at any time */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(int64_t duration_ms)
{
    struct timespec duration = {.tv_sec = duration_ms / 1000, .tv_nsec = duration_ms % 1000 * 1000000};
    nanosleep(&duration, NULL);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* -EAGAIN when there was none for all of that time. */
static int pick_within(keyshm_pool *pool, int64_t wait_ms, struct keyshm_pick *pick)
{
    int64_t end_ms = now_ms() + wait_ms;
    int r;
    while ((r = keyshm_next(pool, pick)) == -EAGAIN) {
        int64_t left_ms = end_ms - now_ms();
        if (left_ms <= 0)
            break;
        int64_t available_in_ms = keyshm_next_available_ms(pool);
        int64_t nap_ms = least(left_ms, LOOK_AGAIN_MS);
        sleep_ms(available_in_ms > 0 ? least(nap_ms, available_in_ms) : nap_ms);
    }
    return r;
}

/* What became of the key does not change how COMMAND ended. */
static void mark_by_rules(const struct arguments *arguments, keyshm_pool *pool, keyshm_id id, int exit_status)
{
    const struct exit_rule *rule = exit_rules_find(&arguments->on_status, (unsigned)exit_status);
    int r = rule != NULL ? mark_key(pool, id, rule->status, rule->after_ms) : 0;
    if (r < 0)
        complain("pool %s: the key with id %" PRIu64 ", to be marked %s after exit status %d: %s", arguments->pool, id,
                 keyshm_status_name(rule->status), exit_status,
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
        complain("pool %s: cannot run COMMAND: %s; the key was picked, but not used", arguments->pool,
                 keyshm_strerror(r));
        exit_status = r == -ENOENT ? EXIT_NO_PROGRAM : EXIT_CANNOT_RUN;
    } else {
        exit_status = child_wait(&child);
        mark_by_rules(arguments, pool, id, exit_status);
    }
    child_end(&child);
    return exit_status;
}

enum exit_status command_exec(const struct arguments *arguments)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    int exit_status, r = keyshm_attach(&pool, arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = pick_within(pool, arguments->wait_ms, &pick);
    if (r == 0)
        exit_status = run_with(arguments, pool, &pick);
    else if (r == -EAGAIN)
        exit_status = report_no_key(arguments->pool, pool);
    else
        exit_status = fail(arguments->pool, r, NULL);
    explicit_bzero(&pick, sizeof(pick));
    keyshm_close(pool);
    return exit_status;
}
