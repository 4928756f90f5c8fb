/* SPDX-License-Identifier: MIT */

/*
 * Workers with more requests than a provider answers, on keys whose limits the pool counts: no request is refused.
 *
 * A limit says when requests are sent, and the provider counts when they arrive. In between, a busy machine may hold one up
 * for so long that it arrives together with later ones, and is refused for that. So a run in which one took longer than the
 * limit leaves room for is made again.
 */

#include "drive.h"
#include "expect.h"

enum { KEYS = 2, WORKERS = 8, AMOUNT = 8, PER_MS = 600, WINDOWS = 5, TRIES = 20 };

static const struct run {
    const char *name;
    enum drive_way way;
    enum rule_kind kind;
    bool is_silent, kills;
    unsigned amount, burst; /* of the pool's limit */
    int64_t slack_ms;       /* a request that takes longer may be refused */
} runs[] = {
    /* The rate is the provider's, and half of its room is left: 4 × 75 ms. */
    {"continuous", DRIVE_COUNTED, RULE_CONTINUOUS, false, false, 8, 4, 300},
    {"continuous, with kills", DRIVE_COUNTED, RULE_CONTINUOUS, false, true, 8, 4, 300},
    /* What is left has to be known before the first of a burst comes back. */
    {"windows, observed", DRIVE_OBSERVED, RULE_WINDOWS, false, false, 8, 8, 75},
    {"windows, observed, with kills", DRIVE_OBSERVED, RULE_WINDOWS, false, true, 8, 8, 75},
    /* The ninth is sent 100 ms after the end of the window at the earliest. */
    {"windows, silent", DRIVE_COUNTED, RULE_WINDOWS, true, false, 6, 2, 100},
    {"windows, silent, with kills", DRIVE_COUNTED, RULE_WINDOWS, true, true, 6, 2, 100},
};

static struct drive drive_of(const struct run *run)
{
    return (struct drive){
        .way = run->way,
        .rule = {.kind = run->kind, .amount = AMOUNT, .per_ms = PER_MS, .is_silent = run->is_silent},
        .keys = KEYS,
        .workers = WORKERS,
        .amount = run->amount,
        .burst = run->burst,
        .duration_ms = (int64_t)WINDOWS * PER_MS,
        .kills = run->kills,
    };
}

/* False: the machine was too busy each time. */
static bool check(const struct run *run)
{
    struct drive drive = drive_of(run);
    for (int tries = 0; tries < TRIES; tries++) {
        struct drive_outcome outcome = drive_run(&drive);
        printf("%s: %u answered of at most %u, %u refused; a request took %lld ms at most\n", run->name, outcome.answered,
               outcome.most, outcome.refused, (long long)outcome.longest_ms);
        if (outcome.longest_ms >= run->slack_ms)
            continue;
        EXPECT_EQ(outcome.refused, 0);
        EXPECT(outcome.answered * 2 >= outcome.most);
        return true;
    }
    return false;
}

/* Without limits some are, or the above would say nothing. */
static void check_learned(void)
{
    struct drive drive = drive_of(&runs[0]);
    drive.way = DRIVE_LEARNED;
    struct drive_outcome outcome = drive_run(&drive);
    printf("learned: %u answered of at most %u, %u refused\n", outcome.answered, outcome.most, outcome.refused);
    EXPECT(outcome.refused > 0);
}

int main(void)
{
    bool were_quiet = true;
    expect_end_in_time();
    check_learned();
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
        were_quiet &= check(&runs[i]);
    if (!were_quiet)
        printf("skipped: the machine was too busy, so requests were held up for longer than the limits leave room for\n");
    return were_quiet ? 0 : 77;
}
