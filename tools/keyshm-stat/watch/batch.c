/* SPDX-License-Identifier: MIT */
#include "batch.h"

#include <limits.h>
#include <stdio.h>

#include "clocks.h"
#include "frame.h"
#include "program.h"
#include "stream.h"
#include "timer.h"

struct batch {
    const struct request *request;
    struct watched_pools pools;
    struct session session;
};

/* Without trailing blanks. */
static void print_line(const struct line *line)
{
    unsigned width = line->width;
    mbstate_t state = {0};
    char bytes[MB_LEN_MAX];
    while (width > 0 && line->cells[width - 1].character == L' ')
        width--;
    for (unsigned i = 0; i < width; i++) {
        size_t length = line->cells[i].character != 0 ? wcrtomb(bytes, line->cells[i].character, &state) : 0;
        if (length != (size_t)-1)
            fwrite(bytes, 1, length, stdout);
    }
    putchar('\n');
}

static int print_pool(struct batch *batch)
{
    struct line line;
    struct frame frame = {.scene = {.request = batch->request,
                                    .session = &batch->session,
                                    .pools = &batch->pools,
                                    .watched = watched_pools_shown(&batch->pools),
                                    .is_text = true,
                                    .columns = LINE_WIDTH_MAX,
                                    .now_ms = clock_monotonic_ms(),
                                    .unix_ms = clock_wall_ms()}};
    session_begin_page(&batch->session);
    int r = frame_make(&frame);
    if (r < 0)
        return r;
    for (unsigned y = 0; y < frame.lines; y++) {
        frame_draw_line(&frame, y, &line);
        print_line(&line);
    }
    frame_free(&frame);
    return 0;
}

static int print_all(struct batch *batch, bool is_first)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < (batch->pools.count > 0 ? batch->pools.count : 1); i++) {
        if (!is_first || i > 0)
            putchar('\n');
        batch->pools.shown = i;
        r = print_pool(batch);
    }
    batch->pools.shown = 0;
    return r;
}

/* Until there are enough frames, nobody reads them any more, or a signal comes. */
static int run(struct batch *batch)
{
    struct timer timer;
    timer_begin(&timer, clock_monotonic_ms());
    for (uint64_t frames = 0;;) {
        int r = print_all(batch, frames == 0);
        if (r < 0 || !stream_flush() || ++frames == batch->request->iterations)
            return r;
        timer_go_on(&timer, batch->request->interval_ms, clock_monotonic_ms());
        if (!stream_wait(timer_left_ms(&timer, clock_monotonic_ms())))
            return r;
        watched_pools_read_all(&batch->pools, batch->request);
    }
}

static enum exit_status run_until_stopped(struct batch *batch)
{
    int r = stream_begin();
    if (r < 0)
        return refuse("cannot wait for signals: %s", keyshm_strerror(r));
    r = run(batch);
    stream_end();
    return r < 0 ? refuse("cannot go on: %s", keyshm_strerror(r)) : EXIT_FINE;
}

enum exit_status watch_batch(const struct request *request)
{
    struct batch batch = {.request = request};
    watched_pools_begin(&batch.pools);
    session_begin(&batch.session, request);
    enum exit_status status = watched_pools_open(&batch.pools, request);
    if (status == EXIT_FINE)
        status = run_until_stopped(&batch);
    watched_pools_end(&batch.pools);
    return status;
}
