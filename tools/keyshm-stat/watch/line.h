/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_LINE_H
#define KEYSHM_STAT_WATCH_LINE_H

/* One line of a frame: characters that any terminal can show, each with a style. What is beyond its limit is cut off. */

#include <stdbool.h>
#include <wchar.h>

#include "color.h"

#define LINE_WIDTH_MAX 1024

enum style {
    STYLE_PLAIN,
    STYLE_FAINT,
    STYLE_STRONG,
    STYLE_HEADING,
    STYLE_HEADING_SORTED,
    STYLE_GRAPH,
    STYLE_ALERT,
    STYLE_NOTICE,
    STYLE_COLOR,                           /* and those after it: of the enum color at that distance */
    STYLE_BAR = STYLE_COLOR + COLOR_COUNT, /* the same, for bars, whose empty part can be seen */
    STYLE_COUNT = STYLE_BAR + COLOR_COUNT,
};

struct line {
    unsigned limit; /* columns */
    unsigned width; /* columns so far */
    struct {
        wchar_t character; /* 0: the second half of the one before */
        enum style style;
    } cells[LINE_WIDTH_MAX];
};

/* Of text in that colour. */
enum style line_style(enum color color);

void line_begin(struct line *line, unsigned limit);

/* Text in the locale's encoding, with '?' for what cannot be printed. */
void line_put(struct line *line, enum style style, const char *text);

/* The same in at most `width` columns; where it is cut, it ends with an ellipsis. */
void line_put_cut(struct line *line, enum style style, const char *text, unsigned width);

__attribute__((format(printf, 3, 4))) void line_print(struct line *line, enum style style, const char *format, ...);

void line_put_character(struct line *line, enum style style, wchar_t character);

/* Blanks up to that column. */
void line_fill(struct line *line, enum style style, unsigned column);

/* How many columns line_put() would take. */
unsigned line_text_width(const char *text);

/* Move what was put since `column` to the right end. */
void line_move_right(struct line *line, unsigned column);

#endif
