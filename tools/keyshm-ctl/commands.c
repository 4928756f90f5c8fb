/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <errno.h>
#include <inttypes.h>

#include "program.h"

static enum exit_status done_or_failed(const struct arguments *arguments, int r)
{
    return r < 0 ? fail(arguments->pool, r, NULL) : EXIT_FINE;
}

static enum exit_status command_create(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {EEXIST, EXIT_REFUSED, "there is one already", "see it with: keyshm-stat", true},
        {EACCES, EXIT_NO_POOL, "this user may not create files in /dev/shm", NULL, false},
        {ENOENT, EXIT_REFUSED, "there is no shared-memory file system on /dev/shm", NULL, false},
        {ENOSPC, EXIT_REFUSED, "the shared-memory file system is too full for it",
         "choose a smaller --capacity or --key-max, or see what is in it with: ls -l /dev/shm", false},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    keyshm_pool *pool;
    int r = keyshm_create(&pool, arguments->pool, &arguments->create);
    if (r < 0)
        return fail(arguments->pool, r, failures);
    keyshm_close(pool);
    return EXIT_FINE;
}

static enum exit_status command_destroy(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {ENOENT, EXIT_NO_POOL, "there is no such pool", "see those of this user with: keyshm-stat", false},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    int r = keyshm_unlink(arguments->pool);
    return r < 0 ? fail(arguments->pool, r, failures) : EXIT_FINE;
}

static enum exit_status command_remove(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments->pool);
    if (r == 0) {
        r = keyshm_remove(pool, arguments->id);
        keyshm_close(pool);
    }
    return done_or_failed(arguments, r);
}

static int mark(keyshm_pool *pool, const struct arguments *arguments)
{
    switch (arguments->status) {
    case KEYSHM_AVAILABLE:
        return keyshm_mark_available(pool, arguments->id);
    case KEYSHM_RATE_LIMITED:
        return keyshm_mark_rate_limited(pool, arguments->id, arguments->retry_after_ms);
    case KEYSHM_QUOTA_EXCEEDED:
        return keyshm_mark_quota_exceeded(pool, arguments->id, arguments->retry_after_ms);
    case KEYSHM_INVALID:
        return keyshm_mark_invalid(pool, arguments->id);
    }
    return -EINVAL;
}

static enum exit_status command_mark(const struct arguments *arguments)
{
    keyshm_pool *pool;
    if (arguments->retry_after_ms != KEYSHM_NO_RETRY_AFTER && arguments->status != KEYSHM_RATE_LIMITED &&
        arguments->status != KEYSHM_QUOTA_EXCEEDED) {
        complain("mark: --retry-after goes with rate_limited or quota_exceeded, not with %s",
                 keyshm_status_name(arguments->status));
        return point_to_help();
    }
    int r = keyshm_attach(&pool, arguments->pool);
    if (r == 0) {
        r = mark(pool, arguments);
        keyshm_close(pool);
    }
    return done_or_failed(arguments, r);
}

static enum exit_status command_reset(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments->pool);
    if (r == 0) {
        r = keyshm_reset_expired_cooldowns(pool);
        keyshm_close(pool);
    }
    if (r >= 0)
        printf("%d\n", r);
    return done_or_failed(arguments, r);
}

static void print_problem(const char *problem, void *user)
{
    (void)user;
    puts(problem);
}

/* By an attachment that cannot write: what is damaged is left as it was found. */
static enum exit_status command_verify(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {EBUSY, EXIT_REFUSED, "a key is being added or removed, or whoever was doing so has died or been stopped",
         "see who it is with: keyshm-stat", true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    keyshm_pool *pool;
    int r = keyshm_attach_readonly(&pool, arguments->pool);
    if (r == 0) {
        r = keyshm_verify(pool, print_problem, NULL);
        keyshm_close(pool);
    }
    if (r < 0)
        return fail(arguments->pool, r, failures);
    return r == 0 ? EXIT_FINE : EXIT_DAMAGED;
}

const struct command commands[] = {
    {"create",
     {&operand_pool},
     OPTION_BIT(OPTION_CAPACITY) | OPTION_BIT(OPTION_KEY_MAX) | OPTION_BIT(OPTION_COOLDOWN),
     "create an empty pool",
     command_create},
    {"destroy",
     {&operand_pool},
     0,
     "remove a pool, also a damaged one; processes that use it go on with what they have",
     command_destroy},
    {"add",
     {&operand_pool},
     OPTION_BIT(OPTION_ENV),
     "add keys from standard input, one a line: all of them or, when one is not valid, none;\n"
     "print each one's id and masked form, and \"present\" if it was in the pool already",
     command_add},
    {"remove", {&operand_pool, &operand_id}, 0, "remove a key and wipe it from memory", command_remove},
    {"next",
     {&operand_pool},
     OPTION_BIT(OPTION_JSON),
     "pick the next available key; print its id and the key",
     command_next},
    {"mark",
     {&operand_pool, &operand_id, &operand_status},
     OPTION_BIT(OPTION_RETRY_AFTER),
     "say what a provider answered to a key; only \"available\" brings it to a better status",
     command_mark},
    {"reset", {&operand_pool}, 0, "write down which cooldowns are over, and print how many", command_reset},
    {"verify",
     {&operand_pool},
     0,
     "hold all that must be true of a pool against its bytes; print what is not, and exit with 3 then",
     command_verify},
    {NULL, {NULL}, 0, NULL, NULL},
};
