/* SPDX-License-Identifier: MIT */
#include "live.h"

#include <poll.h>
#include <unistd.h>

#include "clocks.h"
#include "frame.h"
#include "program.h"
#include "signals.h"
#include "terminal.h"
#include "timer.h"

struct live {
    const struct request *request;
    struct watched_pools pools;
    struct session session;
    struct timer timer;
    bool is_over;
    bool is_behind; /* the screen is out of date */
    int ended_by;   /* a signal that the program must die of; 0: none */
    int error;      /* -ENOMEM: it cannot go on */
};

static void read_shown(struct live *live)
{
    watched_pools_read_shown(&live->pools, live->request);
    live->is_behind = true;
}

/* ---- drawing ---- */

static void draw(struct live *live)
{
    struct line line;
    struct frame frame = {.scene = {.request = live->request,
                                    .session = &live->session,
                                    .pools = &live->pools,
                                    .watched = watched_pools_shown(&live->pools),
                                    .columns = terminal_columns(),
                                    .now_ms = clock_monotonic_ms(),
                                    .unix_ms = clock_wall_ms()},
                          .lines = terminal_lines()};
    live->error = frame_make(&frame);
    if (live->error < 0)
        return;
    for (unsigned y = 0; y < frame.lines; y++) {
        frame_draw_line(&frame, y, &line);
        terminal_draw(y, &line);
    }
    frame_free(&frame);
    terminal_show();
    live->is_behind = false;
}

/* ---- keys ---- */

/* The next frame is due one interval from now. */
static void begin_interval(struct live *live)
{
    int64_t now_ms = clock_monotonic_ms();
    timer_begin(&live->timer, now_ms);
    timer_go_on(&live->timer, live->session.interval_ms, now_ms);
}

static void show_another(struct live *live, void (*turn)(struct watched_pools *pools))
{
    turn(&live->pools);
    session_begin_page(&live->session);
    if (!live->session.is_paused || watched_pools_shown(&live->pools)->model.snapshot == NULL)
        read_shown(live);
}

static void do_as_asked(struct live *live, enum effect effect)
{
    struct watched *watched = watched_pools_shown(&live->pools);
    switch (effect) {
    case EFFECT_QUIT:
        live->is_over = true;
        break;
    case EFFECT_REDRAW:
        terminal_forget();
        break;
    case EFFECT_READ:
        read_shown(live);
        break;
    case EFFECT_TIME:
        begin_interval(live);
        break;
    case EFFECT_CLEAR:
        if (watched != NULL)
            model_clear(&watched->model, clock_wall_ms());
        break;
    case EFFECT_NEXT_POOL:
        if (watched != NULL)
            show_another(live, watched_pools_next);
        break;
    case EFFECT_PREVIOUS_POOL:
        if (watched != NULL)
            show_another(live, watched_pools_previous);
        break;
    case EFFECT_NONE:
        break;
    }
    live->is_behind = true;
}

static void take_keys(struct live *live)
{
    struct input input;
    while (!live->is_over && terminal_input(&input))
        do_as_asked(live, session_input(&live->session, &input));
}

/* ---- signals ---- */

static void act_on(struct live *live, int number)
{
    switch (number) {
    case SIGWINCH:
        terminal_measure();
        break;
    case SIGTSTP:
        terminal_leave();
        signals_act_by_default(SIGTSTP);
        terminal_return();
        break;
    case SIGCONT: /* after a SIGSTOP too; a shell may have used the terminal meanwhile */
        terminal_return();
        break;
    case SIGINT: /* Ctrl-C: the same as q */
        live->is_over = true;
        break;
    default:
        live->is_over = true;
        live->ended_by = number;
        break;
    }
    live->is_behind = true;
}

static void take_signals(struct live *live)
{
    for (int number = signals_take(); number != 0 && !live->is_over; number = signals_take())
        act_on(live, number);
}

/* ---- all of it ---- */

static void take_time(struct live *live)
{
    int64_t now_ms = clock_monotonic_ms();
    if (timer_left_ms(&live->timer, now_ms) > 0)
        return;
    timer_go_on(&live->timer, live->session.interval_ms, now_ms);
    if (!live->session.is_paused)
        read_shown(live);
}

static void run(struct live *live)
{
    struct pollfd inputs[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = signals_fd(), .events = POLLIN}};
    begin_interval(live);
    while (!live->is_over && live->error == 0) {
        take_time(live);
        if (live->is_behind && terminal_is_ready())
            draw(live);
        if (poll(inputs, 2, timer_left_ms(&live->timer, clock_monotonic_ms())) < 0)
            continue; /* EINTR: the signal is in the pipe */
        take_signals(live);
        if (!live->is_over)
            take_keys(live);
        /* The terminal is gone. */
        if ((inputs[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
            live->is_over = true;
    }
}

static enum exit_status run_on_terminal(struct live *live)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
    int r = signals_begin(numbers, sizeof(numbers) / sizeof(numbers[0]));
    if (r < 0)
        return refuse("cannot wait for signals: %s", keyshm_strerror(r));
    enum exit_status status = terminal_open(color_is_wanted(live->request->color));
    if (status == EXIT_FINE) {
        run(live);
        terminal_close();
    }
    signals_end();
    if (live->ended_by != 0)
        signals_act_by_default(live->ended_by);
    return live->error < 0 ? refuse("cannot go on: %s", keyshm_strerror(live->error)) : status;
}

enum exit_status watch_live(const struct request *request)
{
    struct live live = {.request = request, .is_behind = true};
    if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
        return refuse("--watch needs a terminal to show a screen on and to read keys from; without one use --batch for "
                      "frames of text, or --json");
    watched_pools_begin(&live.pools);
    session_begin(&live.session, request);
    enum exit_status status = watched_pools_open(&live.pools, request);
    if (status == EXIT_FINE)
        status = run_on_terminal(&live);
    watched_pools_end(&live.pools);
    return status;
}
