/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <string.h>

#define LINES_BELOW_FULL_HEADER 8
#define LINES_FOR_SHORT_HEADER 8
#define HINT_GAP 3         /* columns */
#define HELP_NAME_WIDTH 21 /* columns */

enum { HEADING_LINES = 1 };

static unsigned lines_above_rows(const struct frame *frame)
{
    return frame->header_lines + frame->notice_lines + HEADING_LINES;
}

static void divide_lines(struct frame *frame)
{
    unsigned full = header_full_lines(&frame->scene);
    frame->notice_lines = notice_is_due(&frame->scene) ? 1 : 0;
    frame->header_lines = HEADER_LINES_LEAST;
    frame->footer_lines = frame->scene.session->is_typing ? 1 : 0;
    if (frame->scene.is_text || frame->lines >= full + LINES_BELOW_FULL_HEADER)
        frame->header_lines = full;
    else if (frame->lines >= LINES_FOR_SHORT_HEADER)
        frame->header_lines = HEADER_LINES_SHORT;
    if (!frame->scene.is_text && frame->lines >= LINES_FOR_SHORT_HEADER)
        frame->footer_lines = 1;
    if (frame->scene.is_text)
        frame->lines = lines_above_rows(frame) + frame->rows.count;
}

/* Scrolled beyond the end, or fewer rows than before. */
static void correct_scroll(const struct frame *frame)
{
    unsigned taken = lines_above_rows(frame) + frame->footer_lines;
    struct session *session = frame->scene.session;
    session->page = frame->lines > taken ? frame->lines - taken : 0;
    if (frame->rows.count <= session->page)
        session->top = 0;
    else if (session->top > frame->rows.count - session->page)
        session->top = frame->rows.count - session->page;
}

static unsigned count_visible(const struct frame *frame)
{
    unsigned below_top = frame->rows.count - frame->scene.session->top;
    return below_top < frame->scene.session->page ? below_top : frame->scene.session->page;
}

/* ---- the help ---- */

static void put_entry(struct line *line, const char *name, const char *help)
{
    line_put(line, STYLE_STRONG, name);
    line_fill(line, STYLE_PLAIN, HELP_NAME_WIDTH);
    line_put(line, STYLE_PLAIN, help);
}

/* The keys and the columns, with a blank line between if the screen has room for it. */
static unsigned help_columns_begin(unsigned lines)
{
    unsigned keys = (unsigned)session_key_count;
    return lines > keys + FIELD_COUNT ? keys + 1 : keys;
}

/* Line `y` of the help. Beyond the end it is blank. */
static void help_draw_line(const struct frame *frame, unsigned y, struct line *line)
{
    unsigned begin = help_columns_begin(frame->lines);
    if (y < session_key_count)
        put_entry(line, session_keys[y].keys, session_keys[y].help);
    else if (y >= begin && y - begin < FIELD_COUNT)
        put_entry(line, field_heading(&fields[y - begin]), field_help(&fields[y - begin]));
}

/* The first line of the help on a screen of `lines`, if `top` is wanted: the screen is filled if it can be. */
static unsigned help_top(unsigned top, unsigned lines)
{
    unsigned all = help_columns_begin(lines) + FIELD_COUNT, last = all > lines ? all - lines : 0;
    return top < last ? top : last;
}

/* ---- layout ---- */

int frame_make(struct frame *frame)
{
    static const struct model none;
    const struct model *model = frame->scene.watched != NULL ? &frame->scene.watched->model : &none;
    struct session *session = frame->scene.session;
    int r = key_rows_select(&frame->rows, model, frame->scene.request, &session->order, session->filter);
    if (r < 0)
        return r;
    divide_lines(frame);
    correct_scroll(frame);
    session->help_top = help_top(session->help_top, frame->lines);
    const struct key_row *first = frame->rows.rows + session->top;
    unsigned count = count_visible(frame);
    for (unsigned i = 0; i < count; i++)
        field_widths_measure(&session->needs, &first[i]);
    field_widths_make(&frame->widths, &session->needs, frame->scene.columns);
    field_widths_scale(&frame->widths, first, count);
    return 0;
}

void frame_free(struct frame *frame)
{
    key_rows_free(&frame->rows);
}

/* ---- the last line ---- */

static void put_position(const struct frame *frame, struct line *line)
{
    unsigned begin = line->width, first = frame->scene.session->top + 1, count = count_visible(frame);
    if (count == frame->rows.count)
        return;
    line_print(line, STYLE_FAINT, "  %u-%u of %u", first, first + count - 1, frame->rows.count);
    line_move_right(line, begin);
}

static void put_filter(const struct frame *frame, struct line *line)
{
    const struct session *session = frame->scene.session;
    unsigned all = frame->scene.watched != NULL && frame->scene.watched->model.snapshot != NULL
                       ? frame->scene.watched->model.snapshot->count
                       : 0;
    if (session->is_typing) {
        line_print(line, STYLE_NOTICE, " filter: %s_ ", session->filter);
        line_put(line, STYLE_FAINT, "   Enter keep   Esc clear");
    } else if (session->filter[0] != '\0') {
        line_print(line, STYLE_NOTICE, " filter: %s ", session->filter);
        line_print(line, STYLE_FAINT, "   %u of %u keys   Esc clear", frame->rows.count, all);
    }
}

static void put_footer(const struct frame *frame, struct line *line)
{
    static const char *const hints[] = {"q quit",  "p pause",      "s sort",        "f filter",
                                        "c clear", "+/- interval", "Tab next pool", "h help"};
    if (frame->scene.session->is_typing || frame->scene.session->filter[0] != '\0') {
        put_filter(frame, line);
    } else {
        for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
            if (frame->scene.pools->count < 2 && strncmp(hints[i], "Tab", 3) == 0)
                continue;
            if (line->width + HINT_GAP + strlen(hints[i]) > line->limit)
                break;
            line_fill(line, STYLE_PLAIN, line->width > 0 ? line->width + HINT_GAP : 0);
            line_put(line, STYLE_FAINT, hints[i]);
        }
    }
    put_position(frame, line);
}

/* ---- all of them ---- */

static void draw_row(const struct frame *frame, unsigned index, struct line *line)
{
    bool is_past = frame->scene.watched != NULL && frame->scene.watched->model.error != 0;
    if (index < frame->rows.count)
        field_widths_draw_row(&frame->widths, &frame->rows.rows[index], is_past, line);
}

static void draw_too_small(unsigned y, struct line *line)
{
    static const char *const words[] = {"too small", "make it larger", "q: quit"};
    if (y < sizeof(words) / sizeof(words[0]))
        line_put(line, STYLE_PLAIN, words[y]);
}

void frame_draw_line(const struct frame *frame, unsigned y, struct line *line)
{
    unsigned rows_begin = lines_above_rows(frame);
    line_begin(line, frame->scene.columns);
    if (!frame->scene.is_text && (frame->scene.columns < FRAME_COLUMNS_MIN || frame->lines < FRAME_LINES_MIN))
        draw_too_small(y, line);
    else if (frame->scene.session->shows_help)
        help_draw_line(frame, frame->scene.session->help_top + y, line);
    else if (y < frame->header_lines)
        header_draw_line(&frame->scene, frame->header_lines, y, line);
    else if (y < frame->header_lines + frame->notice_lines)
        notice_draw(&frame->scene, line);
    else if (y < rows_begin)
        field_widths_draw_headings(&frame->widths, &frame->scene.session->order, line);
    else if (y < frame->lines - frame->footer_lines)
        draw_row(frame, frame->scene.session->top + y - rows_begin, line);
    else
        put_footer(frame, line);
}
