/* SPDX-License-Identifier: MIT */
#include "round.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "exchange.h"

#define POLL_MS 1000

struct under_way {
    CURLM *multi;
    int signals; /* a descriptor */
    unsigned count;
    struct exchange *exchanges[CHECK_PARALLEL_MAX];
};

/* ---- signals ---- */

/* They are read where the requests are waited for, so that what was learnt is told, and nothing of a key stays in memory. One that is
 * ignored (nohup(1)) does not come. */
static int take_signals(sigset_t *ret_before)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    sigset_t taken;
    sigemptyset(&taken);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&taken, numbers[i]);
    sigprocmask(SIG_BLOCK, &taken, ret_before);
    int fd = signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : -errno;
}

static void look_for_signals(struct check_round *round, const struct under_way *under_way)
{
    struct signalfd_siginfo info;
    if (round->signal_number == 0 && read(under_way->signals, &info, sizeof(info)) == sizeof(info))
        round->signal_number = (int)info.ssi_signo;
}

/* ---- one question ---- */

/* -ENOMEM. A key that was removed is passed over. */
static int begin_one(struct check_round *round, struct under_way *under_way)
{
    struct keyshm_pick pick;
    struct question *question = &round->questions[round->begun++];
    int r = question_begin(round->pool, question, &pick);
    if (r == 0) {
        r = exchange_start(under_way->multi, round->request, pick.key, question, &under_way->exchanges[under_way->count]);
        under_way->count += r == 0;
    } else {
        r = 0;
    }
    explicit_bzero(&pick, sizeof(pick));
    return r;
}

static void forget(struct under_way *under_way, struct exchange *exchange)
{
    unsigned i = 0;
    while (under_way->exchanges[i] != exchange)
        i++;
    under_way->exchanges[i] = under_way->exchanges[--under_way->count];
    exchange_end(under_way->multi, exchange);
}

static int end_one(struct check_round *round, struct under_way *under_way, struct exchange *exchange)
{
    struct keyshm_http_response response;
    struct question *question = exchange_user(exchange);
    exchange_read(exchange, &response);
    int r = question_answer(round->pool, round->request->rules, question, &response);
    if (question->answer == ANSWER_NONE && round->failure == NULL)
        round->failure = exchange_failure(exchange);
    round->is_unreachable |= exchange_is_unreachable(exchange);
    forget(under_way, exchange);
    return r;
}

/* ---- all of them ---- */

static void tell(struct check_round *round)
{
    while (round->tell != NULL && round->told < round->begun && round->questions[round->told].is_over)
        round->tell(&round->questions[round->told++]);
}

static int begin_more(struct check_round *round, struct under_way *under_way)
{
    int r = 0;
    while (r == 0 && !round->is_unreachable && under_way->count < round->parallel && round->begun < round->count)
        r = begin_one(round, under_way);
    return r;
}

static int end_some(struct check_round *round, struct under_way *under_way)
{
    struct exchange *exchange;
    int running, r = 0;
    curl_multi_perform(under_way->multi, &running);
    while (r == 0 && (exchange = exchange_take(under_way->multi)) != NULL)
        r = end_one(round, under_way, exchange);
    return r;
}

static int ask_all(struct check_round *round, struct under_way *under_way)
{
    struct curl_waitfd signals = {.fd = under_way->signals, .events = CURL_WAIT_POLLIN};
    for (;;) {
        int r = begin_more(round, under_way);
        if (r == 0)
            r = end_some(round, under_way);
        tell(round);
        look_for_signals(round, under_way);
        if (r < 0 || round->signal_number != 0)
            return r;
        bool is_to_begin = !round->is_unreachable && round->begun < round->count;
        if (under_way->count == 0 && !is_to_begin)
            return 0;
        if (under_way->count == round->parallel || !is_to_begin)
            curl_multi_poll(under_way->multi, &signals, 1, POLL_MS, NULL);
    }
}

static int run(struct check_round *round, struct under_way *under_way)
{
    int r = exchange_begin_all(&under_way->multi);
    if (r < 0)
        return r;
    r = ask_all(round, under_way);
    while (under_way->count > 0)
        forget(under_way, under_way->exchanges[0]);
    exchange_end_all(under_way->multi);
    return r;
}

int check_round_run(struct check_round *round)
{
    struct under_way under_way = {.count = 0};
    sigset_t before;
    under_way.signals = take_signals(&before);
    int r = under_way.signals >= 0 ? run(round, &under_way) : under_way.signals;
    if (under_way.signals >= 0)
        close(under_way.signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return r;
}
