/* SPDX-License-Identifier: MIT */
#include "key_help.h"

#include "fields.h"
#include "session.h"

#define NAME_WIDTH 21 /* columns */

static void put_entry(struct line *line, const char *name, const char *help)
{
    line_put(line, STYLE_STRONG, name);
    line_fill(line, STYLE_PLAIN, NAME_WIDTH);
    line_put(line, STYLE_PLAIN, help);
}

void key_help_draw_line(unsigned y, struct line *line)
{
    if (y < session_key_count)
        put_entry(line, session_keys[y].keys, session_keys[y].help);
    else if (y > session_key_count && y - session_key_count - 1 < FIELD_COUNT)
        put_entry(line, fields[y - session_key_count - 1].heading, fields[y - session_key_count - 1].help);
}

unsigned key_help_top(unsigned top, unsigned lines)
{
    unsigned all = (unsigned)session_key_count + 1 + FIELD_COUNT, last = all > lines ? all - lines : 0;
    return top < last ? top : last;
}
