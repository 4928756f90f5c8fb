/* SPDX-License-Identifier: MIT */

/* Keys that were disabled are asked about, so that those that are good again come back: check. */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check/lock.h"
#include "check/request.h"
#include "check/round.h"
#include "cmd.h"
#include "program.h"
#include "report.h"
#include "text.h"
#include "user.h"

/* By whose rules requests are made and answers are judged. */
static const char *rules_of(const struct arguments *arguments, keyshm_pool *pool)
{
    return arguments->rules_of != NULL ? arguments->rules_of : keyshm_provider_rules(pool);
}

/* ---- what is told ---- */

static const char *const transport_names[KEYSHM_HTTP_TRANSPORT_COUNT] = {
    "ok", "timeout", "dns", "connect", "tls", "reset", "refused_stream",
};

static const char *const answer_names[] = {
    [ANSWER_NOT_ASKED] = "not_asked", [ANSWER_REMOVED] = "removed", [ANSWER_NONE] = "none",
    [ANSWER_UNCLEAR] = "unclear",     [ANSWER_BAD] = "bad",         [ANSWER_GOOD] = "good",
};

static const char *status_now(const struct question *question)
{
    return question->is_removed ? "removed" : keyshm_status_name(question->now);
}

/* One line for each key that was asked about. */
static void print_question(const struct question *question)
{
    char masked[KEYSHM_MASKED_SIZE], http_status[16];
    if (question->answer == ANSWER_REMOVED)
        return;
    text_masked(question->masked_key, masked);
    snprintf(http_status, sizeof(http_status), "%d", question->http_status);
    printf("%" PRIu64 " %s %s -> %s %s %s\n", question->id, masked, keyshm_status_name(question->before),
           status_now(question), question->http_status != 0 ? http_status : transport_names[question->transport],
           question->rule != NULL ? question->rule : "-");
    fflush(stdout);
}

struct tally {
    size_t asked, good, bad, unanswered, not_asked, lifted;
};

static struct tally count(const struct check_round *round)
{
    struct tally tally = {.asked = 0};
    for (size_t i = 0; i < round->count; i++) {
        const struct question *question = &round->questions[i];
        tally.asked += question->answer >= ANSWER_NONE;
        tally.good += question->answer == ANSWER_GOOD;
        tally.bad += question->answer == ANSWER_BAD;
        tally.unanswered += question->answer == ANSWER_NONE;
        tally.not_asked += question->answer == ANSWER_NOT_ASKED;
        tally.lifted +=
            !question->is_removed && question->before != KEYSHM_AVAILABLE && question->now == KEYSHM_AVAILABLE;
    }
    return tally;
}

static void tell_tally(const struct arguments *arguments, const struct tally *tally)
{
    if (tally->asked + tally->not_asked == 0)
        complain("pool %s: no key is to be asked about", arguments->pool);
    else
        complain("pool %s: %zu asked about: %zu good, %zu bad, %zu unclear; %zu available again", arguments->pool,
                 tally->asked, tally->good, tally->bad, tally->asked - tally->good - tally->bad, tally->lifted);
}

static json_t *question_json(const struct question *question)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:i, s:s, s:s?}", "id", (json_int_t)question->id, "masked_key",
                     question->masked_key, "before", keyshm_status_name(question->before), "now", status_now(question),
                     "answer", answer_names[question->answer], "http_status", question->http_status, "transport",
                     transport_names[question->transport], "rule", question->rule);
}

static enum exit_status report_round(const struct arguments *arguments, const struct check_round *round,
                                     const struct tally *tally)
{
    json_t *keys = json_array();
    int r = 0;
    for (size_t i = 0; i < round->count; i++)
        r |= json_array_append_new(keys, question_json(&round->questions[i]));
    json_t *members =
        r == 0 ? json_pack("{s:s, s:I, s:I, s:O}", "rules", round->request->rules, "asked", (json_int_t)tally->asked,
                           "became_available", (json_int_t)tally->lifted, "keys", keys)
               : NULL;
    json_decref(keys);
    return report(arguments->pool, members);
}

/* Success is that the provider has answered about each key, whatever it said. */
static enum exit_status conclude(const struct arguments *arguments, const struct check_round *round, int error)
{
    struct tally tally = count(round);
    enum exit_status status = EXIT_FINE;
    if (arguments->json)
        status = report_round(arguments, round, &tally);
    else
        tell_tally(arguments, &tally);
    if (error < 0)
        return fail(arguments->pool, error, NULL);
    if (tally.unanswered > 0)
        status = refuse("pool %s: %zu of them got no answer (%s)", arguments->pool, tally.unanswered,
                        round->failure != NULL ? round->failure : "cut off");
    if (tally.not_asked > 0)
        status = refuse("pool %s: %zu more were not asked about, since %s", arguments->pool, tally.not_asked,
                        round->is_unreachable ? "the provider cannot be reached" : "a signal ended the check");
    return status;
}

/* ---- what is done ---- */

/* As if the signal had not been caught; all that was learnt is told, and no key is left in memory. */
static void end_by(int signal_number)
{
    fflush(stdout);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static enum exit_status ask(const struct arguments *arguments, keyshm_pool *pool, const struct check_request *request)
{
    struct check_round round = {
        .pool = pool,
        .request = request,
        .parallel = arguments->parallel != 0 ? arguments->parallel : CHECK_PARALLEL_DEFAULT,
        .tell = arguments->json ? NULL : print_question,
    };
    int r = question_list(pool, arguments->is_for_all, &round.questions, &round.count);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = check_round_run(&round);
    enum exit_status status = conclude(arguments, &round, r);
    free(round.questions);
    if (round.signal_number != 0)
        end_by(round.signal_number);
    return status;
}

static enum exit_status ask_alone(const struct arguments *arguments, keyshm_pool *pool,
                                  const struct check_request *request)
{
    int fd, r = check_lock(user_of_pools(), arguments->pool, &fd);
    if (r == -EBUSY)
        return refuse("pool %s: another check of it is running", arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = ask(arguments, pool, request);
    close(fd);
    return status;
}

enum exit_status cmd_check(const struct arguments *arguments)
{
    keyshm_pool *pool;
    struct check_request request;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = check_request_choose(arguments, rules_of(arguments, pool), &request);
    if (status == EXIT_FINE)
        status = ask_alone(arguments, pool, &request);
    check_request_free(&request);
    keyshm_close(pool);
    return status;
}
