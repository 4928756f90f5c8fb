/* SPDX-License-Identifier: MIT */

/*
 * How many requests a provider answers and refuses, of workers that have more than it allows: two keys of 8 requests in 600 ms,
 * and eight workers, for 3 s. And by the number of workers, beside workers that learn by being refused.
 *
 *   bench_provider [--json FILE]
 */

#include <getopt.h>
#include <jansson.h>
#include <time.h>

#include "drive.h"
#include "expect.h"

enum { KEYS = 2, WORKERS = 8, AMOUNT = 8, PER_MS = 600, DURATION_MS = 3000 };

static struct drive drive_of(enum drive_way way, enum rule_kind kind, unsigned amount, unsigned burst)
{
    return (struct drive){
        .way = way,
        .rule = {.kind = kind, .amount = AMOUNT, .per_ms = PER_MS},
        .keys = KEYS,
        .workers = WORKERS,
        .amount = amount,
        .burst = burst,
        .duration_ms = DURATION_MS,
    };
}

/* ---- what is promised ---- */

static const struct row {
    const char *server, *limit;
    enum drive_way way;
    enum rule_kind kind;
    bool is_silent, kills;
    unsigned amount, burst;
    unsigned answered_least; /* 0: nothing is promised, it is there to compare with */
} rows[] = {
    {"continuous", "8, burst 4", DRIVE_COUNTED, RULE_CONTINUOUS, false, false, 8, 4, 80},
    {"continuous", "8, burst 4, a kill in each 600 ms", DRIVE_COUNTED, RULE_CONTINUOUS, false, true, 8, 4, 78},
    {"windows", "8, burst 8, observed", DRIVE_OBSERVED, RULE_WINDOWS, false, false, 8, 8, 80},
    {"windows", "8, burst 8, observed, with kills", DRIVE_OBSERVED, RULE_WINDOWS, false, true, 8, 8, 78},
    {"windows, silent", "6, burst 2", DRIVE_COUNTED, RULE_WINDOWS, true, false, 6, 2, 60},
    {"continuous", "none: learned by 429", DRIVE_LEARNED, RULE_CONTINUOUS, false, false, 0, 0, 0},
    {"windows", "none: learned by 429", DRIVE_LEARNED, RULE_WINDOWS, false, false, 0, 0, 0},
};

static void print_row(const struct row *row)
{
    struct drive drive = drive_of(row->way, row->kind, row->amount, row->burst);
    drive.rule.is_silent = row->is_silent;
    drive.kills = row->kills;
    printf("%-16s%-36s", row->server, row->limit);
    struct drive_outcome outcome = drive_run(&drive);
    printf("%10u%10u%12lld ms", outcome.answered, outcome.refused, (long long)outcome.longest_ms);
    if (row->answered_least == 0)
        printf("\n");
    else
        printf("%10u%10u  %s\n", row->answered_least, 0U,
               outcome.answered >= row->answered_least && outcome.refused == 0 ? "met" : "MISSED");
    fflush(stdout);
}

static void print_promises(void)
{
    printf("Two keys of 8 requests in 600 ms, %d workers that ask as fast as they can, %d s\n\n", WORKERS,
           DURATION_MS / 1000);
    printf("%-16s%-36s%10s%10s%15s%10s%10s\n", "server", "limit", "answered", "refused", "longest", "at least",
           "at most");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        print_row(&rows[i]);
    printf("\n");
}

/* ---- by the number of workers ---- */

static json_t *checked(json_t *value)
{
    EXPECT(value != NULL);
    return value;
}

static void add_point(json_t *points, const char *name, unsigned workers, const struct drive_outcome *outcome)
{
    double seconds = DURATION_MS / 1000.0;
    printf("%12u%10u", outcome->answered, outcome->refused);
    fflush(stdout);
    EXPECT_EQ(json_array_append_new(points, checked(json_pack("{s:s, s:i, s:f, s:f}", "way", name, "workers",
                                                              (int)workers, "answered_per_s", outcome->answered / seconds,
                                                              "refused_per_s", outcome->refused / seconds))),
              0);
}

static json_t *print_by_workers(void)
{
    static const unsigned counts[] = {1, 2, 4, 8, 16};
    json_t *points = checked(json_array());
    printf("The same by the number of workers; the server counts continuously\n\n");
    printf("%-10s%22s%22s\n%-10s%12s%10s%12s%10s\n", "", "counted before", "learned by 429", "workers", "answered",
           "refused", "answered", "refused");
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct drive before = drive_of(DRIVE_COUNTED, RULE_CONTINUOUS, AMOUNT, AMOUNT / 2);
        struct drive learned = drive_of(DRIVE_LEARNED, RULE_CONTINUOUS, 0, 0);
        before.workers = learned.workers = counts[i];
        printf("%-10u", counts[i]);
        struct drive_outcome outcome = drive_run(&before);
        add_point(points, "counted before", counts[i], &outcome);
        outcome = drive_run(&learned);
        add_point(points, "learned by 429", counts[i], &outcome);
        printf("\n");
    }
    return points;
}

static const char *date_text(void)
{
    static char text[32];
    struct tm utc;
    time_t now = time(NULL);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &utc));
    return text;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", required_argument, NULL, 'j'}, {0}};
    const char *path = NULL;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option != 'j') {
            fprintf(stderr, "Usage: bench_provider [--json FILE]\n");
            return 1;
        }
        path = optarg;
    }
    expect_end_in_time();
    print_promises();
    json_t *root =
        checked(json_pack("{s:i, s:s, s:s, s:o}", "schema", 1, "date", date_text(), "setting",
                          "two keys of 8 requests in 600 ms, counted continuously; the pool's limit has a burst of 4",
                          "by_workers", print_by_workers()));
    bool was_written = path == NULL || json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
    json_decref(root);
    if (!was_written)
        fprintf(stderr, "bench_provider: %s: %s\n", path, strerror(errno));
    return was_written ? 0 : 1;
}
