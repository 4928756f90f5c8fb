/* SPDX-License-Identifier: MIT */
#include "repeat.h"

#include "keyshm.h"
#include "program.h"
#include "stream.h"
#include "watch/timer.h"

enum exit_status repeat_documents(const struct request *request)
{
    struct request each = *request;
    struct timer timer;
    enum exit_status status;
    int r = stream_begin();
    if (r < 0)
        return refuse("cannot wait for signals: %s", keyshm_strerror(r));
    each.is_one_line = true;
    timer_begin(&timer, timer_now_ms());
    for (uint64_t shown = 0;;) {
        status = show_once(&each);
        if (!stream_flush() || ++shown == request->iterations)
            break;
        timer_go_on(&timer, request->interval_ms, timer_now_ms());
        if (!stream_wait(timer_left_ms(&timer, timer_now_ms())))
            break;
    }
    stream_end();
    return status;
}
