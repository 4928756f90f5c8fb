/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_SESSION_H
#define KEYSHM_STAT_WATCH_SESSION_H

/* What the user has set, and how each key of the keyboard changes it. Pure: it uses no terminal. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#include "field_widths.h"
#include "key_rows.h"
#include "request.h"

struct session {
    struct key_order order;
    char filter[KEY_ROWS_FILTER_SIZE];
    bool is_typing; /* the filter */
    bool is_paused;
    bool shows_help;
    int64_t interval_ms;
    unsigned top;  /* the first row on the screen */
    unsigned page; /* rows that the screen has room for */
    unsigned help_top;
    struct field_needs needs;
};

enum input_kind {
    INPUT_CHARACTER,
    INPUT_UP,
    INPUT_DOWN,
    INPUT_PAGE_UP,
    INPUT_PAGE_DOWN,
    INPUT_HOME,
    INPUT_END,
    INPUT_BACK_TAB,
    INPUT_BACKSPACE,
    INPUT_OTHER,
};

struct input {
    enum input_kind kind;
    wchar_t character;
};

/* What the caller still has to do about a key. */
enum effect {
    EFFECT_NONE, /* only draw what has changed */
    EFFECT_QUIT,
    EFFECT_REDRAW, /* draw the whole screen again */
    EFFECT_READ,   /* read the pool now */
    EFFECT_TIME,   /* the interval has changed */
    EFFECT_CLEAR,  /* clear the counters */
    EFFECT_NEXT_POOL,
    EFFECT_PREVIOUS_POOL,
};

/* What a key does, for the help. */
struct session_key {
    const char *keys;
    const char *help;
};
extern const struct session_key session_keys[];
extern const size_t session_key_count;

void session_begin(struct session *session, const struct request *request);
enum effect session_input(struct session *session, const struct input *input);

/* Another pool is shown: widths are measured anew, from the first row. */
void session_begin_page(struct session *session);

#endif
