/* SPDX-License-Identifier: MIT */

/* The invariants of a pool: verify, repair. */

#include <errno.h>

#include "cmd.h"
#include "program.h"
#include "report.h"
#include "user.h"

static const struct failure verify_failures[] = {
    {EBUSY, EXIT_REFUSED, "a key is being added or removed, or the process that was doing so has died or been stopped",
     "see which process with: keyshm-ctl holder", true},
    {0, EXIT_REFUSED, NULL, NULL, false},
};

/* Print a problem at once, or put it into the JSON. */
static void take_problem(const char *problem, void *user)
{
    json_t *problems = user;
    if (problems == NULL)
        puts(problem);
    else
        json_array_append_new(problems, json_string(problem));
}

/* Attached read-only, so that damage is left as it is. */
static int find_problems(const char *provider, json_t *problems)
{
    keyshm_pool *pool;
    int r = keyshm_attach_readonly_user(&pool, user_of_pools(), provider);
    if (r == 0) {
        r = keyshm_verify(pool, take_problem, problems);
        keyshm_close(pool);
    }
    return r;
}

static enum exit_status show_problems(const struct arguments *arguments, int problem_count, json_t *problems)
{
    enum exit_status status = problem_count == 0 ? EXIT_FINE : EXIT_DAMAGED;
    if (arguments->json && report(arguments->pool, json_pack("{s:i, s:O}", "problem_count", problem_count, "problems",
                                                             problems)) != EXIT_FINE)
        return EXIT_REFUSED;
    if (problem_count > 0)
        complain(
            "pool %s: %d of its invariants %s broken; what can be repaired is, with: keyshm-ctl repair %s; if that does "
            "not help, and no worker needs it, remove it with: keyshm-ctl destroy %s",
            arguments->pool, problem_count, problem_count == 1 ? "is" : "are", arguments->pool, arguments->pool);
    return status;
}

enum exit_status cmd_verify(const struct arguments *arguments)
{
    json_t *problems = arguments->json ? json_array() : NULL;
    int r = find_problems(arguments->pool, problems);
    enum exit_status status = r < 0 ? fail(arguments->pool, r, verify_failures) : show_problems(arguments, r, problems);
    json_decref(problems);
    return status;
}

/* Returns how many problems are left, or an error. */
static int repair(const char *provider)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), provider);
    if (r < 0)
        return r;
    r = keyshm_repair(pool);
    if (r == 0)
        r = keyshm_verify(pool, NULL, NULL);
    keyshm_close(pool);
    return r;
}

static enum exit_status show_repair(const struct arguments *arguments, int problem_count, int left_count,
                                    json_t *problems)
{
    if (arguments->json &&
        report(arguments->pool, json_pack("{s:i, s:O, s:i}", "problem_count", problem_count, "problems", problems,
                                          "left_count", left_count)) != EXIT_FINE)
        return EXIT_REFUSED;
    if (left_count > 0) {
        complain("pool %s: %d of its invariants cannot be repaired; if no worker needs it, remove it with: "
                 "keyshm-ctl destroy %s",
                 arguments->pool, left_count, arguments->pool);
        return EXIT_DAMAGED;
    }
    if (!arguments->json && problem_count == 0)
        printf("pool %s: nothing to repair\n", arguments->pool);
    else if (!arguments->json)
        printf("pool %s: repaired\n", arguments->pool);
    return EXIT_FINE;
}

/* During an unfinished change an observer can check nothing else: then the change is the problem. */
static int find_problems_or_unfinished(const char *provider, json_t *problems)
{
    int r = find_problems(provider, problems);
    if (r != -EBUSY)
        return r;
    take_problem("the addition or removal of a key was not finished", problems);
    return 1;
}

enum exit_status cmd_repair(const struct arguments *arguments)
{
    json_t *problems = arguments->json ? json_array() : NULL;
    int found = find_problems_or_unfinished(arguments->pool, problems);
    int left = found < 0 ? found : repair(arguments->pool);
    enum exit_status status =
        left < 0 ? fail(arguments->pool, left, verify_failures) : show_repair(arguments, found, left, problems);
    json_decref(problems);
    return status;
}
