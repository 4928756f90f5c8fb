/* SPDX-License-Identifier: MIT */
#include "line.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

#define TEXT_SIZE 512

enum style line_style(enum color color)
{
    return color == NO_COLOR ? STYLE_PLAIN : STYLE_COLOR + (enum style)color;
}

void line_begin(struct line *line, unsigned limit)
{
    line->limit = limit < LINE_WIDTH_MAX ? limit : LINE_WIDTH_MAX;
    line->width = 0;
}

/* The next character, and how many bytes it has: at least 1, so that a loop over a text always ends. */
static size_t next_character(const char *text, mbstate_t *state, wchar_t *ret_character)
{
    size_t length = mbrtowc(ret_character, text, strlen(text), state);
    if (length == 0 || length > strlen(text)) {
        memset(state, 0, sizeof(*state));
        *ret_character = L'?';
        return 1;
    }
    if (!iswprint((wint_t)*ret_character) || wcwidth(*ret_character) < 1)
        *ret_character = L'?';
    return length;
}

void line_put_character(struct line *line, enum style style, wchar_t character)
{
    int width = wcwidth(character);
    for (int i = 0; i < width && line->width + (unsigned)(width - i) <= line->limit; i++) {
        line->cells[line->width].character = i == 0 ? character : 0;
        line->cells[line->width].style = style;
        line->width++;
    }
}

void line_put(struct line *line, enum style style, const char *text)
{
    mbstate_t state = {0};
    wchar_t character;
    while (*text != '\0') {
        text += next_character(text, &state, &character);
        line_put_character(line, style, character);
    }
}

unsigned line_text_width(const char *text)
{
    mbstate_t state = {0};
    wchar_t character;
    unsigned width = 0;
    while (*text != '\0') {
        text += next_character(text, &state, &character);
        width += (unsigned)wcwidth(character);
    }
    return width;
}

static wchar_t ellipsis(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? L'\u2026' : L'>';
}

void line_put_cut(struct line *line, enum style style, const char *text, unsigned width)
{
    unsigned limit = line->limit, end = line->width + width;
    bool is_cut = line_text_width(text) > width;
    if (is_cut && end <= limit)
        line->limit = end - 1;
    line_put(line, style, text);
    line->limit = limit;
    if (is_cut)
        line_put_character(line, style, ellipsis());
}

void line_print(struct line *line, enum style style, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    line_put(line, style, text);
}

void line_fill(struct line *line, enum style style, unsigned column)
{
    while (line->width < column && line->width < line->limit)
        line_put_character(line, style, L' ');
}

void line_move_right(struct line *line, unsigned column)
{
    unsigned count = line->width - column, gap = line->limit - line->width;
    memmove(&line->cells[column + gap], &line->cells[column], count * sizeof(line->cells[0]));
    line->width = column;
    line_fill(line, STYLE_PLAIN, column + gap);
    line->width = column + gap + count;
}
