/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_TERMINAL_H
#define KEYSHM_STAT_WATCH_TERMINAL_H

/* The terminal as a screen, by ncurses: the only file that names it. */

#include <stdbool.h>

#include "failure.h"
#include "line.h"
#include "session.h"

/* Take it over. Tells what is wrong when it cannot be, and leaves it as it was. */
enum exit_status terminal_open(bool with_color);

/* Give it back as it was. */
void terminal_close(void);

/* The same for a while, and take it again. */
void terminal_leave(void);
void terminal_return(void);

/* Its size may be another. */
void terminal_measure(void);
unsigned terminal_columns(void);
unsigned terminal_lines(void);

/* Does it take output at this moment? One that was stopped (Ctrl-S), or whose other end is stuck, does not, and whoever
 * writes to it then has to wait. */
bool terminal_is_ready(void);

void terminal_draw(unsigned y, const struct line *line);
void terminal_show(void);

/* Forget what is on it, so that all is written again. */
void terminal_forget(void);

/* The next key that was pressed. False when there is none. */
bool terminal_input(struct input *ret_input);

#endif
