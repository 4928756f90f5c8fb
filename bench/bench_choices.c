/* SPDX-License-Identifier: MIT */

/*
 * Which burst to choose, and which estimate of tokens: keyshm's own limits, in a time that this program moves, so that the same
 * comes out each time and on each machine. docs/choosing.md has the tables that it prints.
 *
 *   bench_choices
 */

#include "expect.h"
#include "random.h"
#include "rule.h"
#include "virtual_clock.h"

enum { SEED = 1 };

static int64_t now_ns(void)
{
    return virtual_clock->monotonic_ns;
}

/* ---- bursts ---- */

/* A key is used as fast as its limit lets it be. Each request takes some time to the provider, and as long back. */
enum { AMOUNT = 8, PER_MS = 600, WINDOWS = 500, WAY_MAX_MS = 20, UNDER_WAY_MAX = 64 };

static const struct burst_row {
    const char *server;
    struct rule rule;
    bool is_observed;
    unsigned amount, burst; /* of the limit */
} burst_rows[] = {
    {"continuous", {RULE_CONTINUOUS, AMOUNT, PER_MS, false}, false, 8, 1},
    {"continuous", {RULE_CONTINUOUS, AMOUNT, PER_MS, false}, false, 8, 4},
    {"continuous", {RULE_CONTINUOUS, AMOUNT, PER_MS, false}, false, 8, 7},
    {"continuous", {RULE_CONTINUOUS, AMOUNT, PER_MS, false}, false, 8, 8},
    {"windows", {RULE_WINDOWS, AMOUNT, PER_MS, true}, false, 8, 8},
    {"windows", {RULE_WINDOWS, AMOUNT, PER_MS, true}, false, 8, 4},
    {"windows", {RULE_WINDOWS, AMOUNT, PER_MS, true}, false, 8, 1},
    {"windows", {RULE_WINDOWS, AMOUNT, PER_MS, true}, false, 7, 1},
    {"windows", {RULE_WINDOWS, AMOUNT, PER_MS, true}, false, 6, 2},
    {"windows", {RULE_WINDOWS, AMOUNT, PER_MS, true}, false, 4, 4},
    {"windows, observed", {RULE_WINDOWS, AMOUNT, PER_MS, false}, true, 8, 8},
};

/* A request, or its answer. */
struct message {
    int64_t at_ns; /* when it arrives */
    bool is_answer;
    keyshm_id id;
    struct rule_answer answer;
};

struct traffic {
    keyshm_pool *pool;
    const struct burst_row *row;
    struct rule_account account;
    uint64_t random_state;
    unsigned under_way, answered, refused;
    struct message messages[UNDER_WAY_MAX]; /* in no order */
};

static void send_message(struct traffic *traffic, const struct message *message)
{
    EXPECT(traffic->under_way < UNDER_WAY_MAX);
    int64_t way_ns = (int64_t)(random_next(&traffic->random_state) % (WAY_MAX_MS * NS_PER_MS));
    traffic->messages[traffic->under_way] = *message;
    traffic->messages[traffic->under_way++].at_ns = now_ns() + way_ns;
}

static void observe(const struct traffic *traffic, const struct message *message)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = message->answer.left;
    observation.requests_reset_ms = message->answer.reset_ms;
    EXPECT_EQ(keyshm_observe(traffic->pool, message->id, &observation), 0);
}

static void take_message(struct traffic *traffic, unsigned number)
{
    struct message message = traffic->messages[number];
    traffic->messages[number] = traffic->messages[--traffic->under_way];
    if (message.is_answer) {
        if (traffic->row->is_observed)
            observe(traffic, &message);
        return;
    }
    message.answer = rule_ask(&traffic->row->rule, &traffic->account, now_ns());
    message.is_answer = true;
    traffic->answered += !message.answer.is_refused;
    traffic->refused += message.answer.is_refused;
    send_message(traffic, &message);
}

static unsigned first_message(const struct traffic *traffic)
{
    unsigned first = 0;
    for (unsigned i = 1; i < traffic->under_way; i++)
        first = traffic->messages[i].at_ns < traffic->messages[first].at_ns ? i : first;
    return first;
}

/* Until this time, all that arrives before. */
static void pass_until(struct traffic *traffic, int64_t until_ns)
{
    while (traffic->under_way > 0 && traffic->messages[first_message(traffic)].at_ns <= until_ns) {
        unsigned first = first_message(traffic);
        virtual_clock->monotonic_ns = traffic->messages[first].at_ns;
        take_message(traffic, first);
    }
    virtual_clock->monotonic_ns = until_ns;
}

static keyshm_pool *make_limited(const struct keyshm_limits *limits, unsigned in_flight_max)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *pool;
    keyshm_id id;
    options.in_flight_max = in_flight_max;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "choices", &options), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-choices-is-no-real-key", &id), 0);
    EXPECT_EQ(keyshm_set_limits(pool, id, 0, limits), 0);
    return pool;
}

static void run_traffic(struct traffic *traffic)
{
    int64_t end_ns = now_ns() + (int64_t)WINDOWS * PER_MS * NS_PER_MS;
    while (now_ns() < end_ns) {
        struct keyshm_lease lease;
        if (keyshm_acquire(traffic->pool, NULL, &lease) == 0) {
            send_message(traffic, &(struct message){.id = lease.pick.id});
            continue;
        }
        int64_t wait_ms = keyshm_next_available_ms(traffic->pool);
        pass_until(traffic, now_ns() + (wait_ms > 0 ? wait_ms : 1) * NS_PER_MS);
    }
}

static void print_burst_row(const struct burst_row *row)
{
    static struct traffic traffic;
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests.amount = row->amount;
    limits.requests.per_ms = PER_MS;
    limits.requests.burst = row->burst;
    printf("%-20s%8u%8u", row->server, row->amount, row->burst);
    traffic = (struct traffic){.row = row, .random_state = SEED, .pool = make_limited(&limits, 0)};
    run_traffic(&traffic);
    printf("%12.2f%12.2f\n", (double)traffic.answered / (AMOUNT * WINDOWS),
           100.0 * traffic.refused / (traffic.answered + traffic.refused));
    keyshm_close(traffic.pool);
}

static void print_bursts(void)
{
    printf("A provider that allows 8 requests in %d ms; requests and answers are under way for up to %d ms\n\n", PER_MS,
           WAY_MAX_MS);
    printf("%-20s%8s%8s%12s%12s\n", "it counts", "limit", "burst", "used", "refused, %");
    for (size_t i = 0; i < sizeof(burst_rows) / sizeof(burst_rows[0]); i++)
        print_burst_row(&burst_rows[i]);
    printf("\n");
}

/* ---- estimates ---- */

/*
 * A key may use 60,000 tokens a minute. A request uses 100 to 800 tokens, and one in ten all that it may;
 * the longer, the more. In one minute more are wanted than it may use, in the next one a third of that.
 */
enum { RATE_PER_S = 1000, TOKENS_MAX = 4096, TOKENS_LEAST = 100, TOKENS_USUAL = 800 };
enum { TICK_MS = 10, HOURS = 2, PHASE_MS = 60000, WORKERS = 64, MEAN_OF = 200 };
#define FIRST_TOKEN_MS 500
#define TOKENS_PER_S 80
#define REST_MS 45000 /* between two requests of a worker, in the quiet minutes */

enum estimate { ESTIMATE_MAX, ESTIMATE_MEAN, ESTIMATE_NONE };

static const struct estimate_row {
    const char *charge_text, *estimate_text;
    enum keyshm_charge charge;
    enum estimate estimate;
    unsigned burst_s; /* what the rate gives in so many seconds */
} estimate_rows[] = {
    {"at release", "all that it may use", KEYSHM_CHARGE_AT_RELEASE, ESTIMATE_MAX, 20},
    {"at release", "all that it may use", KEYSHM_CHARGE_AT_RELEASE, ESTIMATE_MAX, 60},
    {"at release", "mean of the last 200", KEYSHM_CHARGE_AT_RELEASE, ESTIMATE_MEAN, 20},
    {"at release", "none", KEYSHM_CHARGE_AT_RELEASE, ESTIMATE_NONE, 20},
    {"at the pick", "all that it may use", KEYSHM_CHARGE_AT_PICK, ESTIMATE_MAX, 20},
    {"at the pick", "all that it may use", KEYSHM_CHARGE_AT_PICK, ESTIMATE_MAX, 60},
    {"at the pick", "mean of the last 200", KEYSHM_CHARGE_AT_PICK, ESTIMATE_MEAN, 20},
};

/* What a bucket that drains at the rate would have in it at most: the most that was used in any time, beyond the rate. */
struct depth {
    double level, most;
    int64_t at_ns;
};

static void pour(struct depth *depth, uint64_t tokens)
{
    double drained = (double)(now_ns() - depth->at_ns) * RATE_PER_S / 1e9;
    depth->level = (depth->level > drained ? depth->level - drained : 0) + (double)tokens;
    depth->most = depth->level > depth->most ? depth->level : depth->most;
    depth->at_ns = now_ns();
}

struct call {
    bool is_under_way;
    int64_t at_ns; /* when it ends, or when the worker wants the next one */
    uint64_t tokens;
    struct keyshm_lease lease;
};

struct usage {
    keyshm_pool *pool;
    const struct estimate_row *row;
    uint64_t random_state;
    struct call calls[WORKERS];
    uint64_t last[MEAN_OF], ended; /* so many have ended, and used that much */
    struct depth by_start, by_end;
    uint64_t busy_tokens; /* used by what has begun in a busy minute */
};

static bool is_busy(void)
{
    return now_ns() / NS_PER_MS / PHASE_MS % 2 == 0;
}

static uint64_t draw_tokens(struct usage *usage)
{
    uint64_t random = random_next(&usage->random_state);
    return random % 10 == 0 ? TOKENS_MAX : TOKENS_LEAST + (random >> 8) % (TOKENS_USUAL - TOKENS_LEAST + 1);
}

static uint64_t estimate(const struct usage *usage)
{
    uint64_t sum = 0, count = usage->ended < MEAN_OF ? usage->ended : MEAN_OF;
    if (usage->row->estimate == ESTIMATE_NONE)
        return 0;
    if (usage->row->estimate == ESTIMATE_MAX || count == 0)
        return TOKENS_MAX;
    for (uint64_t i = 0; i < count; i++)
        sum += usage->last[i];
    return sum / count;
}

static void end_call(struct usage *usage, struct call *call)
{
    EXPECT_EQ(keyshm_settle(usage->pool, &call->lease, call->tokens), 0);
    EXPECT_EQ(keyshm_release(usage->pool, &call->lease), 0);
    pour(&usage->by_end, call->tokens);
    usage->last[usage->ended++ % MEAN_OF] = call->tokens;
    call->is_under_way = false;
    call->at_ns = now_ns() + (is_busy() ? 0 : (int64_t)(random_next(&usage->random_state) % REST_MS) * NS_PER_MS);
}

/* False: it was refused. */
static bool begin_call(struct usage *usage, struct call *call)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = estimate(usage);
    int r = keyshm_acquire(usage->pool, &request, &call->lease);
    EXPECT(r == 0 || r == -EAGAIN);
    if (r < 0)
        return false;
    call->is_under_way = true;
    call->tokens = draw_tokens(usage);
    call->at_ns = now_ns() + (FIRST_TOKEN_MS + (int64_t)call->tokens * 1000 / TOKENS_PER_S) * NS_PER_MS;
    pour(&usage->by_start, call->tokens);
    usage->busy_tokens += is_busy() ? call->tokens : 0;
    return true;
}

static void tick(struct usage *usage)
{
    bool is_refused = false;
    for (int i = 0; i < WORKERS; i++)
        if (usage->calls[i].is_under_way && usage->calls[i].at_ns <= now_ns())
            end_call(usage, &usage->calls[i]);
    for (int i = 0; i < WORKERS && !is_refused; i++)
        if (!usage->calls[i].is_under_way && (is_busy() || usage->calls[i].at_ns <= now_ns()))
            is_refused = !begin_call(usage, &usage->calls[i]);
    virtual_clock_pass_ms(TICK_MS);
}

static void print_estimate_row(const struct estimate_row *row)
{
    static struct usage usage;
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens.amount = 60 * RATE_PER_S;
    limits.tokens.burst = (uint64_t)row->burst_s * RATE_PER_S;
    limits.tokens.charge = row->charge;
    usage = (struct usage){.row = row, .random_state = SEED, .pool = make_limited(&limits, KEYSHM_IN_FLIGHT_MAX)};
    usage.by_start.at_ns = usage.by_end.at_ns = now_ns();
    int64_t seconds = HOURS * 3600, end_ns = now_ns() + seconds * 1000000000;
    while (now_ns() < end_ns)
        tick(&usage);
    double burst = (double)limits.tokens.burst;
    printf("%-14s%-24s%8u s%14.2f%12.2f%12.2f\n", row->charge_text, row->estimate_text, row->burst_s,
           (double)usage.busy_tokens / ((double)RATE_PER_S * (double)seconds / 2), usage.by_start.most / burst,
           usage.by_end.most / burst);
    keyshm_close(usage.pool);
}

static void print_estimates(void)
{
    printf("60,000 tokens a minute; requests use 100 to 800 tokens, one in ten all 4,096 that it may, at %d a second\n\n",
           TOKENS_PER_S);
    printf("%-14s%-24s%10s%14s%24s\n", "", "", "", "used in the", "most beyond the rate,");
    printf("%-14s%-24s%10s%14s%24s\n", "", "", "", "busy minutes", "in bursts");
    printf("%-14s%-24s%10s%14s%12s%12s\n", "charged", "estimate", "burst", "", "by start", "by end");
    for (size_t i = 0; i < sizeof(estimate_rows) / sizeof(estimate_rows[0]); i++)
        print_estimate_row(&estimate_rows[i]);
}

int main(void)
{
    expect_end_in_time();
    virtual_clock_begin();
    print_bursts();
    print_estimates();
    return 0;
}
