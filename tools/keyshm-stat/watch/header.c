/* SPDX-License-Identifier: MIT */
#include "header.h"

#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <string.h>
#include <time.h>

#include "graph.h"
#include "reading.h"
#include "text.h"
#include "value.h"

#define TITLE_WIDTH 8 /* of "picks" and the other titles, with the gap behind */
#define GRAPH_WIDTH_MAX 30
#define GRAPH_GAP 2
#define HELD_LONG_MS 1000 /* a membership change takes microseconds */
#define REPLACED_MS 30000 /* how long a notice says that the pool was replaced */
#define CLOCK_TEXT_SIZE 16
#define PART_NAME_WIDTH_MAX 24 /* of a group or a model */
#define MORE_WIDTH 8           /* of "+12", with the gap before */

/* Local time: "12:03:04". */
static void clock_text(int64_t unix_ms, char ret_text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm time = {0};
    localtime_r(&seconds, &time);
    if (strftime(ret_text, CLOCK_TEXT_SIZE, "%H:%M:%S", &time) == 0)
        ret_text[0] = '\0';
}

static void put_title(struct line *line, const char *title)
{
    line_put(line, STYLE_FAINT, title);
    line_fill(line, STYLE_PLAIN, TITLE_WIDTH);
}

static void put_gap(struct line *line)
{
    line_put(line, STYLE_PLAIN, "   ");
}

/* ---- the pool ---- */

static void put_interval(struct line *line, int64_t interval_ms)
{
    if (interval_ms % 1000 == 0)
        line_print(line, STYLE_FAINT, "every %" PRId64 "s", interval_ms / 1000);
    else
        line_print(line, STYLE_FAINT, "every %" PRId64 ".%" PRId64 "s", interval_ms / 1000, interval_ms % 1000 / 100);
}

/* Interval and time, at the right end when there is room. */
static void put_when(const struct scene *scene, struct line *line)
{
    char time[CLOCK_TEXT_SIZE];
    unsigned begin = line->width;
    put_gap(line);
    put_interval(line, scene->session->interval_ms);
    put_gap(line);
    clock_text(scene->unix_ms, time);
    line_put(line, STYLE_PLAIN, time);
    if (!scene->is_text)
        line_move_right(line, begin);
}

static void put_pool(const struct scene *scene, struct line *line)
{
    const struct keyshm_snapshot *snapshot = scene->watched->model.snapshot;
    char text[TEXT_DURATION_SIZE];
    put_title(line, "pool");
    line_put(line, STYLE_STRONG, scene->watched->provider);
    if (scene->request->all_users)
        line_print(line, STYLE_FAINT, " of uid %u", scene->watched->owner);
    if (scene->request->model != NULL) {
        put_gap(line);
        line_put(line, STYLE_PLAIN, "for ");
        line_put_cut(line, STYLE_STRONG, scene->request->model, PART_NAME_WIDTH_MAX);
    }
    if (scene->pools->count > 1) {
        put_gap(line);
        line_print(line, STYLE_PLAIN, "%zu of %zu", scene->pools->shown + 1, scene->pools->count);
    }
    if (snapshot != NULL) {
        text_duration(snapshot->age_ms, text);
        put_gap(line);
        line_print(line, STYLE_PLAIN, "up %s", text);
    }
    if (scene->session->is_paused) {
        put_gap(line);
        line_put(line, STYLE_NOTICE, " PAUSED ");
    }
    put_when(scene, line);
}

/* ---- its keys ---- */

/* For terminals without colours. */
static wchar_t status_character(int status)
{
    bool has_blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return (has_blocks ? L"\u2588\u2593\u2592\u2591" : L"#+-.")[status];
}

static enum style status_style(int status)
{
    return line_style(color_of_status((enum keyshm_status)status));
}

/* Each status gets its share of the columns, and at least one when any key has it. */
static void put_status_bar(const struct keyshm_snapshot *snapshot, struct line *line, unsigned width)
{
    unsigned end = line->width + width, keys_before = 0;
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++) {
        unsigned count = snapshot->status_count[status], others = 0;
        for (int other = status + 1; other < KEYSHM_STATUS_COUNT; other++)
            others += snapshot->status_count[other] > 0;
        keys_before += count;
        if (count == 0)
            continue;
        unsigned until = end - width + (unsigned)((uint64_t)keys_before * width / snapshot->count);
        do
            line_put_character(line, status_style(status), status_character(status));
        while (line->width < until && line->width + others < end);
    }
    line_fill(line, STYLE_PLAIN, end);
}

/* The short names are those of the columns of --pools. */
static void put_status_counts(const struct model *model, bool is_short, struct line *line)
{
    static const char *const short_names[KEYSHM_STATUS_COUNT] = {"available", "limited", "quota", "invalid"};
    const struct keyshm_snapshot *snapshot = model->snapshot;
    const struct parts *parts = &model->reading->parts;
    line_print(line, parts->available > 0 ? STYLE_STRONG : STYLE_ALERT, "%u of %u available", parts->available,
               snapshot->count);
    for (int status = KEYSHM_AVAILABLE + 1; status < KEYSHM_STATUS_COUNT; status++) {
        if (snapshot->status_count[status] == 0)
            continue;
        put_gap(line);
        line_print(line, status_style(status), "%u %s", snapshot->status_count[status],
                   is_short ? short_names[status] : keyshm_status_name((enum keyshm_status)status));
    }
    if (parts->paused > 0) {
        put_gap(line);
        line_print(line, STYLE_STRONG, "%u paused", parts->paused);
    }
}

/* Of the bar and the sparkline: what the counts leave; 0: no room. */
static unsigned graph_width_beside(const struct scene *scene, bool is_short)
{
    struct line counts;
    line_begin(&counts, LINE_WIDTH_MAX);
    put_status_counts(&scene->watched->model, is_short, &counts);
    unsigned taken = TITLE_WIDTH + counts.width + GRAPH_GAP;
    unsigned width = graph_steps(scene->columns > taken ? scene->columns - taken : 0);
    return width < GRAPH_WIDTH_MAX ? width : GRAPH_WIDTH_MAX;
}

/* Short names, where the long ones leave no room for the bar. */
static bool is_crowded(const struct scene *scene)
{
    return graph_width_beside(scene, false) == 0;
}

static unsigned graph_width(const struct scene *scene)
{
    return graph_width_beside(scene, is_crowded(scene));
}

static void put_keys(const struct scene *scene, struct line *line)
{
    const struct keyshm_snapshot *snapshot = scene->watched->model.snapshot;
    unsigned width = graph_width(scene);
    put_title(line, "keys");
    if (snapshot->count == 0) {
        line_print(line, STYLE_PLAIN, "none; add some with: keyshm-ctl add %s", scene->watched->provider);
        return;
    }
    if (width > 0) {
        put_status_bar(snapshot, line, width);
        line_fill(line, STYLE_PLAIN, line->width + GRAPH_GAP);
    }
    put_status_counts(&scene->watched->model, is_crowded(scene), line);
}

/* ---- its picks ---- */

static void put_rates(const struct scene *scene, struct line *line)
{
    const struct model *model = &scene->watched->model;
    char picks[RATE_SIZE] = "-", marks[RATE_SIZE] = "-";
    unsigned width = graph_width(scene);
    if (model->has_rates) {
        rate_text(model->picks_per_s, picks);
        rate_text(model->marks_per_s, marks);
    }
    put_title(line, "picks");
    if (width > 0) {
        graph_put_history(line, STYLE_GRAPH, &model->picks_history, width,
                          graph_most_per_s(&model->picks_history, width));
        line_fill(line, STYLE_PLAIN, line->width + GRAPH_GAP);
    }
    line_print(line, STYLE_STRONG, "%s picks/s", picks);
    put_gap(line);
    line_print(line, model->marks_per_s > 0 ? status_style(KEYSHM_INVALID) : STYLE_PLAIN, "%s marks/s", marks);
    if (model->cleared_unix_ms != 0) {
        char time[CLOCK_TEXT_SIZE];
        clock_text(model->cleared_unix_ms, time);
        put_gap(line);
        line_print(line, STYLE_FAINT, "counted since %s", time);
    }
}

/* ---- its groups and models ---- */

static const struct parts *parts_of(const struct scene *scene)
{
    static const struct parts none;
    const struct reading *reading = scene->watched != NULL ? scene->watched->model.reading : NULL;
    return reading != NULL ? &reading->parts : &none;
}

static bool has_groups(const struct scene *scene)
{
    return parts_of(scene)->group_count > 0;
}

static bool has_models(const struct scene *scene)
{
    return parts_of(scene)->model_count > 0;
}

/* Its name, how many of its keys can be picked, and what of its own is in the way: "research 0/3 12.3s". */
static void put_group(const struct scene *scene, unsigned index, struct line *line)
{
    const struct group_part *part = &parts_of(scene)->groups[index];
    const struct keyshm_key_snapshot *state = &part->snapshot->state;
    enum style style = status_style((int)state->status);
    char left[CELL_SIZE];
    line_put_cut(line, style, part->name, PART_NAME_WIDTH_MAX);
    line_print(line, style, " %u/%u", part->available, part->snapshot->keys);
    value_left.to_text(state->cooldown_left_ms, false, left);
    if (state->status != KEYSHM_AVAILABLE)
        line_print(line, style, " %s", left);
    if (state->is_paused)
        line_put(line, STYLE_STRONG, " paused");
    if ((state->benched_by & KEYSHM_BY_BUDGET) != 0)
        line_put(line, STYLE_STRONG, " budget");
    if ((state->benched_by & KEYSHM_BY_CAP) != 0)
        line_put(line, STYLE_STRONG, " cap");
}

static void put_model(const struct scene *scene, unsigned index, struct line *line)
{
    const struct model_part *part = &parts_of(scene)->models[index];
    enum style style = part->available > 0 ? STYLE_PLAIN : STYLE_ALERT;
    line_put_cut(line, style, part->name, PART_NAME_WIDTH_MAX);
    line_print(line, style, " %u/%u", part->available, scene->watched->model.snapshot->count);
}

/* As many as there is room for, then the number of the others. */
static void put_all(const struct scene *scene, unsigned count,
                    void (*put)(const struct scene *scene, unsigned index, struct line *line), struct line *line)
{
    for (unsigned i = 0; i < count; i++) {
        struct line part;
        unsigned after = i + 1 < count ? MORE_WIDTH : 0;
        line_begin(&part, LINE_WIDTH_MAX);
        if (i > 0)
            put_gap(&part);
        put(scene, i, &part);
        if (i > 0 && line->width + part.width + after > line->limit) {
            put_gap(line);
            line_print(line, STYLE_FAINT, "+%u", count - i);
            return;
        }
        if (i > 0)
            put_gap(line);
        put(scene, i, line);
    }
}

static void put_groups(const struct scene *scene, struct line *line)
{
    put_title(line, "groups");
    put_all(scene, parts_of(scene)->group_count, put_group, line);
}

static void put_models(const struct scene *scene, struct line *line)
{
    put_title(line, "models");
    put_all(scene, parts_of(scene)->model_count, put_model, line);
}

/* ---- its mutex ---- */

static void put_holder(const struct keyshm_snapshot *snapshot, struct line *line)
{
    bool is_stopped = snapshot->mutex_holder_state == 'T' || snapshot->mutex_holder_state == 't';
    bool is_stuck = is_stopped || snapshot->mutex_held_ms >= HELD_LONG_MS;
    char holder[TEXT_MUTEX_HOLDER_SIZE];
    text_mutex_holder(snapshot, holder);
    line_print(line, is_stuck ? STYLE_ALERT : STYLE_NOTICE, "held by %s", holder);
}

static void put_mutex(const struct scene *scene, struct line *line)
{
    const struct keyshm_snapshot *snapshot = scene->watched->model.snapshot;
    put_title(line, "mutex");
    if (snapshot->mutex_holder_pid == 0)
        line_put(line, STYLE_PLAIN, "free");
    else
        put_holder(snapshot, line);
    put_gap(line);
    line_print(line, STYLE_PLAIN, "%" PRIu64 " %s", snapshot->recoveries,
               snapshot->recoveries == 1 ? "recovery" : "recoveries");
}

/* ---- the full header ---- */

static const struct {
    void (*put)(const struct scene *scene, struct line *line);
    bool (*is_there)(const struct scene *scene); /* NULL: always */
} full_header[] = {{put_pool, NULL},         {put_keys, NULL},         {put_rates, NULL},
                   {put_groups, has_groups}, {put_models, has_models}, {put_mutex, NULL}};
#define FULL_HEADER_COUNT (sizeof(full_header) / sizeof(full_header[0]))

static bool is_there(const struct scene *scene, size_t i)
{
    return full_header[i].is_there == NULL || full_header[i].is_there(scene);
}

unsigned header_full_lines(const struct scene *scene)
{
    unsigned lines = 1; /* the blank one */
    for (size_t i = 0; i < FULL_HEADER_COUNT; i++)
        lines += is_there(scene, i);
    return lines;
}

/* Of a pool of which nothing could be read so far, there is the first line alone. */
static void put_full(const struct scene *scene, unsigned y, struct line *line)
{
    size_t i = 0;
    for (; i < FULL_HEADER_COUNT; i++)
        if (is_there(scene, i) && y-- == 0)
            break;
    if (i == 0 || (i < FULL_HEADER_COUNT && scene->watched->model.snapshot != NULL))
        full_header[i].put(scene, line);
}

/* ---- all of it in a line ---- */

static void put_summary(const struct scene *scene, bool with_name, struct line *line)
{
    const struct model *model = &scene->watched->model;
    char picks[RATE_SIZE] = "-";
    if (with_name)
        line_print(line, STYLE_STRONG, "%s ", scene->watched->provider);
    if (model->snapshot == NULL)
        return;
    if (model->has_rates)
        rate_text(model->picks_per_s, picks);
    line_print(line, STYLE_PLAIN, "%u/%u available  %s picks/s", model->reading->parts.available, model->snapshot->count,
               picks);
    if (model->snapshot->mutex_holder_pid != 0) {
        line_put(line, STYLE_PLAIN, "  mutex ");
        put_holder(model->snapshot, line);
    }
}

void header_draw_line(const struct scene *scene, unsigned lines, unsigned y, struct line *line)
{
    if (scene->watched == NULL)
        return;
    if (lines == HEADER_LINES_LEAST)
        put_summary(scene, true, line);
    else if (lines == HEADER_LINES_SHORT && y > 0)
        put_summary(scene, false, line);
    else if (lines == HEADER_LINES_SHORT)
        put_pool(scene, line);
    else
        put_full(scene, y, line);
}

/* ---- what happened to it ---- */

static bool is_gone(int error)
{
    return error == -ENOENT || error == -READING_DESTROYED;
}

static const char *error_words(int error)
{
    for (const struct failure *failure = reading_failures; failure->error != 0; failure++)
        if (failure->error == -error)
            return failure->what;
    return keyshm_strerror(error);
}

static bool is_replaced_lately(const struct scene *scene)
{
    const struct model *model = &scene->watched->model;
    return model->replaced_unix_ms != 0 && scene->now_ms - model->replaced_ms < REPLACED_MS;
}

bool notice_is_due(const struct scene *scene)
{
    return scene->watched == NULL || scene->watched->model.error != 0 || is_replaced_lately(scene);
}

void notice_draw(const struct scene *scene, struct line *line)
{
    char time[CLOCK_TEXT_SIZE];
    if (scene->watched == NULL) {
        line_put(line, STYLE_NOTICE, "no pools; make one with: keyshm-ctl create POOL");
        return;
    }
    const struct model *model = &scene->watched->model;
    const char *provider = scene->watched->provider;
    clock_text(model->error != 0 ? model->error_unix_ms : model->replaced_unix_ms, time);
    if (is_gone(model->error))
        line_print(line, STYLE_ALERT, "pool %s was destroyed at %s; waiting for it to come back", provider, time);
    else if (model->error != 0)
        line_print(line, STYLE_ALERT, "pool %s: %s; since %s, trying again", provider, error_words(model->error), time);
    else if (is_replaced_lately(scene))
        line_print(line, STYLE_NOTICE, "pool %s was created anew at %s; counting begins again", provider, time);
}
