/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "clocks.h"
#include "signals.h"
#include "timer.h"

int stream_begin(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    return signals_begin(signals, sizeof(signals) / sizeof(signals[0]));
}

void stream_end(void)
{
    signals_end();
}

bool stream_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    if (errno == EPIPE) {
        __fpurge(stdout);
        clearerr(stdout);
    }
    return false;
}

bool stream_wait(int64_t duration_ms)
{
    int64_t until_ms = clock_monotonic_ms() + duration_ms;
    for (;;) {
        const struct timer timer = {until_ms};
        int left_ms = timer_left_ms(&timer, clock_monotonic_ms());
        /* POLLERR, for a pipe without a reader, comes without being asked for. */
        struct pollfd waited[] = {{.fd = signals_fd(), .events = POLLIN}, {.fd = STDOUT_FILENO}};
        poll(waited, 2, left_ms);
        if (signals_take() != 0 || (waited[1].revents & POLLERR) != 0)
            return false;
        if (left_ms <= 0)
            return true;
    }
}
