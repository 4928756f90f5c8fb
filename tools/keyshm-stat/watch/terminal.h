/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_TERMINAL_H
#define KEYSHM_STAT_WATCH_TERMINAL_H

/* The terminal as a screen, by ncurses: the only file that uses ncurses. */

#include <stdbool.h>

#include "failure.h"
#include "line.h"
#include "session.h"

/* Take it over. If that is impossible, reports why, and leaves it as it was. */
enum exit_status terminal_open(bool with_color);

/* Give it back as it was. */
void terminal_close(void);

/* The same for a while, and take it over again. */
void terminal_leave(void);
void terminal_return(void);

/* Its size may have changed. */
void terminal_measure(void);
unsigned terminal_columns(void);
unsigned terminal_lines(void);

/* Whether writing to it would not block. It would when its output was stopped (Ctrl-S), or its other end is stuck. */
bool terminal_is_ready(void);

void terminal_draw(unsigned y, const struct line *line);
void terminal_show(void);

/* Draw all of it again next time. */
void terminal_forget(void);

/* The next key that was pressed. False: none was. */
bool terminal_input(struct input *ret_input);

#endif
