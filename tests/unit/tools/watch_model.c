/* SPDX-License-Identifier: MIT */

/* What the live view makes of the copies of a pool's state: rates, histories, cooldowns, order, filter, and what each key
 * of the keyboard does. No terminal, no pool, no clock. */

#include <locale.h>
#include <math.h>

#include "expect.h"
#include "key_columns.h"
#include "value.h"
#include "watch/field_widths.h"
#include "watch/graph.h"
#include "watch/key_rows.h"
#include "watch/model.h"
#include "watch/session.h"

#define KEYS_MAX 8

/* ---- what is given ---- */

static struct keyshm_snapshot *make_snapshot(unsigned count, int64_t age_ms)
{
    struct keyshm_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    EXPECT(snapshot != NULL);
    snapshot->keys = calloc(KEYS_MAX, sizeof(*snapshot->keys));
    EXPECT(snapshot->keys != NULL);
    snapshot->keys_bytes = sizeof(*snapshot->keys);
    snapshot->count = count;
    snapshot->capacity = KEYS_MAX;
    snapshot->created_unix_ms = 1000000;
    snapshot->creator_pid = 42;
    snapshot->age_ms = age_ms;
    for (unsigned i = 0; i < count; i++) {
        snapshot->keys[i].id = 100 + i;
        snapshot->keys[i].slot = i;
        snapshot->keys[i].last_used_ago_ms = -1;
        snprintf(snapshot->keys[i].masked_key, KEYSHM_MASKED_SIZE, "sk-\xe2\x80\xa6%c%c%c%c", 'A' + i, 'A' + i, 'A' + i,
                 'A' + i);
    }
    return snapshot;
}

/* Of one key that was picked that often. */
static struct keyshm_snapshot *make_picked(uint64_t picks, int64_t age_ms)
{
    struct keyshm_snapshot *snapshot = make_snapshot(1, age_ms);
    snapshot->keys[0].picks = picks;
    return snapshot;
}

static struct keyshm_snapshot *make_cooling(int64_t left_ms, int64_t age_ms)
{
    struct keyshm_snapshot *snapshot = make_snapshot(1, age_ms);
    snapshot->keys[0].status = left_ms != 0 ? KEYSHM_RATE_LIMITED : KEYSHM_AVAILABLE;
    snapshot->keys[0].cooldown_left_ms = left_ms;
    return snapshot;
}

/* Take it over as what was read of a pool. */
static int take(struct model *model, struct keyshm_snapshot *snapshot, int64_t now_ms)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    EXPECT(reading != NULL);
    reading->name.provider = reading->provider;
    reading->snapshot = snapshot;
    return model_take(model, reading, now_ms);
}

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-3 * (1 + fabs(b));
}

/* ---- histories ---- */

static void test_history_spreads_evenly(void)
{
    struct history history;
    history_begin(&history, 100500);
    EXPECT(history_per_s(&history, 59, 60) < 0); /* no time has passed */
    history_add(&history, 102500, 20);           /* 10 a second, over the parts of three seconds */
    EXPECT(is_near(history_per_s(&history, 59, 60), 10));
    EXPECT(is_near(history_per_s(&history, 58, 60), 10));
    EXPECT(is_near(history_per_s(&history, 57, 60), 10));
    EXPECT(history_per_s(&history, 56, 60) < 0);
    EXPECT(is_near(history_per_s(&history, 9, 10), 10));
    history_add(&history, 102500, 5); /* no time: no rate, and nothing breaks */
    EXPECT(is_near(history_per_s(&history, 59, 60), 10));
}

static void test_history_wraps(void)
{
    struct history history;
    history_begin(&history, 0);
    for (int64_t second = 1; second <= 200; second++)
        history_add(&history, second * 1000, (uint64_t)second);
    for (unsigned step = 0; step < 60; step++)
        EXPECT(is_near(history_per_s(&history, step, 60), 141 + step));
    /* The parts of six seconds begin at whole multiples of it: the last, 198 to 204, is a third over. */
    EXPECT(is_near(history_per_s(&history, 9, 10), 199.5));
    EXPECT(is_near(history_per_s(&history, 8, 10), 195.5));
    history_add(&history, 201000, 0);
    EXPECT(is_near(history_per_s(&history, 59, 60), 0));
    EXPECT(is_near(history_per_s(&history, 58, 60), 200));
}

static void test_history_long_gap(void)
{
    struct history history;
    history_begin(&history, 0);
    history_add(&history, 1000, 1000);
    history_add(&history, 1001000, 5000); /* 1000 s later: 5 a second in all of the last minute */
    for (unsigned step = 0; step < 60; step++)
        EXPECT(is_near(history_per_s(&history, step, 60), 5));
}

/* ---- rates ---- */

static void test_rates(void)
{
    struct model model;
    model_begin(&model);
    EXPECT_EQ(take(&model, make_picked(1000, 0), 5000), 0);
    EXPECT(!model.has_rates);
    EXPECT_EQ(model.snapshot->keys[0].picks, 1000);
    EXPECT_EQ(take(&model, make_picked(1050, 500), 5500), 0);
    EXPECT(model.has_rates);
    EXPECT(is_near(model.keys[0].picks_per_s, 100) && is_near(model.picks_per_s, 100));
    EXPECT(is_near(history_per_s(&model.picks_history, 59, 60), 100));

    /* A counter that goes back is no rate below zero. */
    EXPECT_EQ(take(&model, make_picked(900, 1500), 6500), 0);
    EXPECT(is_near(model.keys[0].picks_per_s, 0) && is_near(model.picks_per_s, 0));
    EXPECT_EQ(take(&model, make_picked(910, 2500), 7500), 0);
    EXPECT(is_near(model.keys[0].picks_per_s, 10));
    /* Nor is the time between two copies ever none. */
    EXPECT_EQ(take(&model, make_picked(911, 2500), 7500), 0);
    EXPECT(isfinite(model.keys[0].picks_per_s) && model.has_rates);
    model_end(&model);
}

/* An error is a mark invalid; the rate of marks is of all but available. */
static void test_marks(void)
{
    struct model model;
    struct keyshm_snapshot *snapshot = make_snapshot(1, 1000);
    model_begin(&model);
    EXPECT_EQ(take(&model, make_snapshot(1, 0), 0), 0);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        snapshot->keys[0].marked[status] = 1u << (4 * status);
    snapshot->keys[0].error_count = snapshot->keys[0].marked[KEYSHM_INVALID];
    EXPECT_EQ(take(&model, snapshot, 1000), 0);
    EXPECT_EQ(snapshot->keys[0].error_count, 0x1000);
    EXPECT(is_near(model.keys[0].marks_per_s, 0x1110) && is_near(model.marks_per_s, 0x1110));
    model_clear(&model, 77);
    EXPECT_EQ(snapshot->keys[0].error_count, 0);
    snapshot = make_snapshot(1, 2000);
    snapshot->keys[0].marked[KEYSHM_AVAILABLE] = 9;
    snapshot->keys[0].marked[KEYSHM_RATE_LIMITED] = 0x10;
    snapshot->keys[0].marked[KEYSHM_QUOTA_EXCEEDED] = 0x103;
    snapshot->keys[0].marked[KEYSHM_INVALID] = 0x1002;
    snapshot->keys[0].error_count = 0x1002;
    EXPECT_EQ(take(&model, snapshot, 2000), 0);
    EXPECT_EQ(snapshot->keys[0].error_count, 2);
    EXPECT_EQ(snapshot->keys[0].marked[KEYSHM_AVAILABLE], 8);
    EXPECT_EQ(snapshot->keys[0].marked[KEYSHM_QUOTA_EXCEEDED], 3);
    EXPECT(is_near(model.keys[0].marks_per_s, 5) && is_near(model.marks_per_s, 5));
    model_end(&model);
}

/* With two groups, whose ids are this one and the next. */
static struct keyshm_snapshot *make_with_groups(keyshm_id first, unsigned marks)
{
    struct keyshm_snapshot *snapshot = make_snapshot(1, 0);
    snapshot->groups = calloc(2, sizeof(*snapshot->groups));
    EXPECT(snapshot->groups != NULL);
    snapshot->group_count = 2;
    snapshot->groups_bytes = sizeof(*snapshot->groups);
    for (unsigned i = 0; i < 2; i++) {
        snapshot->groups[i].id = snapshot->groups[i].state.id = first + i;
        snapshot->groups[i].state.marked[KEYSHM_RATE_LIMITED] = marks;
        snapshot->groups[i].state.marked[KEYSHM_AVAILABLE] = 77;
    }
    return snapshot;
}

/* A mark of a group is one, in the group; one that is new has begun at 0. */
static void test_marks_of_groups(void)
{
    struct model model;
    model_begin(&model);
    EXPECT_EQ(take(&model, make_with_groups(7, 5), 0), 0);
    EXPECT_EQ(take(&model, make_with_groups(7, 8), 1000), 0);
    EXPECT(is_near(model.marks_per_s, 6) && is_near(model.keys[0].marks_per_s, 0));
    EXPECT_EQ(take(&model, make_with_groups(8, 10), 2000), 0);
    EXPECT(is_near(model.marks_per_s, 12));
    model_end(&model);
}

static void test_replaced_keys(void)
{
    struct model model;
    struct keyshm_snapshot *snapshot = make_snapshot(3, 0);
    model_begin(&model);
    for (unsigned i = 0; i < 3; i++)
        snapshot->keys[i].picks = 1000;
    EXPECT_EQ(take(&model, snapshot, 0), 0);
    /* The first is gone, the second slot holds another key, the third goes on, and a fourth is new. */
    snapshot = make_snapshot(4, 1000);
    memmove(&snapshot->keys[0], &snapshot->keys[1], 3 * sizeof(snapshot->keys[0]));
    snapshot->count = 3;
    snapshot->keys[0].id = 999;
    snapshot->keys[0].picks = 7;
    snapshot->keys[1].picks = 1010;
    snapshot->keys[2].picks = 3;
    EXPECT_EQ(take(&model, snapshot, 1000), 0);
    EXPECT(is_near(model.keys[0].picks_per_s, 7));
    EXPECT(is_near(model.keys[1].picks_per_s, 10));
    EXPECT(is_near(model.keys[2].picks_per_s, 3));
    EXPECT(is_near(model.picks_per_s, 20));
    EXPECT(is_near(history_per_s(&model.keys[1].picks_history, 59, 60), 10));
    EXPECT_EQ(take(&model, make_snapshot(0, 2000), 2000), 0);
    EXPECT(is_near(model.picks_per_s, 0));
    model_end(&model);
}

static void test_clear(void)
{
    struct model model;
    model_begin(&model);
    model_clear(&model, 1); /* nothing to clear yet */
    EXPECT_EQ(take(&model, make_picked(1000, 0), 0), 0);
    EXPECT_EQ(take(&model, make_picked(1100, 1000), 1000), 0);
    model_clear(&model, 77);
    EXPECT_EQ(model.cleared_unix_ms, 77);
    EXPECT(!model.has_rates && model.snapshot->keys[0].picks == 0);
    EXPECT(history_per_s(&model.keys[0].picks_history, 59, 60) < 0);
    EXPECT_EQ(take(&model, make_picked(1104, 3000), 3000), 0);
    EXPECT(is_near(model.keys[0].picks_per_s, 2));
    EXPECT_EQ(model.snapshot->keys[0].picks, 4);
    model_end(&model);
}

static void test_replaced_pool(void)
{
    struct model model;
    struct keyshm_snapshot *others[3];
    others[0] = make_picked(5000, 2000);
    others[0]->created_unix_ms++;
    others[1] = make_picked(5000, 3000);
    others[1]->created_unix_ms = others[0]->created_unix_ms;
    others[1]->creator_pid++;
    others[2] = make_picked(5000, 10); /* younger than it was */
    others[2]->created_unix_ms = others[1]->created_unix_ms;
    others[2]->creator_pid = others[1]->creator_pid;

    model_begin(&model);
    EXPECT_EQ(take(&model, make_picked(10, 0), 0), 0);
    EXPECT_EQ(take(&model, make_picked(20, 1000), 1000), 0);
    EXPECT_EQ(model.replaced_unix_ms, 0);
    for (int i = 0; i < 3; i++) {
        model_miss(&model, -ENOENT, 500 + i);
        model_miss(&model, -EBADMSG, 900 + i);
        EXPECT_EQ(model.error, -EBADMSG);
        EXPECT_EQ(model.error_unix_ms, 500 + i);
        int64_t created = others[i]->created_unix_ms;
        EXPECT_EQ(take(&model, others[i], 2000 + i * 1000), 0);
        EXPECT_EQ(model.error, 0);
        EXPECT_EQ(model.replaced_unix_ms, created);
        EXPECT_EQ(model.replaced_ms, 2000 + i * 1000);
        EXPECT(!model.has_rates);
    }
    model_end(&model);
}

static void expect_fraction(struct model *model, int64_t left_ms, int64_t now_ms, double fraction)
{
    EXPECT_EQ(take(model, make_cooling(left_ms, now_ms), now_ms), 0);
    EXPECT(is_near(model_cooldown_fraction(model, 0), fraction));
}

static void test_cooldown_fraction(void)
{
    struct model model;
    model_begin(&model);
    expect_fraction(&model, 0, 0, 0);
    expect_fraction(&model, 10000, 1000, 1);
    expect_fraction(&model, 5000, 6000, 0.5);
    expect_fraction(&model, 8000, 7000, 0.8); /* lengthened, but not beyond what it was */
    expect_fraction(&model, 20000, 8000, 1);  /* beyond */
    expect_fraction(&model, 10000, 18000, 0.5);
    expect_fraction(&model, 6000, 30000, 1); /* the one before must have ended: this is another */
    expect_fraction(&model, 3000, 33000, 0.5);
    expect_fraction(&model, -1, 34000, 1); /* until marked */
    expect_fraction(&model, 0, 35000, 0);
    expect_fraction(&model, 2000, 36000, 1);
    model_end(&model);
}

/* ---- rows ---- */

static const struct field *field_named(const char *heading)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strcmp(field_heading(&fields[i]), heading) == 0)
            return &fields[i];
    EXPECT(!"there is such a field");
    return NULL;
}

static void expect_rows(const struct model *model, const struct request *request, const struct key_order *order,
                        const char *filter, const char *wanted)
{
    struct key_rows rows;
    char shown[KEYS_MAX + 1] = "";
    EXPECT_EQ(key_rows_select(&rows, model, request, order, filter), 0);
    for (unsigned i = 0; i < rows.count; i++)
        shown[i] = (char)('A' + rows.rows[i].key->slot);
    EXPECT_EQ(strcmp(shown, wanted), 0);
    key_rows_free(&rows);
}

static void test_rows(void)
{
    struct model model;
    struct request request = {.sort = &key_columns[KEY_COLUMN_SLOT], .is_descending = true};
    struct keyshm_snapshot *snapshot = make_snapshot(4, 0);
    const struct key_order by_slot = {.field = &fields[0]}, by_slot_reversed = {&fields[0], true},
                           as_asked = {.field = NULL};
    const struct key_order by_status = {.field = field_named("STATUS")},
                           by_status_reversed = {field_named("STATUS"), true};
    snapshot->keys[1].status = KEYSHM_INVALID;
    snapshot->keys[3].status = KEYSHM_INVALID;
    model_begin(&model);
    expect_rows(&model, &request, &by_slot, "", "");
    EXPECT_EQ(take(&model, snapshot, 0), 0);
    expect_rows(&model, &request, &by_slot, "", "ABCD");
    expect_rows(&model, &request, &by_slot_reversed, "", "DCBA");
    expect_rows(&model, &request, &as_asked, "", "DCBA");
    expect_rows(&model, &request, &by_status, "", "BDAC");
    expect_rows(&model, &request, &by_status_reversed, "", "ACBD"); /* equal ones stay in the order of slots */
    expect_rows(&model, &request, &by_slot, "INVAL", "BD");
    expect_rows(&model, &request, &by_slot, "inval?d", "BD");
    expect_rows(&model, &request, &by_slot, "inval?", "");
    expect_rows(&model, &request, &by_slot, "*cc", "C");
    expect_rows(&model, &request, &by_slot, "aaa", "A");
    request.statuses = 1u << KEYSHM_INVALID;
    expect_rows(&model, &request, &by_slot, "", "BD");
    expect_rows(&model, &request, &by_slot, "aaa", "");
    model_end(&model);
}

static bool has_heading(const struct field_widths *widths, const char *heading)
{
    for (unsigned i = 0; i < widths->count; i++)
        if (strcmp(field_heading(widths->columns[i].field), heading) == 0)
            return true;
    return false;
}

static void need(struct field_needs *needs, const char *heading, unsigned width)
{
    needs->widths[field_named(heading) - fields] = width;
}

/* What a pool needs that has groups. */
static struct field_needs make_needs(void)
{
    struct field_needs needs = {{0}};
    need(&needs, "SLOT", 4);
    need(&needs, "KEY", 8);
    need(&needs, "GROUP", 10);
    need(&needs, "STATUS", 14);
    need(&needs, "COOLDOWN", 12);
    need(&needs, "BENCHED BY", 11);
    need(&needs, "REASON", 10);
    need(&needs, "PICKS/S", 7);
    need(&needs, "MARKS/S", 7);
    need(&needs, "PICKS", 6);
    need(&needs, "ERRORS", 6);
    need(&needs, "LAST USED", 9);
    return needs;
}

/* However narrow, the line is no longer than that, and what is most important is there. */
static void test_field_widths(void)
{
    struct field_needs needs = make_needs();
    struct field_widths widths;
    need(&needs, "LABEL", 12);
    need(&needs, "PAUSED", 6);
    need(&needs, "IN FLIGHT", 1);
    need(&needs, "REQUESTS", 8);
    need(&needs, "REQUESTS LEFT", 4);
    need(&needs, "TOKENS", 8);
    need(&needs, "TOKENS LEFT", 6);
    for (unsigned limit = 1; limit <= 300; limit++) {
        unsigned width = 0;
        field_widths_make(&widths, &needs, limit);
        for (unsigned i = 0; i < widths.count; i++)
            width += widths.columns[i].width + (i > 0 ? 2 : 0);
        EXPECT(width <= limit || widths.count == 1);
        EXPECT(has_heading(&widths, "KEY"));
        EXPECT(has_heading(&widths, "SLOT") == (widths.count == FIELD_COUNT));
    }
    EXPECT_EQ(widths.count, FIELD_COUNT);
    needs = make_needs();
    field_widths_make(&widths, &needs, 300);
    EXPECT(!has_heading(&widths, "REQUESTS") && !has_heading(&widths, "TOKENS LEFT"));
    EXPECT(!has_heading(&widths, "LABEL") && !has_heading(&widths, "PAUSED"));
}

/* On a terminal of 80 columns there is room for all that says why a key is not picked. */
static void test_causes_at_80_columns(void)
{
    static const char *const wanted[] = {"KEY", "GROUP", "STATUS", "COOLDOWN", "BENCHED BY", "PICKS/S"};
    const struct field_needs needs = make_needs();
    struct field_widths widths;
    field_widths_make(&widths, &needs, 80);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        EXPECT(has_heading(&widths, wanted[i]));
}

/* ---- groups ---- */

static struct keyshm_snapshot *make_grouped(void)
{
    struct keyshm_snapshot *snapshot = make_snapshot(4, 0);
    snapshot->keys[0].group = 7;
    snapshot->keys[2].group = 7;
    snapshot->keys[3].group = 5;
    snapshot->keys[0].benched_by = KEYSHM_BY_GROUP;
    snapshot->keys[1].benched_by = KEYSHM_BY_KEY;
    return snapshot;
}

/* Two groups, which are in the order of their ids. */
static void add_groups(struct reading *reading)
{
    static const struct keyshm_group_snapshot group;
    reading->parts.groups = calloc(2, sizeof(*reading->parts.groups));
    EXPECT(reading->parts.groups != NULL);
    reading->parts.group_count = 2;
    reading->parts.groups[0] = (struct group_part){.id = 5, .name = "zoo", .snapshot = &group};
    reading->parts.groups[1] = (struct group_part){.id = 7, .name = "acme", .snapshot = &group};
}

static void expect_text(const struct model *model, unsigned key, const char *heading, const char *wanted)
{
    const struct key_row row = {
        {model->reading, &model->snapshot->keys[key], 0}, &model->snapshot->keys[key], NULL, model};
    char text[CELL_SIZE];
    field_text(field_named(heading), &row, text);
    EXPECT_EQ(strcmp(text, wanted), 0);
}

static void test_groups(void)
{
    struct model model;
    struct request request = {.statuses = 0};
    const struct key_order by_slot = {.field = field_named("SLOT")}, by_group = {.field = field_named("GROUP")};
    model_begin(&model);
    EXPECT_EQ(take(&model, make_grouped(), 0), 0);
    expect_text(&model, 0, "GROUP", "");
    expect_text(&model, 1, "BENCHED BY", ""); /* nothing but the key itself could */
    model.snapshot->keys[1].is_paused = 1;
    model.snapshot->keys[1].benched_by |= KEYSHM_BY_PAUSE;
    expect_text(&model, 1, "PAUSED", "paused");
    add_groups(model.reading);
    expect_text(&model, 0, "GROUP", "acme");
    expect_text(&model, 1, "GROUP", "");
    expect_text(&model, 0, "BENCHED BY", "group");
    expect_text(&model, 1, "BENCHED BY", "key,pause");
    expect_text(&model, 1, "PAUSED", ""); /* BENCHED BY says so */
    expect_rows(&model, &request, &by_group, "", "BACD");
    expect_rows(&model, &request, &by_slot, "acm", "AC");
    request.group_pattern = "z*";
    expect_rows(&model, &request, &by_slot, "", "D");
    model_end(&model);
}

/* ---- lines ---- */

static void expect_line(const struct line *line, const wchar_t *wanted)
{
    EXPECT_EQ(line->width, wcslen(wanted));
    for (unsigned i = 0; i < line->width; i++)
        EXPECT_EQ(line->cells[i].character, wanted[i]);
}

static void test_line(void)
{
    struct line line;
    line_begin(&line, 8);
    line_put(&line, STYLE_PLAIN, "a\033\x80\xc3\xa9\x7f");
    expect_line(&line, L"a??\u00e9?");
    line_put(&line, STYLE_PLAIN, "\xe4\xb8\xad"); /* two columns */
    EXPECT_EQ(line.width, 7);
    line_put(&line, STYLE_PLAIN, "\xe4\xb8\xad"); /* no room for both */
    EXPECT_EQ(line.width, 7);
    line_put(&line, STYLE_PLAIN, "xyz");
    EXPECT_EQ(line.width, 8);
    line_begin(&line, 6);
    line_put(&line, STYLE_PLAIN, "abcd");
    line_move_right(&line, 2);
    expect_line(&line, L"ab  cd");
    line_begin(&line, 2 * LINE_WIDTH_MAX);
    line_fill(&line, STYLE_PLAIN, 2 * LINE_WIDTH_MAX);
    EXPECT_EQ(line.width, LINE_WIDTH_MAX);
}

static void test_cut_text(void)
{
    struct line line;
    line_begin(&line, 80);
    line_put_cut(&line, STYLE_PLAIN, "abcd", 4);
    line_put_cut(&line, STYLE_PLAIN, "efghi", 4);
    expect_line(&line, L"abcdefg\u2026");
    line_begin(&line, 3);
    line_put_cut(&line, STYLE_PLAIN, "abcdef", 5);
    expect_line(&line, L"abc");
}

static void test_bar(void)
{
    struct line line;
    static const struct {
        double fraction;
        const wchar_t *wanted;
    } bars[] = {{0, L"    "},
                {0.001, L"\u258f   "},
                {0.25, L"\u2588   "},
                {0.40625, L"\u2588\u258b  "},
                {0.5, L"\u2588\u2588  "},
                {0.999, L"\u2588\u2588\u2588\u2589"},
                {1, L"\u2588\u2588\u2588\u2588"}};
    for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++) {
        line_begin(&line, 80);
        graph_put_bar(&line, STYLE_BAR, bars[i].fraction, 4);
        expect_line(&line, bars[i].wanted);
    }
}

static void test_sparkline(void)
{
    struct line line;
    struct history history;
    history_begin(&history, 0);
    history_add(&history, 18000, 0);
    history_add(&history, 48000, 30 * 1);
    history_add(&history, 54000, 6 * 70);
    EXPECT(is_near(graph_most_per_s(&history, 10), 70));
    line_begin(&line, 80);
    graph_put_history(&line, STYLE_GRAPH, &history, 10, 70);
    expect_line(&line, L" \u2581\u2581\u2581\u2582\u2582\u2582\u2582\u2582\u2588");
    EXPECT_EQ(graph_steps(9), 0);
    EXPECT_EQ(graph_steps(29), 20);
    EXPECT_EQ(graph_steps(1000), 60);
}

static void expect_rate(double per_s, const char *wanted)
{
    char text[RATE_SIZE];
    rate_text(per_s, text);
    EXPECT_EQ(strcmp(text, wanted), 0);
}

static void test_rate_text(void)
{
    expect_rate(0, "0");
    expect_rate(0.01, "<0.1");
    expect_rate(0.3, "0.3");
    expect_rate(99.99, "99.9");
    expect_rate(100, "100");
    expect_rate(999999, "999999");
    expect_rate(1250000, "1.2M");
    expect_rate(60000000, "60.0M");
}

/* ---- keys ---- */

static enum effect press(struct session *session, wchar_t character)
{
    const struct input input = {INPUT_CHARACTER, character};
    return session_input(session, &input);
}

static void type(struct session *session, const wchar_t *text)
{
    for (; *text != L'\0'; text++)
        EXPECT(press(session, *text) == EFFECT_NONE);
}

static void test_session(void)
{
    const struct request request = {.interval_ms = 250};
    const struct input down = {INPUT_DOWN, 0}, back_tab = {INPUT_BACK_TAB, 0}, unknown = {INPUT_OTHER, 0};
    struct session session;
    session_begin(&session, &request);
    EXPECT(press(&session, L'q') == EFFECT_QUIT);
    EXPECT(press(&session, L'\t') == EFFECT_NEXT_POOL);
    EXPECT(session_input(&session, &back_tab) == EFFECT_PREVIOUS_POOL);
    EXPECT(press(&session, L'c') == EFFECT_CLEAR);
    EXPECT(press(&session, L'r') == EFFECT_REDRAW);
    EXPECT(press(&session, L'x') == EFFECT_NONE);
    EXPECT(session_input(&session, &unknown) == EFFECT_NONE);
    EXPECT(press(&session, L'p') == EFFECT_NONE);
    EXPECT(session.is_paused);
    EXPECT(press(&session, L' ') == EFFECT_READ);
    EXPECT(!session.is_paused);
    EXPECT(press(&session, L'+') == EFFECT_TIME);
    EXPECT_EQ(session.interval_ms, 500);
    session.interval_ms = 86400000; /* longer than any that + leads to */
    press(&session, L'+');
    EXPECT_EQ(session.interval_ms, 86400000);
    press(&session, L'-');
    EXPECT_EQ(session.interval_ms, 60000);
    session_input(&session, &down);
    EXPECT_EQ(session.top, 1);
    type(&session, L"hq"); /* any key leaves the help, and does nothing else */
    EXPECT(!session.shows_help);
}

static void test_typing(void)
{
    const struct request request = {.interval_ms = 1000};
    struct session session;
    session_begin(&session, &request);
    type(&session, L"fq p\u00e9\x7f\x08\n");
    EXPECT(!session.is_typing);
    EXPECT_EQ(strcmp(session.filter, "q "), 0);
    type(&session, L"f\x15\x01\x02ok\x1b");
    EXPECT(!session.is_typing);
    EXPECT_EQ(session.filter[0], '\0');
    type(&session, L"f\x7f\x7f");
    for (int i = 0; i < 1000; i++)
        press(&session, L'\u4e2d');
    EXPECT_EQ(strlen(session.filter), 63);
    press(&session, L'\x7f');
    EXPECT_EQ(strlen(session.filter), 60);
}

int main(void)
{
    if (setlocale(LC_ALL, "C.UTF-8") == NULL) {
        printf("skipped: there is no locale C.UTF-8\n");
        return 77;
    }
    test_history_spreads_evenly();
    test_history_wraps();
    test_history_long_gap();
    test_rates();
    test_marks();
    test_marks_of_groups();
    test_replaced_keys();
    test_clear();
    test_replaced_pool();
    test_cooldown_fraction();
    test_rows();
    test_field_widths();
    test_causes_at_80_columns();
    test_groups();
    test_line();
    test_cut_text();
    test_bar();
    test_sparkline();
    test_rate_text();
    test_session();
    test_typing();
    return 0;
}
