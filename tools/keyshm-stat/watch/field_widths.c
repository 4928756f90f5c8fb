/* SPDX-License-Identifier: MIT */
#include "field_widths.h"

#include <langinfo.h>
#include <string.h>

#include "graph.h"

#define GAP 2 /* columns */
#define LABEL_WIDTH_MAX 24
#define BAR_WIDTH_MAX 20
#define HISTORY_WIDTH_MAX 30

static bool is_utf8(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void field_widths_measure(struct field_needs *needs, const struct key_row *row)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        unsigned width = field_needs_width(&fields[i], row);
        if (width > needs->widths[i])
            needs->widths[i] = width < LABEL_WIDTH_MAX ? width : LABEL_WIDTH_MAX;
    }
}

/* In columns of the screen; 0: it is left out. */
static unsigned field_width(const struct field_needs *needs, size_t i)
{
    unsigned width = needs->widths[i], heading_width = (unsigned)strlen(field_heading(&fields[i]));
    if (field_is_seldom(&fields[i]) && width == 0)
        return 0;
    if (width < fields[i].width_least)
        width = fields[i].width_least;
    return width > heading_width ? width : heading_width;
}

static unsigned total_width(const unsigned widths[FIELD_COUNT])
{
    unsigned total = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        total += widths[i] > 0 ? widths[i] + GAP : 0;
    return total > 0 ? total - GAP : 0;
}

static void drop_least_important(unsigned widths[FIELD_COUNT])
{
    size_t least = 0;
    for (size_t i = 1; i < FIELD_COUNT; i++)
        if (widths[i] > 0 && (widths[least] == 0 || fields[i].importance < fields[least].importance))
            least = i;
    widths[least] = 0;
}

static unsigned count_shown(const unsigned widths[FIELD_COUNT])
{
    unsigned count = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        count += widths[i] > 0;
    return count;
}

static void widen(unsigned widths[FIELD_COUNT], enum field_kind kind, unsigned most, unsigned limit)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].kind != kind || widths[i] == 0)
            continue;
        unsigned room = limit - total_width(widths);
        widths[i] = widths[i] + room < most ? widths[i] + room : most;
    }
}

void field_widths_make(struct field_widths *ret_widths, const struct field_needs *needs, unsigned limit)
{
    unsigned widths[FIELD_COUNT];
    for (size_t i = 0; i < FIELD_COUNT; i++)
        widths[i] = field_width(needs, i);
    while (total_width(widths) > limit && count_shown(widths) > 1)
        drop_least_important(widths);
    if (total_width(widths) < limit) {
        widen(widths, FIELD_HISTORY, HISTORY_WIDTH_MAX, limit);
        widen(widths, FIELD_BAR, BAR_WIDTH_MAX, limit);
    }
    memset(ret_widths, 0, sizeof(*ret_widths));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (widths[i] == 0)
            continue;
        ret_widths->columns[ret_widths->count].field = &fields[i];
        ret_widths->columns[ret_widths->count++].width = widths[i];
    }
}

void field_widths_scale(struct field_widths *widths, const struct key_row *rows, unsigned count)
{
    for (unsigned column = 0; column < widths->count; column++) {
        unsigned steps = graph_steps(widths->columns[column].width);
        if (widths->columns[column].field->kind != FIELD_HISTORY)
            continue;
        for (unsigned i = 0; i < count; i++) {
            double most_per_s = graph_most_per_s(&rows[i].known->picks_history, steps);
            widths->most_per_s = most_per_s > widths->most_per_s ? most_per_s : widths->most_per_s;
        }
    }
}

static void put_cell(struct line *line, enum style style, const char *text, unsigned width, bool to_right)
{
    unsigned begin = line->width, needed = line_text_width(text);
    if (to_right && needed < width)
        line_fill(line, style, begin + width - needed);
    line_put_cut(line, style, text, width);
    line_fill(line, STYLE_PLAIN, begin + width);
}

/* The mark is in the gap behind, so that the heading keeps its place. */
static void put_mark(struct line *line, const struct key_order *order)
{
    bool is_down = order->field->is_largest_first != order->is_reversed;
    if (is_utf8())
        line_put_character(line, STYLE_HEADING_SORTED, is_down ? L'\u25bc' : L'\u25b2');
    else
        line_put_character(line, STYLE_HEADING_SORTED, is_down ? L'v' : L'^');
}

void field_widths_draw_headings(const struct field_widths *widths, const struct key_order *order, struct line *line)
{
    for (unsigned i = 0; i < widths->count; i++) {
        const struct field *field = widths->columns[i].field;
        unsigned begin = line->width, width = widths->columns[i].width;
        bool is_sorted = field == order->field;
        enum style style = is_sorted ? STYLE_HEADING_SORTED : STYLE_HEADING;
        const char *heading = field_heading(field);
        bool to_right = field_is_to_the_right(field);
        put_cell(line, style, heading, to_right ? width : (unsigned)strlen(heading), to_right);
        if (is_sorted)
            put_mark(line, order);
        line_fill(line, STYLE_HEADING, begin + width + GAP);
    }
    line_fill(line, STYLE_HEADING, line->limit);
}

static void put_field(const struct field_widths *widths, unsigned column, const struct key_row *row, bool is_faint,
                      struct line *line)
{
    const struct field *field = widths->columns[column].field;
    unsigned width = widths->columns[column].width, begin = line->width;
    enum style style = is_faint ? STYLE_FAINT : field_style(field, row);
    char text[CELL_SIZE];
    if (field->kind == FIELD_HISTORY) {
        graph_put_history(line, style, &row->known->picks_history, graph_steps(width), widths->most_per_s);
    } else if (field->kind == FIELD_BAR && field->fraction(row) >= 0) {
        graph_put_bar(line, style, field->fraction(row), width);
    } else if (field_is_text(field)) {
        field_text(field, row, text);
        put_cell(line, style, text, width, field_is_to_the_right(field));
    }
    line_fill(line, STYLE_PLAIN, begin + width);
}

void field_widths_draw_row(const struct field_widths *widths, const struct key_row *row, bool is_faint, struct line *line)
{
    for (unsigned i = 0; i < widths->count; i++) {
        put_field(widths, i, row, is_faint, line);
        line_fill(line, STYLE_PLAIN, line->width + (i + 1 < widths->count ? GAP : 0));
    }
}
