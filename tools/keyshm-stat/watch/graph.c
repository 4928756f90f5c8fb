/* SPDX-License-Identifier: MIT */
#include "graph.h"

#include <langinfo.h>
#include <stdbool.h>
#include <string.h>

#define EIGHTHS 8

static bool has_blocks(void)
{
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* In eighths of a column, or in whole ones. */
static unsigned full_part(double fraction, unsigned width, unsigned parts)
{
    unsigned all = width * parts;
    unsigned full = (unsigned)(fraction * all + 0.5);
    if (full == 0 && fraction > 0)
        return 1;
    return full < all || fraction >= 1 ? full : all - 1;
}

void graph_put_bar(struct line *line, enum style style, double fraction, unsigned width)
{
    static const wchar_t partly[EIGHTHS] = {L' ',      L'\u258f', L'\u258e', L'\u258d',
                                            L'\u258c', L'\u258b', L'\u258a', L'\u2589'};
    unsigned parts = has_blocks() ? EIGHTHS : 1, full = full_part(fraction, width, parts);
    for (unsigned column = 0; column < width; column++) {
        if (full >= (column + 1) * parts)
            line_put_character(line, style, parts == 1 ? L'#' : L'\u2588');
        else if (full > column * parts)
            line_put_character(line, style, partly[full - column * parts]);
        else
            line_put_character(line, style, parts == 1 ? L'-' : L' ');
    }
}

/* The lowest character means exactly 0. */
static wchar_t level_character(double per_s, double most_per_s)
{
    static const wchar_t blocks[EIGHTHS] = L"\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588",
                         ascii[EIGHTHS] = L"_.:-=+*#";
    unsigned level = 0;
    if (per_s < 0)
        return L' ';
    if (per_s > 0)
        level = 1 + (unsigned)(per_s / most_per_s * (EIGHTHS - 2) + 0.5);
    if (level >= EIGHTHS)
        level = EIGHTHS - 1;
    return has_blocks() ? blocks[level] : ascii[level];
}

void graph_put_history(struct line *line, enum style style, const struct history *history, unsigned steps,
                       double most_per_s)
{
    for (unsigned step = 0; step < steps; step++)
        line_put_character(line, style, level_character(history_per_s(history, step, steps), most_per_s));
}

double graph_most_per_s(const struct history *history, unsigned steps)
{
    double most_per_s = 0;
    for (unsigned step = 0; step < steps; step++) {
        double per_s = history_per_s(history, step, steps);
        most_per_s = per_s > most_per_s ? per_s : most_per_s;
    }
    return most_per_s;
}

unsigned graph_steps(unsigned width)
{
    static const unsigned choices[] = {60, 30, 20, 15, 12, 10};
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
        if (choices[i] <= width)
            return choices[i];
    return 0;
}
