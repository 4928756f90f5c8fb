/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <math.h>

#include "report.h"
#include "work.h"

static json_t *checked(json_t *value)
{
    EXPECT(value != NULL);
    return value;
}

static json_t *machine_json(const struct report *report)
{
    return checked(json_pack("{s:s, s:I, s:s, s:s, s:s, s:f, s:f}", "processor", report->processor, "processors",
                             (json_int_t)report->processors, "system", report->system, "libc", report->libc, "compiler",
                             report->compiler, "load_before", report->load[0], "load_after", report->load[1]));
}

static json_t *measurement_json(const struct measurement *measurement, int rounds)
{
    const struct subject *subject = measurement->subject;
    json_t *costs = checked(json_array());
    for (int i = 0; i < rounds; i++)
        EXPECT_EQ(json_array_append_new(costs, json_real(measurement->cost_ns[i])), 0);
    return checked(json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:o}", "contender", subject->contender->name,
                             "work", subject->work, "keys", subject->load.keys, "available", subject->load.available,
                             "processes", measurement->workers, "median_ns", median_of(measurement->cost_ns, rounds),
                             "least_ns", least_of(measurement->cost_ns, rounds), "processors_busy",
                             median_of(measurement->busy, rounds), "rounds_ns", costs));
}

static json_t *measurements_json(int rounds)
{
    json_t *all = checked(json_array());
    for (int i = 0; i < work_measurements_count; i++)
        if (work_measurements[i].subject->state != NULL)
            EXPECT_EQ(json_array_append_new(all, measurement_json(&work_measurements[i], rounds)), 0);
    return all;
}

static json_t *bar_json(const struct bar *bar, int rounds)
{
    static const char *const units[] = {"times", "ns", "bytes", "count"};
    double figure = work_figure(bar, rounds);
    bool was_measured = !isnan(figure);
    return checked(json_pack("{s:s, s:s, s:s, s:o, s:f, s:b, s:o}", "bar", bar->text, "against", bar->against, "unit",
                             units[bar->unit], "figure", was_measured ? json_real(figure) : json_null(), "limit",
                             bar->limit, "is_aim", bar->is_aim, "met",
                             was_measured ? json_boolean(figure <= bar->limit) : json_null()));
}

static json_t *bars_json(int rounds)
{
    json_t *all = checked(json_array());
    for (int i = 0; i < work_bars_count; i++)
        EXPECT_EQ(json_array_append_new(all, bar_json(&work_bars[i], rounds)), 0);
    return all;
}

static void add_count(const char *name, double count, void *user)
{
    EXPECT_EQ(json_object_set_new(user, name, json_real(count)), 0);
}

bool report_json(const struct report *report, const char *path)
{
    int rounds = report->pace->rounds;
    json_t *instructions = checked(json_object());
    report_each_count(report, add_count, instructions);
    json_t *root =
        checked(json_pack("{s:i, s:s, s:o, s:i, s:b, s:o, s:o, s:o}", "schema", 1, "date", report->date, "machine",
                          machine_json(report), "rounds", rounds, "pinned", report->pace->pinned, "measurements",
                          measurements_json(rounds), "bars", bars_json(rounds), "instructions_a_call", instructions));
    bool written = json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
    json_decref(root);
    return written;
}
