/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <limits.h>
#include <string.h>
#include <wctype.h>

#define CONTROL(letter) ((letter)&0x1f)
#define ESCAPE 0x1b
#define DELETE 0x7f

static const int64_t intervals_ms[] = {100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000};
static const size_t interval_count = sizeof(intervals_ms) / sizeof(intervals_ms[0]);

const struct session_key session_keys[] = {
    {"q", "quit"},
    {"p, Space", "pause: nothing is read until it is pressed again"},
    {"s, S", "sort by the next column; turn the order round"},
    {"f, /", "filter by a part of key, label, group or status (all of it: * ?); Esc clears"},
    {"c", "clear: count picks and errors from now"},
    {"+, -", "a longer, a shorter interval: 0.1 to 60 seconds"},
    {"Tab, Shift-Tab", "the next pool, the one before"},
    {"Up, Down, PgUp, PgDn", "scroll; Home and End too"},
    {"r, Ctrl-L", "draw all of the screen again"},
    {"h, ?", "this help; any other key leaves it"},
};
const size_t session_key_count = sizeof(session_keys) / sizeof(session_keys[0]);

void session_begin(struct session *session, const struct request *request)
{
    memset(session, 0, sizeof(*session));
    session->order.field = request->sort != NULL ? NULL : &fields[0];
    session->interval_ms = request->interval_ms;
}

void session_begin_page(struct session *session)
{
    memset(&session->needs, 0, sizeof(session->needs));
    session->top = 0;
}

static void sort_by_next(struct session *session)
{
    const struct field *next = session->order.field;
    do
        next = next == NULL || next == &fields[FIELD_COUNT - 1] ? &fields[0] : next + 1;
    while (!field_is_text(next));
    session->order = (struct key_order){.field = next, .is_reversed = false};
    session->top = 0;
}

static enum effect lengthen_interval(struct session *session)
{
    size_t i = 0;
    while (i < interval_count - 1 && intervals_ms[i] <= session->interval_ms)
        i++;
    if (intervals_ms[i] > session->interval_ms)
        session->interval_ms = intervals_ms[i];
    return EFFECT_TIME;
}

static enum effect shorten_interval(struct session *session)
{
    size_t i = interval_count - 1;
    while (i > 0 && intervals_ms[i] >= session->interval_ms)
        i--;
    if (intervals_ms[i] < session->interval_ms)
        session->interval_ms = intervals_ms[i];
    return EFFECT_TIME;
}

/* May be beyond the end: the frame corrects it. */
static unsigned scrolled(unsigned top, unsigned page, enum input_kind kind)
{
    switch (kind) {
    case INPUT_UP:
        return top > 0 ? top - 1 : 0;
    case INPUT_DOWN:
        return top + 1;
    case INPUT_PAGE_UP:
        return top > page ? top - page : 0;
    case INPUT_PAGE_DOWN:
        return top + page;
    case INPUT_END:
        return UINT_MAX / 2;
    default:
        return 0;
    }
}

/* ---- the filter ---- */

static void append(struct session *session, wchar_t character)
{
    char bytes[MB_LEN_MAX];
    mbstate_t state = {0};
    size_t length = wcrtomb(bytes, character, &state), used = strlen(session->filter);
    if (length == (size_t)-1 || used + length >= sizeof(session->filter))
        return;
    memcpy(session->filter + used, bytes, length);
    session->filter[used + length] = '\0';
}

/* One character: in UTF-8 all its bytes but the first begin with the bits 10. In other locales all have one byte. */
static void erase_last(struct session *session)
{
    size_t length = strlen(session->filter);
    while (length > 0 && ((unsigned char)session->filter[length - 1] & 0xc0) == 0x80)
        length--;
    session->filter[length > 0 ? length - 1 : 0] = '\0';
}

static void type(struct session *session, const struct input *input)
{
    wchar_t character = input->kind == INPUT_CHARACTER ? input->character : 0;
    session->top = 0;
    if (input->kind == INPUT_BACKSPACE || character == DELETE || character == CONTROL('H'))
        erase_last(session);
    else if (character == L'\r' || character == L'\n')
        session->is_typing = false;
    else if (character == ESCAPE)
        session->is_typing = false, session->filter[0] = '\0';
    else if (character == CONTROL('U'))
        session->filter[0] = '\0';
    else if (character != 0 && iswprint((wint_t)character))
        append(session, character);
}

/* ---- everything else ---- */

static enum effect pause_or_go_on(struct session *session)
{
    session->is_paused = !session->is_paused;
    return session->is_paused ? EFFECT_NONE : EFFECT_READ;
}

static enum effect press(struct session *session, wchar_t character)
{
    switch (character) {
    case L'q':
        return EFFECT_QUIT;
    case L'p':
    case L' ':
        return pause_or_go_on(session);
    case L's':
        sort_by_next(session);
        return EFFECT_NONE;
    case L'S':
        session->order.is_reversed = !session->order.is_reversed;
        return EFFECT_NONE;
    case L'f':
    case L'/':
        session->is_typing = true;
        return EFFECT_NONE;
    case ESCAPE:
        session->filter[0] = '\0';
        return EFFECT_NONE;
    case L'c':
        return EFFECT_CLEAR;
    case L'+':
        return lengthen_interval(session);
    case L'-':
        return shorten_interval(session);
    case L'\t':
        return EFFECT_NEXT_POOL;
    case L'h':
    case L'?':
        session->shows_help = true;
        session->help_top = 0;
        return EFFECT_NONE;
    case L'r':
    case CONTROL('L'):
        return EFFECT_REDRAW;
    default:
        return EFFECT_NONE;
    }
}

static bool scrolls(const struct input *input)
{
    return input->kind >= INPUT_UP && input->kind <= INPUT_END;
}

enum effect session_input(struct session *session, const struct input *input)
{
    if (session->shows_help && scrolls(input)) {
        session->help_top = scrolled(session->help_top, session->page, input->kind);
    } else if (session->shows_help) {
        session->shows_help = false;
    } else if (scrolls(input)) {
        session->top = scrolled(session->top, session->page, input->kind);
    } else if (session->is_typing) {
        type(session, input);
    } else if (input->kind == INPUT_BACK_TAB) {
        return EFFECT_PREVIOUS_POOL;
    } else if (input->kind == INPUT_CHARACTER) {
        return press(session, input->character);
    }
    return EFFECT_NONE;
}
