/* SPDX-License-Identifier: MIT */

/* What the answer of a provider says of a key: judge, report. */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "answer_input.h"
#include "cmd.h"
#include "lookup.h"
#include "name_rules.h"
#include "program.h"
#include "provider_rules.h"
#include "report.h"
#include "secret.h"
#include "user.h"
#include "verdict.h"

/* ---- both ---- */

static enum exit_status judge_input(const char *provider, struct keyshm_http_verdict *ret_verdict)
{
    struct answer_input input;
    if (isatty(STDIN_FILENO))
        complain("type the answer as curl -i prints it, then Ctrl-D at the beginning of a line");
    enum exit_status status = answer_read(&input, STDIN_FILENO, "standard input");
    if (status == EXIT_FINE)
        status = verdict_find(provider, &input.response, ret_verdict);
    answer_free(&input);
    return status;
}

static enum exit_status judge(const struct arguments *arguments, const char *provider,
                              struct keyshm_http_verdict *ret_verdict)
{
    struct keyshm_http_response none = KEYSHM_HTTP_RESPONSE_INIT;
    none.transport = arguments->transport;
    return arguments->transport != KEYSHM_HTTP_TRANSPORT_OK ? verdict_find(provider, &none, ret_verdict)
                                                            : judge_input(provider, ret_verdict);
}

/* ---- judge ---- */

enum exit_status cmd_judge(const struct arguments *arguments)
{
    struct keyshm_http_verdict verdict;
    secret_wipe_json();
    enum exit_status status = provider_rules_load();
    if (status == EXIT_FINE)
        status = judge(arguments, arguments->rules_of, &verdict);
    if (status != EXIT_FINE)
        return status;
    if (arguments->json)
        return report(arguments->rules_of, verdict_json(&verdict));
    verdict_print(&verdict);
    return EXIT_FINE;
}

/* ---- report ---- */

static enum exit_status show(const struct arguments *arguments, const struct keyshm_http_verdict *verdict)
{
    if (arguments->json) {
        json_t *members = verdict_json(verdict);
        json_t *object = json_pack("{s:I}", "id", (json_int_t)arguments->id);
        if (members == NULL || json_object_update(object, members) < 0) {
            json_decref(object);
            object = NULL;
        }
        json_decref(members);
        return report(arguments->pool, object);
    }
    if (arguments->is_verbose)
        verdict_print(verdict);
    return EXIT_FINE;
}

static enum exit_status tell_pool(const struct arguments *arguments, keyshm_pool *pool,
                                  const struct keyshm_http_verdict *verdict)
{
    struct keyshm_pick pick = {.id = arguments->id, .stamp = arguments->stamp};
    enum exit_status status = name_choose_model(arguments->pool, pool, arguments->model, &pick.model);
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_http_report(pool, &pick, pick.model, verdict);
    return r < 0 ? fail(arguments->pool, r, NULL) : EXIT_FINE;
}

static enum exit_status report_answer(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_http_verdict verdict;
    const struct id_list ids = {.count = 1, .ids = {arguments->id}};
    enum exit_status status = lookup_check_keys(arguments->pool, pool, &ids, 0);
    if (status == EXIT_FINE)
        status = judge(arguments, verdict_provider(arguments->rules_of, pool), &verdict);
    if (status == EXIT_FINE)
        status = tell_pool(arguments, pool, &verdict);
    if (status != EXIT_FINE)
        return status;
    if (metadata_reveals_key(pool, verdict.model))
        verdict.model[0] = '\0';
    return show(arguments, &verdict);
}

enum exit_status cmd_report(const struct arguments *arguments)
{
    keyshm_pool *pool;
    secret_wipe_json();
    enum exit_status status = provider_rules_load();
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    status = report_answer(arguments, pool);
    keyshm_close(pool);
    return status;
}
