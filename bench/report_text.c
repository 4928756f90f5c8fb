/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "report.h"
#include "work.h"

static const int process_counts[] = {1, 2, 4, 8};
enum { PROCESS_COUNTS = sizeof(process_counts) / sizeof(process_counts[0]) };

/* Three digits that mean something. */
static void print_ns(double ns)
{
    if (ns < 10)
        printf("%9.2f ns", ns);
    else if (ns < 1000)
        printf("%9.1f ns", ns);
    else
        printf("%9.1f us", ns / 1000);
}

static void print_heading(const struct report *report)
{
    printf("keyshm on %s, %ld processors, %s, %s, %s\n", report->processor, report->processors, report->system,
           report->libc, report->compiler);
    printf("%s, %d rounds, %sload %.1f before and %.1f after\n\n", report->date, report->pace->rounds,
           report->pace->pinned ? "pinned, " : "", report->load[0], report->load[1]);
}

/* ---- the contenders, by the number of processes ---- */

static bool is_measured_together(const struct subject *subject)
{
    for (int i = 0; i < work_measurements_count; i++)
        if (work_measurements[i].subject == subject && work_measurements[i].workers > 1)
            return true;
    return false;
}

static const struct measurement *find(const struct subject *subject, int workers)
{
    for (int i = 0; i < work_measurements_count; i++)
        if (work_measurements[i].subject == subject && work_measurements[i].workers == workers)
            return &work_measurements[i];
    return NULL;
}

static void print_contender(const struct subject *subject, int rounds)
{
    char name[64];
    snprintf(name, sizeof(name), subject->contender->is_lease ? "%s: %s" : "%s", subject->contender->name, subject->work);
    printf("%-32s", name);
    if (subject->state == NULL) {
        printf("   not installed\n");
        return;
    }
    for (int i = 0; i < PROCESS_COUNTS; i++)
        print_ns(median_of(find(subject, process_counts[i])->cost_ns, rounds));
    printf("  ");
    for (int i = 0; i < PROCESS_COUNTS; i++)
        print_ns(least_of(find(subject, process_counts[i])->cost_ns, rounds));
    printf("  ");
    for (int i = 0; i < PROCESS_COUNTS; i++)
        printf("%6.1f", median_of(find(subject, process_counts[i])->busy, rounds));
    printf("\n");
}

static void print_by_processes(const char *title, bool is_lease, int rounds)
{
    printf("%s: the machine's time for each, and the processors that the workers had\n\n", title);
    printf("%-32s%48s  %48s  %24s\n", "", "median of the rounds", "least", "processors");
    printf("%-32s%12d%12d%12d%12d  %12d%12d%12d%12d  %6d%6d%6d%6d\n", "processes", 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8);
    for (int i = 0; i < work_measurements_count; i++)
        if (work_measurements[i].workers == 1 && is_measured_together(work_measurements[i].subject) &&
            work_measurements[i].subject->contender->is_lease == is_lease)
            print_contender(work_measurements[i].subject, rounds);
    printf("\n");
}

/* ---- everything else ---- */

static void print_other(const struct measurement *measurement, int rounds)
{
    const struct subject *subject = measurement->subject;
    double median_ns = median_of(measurement->cost_ns, rounds);
    printf("%-24s%-32s%7u%10u", subject->contender->name, subject->work, subject->load.keys, subject->load.available);
    print_ns(median_ns);
    print_ns(least_of(measurement->cost_ns, rounds));
    printf("%12.2f%15.2f\n", median_ns / median_of(work_lock(1)->cost_ns, rounds),
           median_ns / median_of(work_fetch_add(1)->cost_ns, rounds));
}

static void print_others(int rounds)
{
    printf("One process\n\n%-24s%-32s%7s%10s%12s%12s%12s%15s\n", "", "", "keys", "available", "median", "least",
           "lock = 1", "fetch_add = 1");
    for (int i = 0; i < work_measurements_count; i++)
        if (!is_measured_together(work_measurements[i].subject) && work_measurements[i].subject->state != NULL)
            print_other(&work_measurements[i], rounds);
    printf("\n");
}

/* ---- the bars ---- */

static void print_amount(const struct bar *bar, double amount)
{
    switch (bar->unit) {
    case BAR_TIMES:
    case BAR_COUNT:
        printf("%12.2f", amount);
        break;
    case BAR_NANOSECONDS:
        print_ns(amount);
        break;
    case BAR_BYTES:
        printf("%6.0f bytes", amount);
        break;
    }
}

static const char *verdict(const struct bar *bar, double figure)
{
    if (isnan(figure))
        return "not measured";
    if (bar->is_aim)
        return figure <= bar->limit ? "aim met" : "aim missed";
    return figure <= bar->limit ? "met" : "MISSED";
}

static void print_bars(int rounds)
{
    printf("%-42s%-26s%12s%12s\n", "bar", "in units of", "figure", "at most");
    for (int i = 0; i < work_bars_count; i++) {
        const struct bar *bar = &work_bars[i];
        double figure = work_figure(bar, rounds);
        printf("%-42s%-26s", bar->text, bar->against);
        print_amount(bar, figure);
        print_amount(bar, bar->limit);
        printf("  %s\n", verdict(bar, figure));
    }
}

/* Contention that did not take place must not pass for low cost. */
static void print_doubts(const struct report *report)
{
    double busy = median_of(work_lock(2)->busy, report->pace->rounds);
    double wanted = report->processors < 2 ? 1 : 2;
    if (busy < 0.9 * wanted)
        printf(
            "\nSomething else kept the processors busy: two workers had %.1f of them. So there was less contention than\n"
            "there should have been%s.\n",
            busy, report->pace->pinned ? "" : "; with --pin there is more of it");
}

/* ---- instructions ---- */

static void print_count(const char *name, double count, void *user)
{
    bool *began = user;
    if (!*began)
        printf("\nInstructions a call, in this build\n\n");
    *began = true;
    printf("%-40s%12.1f\n", name, count);
}

void report_text(const struct report *report)
{
    int rounds = report->pace->rounds;
    bool began = false;
    print_heading(report);
    print_by_processes("A pick of 100 keys, all available", false, rounds);
    print_by_processes("A request with one of 100 keys, counted from its pick to its release", true, rounds);
    print_others(rounds);
    print_bars(rounds);
    print_doubts(report);
    report_each_count(report, print_count, &began);
}
