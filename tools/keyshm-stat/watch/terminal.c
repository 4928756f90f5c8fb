/* SPDX-License-Identifier: MIT */
#include "terminal.h"

/* Without macros named like common words. */
#define NCURSES_NOMACROS 1
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "color.h"
#include "program.h"
#include "signals.h"

#define ESCAPE_DELAY_MS 25
#define TRACK_COLOR 236 /* of 256: a dark grey, behind bars */
#define GREY_COLOR 245
#define PAIR_COLOR 1                        /* and those after it: of the enum color at that distance */
#define PAIR_BAR (PAIR_COLOR + COLOR_COUNT) /* the same */
#define PAIR_GRAPH (PAIR_BAR + COLOR_COUNT)
#define PAIR_GREY (PAIR_GRAPH + 1)

static SCREEN *screen;
static bool is_colored;

/* newterm() accepts a terminal that cannot move its cursor. */
static bool is_capable(void)
{
    int error;
    if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
        return false;
    const char *move = tigetstr("cup");
    bool capable = move != NULL && (intptr_t)move != -1;
    del_curterm(cur_term);
    return capable;
}

static void begin_color(void)
{
    is_colored = is_colored && has_colors() && start_color() == OK;
    if (!is_colored)
        return;
    use_default_colors();
    for (int color = 0; color < COLOR_COUNT; color++) {
        init_pair((short)(PAIR_COLOR + color), (short)color, -1);
        init_pair((short)(PAIR_BAR + color), (short)color, COLORS >= 256 ? TRACK_COLOR : -1);
    }
    init_pair(PAIR_GRAPH, COLOR_CYAN, -1);
    init_pair(PAIR_GREY, COLORS >= 256 ? GREY_COLOR : -1, -1);
}

enum exit_status terminal_open(bool with_color)
{
    static const char advice[] = "use --batch for frames of text, or set TERM to what this terminal is";
    const char *name = getenv("TERM");
    if (!is_capable())
        return refuse("this terminal (TERM is %s) cannot show a screen; %s", name != NULL ? name : "not set", advice);
    screen = newterm(NULL, stdout, stdin);
    if (screen == NULL)
        return refuse("the terminal cannot be taken over; %s", advice);
    is_colored = with_color;
    begin_color();
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, true);
    nodelay(stdscr, true);
    set_escdelay(ESCAPE_DELAY_MS);
    curs_set(0);
    return EXIT_FINE;
}

void terminal_close(void)
{
    signals_resume_output();
    endwin();
    delscreen(screen);
}

void terminal_leave(void)
{
    endwin();
}

void terminal_return(void)
{
    reset_prog_mode();
    terminal_measure();
    terminal_forget();
}

void terminal_measure(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
}

unsigned terminal_columns(void)
{
    return (unsigned)getmaxx(stdscr);
}

unsigned terminal_lines(void)
{
    return (unsigned)getmaxy(stdscr);
}

bool terminal_is_ready(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLOUT) != 0;
}

/* ---- drawing ---- */

static attr_t style_attributes(enum style style)
{
    if (style >= STYLE_BAR)
        return A_NORMAL;
    switch (style) {
    case STYLE_FAINT:
        return is_colored && COLORS >= 256 ? A_NORMAL : A_DIM;
    case STYLE_STRONG:
        return A_BOLD;
    case STYLE_HEADING:
        return A_UNDERLINE;
    case STYLE_HEADING_SORTED:
        return A_UNDERLINE | A_BOLD;
    case STYLE_ALERT:
        return is_colored ? A_BOLD : A_REVERSE | A_BOLD;
    case STYLE_NOTICE:
        return A_REVERSE;
    default:
        return A_NORMAL;
    }
}

static short style_pair(enum style style)
{
    if (!is_colored)
        return 0;
    if (style >= STYLE_BAR)
        return (short)(PAIR_BAR + (int)(style - STYLE_BAR));
    if (style >= STYLE_COLOR)
        return (short)(PAIR_COLOR + (int)(style - STYLE_COLOR));
    if (style == STYLE_GRAPH)
        return PAIR_GRAPH;
    if (style == STYLE_FAINT || style == STYLE_HEADING)
        return PAIR_GREY;
    return style == STYLE_ALERT ? PAIR_COLOR + COLOR_OF_FAILURE : 0;
}

void terminal_draw(unsigned y, const struct line *line)
{
    wmove(stdscr, (int)y, 0);
    for (unsigned x = 0; x < line->width; x++) {
        const wchar_t text[] = {line->cells[x].character, L'\0'};
        enum style style = line->cells[x].style;
        cchar_t cell;
        if (text[0] == L'\0' || setcchar(&cell, text, style_attributes(style), style_pair(style), NULL) != OK)
            continue;
        mvwadd_wch(stdscr, (int)y, (int)x, &cell);
    }
    if (line->width < terminal_columns()) {
        wmove(stdscr, (int)y, (int)line->width);
        wclrtoeol(stdscr);
    }
}

void terminal_show(void)
{
    wrefresh(stdscr);
}

void terminal_forget(void)
{
    clearok(stdscr, true);
}

/* ---- keys ---- */

static enum input_kind kind_of_key(wint_t key)
{
    switch (key) {
    case KEY_UP:
        return INPUT_UP;
    case KEY_DOWN:
        return INPUT_DOWN;
    case KEY_PPAGE:
        return INPUT_PAGE_UP;
    case KEY_NPAGE:
        return INPUT_PAGE_DOWN;
    case KEY_HOME:
        return INPUT_HOME;
    case KEY_END:
        return INPUT_END;
    case KEY_BTAB:
        return INPUT_BACK_TAB;
    case KEY_BACKSPACE:
        return INPUT_BACKSPACE;
    default:
        return INPUT_OTHER;
    }
}

bool terminal_input(struct input *ret_input)
{
    wint_t key;
    int r = wget_wch(stdscr, &key);
    if (r == ERR)
        return false;
    ret_input->kind = r == KEY_CODE_YES ? kind_of_key(key) : INPUT_CHARACTER;
    ret_input->character = (wchar_t)key;
    if (r == KEY_CODE_YES && key == KEY_ENTER)
        *ret_input = (struct input){INPUT_CHARACTER, L'\n'};
    return true;
}
